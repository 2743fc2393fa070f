"""What is low on stock, by variant or by product, with the requests that takes and no more.

The inventory lists what is tracked, 100 variants to a request. What is not tracked stands on the prices of the
products alone, so telling it apart costs a request for each product.
"""

import heapq
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from ..products_api.models import InventoryItem, Page, Price, Product
from .shop import Shop
from .walking import Walk, Walked, steadily
from .workflow_views import LowItem, LowStock

By = Literal["sku", "product"]
UNTRACKED_EXAMPLES = 5
_DOING = "reading stock"


@dataclass(frozen=True, slots=True)
class Level:
    """The stock of one variant."""

    product_id: str | None
    product_name: str | None
    price_id: str
    name: str | None
    sku: str | None
    quantity: Decimal | None
    sells_on: bool | None
    tracked: bool


async def tracked_levels(shop: Shop) -> AsyncGenerator[Level]:
    """What the inventory lists."""
    offset: int | None = 0
    while offset is not None:
        at = offset

        async def read(at: int = at) -> Page[InventoryItem]:
            return await shop.api.list_inventory(offset=at)

        page = await steadily(read)
        for item in page.items:
            yield _of_inventory(item)
        offset = page.next_offset
        await shop.progress(at + len(page.items), page.total, _DOING)


def _of_inventory(item: InventoryItem) -> Level:
    told = (item.model_extra or {}).get("trackInventory")
    return Level(
        product_id=item.product_id,
        product_name=item.product_name,
        price_id=item.price_id,
        name=item.name,
        sku=item.sku,
        quantity=_number(item.available_quantity),
        sells_on=item.allow_out_of_stock_purchases,
        tracked=told is not False,
    )


async def all_levels(shop: Shop) -> AsyncGenerator[Level]:
    """The stock of every variant, tracked or not."""
    async with aclosing(Walk(prices=True).through(shop, _DOING)) as pages:
        async for page in pages:
            for walked in page:
                for level in _of_product(walked):
                    yield level


async def levels_of(shop: Shop, product_ids: list[str]) -> AsyncGenerator[Level]:
    """The stock of these products' variants, tracked or not."""
    products = await shop.products(product_ids)
    prices = await shop.prices(product_ids)
    for key, product in products.items():
        for level in _of_product(Walked(product, tuple(prices[key]))):
            yield level


def _of_product(walked: Walked) -> Iterable[Level]:
    for price in walked.prices or ():
        yield _of_price(walked.product, price)


def _of_price(product: Product, price: Price) -> Level:
    return Level(
        product_id=product.id,
        product_name=product.name,
        price_id=price.id,
        name=price.name,
        sku=price.sku,
        quantity=_number(price.available_quantity),
        sells_on=price.allow_out_of_stock_purchases,
        tracked=price.track_inventory is True,
    )


def _number(quantity: int | Decimal | None) -> Decimal | None:
    return None if quantity is None else Decimal(quantity)


@dataclass
class _Sum:
    """What is left of a product in all its tracked variants."""

    product_id: str | None
    product_name: str | None
    quantity: Decimal = Decimal(0)
    variants: int = 0
    low_variants: int = 0


@dataclass
class Report:
    """The lowest `limit` things seen so far, and how many there are of each kind."""

    threshold: int
    limit: int
    oversold: int = 0
    sold_out: int = 0
    low: int = 0
    enough: int = 0
    unknown: int = 0
    untracked: int = 0
    untracked_examples: list[LowItem] = field(default_factory=list[LowItem])
    # The worst kept is the first to go: quantities are negated, and so is the place, for what came first stays.
    _lowest: list[tuple[Decimal, int, LowItem]] = field(default_factory=list[tuple[Decimal, int, LowItem]])
    _seen: int = 0

    def count(self, quantity: Decimal) -> bool:
        """Count a thing by what is left of it; whether that is at or below the threshold."""
        if quantity > self.threshold:
            self.enough += 1
            return False
        if quantity < 0:
            self.oversold += 1
        elif quantity == 0:
            self.sold_out += 1
        else:
            self.low += 1
        return True

    def keep(self, quantity: Decimal, item: LowItem) -> None:
        """Keep an item if it is among the lowest."""
        self._seen += 1
        entry = (-quantity, -self._seen, item)
        if len(self._lowest) < self.limit:
            heapq.heappush(self._lowest, entry)
        else:
            heapq.heappushpop(self._lowest, entry)

    def passed(self, level: Level) -> bool:
        """Whether there is a quantity to judge by; what is not tracked or not told is counted as such."""
        if not level.tracked:
            self.untracked += 1
            if len(self.untracked_examples) < UNTRACKED_EXAMPLES:
                self.untracked_examples.append(_item(level))
            return False
        if level.quantity is None:
            self.unknown += 1
            return False
        return True

    def result(self, *, told_untracked: bool) -> LowStock:
        """The result of the call."""
        items = [item for _, _, item in sorted(self._lowest, key=lambda entry: (-entry[0], -entry[1]))]
        return LowStock(
            items=items,
            returned=len(items),
            total=self.oversold + self.sold_out + self.low,
            oversold=self.oversold,
            sold_out=self.sold_out,
            low=self.low,
            enough=self.enough,
            unknown=self.unknown or None,
            untracked=self.untracked if told_untracked or self.untracked else None,
            untracked_examples=self.untracked_examples or None,
        )


def _item(level: Level) -> LowItem:
    return LowItem(
        product_id=level.product_id,
        product_name=level.product_name,
        price_id=level.price_id,
        name=level.name,
        sku=level.sku or None,
        available_quantity=level.quantity,
        sells_on=level.sells_on or None,
    )


async def report(levels: AsyncGenerator[Level], threshold: int, limit: int, by: By) -> Report:
    """Judge what comes, by variant or by product."""
    found = Report(threshold, limit)
    sums: dict[str, _Sum] = {}
    async with aclosing(levels):
        async for level in levels:
            if not found.passed(level) or level.quantity is None:
                continue
            if by == "product":
                _add(sums, level, level.quantity, threshold)
            elif found.count(level.quantity):
                found.keep(level.quantity, _item(level))
    for total in sums.values():
        if found.count(total.quantity):
            found.keep(total.quantity, _product_item(total))
    return found


def _add(sums: dict[str, _Sum], level: Level, quantity: Decimal, threshold: int) -> None:
    key = level.product_id or level.price_id
    total = sums.setdefault(key, _Sum(level.product_id, level.product_name))
    total.quantity += quantity
    total.variants += 1
    total.low_variants += quantity <= threshold


def _product_item(total: _Sum) -> LowItem:
    return LowItem(
        product_id=total.product_id,
        product_name=total.product_name,
        available_quantity=total.quantity,
        variants=total.variants,
        low_variants=total.low_variants or None,
    )
