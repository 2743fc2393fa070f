"""What a call says when the API fails, and whether that is what happened.

A write whose answer is lost is read back: it is called done, not done or unknown, and each is held against what the
shop holds and what the journal says.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from time import time
from typing import Any, Literal

import httpx
import pytest
import shelves
from calls_to_make import READS
from every_write import CALLS
from odd_api import receives
from other_api import Between, Carry
from shop_session import ERAS, Era, ShopSession, shop_session, text_of, yes

from hoopai_products_mcp.guard.journal import Intent, Journal
from hoopai_products_mcp.tools.catalog import RECORDS

pytestmark = pytest.mark.anyio

NOTHING = "Nothing was changed."
UNKNOWN = "It is not known whether anything was changed: "
ALL = {**READS, **CALLS}
ROUTES = {record.name: record.operation for record in RECORDS} | {"import_products": "POST /products/"}
UNREADABLE = "set_display_priority"
"""What it does cannot be read: no operation tells the display order."""
MAKES = {f"create_{kind}": [kind] for kind in ("product", "price", "collection")} | {
    "import_products": ["product"]
}
PATIENT = "import_products"
"""It reads the whole catalog first, and repeats a reading that failed on its way."""
TWICE = {
    "create_product",
    "create_price",
    "create_collection",
    "update_review",
    "bulk_change_prices",
    "bulk_update_inventory",
}
"""The tools of which the same call, made again, does it again."""

Outcome = Literal["done", "not_done", "unknown"]


@dataclass(frozen=True)
class Fault:
    """One way in which an answer is lost. `applied` is whether the shop did it, `told` what can be found out."""

    kind: str
    applied: bool
    told: Outcome
    happened: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    def plan(self, session: ShopSession, tool: str) -> None:
        """Let it befall the write of a tool."""
        options = {"applied": self.applied, **self.options} if self.kind != "drop_before" else {}
        session.sandbox.faults.add(self.kind, ROUTES[tool], **options)


CUT = "The connection broke after {} was sent (RemoteProtocolError)"
FAILED = "The API failed on {} (status 500). The API says: 'Internal server error'"
PAGE = "The API failed on {} (status 502)"
LATE_PAGE = "The API failed on {} (status 504)"
SLOW = "{} was not answered within 30 seconds"
MINUTE = {"seconds": 60}
FAULTS = {
    "cut before": Fault("drop_before", False, "not_done", CUT),
    "cut after": Fault("drop_after", True, "done", CUT),
    "failed": Fault("server_error", False, "not_done", FAILED),
    "failed after": Fault("server_error", True, "done", FAILED),
    "page": Fault("html", False, "not_done", PAGE),
    "page after": Fault("html", True, "done", PAGE),
    "page of who waited": Fault("html", False, "unknown", LATE_PAGE, {"status": 504}),
    "page of who waited, after": Fault("html", True, "done", LATE_PAGE, {"status": 504}),
    "slow": Fault("latency", False, "unknown", SLOW, MINUTE),
    "slow after": Fault("latency", True, "done", SLOW, MINUTE),
    "half": Fault(
        "truncated",
        True,
        "done",
        "{} answered {} with something that is not JSON. Perhaps the base URL is not the API's own address",
    ),
}

_done: dict[str, dict[str, Any]] = {}


async def done_by(tool: str) -> dict[str, Any]:
    """The shop after the call of this tool, without its times."""
    if tool not in _done:
        async with shop_session(yes) as session:
            result = await session.result(tool, **CALLS[tool](session))
            assert not result.is_error, text_of(result)
            _done[tool] = shelves.timeless(session)
    return _done[tool]


async def journal_says(session: ShopSession) -> tuple[str, Outcome]:
    """The id and the outcome of the only change."""
    (change,) = (await session.call("list_changes"))["items"]
    return change["id"], change["outcome"]


@pytest.mark.parametrize("tool", ALL)
async def test_every_call_succeeds_and_says_the_same_in_text_and_structure(tool: str) -> None:
    async with shop_session(yes) as session:
        result = await session.result(tool, **ALL[tool](session))
        assert not result.is_error, text_of(result)
        assert json.loads(text_of(result)) == result.structured_content
        if tool in CALLS:
            method, _, path = ROUTES[tool].partition(" ")
            (written,) = [received for received in session.sandbox.requests if received.method != "GET"]
            assert written.method == method
            assert written.path.count("/") == path.count("/")
        else:
            assert session.writes() == []
        assert session.sandbox.violations == []


@pytest.mark.parametrize("tool", ALL)
async def test_a_rate_limit_is_waited_out_and_a_write_is_done_once(tool: str) -> None:
    async with shop_session(yes) as session:
        arguments = ALL[tool](session)
        # Limits so wide that only the planned fault refuses, in a window so short that nobody waits.
        session.sandbox.rate.limit, session.sandbox.rate.interval_seconds = 1000, 0.001
        route = ROUTES[tool] if tool in CALLS else "*"
        session.sandbox.faults.add("rate_limited", route)
        result = await session.result(tool, **arguments)
        assert not result.is_error, text_of(result)
        answered = [received.status for received in session.sandbox.requests]
        assert answered.count(429) == 1
        done = [
            received
            for received in session.sandbox.requests
            if received.method != "GET" and received.status != 429
        ]
        assert len(done) == (1 if tool in CALLS else 0)


@pytest.mark.parametrize("tool", READS)
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("server_error", "The API failed on GET /products"),
        ("drop_before", "The connection broke after GET /products"),
        ("drop_after", "The connection broke after GET /products"),
        ("html", "The API failed on GET /products"),
        ("truncated", "with something that is not JSON"),
        ("scope_missing", "The access token lacks the scope for GET /products"),
    ],
)
async def test_a_failed_reading_says_why_and_nothing_of_changes(tool: str, fault: str, said: str) -> None:
    async with shop_session() as session:
        arguments = READS[tool](session)
        session.sandbox.faults.add(fault, count=None)
        refused = await session.refused(tool, **arguments)
        assert said in refused
        assert "changed" not in refused
        assert "<html" not in refused.lower()
        assert len(session.sent()) == 1


@pytest.mark.parametrize("tool", READS)
async def test_a_reading_that_takes_too_long_says_so(tool: str) -> None:
    async with shop_session() as session:
        arguments = READS[tool](session)
        session.sandbox.faults.add("latency", seconds=60)
        assert "was not answered within 30 seconds" in await session.refused(tool, **arguments)


@pytest.mark.parametrize("tool", [tool for tool in CALLS if tool != UNREADABLE])
@pytest.mark.parametrize("name", FAULTS)
async def test_a_write_whose_answer_is_lost_is_called_what_it_is(tool: str, name: str) -> None:
    fault = FAULTS[name]
    async with shop_session(yes) as session:
        arguments = CALLS[tool](session)
        still = shelves.untouched(session)
        fault.plan(session, tool)
        result = await session.result(tool, **arguments)
        change_id, outcome = await journal_says(session)
        (written,) = [received for received in session.sandbox.requests if received.method != "GET"]
        reason = fault.happened.format(ROUTES[tool], written.status)
        if fault.applied:
            assert shelves.timeless(session) == await done_by(tool)
        else:
            assert still()
        assert outcome == fault.told
        if outcome == "done":
            assert not result.is_error, text_of(result)
            content = json.loads(text_of(result))
            assert content == result.structured_content
            made = content.pop("created", [])
            assert [item["kind"] for item in made] == MAKES.get(tool, [])
            assert all(_exists(session, item) for item in made)
            change = content.pop("change")
            assert (change.pop("id"), list(change)) == (change_id, ["approved_by"])
            found = f"The API's answer was lost ({reason}). Read back from the shop: it was done."
            assert content == {"notes": [found], "done": True}
        elif outcome == "not_done":
            assert result.is_error
            assert text_of(result) == (
                f"{reason}. Read back, the shop is as it was before: {NOTHING} It may be done anew. "
                f"(change {change_id})"
            )
        else:
            assert result.is_error
            assert text_of(result) == f"{reason}. {UNKNOWN}{_may_still_come(tool, change_id)}"


def _exists(session: ShopSession, made: dict[str, str]) -> bool:
    return made["id"] in {doc["_id"] for doc in session.sandbox.dump()[f"{made['kind']}s"]}


def _may_still_come(tool: str, change_id: str) -> str:
    look = f"get_change {change_id} reads the shop again and says what it finds"
    there = "nothing of it is there so far, but the API may still be at it"
    if tool in TWICE:
        return f"{there}; sent again, it could be done twice. Do not repeat it before looking: {look}."
    return f"{there}. {look}; the same call again does no more than this one."


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "half"])
async def test_a_lost_answer_to_what_cannot_be_read_stays_unknown(name: str) -> None:
    fault = FAULTS[name]
    async with shop_session(yes) as session:
        arguments = CALLS[UNREADABLE](session)
        still = shelves.untouched(session)
        fault.plan(session, UNREADABLE)
        said = await session.refused(UNREADABLE, **arguments)
        change_id, outcome = await journal_says(session)
        assert outcome == "unknown"
        assert still() is not fault.applied
        assert said == (
            f"{fault.happened.format(ROUTES[UNREADABLE])}. {UNKNOWN}“Pocket lantern”, place in the display order of "
            f"the store {arguments['store_id']} cannot be read: the API does not tell the display order of a store. "
            f"get_change {change_id} reads the shop again and says what it finds; the same call again does no more "
            "than this one."
        )
        assert len(session.writes()) == 1


@pytest.mark.parametrize("tool", [tool for tool in CALLS if tool != UNREADABLE])
async def test_what_cannot_be_read_back_is_unknown_until_it_can(tool: str) -> None:
    async with shop_session(yes) as spared:
        await spared.result(tool, **CALLS[tool](spared))
        reads_before = next(n for n, line in enumerate(spared.sent()) if not line.startswith("GET "))
    async with shop_session(yes) as session:
        arguments = CALLS[tool](session)
        FAULTS["cut after"].plan(session, tool)
        # As many as one reading needs at the most: after a few more the API would be left alone.
        session.sandbox.faults.add("server_error", skip=reads_before, count=3)
        said = await session.refused(tool, **arguments)
        assert said.startswith(f"{CUT.format(ROUTES[tool])}. {UNKNOWN}")
        assert "cannot be read: The API failed on GET /products" in said
        assert ".." not in said
        assert NOTHING not in said
        change_id, outcome = await journal_says(session)
        assert outcome == "unknown"
        session.sandbox.faults.clear()
        found = await session.call("get_change", change_id=change_id)
        assert (found["outcome"], found["can_be_undone"]) == ("done", tool != "delete_review")
        assert await journal_says(session) == (change_id, "done")
        assert shelves.timeless(session) == await done_by(tool)
        assert len(session.writes()) == 1


class Late:
    """An API that is still at a write when nobody waits for it any more."""

    def __init__(self) -> None:
        self._arriving: list[tuple[httpx.Request, Carry]] = []

    async def __call__(self, request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method == "GET":
            return await carry(request)
        self._arriving.append((request, carry))
        raise httpx.ReadTimeout("slow", request=request)

    async def arrives(self) -> None:
        """It gets to what it was sent."""
        for request, carry in self._arriving:
            assert (await carry(request)).is_success


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", [tool for tool in CALLS if tool != UNREADABLE])
async def test_what_comes_late_was_never_called_undone(tool: str, era: Era) -> None:
    late = Late()
    async with shop_session(yes, era=era, between=late) as session:
        said = await session.refused(tool, **CALLS[tool](session))
        change_id, outcome = await journal_says(session)
        assert said == f"{SLOW.format(ROUTES[tool])}. {UNKNOWN}{_may_still_come(tool, change_id)}"
        # Looked at at once, it is no better known.
        found = await session.call("get_change", change_id=change_id)
        assert (outcome, found["outcome"]) == ("unknown", "unknown")
        assert "the API may still be at it" in found["why"]
        await late.arrives()
        assert (await session.call("get_change", change_id=change_id))["outcome"] == "done"
        assert await journal_says(session) == (change_id, "done")
        assert shelves.timeless(session) == await done_by(tool)
        assert len(session.writes()) == 1


async def test_what_did_not_come_in_a_minute_was_not_done() -> None:
    async with shop_session(yes, between=Late()) as session:
        await session.refused("create_product", **CALLS["create_product"](session))
        change_id, _ = await journal_says(session)
        change = await session.store.use(lambda store: store.journal.find(change_id))
        assert change is not None
        assert change.outcome is not None
        intent = Intent(**{each.name: getattr(change, each.name) for each in fields(Intent)})
        for age, outcome in ((50, "unknown"), (70, "not_done")):
            ago = await session.store.use(
                lambda store, age=age: Journal(store.database, lambda: time() - age)
            )
            earlier = ago.begin(intent)
            ago.end(earlier, change.outcome)
            assert (await session.call("get_change", change_id=earlier))["outcome"] == outcome


def _first_alone(body: Any) -> Any:
    return {**body, "productIds": body["productIds"][:1]}


def _cut_in_part(error: Callable[[httpx.Request], Exception]) -> Between:
    """An API that does a bulk change to the first product only, once, and breaks off without an answer."""
    done: list[httpx.Request] = []
    first = receives("POST /products/bulk-update", _first_alone)

    async def between(request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method == "GET" or done:
            return await carry(request)
        done.append(request)
        await first(request, carry)
        raise error(request)

    return between


def _cut(request: httpx.Request) -> Exception:
    return httpx.RemoteProtocolError("cut", request=request)


def _slow(request: httpx.Request) -> Exception:
    return httpx.ReadTimeout("slow", request=request)


NAMES = ("Pocket lantern", "Paper moon lamp", "Storm lantern")
REST = {
    "bulk_set_availability": ({"available_in_store": False}, "The same call again does only the rest."),
    "bulk_change_prices": (
        {"price": {"type": "INCREASE_BY_AMOUNT", "value": 1}},
        "The same call again would change those twice: to go on, make it with the ids in `rest` alone, and set what "
        "else is in `left` one by one.",
    ),
}
LOST = f"The API's answer was lost ({CUT.format('POST /products/bulk-update')}). Read back from the shop: "


@pytest.mark.parametrize("tool", REST)
async def test_a_write_that_broke_off_midway_says_what_is_left_and_how_to_go_on(tool: str) -> None:
    more, how = REST[tool]
    async with shop_session(yes, between=_cut_in_part(_cut)) as session:
        ids = [shelves.product(session, name)["_id"] for name in NAMES]
        of = 3 if tool == "bulk_set_availability" else sum(len(shelves.prices_of(session, n)) for n in NAMES)
        first = 1 if tool == "bulk_set_availability" else len(shelves.prices_of(session, NAMES[0]))
        done = await session.call(tool, product_ids=ids, **more)
        assert done.keys() - {"rest"} == {"notes", "done", "left"}
        assert done.get("rest") == ({"product_ids": ids[1:]} if tool == "bulk_change_prices" else None)
        assert done["done"] is False
        assert done["notes"] == [f"{LOST}{first} of {of} changes were made, the others not. {how}"]
        assert len(done["left"]) == of - first
        assert all(any(name in line for line in done["left"]) for name in NAMES[1:])
        assert not any(NAMES[0] in line for line in done["left"])
        (change,) = (await session.call("list_changes"))["items"]
        assert (change["outcome"], change["applied"], change["of"]) == ("done", first, of)
        assert len(session.writes()) == 1


async def test_the_same_call_again_does_only_the_rest() -> None:
    more, _ = REST["bulk_set_availability"]
    async with shop_session(yes, between=_cut_in_part(_cut)) as session:
        ids = [shelves.product(session, name)["_id"] for name in NAMES]
        await session.call("bulk_set_availability", product_ids=ids, **more)
        assert [shelves.product(session, n)["availableInStore"] for n in NAMES] == [False, True, True]
        done = await session.call("bulk_set_availability", product_ids=ids, **more)
        assert done["done"] is True
        assert "Hide 2 products" in session.questions[-1]
        assert [shelves.product(session, n)["availableInStore"] for n in NAMES] == [False] * 3


@pytest.mark.parametrize("tool", REST)
async def test_a_write_found_half_done_while_the_api_may_be_at_it_is_unknown(tool: str) -> None:
    more, _ = REST[tool]
    async with shop_session(yes, between=_cut_in_part(_slow)) as session:
        ids = [shelves.product(session, name)["_id"] for name in NAMES]
        said = await session.refused(tool, product_ids=ids, **more)
        (change,) = (await session.call("list_changes"))["items"]
        assert change["outcome"] == "unknown"
        assert (
            f"{change['applied']} of {change['of']} changes are there so far, but the API may still" in said
        )
        assert ("sent again, it could be done twice" in said) is (tool in TWICE)
        assert NOTHING not in said


UNDOINGS: dict[str, Outcome] = {"cut before": "not_done", "cut after": "done", "slow": "unknown"}


@pytest.mark.parametrize("name", UNDOINGS)
@pytest.mark.parametrize("tool", ["update_product", "update_inventory", "create_price", "delete_collection"])
async def test_an_undoing_whose_answer_is_lost_is_called_what_it_is(tool: str, name: str) -> None:
    undone_by = {
        "create_price": "delete_price",
        "delete_collection": "create_collection",
    }.get(tool, tool)
    fault = FAULTS[name]
    async with shop_session(yes) as session:
        before = shelves.timeless(session)
        await session.call(tool, **CALLS[tool](session))
        changed = shelves.untouched(session)
        fault.plan(session, undone_by)
        result = await session.result("undo_change", change_id=session.changes[0]["id"])
        newest = (await session.call("list_changes"))["items"][0]
        assert (newest["tool"], newest["outcome"]) == ("undo_change", fault.told)
        assert result.is_error is (fault.told != "done")
        assert (NOTHING in text_of(result)) is (fault.told == "not_done")
        assert (UNKNOWN in text_of(result)) is (fault.told == "unknown")
        if fault.told == "done":
            assert json.loads(text_of(result))["done"] is True
            assert shelves.timeless(session) == before
        else:
            assert changed()
        assert len(session.writes()) == 2


@pytest.mark.parametrize(
    ("tool", "fault"),
    [
        (tool, fault)
        for tool in CALLS
        for fault in ("scope_missing", "route_missing", "route_unsupported")
        # Without its route the bulk change of stock goes another way.
        if (tool, fault)
        not in {("bulk_update_inventory", "route_missing"), ("bulk_update_inventory", "route_unsupported")}
    ],
)
async def test_a_refused_write_says_that_nothing_was_changed(tool: str, fault: str) -> None:
    async with shop_session(yes) as session:
        arguments = CALLS[tool](session)
        still = shelves.untouched(session)
        session.sandbox.faults.add(fault, ROUTES[tool])
        said = await session.refused(tool, **arguments)
        assert said.count(NOTHING) == 1
        assert "not known" not in said
        assert still()
        assert (await journal_says(session))[1] == "not_done"


@pytest.mark.parametrize("tool", [tool for tool in CALLS if tool != PATIENT])
async def test_a_reading_that_fails_before_the_write_says_that_nothing_was_changed(tool: str) -> None:
    async with shop_session(yes) as session:
        arguments = CALLS[tool](session)
        still = shelves.untouched(session)
        session.sandbox.faults.add("server_error")
        said = await session.refused(tool, **arguments)
        assert said.count(NOTHING) == 1
        assert "not known" not in said
        assert session.questions == []
        assert session.writes() == []
        assert still()
        assert (await session.call("list_changes"))["items"] == []


@pytest.mark.parametrize(("tool", "changed"), [("update_product", "name"), ("update_price", "amount")])
async def test_an_update_that_cannot_be_read_back_shows_the_updates_own_answer(
    tool: str, changed: str
) -> None:
    async with shop_session() as session:
        arguments = CALLS[tool](session)
        session.sandbox.faults.add("server_error", ROUTES[tool].replace("PUT", "GET"), skip=1, count=None)
        done = await session.call(tool, **arguments)
        assert done["notes"] == [
            "The API accepted the update; reading it back failed, so it was not checked: this shows what the "
            "update itself answered."
        ]
        assert [change["field"] for change in done["changed"]] == [changed]


@pytest.mark.parametrize("tool", ["bulk_change_prices", "bulk_set_availability", "bulk_delete_products"])
async def test_a_bulk_change_that_cannot_be_read_back_is_no_success(tool: str) -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        arguments = CALLS[tool](session)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        reading = "GET /products/{productId}/price" if tool == "bulk_change_prices" else "GET /products/"
        session.sandbox.faults.add("server_error", reading, skip=1, count=None)
        done = await session.call(tool, **arguments)
        assert done["done"] is False
        (note,) = done["notes"]
        assert note.startswith("The API accepted the change; reading it back failed, so it was not checked.")
        assert NOTHING not in note
        assert product_id not in note
