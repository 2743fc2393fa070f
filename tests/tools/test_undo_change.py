"""Changes taken back through the tool: every kind, in both eras, by each road, and what stands in the way."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import shelves
from changes_to_make import (
    CHANGES,
    LANTERN,
    Change,
    answer_a_review,
    create_a_product,
    delete_a_product,
    delete_products,
    move_prices,
    update_a_price,
)
from mcp_types import CallToolResult
from odd_api import receives
from other_api import Carry
from roads import agreed, by_each_road, made, undone
from shop_session import ERAS, Era, ShopSession, no, shop_session, text_of, unticked, yes
from side_by_side import content_of, server_on
from undo_shop import shelves_alike

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Intent, Journal
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.identity import ONLINE_STORE_ID

pytestmark = pytest.mark.anyio


async def looked_up(session: ShopSession, change_id: str) -> dict[str, Any]:
    return await session.call("get_change", change_id=change_id)


def followed(ids: Mapping[str, str], later: Mapping[str, str]) -> dict[str, str]:
    """Former ids to what they are after a later change has made the same things again."""
    return {former: later.get(new, new) for former, new in ids.items()} | dict(later)


@pytest.mark.parametrize(("era", "asks"), [("2026-07-28", True), ("legacy", False)])
@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_taken_back_leaves_the_shop_as_it_was_and_taken_back_again_as_it_became(
    change: Change, era: Era, asks: bool
) -> None:
    async with shop_session(yes if asks else None, era=era) as session:
        before = session.dump()
        change_id = await made(session, change(session))
        changed = session.dump()
        assert shelves_alike(before, changed) != {}
        undo = await undone(session, change_id)
        new_ids: dict[str, str] = undo.get("new_ids", {})
        assert shelves_alike(before, session.dump(), new_ids) == {}
        entry = await looked_up(session, change_id)
        assert (entry["undone_by"], entry["can_be_undone"]) == ([undo["change"]["id"]], False)
        assert entry["why_not"] == f"It was undone by {undo['change']['id']}."
        undoing = await looked_up(session, undo["change"]["id"])
        assert (undoing["tool"], undoing["undoes"], undoing["outcome"], undoing["can_be_undone"]) == (
            "undo_change", change_id, "done", True
        )  # fmt: skip
        assert undo["change"]["approved_by"] == ("person" if asks else "confirmation_token")

        redo = await undone(session, undo["change"]["id"])
        created = {item["id"]: item["id"] for item in entry.get("created", ())}
        again = followed(created | new_ids, redo.get("new_ids", {}))
        assert shelves_alike(changed, session.dump(), again) == {}
        # What was taken back and done again is a change that can be taken back.
        assert (await looked_up(session, change_id))["can_be_undone"] is True
        last = await undone(session, change_id)
        assert shelves_alike(before, session.dump(), followed(new_ids, last.get("new_ids", {}))) == {}


@by_each_road
@pytest.mark.parametrize("change", [move_prices, delete_a_product, answer_a_review])
async def test_by_each_road_an_undoing_is_planned_agreed_to_and_done_once(
    change: Change, era: Era, asks: bool
) -> None:
    async with shop_session(yes if asks else None, era=era) as session:
        before = session.dump()
        change_id = await made(session, change(session))
        asked = len(session.questions)
        undo = await undone(session, change_id)
        assert shelves_alike(before, session.dump(), undo.get("new_ids")) == {}
        assert len(session.questions) == asked + (1 if asks else 0)
        if asks:
            assert session.questions[-1].startswith("Undo: ")
        writes = session.writes()
        said = await session.refused("undo_change", change_id=change_id)
        assert said == (f"It cannot be undone. It was undone by {undo['change']['id']}. Nothing was changed.")
        assert session.writes() == writes


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", [no, unticked])
async def test_without_a_yes_nothing_is_taken_back(era: Era, answer: Any) -> None:
    async with shop_session(answer, era=era) as session:
        change_id = await made(session, update_a_price(session))
        before = session.dump()
        assert "Nothing was changed." in await session.refused("undo_change", change_id=change_id)
        assert session.dump() == before
        assert (await looked_up(session, change_id))["can_be_undone"] is True


async def test_a_dry_run_shows_what_an_undoing_would_do() -> None:
    async with shop_session() as session:
        change_id = await made(session, delete_a_product(session))
        before = session.dump()
        content = content_of(await session.result("undo_change", change_id=change_id, dry_run=True))
        assert content["status"] == "dry_run"
        plan = content["plan"]
        assert plan["action"] == f"Undo: make the product “{LANTERN}” again"
        assert plan["items"] == [f"the product “{LANTERN}”: nothing → made again"]
        assert "has a new id" in plan["cannot_be_undone"]
        assert session.dump() == before


async def test_an_undoing_keeps_to_the_policy_of_the_shop(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.touch()
    async with shop_session(yes, settings={"policy_file": policy}) as session:
        change_id = await made(session, move_prices(session))
        lowered = session.dump()
        policy.write_text("[prices]\nmax_rise_percent = 5\n")
        said = await session.refused("undo_change", change_id=change_id)
        assert said.startswith("Refused by this shop's policy. Nothing was changed.")
        assert "prices.max_rise_percent = 5 in policy.toml" in said
        assert session.dump() == lowered
        assert [item["outcome"] for item in (await session.call("list_changes"))["items"]] == ["done"]
        policy.write_text("[prices]\nmax_rise_percent = 50\n")
        await undone(session, change_id)


# What somebody changed since


async def two_prices(session: ShopSession) -> tuple[str, list[dict[str, Any]]]:
    """Two prices set to 10 at once, the first of which somebody else sets to 12 then."""
    prices = shelves.prices_of(session, LANTERN)[:2]
    edits = [{"price_id": price["_id"], "amount": 10} for price in prices]
    product_id = prices[0]["product"]
    change_id = await made(
        session, ("bulk_edit_products", {"products": [{"product_id": product_id, "prices": edits}]})
    )
    await made(
        session, ("update_price", {"product_id": product_id, "price_id": prices[0]["_id"], "amount": 12})
    )
    return change_id, prices


def amounts(session: ShopSession, prices: list[dict[str, Any]]) -> list[Any]:
    return [shelves.price_by_id(session, price["_id"])["amount"] for price in prices]


@by_each_road
async def test_a_conflict_is_shown_and_left_alone_or_skipped_or_overwritten_as_asked(
    era: Era, asks: bool
) -> None:
    async with shop_session(yes if asks else None, era=era) as session:
        change_id, prices = await two_prices(session)
        former = [price["amount"] for price in prices]
        writes = session.writes()
        for options in ({}, {"on_conflict": "stop"}):
            said = await session.refused("undo_change", change_id=change_id, **options)
            assert "amount: the change made it 10.00 USD, it is 12.00 USD now" in said
            assert said.count("the change made it") == 1
            assert "Nothing was changed." in said
        assert session.writes() == writes
        skipped = await agreed(session, "undo_change", change_id=change_id, on_conflict="skip")
        assert amounts(session, prices) == [12, former[1]]
        await undone(session, skipped["change"]["id"])
        assert amounts(session, prices) == [12, 10]
        await undone(session, change_id, on_conflict="overwrite")
        assert amounts(session, prices) == former


async def test_a_change_whose_undoing_left_something_out_can_still_be_taken_back() -> None:
    async with shop_session(yes) as session:
        change_id, prices = await two_prices(session)
        await agreed(session, "undo_change", change_id=change_id, on_conflict="skip")
        entry = await looked_up(session, change_id)
        assert (len(entry["undone_by"]), entry["can_be_undone"]) == (1, True)
        await undone(session, change_id, on_conflict="overwrite")
        assert amounts(session, prices) == [price["amount"] for price in prices]


async def test_what_the_api_made_of_a_value_is_no_conflict() -> None:
    stores_another = receives("PUT .*", lambda body: body | {"amount": 9.99})
    async with shop_session(yes, between=stores_another) as session:
        (price, *_) = shelves.prices_of(session, LANTERN)
        arguments = {"product_id": price["product"], "price_id": price["_id"]}
        done = await agreed(session, "update_price", **arguments, amount=10)
        assert done["not_applied"] == [{"field": "amount", "expected": 10, "found": 9.99}]
        assert amounts(session, [price]) == [Decimal("9.99")]
        plan = content_of(await session.result("undo_change", change_id=done["change"]["id"], dry_run=True))[
            "plan"
        ]
        assert plan["items"] == [f"“{price['name']}”, amount: 9.99 USD → {price['amount']:.2f} USD"]


# What was deleted and made again


async def test_a_product_deleted_and_made_again_over_and_over_is_still_the_same_thing() -> None:
    async with shop_session(yes) as session:
        before = session.dump()
        renamed = await made(session, ("update_product", {"product_id": id_of(session), "name": "Lamp"}))
        ids: dict[str, str] = {}
        deleted = ""
        for _ in range(3):
            deleted = await made(session, ("delete_product", {"product_id": id_of(session, "Lamp")}))
            assert "Lamp" not in {doc["name"] for doc in session.dump()["products"]}
            ids = followed(ids, (await undone(session, deleted))["new_ids"])
        (lamp,) = [doc["_id"] for doc in session.dump()["products"] if doc["name"] == "Lamp"]
        assert lamp == ids[shelves_id(before)]
        # What was done to it before it was deleted is taken back on what it is now.
        await undone(session, renamed)
        assert shelves_alike(before, session.dump(), ids) == {}
        said = await session.refused("undo_change", change_id=deleted)
        assert said.startswith("It cannot be undone. It was undone by chg_")


def id_of(session: ShopSession, name: str = LANTERN) -> str:
    key: str = shelves.product(session, name)["_id"]
    return key


def shelves_id(dump: dict[str, Any], name: str = LANTERN) -> str:
    (key,) = [doc["_id"] for doc in dump["products"] if doc["name"] == name]
    return key


async def test_an_undoing_taken_back_and_forth_ends_where_it_began() -> None:
    async with shop_session(yes) as session:
        before = session.dump()
        latest = await made(session, delete_a_product(session))
        deleted = session.dump()
        ids: dict[str, str] = {}
        for turn in range(4):
            undo = await undone(session, latest)
            ids = followed(ids, undo.get("new_ids", {}))
            assert shelves_alike(deleted if turn % 2 else before, session.dump(), ids) == {}
            latest = undo["change"]["id"]
        items = await session.call("list_changes")
        assert [item["tool"] for item in items["items"]] == ["undo_change"] * 4 + ["delete_product"]


async def test_changes_of_prices_and_stock_come_back_on_a_product_made_again_in_any_order() -> None:
    async with shop_session(yes) as session:
        before = session.dump()
        priced = await made(session, update_a_price(session))
        prices = [price["_id"] for price in shelves.prices_of(session, LANTERN)]
        stocked = await made(session, ("bulk_update_inventory", {"price_ids": prices[1:], "add_quantity": 5}))
        hidden = await made(
            session,
            (
                "set_store_visibility",
                {"store_id": ONLINE_STORE_ID, "product_ids": [id_of(session)], "action": "exclude"},
            ),
        )
        deleted = await made(session, delete_products(session))
        ids = (await undone(session, deleted))["new_ids"]
        for change_id in (stocked, priced, hidden):
            assert "new_ids" not in await undone(session, change_id)
        assert shelves_alike(before, session.dump(), ids) == {}
        (store,) = [store for store in session.dump()["stores"] if store["id"] == ONLINE_STORE_ID]
        assert ids[shelves_id(before)] in {item["productId"] for item in store["products"]}


async def test_what_came_to_a_product_after_it_was_made_goes_and_comes_back_with_it() -> None:
    async with shop_session(yes) as session:
        before = session.dump()
        created = await made(session, create_a_product(session))
        product_id = (await looked_up(session, created))["created"][0]["id"]
        await made(
            session,
            ("create_price", {"product_id": product_id, "name": "One", "amount": 5, "currency": "USD"}),
        )
        whole = session.dump()
        undo = await undone(session, created)
        assert "1 price of “Night cap”, with the stock, go with it." in session.questions[-1]
        assert shelves_alike(before, session.dump()) == {}
        redo = await undone(session, undo["change"]["id"])
        assert len(redo["new_ids"]) == 2
        assert shelves_alike(whole, session.dump(), redo["new_ids"]) == {}


async def test_a_place_in_a_display_order_comes_back_where_this_server_set_it() -> None:
    async with shop_session(yes) as session:
        key = id_of(session)

        def place() -> int | None:
            (store,) = [store for store in session.dump()["stores"] if store["id"] == ONLINE_STORE_ID]
            (found,) = [item["priority"] for item in store["products"] if item["productId"] == key]
            return found

        async def put(priority: int) -> str:
            products = [{"product_id": key, "priority": priority}]
            return await made(
                session, ("set_display_priority", {"store_id": ONLINE_STORE_ID, "products": products})
            )

        first = await put(3)
        said = await session.refused("undo_change", change_id=first)
        assert "the former place of “Storm lantern” in the display order is not known" in said
        second = await put(7)
        await undone(session, second)
        assert place() == 3
        (undoing, *_) = (await session.call("list_changes"))["items"]
        await undone(session, undoing["id"])
        assert place() == 7


# Undoings at once, and after one that broke off


@pytest.mark.parametrize("era", ERAS)
async def test_of_undoings_at_once_one_makes_it_again(era: Era, tmp_path: Path) -> None:
    app = create_app(rate_limit=0)
    settings = {"data_dir": tmp_path, "confirmation": "off"}
    async with (
        server_on(app, era=era, settings=settings) as one,
        server_on(app, era=era, settings=settings) as other,
    ):
        before = one.dump()
        change_id = await made(one, delete_a_product(one))
        results: list[CallToolResult] = []

        async def undo(session: ShopSession) -> None:
            results.append(await session.result("undo_change", change_id=change_id))

        async with anyio.create_task_group() as tasks:
            for session in (one, other, one):
                tasks.start_soon(undo, session)
        (done,) = [content_of(result) for result in results if not result.is_error]
        assert done["done"] is True
        assert shelves_alike(before, one.dump(), done["new_ids"]) == {}
        for said in [text_of(result) for result in results if result.is_error]:
            assert "Nothing was changed." in said
            # One that plans when the product is there again, and not yet written down, finds all as it was before.
            assert done["change"]["id"] in said or "There is nothing to undo." in said
        items = (await one.call("list_changes"))["items"]
        assert [item["id"] for item in items if item["outcome"] == "done"] == [
            done["change"]["id"], change_id
        ]  # fmt: skip
    sandbox_of(app).close()


async def test_what_an_undoing_made_whose_process_is_gone_is_taken_over(tmp_path: Path) -> None:
    async with shop_session(yes, settings={"data_dir": tmp_path}) as session:
        before = session.dump()
        former = shelves.product(session, "Gift card")
        change_id = await made(session, ("delete_product", {"product_id": former["_id"]}))
        planned = content_of(await session.result("undo_change", change_id=change_id, dry_run=True))
        record = await session.store.use(lambda store: store.ledger.find(planned["plan"]["id"]))
        assert record is not None
        # Another process began to undo it, made the product, and was gone before its prices.
        database = Database.open(f"sqlite:///{tmp_path / 'guard.sqlite'}")
        Journal(database).begin(
            Intent(
                location=record.location,
                base_url=record.base_url,
                caller=record.caller,
                client="",
                tool="undo_change",
                title=record.title,
                operation="",
                arguments=record.arguments,
                plan=record.plan,
                fingerprint=record.fingerprint,
                road="person",
                destructive=True,
                undoes=change_id,
            )
        )
        database.close()
        made_again = "0" * 24
        shelves.put_back(session, former | {"_id": made_again})
        undo = await undone(session, change_id)
        assert undo["new_ids"][former["_id"]] == made_again
        assert shelves_alike(before, session.dump(), undo["new_ids"]) == {}


async def test_what_the_api_may_still_be_at_is_not_taken_back_yet() -> None:
    slow: list[Callable[[], Awaitable[httpx.Response]]] = []

    async def late(request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method == "GET" or slow:
            return await carry(request)
        slow.append(lambda: carry(request))
        raise httpx.ReadTimeout("slow", request=request)

    async with shop_session(yes, between=late) as session:
        before = session.dump()
        name, arguments = delete_a_product(session)
        await session.refused(name, **arguments)
        (change,) = (await session.call("list_changes"))["items"]
        said = await session.refused("undo_change", change_id=change["id"])
        assert said == (
            "It cannot be undone. The API may still be at it: look again in a minute. Nothing was changed."
        )
        await slow[0]()
        undo = await undone(session, change["id"])
        assert shelves_alike(before, session.dump(), undo["new_ids"]) == {}
