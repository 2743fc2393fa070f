"""What a write will do, said before it is done.

A plan says it twice: in `items`, for a person, and in `effects`, for the guard. From the effects the limits of the
shop are checked, a stale approval is recognised, a lost answer is settled, and a change is taken back.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple, cast

from ..products_api.exact_json import encode

SHOWN_ITEMS = 10
"""How many items a question spells out; the rest are counted, so that a person can still read it."""
MANY = 20
"""From more things than this on, a person types their number."""
LONGEST_TARGET = 60
"""A name longer than this is no fair thing to type; the id is asked for instead."""
LONGEST_LINE = 600
"""Longer than any line that a plan makes of itself; what is longer has a text of the shop in it."""

Kind = Literal["product", "price", "stock", "collection", "store", "order", "review"]
EXISTS = "exists"
"""The field of an effect that creates or deletes the thing as a whole."""


class EffectKey(NamedTuple):
    """What an effect is about."""

    kind: Kind
    within: str | None
    id: str | None
    field: str


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One field of one thing, before and after a write, as plain values.

    kind, id, within:
        product     the product; within nothing
        price       the price (variant) of the product `within`
        stock       the same price, for `available_quantity`, `allow_out_of_stock_purchases`, `track_inventory`
        collection  the collection; its field `members` is the sorted list of its products' ids
        store       the product, and whether the store `within` shows it: field `shown`
        order       the product's place in the display order of the store `within`: field `priority`
        review      the review of the product `within`: fields `status`, `replies`
    field:
        the snake_case name of the client's models, or `exists` for the thing as a whole. Of a creation `id` is
        None, `before` the sorted ids of what looks the same already, and `after` the fields given. Of a deletion
        `before` is what is needed to make the thing again, and `after` is None.
    name:
        how a person knows the thing; text of the shop, never an instruction.
    currency:
        of an amount.
    """

    kind: Kind
    id: str | None
    field: str
    before: Any = None
    after: Any = None
    within: str | None = None
    name: str = ""
    currency: str | None = None

    @property
    def key(self) -> EffectKey:
        """What it is about, for comparing two plans."""
        return EffectKey(self.kind, self.within, self.id, self.field)

    @property
    def creates(self) -> bool:
        """Whether the thing does not exist yet."""
        return self.field == EXISTS and self.after is not None

    @property
    def deletes(self) -> bool:
        """Whether the thing will be gone."""
        return self.field == EXISTS and self.after is None


@dataclass(frozen=True, kw_only=True)
class PlanItem:
    """One thing that a write touches, in words for a person. The weightiest are shown first."""

    label: str
    before: str | None = None
    after: str | None = None
    weight: Decimal | int = 0

    def __str__(self) -> str:
        if self.before is None and self.after is None:
            return self.label
        return f"{self.label}: {self.before or 'nothing'} → {self.after or 'nothing'}"


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a plan comes to. Percentages are of the former amount; stock is of the things that lose or change it."""

    things: int
    largest_rise_percent: Decimal | None = None
    largest_fall_percent: Decimal | None = None
    stock_before: int | None = None
    stock_after: int | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a write will do, computed from a fresh reading of the shop.

    `action` is one sentence in the imperative; `items` are what it touches with before and after; `also` says what
    else is affected; `lasting` says what cannot be undone, and why. `asks` is whether a person has to agree.
    `target` is the name of the one thing it is about, where it is one. `state` holds whatever else the deed needs
    of what was read and the decision rests on, so that a change of it makes a different plan; plain JSON values.
    """

    action: str
    items: tuple[PlanItem, ...] = ()
    also: tuple[str, ...] = ()
    lasting: str | None = None
    effects: tuple[Effect, ...] = ()
    asks: bool = True
    target: str | None = None
    state: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that differ when anything in the plan differs."""
        return hashlib.sha256(encode(to_plain(self))).hexdigest()[:16]

    @property
    def things(self) -> int:
        """How many things it touches. A product that enters or leaves a collection is one of them."""
        made = sum(effect.creates for effect in self.effects)
        return made + len({thing for effect in self.effects for thing in _touched(effect)}) or len(self.items)

    @property
    def ids(self) -> frozenset[str]:
        """Ids of what it changes; of what it makes, where that belongs; of a product that goes, its prices too."""
        named = {thing for effect in self.effects if (thing := effect.id or effect.within)}
        return frozenset(named.union(*map(_prices_in, filter(lambda effect: effect.deletes, self.effects))))

    @property
    def totals(self) -> Totals:
        """The sums over all effects."""
        moves = list(_percentages(self.effects))
        before, after = _stock(self.effects)
        return Totals(
            things=self.things,
            largest_rise_percent=max((move for move in moves if move > 0), default=None),
            largest_fall_percent=min((move for move in moves if move < 0), default=None),
            stock_before=before,
            stock_after=after,
        )

    @property
    def typed(self) -> str | None:
        """What a person types to agree: the name of the one thing or the number of the many; None where a tick does."""
        if self.lasting is None and self.things <= MANY:
            return None
        if self.things != 1:
            return str(self.things)
        if self.target and typable(self.target):
            return self.target
        return next((effect.id for effect in self.effects if effect.id), None) or "1"

    def shown(self) -> list[str]:
        """The weightiest items in words, ten at most."""
        ranked = sorted(self.items, key=lambda item: -item.weight)
        return [readable(item) for item in ranked[:SHOWN_ITEMS]]

    @property
    def unshown(self) -> int:
        """How many items are only counted."""
        return max(0, len(self.items) - SHOWN_ITEMS)

    def describe(self) -> str:
        """The plan in a few readable lines, at most ten items spelled out."""
        lines = [self.action]
        lines += [f"• {item}" for item in self.shown()]
        if self.unshown:
            lines.append(f"• and {self.unshown} more")
        lines += list(self.also)
        if self.lasting:
            lines.append(f"What cannot be undone: {self.lasting}")
        # Names and texts of the shop are in these lines: none of them may begin a line of its own.
        return "\n".join(readable(line) for line in lines)


def _prices_in(deletion: Effect) -> Iterable[str]:
    """Ids of the prices in the image of a product."""
    image = cast("Mapping[str, Any]", deletion.before if isinstance(deletion.before, Mapping) else {})
    return (price["_id"] for price in image.get("prices") or () if "_id" in price)


def _touched(effect: Effect) -> Iterable[tuple[str, str | None, str | None]]:
    """What an effect touches of what is there."""
    moved = _moved(effect)
    if moved:
        return [("product", None, product_id) for product_id in moved]
    # Stock is on a price.
    kind = "price" if effect.kind == "stock" else effect.kind
    return [] if effect.creates else [(kind, effect.within, effect.id)]


def _moved(effect: Effect) -> set[str]:
    """Products that enter or leave a collection. Those of one that is made again only come back."""
    if effect.field == "members":
        return {*(effect.before or ())} ^ {*(effect.after or ())}
    if effect.creates and "collection" not in effect.after:
        return set(effect.after.get("members", ()))
    return set()


def to_plain(plan: Plan) -> dict[str, Any]:
    """The plan as values that have a form in JSON, for the store."""
    return {
        "action": plan.action,
        "items": [
            {"label": item.label, "before": item.before, "after": item.after, "weight": item.weight}
            for item in plan.items
        ],
        "also": list(plan.also),
        "lasting": plan.lasting,
        "effects": [effect_to_plain(effect) for effect in plan.effects],
        "asks": plan.asks,
        "target": plan.target,
        "state": plan.state,
    }


def from_plain(value: Mapping[str, Any]) -> Plan:
    """The plan that `to_plain` wrote."""
    return Plan(
        action=value["action"],
        items=tuple(PlanItem(**item) for item in value["items"]),
        also=tuple(value["also"]),
        lasting=value["lasting"],
        effects=tuple(Effect(**effect) for effect in value["effects"]),
        asks=value["asks"],
        target=value["target"],
        state=dict(value["state"]),
    )


def effect_to_plain(effect: Effect) -> dict[str, Any]:
    """One effect as values that have a form in JSON."""
    return {
        "kind": effect.kind,
        "id": effect.id,
        "field": effect.field,
        "before": effect.before,
        "after": effect.after,
        "within": effect.within,
        "name": effect.name,
        "currency": effect.currency,
    }


def typable(text: str) -> bool:
    """Whether a person can read a text off a question and type it: short, on one line, and nothing in it hides."""
    return (
        0 < len(text) <= LONGEST_TARGET
        and text == flat(text)
        and text.isprintable()
        and not UNSEEN.search(text)
    )


# Letters and marks that show nothing; controls and formats are unprintable anyway.
UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def readable(text: object) -> str:
    """A line of a plan as it is shown: one line, not without end, and nothing that hides in it."""
    return _clean(text, _KEPT, LONGEST_LINE)


# Emoji and several scripts are written with these; the planners take them out where they are not.
_KEPT = "\u200c\u200d\ufe0f"


def cut(value: object) -> str:
    """A name or a value of the shop inside of a line: short, and nothing in it hides."""
    return _clean(value, "", LONGEST_TARGET)


def _clean(value: object, kept: str, longest: int) -> str:
    shown = (char if char.isprintable() or char in kept else " " for char in str(value))
    text = flat("".join(char for char in shown if char in kept or not UNSEEN.match(char)))
    return text if len(text) <= longest else text[: longest - 1] + "…"


def flat(text: object) -> str:
    """A text on one line."""
    return " ".join(str(text).split())


_HUNDRED = Decimal(100)


def _percentages(effects: Iterable[Effect]) -> Iterable[Decimal]:
    for effect in effects:
        if effect.kind == "price" and effect.field == "amount" and effect.before and effect.after is not None:
            before, after = Decimal(str(effect.before)), Decimal(str(effect.after))
            yield ((after - before) / before * _HUNDRED).quantize(Decimal("0.1"))


def _stock(effects: Sequence[Effect]) -> tuple[int | None, int | None]:
    """Stock before and after, of all the effects that say something of it."""
    before = after = 0
    told = False
    for effect in effects:
        if effect.field == "available_quantity":
            told = True
            before += int(effect.before or 0)
            after += int(effect.after or 0)
        elif effect.deletes and isinstance(effect.before, Mapping):
            image = cast("Mapping[str, Any]", effect.before)
            listed = cast("list[Mapping[str, Any]]", image.get("prices") or [image.get("price") or {}])
            counts = [price["availableQuantity"] for price in listed if price.get("availableQuantity")]
            told = told or bool(counts)
            before += sum(int(count) for count in counts)
    return (before, after) if told else (None, None)
