"""What bulk changes of prices would do, computed from the present state, and what they did, read back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.plan import Effect, Plan, PlanItem
from ..guard.question import NOTHING_CHANGED
from ..products_api import models as wire
from . import shapes, views
from .effects import changes, kept_amount
from .money import amount_text, digits, refuse_fractions, rounded
from .shop import Shop
from .text import counted, one_line

_HUNDRED = Decimal(100)
_LARGEST = Decimal(10) ** 12
"""An amount beyond this is a slip, and would not leave room for its decimals in the digits that are exact."""
SET = "SET_NEW_PRICE"
FROM_NOTHING = Decimal(10) ** 9
"""What an amount weighs that comes from zero or from none: no percentage says how far it moves."""
Expected = dict[str, dict[str, Any]]
"""What each price should read back as: price id to field to value."""
Sums = dict[str, list[Decimal]]
"""Amounts before and after, added up by currency."""


@dataclass
class _Moves:
    """The moves of single amounts, gathered price by price."""

    effects: list[Effect] = field(default_factory=list[Effect])
    items: list[PlanItem] = field(default_factory=list[PlanItem])
    unchanged: Expected = field(default_factory=dict[str, dict[str, Any]])
    sums: Sums = field(default_factory=dict[str, list[Decimal]])
    odd: list[Decimal] = field(default_factory=list[Decimal])
    percentages: list[Decimal] = field(default_factory=list[Decimal])
    without_compare_at: int = 0

    def move_amount(self, product: wire.Product, price: wire.Price, rule: shapes.PriceAdjustment) -> None:
        """Move what a price costs; one whose amount the API does not tell can only be set."""
        now = price.amount
        if now is None and rule.type != SET:
            return
        label = price_label(product, price)
        new = _moved(now or Decimal(0), rule, price.currency, label, self.odd)
        add_to_sums(self.sums, now, price.currency, new, price.currency)
        if now and new != now:
            self.percentages.append((new - now) / now * _HUNDRED)
        self._set(product, price, "amount", new, label)

    def move_compare_at(self, product: wire.Product, price: wire.Price, rule: shapes.PriceAdjustment) -> None:
        """Move what a price is said to have cost before; where there is none it can only be set."""
        if price.compare_at_price is None and rule.type != SET:
            self.without_compare_at += 1
            return
        label = f"{price_label(product, price)}, was-price"
        new = _moved(price.compare_at_price or Decimal(0), rule, price.currency, label, self.odd)
        self._set(product, price, "compare_at_price", new, label)

    def _set(self, product: wire.Product, price: wire.Price, name: str, new: Decimal, label: str) -> None:
        now: Decimal | None = getattr(price, name)
        if new == now:
            self.unchanged.setdefault(price.id, {})[name] = new
            return
        self.items.append(amounts_item(label, now, new, price.currency))
        self.effects += changes(
            "price", price, price.id, {name: new}, within=product.id, name=price_label(product, price)
        )

    def lines(self) -> list[str]:
        """What a person should know besides the single amounts."""
        lines = sum_lines(self.sums)
        if self.percentages:
            least, most = _percent(min(self.percentages)), _percent(max(self.percentages))
            lines.append(
                f"Every amount moves by {least}." if least == most else f"Amounts move by {least} to {most}."
            )
        if self.unchanged:
            count = sum(map(len, self.unchanged.values()))
            lines.append(f"Not moved, for it is there already: {counted(count, 'amount')}.")
        if self.odd:
            lines.append(
                f"Rounded to the digits of the currency: {counted(len(self.odd), 'amount')}. That is what this server "
                "expects of the API; the result tells what came."
            )
        if self.without_compare_at:
            lines.append(
                f"Without a was-price to move: {counted(self.without_compare_at, 'price')}; what the API makes of "
                "that is not documented."
            )
        return lines


async def price_change_plan(
    shop: Shop,
    product_ids: Sequence[str],
    price: shapes.PriceAdjustment | None,
    compare_at: shapes.PriceAdjustment | None,
) -> Plan:
    """Old and new amounts of every price of the products. Its state has, under `unchanged`, those that stay.

    Raises:
        ToolError: a product is unknown, has no price, or an amount would fall below zero.
    """
    found = await shop.products(product_ids)
    prices = await shop.prices(product_ids)
    moves = _Moves()
    for key, product in found.items():
        if not prices[key]:
            raise ToolError(f"{shop.named(product)} has no price to change. {NOTHING_CHANGED} Leave it out.")
        for entry in prices[key]:
            if price is not None:
                moves.move_amount(product, entry, price)
            if compare_at is not None:
                moves.move_compare_at(product, entry, compare_at)
    if not moves.effects and not moves.unchanged:
        raise ToolError(
            f"No price has a was-price to move, of {moves.without_compare_at}. {NOTHING_CHANGED} "
            "SET_NEW_PRICE gives them one."
        )
    changed = len({effect.id for effect in moves.effects})
    rules = [f"{what} {_rule(rule)}" for what, rule in (("price", price), ("was-price", compare_at)) if rule]
    return Plan(
        action=f"Change {counted(changed, 'price')} of {counted(len(found), 'product')}: {', '.join(rules)}",
        items=tuple(moves.items),
        also=tuple(moves.lines()),
        effects=tuple(moves.effects),
        asks=bool(moves.effects),
        target=only_name(found),
        state={"unchanged": moves.unchanged},
    )


def price_label(product: wire.Product, price: wire.Price) -> str:
    """A price for a person, with its product."""
    return f"{one_line(product.name or product.id)}: {one_line(price.name or price.id)}"


def only_name(products: Mapping[str, wire.Product]) -> str | None:
    """The name of the one product; None where there are more."""
    return next(iter(products.values())).name if len(products) == 1 else None


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
        if change.type == SET:
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
    """An amount before and after; it weighs as much as it moves in percent."""
    return PlanItem(
        label=label,
        before=None if before is None else amount_text(before, currency),
        after=amount_text(after, new_currency or currency),
        weight=_size_of_move(before, after),
    )


def _size_of_move(before: Decimal | None, after: Decimal | None) -> Decimal:
    if before == after:
        return Decimal(0)
    if not before:
        return FROM_NOTHING
    return (abs((after or 0) - before) / before * _HUNDRED).quantize(Decimal("0.01"))


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
    """Every price in its old and its new currency; one that has it already is only counted.

    Raises:
        ToolError: a product is unknown, or none has a price.
    """
    found = await shop.products(product_ids)
    prices = await shop.prices(product_ids)
    entries = [(product, entry) for key, product in found.items() for entry in prices[key]]
    if not entries:
        raise ToolError(f"The products have no price to switch. {NOTHING_CHANGED}")
    switched = [(product, entry) for product, entry in entries if entry.currency != currency]
    also = ["Every amount keeps its number: nothing is converted."]
    odd = [entry for _, entry in switched if entry.amount and entry.amount != rounded(entry.amount, currency)]
    if odd:
        also.append(f"More decimals than {currency} has ({digits(currency)}): {counted(len(odd), 'amount')}.")
    if already := len(entries) - len(switched):
        also.append(f"In {currency} already: {counted(already, 'price')}.")
    return Plan(
        action=f"Switch {counted(len(switched), 'price')} of {counted(len(found), 'product')} to {currency}",
        items=tuple(
            amounts_item(price_label(product, entry), entry.amount, entry.amount, entry.currency, currency)
            for product, entry in switched
        ),
        also=tuple(also),
        effects=tuple(effect for product, entry in switched for effect in _switch(product, entry, currency)),
        asks=bool(switched),
        target=only_name(found),
    )


def _switch(product: wire.Product, price: wire.Price, currency: str) -> Iterable[Effect]:
    """The currency, and the amount that stays: in another currency it is another sum."""
    about = {"within": product.id, "name": price_label(product, price)}
    for switch in changes("price", price, price.id, {"currency": currency}, **about):
        yield switch
        yield from kept_amount(switch, price.amount)


def expected_of(
    effects: Iterable[Effect], unchanged: Mapping[str, Mapping[str, Any]] | None = None
) -> Expected:
    """What each thing should read back as: the effects of a plan, and what of it stays as it is."""
    expected: Expected = {key: dict(fields) for key, fields in (unchanged or {}).items()}
    for effect in effects:
        if effect.id:
            expected.setdefault(effect.id, {})[effect.field] = effect.after
    return expected


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
