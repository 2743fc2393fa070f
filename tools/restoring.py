"""Former values in the form in which the API takes them: nothing is sent as null where a request may not have it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from ..products_api import models as wire
from ..products_api.price_models import PRICE_WIRE_FIELDS
from ..products_api.resending import sendable_part
from .alikeness import is_nothing
from .observing import told_of
from .sending import texts

_SWITCHES: Final = frozenset(
    {
        "available_in_store",
        "is_taxes_enabled",
        "is_label_enabled",
        "tax_inclusive",
        "track_inventory",
        "allow_out_of_stock_purchases",
    }
)
_NEVER_EMPTY: Final = frozenset({"name", "product_type", "type", "currency", "amount"})


def product_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a product as a creation or an update takes them."""
    return {
        field: _product_value(field, value)
        for field, value in values.items()
        if not (is_nothing(value) and (field in _NEVER_EMPTY or field == "label"))
    }


def _product_value(field: str, value: Any) -> Any:
    if field in _WRITTEN:
        return _WRITTEN[field](value)
    if field in _SWITCHES:
        return bool(value)
    return "" if value is None else value


def _whole_seo(value: Any) -> dict[str, str]:
    """Both texts, so that one that was not there before is emptied."""
    told = cast("Mapping[str, Any]", value or {})
    return {name: told.get(name) or "" for name in ("title", "description")}


def _members(value: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value[name] for name in names if value.get(name) is not None}


def _variant(value: Mapping[str, Any]) -> dict[str, Any]:
    options = [_members(option, ("id", "name")) for option in value.get("options") or ()]
    return _members(value, ("id", "name")) | {"options": options}


def _media(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """An image as it can be sent; None for one without id or address."""
    media = {"type": "image"} | _members(value, ("id", "url", "type", "title", "is_featured"))
    if "id" not in media or "url" not in media:
        return None
    price_ids = list(texts(value.get("price_ids")))
    return media | ({"price_ids": price_ids} if price_ids else {})


def _tax_ids(taxes: Iterable[Any]) -> list[str]:
    return [tax if isinstance(tax, str) else tax.get("_id", tax.get("id")) for tax in taxes]


_WRITTEN: Final[dict[str, Callable[[Any], Any]]] = {
    "seo": _whole_seo,
    "variants": lambda value: [_variant(item) for item in value or ()],
    "medias": lambda value: [media for item in value or () if (media := _media(item)) is not None],
    "taxes": lambda value: _tax_ids(value or ()),
    "label": lambda value: _members(value, ("title", "start_date", "end_date")),
    "collection_ids": lambda value: list(value or ()),
}


def product_edit_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an update as the bulk edit takes them: there taxes are objects."""
    edit = dict(fields)
    if "taxes" in edit:
        edit["taxes"] = [{"_id": tax} for tax in edit["taxes"]]
    return edit


def price_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a price as its update takes them, where None clears; objects with all their members."""
    fields: dict[str, Any] = {}
    for field, value in values.items():
        if field in _NEVER_EMPTY and value is None:
            continue
        if field == "shipping_options" and value is not None:
            # An update completes an object from the present one.
            told = cast("Mapping[str, Any]", value)
            fields[field] = {name: told.get(name) for name in ("weight", "dimensions")}
        elif field == "meta" and value is not None:
            fields[field] = sendable_part({"meta": value}, PRICE_WIRE_FIELDS).fields.get("meta")
        else:
            fields[field] = bool(value) if field in _SWITCHES else value
    return fields


def can_be_edited(values: Mapping[str, Any]) -> bool:
    """Whether a bulk edit can set these fields of a price: it cannot empty one, nor reach them all."""
    return all(
        field in wire.PriceEdit.model_fields and (field in _SWITCHES or value is not None)
        for field, value in values.items()
    )


def price_edit_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a price as the bulk edit takes them, objects without what is not set."""
    fields = price_fields(values)
    for field, value in fields.items():
        if isinstance(value, Mapping):
            told = cast("Mapping[str, Any]", value)
            fields[field] = {name: item for name, item in told.items() if item is not None}
    return fields


def collection_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a collection as its update takes them."""
    fields: dict[str, Any] = {}
    for field, value in values.items():
        match field:
            case "members":
                fields["product_ids"] = list(value or ())
            case "seo":
                fields["seo"] = _whole_seo(value)
            case "type":
                fields["type"] = value or "manual"
            case "rules":
                if value:
                    fields["rules"] = _members(value, ("logic", "conditions"))
            case "name" | "slug":
                if value:
                    fields[field] = value
            case _:
                fields[field] = "" if value is None else value
    return fields


def replies(values: Sequence[Any]) -> list[wire.ReviewReplyInput] | None:
    """Earlier answers as they can be sent again; None when one of them cannot."""
    sendable = [wire.ReviewReply.model_validate(value).resendable() for value in values]
    return None if None in sendable else cast("list[wire.ReviewReplyInput]", sendable)


def new_product(told: Mapping[str, Any]) -> wire.NewProduct:
    """A product to create from what was told of one, without its collections and without the prices its images
    belong to.

    Raises:
        ValidationError: it lacks what a product must have.
    """
    product = wire.Product.model_validate(told)
    values = {
        field: value
        for field in wire.NewProduct.model_fields
        if field != "collection_ids" and (value := told_of(product, field)) is not None
    }
    fields = product_fields(values)
    if "label" not in fields:
        fields.pop("is_label_enabled", None)
    if not fields.get("taxes"):
        fields.pop("is_taxes_enabled", None)
    for media in fields.get("medias", ()):
        media.pop("price_ids", None)
    return wire.NewProduct.model_validate(fields)


def new_price(told: Mapping[str, Any]) -> wire.NewPrice:
    """A price to create from what was told of one.

    Raises:
        ValidationError: it lacks what a price must have.
    """
    return wire.NewPrice.model_validate(sendable_part(told, PRICE_WIRE_FIELDS).fields)


def new_collection(told: Mapping[str, Any], members: Sequence[str]) -> wire.NewCollection:
    """A collection to create from what was told of one, with these products where they are chosen by hand.

    Raises:
        ValidationError: it lacks what a collection must have.
    """
    collection = wire.Collection.model_validate(told)
    values = {
        field: value
        for field in ("name", "slug", "image", "seo", "type", "rules")
        if (value := told_of(collection, field)) is not None
    }
    fields = collection_fields(values)
    if members and collection.type != "smart":
        fields["product_ids"] = list(members)
    return wire.NewCollection.model_validate({**fields, "collection_id": collection.id})
