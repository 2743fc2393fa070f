"""Updates: read, merge, write, read back, and tell what came out differently."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from mock_api import LOCATION, MockApi, Sent, answer, refusal

from hoopai_products_mcp.products_api import errors
from hoopai_products_mcp.products_api.models import (
    Change,
    FieldDifference,
    Price,
    PriceChanges,
    ProductChanges,
)
from hoopai_products_mcp.products_api.price_models import PRICE_WIRE_FIELDS, NewPrice

PRICE: dict[str, Any] = {
    "_id": "r1",
    "product": "p1",
    "locationId": "another spelling",
    "name": "Red / S",
    "type": "one_time",
    "currency": "USD",
    "amount": Decimal("19.90"),
    "compareAtPrice": None,
    "recurring": {"interval": "month", "intervalCount": 1, "_id": "x"},
    "membershipOffers": [{"label": "top", "value": "50", "_id": "o1", "createdAt": "t"}],
    "variantOptionIds": ["v1", "v2"],
    "trackInventory": True,
    "availableQuantity": 5,
    "allowOutOfStockPurchases": False,
    "sku": "SKU-1",
    "shippingOptions": {"weight": {"value": Decimal("0.5"), "unit": "kg", "_id": "y"}},
    "createdAt": "2026-01-01T00:00:00.000Z",
    "updatedAt": "2026-01-01T00:00:00.000Z",
    "somethingNew": 1,
}
ECHOED: dict[str, Any] = {
    "name": "Red / S",
    "type": "one_time",
    "currency": "USD",
    "amount": Decimal("19.90"),
    "recurring": {"interval": "month", "intervalCount": 1},
    "membershipOffers": [{"_id": "o1", "label": "top", "value": "50"}],
    "trackInventory": True,
    "variantOptionIds": ["v1", "v2"],
    "availableQuantity": 5,
    "allowOutOfStockPurchases": False,
    "sku": "SKU-1",
    "shippingOptions": {"weight": {"value": Decimal("0.5"), "unit": "kg"}},
    "locationId": LOCATION,
}


def read(path: str) -> Sent:
    return Sent("GET", path, [("locationId", LOCATION)], None)


@pytest.mark.anyio
async def test_a_price_update_sends_back_all_that_was_read_with_the_changes() -> None:
    after = PRICE | {"amount": Decimal(25), "updatedAt": "later"}
    api = MockApi(answer(PRICE), answer(after), answer(after))
    async with api.client() as client:
        change = await client.update_price(
            product_id="p1", price_id="r1", changes=PriceChanges(amount=Decimal("25.00"))
        )
    path = "/products/p1/price/r1"
    assert api.sent == [
        read(path),
        Sent("PUT", path, [], ECHOED | {"amount": Decimal("25.00")}),
        read(path),
    ]
    assert change == Change(
        Price.model_validate(PRICE), Price.model_validate(after), lost=(), not_applied=(), verified=True
    )


@pytest.mark.anyio
async def test_a_price_field_is_cleared_by_leaving_it_out_of_the_replacement() -> None:
    after = PRICE | {"sku": None}
    api = MockApi(answer({"price": PRICE}), answer(None), answer({"price": after}))
    async with api.client() as client:
        change = await client.update_price(product_id="p1", price_id="r1", changes=PriceChanges(sku=None))
    assert api.sent[1].body == {key: value for key, value in ECHOED.items() if key != "sku"}
    assert (change.lost, change.not_applied) == ((), ())


@pytest.mark.anyio
async def test_an_update_names_what_was_lost_and_what_was_not_applied() -> None:
    after: dict[str, Any] = PRICE | {
        "trackInventory": None,
        "membershipOffers": [],
        "variantOptionIds": "?",
        "amount": 25,
    }
    api = MockApi(answer(PRICE), answer(None), answer(after))
    async with api.client() as client:
        change = await client.update_price(
            product_id="p1", price_id="r1", changes=PriceChanges(amount=Decimal(25), setup_fee=Decimal(1))
        )
    assert change.lost == (
        FieldDifference("membership_offers", PRICE["membershipOffers"], []),
        FieldDifference("variant_option_ids", ["v1", "v2"], "?"),
        FieldDifference("track_inventory", True, None),
    )
    assert change.not_applied == (FieldDifference("setup_fee", Decimal(1), None),)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("write_answer", "after"),
    [(PRICE | {"amount": 25}, Price.model_validate(PRICE | {"amount": 25})), (None, None)],
)
async def test_an_accepted_update_that_cannot_be_read_back_is_still_an_update(
    write_answer: Any, after: Price | None
) -> None:
    api = MockApi(answer(PRICE), answer(write_answer), refusal(500, "broken"))
    async with api.client() as client:
        change = await client.update_price(
            product_id="p1", price_id="r1", changes=PriceChanges(amount=Decimal(25))
        )
    assert change == Change(Price.model_validate(PRICE), after, lost=(), not_applied=(), verified=False)


@pytest.mark.anyio
async def test_a_price_that_cannot_be_read_is_not_written() -> None:
    api = MockApi(refusal(404, "Price not found"))
    async with api.client() as client:
        with pytest.raises(errors.NotFoundError) as caught:
            await client.update_price(product_id="p1", price_id="r1", changes=PriceChanges(sku="x"))
    assert len(api.sent) == 1
    assert caught.value.outcome == "not_done"


@pytest.mark.anyio
async def test_a_price_read_without_a_required_field_is_not_written() -> None:
    api = MockApi(answer({"_id": "r1", "name": "n", "type": "one_time"}))
    async with api.client() as client:
        with pytest.raises(errors.InvalidArgumentError) as caught:
            await client.update_price(product_id="p1", price_id="r1", changes=PriceChanges(sku="x"))
    assert len(api.sent) == 1
    assert str(caught.value) == (
        "What was read has no currency and no amount, which every PUT /products/{productId}/price/{priceId} "
        "must send. Nothing was changed. Set it in the same change."
    )


@pytest.mark.anyio
async def test_a_product_update_sends_the_required_fields_and_the_changed_ones_by_id() -> None:
    before = {
        "_id": "p1",
        "name": "Candle",
        "productType": "PHYSICAL",
        "description": "old",
        "slug": "candle",
    }
    after = before | {"description": None, "seo": {"title": "t", "_id": "z"}}
    api = MockApi(answer({"product": before}), answer(after), answer(after))
    async with api.client() as client:
        change = await client.update_product(
            product_id="candle",
            changes=ProductChanges.model_validate({"description": None, "seo": {"title": "t"}}),
        )
    assert api.sent == [
        read("/products/candle"),
        Sent(
            "PUT",
            "/products/p1",
            [],
            {
                "name": "Candle",
                "productType": "PHYSICAL",
                "locationId": LOCATION,
                "description": None,
                "seo": {"title": "t"},
            },
        ),
        read("/products/p1"),
    ]
    assert (change.lost, change.not_applied, change.verified) == ((), (), True)


@pytest.mark.anyio
async def test_a_product_update_names_what_the_api_dropped() -> None:
    before: dict[str, Any] = {
        "_id": "p1",
        "name": "Candle",
        "productType": "PHYSICAL",
        "medias": [{"id": "m"}],
        "image": "i",
    }
    after: dict[str, Any] = before | {"medias": []}
    api = MockApi(answer(before), answer(None), answer(after))
    async with api.client() as client:
        change = await client.update_product(product_id="p1", changes=ProductChanges(slug="new"))
    assert change.lost == (FieldDifference("medias", [{"id": "m"}], []),)
    assert change.not_applied == (FieldDifference("slug", "new", None),)


@pytest.mark.anyio
async def test_an_update_lost_on_the_way_is_not_read_back_as_done() -> None:
    before = {"_id": "p1", "name": "Candle", "productType": "PHYSICAL"}
    api = MockApi(answer(before), httpx.ReadError("cut"))
    async with api.client() as client:
        with pytest.raises(errors.ConnectionLostError) as caught:
            await client.update_product(product_id="p1", changes=ProductChanges(slug="new"))
    assert caught.value.outcome == "unknown"


def test_the_table_of_writable_price_fields_is_that_of_the_request() -> None:
    assert set(PRICE_WIRE_FIELDS) == {field.alias for field in NewPrice.model_fields.values()}
