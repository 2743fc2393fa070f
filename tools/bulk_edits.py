"""What a bulk edit would do, field by field, and what it did, read back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.approval import NOTHING_CHANGED
from ..guard.plan import Plan, PlanItem
from ..products_api import models as wire
from ..products_api.bulk_calls import ENTITIES_PER_CALL
from ..products_api.changes import FieldDifference, differences
from . import shapes, views
from .bulk_plans import Sums, add_to_sums, amounts_item, sum_lines
from .comparing import asked_for, settable
from .money import MONEY, refuse_fractions
from .reading import misses
from .sending import known_members, refuse_unset
from .shop import Shop, refuse_repeated
from .text import counted, one_line, quoted

_COMPLETED = ("seo", "shipping_options")
_FIRST = (
    {*MONEY, "currency"},
    {"available_quantity", "track_inventory", "allow_out_of_stock_purchases"},
    {"available_in_store"},
)
"""Money, stock and visibility: a question spells out its first items only."""
Fields = Mapping[str, Any]


class Compared(NamedTuple):
    """What does not read back as edited, and what was there and is not any more without having been edited."""

    differing: list[views.BulkItem]
    lost: list[views.BulkItem]


async def edit_plan(shop: Shop, edits: Sequence[shapes.ProductEdit]) -> Plan:
    """Every edited field before and after.

    Raises:
        ToolError: a product or price is unknown or named twice, an edit changes nothing, or an amount has more
            decimals than its currency.
    """
    refuse_repeated("products", [edit.product_id for edit in edits])
    refuse_unset("products", edits, "product_id")
    found = await shop.full_products([edit.product_id for edit in edits])
    prices = await _prices_of_edits(shop, edits)
    ranked: list[tuple[int, PlanItem]] = []
    sums: Sums = {}
    kept: dict[str, dict[str, Any]] = {}
    before: dict[str, Fields] = {}
    hidden = 0
    for edit in edits:
        product = found[edit.product_id]
        kept[product.id] = {
            "seo": known_members(product.seo),
            "medias": [known_members(item) for item in product.medias or ()],
        }
        before[product.id] = settable(product)
        hidden += edit.available_in_store is False and product.available_in_store is not False
        name = one_line(product.name or product.id)
        changes = edit.model_dump(exclude_none=True, exclude={"product_id", "prices"})
        ranked += _field_items(name, product, changes, kept[product.id])
        known = {price.id: price for price in prices.get(edit.product_id, ())}
        refuse_repeated("prices", [price.price_id for price in edit.prices or ()])
        refuse_unset("prices", edit.prices or (), "price_id")
        for change in edit.prices or ():
            if change.price_id not in known:
                raise ToolError(
                    f"{quoted(product.name or product.id)} has no price {change.price_id}. {NOTHING_CHANGED} "
                    "Take price ids from list_prices."
                )
            price = known[change.price_id]
            kept[price.id] = {"shipping_options": known_members(price.shipping_options)}
            before[price.id] = settable(price)
            label = f"{name}: {one_line(price.name or price.id)}"
            changes = _price_changes(label, price, change)
            ranked += _field_items(label, price, changes, kept[price.id])
            if changes.keys() & {"amount", "currency"}:
                add_to_sums(
                    sums,
                    price.amount,
                    price.currency,
                    changes.get("amount", price.amount),
                    changes.get("currency", price.currency),
                )
    items = [item for _, item in sorted(ranked, key=lambda entry: entry[0])]
    also = sum_lines(sums)
    if hidden:
        also.append(f"Hidden from customers: {counted(hidden, 'product')}.")
    entities = len(edits) + sum(len(edit.prices or ()) for edit in edits)
    if entities > ENTITIES_PER_CALL:
        also.append(f"Sent in parts of at most {ENTITIES_PER_CALL} products and prices; here {entities}.")
    return Plan(
        action=f"Edit {counted(len(edits), 'product')}, {counted(len(items), 'field')} in all",
        items=tuple(items),
        also=tuple(also),
        state={"kept": kept, "before": before},
    )


def _price_changes(label: str, price: wire.Price, change: shapes.PriceEdit) -> dict[str, Any]:
    changes = change.model_dump(exclude_none=True, exclude={"price_id"})
    if "currency" in changes:
        changes["currency"] = changes["currency"].upper()
    for field in MONEY:
        refuse_fractions(f"{label}, {field}", changes.get(field), changes.get("currency", price.currency))
    return changes


async def _prices_of_edits(
    shop: Shop, edits: Sequence[shapes.ProductEdit | wire.ProductEdit]
) -> dict[str, list[wire.Price]]:
    return await shop.prices(
        [
            edit.product_id if isinstance(edit, shapes.ProductEdit) else edit.id
            for edit in edits
            if edit.prices
        ]
    )


def _field_items(
    label: str, thing: wire.Product | wire.Price, changes: Fields, kept: Fields
) -> Iterable[tuple[int, PlanItem]]:
    """What happens to each field, and how early a person should read it."""
    present = thing.model_dump(exclude_none=True)
    for field, value in changes.items():
        rank = next((place for place, fields in enumerate(_FIRST) if field in fields), len(_FIRST))
        what, before = f"{label}, {field}", present.get(field)
        if field in MONEY:
            yield (
                rank,
                amounts_item(what, before, value, present.get("currency"), changes.get("currency")),
            )
        else:
            after = {**kept[field], **value} if field in _COMPLETED else value
            yield rank, PlanItem(label=what, before=_short(before), after=_short(after))


def _short(value: object) -> str | None:
    if value is None or value in ("", []):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return counted(len(cast("list[object]", value)), "item")
    if isinstance(value, Mapping):
        return one_line(_members(cast("Mapping[str, object]", value)))
    return quoted(value) if isinstance(value, str) else str(value)


def _members(parts: Mapping[str, object]) -> str:
    words = [
        f"{key} ({_members(cast('Mapping[str, object]', part))})"
        if isinstance(part, Mapping)
        else f"{key} {part}"
        for key, part in parts.items()
        if part is not None
    ]
    return ", ".join(words)


async def compare_edits(
    shop: Shop, edits: Sequence[wire.ProductEdit], before: Mapping[str, Fields]
) -> Compared:
    """Read the products and prices back and hold them against what was sent and what was there."""
    found = await shop.full_products([edit.id for edit in edits], missing_is_error=False)
    prices = await _prices_of_edits(shop, [edit for edit in edits if edit.id in found])
    compared = Compared([], [])
    for edit in edits:
        known = {price.id: price for price in prices.get(edit.id, ())}
        _compare(compared, edit, found.get(edit.id), before[edit.id])
        for change in edit.prices or ():
            _compare(compared, change, known.get(change.id), before[change.id])
    return compared


def _compare(
    compared: Compared,
    edit: wire.ProductEdit | wire.PriceEdit,
    thing: wire.Product | wire.Price | None,
    before: Fields,
) -> None:
    asked = asked_for(edit)
    name = thing.name if thing else None
    lost, not_applied = differences(before, asked, settable(thing) if thing else {}, before)
    if thing is None:
        # All of it is gone, what was to be emptied as well.
        _add(compared.differing, edit.id, name, not_applied)
        return
    _add(compared.differing, edit.id, name, misses(not_applied) or ())
    _add(compared.lost, edit.id, name, misses(lost) or ())


def _add(
    items: list[views.BulkItem],
    key: str,
    name: str | None,
    wrong: Sequence[FieldDifference | views.FieldMiss],
) -> None:
    if wrong:
        expected = {miss.field: miss.expected for miss in wrong}
        now = {miss.field: miss.found for miss in wrong}
        items.append(views.BulkItem(id=key, name=name, expected=expected, found=now))
