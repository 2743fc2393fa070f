"""Changes to many products at once."""

from decimal import Decimal
from typing import Any

import pytest
from sandbox_api import ALT, HERE, Api

from hoopai_products_mcp.sandbox.bulk import changed_amount

pytestmark = pytest.mark.anyio

DONE = {"status": True, "message": "Successfully created"}


async def prices_of(api: Api, product_id: str) -> list[dict[str, Any]]:
    return (await api.get(f"/products/{product_id}/price", HERE)).body["prices"]


@pytest.mark.parametrize(
    ("old", "change", "value", "whole", "currency", "new"),
    [
        ("19.99", "INCREASE_BY_AMOUNT", "0.01", False, "USD", "20"),
        ("19.99", "REDUCE_BY_AMOUNT", "5", False, "USD", "14.99"),
        ("3", "REDUCE_BY_AMOUNT", "5", False, "USD", "0"),
        ("19.99", "SET_NEW_PRICE", "7.5", False, "USD", "7.5"),
        ("19.99", "INCREASE_BY_PERCENTAGE", "10", False, "USD", "21.99"),
        ("0.05", "INCREASE_BY_PERCENTAGE", "10", False, "USD", "0.06"),
        ("19.99", "REDUCE_BY_PERCENTAGE", "33.333", False, "USD", "13.33"),
        ("19.99", "REDUCE_BY_PERCENTAGE", "150", False, "USD", "0"),
        ("19.50", "INCREASE_BY_AMOUNT", "0", True, "USD", "20"),
        ("1200", "INCREASE_BY_PERCENTAGE", "3.3", False, "jpy", "1240"),
        ("7.750", "INCREASE_BY_PERCENTAGE", "3.3", False, "KWD", "8.006"),
    ],
)
def test_amounts_are_changed_exactly(
    old: str, change: str, value: str, whole: bool, currency: str, new: str
) -> None:
    asked = {"type": change, "value": Decimal(value), "roundToWhole": whole}
    assert changed_amount(Decimal(old), asked, currency) == Decimal(new)


async def test_prices_and_compare_prices_change_together(api: Api) -> None:
    product, other = await api.product(), await api.product()
    await api.price(product["_id"], amount=Decimal("10.10"), compareAtPrice=20)
    await api.price(product["_id"], amount=30)
    await api.price(other["_id"], amount=5)
    answer = await api.post(
        "/products/bulk-update",
        ALT
        | {
            "type": "bulk-update-price",
            "productIds": [product["_id"], "unknown"],
            "price": {"type": "REDUCE_BY_PERCENTAGE", "value": 10},
            "compareAtPrice": {"type": "INCREASE_BY_AMOUNT", "value": Decimal("0.5")},
            "filters": {"productType": "one-time"},
        },
    )
    assert (answer.status, answer.body) == (201, DONE)
    changed = [
        (price["amount"], price.get("compareAtPrice")) for price in await prices_of(api, product["_id"])
    ]
    assert changed == [(Decimal("9.09"), Decimal("20.5")), (27, None)]
    assert [price["amount"] for price in await prices_of(api, other["_id"])] == [5]
    await api.post(
        "/products/bulk-update",
        ALT
        | {
            "type": "bulk-update-price",
            "productIds": [product["_id"]],
            "compareAtPrice": {"type": "SET_NEW_PRICE", "value": 40},
        },
    )
    assert [price["compareAtPrice"] for price in await prices_of(api, product["_id"])] == [40, 40]


async def test_availability_collections_currency_and_deletion_in_bulk(api: Api) -> None:
    product, other = await api.product(collectionIds=["c1"]), await api.product()
    await api.price(product["_id"], amount=Decimal("12.34"))
    chosen = ALT | {"productIds": [product["_id"]]}
    for change in (
        {"type": "bulk-update-availability", "availability": True},
        {"type": "bulk-update-product-collection", "collectionIds": ["c1", "c2"]},
        {"type": "bulk-update-currency", "currency": "JPY"},
    ):
        assert (await api.post("/products/bulk-update", chosen | change)).body == DONE
    changed = (await api.get(f"/products/{product['_id']}", HERE)).body
    assert (changed["availableInStore"], changed["collectionIds"]) == (True, ["c1", "c2"])
    price = (await prices_of(api, product["_id"]))[0]
    assert (price["currency"], price["amount"]) == ("JPY", Decimal("12.34"))
    assert (await api.post("/products/bulk-update", chosen | {"type": "bulk-delete-products"})).body == DONE
    assert (await api.get("/products/", HERE)).body["total"] == [{"total": 1}]
    assert (await api.get(f"/products/{other['_id']}", HERE)).status == 200


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("bulk-update-price", "price or compareAtPrice should not be empty when type is bulk-update-price"),
        (
            "bulk-update-availability",
            "availability should not be empty when type is bulk-update-availability",
        ),
        (
            "bulk-update-product-collection",
            "collectionIds should not be empty when type is bulk-update-product-collection",
        ),
        ("bulk-update-currency", "currency should not be empty when type is bulk-update-currency"),
    ],
)
async def test_each_bulk_change_needs_its_own_field(api: Api, change: str, message: str) -> None:
    answer = await api.post("/products/bulk-update", ALT | {"type": change, "productIds": []})
    assert (answer.status, answer.messages) == (422, [message])


async def test_bulk_edit_changes_only_what_is_sent(api: Api) -> None:
    product = await api.product(slug="box", collectionIds=["c1"])
    kept = await api.price(product["_id"], sku="A", trackInventory=True)
    edited = await api.price(product["_id"], sku="B", trackInventory=True, availableQuantity=4)
    stranger = await api.price((await api.product())["_id"])
    answer = await api.post(
        "/products/bulk-update/edit",
        ALT
        | {
            "products": [
                {
                    "_id": product["_id"],
                    "isTaxesEnabled": True,
                    "taxes": [{"_id": "t1", "name": "VAT"}],
                    "seo": {"title": "Box"},
                    "prices": [
                        {"_id": edited["_id"], "amount": Decimal("8.80")},
                        {"_id": stranger["_id"], "amount": 1},
                    ],
                },
                {"_id": "unknown", "name": "nobody"},
            ]
        },
    )
    assert (answer.status, answer.body) == (
        201,
        {"message": "Products updated successfully", "status": True, "updatedCount": 1},
    )
    assert (await api.get(f"/products/{product['_id']}", HERE)).body == product | {
        "isTaxesEnabled": True,
        "taxes": ["t1"],
        "seo": {"title": "Box"},
    }
    assert await prices_of(api, product["_id"]) == [kept, edited | {"amount": Decimal("8.8")}]
    assert await prices_of(api, stranger["product"]) == [stranger]


async def test_bulk_edit_counts_products_and_prices_up_to_30(api: Api) -> None:
    def edit(prices: int) -> dict[str, Any]:
        products = [{"_id": "p", "prices": [{"_id": "x"}] * prices}, {"_id": "q"}]
        return ALT | {"products": products}

    assert (await api.post("/products/bulk-update/edit", edit(28))).status == 201
    refused = await api.post("/products/bulk-update/edit", edit(29))
    assert (refused.status, refused.messages) == (
        422,
        ["products must contain no more than 30 products and prices in total, got 31"],
    )
