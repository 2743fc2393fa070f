from typing import Any

import pytest
import shelves
from shop_session import ERAS, Era, closed, no, shop_session, yes

pytestmark = pytest.mark.anyio

LOCATION = "sbxLocation000000001"
PLACE = {"altId": LOCATION, "altType": "location"}
ROUTE = "POST /products/bulk-update/inventory"


@pytest.mark.parametrize("era", ERAS)
async def test_a_delivery_is_added_to_each_variant_after_a_yes(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        prices = shelves.prices_of(session, "Pocket lantern")
        price_ids = [doc["_id"] for doc in prices]
        done = await session.call("bulk_update_inventory", price_ids=price_ids, add_quantity=10)
        assert done == {"done": True, "prices": 2}
        assert session.questions[0].splitlines()[:4] == [
            "Change 2 variants: add 10 to the stock",
            "• Pocket lantern: Brass [ML-012-01]: 40 → 50",
            "• Pocket lantern: Iron [ML-012-02]: 35 → 45",
            "Stock in all: 75 → 95.",
        ]
        assert shelves.body(session) == PLACE | {
            "priceIds": price_ids,
            "availableQuantity": {"type": "ADD_QUANTITY", "value": 10},
        }
        now = shelves.prices_of(session, "Pocket lantern")
        assert [doc["availableQuantity"] for doc in now] == [50, 45]


async def test_settings_alone_name_the_variants_and_what_changes() -> None:
    async with shop_session(yes) as session:
        prices = shelves.prices_of(session, "Pocket lantern")
        done = await session.call(
            "bulk_update_inventory",
            price_ids=[doc["_id"] for doc in prices],
            track_inventory=False,
            allow_out_of_stock_purchases=False,
        )
        assert done == {"done": True, "prices": 2}
        assert session.questions[0].splitlines()[:3] == [
            "Change 2 variants: stop tracking the stock, stop selling when sold out",
            "• Pocket lantern: Brass [ML-012-01]",
            "• Pocket lantern: Iron [ML-012-02]",
        ]
        for doc in shelves.prices_of(session, "Pocket lantern"):
            assert (doc["trackInventory"], doc["allowOutOfStockPurchases"]) == (False, False)


async def test_tracking_starts_for_variants_that_only_their_product_lists() -> None:
    async with shop_session(yes) as session:
        tracked = shelves.price(session, "Pocket lantern", "Brass")["_id"]
        untracked = shelves.price(session, "Gift card", "Gift card 50")["_id"]
        done = await session.call(
            "bulk_update_inventory",
            price_ids=[untracked, tracked],
            add_quantity=5,
            track_inventory=True,
            allow_out_of_stock_purchases=True,
        )
        assert done == {"done": True, "prices": 2}
        lines = session.questions[0].splitlines()
        assert lines[0] == (
            "Change 2 variants: add 5 to the stock, track the stock, keep selling when sold out"
        )
        assert lines[1].startswith("• Gift card: Gift card 50")
        assert lines[1].endswith(": 0 → 5")
        now = shelves.price_by_id(session, untracked)
        assert (now["trackInventory"], now["availableQuantity"]) == (True, 5)


async def test_an_id_that_no_product_has_is_refused() -> None:
    async with shop_session(yes) as session:
        said = await session.refused("bulk_update_inventory", price_ids=["none"], track_inventory=True)
        assert said == (
            "Neither the inventory nor any product has the price id none. Nothing was changed. Take ids from "
            "list_prices; bulk_edit_products can set it by product."
        )
        assert session.questions == []
        assert session.writes() == []


async def test_a_large_shop_is_looked_through_to_a_limit() -> None:
    async with shop_session(yes, shop=301) as session:
        said = await session.refused("bulk_update_inventory", price_ids=["none"], track_inventory=True)
        assert said.startswith("Neither the inventory nor the newest 300 products has the price id none.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"add_quantity": 1, "price_ids": ["none"]}, "The inventory has no price id none."),
        (
            {"add_quantity": 1, "price_ids": ["x", "x"]},
            "`price_ids` has x more than once. Nothing was changed. Name each once.",
        ),
        ({"price_ids": ["x"]}, "The call names no field to change. Nothing was changed."),
    ],
)
async def test_what_cannot_be_added_to_is_refused(arguments: dict[str, Any], said: str) -> None:
    async with shop_session(yes) as session:
        still = shelves.untouched(session)
        refused = await session.refused("bulk_update_inventory", **arguments)
        assert refused.startswith(said)
        assert "Nothing was changed." in refused
        assert session.questions == []
        assert still()


@pytest.mark.parametrize("missing", ["route_missing", "route_unsupported"])
async def test_without_the_route_sums_are_written_the_documented_way_and_it_says_so(missing: str) -> None:
    async with shop_session(yes) as session:
        session.sandbox.faults.add(missing, ROUTE, count=None)
        prices = shelves.prices_of(session, "Pocket lantern")
        done = await session.call(
            "bulk_update_inventory", price_ids=[doc["_id"] for doc in prices], add_quantity=10
        )
        assert (done["done"], done["prices"]) == (True, 2)
        (note,) = done["notes"]
        assert note.startswith(f"This account does not have {ROUTE}")
        assert session.writes() == [ROUTE, "POST /products/inventory"]
        now = shelves.prices_of(session, "Pocket lantern")
        assert [doc["availableQuantity"] for doc in now] == [50, 45]


async def test_without_the_route_tracking_that_was_not_set_is_no_success() -> None:
    async with shop_session(yes) as session:
        session.sandbox.faults.add("route_missing", ROUTE, count=None)
        brass = shelves.price(session, "Pocket lantern", "Brass")
        done = await session.call(
            "bulk_update_inventory", price_ids=[brass["_id"]], add_quantity=10, track_inventory=False
        )
        assert done["done"] is False
        assert "Stock tracking was not changed" in done["notes"][0]
        assert done["differing"] == [
            {
                "id": brass["_id"],
                "name": "Brass",
                "expected": {"track_inventory": False, "available_quantity": 50},
                "found": {"track_inventory": True, "available_quantity": 50},
            }
        ]


async def test_without_the_route_tracking_alone_cannot_be_switched() -> None:
    async with shop_session(yes) as session:
        session.sandbox.faults.add("route_missing", ROUTE, count=None)
        still = shelves.untouched(session)
        brass = shelves.price(session, "Pocket lantern", "Brass")
        said = await session.refused("bulk_update_inventory", price_ids=[brass["_id"]], track_inventory=False)
        assert "Nothing was changed." in said
        assert still()


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", [no, closed])
async def test_without_a_yes_no_stock_is_added(era: Era, answer: Any) -> None:
    async with shop_session(answer, era=era) as session:
        still = shelves.untouched(session)
        brass = shelves.price(session, "Pocket lantern", "Brass")
        said = await session.refused("bulk_update_inventory", price_ids=[brass["_id"]], add_quantity=10)
        assert "Nothing was changed." in said
        assert still()


async def test_with_confirmation_off_stock_is_added_unasked() -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        brass = shelves.price(session, "Pocket lantern", "Brass")
        done = await session.call("bulk_update_inventory", price_ids=[brass["_id"]], add_quantity=10)
        assert done == {"done": True, "prices": 1}
