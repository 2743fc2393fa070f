"""Prices and their stock behave as the live API is known to behave."""

from decimal import Decimal

import pytest
from sandbox_api import ALT, HERE, TODAY, Api

from hoopai_products_mcp.sandbox.identity import LOCATION_ID
from hoopai_products_mcp.sandbox.prices import NULLED

pytestmark = pytest.mark.anyio

PLAIN = {"name": "Plain", "type": "one_time", "currency": "USD"} | HERE


async def test_a_new_price_comes_back_with_its_exact_amount(api: Api) -> None:
    product = await api.product()
    price = await api.price(
        product["_id"],
        amount=Decimal("99.99"),
        compareAtPrice=Decimal("120.50"),
        sku="BB-1",
        availableQuantity=3,
    )
    price_id = price["_id"]
    assert price == {
        "_id": price_id,
        "product": product["_id"],
        "locationId": LOCATION_ID,
        "name": "Plain",
        "type": "one_time",
        "currency": "USD",
        "amount": Decimal("99.99"),
        "compareAtPrice": Decimal("120.5"),
        "sku": "BB-1",
        "availableQuantity": 3,
        "trackInventory": None,
        "membershipOffers": [],
        "variantOptionIds": [],
        "createdAt": TODAY,
        "updatedAt": TODAY,
    }
    assert (await api.get(f"/products/{product['_id']}/price/{price_id}", HERE)).body == price


async def test_put_sets_what_was_left_out_to_null(api: Api) -> None:
    product = await api.product()
    price = await api.price(product["_id"], trackInventory=True, availableQuantity=7, sku="BB-1")
    changed = await api.put(
        f"/products/{product['_id']}/price/{price['_id']}", PLAIN | {"amount": 12, "sku": "BB-2"}
    )
    assert changed.status == 200
    assert changed.body == price | dict.fromkeys(NULLED) | {"amount": 12, "sku": "BB-2"}
    assert (await api.get("/products/inventory", ALT)).body == {"inventory": [], "total": {"total": 0}}


async def test_a_recurring_price_says_how_often(api: Api) -> None:
    product = await api.product()
    path = f"/products/{product['_id']}/price"
    refused = await api.post(path, PLAIN | {"amount": 5, "type": "recurring"})
    assert (refused.status, refused.messages) == (
        422,
        ["recurring should not be empty when type is recurring"],
    )
    monthly = {"interval": "month", "intervalCount": 1}
    accepted = await api.post(path, PLAIN | {"amount": 5, "type": "recurring", "recurring": monthly})
    assert (accepted.status, accepted.body["recurring"]) == (201, monthly)


async def test_prices_are_listed_in_order_with_a_plain_total(api: Api) -> None:
    product = await api.product()
    made = [await api.price(product["_id"], name=name) for name in ("one", "two", "three")]
    path = f"/products/{product['_id']}/price"
    assert (await api.get(path, HERE)).body == {"prices": made, "total": 3}
    assert (await api.get(path, HERE | {"limit": 1, "offset": 1})).body == {"prices": [made[1]], "total": 3}
    chosen = f"{made[2]['_id']}, {made[0]['_id']},,unknown"
    assert (await api.get(path, HERE | {"ids": chosen})).body == {"prices": [made[0], made[2]], "total": 2}


async def test_a_price_of_another_product_is_not_found(api: Api) -> None:
    product, other = await api.product(), await api.product()
    price = await api.price(product["_id"])
    path = f"/products/{other['_id']}/price/{price['_id']}"
    for answer in (
        await api.get(path, HERE),
        await api.put(path, PLAIN | {"amount": 1}),
        await api.delete(path, HERE),
    ):
        assert (answer.status, answer.body["message"]) == (400, "Price not found")


async def test_a_deleted_price_is_gone(api: Api) -> None:
    product = await api.product()
    price = await api.price(product["_id"])
    path = f"/products/{product['_id']}/price/{price['_id']}"
    assert (await api.delete(path, HERE)).body == {"status": True}
    assert (await api.get(path, HERE)).status == 400


async def test_inventory_lists_the_prices_that_track_their_stock(api: Api) -> None:
    product = await api.product(name="Lantern", image="https://images.example.com/lantern.jpg")
    bare = await api.product(name="Mug")
    await api.price(product["_id"], availableQuantity=9)
    brass = await api.price(
        product["_id"],
        name="Brass",
        trackInventory=True,
        availableQuantity=-2,
        sku="L-1",
        allowOutOfStockPurchases=True,
    )
    moss = await api.price(bare["_id"], name="Moss", trackInventory=True)
    lantern = {
        "_id": brass["_id"],
        "name": "Brass",
        "availableQuantity": -2,
        "sku": "L-1",
        "allowOutOfStockPurchases": True,
        "product": product["_id"],
        "productName": "Lantern",
        "image": "https://images.example.com/lantern.jpg",
        "updatedAt": TODAY,
    }
    mug = {
        "_id": moss["_id"],
        "name": "Moss",
        "availableQuantity": None,
        "sku": None,
        "allowOutOfStockPurchases": None,
        "product": bare["_id"],
        "productName": "Mug",
        "updatedAt": TODAY,
    }
    listed = await api.get("/products/inventory", ALT)
    assert listed.body == {"inventory": [lantern, mug], "total": {"total": 2}}
    assert (await api.get("/products/inventory", ALT | {"search": "LANT"})).body["inventory"] == [lantern]
    assert (await api.get("/products/inventory", ALT | {"search": "moss"})).body["inventory"] == [mug]


async def test_quantities_are_set_and_unknown_prices_passed_over(api: Api) -> None:
    product = await api.product()
    price = await api.price(product["_id"], trackInventory=True, availableQuantity=1, sku="BB")
    items = [
        {"priceId": price["_id"], "availableQuantity": Decimal("2.5"), "allowOutOfStockPurchases": True},
        {"priceId": "unknown", "availableQuantity": 1},
    ]
    answer = await api.post("/products/inventory", ALT | {"items": items})
    assert (answer.status, answer.body) == (201, {"status": True, "message": "Successfully created"})
    stored = await api.get(f"/products/{product['_id']}/price/{price['_id']}", HERE)
    assert stored.body == price | {"availableQuantity": Decimal("2.5"), "allowOutOfStockPurchases": True}


async def test_bulk_inventory_adds_and_counts_prices(api: Api) -> None:
    product = await api.product()
    stocked = await api.price(product["_id"], availableQuantity=5)
    fresh = await api.price(product["_id"])
    ids = [stocked["_id"], fresh["_id"], "unknown", stocked["_id"]]
    answer = await api.post(
        "/products/bulk-update/inventory",
        ALT
        | {
            "priceIds": ids,
            "availableQuantity": {"type": "ADD_QUANTITY", "value": 50},
            "trackInventory": True,
        },
    )
    assert (answer.status, answer.body) == (
        201,
        {
            "status": True,
            "updatedCount": 2,
            "fieldsUpdated": ["availableQuantity", "trackInventory"],
            "message": "Inventory updated successfully",
        },
    )
    listed = (await api.get("/products/inventory", ALT)).body["inventory"]
    assert [item["availableQuantity"] for item in listed] == [55, 50]


async def test_bulk_inventory_knows_one_kind_of_change(api: Api) -> None:
    answer = await api.post(
        "/products/bulk-update/inventory",
        ALT | {"priceIds": [], "availableQuantity": {"type": "SET_QUANTITY", "value": 5}},
    )
    assert (answer.status, answer.messages) == (
        422,
        ["availableQuantity.type must be one of the following values: ADD_QUANTITY"],
    )
