"""Low stock: lowest first, by variant or by product, with what is not tracked told apart."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_session import ERAS, Era, ShopSession, shop_session
from steady_session import SteadySession, steady_session
from whole_jobs import add_product

pytestmark = pytest.mark.anyio

Doc = dict[str, Any]
TRACKED = {"trackInventory": True}


def shelf(session: ShopSession) -> list[Doc]:
    """Every price of the shop, with the name of its product."""
    dump = session.sandbox.dump()
    names = {product["_id"]: product["name"] for product in dump["products"]}
    return [price | {"productName": names[price["product"]]} for price in dump["prices"]]


def lowest(docs: list[Doc], threshold: int) -> list[tuple[str, int]]:
    low = [(doc["_id"], doc["availableQuantity"]) for doc in docs if doc["availableQuantity"] <= threshold]
    return sorted(low, key=lambda pair: pair[1])


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("threshold", [-1, 0, 5, 1000])
async def test_what_is_at_or_below_the_threshold_comes_lowest_first(era: Era, threshold: int) -> None:
    async with shop_session(era=era) as session:
        tracked = [doc for doc in shelf(session) if doc["trackInventory"]]
        content = await session.call("low_stock", threshold=threshold, limit=100)
        expected = lowest(tracked, threshold)
        assert [(item["price_id"], item["available_quantity"]) for item in content["items"]] == expected[:100]
        assert (content["returned"], content["total"]) == (min(100, len(expected)), len(expected))
        quantities = [doc["availableQuantity"] for doc in tracked]
        assert content["oversold"] == sum(quantity < 0 for quantity in quantities if quantity <= threshold)
        assert content["sold_out"] == sum(quantity == 0 for quantity in quantities if quantity <= threshold)
        assert content["low"] == sum(0 < quantity <= threshold for quantity in quantities)
        assert content["enough"] == sum(quantity > threshold for quantity in quantities)
        assert "untracked" not in content
        assert content["notes"] == [
            "What is not tracked has no stock to run out and is not counted; untracked: true does."
        ]


async def test_an_item_says_which_variant_it_is_and_whether_it_sells_on() -> None:
    async with shop_session() as session:
        content = await session.call("low_stock", threshold=-1)
        (doc,) = [doc for doc in shelf(session) if (doc.get("availableQuantity") or 0) < 0]
        assert content["items"] == [
            {
                "product_id": doc["product"],
                "product_name": "Night-scented stock plugs",
                "price_id": doc["_id"],
                "name": "Night-scented stock plugs",
                "sku": "ML-010-01",
                "available_quantity": -3,
                "sells_on": True,
            }
        ]


async def test_by_product_the_variants_are_summed() -> None:
    async with shop_session(shop="empty") as session:
        cups = add_product(
            session,
            "Cup",
            of=[TRACKED | {"availableQuantity": 2}, TRACKED | {"availableQuantity": 9}, {"sku": "C-3"}],
        )
        bowls = add_product(session, "Bowl", of=[TRACKED | {"availableQuantity": -4}] * 1)
        add_product(session, "Plate", of=[TRACKED | {"availableQuantity": 50}])
        content = await session.call("low_stock", by="product", threshold=11)
        assert content["items"] == [
            {
                "product_id": bowls,
                "product_name": "Bowl",
                "available_quantity": -4,
                "variants": 1,
                "low_variants": 1,
            },
            {
                "product_id": cups,
                "product_name": "Cup",
                "available_quantity": 11,
                "variants": 2,
                "low_variants": 2,
            },
        ]
        assert (content["oversold"], content["low"], content["enough"], content["total"]) == (1, 1, 1, 2)


@pytest.mark.parametrize("by", ["sku", "product"])
async def test_what_is_not_tracked_is_counted_apart_with_the_first_examples(by: str) -> None:
    async with shop_session() as session:
        untracked = [doc for doc in shelf(session) if not doc["trackInventory"]]
        tracked = await session.call("low_stock", by=by)
        content = await session.call("low_stock", by=by, untracked=True)
        assert content.pop("untracked") == len(untracked)
        assert [item["price_id"] for item in content.pop("untracked_examples")] == [
            doc["_id"] for doc in untracked[:5]
        ]
        del tracked["notes"]
        assert content == tracked


async def test_of_named_products_every_variant_is_looked_at() -> None:
    async with shop_session(shop="empty") as session:
        one = add_product(session, "Cup", of=[TRACKED | {"availableQuantity": 1}, {"sku": "C-2"}])
        add_product(session, "Bowl", of=[TRACKED | {"availableQuantity": 0}])
        content = await session.call("low_stock", product_ids=[one])
        assert (content["low"], content["untracked"], content["total"]) == (1, 1, 1)
        said = await session.refused("low_stock", product_ids=["none"])
        assert said.startswith("No product of this shop has the id none.")


async def test_a_tracked_variant_of_which_the_api_tells_no_quantity_is_unknown_not_sold_out() -> None:
    async with shop_session(shop="empty") as session:
        add_product(session, "Cup", of=[TRACKED])
        content = await session.call("low_stock")
        assert (content["unknown"], content["total"], content["items"]) == (1, 0, [])


def _by_quantity(quantities: Mapping[str, int], threshold: int, limit: int) -> list[int]:
    return sorted(value for value in quantities.values() if value <= threshold)[:limit]


@pytest.fixture(scope="module")
def empty() -> Any:
    with steady_session(shop="empty") as session:
        yield session


@settings(max_examples=40)
@given(
    quantities=st.lists(st.integers(-20, 20), max_size=40),
    threshold=st.integers(-25, 25),
    limit=st.integers(1, 30),
)
def test_any_shelf_is_told_right(
    empty: SteadySession, quantities: list[int], threshold: int, limit: int
) -> None:
    empty.fresh()
    for number, quantity in enumerate(quantities):
        add_product(empty.session, f"Cup {number}", of=[TRACKED | {"availableQuantity": quantity}])
    result = empty.result("low_stock", {"threshold": threshold, "limit": limit})
    content: dict[str, Any] = result.structured_content or {}
    named = {str(number): quantity for number, quantity in enumerate(quantities)}
    assert [item["available_quantity"] for item in content["items"]] == _by_quantity(named, threshold, limit)
    assert content["total"] + content["enough"] == len(quantities)
