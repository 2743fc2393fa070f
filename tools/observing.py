"""What the things that a plan is about are like now, read with few requests."""

from collections import defaultdict
from collections.abc import Awaitable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar, cast

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.plan import Effect, EffectKey
from ..products_api import models as wire
from ..products_api.errors import NotFoundError, NotRememberedError, ProductsApiError
from .alikeness import shows
from .effects import present
from .sending import known_members
from .shop import PAGE, Shop

Found = TypeVar("Found")


class Absence(Enum):
    """That a thing does not exist."""

    GONE = "gone"


GONE: Final = Absence.GONE
"""The value of a field of a thing that does not exist, and of a thing that was deleted."""
THERE: Final = True
"""The value of `exists` of a thing that is to be deleted and has not been."""


@dataclass(frozen=True)
class Unread:
    """A value that could not be read, and why, in words. `unasked`: it was only looked for among what had been read."""

    why: str
    unasked: bool = False


ORDER_UNTOLD: Final = Unread("the API does not tell the display order of a store")
UNLISTED: Final = Unread("the inventory does not list it, and its product is not known")
STOCK: Final = frozenset({"available_quantity", "allow_out_of_stock_purchases"})
"""Fields that the inventory tells and sets; whether stock is tracked stands on the price alone."""
NOT_IN_LISTS: Final = frozenset({"collection_ids", "medias", "seo"})
"""Fields of a product that only reading it by its id shows."""
SEARCHED_ONE_BY_ONE: Final = 5
"""From more names than this on, all products are listed once instead of one search for each."""


@dataclass(frozen=True)
class Observation:
    """What was found for each effect, in their order.

    A value is plain data, GONE, or Unread. Of a deletion it is THERE or GONE; of a creation the list of the ids of
    things that look like what was to be made and were not there before.
    """

    effects: tuple[Effect, ...]
    found: tuple[Any, ...]

    def __iter__(self) -> Iterator[tuple[Effect, Any]]:
        return zip(self.effects, self.found, strict=True)

    def without(self, ids: Collection[str]) -> "Observation":
        """The same with these ids left out of what looks like what was to be made."""

        def left(effect: Effect, value: Any) -> Any:
            if not effect.creates or not isinstance(value, list):
                return value
            return [key for key in cast("list[str]", value) if key not in ids]

        found = tuple(left(effect, value) for effect, value in self)
        return Observation(self.effects, found)

    @property
    def values(self) -> dict[EffectKey, Any]:
        """The plain values by what they are of, for keeping; without what is gone, unread, made or deleted."""
        return {
            effect.key: value
            for effect, value in self
            if effect.field != "exists" and not isinstance(value, Absence | Unread)
        }


async def observe(shop: Shop, effects: Sequence[Effect]) -> Observation:
    """Read the present value of every effect. What cannot be read is `Unread`; nothing is raised for it.

    Requests: products in pages of 100, or one each where collections, images or SEO are asked for; one for the
    prices of each product; one for each store and 100 products; collections in pages of 100 and the members of
    each; reviews in pages of those of their products; one or two for each thing that may have been made.
    """
    reading = _Reading(shop)
    values: dict[int, Any] = {}
    for kind, numbers in _by_kind(effects).items():
        if kind == "creation":
            found = await _new_ones(shop, [effects[number] for number in numbers])
        else:
            found = await getattr(reading, kind)([effects[number] for number in numbers])
        values |= dict(zip(numbers, found, strict=True))
    return Observation(tuple(effects), tuple(values[number] for number in range(len(effects))))


def _by_kind(effects: Sequence[Effect]) -> Mapping[str, list[int]]:
    """Positions of the effects by the way in which they are read."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for number, effect in enumerate(effects):
        group = "creation" if effect.creates else "price" if effect.kind == "stock" else effect.kind
        groups[group].append(number)
    return groups


async def attempt(reading: Awaitable[Found]) -> Found | Absence | Unread:
    """What a reading finds, GONE where there is no such thing, or why it failed."""
    try:
        return await reading
    except NotFoundError:
        return GONE
    except (ProductsApiError, ToolError) as error:
        return Unread(" ".join(str(error).split()), unasked=isinstance(error, NotRememberedError))


def _unasked(found: object) -> bool:
    """Whether another reading that shows the same may have been made."""
    return isinstance(found, Unread) and found.unasked


def value_of(thing: Any, effect: Effect) -> Any:
    """The value of an effect's field on the thing that was read."""
    if isinstance(thing, Absence | Unread):
        return thing
    return THERE if effect.deletes else told_of(cast("wire.Record", thing), effect.field)


def told_of(thing: wire.Record, name: str) -> Any:
    """The present value of a field as plain data at every depth."""
    return _plain(present(thing, name))


def _plain(value: Any) -> Any:
    if isinstance(value, wire.Record):
        return _plain(known_members(value))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("Sequence[Any]", value)]
    return value


async def read_products(shop: Shop, wanted: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Products by id as far as these of their fields need it: `wanted` is product id to names of fields."""
    listed = [key for key, fields in wanted.items() if not NOT_IN_LISTS & set(fields)]
    found: dict[str, Any] = {}
    if listed:
        products = await attempt(shop.products(listed, missing_is_error=False))
        if isinstance(products, dict):
            found = {key: products.get(key, GONE) for key in listed}
        elif not _unasked(products):
            found = dict.fromkeys(listed, products)
    # A list that does not tell a field does not say that it is empty.
    single = [
        key
        for key, fields in wanted.items()
        if key not in found
        or (isinstance(found[key], wire.Product) and not set(fields) <= found[key].model_fields_set)
    ]

    async def read(product_id: str) -> wire.Product | Absence | Unread:
        product = await attempt(shop.api.get_product(product_id=product_id))
        # Reading takes a slug as well.
        return GONE if isinstance(product, wire.Product) and product.id != product_id else product

    found |= dict(zip(single, await shop.each(single, read, "reading products"), strict=True))
    return found


class _Reading:
    """One method for each kind of effect; each gives the values in the order of the effects."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def product(self, effects: Sequence[Effect]) -> list[Any]:
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for effect in effects:
            wanted[effect.id or ""] |= set() if effect.deletes else {effect.field}
        found = await read_products(self._shop, wanted)
        return [value_of(found[effect.id or ""], effect) for effect in effects]

    async def price(self, effects: Sequence[Effect]) -> list[Any]:
        """Prices and stock, through their products; stock of an unknown product through the inventory."""
        products = list(dict.fromkeys(effect.within for effect in effects if effect.within))

        async def read(product_id: str) -> list[wire.Price] | Absence | Unread:
            return await attempt(self._shop.prices_of(product_id))

        lists = dict(zip(products, await self._shop.each(products, read, "reading prices"), strict=True))
        alone = await self._prices_alone(
            [effect for effect in effects if _unasked(lists.get(effect.within or ""))]
        )

        def of_its_product(effect: Effect) -> Any:
            prices = lists[effect.within or ""]
            if _unasked(prices):
                return alone[effect.id or ""]
            if not isinstance(prices, list):
                return prices
            return next((price for price in prices if price.id == effect.id), GONE)

        things = [of_its_product(effect) if effect.within else UNLISTED for effect in effects]
        through_inventory = [
            number
            for number, effect in enumerate(effects)
            if not effect.within or (_unasked(things[number]) and effect.field in STOCK)
        ]
        ids = list(dict.fromkeys(effects[number].id or "" for number in through_inventory))
        stock = await attempt(self._shop.stock(ids, missing_is_error=False)) if ids else {}
        for number in through_inventory:
            listed = stock.get(effects[number].id or "", UNLISTED) if isinstance(stock, dict) else stock
            things[number] = listed
        return [value_of(thing, effect) for effect, thing in zip(effects, things, strict=True)]

    async def _prices_alone(self, effects: Sequence[Effect]) -> dict[str, Any]:
        """Prices by id, each read by itself."""
        homes = {effect.id or "": effect.within or "" for effect in effects}
        return {
            price_id: await attempt(self._shop.api.get_price(product_id=product_id, price_id=price_id))
            for price_id, product_id in homes.items()
        }

    async def collection(self, effects: Sequence[Effect]) -> list[Any]:
        ids = list(dict.fromkeys(effect.id or "" for effect in effects))
        found: dict[str, Any] = dict.fromkeys(ids, GONE)
        for start in range(0, len(ids), PAGE):
            part = ids[start : start + PAGE]
            page = await attempt(self._shop.api.list_collections(collection_ids=part, limit=PAGE, offset=0))
            if _unasked(page):
                for key in part:
                    found[key] = await attempt(self._shop.api.get_collection(collection_id=key))
            elif isinstance(page, Absence | Unread):
                found |= dict.fromkeys(part, page)
            else:
                found |= {item.id: item for item in page.items if item.id in found}
        asked = {effect.id or "" for effect in effects if effect.field == "members"}
        filled = [key for key in ids if key in asked and isinstance(found[key], wire.Collection)]

        async def read(collection_id: str) -> Any:
            return await attempt(self._shop.api.walk_collection_products(collection_id=collection_id))

        walked = await self._shop.each(filled, read, "reading collections")
        members = {
            key: [product.id for product in walk.items] if isinstance(walk, wire.CollectionMembers) else walk
            for key, walk in zip(filled, walked, strict=True)
        }
        return [
            members[effect.id or ""]
            if effect.field == "members" and effect.id in members
            else value_of(found[effect.id or ""], effect)
            for effect in effects
        ]

    async def store(self, effects: Sequence[Effect]) -> list[Any]:
        known = await read_products(self._shop, {effect.id or "": () for effect in effects})
        wanted: defaultdict[str, list[str]] = defaultdict(list)
        for effect in effects:
            wanted[effect.within or ""].append(effect.id or "")

        async def read(store_id: str) -> set[str]:
            ids = wanted[store_id]
            return {
                product.id
                for start in range(0, len(ids), PAGE)
                async for product in self._shop.api.iterate_products(
                    product_ids=ids[start : start + PAGE], store_id=store_id, included_in_store=True
                )
            }

        async def look(store_id: str) -> Any:
            return await attempt(read(store_id))

        looked = await self._shop.each(list(wanted), look, "reading stores")
        shown = dict(zip(wanted, looked, strict=True))

        def value(effect: Effect) -> Any:
            among = shown[effect.within or ""]
            product = known[effect.id or ""]
            if not isinstance(among, set):
                return among
            # What was not read of a product that has just been acted on does not say that it is gone.
            return effect.id in among if isinstance(product, wire.Product) or _unasked(product) else product

        return [value(effect) for effect in effects]

    async def order(self, effects: Sequence[Effect]) -> list[Any]:
        return [ORDER_UNTOLD] * len(effects)

    async def review(self, effects: Sequence[Effect]) -> list[Any]:
        products = list(dict.fromkeys(effect.within for effect in effects if effect.within))
        found = await attempt(reviews_of(self._shop, products, {effect.id or "" for effect in effects}))
        if not isinstance(found, dict):
            return [found] * len(effects)
        return [value_of(found.get(effect.id or "", GONE), effect) for effect in effects]


async def reviews_of(shop: Shop, product_ids: Sequence[str], wanted: set[str]) -> dict[str, wire.Review]:
    """Reviews by id among those of the products; the API cannot read one alone."""
    found: dict[str, wire.Review] = {}
    for start in range(0, len(product_ids), PAGE):
        async for review in shop.api.iterate_reviews(product_ids=product_ids[start : start + PAGE]):
            if review.id in wanted:
                found[review.id] = review
                if len(found) == len(wanted):
                    return found
    return found


async def _new_ones(shop: Shop, effects: Sequence[Effect]) -> list[Any]:
    """For each creation the ids of what looks like it and was not there before, or why that is not known."""
    among = await alike_names(shop, effects)
    return [
        await attempt(_those_that_show(shop, effect, among[number])) for number, effect in enumerate(effects)
    ]


async def _those_that_show(shop: Shop, effect: Effect, alike: Any) -> list[str]:
    if isinstance(alike, Unread):
        raise ToolError(alike.why)
    former = cast("list[str]", effect.before or [])
    asked = fields_to_make(effect)
    found: list[str] = []
    for thing in () if isinstance(alike, Absence) else alike:
        if thing.id in former:
            continue
        whole = await shop.api.get_product(product_id=thing.id) if effect.kind == "product" else thing
        if all(shows(told_of(whole, field), value) for field, value in asked.items()):
            await _refuse_half_made(shop, effect, whole)
            found.append(thing.id)
    return sorted(found)


async def _refuse_half_made(shop: Shop, effect: Effect, thing: wire.Record) -> None:
    """See that a product which was to be made with prices has them all.

    Raises:
        ToolError: it has some of them or none, so that it is neither made nor not made.
    """
    wanted: list[Mapping[str, Any]] = (
        [] if image_in(effect.after, effect.kind) else effect.after.get("prices") or []
    )
    if not wanted or not isinstance(thing, wire.Product):
        return
    left = await shop.prices_of(thing.id)
    there = 0
    for asked in wanted:
        fits = (price for price in left if all(shows(told_of(price, key), asked[key]) for key in asked))
        if (price := next(fits, None)) is not None:
            left.remove(price)
            there += 1
    if there < len(wanted):
        raise ToolError(f"it is there (id {thing.id}), with {there} of its {len(wanted)} prices.")


async def alike_names(shop: Shop, effects: Sequence[Effect]) -> list[Any]:
    """For each creation the things that have its name now, or why that is not known."""
    names = {fields_to_make(effect).get("name") for effect in effects if effect.kind == "product"}
    every: list[wire.Product] | Absence | Unread | None = None
    if len(names) > SEARCHED_ONE_BY_ONE:
        every = await attempt(_all(shop.api.iterate_products()))

    async def read(effect: Effect) -> Any:
        name = fields_to_make(effect).get("name")
        match effect.kind:
            case "product" if every is not None:
                listed: Any = every
            case "product":
                listed = await attempt(_all(shop.api.iterate_products(search=name)))
            case "price":
                listed = await attempt(shop.prices_of(effect.within or ""))
            case _:
                listed = await attempt(_all(shop.api.iterate_collections(name=name)))
        if not isinstance(listed, list):
            return listed
        return [thing for thing in cast("list[Any]", listed) if thing.name == name]

    return await shop.each(effects, read, "looking for what was made")


async def _all(things: Any) -> list[Any]:
    return [thing async for thing in things]


_IMAGES: Final = {"product": wire.Product, "price": wire.Price, "collection": wire.Collection}
_COMPARED: Final = {
    "product": ("name", "product_type", "description", "slug"),
    "price": ("name", "type", "currency", "amount", "sku"),
    "collection": ("name", "slug"),
}
_ELSEWHERE: Final = frozenset({"members", "product_ids", "prices", "stores", "collection_id"})


def image_in(value: Any, kind: str) -> Mapping[str, Any] | None:
    """The image of a deleted thing, where that is what a creation is made from."""
    if isinstance(value, Mapping) and isinstance(cast("Mapping[str, Any]", value).get(kind), Mapping):
        return cast("Mapping[str, Any]", value)
    return None


def fields_to_make(effect: Effect) -> dict[str, Any]:
    """The fields by which a thing that was made is known again; of one made from an image its main ones."""
    image = image_in(effect.after, effect.kind)
    if image is None:
        asked = cast("Mapping[str, Any]", effect.after)
        return {field: value for field, value in asked.items() if field not in _ELSEWHERE}
    thing = _IMAGES[effect.kind].model_validate(image[effect.kind])
    return {field: value for field in _COMPARED[effect.kind] if (value := told_of(thing, field)) is not None}
