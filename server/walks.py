"""Readings of the shop that end after a fixed number of requests, however large the shop is."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ..products_api.errors import MissingScopeError, NotFoundError, RouteUnavailableError

if TYPE_CHECKING:
    from ..products_api.model_base import Page
    from ..products_api.models import InventoryItem, Price, Product
    from ..tools.shop import Shop
    from .choosing import Chosen

Item = TypeVar("Item")

MOST_PAGES = 10
"""Pages of 100 that one document reads of a list: a second of what the API allows."""
CLOSELY = 30
"""Products that one document reads by their ids, with their prices: six seconds of what the API allows."""


@dataclass(frozen=True)
class Walked(Generic[Item]):
    """The beginning of a list. `total` is what the API says there are, `whole` whether these are all."""

    items: Sequence[Item]
    total: int | None
    whole: bool


async def walk(
    fetch: Callable[[int], Awaitable["Page[Item]"]],
    *,
    pages: int = MOST_PAGES,
    until: Callable[[Item], bool] | None = None,
) -> Walked[Item]:
    """The first pages of a list; `fetch(offset)` reads one. `until` ends it at the first item it is true of."""
    items: list[Item] = []
    beginnings: list[Item] = []
    total: int | None = None
    offset: int | None = 0
    for _ in range(pages):
        page = await fetch(offset)
        if page.items and page.items[0] in beginnings:
            break  # the API ignores the offset
        beginnings += page.items[:1]
        total = page.total if total is None else total
        for item in page.items:
            if until is not None and until(item):
                return Walked(items, len(items), whole=True)
            items.append(item)
        offset = page.next_offset
        if offset is None:
            return Walked(items, len(items), whole=True)
    return Walked(items, total, whole=False)


async def selected(chosen: "Chosen", *, pages: int = MOST_PAGES) -> Walked["Product"]:
    """The products of the chosen collection or search; all, the newest first, where neither was chosen."""
    api = chosen.shop.api
    collection = chosen.collection
    if collection is not None:
        return await walk(
            lambda offset: api.list_collection_products(collection_id=collection.id, offset=offset),
            pages=pages,
        )
    search = chosen.words.get("search")
    return await walk(
        lambda offset: api.list_products(search=search, sort_order="desc", offset=offset), pages=pages
    )


async def inventory(shop: "Shop", *, search: str | None = None) -> Walked["InventoryItem"]:
    """The stock of the shop."""
    return await walk(
        lambda offset: shop.api.list_inventory(search=search, offset=offset), pages=2 * MOST_PAGES
    )


async def prices_of(shop: "Shop", product_ids: Sequence[str]) -> dict[str, Sequence["Price"]] | None:
    """Up to 100 prices of each product; None where the token may not read prices."""

    async def read(product_id: str) -> "Sequence[Price]":
        try:
            return (await shop.api.list_prices(product_id=product_id)).items
        except NotFoundError:
            return ()

    try:
        lists = await shop.each(product_ids, read, "reading prices")
    except MissingScopeError:
        return None
    return dict(zip(product_ids, lists, strict=True))


async def readable(read: Callable[[], Awaitable[Item]], notes: list[str], what: str) -> Item | None:
    """What is read, or None and a note where this token or account does not allow it."""
    try:
        return await read()
    except (MissingScopeError, RouteUnavailableError) as error:
        notes.append(f"{what} could not be read. {error.happened}")
        return None
