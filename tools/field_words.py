"""What a write does to single fields, in words for a person."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from ..guard.plan import Effect, PlanItem
from .money import MONEY, amount_text
from .text import counted, one_line, quoted

_WEIGHTS = {"amount": 5, "currency": 5, "compare_at_price": 4, "setup_fee": 4, "type": 3, "recurring": 3} | {
    "available_in_store": 5,
    "available_quantity": 2,
    "track_inventory": 2,
    "variants": 2,
    "name": 1,
}
"""Money, visibility and stock are read first: a question spells out its first items only."""
_UNSEEN = "(not the same: they differ in what is cut off here, or cannot be seen)"
_LABELS = {"compare_at_price": "Was-price", "available_in_store": "In the store", "seo": "SEO"}


def field_items(effects: Sequence[Effect]) -> tuple[PlanItem, ...]:
    """One item for each effect that changes something, labelled with its field."""
    becomes = next((effect.after for effect in effects if effect.field == "currency"), None)
    return tuple(_item(effect, becomes) for effect in effects if effect.before != effect.after)


def shown_text(available: bool | None) -> str:
    """Whether a product is shown."""
    return {True: "shown", False: "hidden", None: "unknown"}[available]


def _item(effect: Effect, currency_after: str | None) -> PlanItem:
    label = _LABELS.get(effect.field, effect.field.replace("_", " ").capitalize())
    before = _value(effect, effect.before, effect.currency)
    after = _value(effect, effect.after, currency_after or effect.currency)
    return item_of(label, before, after, differ=True, weight=_WEIGHTS.get(effect.field, 0))


def item_of(
    label: str, before: str | None, after: str | None, *, differ: bool, weight: Decimal | int
) -> PlanItem:
    """An item of two values in a few words. Those that look the same and differ are said to."""
    if differ and before == after:
        after = f"{after or 'nothing'} {_UNSEEN}"
    return PlanItem(label=label, before=before, after=after, weight=weight)


def _value(effect: Effect, value: Any, currency: str | None) -> str | None:
    if effect.field == "available_in_store":
        return shown_text(value)
    if effect.field in MONEY and isinstance(value, int | Decimal):
        return amount_text(Decimal(value), currency)
    return value_text(value)


def value_text(value: object) -> str | None:
    """A plain value in a few words; None for an empty one."""
    if value is None or value in ("", []):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return _entries(cast("list[object]", value))
    if isinstance(value, Mapping):
        return one_line(_members(cast("Mapping[str, object]", value)))
    return str(value)


def _entries(values: list[object]) -> str:
    """Variants by their names and options, other lists by their number."""
    named = [cast("Mapping[str, Any]", value) for value in values if isinstance(value, Mapping)]
    if len(named) == len(values) and all("options" in entry for entry in named):
        words = (f"{entry.get('name')} ({_names(entry['options'] or ())})" for entry in named)
        return one_line(", ".join(words))
    return counted(len(values), "item")


def _names(options: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(str(option.get("name")) for option in options)


def _members(parts: Mapping[str, object]) -> str:
    words = [
        f"{key} ({_members(cast('Mapping[str, object]', part))})"
        if isinstance(part, Mapping)
        else f"{key} {part}"
        for key, part in parts.items()
        if part not in (None, "")
    ]
    return ", ".join(words)
