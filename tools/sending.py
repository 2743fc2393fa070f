"""From a tool's arguments to what the API client sends: exactly what was given, and nothing else."""

import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.approval import NOTHING_CHANGED
from ..products_api import models as wire
from . import shapes

_ALPHABET = string.ascii_lowercase + string.digits
_ID_LENGTH = 11


def new_id() -> str:
    """A random id as the web app makes them for variants, options and media."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))


def given(**arguments: object) -> dict[str, Any]:
    """The arguments that were given, objects as plain data; None means left out."""
    return {name: _plain(value) for name, value in arguments.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, shapes.Shape):
        return value.model_dump(exclude_none=True)
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    return value


def media(items: Sequence[shapes.Media] | None) -> list[dict[str, Any]] | None:
    """Images and videos, with ids made for the new ones."""
    if items is None:
        return None
    return [{"id": new_id(), **item.model_dump(exclude_none=True)} for item in items]


def variants(
    items: Sequence[shapes.Variant] | None, present: Sequence[wire.Variant] | None = None
) -> list[dict[str, Any]] | None:
    """Variants and options. What exists by that name keeps its id, since prices point at it; new ones get one.

    Raises:
        ToolError: two variants, or two options of one, share a name.
    """
    if items is None:
        return None
    _refuse_same_names("variants", items)
    known = {variant.name: variant for variant in present or ()}
    made: list[dict[str, Any]] = []
    for item in items:
        _refuse_same_names(f"the options of {item.name}", item.options)
        former = known.get(item.name)
        options = {option.name: option.id for option in (former.options if former else None) or ()}
        made.append(
            {
                "id": item.id or (former.id if former else None) or new_id(),
                "name": item.name,
                "options": [
                    {"id": option.id or options.get(option.name) or new_id(), "name": option.name}
                    for option in item.options
                ],
            }
        )
    return made


def _refuse_same_names(what: str, items: Iterable[shapes.Variant | shapes.VariantOption]) -> None:
    names = [item.name for item in items]
    if len(set(names)) < len(names):
        raise ToolError(f"Two of {what} have the same name. {NOTHING_CHANGED} Give each its own.")


def cleared(fields: Sequence[str] | None, set_fields: Mapping[str, Any]) -> dict[str, None]:
    """The fields to empty.

    Raises:
        ToolError: a field is to be both set and emptied.
    """
    both = sorted(set(fields or ()) & set_fields.keys())
    if both:
        raise ToolError(f"`clear` names {', '.join(both)}, which the call also sets. {NOTHING_CHANGED}")
    return dict.fromkeys(fields or ())


def refuse_no_change(changes: Mapping[str, Any]) -> None:
    """Refuse an update that updates nothing.

    Raises:
        ToolError: no field was given.
    """
    if not changes:
        raise ToolError(f"The call names no field to change. {NOTHING_CHANGED} Give at least one.")


def refuse_wrong_terms(price_type: str, recurring: shapes.Recurring | None) -> None:
    """Refuse a subscription without its interval, or an interval on a one-time price.

    Raises:
        ToolError: type and recurring do not fit each other.
    """
    if price_type == "recurring" and recurring is None:
        raise ToolError(
            f'A price of type recurring needs `recurring`, such as {{"interval": "month"}}. {NOTHING_CHANGED}'
        )
    if price_type == "one_time" and recurring is not None:
        raise ToolError(f"`recurring` goes with type recurring, not one_time. {NOTHING_CHANGED}")


def refuse_unset(name: str, items: Sequence[shapes.Shape], key: str) -> None:
    """Refuse a list in which an item says only what it is about and not what to change.

    Raises:
        ToolError: an item has no field besides its `key`.
    """
    for item in items:
        if not item.model_dump(exclude_none=True, exclude={key}):
            raise ToolError(
                f"`{name}` names {getattr(item, key)} and gives it no field to change. {NOTHING_CHANGED}"
            )


def product_edit(edit: shapes.ProductEdit) -> wire.ProductEdit:
    """One product of a bulk edit as the API takes it."""
    fields = edit.model_dump(exclude_none=True, exclude={"product_id", "prices", "medias", "taxes"})
    if edit.label is not None and edit.is_label_enabled is None:
        fields["is_label_enabled"] = True
    if edit.medias is not None:
        fields["medias"] = media(edit.medias)
    if edit.taxes is not None:
        # Tax objects here, where every other operation takes plain ids.
        fields["taxes"] = [{"_id": tax} for tax in edit.taxes]
    if edit.prices is not None:
        fields["prices"] = [_price_edit(price) for price in edit.prices]
    return wire.ProductEdit(id=edit.product_id, **fields)


def _price_edit(edit: shapes.PriceEdit) -> wire.PriceEdit:
    fields = edit.model_dump(exclude_none=True, exclude={"price_id"})
    if "currency" in fields:
        fields["currency"] = fields["currency"].upper()
    return wire.PriceEdit(id=edit.price_id, **fields)
