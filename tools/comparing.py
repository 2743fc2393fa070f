"""What was sent, held against what the API tells afterwards."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from ..products_api import models as wire
from ..products_api.changes import FieldDifference, differences
from ..products_api.model_base import Body
from ..products_api.price_models import PRICE_WIRE_FIELDS
from ..products_api.product_models import PRODUCT_WIRE_FIELDS

_ABOUT_WHAT = ("id", "prices")


def asked_for(body: Body) -> dict[str, Any]:
    """The fields that a request sets, by wire name."""
    return {key: value for key, value in _comparable(body.wire()).items() if key not in _ABOUT_WHAT}


def told(record: wire.Record) -> dict[str, Any]:
    """What the API told of a thing, null included, by wire name."""
    return _comparable(record.model_dump(by_alias=True, exclude_unset=True))


def settable(thing: wire.Product | wire.Price) -> dict[str, Any]:
    """What was told of the fields that an update can set."""
    names = PRODUCT_WIRE_FIELDS if isinstance(thing, wire.Product) else PRICE_WIRE_FIELDS
    return {key: value for key, value in told(thing).items() if key in names}


def not_applied(asked: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[FieldDifference, ...]:
    """The fields that do not show what was asked."""
    return differences({}, asked, found, {})[1]


def _comparable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Ids are `_id` in some objects and `id` in others; taxes are ids in some places and objects in others."""
    plain = {key: _with_plain_ids(value) for key, value in fields.items()}
    if isinstance(plain.get("taxes"), list):
        plain["taxes"] = list(_tax_ids(plain["taxes"]))
    return {"id" if key == "_id" else key: value for key, value in plain.items()}


def _with_plain_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_plain_ids(item) for item in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return {"id" if key == "_id" else key: _with_plain_ids(item) for key, item in members.items()}
    return value


def _tax_ids(taxes: Iterable[Any]) -> Iterable[Any]:
    for tax in taxes:
        yield cast("Mapping[str, Any]", tax).get("id") if isinstance(tax, Mapping) else tax
