"""What bulk changes would do, computed from the present state, and what they did, read back."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.approval import NOTHING_CHANGED
from ..guard.plan import Plan, PlanItem
from ..products_api.bulk_calls import ENTITIES_PER_CALL
from ..products_api.models import Price, Product
from . import shapes, views
from .money import amount_text, digits, rounded
from .sending import known_members, refuse_unset
from .shop import Shop, refuse_repeated
from .text import counted, one_line, quoted

_HUNDRED = Decimal(100)
_LARGEST = Decimal(10) ** 12
"""An amount beyond this is a slip, and would not leave room for its decimals in the digits that are exact."""
_COMPLETED = ("seo", "shipping_options")
_MONEY = ("amount", "compare_at_price", "setup_fee")
Expected = dict[str, dict[str, Any]]
"""What each price should read back as: price id to field to value."""


async def product_items(shop: Shop, product_ids: Sequence[str], *, after: str) -> tuple[PlanItem, ...]:
    """Products with whether they are shown now."""
    found = await shop.products(product_ids)
    return tuple(
        PlanItem(
            label=shop.named(product),
            before={True: "shown", False: "hidden", None: "unknown"}[product.available_in_store],
            after=after,
        )
        for product in found.values()
    )


async def price_change_plan(
    shop: Shop,
    product_ids: Sequence[str],
    price: shapes.PriceAdjustment | None,
    compare_at: shapes.PriceAdjustment | None,
) -> Plan:
    """Old and new amounts of every price of the products.

    Raises:
        ToolError: a product is unknown, has no price, or an amount would fall below zero.
    """
    found = await shop.products(product_ids)
    prices = await shop.prices(product_ids)
    items: list[PlanItem] = []
    expected: Expected = {}
    sums: dict[str, list[Decimal]] = {}
    moves: list[Decimal] = []
    without_compare_at = 0
    for key, product in found.items():
        if not prices[key]:
            raise ToolError(f"{shop.named(product)} has no price to change. {NOTHING_CHANGED} Leave it out.")
        for entry in prices[key]:
            label = f"{one_line(product.name or key)}: {one_line(entry.name or entry.id)}"
            now = entry.amount
            if price is not None and now is not None:
                new = _moved(now, price, entry.currency, label)
                expected.setdefault(entry.id, {})["amount"] = new
                items.append(_amounts(label, now, new, entry.currency))
                both = sums.setdefault(entry.currency or "", [Decimal(0), Decimal(0)])
                both[0] += now
                both[1] += new
                if now:
                    moves.append((new - now) / now * _HUNDRED)
            if compare_at is not None:
                former = entry.compare_at_price
                if former is None and compare_at.type != "SET_NEW_PRICE":
                    without_compare_at += 1
                    continue
                new = _moved(former or Decimal(0), compare_at, entry.currency, f"{label}, was-price")
                expected.setdefault(entry.id, {})["compare_at_price"] = new
                items.append(_amounts(f"{label}, was-price", former, new, entry.currency))
    if not items:
        raise ToolError(
            f"No price has a was-price to move, of {without_compare_at}. {NOTHING_CHANGED} "
            "SET_NEW_PRICE gives them one."
        )
    also = [
        f"Sum in {currency or 'no currency'}: {amount_text(before, currency)} → {amount_text(after, currency)}."
        for currency, (before, after) in sums.items()
    ]
    if moves:
        least, most = _percent(min(moves)), _percent(max(moves))
        also.append(f"Moves: {least}." if least == most else f"Moves: {least} to {most}.")
    if without_compare_at:
        also.append(
            f"Without a was-price to move: {counted(without_compare_at, 'price')}; what the API makes of that is not "
            "documented."
        )
    rules = [f"{what} {_rule(rule)}" for what, rule in (("price", price), ("was-price", compare_at)) if rule]
    return Plan(
        action=f"Change {counted(len(expected), 'price')} of {counted(len(found), 'product')}: {', '.join(rules)}",
        items=tuple(items),
        also=tuple(also),
        state={"expected": expected},
    )


def _rule(change: shapes.PriceAdjustment) -> str:
    """An adjustment in words."""
    value = f"{change.value.normalize():f}"
    words = {
        "SET_NEW_PRICE": f"set to {value}",
        "INCREASE_BY_AMOUNT": f"up by {value}",
        "REDUCE_BY_AMOUNT": f"down by {value}",
        "INCREASE_BY_PERCENTAGE": f"up by {value} %",
        "REDUCE_BY_PERCENTAGE": f"down by {value} %",
    }
    return words[change.type] + (", rounded to whole numbers" if change.round_to_whole else "")


def _moved(amount: Decimal, change: shapes.PriceAdjustment, currency: str | None, label: str) -> Decimal:
    match change.type:
        case "SET_NEW_PRICE":
            new = change.value
        case "INCREASE_BY_AMOUNT":
            new = amount + change.value
        case "REDUCE_BY_AMOUNT":
            new = amount - change.value
        case "INCREASE_BY_PERCENTAGE":
            new = amount * (1 + change.value / _HUNDRED)
        case "REDUCE_BY_PERCENTAGE":
            new = amount * (1 - change.value / _HUNDRED)
    if new > _LARGEST:
        raise ToolError(
            f"{label} would rise above {amount_text(_LARGEST, currency)}, more than a price can be. "
            f"{NOTHING_CHANGED} Choose a smaller rise."
        )
    if new < 0:
        raise ToolError(
            f"{label} would fall below zero ({amount_text(rounded(max(new, -_LARGEST), currency), currency)}). "
            f"{NOTHING_CHANGED} Choose a smaller reduction or leave the product out."
        )
    return rounded(new, currency, whole=bool(change.round_to_whole))


def _amounts(
    label: str,
    before: Decimal | None,
    after: Decimal | None,
    currency: str | None,
    new_currency: str | None = None,
) -> PlanItem:
    return PlanItem(
        label=label,
        before=None if before is None else amount_text(before, currency),
        after=amount_text(after, new_currency or currency),
    )


def _percent(value: Decimal) -> str:
    return f"{value:+.1f} %".replace("-0.0 %", "+0.0 %")


async def currency_plan(shop: Shop, product_ids: Sequence[str], currency: str) -> Plan:
    """Every price in its old and its new currency."""
    found = await shop.products(product_ids)
    prices = await shop.prices(product_ids)
    items: list[PlanItem] = []
    expected: Expected = {}
    odd = 0
    for key, product in found.items():
        for entry in prices[key]:
            expected[entry.id] = {"currency": currency, "amount": entry.amount}
            label = f"{one_line(product.name or key)}: {one_line(entry.name or entry.id)}"
            items.append(_amounts(label, entry.amount, entry.amount, entry.currency, currency))
            if entry.amount is not None and entry.amount != rounded(entry.amount, currency):
                odd += 1
    if not items:
        raise ToolError(f"The products have no price to switch. {NOTHING_CHANGED}")
    also = ["Every amount keeps its number: nothing is converted."]
    if odd:
        also.append(f"More decimals than {currency} has ({digits(currency)}): {counted(odd, 'amount')}.")
    return Plan(
        action=f"Switch {counted(len(expected), 'price')} of {counted(len(found), 'product')} to {currency}",
        items=tuple(items),
        also=tuple(also),
        state={"expected": expected},
    )


async def compare_prices(
    shop: Shop, product_ids: Sequence[str], expected: Mapping[str, Mapping[str, Any]]
) -> list[views.BulkItem]:
    """Prices that do not read back as expected."""
    prices = {price.id: price for listed in (await shop.prices(product_ids)).values() for price in listed}
    differing: list[views.BulkItem] = []
    for price_id, fields in expected.items():
        price = prices.get(price_id)
        now = {field: getattr(price, field, None) for field in fields}
        if now != dict(fields):
            name = price.name if price else None
            differing.append(views.BulkItem(id=price_id, name=name, expected=dict(fields), found=now))
    return differing


async def edit_plan(shop: Shop, edits: Sequence[shapes.ProductEdit]) -> Plan:
    """Every edited field before and after.

    Raises:
        ToolError: a product or price is unknown or named twice, or an edit changes nothing.
    """
    refuse_repeated("products", [edit.product_id for edit in edits])
    refuse_unset("products", edits, "product_id")
    found = await shop.full_products([edit.product_id for edit in edits])
    prices = await _prices_of_edits(shop, edits)
    items: list[PlanItem] = []
    kept: dict[str, dict[str, Any]] = {}
    for edit in edits:
        product = found[edit.product_id]
        kept[product.id] = known_members(product.seo)
        name = one_line(product.name or product.id)
        items += _field_items(
            name,
            product,
            edit.model_dump(exclude_none=True, exclude={"product_id", "prices"}),
            kept[product.id],
        )
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
            kept[price.id] = known_members(price.shipping_options)
            label = f"{name}: {one_line(price.name or price.id)}"
            items += _field_items(
                label, price, change.model_dump(exclude_none=True, exclude={"price_id"}), kept[price.id]
            )
    entities = len(edits) + sum(len(edit.prices or ()) for edit in edits)
    return Plan(
        action=f"Edit {counted(len(edits), 'product')}, {counted(len(items), 'field')} in all",
        items=tuple(items),
        also=(f"Sent in parts of at most {ENTITIES_PER_CALL} products and prices; here {entities}.",)
        if entities > ENTITIES_PER_CALL
        else (),
        state={"kept": kept},
    )


async def _prices_of_edits(shop: Shop, edits: Sequence[shapes.ProductEdit]) -> dict[str, list[Price]]:
    return await shop.prices([edit.product_id for edit in edits if edit.prices])


def _field_items(
    label: str, thing: Product | Price, changes: Mapping[str, Any], kept: Mapping[str, Any]
) -> list[PlanItem]:
    present = thing.model_dump(exclude_none=True)
    items: list[PlanItem] = []
    for field, value in changes.items():
        what, before = f"{label}, {field}", present.get(field)
        if field in _MONEY:
            items.append(_amounts(what, before, value, present.get("currency"), changes.get("currency")))
        else:
            items.append(
                PlanItem(
                    label=what,
                    before=_short(before),
                    after=_short({**kept, **value} if field in _COMPLETED else value),
                )
            )
    return items


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


async def compare_edits(shop: Shop, edits: Sequence[shapes.ProductEdit]) -> list[views.BulkItem]:
    """Plain fields that do not read back as edited. Lists and objects, in which the API adds ids, are left out."""
    found = await shop.full_products([edit.product_id for edit in edits], missing_is_error=False)
    prices = await _prices_of_edits(shop, [edit for edit in edits if edit.product_id in found])
    differing: list[views.BulkItem] = []
    for edit in edits:
        asked = edit.model_dump(exclude_none=True, exclude={"product_id", "prices"})
        _compare(differing, edit.product_id, found.get(edit.product_id), asked)
        known = {price.id: price for price in prices.get(edit.product_id, ())}
        for change in edit.prices or ():
            wanted = change.model_dump(exclude_none=True, exclude={"price_id"})
            if "currency" in wanted:
                wanted["currency"] = wanted["currency"].upper()
            _compare(differing, change.price_id, known.get(change.price_id), wanted)
    return differing


def _compare(
    differing: list[views.BulkItem], key: str, thing: Product | Price | None, asked: Mapping[str, Any]
) -> None:
    plain = {field: value for field, value in asked.items() if not isinstance(value, list | dict)}
    now = {field: getattr(thing, field, None) for field in plain}
    wrong = [field for field in plain if now[field] != plain[field]]
    if wrong:
        differing.append(
            views.BulkItem(
                id=key,
                name=thing.name if thing else None,
                expected={field: plain[field] for field in wrong},
                found={field: now[field] for field in wrong},
            )
        )
