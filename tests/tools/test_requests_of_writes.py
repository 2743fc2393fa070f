"""What a write costs in requests, from the plan to the reading back: the API takes only so many."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import shelves
from shop_session import ERAS, Era, ShopSession, shop_session, yes

pytestmark = pytest.mark.anyio

PRODUCTS = "GET /products/"
PRODUCT = "GET /products/…"
PRICES = "GET /products/…/price"
PRICE = "GET /products/…/price/…"
INVENTORY = "GET /products/inventory"
REVIEWS = "GET /products/reviews"
UNASKED = {"confirmation": "off"}


async def requests(session: ShopSession, tool: str, arguments: Mapping[str, Any]) -> list[str]:
    """The requests of one call that succeeds, ids left out."""
    before = len(session.sent())
    await session.call(tool, **arguments)
    return [re.sub("[0-9a-f]{24}", "…", line) for line in session.sent()[before:]]


def lantern(session: ShopSession) -> dict[str, str]:
    """A product, and one price of it."""
    product = shelves.product(session, "Pocket lantern")["_id"]
    prices = session.sandbox.dump()["prices"]
    return {"product_id": product, "price_id": next(p["_id"] for p in prices if p["product"] == product)}


def with_one_price(session: ShopSession, count: int) -> list[str]:
    """So many products that have a single price each."""
    prices = Counter(price["product"] for price in session.sandbox.dump()["prices"])
    return [product for product, number in prices.items() if number == 1][:count]


SINGLE: dict[str, tuple[Callable[[ShopSession], dict[str, Any]], list[str]]] = {
    "update_price": (
        lambda session: {**lantern(session), "amount": 21},
        [PRICE, "PUT /products/…/price/…", PRICE],
    ),
    "update_product": (
        lambda session: {"product_id": lantern(session)["product_id"], "name": "Lamp"},
        [PRODUCT, "PUT /products/…", PRODUCT],
    ),
    "create_price": (
        lambda session: {
            "product_id": lantern(session)["product_id"],
            "name": "Gift box",
            "amount": 30,
            "currency": "USD",
        },
        [PRICES, "POST /products/…/price"],
    ),
    "update_inventory": (
        lambda session: {"items": [{"price_id": lantern(session)["price_id"], "available_quantity": 4}]},
        [INVENTORY, "POST /products/inventory", INVENTORY],
    ),
    "delete_price": (
        lantern,
        [PRICE, PRODUCT, PRICES, "DELETE /products/…/price/…", PRICE],
    ),
    "delete_product": (
        lambda session: {"product_id": lantern(session)["product_id"]},
        [PRODUCT, PRICES, REVIEWS, PRODUCTS, "DELETE /products/…", PRODUCT],
    ),
}


@pytest.mark.parametrize("tool", SINGLE)
async def test_a_single_write_reads_what_it_touches_once_before_and_once_after(tool: str) -> None:
    arguments, expected = SINGLE[tool]
    async with shop_session(settings=UNASKED) as session:
        assert await requests(session, tool, arguments(session)) == expected


async def test_a_price_change_of_many_products_reads_their_prices_once_before_and_once_after() -> None:
    async with shop_session(settings=UNASKED, shop=240) as session:
        ids = with_one_price(session, 120)
        rise = {"type": "INCREASE_BY_PERCENTAGE", "value": 10}
        sent = await requests(session, "bulk_change_prices", {"product_ids": ids, "price": rise})
    assert Counter(sent) == {PRODUCTS: 2, PRICES: 2 * 120, "POST /products/bulk-update": 1}


@pytest.mark.parametrize("era", ERAS)
async def test_after_the_persons_yes_the_present_prices_are_read_once_more(era: Era) -> None:
    async with shop_session(yes, era=era, shop=60) as session:
        ids = with_one_price(session, 30)
        rise = {"type": "INCREASE_BY_PERCENTAGE", "value": 10}
        sent = await requests(session, "bulk_change_prices", {"product_ids": ids, "price": rise})
    assert len(session.questions) == 1
    assert Counter(sent) == {PRODUCTS: 2, PRICES: 3 * 30, "POST /products/bulk-update": 1}


async def test_one_list_tells_that_many_products_are_gone() -> None:
    async with shop_session(settings=UNASKED, shop=60) as session:
        ids = with_one_price(session, 30)
        sent = await requests(session, "bulk_delete_products", {"product_ids": ids})
        (change,) = session.changes
        kept = await session.call("get_change", change_id=change["id"])
    assert Counter(sent) == {
        PRODUCTS: 2,
        PRODUCT: 30,
        PRICES: 30,
        REVIEWS: 1,
        "POST /products/bulk-update": 1,
    }
    assert sent[-1] == PRODUCTS
    assert kept["outcome"] == "done"
