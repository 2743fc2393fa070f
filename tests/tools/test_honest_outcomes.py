"""What a lost answer leaves behind is found in the shop: not doubled, not taken for another, not half forgotten."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import fields
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from time import time
from typing import Any

import anyio
import httpx
import pytest
import shelves
from every_write import CALLS
from odd_api import receives
from other_api import Carry
from shop_session import ERAS, Era, ShopSession, shop_session, yes
from undo_shop import shelves_alike

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
        for change_id, why in ((lost["id"], "The API may still be at it"), (earlier, "It was not done.")):
            said = await session.refused("undo_change", change_id=change_id)
            assert said.startswith(f"It cannot be undone. {why}")
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


# Changes that come halfway


class Halfway:
    """An API that does a part of a bulk change, once, and breaks off without an answer."""

    def __init__(self, key: str, count: int) -> None:
        self._key = key
        self._count = count
        self._broken = False

    async def __call__(self, request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method == "GET" or self._broken:
            return await carry(request)
        self._broken = True
        part = receives(".*", lambda body: body | {self._key: body[self._key][: self._count]})
        assert (await part(request, carry)).is_success
        raise httpx.RemoteProtocolError("cut", request=request)


def amounts(session: ShopSession, product_ids: list[str]) -> dict[str, Decimal]:
    prices = [doc for doc in session.dump()["prices"] if doc["product"] in product_ids]
    return {doc["_id"]: Decimal(doc["amount"]) for doc in prices}


async def test_a_sale_that_broke_off_goes_on_with_the_rest_alone_and_is_taken_back_as_a_whole() -> None:
    async with shop_session(yes, between=Halfway("productIds", 2)) as session:
        before = session.dump()
        ids = [doc["_id"] for doc in before["products"][:6]]
        former = amounts(session, ids)
        sale = {"price": {"type": "REDUCE_BY_PERCENTAGE", "value": 10}}
        half = await session.call("bulk_change_prices", product_ids=ids, **sale)
        assert half["done"] is False
        assert half["rest"] == {"product_ids": ids[2:]}
        assert (await session.call("bulk_change_prices", **half["rest"], **sale))["done"] is True
        lower = {
            key: (amount * Decimal("0.9")).quantize(Decimal("0.01"), ROUND_HALF_UP)
            for key, amount in former.items()
        }
        assert amounts(session, ids) == lower
        first, second = await changes(session)
        count = len([key for key in former if shelves.price_by_id(session, key)["product"] in ids[:2]])
        assert (first["outcome"], first["applied"], first["of"]) == ("done", count, len(former))
        assert (second["outcome"], second.get("of")) == ("done", None)
        for change, restored in ((first, count), (second, len(former) - count)):
            done = await session.call("undo_change", change_id=change["id"])
            assert (done["done"], done["restored"]) == (True, restored)
        assert shelves_alike(before, session.dump()) == {}


async def test_a_delivery_that_broke_off_goes_on_with_the_rest_alone() -> None:
    async with shop_session(yes, between=Halfway("priceIds", 12)) as session:
        tracked = [doc for doc in session.dump()["prices"] if doc.get("trackInventory")][:25]
        ids = [doc["_id"] for doc in tracked]
        half = await session.call("bulk_update_inventory", price_ids=ids, add_quantity=5)
        assert half["done"] is False
        assert half["rest"] == {"price_ids": ids[12:]}
        assert (len(half["left"]), half["more_left"]) == (10, 3)
        assert (await session.call("bulk_update_inventory", **half["rest"], add_quantity=5))["done"] is True
        now = {doc["_id"]: doc.get("availableQuantity") for doc in session.dump()["prices"]}
        assert [now[doc["_id"]] - doc.get("availableQuantity", 0) for doc in tracked] == [5] * 25


async def test_a_product_changed_in_part_is_none_of_the_rest_and_comes_first_in_what_is_left() -> None:
    async def first_price_alone(request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method == "GET":
            return await carry(request)
        shelves.change_price(session, prices[0]["_id"], amount=5)
        raise httpx.RemoteProtocolError("cut", request=request)

    async with shop_session(yes, between=first_price_alone) as session:
        other = shelves.prices_of(session, "Pocket lantern")
        prices = shelves.prices_of(session, "Storm lantern")
        ids = [other[0]["product"], prices[0]["product"]]
        half = await session.call(
            "bulk_change_prices", product_ids=ids, price={"type": "SET_NEW_PRICE", "value": 5}
        )
        assert half["rest"] == {"product_ids": ids[:1]}
        assert len(half["left"]) == len(prices) - 1 + len(other)
        wanted = {f"“Storm lantern: {doc['name']}”, amount: 5.00 USD ({doc['_id']})" for doc in prices[1:]}
        assert set(half["left"][: len(prices) - 1]) == wanted


@pytest.mark.parametrize("fault", ["scope_missing", "drop_before", "server_error"])
async def test_an_edit_that_stopped_midway_is_counted_and_goes_on_with_the_rest(fault: str) -> None:
    async with shop_session(yes, shop=70) as session:
        before = session.dump()
        keys = [doc["_id"] for doc in before["products"][:61]]
        edits = [{"product_id": key, "description": f"New {number}"} for number, key in enumerate(keys)]
        options = {"applied": False} if fault == "server_error" else {}
        session.sandbox.faults.add(fault, ROUTES["bulk_edit_products"], skip=1, **options)
        half = await session.call("bulk_edit_products", products=edits)
        assert (half["done"], half["products_done"]) == (False, keys[:30])
        (change,) = await changes(session)
        assert (change["outcome"], change["applied"], change["of"]) == ("done", 30, 61)
        rest = await session.call("bulk_edit_products", products=edits)
        assert (rest["done"], rest["products_done"]) == (True, keys)
        (_, second) = await changes(session)
        assert (second["outcome"], "of" in second) == ("done", False)
        # What was done is taken back, by the half that it was done in.
        for item in (second, change):
            done = await session.call("undo_change", change_id=item["id"])
            assert (done["done"], done["restored"]) == (True, 31 if item is second else 30)
        assert shelves_alike(before, session.dump()) == {}


# Undoings that come halfway

STOPS: dict[str, tuple[str, dict[str, bool]]] = {
    "refused": ("scope_missing", {}),
    "cut before": ("drop_before", {}),
    "cut after": ("drop_after", {}),
    "failed": ("server_error", {"applied": False}),
    "failed after": ("server_error", {"applied": True}),
}


@pytest.mark.parametrize("skip", [0, 1, 4])
@pytest.mark.parametrize("stop", STOPS)
async def test_products_made_again_halfway_are_made_whole_by_the_next_try_and_none_twice(
    stop: str, skip: int
) -> None:
    kind, options = STOPS[stop]
    async with shop_session(yes) as session:
        before = session.dump()
        names = ("Storm lantern", "Dusk tee")
        ids = [shelves.product(session, name)["_id"] for name in names]
        prices = [doc["_id"] for doc in before["prices"] if doc["product"] in ids]
        await session.call("bulk_delete_products", product_ids=ids)
        session.sandbox.faults.add(kind, ROUTES["create_price"], skip=skip, **options)
        half = await session.call("undo_change", change_id=session.changes[0]["id"])
        assert half["done"] is False
        *_, change = await changes(session)
        assert (change["outcome"], change["of"]) == ("done", len(ids) + len(prices))
        made = [key for key in half["new_ids"].values() if key in _ids(session)]
        assert change["applied"] == len(made)
        entry = await session.call("get_change", change_id=session.changes[0]["id"])
        assert entry["can_be_undone"] is True
        whole = await session.call("undo_change", change_id=session.changes[0]["id"])
        assert whole["done"] is True
        assert whole["new_ids"].keys() == {*ids, *prices}
        assert shelves_alike(before, session.dump(), whole["new_ids"]) == {}
        assert len(session.dump()["prices"]) == len(before["prices"])
        assert [item["outcome"] for item in await changes(session)] == ["done"] * 3


def _ids(session: ShopSession) -> set[str]:
    dump = session.dump()
    return {doc["_id"] for kind in ("products", "prices") for doc in dump[kind]}


async def test_a_lost_answer_in_the_middle_of_an_undoing_is_read_back_and_the_rest_follows() -> None:
    async with shop_session(yes) as session:
        before = session.dump()
        product = shelves.product(session, "Storm lantern")["_id"]
        prices = shelves.prices_of(session, "Storm lantern")[:2]
        edits = [{"price_id": price["_id"], "amount": 10} for price in prices]
        await session.call("bulk_edit_products", products=[{"product_id": product, "prices": edits}])
        session.sandbox.faults.add("drop_after", ROUTES["update_price"])
        done = await session.call("undo_change", change_id=session.changes[0]["id"])
        assert done["notes"] == [
            f"The API's answer to a part was lost (The connection broke after {ROUTES['update_price']} was sent "
            "(RemoteProtocolError).) Read back, that part was done."
        ]
        assert (done["done"], done["restored"]) == (True, 2)
        assert shelves_alike(before, session.dump()) == {}
        assert len(session.writes()) == 3


async def test_what_was_made_again_by_an_undoing_with_a_lost_answer_is_known_by_its_new_ids() -> None:
    async with shop_session(yes) as session:
        before = session.dump()
        price = shelves.prices_of(session, "Storm lantern")[0]
        arguments = {"product_id": price["product"], "price_id": price["_id"]}
        await session.call("update_price", **arguments, amount=10)
        await session.call("delete_product", product_id=price["product"])
        session.sandbox.faults.add("drop_after", ROUTES["set_store_visibility"])
        first = await session.call("undo_change", change_id=session.changes[1]["id"])
        new = first["new_ids"][price["_id"]]
        assert shelves.price_by_id(session, new)["amount"] == 10
        assert (await session.call("undo_change", change_id=session.changes[0]["id"]))["done"] is True
        assert shelves_alike(before, session.dump(), first["new_ids"]) == {}


async def test_new_ids_are_told_by_the_journal_where_their_answer_was_lost_and_nothing_could_be_read() -> (
    None
):
    async with shop_session(yes) as session:
        price = shelves.prices_of(session, "Storm lantern")[0]
        arguments = {"product_id": price["product"], "price_id": price["_id"]}
        await session.call("delete_price", **arguments)
        former = {doc["_id"] for doc in session.dump()["prices"]}
        session.sandbox.faults.add("drop_after", ROUTES["create_price"])
        session.sandbox.faults.add("server_error", ROUTES["list_prices"], skip=2, count=None)
        said = await session.refused("undo_change", change_id=session.changes[0]["id"])
        assert "It is not known whether anything was changed" in said
        session.sandbox.faults.clear()
        (new,) = {doc["_id"] for doc in session.dump()["prices"]} - former
        *_, undoing = await changes(session)
        found = await session.call("get_change", change_id=undoing["id"])
        assert (found["outcome"], found["new_ids"]) == ("done", {price["_id"]: new})
        again = await session.refused("undo_change", change_id=session.changes[0]["id"])
        assert f"It was undone by {undoing['id']}" in again


async def test_an_answer_that_cannot_be_told_or_kept_hides_neither_what_was_done_nor_that_it_was() -> None:
    written: list[str] = []

    async def absurd(request: httpx.Request, carry: Carry) -> httpx.Response:
        response = await carry(request)
        if request.method == "GET" and written[-1:] == ["PUT"]:
            # More digits than Python writes out.
            body = json.dumps(json.loads(await response.aread()) | {"setupFee": "@"}).replace('"@"', "1e5000")
            response = httpx.Response(200, text=body, headers={"content-type": "application/json"})
        written.append(request.method)
        return response

    async with shop_session(between=absurd) as session:
        price = shelves.prices_of(session, "Storm lantern")[0]
        said = await session.refused(
            "update_price", product_id=price["product"], price_id=price["_id"], amount=1
        )
        assert shelves.price_by_id(session, price["_id"])["amount"] == 1
        (change,) = await changes(session)
        assert change["outcome"] == "done"
        assert said == (
            "update_price failed because of a fault in this server. That was after the write itself: get_change "
            f"{change['id']} says what became of it. The server's log says more."
        )
        assert (await session.call("get_change", change_id=change["id"]))["can_be_undone"] is True


# An API that goes down while something is being written


class GoesDown:
    """An API that carries a write out, loses the answer, and meanwhile fails every list."""

    def __init__(self) -> None:
        self.reached = anyio.Event()
        self.release = anyio.Event()

    async def __call__(self, request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method != "GET":
            await carry(request)
            self.reached.set()
            await self.release.wait()
            raise httpx.ReadError("lost", request=request)
        if self.reached.is_set() and request.url.path == "/products/":
            return httpx.Response(503, text="down")
        return await carry(request)


@pytest.mark.parametrize("era", ERAS)
async def test_what_became_of_a_write_is_found_out_though_others_find_the_api_down(era: Era) -> None:
    api = GoesDown()
    results: list[dict[str, Any]] = []
    async with shop_session(era=era, between=api) as session:
        price = shelves.price(session, "Gift card", "Gift card")

        async def write() -> None:
            about = {"product_id": price["product"], "price_id": price["_id"]}
            results.append(await session.call("update_price", **about, amount=26))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            await api.reached.wait()
            for _ in range(5):
                await session.refused("list_products")
            assert "was not sent: the API has failed 5 times" in await session.refused("list_products")
            api.release.set()
        (content,) = results
        assert content["done"] is True
        assert content["notes"][-1].endswith("Read back from the shop: it was done.")
        (change,) = await changes(session)
        assert change["outcome"] == "done"


async def test_settling_what_was_left_open_takes_no_longer_than_an_assistant_waits(tmp_path: Path) -> None:
    mood = "well"

    async def api(request: httpx.Request, carry: Carry) -> httpx.Response:
        nonlocal mood
        if request.method != "GET":
            mood = "gone"
        if mood == "gone":
            raise httpx.ReadError("lost", request=request)
        if mood == "silent":
            await anyio.sleep_forever()
        return await carry(request)

    settings: dict[str, Any] = {"data_dir": tmp_path, "patience": 1}
    async with shop_session(settings=settings, between=api) as session:
        price = shelves.price(session, "Gift card", "Gift card")
        about = {"product_id": price["product"], "price_id": price["_id"]}
        said = await session.refused("update_price", **about, amount=26)
        assert "It is not known whether anything was changed" in said
    mood = "silent"
    async with shop_session(settings=settings, between=api) as session:
        for _ in range(2):
            # As long as the shop does not answer, each call begins with it, and ends in time.
            said = await session.refused("update_price", **about, amount=27)
            assert said == (
                "Not done: what an earlier run left open is being settled first, and that has taken as long as an "
                "assistant waits. Nothing was changed. Call again."
            )
        # The journal can be read all the same.
        (change,) = await changes(session)
        assert change["outcome"] in {"under_way", "unknown"}
        mood = "well"
        (change,) = await changes(session)
        assert change["outcome"] == "not_done"
