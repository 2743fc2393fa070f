"""The API on a bad day."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from judge import Verdict
from merchants import four_kinds
from scenarios import scenario
from world import Break, World, world

Fault = dict[str, Any]

WRITES = (
    "POST /products/",
    "PUT /products/{productId}",
    "DELETE /products/{productId}",
    "POST /products/bulk-update",
    "POST /products/bulk-update/edit",
)
HIT = 5
"""Requests of each route that meet a fault: about half of what four merchants send there."""
TIMEOUT_SECONDS = 2
LATE_SECONDS = 0.3


def writes_meet(world: World, *faults: Fault) -> Break:
    """Writes of every kind meet these faults in turn."""

    async def break_() -> None:
        for _, route, fault in product(range(HIT), WRITES, faults):
            await world.shop.break_(**fault, operation=route)

    return break_


def everything_meets(world: World, *faults: Fault) -> Break:
    """Whatever comes, reads too, meets these."""

    async def break_() -> None:
        for fault in faults:
            await world.shop.break_(**fault)

    return break_


async def _day(*breaks: tuple[Sequence[Fault], bool], **round_: Any) -> Verdict:
    """A day in one world: each of the breakages once, on writes alone or on everything."""
    async with world(products=90 * (1 + len(breaks)), TIMEOUT=str(TIMEOUT_SECONDS)) as made:
        verdict = Verdict()
        for faults, everything in breaks:
            meet = everything_meets if everything else writes_meet
            verdict.add(await made.round(four_kinds(made.server.url), meet(made, *faults), **round_))
        return await made.ended(verdict)


def either(kind: str, *statuses: int) -> list[Fault]:
    """The fault, with each status, after the write was done and instead of it."""
    return [
        {"kind": kind, "applied": applied, **({"status": status} if status else {})}
        for status in statuses or (0,)
        for applied in (True, False)
    ]


@scenario("answers come late")
async def late() -> Verdict:
    """Every answer takes its time, and some writes longer than the client waits for."""
    slow = [{"kind": "latency", "seconds": LATE_SECONDS, "count": None}]
    gone = [
        {"kind": "latency", "seconds": TIMEOUT_SECONDS + 2, "applied": applied} for applied in (True, False)
    ]
    return await _day((slow, True), (gone, False))


@scenario("429 storm")
async def storm() -> Verdict:
    """The API says for a while that it is too much, whatever comes."""
    return await _day(([{"kind": "rate_limited", "count": 30}], True), ([{"kind": "rate_limited"}], False))


@scenario("5xx")
async def server_errors() -> Verdict:
    """500, 502, 503 and 504, after the write or instead of it."""
    return await _day((either("server_error", 500, 503), False), (either("server_error", 502, 504), False))


@scenario("HTML in place of JSON")
async def pages() -> Verdict:
    """A gateway's page, with 502 and with 200."""
    return await _day((either("html", 502, 200), False), ([{"kind": "html", "count": 40}], True))


@scenario("JSON cut in half")
async def truncated() -> Verdict:
    """Half an answer, of writes and of reads."""
    return await _day(([{"kind": "truncated"}], False), ([{"kind": "truncated", "count": 40}], True))


@scenario("null and missing fields", short=True)
async def spoilt() -> Verdict:
    """Answers of which only ids are left, of writes and of reads."""
    return await _day(
        ([{"kind": "nulls"}, {"kind": "fields_missing"}], False),
        ([{"kind": "nulls", "count": 15}, {"kind": "fields_missing", "count": 15}], True),
        undoes=False,
    )


@scenario("dropped before and after the write", short=True)
async def dropped() -> Verdict:
    """The connection is cut, before the API did it and after."""
    return await _day(
        ([{"kind": "drop_before"}, {"kind": "drop_after"}], False),
        ([{"kind": "drop_before", "count": 20}, {"kind": "drop_after", "count": 20}], True),
    )


@scenario("all of it at random")
async def at_random() -> Verdict:
    """Faults of every kind at any request."""
    kinds = ("rate_limited", "server_error", "html", "truncated", "drop_before", "drop_after")
    async with world(products=500, TIMEOUT=str(TIMEOUT_SECONDS)) as made:
        verdict = Verdict()
        for _ in range(4):
            chance = made.chance
            faults: list[Fault] = [
                {"kind": chance.choice(kinds), "operation": route, "skip": chance.randrange(4)}
                for route in WRITES
                for _ in range(3)
            ]
            faults += [{"kind": kind, "skip": chance.randrange(300)} for kind in chance.choices(kinds, k=20)]
            verdict.add(await made.round(four_kinds(made.server.url), everything_meets(made, *faults)))
        return await made.ended(verdict)


@scenario("the API's allowance")
async def allowance() -> Verdict:
    """More work than the API allows in 10 seconds: it never has to refuse any."""
    async with world(products=200, rate_limit=100, warm=False) as made:
        verdict = await made.round(four_kinds(made.server.url))
        refused = [sent for sent in await made.shop.requests() if sent["status"] == 429]
        if refused:
            verdict.wrong.append(f"the API had to refuse {len(refused)} requests as too many")
        return await made.ended(verdict)
