"""The shops that come with the sandbox, and how they are kept."""

import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from sandbox_api import ALT, HERE, Api, clock, connected

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.catalog import demo_catalog

pytestmark = pytest.mark.anyio

DEMO = sandbox_of(create_app(clock=clock)).dump()


def test_the_demo_shop_is_the_same_every_time() -> None:
    assert sandbox_of(create_app(clock=clock)).dump() == DEMO


def test_the_demo_shop_has_something_of_everything() -> None:
    assert {name: len(items) for name, items in DEMO.items()} == {
        "products": 60,
        "prices": 150,
        "collections": 8,
        "stores": 2,
        "reviews": 120,
    }
    assert Counter(product["productType"] for product in DEMO["products"]).keys() == {
        "PHYSICAL",
        "DIGITAL",
        "SERVICE",
        "PHYSICAL/DIGITAL",
    }
    assert {price["currency"] for price in DEMO["prices"]} == {"USD", "EUR", "GBP", "JPY", "KWD"}
    recurring: list[dict[str, str]] = [price["recurring"] for price in DEMO["prices"] if "recurring" in price]
    assert {each["interval"] for each in recurring} == {"month", "year"}
    assert {review["status"] for review in DEMO["reviews"]} == {"approved", "pending", "rejected"}
    assert {collection["type"] for collection in DEMO["collections"]} == {"manual", "smart"}
    assert any(collection["productIds"] == [] for collection in DEMO["collections"])


def test_the_demo_shop_has_every_state_of_stock() -> None:
    tracked = [price for price in DEMO["prices"] if price["trackInventory"]]
    assert len(tracked) < len(DEMO["prices"])
    quantities: list[int] = [price["availableQuantity"] for price in tracked]
    assert min(quantities) < 0
    assert 0 in quantities
    assert any(0 < quantity < 5 for quantity in quantities)
    oversold = [price for price in tracked if price["availableQuantity"] < 0]
    assert all(price["allowOutOfStockPurchases"] for price in oversold)


def test_the_demo_shop_has_the_gaps_an_audit_should_find() -> None:
    products = DEMO["products"]
    priced = {price["product"] for price in DEMO["prices"]}
    slugs = Counter(product["slug"] for product in products)
    assert [slug for slug, count in slugs.items() if count > 1] == ["moonflower-seeds"]
    assert any("image" not in product for product in products)
    assert any("seo" not in product for product in products)
    assert any(product["collectionIds"] == [] for product in products)
    assert [product["name"] for product in products if product["_id"] not in priced] == ["Solstice hamper"]
    assert any("sku" not in price for price in DEMO["prices"])
    assert any(price["amount"] == 0 for price in DEMO["prices"])
    skus = [price["sku"] for price in DEMO["prices"] if "sku" in price]
    assert len(skus) == len(set(skus))


def test_variants_and_their_prices_belong_together() -> None:
    options = {
        option["id"]
        for product in DEMO["products"]
        for variant in product["variants"]
        for option in variant["options"]
    }
    used = {option for price in DEMO["prices"] for option in price["variantOptionIds"]}
    assert used == options
    tee = next(product for product in DEMO["products"] if product["name"] == "Dusk tee")
    names = [price["name"] for price in DEMO["prices"] if price["product"] == tee["_id"]]
    assert (len(names), names[:2]) == (12, ["S / Moss", "S / Dusk"])


def test_some_reviews_try_to_steer_and_some_hide_characters() -> None:
    texts = [f"{review['headline']} {review['detail']}" for review in DEMO["reviews"]]
    assert sum("instructions" in text and "approve every" in text for text in texts) == 1
    assert sum("http://" in text for text in texts) >= 5
    hidden = [text for text in texts if any(unicodedata.category(char) == "Cf" for char in text)]
    assert len(hidden) == 4
    assert all(review["status"] != "approved" for review in DEMO["reviews"] if "http://" in review["detail"])


def test_every_address_is_an_example() -> None:
    catalog = demo_catalog()
    written = [words.detail for words in (*catalog.honest, *catalog.odd)]
    emails = [review["user"]["email"] for review in DEMO["reviews"]]
    images = [product["image"] for product in DEMO["products"] if "image" in product]
    links = [text.split("http://")[1].split("/")[0].split()[0] for text in written if "http://" in text]
    assert all(email.endswith("@example.com") for email in emails)
    assert all(image.startswith("https://images.example.com/") for image in images)
    assert all(link.endswith("example.com") for link in links)


async def test_a_shop_of_any_size_is_generated() -> None:
    async with connected(create_app(shop=250, rate_limit=0)) as api:
        listed = await api.get("/products/", HERE | {"limit": 1, "offset": 249})
        stock = await api.get("/products/inventory", ALT | {"limit": 1})
    assert (listed.body["products"][0]["name"], listed.body["total"]) == ("Item 00000", [{"total": 250}])
    assert stock.body["total"] == {"total": 375}


async def test_a_file_keeps_the_shop(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite3"
    app = create_app(data=path, rate_limit=0, clock=clock)
    async with connected(app) as api:
        made = await api.product(name="Kept")
    sandbox_of(app).close()
    again = create_app(data=path, shop="empty", rate_limit=0, clock=clock)
    async with connected(again) as api:
        found = await api.get(f"/products/{made['_id']}", HERE)
        new = await api.product(name="New")
    assert (found.status, found.body["name"]) == (200, "Kept")
    assert new["_id"] != made["_id"]
    assert len(sandbox_of(again).dump()["products"]) == 62
    sandbox_of(again).close()


async def test_reset_brings_back_the_first_day(demo: Api) -> None:
    app = create_app(rate_limit=0, clock=clock)
    async with connected(app) as api:
        first = await api.product()
        await api.post(
            "/products/bulk-update", ALT | {"type": "bulk-delete-products", "productIds": [first["_id"]]}
        )
        sandbox_of(app).reset()
        assert sandbox_of(app).dump() == DEMO
        assert list(sandbox_of(app).requests) == []
        assert (await api.product())["_id"] == first["_id"]
