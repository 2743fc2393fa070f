"""The shop as a tool call sees it: the API client, progress, and what the call has to say besides its result."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar, cast

import anyio
from mcp.server.mcpserver.exceptions import ToolError

from ..guard.change_book import ChangeBook
from ..guard.plan import SHOWN_ITEMS, Kind
from ..guard.question import NOTHING_CHANGED
from ..products_api.client import ProductsClient
from ..products_api.errors import (
    NotFoundError,
    ProductsApiError,
    RouteUnavailableError,
    ValidationFailedError,
)
from ..products_api.model_base import Body
from ..products_api.models import Change, Collection, InventoryItem, Price, Product, Record
from .comparing import asked_for, not_applied, told
from .file_folder import FileFolder
from .reading import misses
from .text import quoted
from .views import FieldMiss

Report = Callable[[float, float | None, str | None], Awaitable[None]]
FormerPlaces = Callable[[str], Awaitable[Mapping[str, int]]]
Guides = Callable[[str], tuple[str, str]]
"""`guides(topic)` gives title and text of a guide."""
Key = TypeVar("Key")
Found = TypeVar("Found")
Made = TypeVar("Made", bound=Record)

PAGE = 100
LOOKED_THROUGH = 300
"""Products whose prices are read to find one that only its own product lists: half a minute at the API's rate."""
CONCURRENT_READS = 8
"""Reads under way at once: enough to be limited by the API's own rate, few enough to stay polite."""


class Created(NamedTuple):
    """A thing that a call has made."""

    kind: Kind
    id: str
    within: str | None = None


class Shop:
    """What one call works with.

    Attributes:
        notes: reach the caller with the result.
        created: the things that the call has made, in the order of the plan's creations.
        unclear: why it is not known of a part of the write if it was done; None where it is.
        stopped: whether the write ended before its end, at a part that was surely not done.
        book: the journal of the shop; None where no changes are kept.
        files: the folder in which files are read and written; None where there is none.
        former_places: tells the display order of a store as this server set it last, by product id; None where
            nothing is known of former changes.
        guides: gives the guides of the server; None where there are none.
        title: how a person knows the shop, where the server has several.
    """

    def __init__(self, api: ProductsClient, report: Report) -> None:
        self.api = api
        self.notes: list[str] = []
        self.created: list[Created] = []
        self.unclear: ProductsApiError | None = None
        self.stopped = False
        self.book: ChangeBook | None = None
        self.files: FileFolder | None = None
        self.former_places: FormerPlaces | None = None
        self.guides: Guides | None = None
        self.title = ""
        self._report = report
        self._reported = 0.0
        self._lists_by_id = False

    def made_new(self, kind: Kind, thing_id: str, within: str | None = None) -> None:
        """Say that a thing now exists, as soon as the API has told its id."""
        self.created.append(Created(kind, thing_id, within))

    def note(self, text: str) -> None:
        """Say something with the result, once."""
        if text not in self.notes:
            self.notes.append(text)

    def note_what_lists_leave_out(self, products: Sequence[Product]) -> None:
        """Say where images, collections and SEO are, if a list has told them of no product."""
        if products and not any(
            {"medias", "collection_ids", "seo"} & item.model_fields_set for item in products
        ):
            self.note("A list has no images, collections or SEO of a product; get_product has them.")

    async def progress(self, done: float, total: float | None, message: str | None = None) -> None:
        """Report progress to whoever asked for it; never backwards, as the protocol demands."""
        if done > self._reported:
            self._reported = done
            await self._report(done, total, message)

    async def each(
        self,
        keys: Sequence[Key],
        read: Callable[[Key], Awaitable[Found]],
        doing: str,
        *,
        progress: Callable[[], tuple[float, float | None]] | None = None,
    ) -> list[Found]:
        """Read something for each key, several at once, in the order of the keys.

        Reports how many are read; where they are a part of something larger, what `progress` says of the whole.
        """
        found: dict[int, Found] = {}
        left = iter(enumerate(keys))
        start = self._reported

        async def some() -> None:
            for position, key in left:
                found[position] = await read(key)
                done, total = progress() if progress else (start + len(found), start + len(keys))
                await self.progress(done, total, doing)

        try:
            async with anyio.create_task_group() as tasks:
                for _ in range(min(CONCURRENT_READS, len(keys))):
                    tasks.start_soon(some)
        except ExceptionGroup as group:
            # One failed reading cancels the others; its reason is what the caller needs.
            raise _first(group) from None
        return [found[position] for position in range(len(keys))]

    async def check(self, compare: Callable[[], Awaitable[Found]]) -> Found | None:
        """Read back after an accepted write; None when that fails, which does not undo the write."""
        try:
            return await compare()
        except (ProductsApiError, ToolError) as error:
            # What cannot be found says that nothing was changed, which is true before a write and not after it.
            reason = " ".join(str(error).replace(NOTHING_CHANGED, "").split())
            self.note(f"The API accepted the change; reading it back failed, so it was not checked. {reason}")
            return None

    async def gone(self, read: Callable[[], Awaitable[object]]) -> bool:
        """Whether what was deleted is gone: reading it is answered with "not found", or finds None.

        Where it cannot be read, the API's word is taken and a note says so.
        """

        async def there() -> bool:
            try:
                return await read() is not None
            except NotFoundError:
                return False

        if not await self.check(there):
            return True
        self.note("The API accepted the deletion, but it is still there when read. Look again in a while.")
        return False

    async def made(
        self, answered: Made, body: Body, read: Callable[[], Awaitable[Made]]
    ) -> tuple[Made, list[FieldMiss] | None]:
        """A thing just created as it is now, and what of it is not as given.

        Where the creation's own answer does not show all that was given, the thing is read once. What is not
        shown then either is named in a note, not called missing.
        """
        asked, found = asked_for(body), told(answered)
        if not not_applied(asked, found):
            return answered, None
        again = await self.check(read)
        found |= told(again) if again else {}
        wrong = misses(not_applied({key: asked[key] for key in asked if key in found}, found))
        if wrong:
            self.note("Not everything was stored as given: see not_applied.")
        unseen = not_applied({key: asked[key] for key in asked if key not in found}, {})
        if unseen:
            self.note(
                f"Not checked, for the API does not show it: {', '.join(miss.field for miss in unseen)}."
            )
        return again or answered, wrong

    def settled(self, change: Change[Found]) -> Found:
        """The thing as it is after an update. Where that could not be read, a note says what is shown instead."""
        if not change.verified:
            shown = "what the update itself answered" if change.after else "what was there before"
            self.note(
                "The API accepted the update; reading it back failed, so it was not checked: this shows "
                f"{shown}."
            )
        return change.after or change.before

    async def products(
        self, product_ids: Sequence[str], *, missing_is_error: bool = True
    ) -> dict[str, Product]:
        """Products by id, in the given order, without the fields that a list leaves out.

        Raises:
            ToolError: the same id twice, or an id that is not a product of this shop unless that is no error.
        """
        refuse_repeated("product_ids", product_ids)
        found: dict[str, Product] = {}
        for start in range(0, len(product_ids), PAGE):
            found |= await self._listed(product_ids[start : start + PAGE])
        return _all_found(product_ids, found, missing_is_error=missing_is_error)

    async def full_products(
        self, product_ids: Sequence[str], *, missing_is_error: bool = True
    ) -> dict[str, Product]:
        """Products by id with all their fields, each read by its id; the list leaves out collections and SEO.

        Raises:
            ToolError: the same id twice, or an id that is not a product of this shop unless that is no error.
        """
        refuse_repeated("product_ids", product_ids)

        found = await self._each_product(product_ids)
        return _all_found(product_ids, found, missing_is_error=missing_is_error)

    async def _listed(self, product_ids: Sequence[str]) -> dict[str, Product]:
        """A page of products by id, from one list where the API gives them so, else each by its id.

        How a list of ids is written in an address is not documented, so it may be misread, ignored or refused.
        """
        found: dict[str, Product] = {}
        try:
            page = await self.api.list_products(product_ids=list(product_ids), limit=PAGE, offset=0)
        except ValidationFailedError:
            pass
        else:
            found = {product.id: product for product in page.items if product.id in product_ids}
            if len(found) == len(page.items) and len(found) == len(product_ids):
                self._lists_by_id = True
        missing = [product_id for product_id in product_ids if product_id not in found]
        # Once it was seen to understand such a list, what it leaves out of one is not there.
        if missing and not self._lists_by_id:
            found |= await self._each_product(missing)
        return found

    async def _each_product(self, product_ids: Sequence[str]) -> dict[str, Product]:
        async def read(product_id: str) -> Product | None:
            try:
                return await self.api.get_product(product_id=product_id)
            except NotFoundError:
                return None

        products = await self.each(list(product_ids), read, "reading products")
        # By the id that it has: reading takes a slug as well, the bulk operations do not.
        return {product.id: product for product in products if product is not None}

    def named(self, product: Product) -> str:
        """A product for a person."""
        return quoted(product.name or product.id)

    async def prices(self, product_ids: Sequence[str]) -> dict[str, list[Price]]:
        """All prices of each product."""
        lists = await self.each(list(product_ids), self.prices_of, "reading prices")
        return dict(zip(product_ids, lists, strict=True))

    async def prices_of(self, product_id: str) -> list[Price]:
        """All prices of one product, page by page."""
        return [price async for price in self.api.iterate_prices(product_id=product_id)]

    async def stock(
        self, price_ids: Sequence[str], *, missing_is_error: bool = True
    ) -> dict[str, InventoryItem]:
        """Stock by price id, read page by page until all are found.

        Raises:
            ToolError: an id that has no stock in this shop, unless that is no error to the caller.
        """
        wanted = set(price_ids)
        found: dict[str, InventoryItem] = {}
        async for item in self.api.iterate_inventory():
            if item.price_id in wanted:
                found[item.price_id] = item
                if len(found) == len(wanted):
                    break
        missing = [price_id for price_id in price_ids if price_id not in found]
        if missing and missing_is_error:
            raise ToolError(
                f"The inventory has no price id {some_of(missing)}. {NOTHING_CHANGED} Take ids from "
                "list_inventory. A variant whose stock is not tracked may be missing there: bulk_update_inventory "
                "with track_inventory true starts tracking."
            )
        return found

    async def untracked(self, price_ids: Sequence[str]) -> dict[str, InventoryItem]:
        """Stock of prices that the inventory does not list, looked for among the prices of all products.

        Raises:
            ToolError: an id is not found, or there are too many products to look through.
        """
        wanted = set(price_ids)
        found: dict[str, InventoryItem] = {}
        offset: int | None = 0
        while offset is not None and offset < LOOKED_THROUGH and len(found) < len(wanted):
            page = await self.api.list_products(limit=PAGE, offset=offset)
            names = {product.id: product.name for product in page.items}
            for product_id, prices in (await self.prices(list(names))).items():
                for price in prices:
                    if price.id in wanted:
                        found[price.id] = InventoryItem(
                            price_id=price.id,
                            product_id=product_id,
                            product_name=names[product_id],
                            name=price.name,
                            available_quantity=price.available_quantity,
                            allow_out_of_stock_purchases=price.allow_out_of_stock_purchases,
                            sku=price.sku,
                        )
            offset = page.next_offset
        if missing := [price_id for price_id in price_ids if price_id not in found]:
            where = "any product" if offset is None else f"the newest {offset} products"
            raise ToolError(
                f"Neither the inventory nor {where} has the price id {some_of(missing)}. {NOTHING_CHANGED} "
                "Take ids from list_prices; bulk_edit_products can set it by product."
            )
        return found

    async def collection(self, collection_id: str) -> Collection:
        """One collection; from the list where the account lacks the route for one.

        Raises:
            ToolError: the shop has no such collection.
        """
        try:
            return await self.api.get_collection(collection_id=collection_id)
        except RouteUnavailableError:
            page = await self.api.list_collections(collection_ids=[collection_id], limit=1, offset=0)
        for collection in page.items:
            if collection.id == collection_id:
                self.note("Read from the list of collections: this account cannot read one alone.")
                return collection
        raise ToolError(
            f"No collection of this shop has the id {collection_id}. {NOTHING_CHANGED} "
            "Take ids from list_collections."
        )

    async def collection_names(self, collection_ids: Sequence[str]) -> dict[str, str]:
        """Quoted names of collections by id.

        Raises:
            ToolError: an id that is not a collection of this shop.
        """
        names = await self.known_collections(collection_ids)
        if missing := [key for key in collection_ids if key not in names]:
            raise ToolError(
                f"No collection of this shop has the id {some_of(missing)}. {NOTHING_CHANGED} "
                "Take ids from list_collections."
            )
        return {key: names[key] for key in collection_ids}

    async def known_collections(self, collection_ids: Sequence[str]) -> dict[str, str]:
        """Quoted names of as many of these collections as one list tells."""
        names = await self.named_collections(collection_ids[:PAGE])
        return {key: quoted(name or key) for key, name in names.items()}

    async def named_collections(self, collection_ids: Sequence[str]) -> dict[str, str]:
        """Names of these collections as they stand, of those that there are."""
        names: dict[str, str] = {}
        for start in range(0, len(collection_ids), PAGE):
            ids = list(collection_ids[start : start + PAGE])
            page = await self.api.list_collections(collection_ids=ids, limit=PAGE, offset=0)
            names |= {item.id: item.name or "" for item in page.items}
        return names


def refuse_repeated(name: str, values: Iterable[str]) -> None:
    """Refuse a list that names something twice: what was meant is not clear.

    Raises:
        ToolError: a value stands there more than once.
    """
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ToolError(f"`{name}` has {value} more than once. {NOTHING_CHANGED} Name each once.")
        seen.add(value)


def some_of(ids: Sequence[str]) -> str:
    """Ids in words: the first ten, and how many more there are."""
    shown = ", ".join(ids[:SHOWN_ITEMS])
    return f"{shown} and {len(ids) - SHOWN_ITEMS} more" if len(ids) > SHOWN_ITEMS else shown


def _all_found(
    product_ids: Sequence[str], found: Mapping[str, Product], *, missing_is_error: bool
) -> dict[str, Product]:
    missing = [product_id for product_id in product_ids if product_id not in found]
    if missing and missing_is_error:
        raise ToolError(
            f"No product of this shop has the id {some_of(missing)}. {NOTHING_CHANGED} "
            "Take ids from list_products."
        )
    return {product_id: found[product_id] for product_id in product_ids if product_id in found}


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    if isinstance(first, BaseExceptionGroup):
        return _first(cast("BaseExceptionGroup[BaseException]", first))
    return first
