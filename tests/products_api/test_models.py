"""Answers are read generously; requests are written exactly."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from hoopai_products_mcp.products_api import models
from hoopai_products_mcp.products_api.review_models import status_counts
from hoopai_products_mcp.products_api.shapes import items_in, total_in, unwrap


def test_unknown_fields_are_kept() -> None:
    product = models.Product.model_validate({"_id": "p1", "isGiftCard": True, "seo": {"title": "t", "og": 1}})
    assert product.model_extra == {"isGiftCard": True}
    assert product.seo == models.Seo.model_validate({"title": "t", "og": 1})
    assert product.model_dump(by_alias=True, exclude_unset=True) == {
        "_id": "p1",
        "isGiftCard": True,
        "seo": {"title": "t", "og": 1},
    }


@pytest.mark.parametrize(
    "model",
    [models.Product, models.Price, models.Collection, models.Review, models.InventoryItem, models.StoreStats],
)
def test_null_is_tolerated_in_every_field_but_the_id(model: type[BaseModel]) -> None:
    nulls: dict[str, Any] = {
        field.serialization_alias or field.alias or name: None for name, field in model.model_fields.items()
    }
    if "_id" in nulls:
        nulls["_id"] = "x1"
    record = model.model_validate(nulls)
    assert set(record.model_dump(exclude={"id", "price_id"}).values()) == {None}


def test_a_field_of_an_unforeseen_type_is_set_aside_and_spoils_nothing_else() -> None:
    price = models.Price.model_validate(
        {"_id": "r1", "name": "n", "amount": "a lot", "recurring": {"interval": "month", "intervalCount": {}}}
    )
    assert (price.name, price.amount) == ("n", None)
    assert price.model_extra == {"unreadable": {"amount": "a lot"}}
    assert price.recurring == models.Recurring.model_validate(
        {"interval": "month", "unreadable": {"intervalCount": {}}}
    )


def test_numbers_where_texts_are_expected_become_texts() -> None:
    assert models.Price.model_validate({"_id": 7, "sku": 12}) == models.Price(id="7", sku="12")


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"_id": "w1", "productId": "p1", "reply": [{"headline": "h"}]}, ("w1", "p1", ["h"])),
        ({"id": "w1", "product": "p1", "replies": [{"headline": "h"}]}, ("w1", "p1", ["h"])),
        (
            {"reviewId": "w1", "product": {"_id": "p1", "name": "n"}, "reply": {"headline": "h"}},
            ("w1", "p1", ["h"]),
        ),
        ({"id": "w1", "product": {"id": "p1"}, "reply": None}, ("w1", "p1", None)),
    ],
)
def test_a_review_is_understood_in_each_likely_spelling(
    wire: Any, expected: tuple[str, str, list[str] | None]
) -> None:
    review = models.Review.model_validate(wire)
    headlines = None if review.replies is None else [reply.headline for reply in review.replies]
    assert (review.id, review.product_id, headlines) == expected


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        (
            {"data": [{"status": "approved", "count": 3}, {"status": "hidden", "count": 1}]},
            {"approved": 3, "hidden": 1},
        ),
        ([{"_id": "pending", "total": 2}], {"pending": 2}),
        ({"data": [{"name": "pending", "count": Decimal("2")}]}, {"pending": 2}),
        ({"data": [{"approved": 4}, {"pending": 1}]}, {"approved": 4, "pending": 1}),
        (
            {"approved": 4, "pending": 1, "total": 5, "status": True},
            {"approved": 4, "pending": 1},
        ),
        ({"data": {"approved": 3, "All": 3, "count": 3}}, {"approved": 3}),
        ({"data": [{"approved": 3, "total": 3}, {"approved": 1}]}, {"approved": 4}),
        ({"total": 5}, {"unknown": 5}),
        ({"total": 0}, {}),
        ({"data": [{"count": 5}]}, {"unknown": 5}),
        (
            {"data": [{"_id": "approved", "count": 3}, {"_id": None, "count": 5}, {"_id": "", "count": 1}]},
            {"approved": 3, "unknown": 6},
        ),
        ({"counts": {"approved": 4}}, {"approved": 4}),
        ({"data": []}, {}),
        ("approved", None),
        (["approved"], None),
    ],
)
def test_review_counts_are_understood_in_each_likely_shape(
    answer: Any, counts: dict[str, int] | None
) -> None:
    assert status_counts(answer) == counts


AUTHOR: dict[str, Any] = {"name": "Shop", "email": "shop@example.com"}
REPLY: dict[str, Any] = {"headline": "Thanks", "comment": "!", "user": AUTHOR}


@pytest.mark.parametrize(
    ("found", "sent"),
    [
        (
            REPLY | {"user": AUTHOR | {"phone": "+1", "isCustomer": False}},
            REPLY | {"user": AUTHOR | {"phone": "+1", "isCustomer": False}},
        ),
        (REPLY | {"_id": "y1", "createdAt": "t", "user": AUTHOR | {"_id": "u1", "phone": None}}, REPLY),
        (REPLY | {"headline": None}, REPLY | {"headline": ""}),
        (REPLY | {"comment": ""}, REPLY | {"comment": ""}),
    ],
)
def test_an_earlier_reply_can_be_sent_again_with_all_that_a_request_may_hold(found: Any, sent: Any) -> None:
    again = models.ReviewReply.model_validate(found).resendable()
    assert again is not None
    assert again.wire() == sent


@pytest.mark.parametrize(
    "lacking",
    [
        {"user": None},
        {"user": {"name": "Shop"}},
        {"user": {"email": "shop@example.com"}},
        {"user": "Shop"},
        {"user": AUTHOR | {"name": "x" * 101}},
        # Sent as an empty text it would put an end to whatever the API did not show.
        {"comment": None},
        {"comment": "x" * 5001},
    ],
)
def test_an_earlier_reply_that_no_request_could_hold_is_not_resendable(lacking: Any) -> None:
    assert models.ReviewReply.model_validate(REPLY | lacking).resendable() is None


@pytest.mark.parametrize(
    ("value", "total"),
    [
        ([{"total": 20}], 20),
        ({"total": 100}, 100),
        (7, 7),
        ("7", 7),
        (Decimal("7.0"), 7),
        (None, None),
        ([], None),
        (True, None),
        (-1, None),
        ("many", None),
        ({"count": 3}, None),
    ],
)
def test_the_total_of_a_list_is_found_in_each_of_its_shapes(value: Any, total: int | None) -> None:
    assert total_in(value) == total


@pytest.mark.parametrize(
    "value",
    [
        {"_id": "p1"},
        {"product": {"_id": "p1"}},
        {"data": {"_id": "p1"}},
        {"data": {"product": {"_id": "p1"}}, "status": True},
        {"data": [{"_id": "p1"}], "status": True},
        [{"_id": "p1"}],
    ],
)
def test_a_record_is_taken_out_of_its_envelopes(value: Any) -> None:
    assert unwrap(value, "product", "data") == {"_id": "p1"}


def test_a_price_whose_product_is_an_id_is_not_taken_for_an_envelope() -> None:
    value: Any = {"_id": "r1", "product": {"_id": "p1"}}
    assert unwrap(value, "product") == value


def test_left_out_and_cleared_are_two_things() -> None:
    assert models.ProductChanges().wire() == {}
    assert models.ProductChanges(description=None).wire() == {"description": None}
    assert models.ProductChanges(seo=models.SeoInput(title="t")).wire() == {"seo": {"title": "t"}}


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (models.ProductChanges, {"name": None}),
        (models.PriceChanges, {"amount": None}),
        (models.PriceEdit, {"id": "r1", "currency": None}),
        (models.CollectionChanges, {"slug": None}),
        (models.ReviewUpdate, {"product_id": "p", "status": "s", "rating": None}),
        (models.InventoryUpdate, {"price_id": "r1", "available_quantity": None}),
    ],
)
def test_what_must_exist_cannot_be_cleared(model: type[BaseModel], fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="cannot be cleared; leave it out to keep it"):
        model.model_validate(fields)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (models.NewProduct, {"name": "n", "product_type": "SERVICE", "seoTitle": "dropped by the API"}),
        (models.NewProduct, {"name": "n", "product_type": "GIFT"}),
        (models.NewPrice, {"name": "n", "type": "one_time", "currency": "USD", "amount": -1}),
        (models.NewPrice, {"name": "n", "type": "one_time", "currency": "USD", "amount": "NaN"}),
        (models.PriceChanges, {"total_cycles": 0}),
        (models.BulkPriceChange, {"product_ids": ["p1"]}),
        (models.BulkDelete, {"product_ids": []}),
        (
            models.ReviewReplyInput,
            {"headline": "x" * 201, "comment": "", "user": {"name": "n", "email": "e"}},
        ),
    ],
)
def test_what_the_api_would_refuse_is_refused_here(model: type[BaseModel], fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(fields)


@pytest.mark.parametrize(
    ("items", "total", "next_offset"),
    [(10, None, 30), (10, 30, 30), (9, None, None), (9, 29, None), (9, 40, 29), (0, 40, None)],
)
def test_a_page_says_where_the_next_one_starts(
    items: int, total: int | None, next_offset: int | None
) -> None:
    assert models.Page(tuple(range(items)), total, 10, 20).next_offset == next_offset


@pytest.mark.parametrize(
    ("answer", "items"),
    [
        ([{"_id": "p1"}], [{"_id": "p1"}]),
        ({"products": None}, []),
        ({"data": [1]}, [1]),
        ({"products": {}}, None),
        ({"other": []}, None),
        (None, None),
    ],
)
def test_a_list_is_found_bare_or_under_one_of_its_keys(answer: Any, items: list[Any] | None) -> None:
    assert items_in(answer, "products", "data") == items


def test_what_is_no_record_at_all_is_not_read_as_one() -> None:
    for value in ("p1", {"name": "one without an id"}, {"_id": None}):
        with pytest.raises(ValidationError):
            models.Product.model_validate(value)
