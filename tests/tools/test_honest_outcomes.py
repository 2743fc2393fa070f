"""What a lost answer leaves behind is found in the shop: not doubled, not taken for another, not half forgotten."""

from collections.abc import Awaitable, Callable
from dataclasses import fields
from time import time
from typing import Any

import httpx
import pytest
from every_write import CALLS
from other_api import Carry
from shop_session import ERAS, Era, ShopSession, shop_session, yes

from hoopai_products_mcp.guard.journal import Intent, Journal
from hoopai_products_mcp.tools.catalog import RECORDS

pytestmark = pytest.mark.anyio

TWINS = ("create_product", "create_price")
"""What can be made twice over; a second collection would have the address of the first."""
CREATIONS = (*TWINS, "create_collection")
ROUTES = {record.name: record.operation for record in RECORDS}
NOTHING = "Nothing was changed."


def alike(session: ShopSession, tool: str) -> set[str]:
    """The ids of everything that looks like what a creation makes."""
    name = CALLS[tool](session)["name"]
    kind = f"{tool.removeprefix('create_')}s"
    return {doc["_id"] for doc in session.dump()[kind] if doc["name"] == name}


async def changes(session: ShopSession) -> list[dict[str, Any]]:
    """The journal, the oldest first."""
    return (await session.call("list_changes", limit=100))["items"][::-1]


# Things that are made


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", TWINS)
async def test_what_was_made_without_an_answer_is_told_from_what_looked_the_same(tool: str, era: Era) -> None:
    async with shop_session(era=era) as session:
        await session.call(tool, **CALLS[tool](session))
        (former,) = alike(session, tool)
        session.sandbox.faults.add("drop_after", ROUTES[tool])
        done = await session.call(tool, **CALLS[tool](session))
        (made,) = [item["id"] for item in done["created"]]
        assert alike(session, tool) == {former, made}
        assert made != former
        assert (await changes(session))[-1]["outcome"] == "done"


@pytest.mark.parametrize("tool", TWINS)
async def test_what_was_not_made_is_not_taken_for_what_looked_the_same_before(tool: str) -> None:
    async with shop_session() as session:
        await session.call(tool, **CALLS[tool](session))
        former = alike(session, tool)
        session.sandbox.faults.add("drop_before", ROUTES[tool])
        said = await session.refused(tool, **CALLS[tool](session))
        assert f"{NOTHING} It may be done anew." in said
        assert alike(session, tool) == former
        await session.call(tool, **CALLS[tool](session))
        assert len(alike(session, tool)) == 2
        assert [item["outcome"] for item in await changes(session)] == ["done", "not_done", "done"]


@pytest.mark.parametrize("tool", TWINS)
async def test_of_two_new_ones_that_look_the_same_none_is_guessed(tool: str) -> None:
    async def somebody_too(request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method == "GET":
            return await carry(request)
        for _ in range(2):
            await carry(httpx.Request("POST", request.url, headers=request.headers, content=request.content))
        raise httpx.RemoteProtocolError("cut", request=request)

    async with shop_session(yes, between=somebody_too) as session:
        said = await session.refused(tool, **CALLS[tool](session))
        both = alike(session, tool)
        assert len(both) == 2
        assert "It is not known whether anything was changed: several new ones look like the" in said
        assert all(key in said for key in both)
        (change,) = await changes(session)
        assert change["outcome"] == "unknown"
        said = await session.refused("undo_change", change_id=change["id"])
        assert said.startswith("Several new ones look like")
        assert said.endswith(f"{NOTHING} Delete the right one by its id.")
        assert alike(session, tool) == both


class Late:
    """An API that is still at its first write when nobody waits for it any more."""

    def __init__(self) -> None:
        self.arrive: Callable[[], Awaitable[httpx.Response]] | None = None

    async def __call__(self, request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method == "GET" or self.arrive is not None:
            return await carry(request)
        self.arrive = lambda: carry(request)
        raise httpx.ReadTimeout("slow", request=request)


async def aged(session: ShopSession, change_id: str, seconds: float) -> str:
    """The same change begun and ended so long ago; its id."""
    change = await session.store.use(lambda store: store.journal.find(change_id))
    assert change is not None
    assert change.outcome is not None
    outcome = change.outcome
    intent = Intent(**{each.name: getattr(change, each.name) for each in fields(Intent)})
    journal = await session.store.use(lambda store: Journal(store.database, lambda: time() - seconds))
    earlier = journal.begin(intent)
    journal.end(earlier, outcome)
    return earlier


@pytest.mark.parametrize("tool", CREATIONS)
async def test_what_another_call_made_is_not_taken_for_what_was_lost(tool: str) -> None:
    async with shop_session(yes, between=Late()) as session:
        await session.refused(tool, **CALLS[tool](session))
        (lost,) = await changes(session)
        await session.call(tool, **CALLS[tool](session))
        (made,) = alike(session, tool)
        (_, second) = await changes(session)
        found = await session.call("get_change", change_id=lost["id"])
        assert (found["outcome"], found.get("created")) == ("unknown", None)
        earlier = await aged(session, lost["id"], 120)
        said = await session.refused("undo_change", change_id=lost["id"])
        assert "There is nothing to undo." in said
        assert alike(session, tool) == {made}
        assert (await session.call("get_change", change_id=earlier))["outcome"] == "not_done"
        assert (await session.call("get_change", change_id=second["id"]))["created"][0]["id"] == made


@pytest.mark.parametrize("tool", TWINS)
async def test_what_comes_late_besides_another_is_found_and_taken_back_by_its_own_id(tool: str) -> None:
    late = Late()
    async with shop_session(yes, between=late) as session:
        await session.refused(tool, **CALLS[tool](session))
        (lost,) = await changes(session)
        await session.call(tool, **CALLS[tool](session))
        (made,) = alike(session, tool)
        assert late.arrive is not None
        await late.arrive()
        (came,) = alike(session, tool) - {made}
        found = await session.call("get_change", change_id=lost["id"])
        assert (found["outcome"], found["created"][0]["id"]) == ("done", came)
        assert (await session.call("undo_change", change_id=lost["id"]))["done"] is True
        assert alike(session, tool) == {made}
