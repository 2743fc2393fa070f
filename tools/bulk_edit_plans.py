"""What a bulk edit would do, field by field: only what is not as asked already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.plan import Effect, Plan, PlanItem
from ..guard.question import NOTHING_CHANGED
from ..products_api import models as wire
from ..products_api.bulk_calls import ENTITIES_PER_CALL
from ..products_api.model_base import Body
from . import shapes
from .bulk_edits import left_to_do, prices_of_edits
from .bulk_prices import (
    FROM_NOTHING,
    Sums,
    add_to_sums,
    amounts_item,
    only_name,
    price_label,
    sum_lines,
)
from .comparing import asked_for, not_applied, settable
from .effects import changes, kept_amount, present
from .field_words import item_of, value_text
from .money import MONEY, refuse_fractions
from .reading import misses
from .sending import known_members, product_edit, refuse_unset, switches
from .shop import Shop, refuse_repeated
from .text import counted, one_line, quoted

_COMPLETED = ("seo", "shipping_options")
_STOCK = ("available_quantity", "track_inventory", "allow_out_of_stock_purchases")
_WEIGHT_OF_MONEY = 1000
_WEIGHTS: dict[str, Decimal | int] = {
    "currency": 2 * FROM_NOTHING,
    **dict.fromkeys(_STOCK, 2),
    "available_in_store": 1,
}
"""Of fields that are no amounts: a question spells out its weightiest items only."""
Fields = Mapping[str, Any]


@dataclass
class _Draft:
    """A plan in the making, edit by edit. `kept` has the objects that an edit may give in part, by id and field."""

    kept: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    effects: list[Effect] = field(default_factory=list[Effect])
    items: list[PlanItem] = field(default_factory=list[PlanItem])
    sums: Sums = field(default_factory=dict[str, list[Decimal]])
    hidden: int = 0

    def add_product(self, product: wire.Product, edit: shapes.ProductEdit, asked: wire.ProductEdit) -> None:
        """What is left to do of a product's own fields."""
        left = _fields_left(asked, product)
        # A badge is replaced as a whole, so one with more to it than was given is another one.
        fields = edit.model_dump(exclude_none=True, exclude={"product_id", "prices"})
        if edit.label is not None and known_members(product.label) != fields["label"]:
            left.add("label")
        if not left:
            return
        implied = switches(edit.label, edit.is_label_enabled, edit.taxes, edit.is_taxes_enabled)
        self.hidden += "available_in_store" in left and edit.available_in_store is False
        after = {name: value for name, value in {**fields, **implied}.items() if name in left}
        self.effects += changes("product", product, product.id, after)
        # What a badge or taxes switch on by themselves need not be read by a person beside them.
        shown = after if after.keys().isdisjoint(fields) else {k: v for k, v in after.items() if k in fields}
        label = one_line(product.name or product.id)
        self.items += _field_items(label, product, shown, self.kept[product.id])

    def add_price(
        self, product: wire.Product, price: wire.Price, edit: shapes.PriceEdit, asked: wire.PriceEdit
    ) -> None:
        """What is left to do of one price.

        Raises:
            ToolError: an amount has more decimals than its currency.
        """
        label = price_label(product, price)
        fields = _price_changes(label, price, edit)
        after = {name: value for name, value in fields.items() if name in _fields_left(asked, price)}
        if not after:
            return
        currency = fields.get("currency", price.currency)
        for name, value in after.items():
            self.effects.append(
                Effect(
                    kind="stock" if name in _STOCK else "price",
                    id=price.id,
                    field=name,
                    before=present(price, name),
                    after=value,
                    within=product.id,
                    name=label,
                    currency=currency,
                )
            )
        if "currency" in after and "amount" not in after:
            switch = next(effect for effect in reversed(self.effects) if effect.field == "currency")
            self.effects += kept_amount(switch, price.amount)
        self.items += _field_items(label, price, after, self.kept[price.id])
        if after.keys() & {"amount", "currency"}:
            amount = after.get("amount", price.amount)
            add_to_sums(self.sums, price.amount, price.currency, amount, currency)


def _fields_left(asked: Body, thing: wire.Product | wire.Price) -> set[str]:
    """The fields, by snake_case names, that do not show yet what is asked."""
    return {miss.field for miss in misses(not_applied(asked_for(asked), settable(thing))) or ()}


async def edit_plan(shop: Shop, edits: Sequence[shapes.ProductEdit]) -> Plan:
    """Every field that is left to edit, before and after. What is as asked already is no part of it, so that
    the same call goes on where an earlier one stopped; with nothing left nobody is asked.

    Raises:
        ToolError: a product or price is unknown or named twice, an edit names no field, or an amount has more
            decimals than its currency.
    """
    refuse_repeated("products", [edit.product_id for edit in edits])
    refuse_unset("products", edits, "product_id")
    found = await shop.full_products([edit.product_id for edit in edits])
    prices = await prices_of_edits(shop, edits)
    draft = _Draft()
    for edit in edits:
        product = found[edit.product_id]
        known = {price.id: price for price in prices.get(edit.product_id, ())}
        _refuse_wrong_prices(product, edit, known)
        draft.kept[product.id] = {
            "seo": known_members(product.seo),
            "medias": [known_members(item) for item in product.medias or ()],
        }
        for change in edit.prices or ():
            shipping = known_members(known[change.price_id].shipping_options)
            draft.kept[change.price_id] = {"shipping_options": shipping}
        asked = product_edit(edit, draft.kept)
        draft.add_product(product, edit, asked)
        for change, sent in zip(edit.prices or (), asked.prices or (), strict=True):
            draft.add_price(product, known[change.price_id], change, sent)
    left = left_to_do(edits, draft.effects)
    before = _as_told(left, found, prices)
    also = sum_lines(draft.sums)
    if draft.hidden:
        also.append(f"Hidden from customers: {counted(draft.hidden, 'product')}.")
    if already := len(edits) - len(left):
        also.append(f"As asked already, and left alone: {counted(already, 'product')}.")
    entities = len(left) + sum(len(edit.prices or ()) for edit in left)
    if entities > ENTITIES_PER_CALL:
        also.append(f"Sent in parts of at most {ENTITIES_PER_CALL} products and prices; here {entities}.")
    return Plan(
        action=f"Edit {counted(len(left), 'product')}, {counted(len(draft.items), 'field')} in all",
        items=tuple(draft.items),
        also=tuple(also),
        effects=tuple(draft.effects),
        asks=bool(draft.effects),
        target=only_name(found),
        state={"kept": {key: draft.kept[key] for key in before}, "before": before},
    )


def _as_told(
    edits: Sequence[shapes.ProductEdit],
    products: Mapping[str, wire.Product],
    prices: Mapping[str, Sequence[wire.Price]],
) -> dict[str, Fields]:
    """What was told of all that an edit can set, by wire name, of each thing that will be sent."""
    told: dict[str, Fields] = {}
    for edit in edits:
        told[edit.product_id] = settable(products[edit.product_id])
        sent = {change.price_id for change in edit.prices or ()}
        told |= {price.id: settable(price) for price in prices.get(edit.product_id, ()) if price.id in sent}
    return told


def _refuse_wrong_prices(
    product: wire.Product, edit: shapes.ProductEdit, known: Mapping[str, wire.Price]
) -> None:
    refuse_repeated("prices", [price.price_id for price in edit.prices or ()])
    refuse_unset("prices", edit.prices or (), "price_id")
    for change in edit.prices or ():
        if change.price_id not in known:
            raise ToolError(
                f"{quoted(product.name or product.id)} has no price {change.price_id}. {NOTHING_CHANGED} "
                "Take price ids from list_prices."
            )


def _price_changes(label: str, price: wire.Price, change: shapes.PriceEdit) -> dict[str, Any]:
    fields = change.model_dump(exclude_none=True, exclude={"price_id"})
    if "currency" in fields:
        fields["currency"] = fields["currency"].upper()
    for name in MONEY:
        refuse_fractions(f"{label}, {name}", fields.get(name), fields.get("currency", price.currency))
    return fields


def _field_items(
    label: str, thing: wire.Product | wire.Price, after: Fields, kept: Fields
) -> Iterable[PlanItem]:
    """What happens to each field. A person reads money first, then stock, then visibility."""
    for name, value in after.items():
        what, before = f"{label}, {name}", present(thing, name)
        if name in MONEY:
            currency = getattr(thing, "currency", None)
            item = amounts_item(what, before, value, currency, after.get("currency"))
            yield replace(item, weight=item.weight + _WEIGHT_OF_MONEY)
        else:
            whole = {**kept[name], **value} if name in _COMPLETED else value
            weight = _WEIGHTS.get(name, 0)
            yield item_of(what, value_text(before), value_text(whole), differ=before != whole, weight=weight)
