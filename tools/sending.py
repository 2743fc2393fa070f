"""From a tool's arguments to what the API client sends: exactly what was given, and nothing else."""

import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.question import NOTHING_CHANGED
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


def media(
    items: Sequence[shapes.Media] | None, present: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]] | None:
    """Images and videos. What is there already, by id or else by address, keeps what the call leaves out; the
    new ones get ids."""
    if items is None:
        return None
    by_id = {item["id"]: item for item in present if "id" in item}
    by_url = {item["url"]: item for item in present if "url" in item}
    another_featured = any(item.is_featured for item in items)
    made: list[dict[str, Any]] = []
    for item in items:
        former = by_id.get(item.id) if item.id else by_url.pop(item.url, None)
        kept = _kept_of_media(former or {})
        if another_featured:
            kept.pop("is_featured", None)
        given_members = item.model_dump(exclude_none=True, exclude_unset=True)
        made.append({"id": new_id(), "type": item.type} | kept | given_members)
    return made


def _kept_of_media(former: Mapping[str, Any]) -> dict[str, Any]:
    """The members that can be sent back; `price_ids` is read as a text, a list, or a list of lists."""
    kept = {name: value for name, value in former.items() if name != "price_ids"}
    price_ids = list(texts(former.get("price_ids")))
    return kept | ({"price_ids": price_ids} if price_ids else {})


def texts(value: object) -> Iterable[str]:
    """The texts in a value that is read as a text, a list of them, or a list of lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in cast("Sequence[object]", value):
            yield from texts(item)


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
    by_id = {variant.id: variant for variant in present or () if variant.id}
    by_name = {variant.name: variant for variant in present or ()}
    made: list[dict[str, Any]] = []
    for item in items:
        _refuse_same_names(f"the options of {item.name}", item.options)
        former = by_id.get(item.id) if item.id else by_name.get(item.name)
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


def switches(
    label: shapes.Label | None, label_on: bool | None, taxes: Sequence[str] | None, taxes_on: bool | None
) -> dict[str, bool]:
    """The switches of badge and taxes as given, else as what they switch was set: the API refuses a tax switch
    without taxes, and a badge without its switch never shows."""
    if label_on is None and label is not None:
        label_on = True
    if taxes_on is None and taxes is not None:
        taxes_on = bool(taxes)
    return given(is_label_enabled=label_on, is_taxes_enabled=taxes_on)


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


def refuse_wrong_terms(price_type: str | None, recurring: object) -> None:
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


Kept = Mapping[str, Mapping[str, Any]]
"""Objects of products and prices as they are now, by id and name: those that an edit may give in part."""


def known_members(record: wire.Record | None) -> dict[str, Any]:
    """What is set of an object, without what this server does not know, which the API would refuse."""
    if record is None:
        return {}
    members = {name: getattr(record, name) for name in type(record).model_fields}
    return {
        name: known_members(value) if isinstance(value, wire.Record) else value
        for name, value in members.items()
        if value is not None
    }


def product_edit(edit: shapes.ProductEdit, kept: Kept) -> wire.ProductEdit:
    """One product of a bulk edit as the API takes it. It replaces objects as a whole, so they are completed."""
    of_product = kept.get(edit.product_id, {})
    fields = edit.model_dump(exclude_none=True, exclude={"product_id", "prices", "medias", "taxes"})
    fields |= switches(edit.label, edit.is_label_enabled, edit.taxes, edit.is_taxes_enabled)
    if edit.medias is not None:
        fields["medias"] = media(edit.medias, of_product.get("medias", ()))
    if edit.taxes is not None:
        # Tax objects here, where every other operation takes plain ids.
        fields["taxes"] = [{"_id": tax} for tax in edit.taxes]
    if edit.seo is not None:
        fields["seo"] = {**of_product.get("seo", {}), **fields["seo"]}
    if edit.prices is not None:
        fields["prices"] = [_price_edit(price, kept) for price in edit.prices]
    return wire.ProductEdit(id=edit.product_id, **fields)


def _price_edit(edit: shapes.PriceEdit, kept: Kept) -> wire.PriceEdit:
    fields = edit.model_dump(exclude_none=True, exclude={"price_id"})
    if edit.shipping_options is not None:
        former = kept.get(edit.price_id, {}).get("shipping_options", {})
        fields["shipping_options"] = {**former, **fields["shipping_options"]}
    if "currency" in fields:
        fields["currency"] = fields["currency"].upper()
    return wire.PriceEdit(id=edit.price_id, **fields)
