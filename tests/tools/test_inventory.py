import json
from typing import Any

import pytest
import shelves
from shop_session import ERAS, Era, ShopSession, no, shop_session, text_of, yes
from side_by_side import content_of

from hoopai_products_mcp.guard import question

pytestmark = pytest.mark.anyio

LOCATION = "sbxLocation000000001"
PLACE = [("altId", LOCATION), ("altType", "location")]


async def test_stock_is_listed_by_variant_with_its_product_and_sku() -> None:
    async with shop_session() as session:
        result = await session.result("list_inventory", search="pocket lantern")
        brass, iron = shelves.prices_of(session, "Pocket lantern")
        assert result.structured_content == {
            "items": [
                {
                    "price_id": brass["_id"],
                    "product_id": brass["product"],
                    "product_name": "Pocket lantern",
                    "name": "Brass",
                    "sku": "ML-012-01",
                    "available_quantity": 40,
                },
                {
                    "price_id": iron["_id"],
                    "product_id": iron["product"],
                    "product_name": "Pocket lantern",
                    "name": "Iron",
                    "sku": "ML-012-02",
                    "available_quantity": 35,
                },
            ],
            "returned": 2,
            "total": 2,
        }
        assert json.loads(text_of(result)) == result.structured_content
        (request,) = session.sandbox.requests
        assert request.line == "GET /products/inventory"
        assert request.query == [*PLACE, ("limit", "50"), ("offset", "0"), ("search", "pocket lantern")]


async def test_full_detail_adds_whether_it_sells_on_its_image_and_when_it_changed() -> None:
    async with shop_session() as session:
        concise = (await session.call("list_inventory", search="pocket lantern"))["items"][0]
        full = (await session.call("list_inventory", search="pocket lantern", detail="full"))["items"][0]
        brass = shelves.price(session, "Pocket lantern", "Brass")
        assert full == concise | {
            "allow_out_of_stock_purchases": True,
            "image": shelves.product(session, "Pocket lantern")["image"],
            "updated_at": brass["updatedAt"],
        }


async def test_following_next_offset_gives_every_tracked_variant_once() -> None:
    async with shop_session() as session:
        seen: list[str] = []
        offset: int | None = 0
        while offset is not None:
            page = await session.call("list_inventory", limit=100, offset=offset)
            seen += [item["price_id"] for item in page["items"]]
            offset = page.get("next_offset")
        assert seen == [doc["_id"] for doc in session.sandbox.dump()["prices"] if doc["trackInventory"]]
        assert len(seen) > 100


async def test_one_variants_stock_is_set_unasked_and_read_back() -> None:
    async with shop_session() as session:
        before = shelves.price(session, "Oilskin hat", "56")
        result = await session.result(
            "update_inventory", items=[{"price_id": before["_id"], "available_quantity": 12}]
        )
        content = content_of(result)
        assert json.loads(text_of(result)) == content
        (change,) = (await session.call("list_changes"))["items"]
        assert content == {
            "done": True,
            "prices": 1,
            "change": {"id": change["id"], "approved_by": "not_needed"},
        }
        assert (change["tool"], change["outcome"]) == ("update_inventory", "done")
        assert shelves.body(session) == {
            "altId": LOCATION,
            "altType": "location",
            "items": [{"priceId": before["_id"], "availableQuantity": 12}],
        }
        after = shelves.price(session, "Oilskin hat", "56")
        assert shelves.differences(before, after) == {"availableQuantity": 12}
        assert session.writes() == ["POST /products/inventory"]


@pytest.mark.parametrize("era", ERAS)
async def test_the_stock_of_several_variants_asks_with_before_and_after(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        first, second, third = shelves.prices_of(session, "Oilskin hat")
        done = await session.call(
            "update_inventory",
            items=[
                {"price_id": first["_id"], "available_quantity": 12},
                {"price_id": second["_id"], "allow_out_of_stock_purchases": False},
                {"price_id": third["_id"], "available_quantity": 3, "allow_out_of_stock_purchases": True},
            ],
        )
        assert done == {"done": True, "prices": 3}
        (asked,) = session.questions
        was = ["sells on" if doc["allowOutOfStockPurchases"] else "stops selling" for doc in (second, third)]
        by_size = [
            f"• Oilskin hat: 56 [{first['sku']}]: {first['availableQuantity']} → 12",
            f"• Oilskin hat: 60 [{third['sku']}]: {third['availableQuantity']}, {was[1]} when sold out → "
            "3, sells on when sold out",
        ]
        by_size.sort(
            key=lambda line: abs(12 - first["availableQuantity"]) < abs(3 - third["availableQuantity"])
        )
        sum_before = first["availableQuantity"] + third["availableQuantity"]
        assert asked.splitlines()[:5] == [
            "Set the stock of 3 variants",
            *by_size,
            f"• Oilskin hat: 58 [{second['sku']}]: {was[0]} when sold out → stops selling when sold out",
            f"Stock in all: {sum_before} → 15.",
        ]
        after = shelves.prices_of(session, "Oilskin hat")
        assert after[0]["availableQuantity"] == 12
        assert (after[1]["availableQuantity"], after[1]["allowOutOfStockPurchases"]) == (
            second["availableQuantity"],
            False,
        )
        assert (after[2]["availableQuantity"], after[2]["allowOutOfStockPurchases"]) == (3, True)


@pytest.mark.parametrize("era", ERAS)
async def test_a_no_leaves_the_stock_alone(era: Era) -> None:
    async with shop_session(no, era=era) as session:
        still = shelves.untouched(session)
        assert await session.refused("update_inventory", items=stocktake(session, 1)) == question.DECLINED
        assert still()
        assert session.writes() == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_cannot_ask_gets_the_plan_and_its_token_sets_the_stock(era: Era) -> None:
    async with shop_session(era=era) as session:
        still = shelves.untouched(session)
        held = shelves.prices_of(session, "Oilskin hat")
        items = stocktake(session, 1)
        content = await session.call("update_inventory", items=items)
        assert content["status"] == "confirmation_required"
        plan = content["plan"]
        assert (plan["action"], plan["also"], plan["totals"]) == (
            "Set the stock of 3 variants",
            [f"Stock in all: {sum(doc['availableQuantity'] for doc in held)} → 3."],
            {
                "things": 3,
                "stock_before": sum(doc["availableQuantity"] for doc in held),
                "stock_after": 3,
            },
        )
        assert sorted(plan["items"]) == [
            f"Oilskin hat: {doc['name']} [{doc['sku']}]: {doc['availableQuantity']} → 1" for doc in held
        ]
        assert still()
        assert session.writes() == []
        done = await session.call(
            "update_inventory", items=items, confirmation_token=content["confirmation_token"]
        )
        assert done == {"done": True, "prices": 3}
        assert session.changes[-1]["approved_by"] == "confirmation_token"
        assert [doc["availableQuantity"] for doc in shelves.prices_of(session, "Oilskin hat")] == [1, 1, 1]
        assert len(session.writes()) == 1


def stocktake(session: ShopSession, quantity: int) -> list[dict[str, Any]]:
    """The stock of three variants, counted."""
    return [
        {"price_id": doc["_id"], "available_quantity": quantity}
        for doc in shelves.prices_of(session, "Oilskin hat")
    ]


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (
            [{"price_id": "x1", "available_quantity": 1}, {"price_id": "x1", "available_quantity": 2}],
            "`items` has x1 more than once. Nothing was changed. Name each once.",
        ),
        (
            [{"price_id": "x1"}],
            "`items` names x1 and gives it no field to change. Nothing was changed.",
        ),
    ],
)
async def test_unclear_items_are_refused_before_any_request(items: list[Any], said: str) -> None:
    async with shop_session(yes) as session:
        assert await session.refused("update_inventory", items=items) == said
        assert session.sent() == []


async def test_an_unknown_variant_among_several_is_refused_by_name() -> None:
    async with shop_session(yes) as session:
        still = shelves.untouched(session)
        known = shelves.price(session, "Oilskin hat", "56")["_id"]
        said = await session.refused(
            "update_inventory",
            items=[
                {"price_id": known, "available_quantity": 1},
                {"price_id": "none", "available_quantity": 1},
            ],
        )
        assert said.startswith("The inventory has no price id none. Nothing was changed.")
        assert session.questions == []
        assert still()


async def test_an_unknown_variant_alone_is_refused_by_name() -> None:
    async with shop_session() as session:
        still = shelves.untouched(session)
        said = await session.refused(
            "update_inventory", items=[{"price_id": "none", "available_quantity": 1}]
        )
        assert said.startswith("The inventory has no price id none. Nothing was changed.")
        assert session.writes() == []
        assert still()


@pytest.mark.parametrize("era", ERAS)
async def test_a_sale_while_the_question_is_open_makes_a_stocktake_asked_for_anew(era: Era) -> None:
    sessions: list[ShopSession] = []

    def sell(asked: str) -> Any:
        if len(sessions[0].questions) > 1:
            return no(asked)
        first = shelves.price(sessions[0], "Oilskin hat", "56")
        shelves.change_price(sessions[0], first["_id"], availableQuantity=0)
        return yes(asked)

    async with shop_session(sell, era=era) as session:
        sessions.append(session)
        before = shelves.price(session, "Oilskin hat", "56")
        said = await session.refused("update_inventory", items=stocktake(session, 5))
        assert said == question.DECLINED
        _, second = session.questions
        front, changed, _, action, *items = second.splitlines()
        assert front.startswith("The shop changed ")
        assert f"Oilskin hat: 56 [{before['sku']}]" in changed
        assert changed.endswith(f": was {before['availableQuantity']}, is 0 now")
        assert action == "Set the stock of 3 variants"
        assert f"• Oilskin hat: 56 [{before['sku']}]: 0 → 5" in items
        assert session.writes() == []


async def test_a_sale_between_the_write_and_the_reading_back_is_told_by_field() -> None:
    async with shop_session() as session:
        price = shelves.price(session, "Oilskin hat", "56")

        def sell() -> None:
            shelves.change_price(session, price["_id"], availableQuantity=4)

        def sell_before_the_next_reading() -> None:
            shelves.just_before(session, "GET /products/inventory", sell)

        shelves.just_before(session, "POST /products/inventory", sell_before_the_next_reading)
        done = await session.call(
            "update_inventory",
            items=[
                {
                    "price_id": price["_id"],
                    "available_quantity": 5,
                    "allow_out_of_stock_purchases": price["allowOutOfStockPurchases"],
                }
            ],
        )
        assert done == {
            "done": False,
            "prices": 1,
            "differing": [
                {
                    "id": price["_id"],
                    "name": f"Oilskin hat: 56 [{price['sku']}]",
                    "expected": {"available_quantity": 5},
                    "found": {"available_quantity": 4},
                }
            ],
        }


async def test_stock_of_a_variant_that_is_not_tracked_is_refused_and_says_how_to_track_it() -> None:
    async with shop_session() as session:
        price = shelves.price(session, "Gift card", "Gift card")
        said = await session.refused(
            "update_inventory", items=[{"price_id": price["_id"], "available_quantity": 5}]
        )
        assert "bulk_update_inventory with track_inventory true starts tracking" in said
        assert session.writes() == []


async def test_a_failing_reading_back_is_told_and_is_no_success() -> None:
    async with shop_session() as session:
        price = shelves.price(session, "Oilskin hat", "56")

        def fail() -> None:
            session.sandbox.faults.add("server_error", "GET /products/inventory", count=None)

        shelves.just_before(session, "POST /products/inventory", fail)
        done = await session.call(
            "update_inventory", items=[{"price_id": price["_id"], "available_quantity": 5}]
        )
        assert done["done"] is False
        (note,) = done["notes"]
        assert note.startswith("The API accepted the change; reading it back failed, so it was not checked.")
        assert "Nothing was changed" not in note
        assert shelves.price(session, "Oilskin hat", "56")["availableQuantity"] == 5
