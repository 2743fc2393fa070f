"""The whole catalog, product by product, with no more requests than what is wanted of it needs.

A list gives 100 products at a time and leaves out images, collections and SEO; those, and prices, cost a request for
each product, and only where they are wanted and the list has not told them. Nothing of a page is kept once the next
one is read, so that a catalog of any size takes the same memory.
"""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final, TypeVar

import anyio

from ..products_api import operations
from ..products_api.errors import (
    AllowanceSpentError,
    ApiDownError,
    NotFoundError,
    OutOfTimeError,
    ProductsApiError,
    RateLimitedError,
    RepeatedPageError,
)
from ..products_api.models import Page, Price, Product
from .shop import PAGE, Shop

Found = TypeVar("Found")

RECENT_PAGES: Final = 5
"""Pages within which a product that turns up again is known to be the same one."""
REPEAT_AFTER_SECONDS: Final = (1.0, 4.0)
"""A reading that failed on its way is repeated: one of ten thousand must not spoil the work of a quarter of an hour."""


_WAITED_FOR: Final = (RateLimitedError, AllowanceSpentError, OutOfTimeError)


@dataclass(frozen=True, slots=True)
class Walked:
    """One product as far as it was wanted: `prices` is None where none were."""

    product: Product
    prices: tuple[Price, ...] | None = None


@dataclass
class Walk:
    """What is read of which products, and how far it has come.

    fields: names of product fields that are wanted and that a list may leave out. prices: whether prices are.
    offset, limit: which part of the catalog, oldest first; a limit of None goes on to the end.
    done: products read so far. total: how many there are, as far as the API tells. gone: products that were deleted
    before they could be read whole. next_offset: where the rest begins, None at the end.
    """

    fields: frozenset[str] = frozenset()
    prices: bool = False
    offset: int = 0
    limit: int | None = None
    done: int = 0
    total: int | None = None
    gone: int = 0
    next_offset: int | None = None
    _recent: deque[frozenset[str]] = field(default_factory=lambda: deque[frozenset[str]](maxlen=RECENT_PAGES))

    async def through(self, shop: Shop, doing: str) -> AsyncGenerator[list[Walked]]:
        """The products, a page at a time, each once. Reports progress in products."""
        async with aclosing(self._pages(shop)) as pages:
            async for page in pages:
                yield await self._read(shop, page, doing)

    async def _pages(self, shop: Shop) -> AsyncGenerator[list[Product]]:
        """Pages in the order of creation: what is made meanwhile comes last and moves nothing.

        Raises:
            RepeatedPageError: the API ignores the offset.
        """
        position: int | None = self.offset
        reached = -1
        known: int | None = None
        while position is not None and (left := self._left()) > 0:
            page = await steadily(_page_at(shop, position, left))
            stepped_back = self._moved_up(page, known)
            known = page.total
            if stepped_back:
                # What was deleted has moved the rest up: read again from where it may stand now.
                position = max(self.offset, position - stepped_back)
                continue
            recent = frozenset[str]().union(*self._recent)
            fresh = [product for product in page.items if product.id not in recent]
            if position > reached and len(page.items) == page.limit and not fresh:
                raise RepeatedPageError(
                    operations.LIST_PRODUCTS,
                    f"{operations.LIST_PRODUCTS.name} answered with the same page again for another offset.",
                    next_step="Report this: the API may have changed.",
                )
            reached = max(reached, position)
            self._recent.append(frozenset(product.id for product in page.items))
            self.total = _of(page.total, self.offset, self.limit)
            position = self.next_offset = page.next_offset
            yield fresh
        if self.limit is None or self.done < self.limit:
            self.next_offset = None

    def _left(self) -> int:
        return PAGE if self.limit is None else min(PAGE, self.limit - self.done)

    def _moved_up(self, page: Page[Product], known: int | None) -> int:
        if page.total is None or known is None or page.total >= known or not self._recent:
            return 0
        return min(known - page.total, PAGE * (RECENT_PAGES - 1))

    async def _read(self, shop: Shop, products: list[Product], doing: str) -> list[Walked]:
        wholes: dict[str, Product | None] = {}
        prices: dict[str, tuple[Price, ...] | None] = {}

        async def read(task: tuple[str, str]) -> None:
            part, product_id = task
            if part == "product":
                wholes[product_id] = await _or_gone(lambda: shop.api.get_product(product_id=product_id))
            else:
                prices[product_id] = await _or_gone(lambda: _prices(shop, product_id))

        def share() -> float:
            return self.done + len(products) * (len(wholes) + len(prices)) / max(1, len(tasks))

        tasks = [
            (part, product.id)
            for product in products
            for part, needed in (
                ("product", not self.fields <= product.model_fields_set),
                ("prices", self.prices),
            )
            if needed
        ]
        await shop.each(tasks, read, doing, progress=lambda: (round(share(), 2), self.total))
        walked: list[Walked] = []
        for product in products:
            whole, own = wholes.get(product.id, product), prices.get(product.id, ())
            if whole is None or own is None:
                self.gone += 1
            else:
                walked.append(Walked(whole, own if self.prices else None))
        self.done += len(products)
        await shop.progress(self.done, self.total, doing)
        return walked


def _of(total: int | None, offset: int, limit: int | None) -> int | None:
    """How many of so many products a part of the catalog has."""
    if total is None:
        return limit
    rest = max(0, total - offset)
    return rest if limit is None else min(rest, limit)


def _page_at(shop: Shop, offset: int, limit: int) -> Callable[[], Awaitable[Page[Product]]]:
    return lambda: shop.api.list_products(limit=limit, offset=offset, sort_order="asc")


async def _prices(shop: Shop, product_id: str) -> tuple[Price, ...]:
    return tuple([price async for price in shop.api.iterate_prices(product_id=product_id)])


async def _or_gone(read: Callable[[], Awaitable[Found]]) -> Found | None:
    try:
        return await steadily(read)
    except NotFoundError:
        return None


async def steadily(read: Callable[[], Awaitable[Found]]) -> Found:
    """What a reading finds, repeated twice where it failed on its way.

    Raises:
        ProductsApiError: it failed again, or was refused.
    """
    for seconds in REPEAT_AFTER_SECONDS:
        try:
            return await read()
        except ProductsApiError as error:
            # The client has waited for the rate limit already, and tells of what cannot be waited for.
            if not error.retryable or isinstance(error, _WAITED_FOR):
                raise
            left_alone = error.wait_seconds if isinstance(error, ApiDownError) else None
        await anyio.sleep(max(seconds, left_alone or 0))
    return await read()
