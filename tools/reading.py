"""From what the API answered to what a model reads: fewer fields, one vocabulary."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from ..products_api.models import (
    Collection,
    FieldDifference,
    InventoryItem,
    Page,
    Price,
    Product,
    Record,
    Review,
    ReviewReply,
)
from . import views
from .fields import Detail

V = TypeVar("V", bound=views.View)

_PRODUCT_CONCISE = ("id", "name", "product_type", "available_in_store")
_PRICE_CONCISE = (
    "id",
    "name",
    "type",
    "currency",
    "amount",
    "compare_at_price",
    "recurring",
    "sku",
    "track_inventory",
    "available_quantity",
)
_STOCK_CONCISE = ("price_id", "product_id", "product_name", "name", "sku", "available_quantity")
_COLLECTION_CONCISE = ("id", "name", "slug", "type")
_LONGEST_TEXT = 200
_HIDDEN = frozenset({"location_id", "user_id", "locationId", "userId", "altId", "altType", "__v", "traceId"})
"""Configuration and bookkeeping of the platform: of no use to a merchant."""


def _fields(record: Record) -> dict[str, Any]:
    """Known fields by their names here; what is not known goes under `other`."""
    known = record.model_dump(exclude_none=True, include=set(type(record).model_fields))
    fields = {key: value for key, value in known.items() if key not in _HIDDEN}
    extra = {key: value for key, value in (record.model_extra or {}).items() if key not in _HIDDEN}
    if extra:
        fields["other"] = extra
    return fields


def _only(fields: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


def product_view(product: Product, detail: Detail = "full") -> views.Product:
    """A product; concise is what it takes to recognise and name it."""
    fields = _fields(product)
    return views.Product.model_validate(_only(fields, _PRODUCT_CONCISE) if detail == "concise" else fields)


def product_details(
    product: Product, prices: Iterable[Price] | None, total: int | None
) -> views.ProductDetails:
    """A product with its prices, where they could be read."""
    fields = _fields(product)
    listed = (
        None
        if prices is None
        else [price_view(price).model_dump(exclude_none=True, exclude={"product_id"}) for price in prices]
    )
    return views.ProductDetails.model_validate({**fields, "prices": listed, "prices_total": total})


def price_view(price: Price, detail: Detail = "full") -> views.Price:
    """A price; concise is what a customer pays and what is left of it."""
    fields = _fields(price)
    return views.Price.model_validate(_only(fields, _PRICE_CONCISE) if detail == "concise" else fields)


def stock_view(item: InventoryItem, detail: Detail = "full") -> views.StockItem:
    """Stock of one variant."""
    fields = _fields(item)
    return views.StockItem.model_validate(_only(fields, _STOCK_CONCISE) if detail == "concise" else fields)


def collection_view(collection: Collection, detail: Detail = "full") -> views.Collection:
    """A collection."""
    fields = _fields(collection)
    kept = _only(fields, _COLLECTION_CONCISE) if detail == "concise" else fields
    return views.Collection.model_validate(kept)


def review_view(review: Review, detail: Detail = "full") -> views.Review:
    """A review, with what its author wrote kept apart. The e-mail address is in the full view alone."""
    fields = _fields(review)
    author: dict[str, Any] = fields.pop("user", None) or {}
    words = {"headline": fields.pop("headline", None), "detail": fields.pop("detail", None)}
    words["author"] = author.get("name")
    # What this server does not know may well be the customer's words too, so it is kept with them.
    other = fields.pop("other", None)
    if detail == "full":
        words |= {"email": author.get("email"), "other": other}
    if any(words.values()):
        fields["customer_text"] = words
    fields["replies"] = [_reply_view(reply) for reply in review.replies or ()] or None
    return views.Review.model_validate(fields)


def _reply_view(reply: ReviewReply) -> dict[str, Any]:
    fields = _fields(reply)
    user: dict[str, Any] = fields.get("user") or {}
    return {**_only(fields, ("headline", "comment")), "author": user.get("name")}


def listing(page: Page[Any], items: list[V]) -> dict[str, Any]:
    """The members of a `Listing`."""
    return {
        "items": items,
        "returned": len(items),
        "total": page.total,
        "next_offset": page.next_offset,
    }


def misses(found: Iterable[FieldDifference]) -> list[views.FieldMiss] | None:
    """Fields that are not as they should be; None when there are none."""
    changes = [
        views.FieldMiss(field=item.field, expected=item.expected, found=item.found)
        for item in found
        if not (_is_empty(item.expected) and _is_empty(item.found))
    ]
    return changes or None


def _is_empty(value: object) -> bool:
    """Whether nothing is in it: what was emptied may read back as empty, null or absent."""
    if isinstance(value, Mapping):
        return all(_is_empty(item) for item in cast("Mapping[str, object]", value).values())
    return value is None or value in ("", [])


def _short(value: Any) -> Any:
    """The value with long texts cut: a description that was rewritten is known to whoever wrote it."""
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return value[: _LONGEST_TEXT - 1] + "…"
    if isinstance(value, Mapping):
        return {key: _short(item) for key, item in cast("Mapping[str, Any]", value).items()}
    return value


def changed_fields(before: Record, after: Record) -> list[views.FieldChange]:
    """What is different now, timestamps aside."""
    old, new = _fields(before), _fields(after)
    names = [name for name in (old | new) if name not in {"updated_at", "other"}]
    return [
        views.FieldChange(field=name, before=_short(old.get(name)), after=_short(new.get(name)))
        for name in names
        if old.get(name) != new.get(name) and not (_is_empty(old.get(name)) and _is_empty(new.get(name)))
    ]
