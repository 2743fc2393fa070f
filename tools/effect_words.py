"""Effects and their values in words for a person. Names and texts in them are data of the shop."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, cast

from ..guard.plan import EXISTS, Effect
from .money import MONEY, amount_text
from .observing import Absence, Unread
from .text import one_line, quoted

LONGEST_NAME: Final = 60
LONGEST_VALUE: Final = 80
_FIELDS: Final = {
    "compare_at_price": "was-price",
    "available_quantity": "stock",
    "allow_out_of_stock_purchases": "sold beyond the stock",
    "available_in_store": "in the store",
    "shown": "shown in the store",
    "priority": "place in the display order",
    "collection_ids": "collections",
    "medias": "images",
    "is_label_enabled": "badge shown",
    "label": "badge",
    "members": "products",
}


def named(effect: Effect) -> str:
    """The thing that an effect is about."""
    return quoted(effect.name, LONGEST_NAME) if effect.name else f"{effect.kind} {effect.id or ''}".rstrip()


def field_name(effect: Effect) -> str:
    """The field in words."""
    return _FIELDS.get(effect.field, effect.field.replace("_", " "))


def about(effect: Effect) -> str:
    """The thing and the field."""
    if effect.field == EXISTS:
        return f"the {effect.kind} {named(effect)}"
    within = {"store": f" {effect.within}", "order": f" of the store {effect.within}"}.get(effect.kind, "")
    return f"{named(effect)}, {field_name(effect)}{within}"


def shown(effect: Effect, value: Any) -> str:
    """A value of the effect's field: an amount with its currency, the rest in a few words."""
    if effect.field in MONEY and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return amount_text(Decimal(value), effect.currency)
    if isinstance(value, list | tuple) and value:
        entries = cast("list[Any]", value)
        listed = ", ".join(map(_entry, entries))
        return one_line(listed if len(entries) == 1 else f"{len(entries)}: {listed}", LONGEST_VALUE)
    return one_line(_words(value), LONGEST_VALUE)


def _entry(value: Any) -> str:
    """One of a list: an id as it is, an object by what it is known by."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, str) else _words(value)
    members = cast("Mapping[str, Any]", value)
    known = next((members[key] for key in ("name", "title", "comment", "url", "id") if members.get(key)), "")
    options = ", ".join(map(_entry, members.get("options") or ()))
    return quoted(str(known), LONGEST_NAME) + (f" ({options})" if options else "")


def _words(value: Any) -> str:
    match value:
        case Absence():
            words = "gone"
        case Unread():
            words = "not readable"
        case None | "":
            words = "nothing"
        case bool():
            words = "yes" if value else "no"
        case Decimal():
            words = f"{value:f}"
        case str():
            words = quoted(value, LONGEST_VALUE - 10)
        case Mapping():
            members = cast("Mapping[str, Any]", value)
            words = ", ".join(f"{key} {_words(item)}" for key, item in members.items()) or "nothing"
        case list() | tuple():
            words = ", ".join(map(_words, cast("list[Any]", value))) or "nothing"
        case _:
            words = str(value)
    return words
