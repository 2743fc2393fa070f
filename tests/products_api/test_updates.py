"""Updates: read, merge, write, read back, and tell what came out differently."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from mock_api import LOCATION, MockApi, Sent, answer, refusal
from pydantic import BaseModel

from hoopai_products_mcp.products_api import errors
from hoopai_products_mcp.products_api.models import (
    Change,
    DimensionsInput,
    FieldDifference,
    MembershipOfferInput,
    NewPrice,
    Price,
    PriceChanges,
    PriceMetaInput,
    ProductChanges,
    RecurringInput,
    ShippingOptionsInput,
    WeightInput,
)
from hoopai_products_mcp.products_api.price_models import PRICE_WIRE_FIELDS
from hoopai_products_mcp.products_api.resending import Part

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


PARCEL = {"height": 1, "width": 2, "length": 3, "unit": "cm"}
BARE: dict[str, Any] = {
    "_id": "r1",
    "name": "Red / S",
    "type": "one_time",
    "currency": "USD",
    "amount": Decimal("19.90"),
    "trackInventory": None,
}
SHOWN_BY_NO_DESCRIPTION = (
    "shipping_options",
    "description",
    "trial_period",
    "total_cycles",
    "setup_fee",
    "is_digital_product",
    "digital_delivery",
)


@pytest.mark.anyio
async def test_fields_that_the_api_does_not_show_may_have_been_emptied_unseen() -> None:
    after = BARE | {"amount": 25}
    api = MockApi(answer(BARE), answer(None), answer(after))
    async with api.client() as client:
        change = await client.update_price(
            product_id="p1", price_id="r1", changes=PriceChanges(amount=Decimal(25), sku="X")
        )
    assert change.unseen == SHOWN_BY_NO_DESCRIPTION
    assert change.lost == ()


@pytest.mark.anyio
async def test_they_may_have_been_emptied_also_where_nothing_can_be_read_back() -> None:
    api = MockApi(answer(BARE), answer(None), refusal(500, "broken"))
    async with api.client() as client:
        change = await client.update_price(
            product_id="p1", price_id="r1", changes=PriceChanges.model_validate({"sku": None})
        )
    assert (change.unseen, change.verified) == (SHOWN_BY_NO_DESCRIPTION, False)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"sku": None}, {}),
        ({"digitalDelivery": []}, {}),
        # What was not shown while it was unset, and is shown now, was not hidden.
        ({}, {"description": None}),
    ],
)
async def test_an_api_that_shows_one_of_them_hides_none(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    api = MockApi(answer(BARE | before), answer(None), answer(BARE | after))
    async with api.client() as client:
        change = await client.update_price(
            product_id="p1", price_id="r1", changes=PriceChanges(name="Red / S")
        )
    assert change.unseen == ()


INCOMPLETE: dict[str, Any] = BARE | {
    "type": "recurring",
    "recurring": {"interval": "month", "intervalCount": None},
    "meta": {"source": "stripe", "stripePriceId": "sp"},
    "membershipOffers": [{"label": "top", "value": "50"}, {"label": "all", "value": "9", "_id": "o2"}, "o3"],
    "shippingOptions": {
        "weight": {"value": Decimal("0.5")},
        "dimensions": PARCEL,
    },
}


@pytest.mark.anyio
async def test_what_lacks_a_required_member_is_left_out_and_told() -> None:
    after: dict[str, Any] = BARE | {
        "type": "recurring",
        "recurring": INCOMPLETE["recurring"],
        "membershipOffers": INCOMPLETE["membershipOffers"][1:2],
        "shippingOptions": {"dimensions": INCOMPLETE["shippingOptions"]["dimensions"]},
    }
    api = MockApi(answer(INCOMPLETE), answer(None), answer(after))
    async with api.client() as client:
        change = await client.update_price(
            product_id="p1", price_id="r1", changes=PriceChanges(name="Red / S")
        )
    assert api.sent[1].body == {
        "name": "Red / S",
        "type": "recurring",
        "currency": "USD",
        "amount": Decimal("19.90"),
        "membershipOffers": [{"_id": "o2", "label": "all", "value": "9"}],
        "shippingOptions": {"dimensions": PARCEL},
        "locationId": LOCATION,
    }
    # The interval was read back as it was.
    assert change.not_resent == ("membership_offers", "meta", "shipping_options.weight")
    assert [difference.field for difference in change.lost] == [
        "membership_offers",
        "meta",
        "shipping_options",
    ]


@pytest.mark.anyio
async def test_what_was_left_out_is_told_also_where_nothing_can_be_read_back() -> None:
    read_once = BARE | {"meta": {"source": "stripe"}, "membershipOffers": [None]}
    api = MockApi(answer(read_once), answer(None), refusal(500, "broken"))
    async with api.client() as client:
        change = await client.update_price(
            product_id="p1", price_id="r1", changes=PriceChanges(name="Red / S")
        )
    assert api.sent[1].body.keys() == {"name", "type", "currency", "amount", "locationId"}
    assert change.not_resent == ("membership_offers", "meta")


@pytest.mark.anyio
async def test_what_the_change_sets_or_clears_itself_is_not_told_as_left_out() -> None:
    weight = {"value": 1, "unit": "kg"}
    changes = PriceChanges.model_validate(
        {
            "recurring": {"interval": "year", "interval_count": 1},
            "meta": None,
            "membership_offers": [],
            "shipping_options": {"weight": weight},
        }
    )
    api = MockApi(answer(INCOMPLETE), answer(None), refusal(500, "broken"))
    async with api.client() as client:
        change = await client.update_price(product_id="p1", price_id="r1", changes=changes)
    assert change.not_resent == ()
    assert api.sent[1].body["shippingOptions"] == INCOMPLETE["shippingOptions"] | {"weight": weight}


@pytest.mark.anyio
async def test_clearing_shipping_options_is_not_told_of_their_parts() -> None:
    api = MockApi(answer(INCOMPLETE), answer(None), answer(BARE))
    async with api.client() as client:
        change = await client.update_price(
            product_id="p1", price_id="r1", changes=PriceChanges(shipping_options=None)
        )
    assert "shippingOptions" not in api.sent[1].body
    assert change.not_resent == ("recurring", "membership_offers", "meta")


@pytest.mark.anyio
async def test_a_part_of_a_price_field_is_cleared_by_leaving_it_out_too() -> None:
    shipping = {"weight": {"value": 1, "unit": "kg"}, "dimensions": PARCEL}
    after = PRICE | {"shippingOptions": {"dimensions": PARCEL}}
    api = MockApi(answer(PRICE | {"shippingOptions": shipping}), answer(None), answer(after))
    async with api.client() as client:
        change = await client.update_price(
            product_id="p1",
            price_id="r1",
            changes=PriceChanges(shipping_options=ShippingOptionsInput(weight=None)),
        )
    assert api.sent[1].body["shippingOptions"] == {"dimensions": PARCEL}
    assert (change.lost, change.not_applied) == ((), ())


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


SHIPPING = PRICE_WIRE_FIELDS["shippingOptions"] or Part({})
PARTS: list[tuple[Part | None, type[BaseModel]]] = [
    (Part(PRICE_WIRE_FIELDS, frozenset({"name", "type", "currency", "amount"})), NewPrice),
    (PRICE_WIRE_FIELDS["recurring"], RecurringInput),
    (PRICE_WIRE_FIELDS["membershipOffers"], MembershipOfferInput),
    (PRICE_WIRE_FIELDS["meta"], PriceMetaInput),
    (SHIPPING, ShippingOptionsInput),
    (SHIPPING.members["weight"], WeightInput),
    (SHIPPING.members["dimensions"], DimensionsInput),
]


@pytest.mark.parametrize(("part", "model"), PARTS, ids=lambda value: getattr(value, "__name__", ""))
def test_the_table_of_writable_price_fields_is_that_of_the_request(
    part: Part | None, model: type[BaseModel]
) -> None:
    fields = {field.serialization_alias or field.alias: field for field in model.model_fields.values()}
    assert part is not None
    assert set(part.members) == set(fields)
    assert part.required == {key for key, field in fields.items() if field.is_required()}
