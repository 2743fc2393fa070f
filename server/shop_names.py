"""The names of one shop: of products, collections, reviews, stores and statuses."""

import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..products_api.errors import ProductsApiError
from ..products_api.model_base import Page
from ..tools.text import one_line, quoted
from .names import FRESH_SECONDS, LONGEST_NAME, Allowance, Name, NameList, ranked

if TYPE_CHECKING:
    from ..products_api.client import ProductsClient
    from ..products_api.models import Collection, Product, Review

SEARCHED_FROM = 2
"""Letters from which on the API is asked for a name as well, while not all of them are known here."""
MOST_SEARCHES = 200
_LONGEST_HEADLINE = 40
_LONGEST_TYPED = 200


def named(thing_id: str, name: str | None, *others: str | None) -> Name:
    """A thing by its name, on one line."""
    return Name(thing_id, one_line(name or "", LONGEST_NAME), tuple(other for other in others if other))


class ShopNames:
    """What completions and prompts look names up in."""

    def __init__(
        self,
        api: Callable[[], "ProductsClient"],
        *,
        fresh_seconds: float = FRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fresh_seconds = fresh_seconds
        self._api = api
        self._clock = clock
        self._allowance = Allowance(clock=clock)
        self._searched: dict[str, tuple[float, list[Name]]] = {}
        self._statuses: tuple[float, list[str]] | None = None
        self._products = self._list(self._product_page)
        self._collections = self._list(self._collection_page)
        self._reviews = self._list(self._review_page)

    def forget(self) -> None:
        """The shop has changed: read names anew."""
        for names in (self._products, self._collections, self._reviews):
            names.forget()
        self._searched.clear()
        self._statuses = None

    async def products(self, typed: str) -> tuple[list[Name], int | None]:
        """Products that fit what was typed, the best first, and how many there are, where that is known."""
        typed = typed[:_LONGEST_TYPED]
        known = await self._products.grow()
        if not self._products.whole and len(typed.strip()) >= SEARCHED_FROM:
            found = {name.id: name for name in await self._search(typed.strip())}
            known = [*found.values(), *(name for name in known if name.id not in found)]
        fitting = ranked(known, typed)
        if not typed.strip() and self._products.total is not None:
            return fitting, self._products.total
        return fitting, len(fitting) if self._products.whole else None

    async def collections(self, typed: str) -> tuple[list[Name], int | None]:
        """Collections that fit what was typed, as `products` does."""
        fitting = ranked(await self._collections.grow(), typed[:_LONGEST_TYPED])
        return fitting, len(fitting) if self._collections.whole else None

    async def reviews(self, typed: str, *, product_id: str | None) -> tuple[list[Name], int | None]:
        """Reviews that fit what was typed, the newest first; of one product, if that is chosen already."""
        known = await self._reviews.grow()
        if product_id is not None:
            known = [name for name in known if name.product_id == product_id]
        fitting = ranked(known, typed[:_LONGEST_TYPED])
        return fitting, len(fitting) if self._reviews.whole else None

    async def stores(self, typed: str) -> tuple[list[Name], int | None]:
        """Stores that reviews name: the API has no list of them."""
        ids = dict.fromkeys(name.store_id for name in await self._reviews.grow() if name.store_id)
        fitting = ranked([Name(store_id, "") for store_id in ids], typed[:_LONGEST_TYPED])
        return fitting, None

    async def statuses(self) -> list[str]:
        """The statuses that reviews of this shop have; none if that cannot be told."""
        if self._statuses is None or self._clock() - self._statuses[0] >= self._fresh_seconds:
            if not self._allowance.take():
                return self._statuses[1] if self._statuses else []
            with suppress(ProductsApiError):
                counts = await self._api().count_reviews()
                self._statuses = (self._clock(), [one_line(status, LONGEST_NAME) for status in counts])
        return self._statuses[1] if self._statuses else []

    def _list(self, fetch: Callable[[int], Awaitable[Page[Name]]]) -> NameList:
        return NameList(fetch, self._allowance, self._clock, self._fresh_seconds)

    async def _search(self, typed: str) -> list[Name]:
        """Products that the API finds by a part of their name."""
        at, found = self._searched.get(typed, (0.0, None))
        if found is not None and self._clock() - at < self._fresh_seconds:
            return found
        if not self._allowance.take():
            return found or []
        try:
            page = await self._api().list_products(search=typed, limit=50, offset=0)
        except ProductsApiError:
            return found or []
        if len(self._searched) >= MOST_SEARCHES:
            self._searched.clear()
        self._searched[typed] = (self._clock(), [_product(item) for item in page.items])
        return self._searched[typed][1]

    async def _product_page(self, offset: int) -> Page[Name]:
        page = await self._api().list_products(offset=offset)
        return _names(page, map(_product, page.items))

    async def _collection_page(self, offset: int) -> Page[Name]:
        page = await self._api().list_collections(offset=offset)
        return _names(page, map(_collection, page.items))

    async def _review_page(self, offset: int) -> Page[Name]:
        page = await self._api().list_reviews(offset=offset, sort_field="createdAt", sort_order="desc")
        return _names(page, map(_review, page.items))


def _names(page: Page[Any], names: Iterable[Name]) -> Page[Name]:
    return Page(tuple(names), page.total, page.limit, page.offset, unreadable=page.unreadable)


def _product(product: "Product") -> Name:
    return named(product.id, product.name, product.slug)


def _collection(collection: "Collection") -> Name:
    return named(collection.id, collection.name, collection.slug)


def _review(review: "Review") -> Name:
    stars = f"{review.rating:g} stars" if review.rating is not None else "no stars"
    words = f"{stars}, {one_line(review.status or 'no status', _LONGEST_HEADLINE)}"
    return Name(
        review.id,
        f"{words}: {quoted(review.headline or '', _LONGEST_HEADLINE)}",
        product_id=review.product_id,
        store_id=review.store_id,
    )
