"""What is said to be wrong with a listing, product by product."""

from datetime import date
from typing import Any

import httpx
import pytest
from other_api import Carry
from rendered_prompts import render
from shop_session import shop_session

from hoopai_products_mcp.products_api.models import Price, Product
from hoopai_products_mcp.server import findings

TODAY = date(2026, 5, 31)
UNCHANGED: dict[str, Any] = {}
SOUND: dict[str, Any] = {
    "_id": "p1",
    "name": "Lamp",
    "productType": "PHYSICAL",
    "description": "A lamp.",
    "slug": "lamp",
    "image": "https://images.example.com/lamp.jpg",
    "availableInStore": True,
    "collectionIds": ["c1"],
    "seo": {"title": "Lamp", "description": "A lamp."},
}
PRICED: dict[str, Any] = {
    "_id": "q1",
    "amount": 5,
    "currency": "USD",
    "sku": "L-1",
    "trackInventory": True,
    "availableQuantity": 3,
}


def problems(product: dict[str, Any] | None = None, *prices: dict[str, Any]) -> list[str]:
    """What is found of a sound product with these differences."""
    whole = Product.model_validate(SOUND | (product or {}))
    priced = [Price.model_validate(PRICED | price) for price in prices or (UNCHANGED,)]
    return findings.of_a_whole(whole, priced, today=TODAY)


def test_a_sound_product_has_no_problem() -> None:
    assert problems() == []
    assert findings.of_search_texts(Product.model_validate(SOUND)) == []


@pytest.mark.parametrize(
    ("product", "found"),
    [
        ({"availableInStore": False}, "hidden"),
        ({"description": "  "}, "description_missing"),
        ({"slug": None}, "slug_missing"),
        ({"image": "", "medias": []}, "image_missing"),
        ({"collectionIds": []}, "collection_missing"),
        ({"isLabelEnabled": True, "label": {"title": "x", "endDate": "2026-05-30T23:00:00Z"}}, "badge_over"),
    ],
)
def test_a_gap_in_a_product_is_named(product: dict[str, Any], found: str) -> None:
    assert problems(product) == [found]


@pytest.mark.parametrize(
    ("price", "found"),
    [
        ({"amount": 0}, "price_zero"),
        ({"compareAtPrice": 4}, "compare_at_below_price"),
        ({"sku": ""}, "sku_missing"),
        ({"trackInventory": None}, "stock_not_tracked"),
        ({"availableQuantity": -1}, "oversold"),
    ],
)
def test_a_gap_in_a_price_is_named(price: dict[str, Any], found: str) -> None:
    assert problems({}, {}, price) == [found]


@pytest.mark.parametrize(
    "product",
    [
        {"image": None, "medias": [{"id": "m", "url": "https://images.example.com/a.jpg"}]},
        {"collectionIds": None},
        {"isLabelEnabled": True, "label": {"title": "x", "endDate": "2026-05-31"}},
        {"isLabelEnabled": False, "label": {"title": "x", "endDate": "2020-01-01"}},
        {"isLabelEnabled": True, "label": {"title": "x", "endDate": "some day"}},
    ],
)
def test_what_is_not_told_or_not_over_is_no_problem(product: dict[str, Any]) -> None:
    assert problems(product) == []


def test_a_service_needs_no_stock_and_a_compare_at_amount_above_is_a_sale() -> None:
    assert problems({"productType": "SERVICE"}, {"trackInventory": False, "compareAtPrice": 9}) == []


def test_a_combination_of_options_without_a_price_is_seen() -> None:
    variants = [
        {"id": "v", "name": "Size", "options": [{"id": "s", "name": "S"}, {"id": "l", "name": "L"}]},
        {"id": "w", "name": "Colour", "options": [{"id": "r", "name": "Red"}]},
    ]
    priced = [{"variantOptionIds": ["r", "s"]}, {"variantOptionIds": ["l", "r"]}]
    assert problems({"variants": variants}, *priced) == []
    assert problems({"variants": variants}, priced[0]) == ["variant_without_price"]


def test_a_product_without_prices_is_named_and_one_whose_prices_are_unknown_is_not() -> None:
    product = Product.model_validate(SOUND)
    assert findings.of_a_whole(product, [], today=TODAY) == ["price_missing"]
    assert findings.of_a_whole(product, None, today=TODAY) == []


def test_texts_are_the_same_whatever_their_case_and_spaces() -> None:
    texts = [("a", "Blue  lamp"), ("b", "blue lamp "), ("c", "Red lamp"), ("d", None), ("e", " ")]
    assert findings.repeated(texts) == {"blue lamp": ["a", "b"]}


@pytest.mark.anyio
async def test_an_api_that_ignores_the_offset_is_not_counted_again_and_again() -> None:
    async def ignoring(request: httpx.Request, carry: Carry) -> httpx.Response:
        url = request.url
        if request.method == "GET" and "offset" in url.params:
            url = url.copy_set_param("offset", "0")
        return await carry(
            httpx.Request(request.method, url, headers=request.headers, extensions=request.extensions)
        )

    async with shop_session(shop=250, between=ignoring) as session:
        found = await render(session.client, "catalog_health")
    health = found.content("hoopai://reports/health")
    assert health["checked"] == {"closely": 30, "in_lists": 100}
    assert health["notes"][1] == "The lists were looked at for the newest 100 products only."
    assert "name_duplicate" not in {finding["kind"] for finding in health["findings"]}
