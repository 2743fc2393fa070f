"""What bulk changes of products and prices would do, computed from the present state, and what they did, read back."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.approval import NOTHING_CHANGED
from ..guard.plan import Plan, PlanItem
from . import shapes, views
from .money import amount_text, digits, refuse_fractions, rounded
from .shop import Shop
from .text import counted, one_line

_HUNDRED = Decimal(100)
_LARGEST = Decimal(10) ** 12
"""An amount beyond this is a slip, and would not leave room for its decimals in the digits that are exact."""
Expected = dict[str, dict[str, Any]]
"""What each price should read back as: price id to field to value."""
Sums = dict[str, list[Decimal]]
"""Amounts before and after, added up by currency."""


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
    sums: Sums = {}
    odd: list[Decimal] = []
    moves: list[Decimal] = []
    without_compare_at = 0
    for key, product in found.items():
        if not prices[key]:
            raise ToolError(f"{shop.named(product)} has no price to change. {NOTHING_CHANGED} Leave it out.")
        for entry in prices[key]:
            label = f"{one_line(product.name or key)}: {one_line(entry.name or entry.id)}"
            now = entry.amount
            if price is not None and now is not None:
                new = _moved(now, price, entry.currency, label, odd)
                expected.setdefault(entry.id, {})["amount"] = new
                items.append(amounts_item(label, now, new, entry.currency))
                add_to_sums(sums, now, entry.currency, new, entry.currency)
                if now:
                    moves.append((new - now) / now * _HUNDRED)
            if compare_at is not None:
                former = entry.compare_at_price
                if former is None and compare_at.type != "SET_NEW_PRICE":
                    without_compare_at += 1
                    continue
                new = _moved(former or Decimal(0), compare_at, entry.currency, f"{label}, was-price", odd)
                expected.setdefault(entry.id, {})["compare_at_price"] = new
                items.append(amounts_item(f"{label}, was-price", former, new, entry.currency))
    if not items:
        raise ToolError(
            f"No price has a was-price to move, of {without_compare_at}. {NOTHING_CHANGED} "
            "SET_NEW_PRICE gives them one."
        )
    also = sum_lines(sums)
    if moves:
        least, most = _percent(min(moves)), _percent(max(moves))
        also.append(
            f"Every amount moves by {least}." if least == most else f"Amounts move by {least} to {most}."
        )
    if odd:
        also.append(
            f"Rounded to the digits of the currency: {counted(len(odd), 'amount')}. That is what this server expects "
            "of the API; the result tells what came."
        )
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


def _moved(
    amount: Decimal, change: shapes.PriceAdjustment, currency: str | None, label: str, odd: list[Decimal]
) -> Decimal:
    """The amount as it should be afterwards. One that only rounding makes fit its currency is added to `odd`."""
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
    if not change.round_to_whole and new != rounded(new, currency):
        if change.type == "SET_NEW_PRICE":
            refuse_fractions(label, new, currency)
        odd.append(new)
    return rounded(new, currency, whole=bool(change.round_to_whole))


def amounts_item(
    label: str,
    before: Decimal | None,
    after: Decimal | None,
    currency: str | None,
    new_currency: str | None = None,
) -> PlanItem:
    """An amount before and after."""
    return PlanItem(
        label=label,
        before=None if before is None else amount_text(before, currency),
        after=amount_text(after, new_currency or currency),
    )


def add_to_sums(
    sums: Sums, before: Decimal | None, currency: str | None, after: Decimal | None, new_currency: str | None
) -> None:
    """Count an amount before and after, each in its currency."""
    for place, amount, unit in ((0, before, currency), (1, after, new_currency)):
        sums.setdefault(unit or "", [Decimal(0), Decimal(0)])[place] += amount or 0


def sum_lines(sums: Sums) -> list[str]:
    """The sums of a plan, a line for each currency."""
    return [
        f"Sum in {currency or 'no currency'}: {amount_text(before, currency)} → {amount_text(after, currency)}."
        for currency, (before, after) in sums.items()
    ]


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
            items.append(amounts_item(label, entry.amount, entry.amount, entry.currency, currency))
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
