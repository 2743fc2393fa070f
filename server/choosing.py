"""What somebody named, looked up in the shop: an id, a slug, a name, or a completion that has both.

A name that fits several things, or none, is never guessed at: the refusal says what there is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from ..products_api.errors import InvalidArgumentError, NotFoundError, ProductsApiError
from ..products_api.paths import fault_in
from ..prompts.errors import PromptError
from ..prompts.template import Argument, Kind
from ..tools.text import one_line, quoted
from .names import LONGEST_NAME, Name, ranked
from .shop_names import named

if TYPE_CHECKING:
    from ..products_api.models import Review
    from ..tools.shop import Shop
    from .shop_names import ShopNames

MOST_REVIEWS = 1000
"""Reviews that are looked through for one: the API cannot read a review by its id."""
_SUGGESTED = 5
_SEARCHED = 50
_WITH_ID = re.compile(r"(.*)\(([^()\s]+)\)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a document is made for.

    `words` are the plain values by argument, and `pasted` the long ones among them; the things named are looked up.
    `names` are those of the shop.
    """

    shop: "Shop"
    names: "ShopNames"
    today: date
    words: Mapping[str, str] = field(default_factory=dict[str, str])
    pasted: Mapping[str, str] = field(default_factory=dict[str, str])
    product: Name | None = None
    collection: Name | None = None
    store_id: str | None = None
    review: "Review | None" = None

    def number(self, name: str, default: int) -> int:
        """A number that was filled in, or the default."""
        return int(self.words.get(name, default))

    def shown(self) -> dict[str, str]:
        """What was chosen, in words for the assistant; pasted lines are counted."""
        things = {
            "product": self.product and str(self.product),
            "collection": self.collection and str(self.collection),
            "store": self.store_id,
            "review": self.review and self.review.id,
        }
        counted = {name: f"{len(text.splitlines())} pasted lines" for name, text in self.pasted.items()}
        return {name: value for name, value in things.items() if value} | dict(self.words) | counted


async def choose(
    arguments: Mapping[str, Argument],
    given: Mapping[str, str],
    *,
    shop: "Shop",
    names: "ShopNames",
    today: date,
) -> Chosen:
    """Look up what was filled in.

    Raises:
        PromptError: something named is not in the shop, or not clear.
        ProductsApiError: the shop could not be read.
    """
    product = collection = store_id = review = None
    words: dict[str, str] = {}
    pasted: dict[str, str] = {}
    for name, value in given.items():
        try:
            match arguments[name].kind:
                case Kind.PRODUCT:
                    product = await find_product(shop, value, names)
                case Kind.COLLECTION:
                    collection = await find_collection(shop, value)
                case Kind.REVIEW:
                    review = await find_review(shop, id_in(value))
                case Kind.STORE:
                    store_id = await find_store(shop, id_in(value))
                case Kind.LINES:
                    pasted[name] = value
                case Kind.STATUS:
                    words[name] = await _status(names, value)
                case _:
                    words[name] = value
        except PromptError as error:
            raise PromptError(f"`{name}`: {error}") from None
    return Chosen(
        shop=shop,
        names=names,
        today=today,
        words=words,
        pasted=pasted,
        product=product,
        collection=collection,
        store_id=store_id,
        review=review,
    )


def id_in(typed: str) -> str:
    """The id of what a completion gave, or what was typed."""
    completed = _WITH_ID.fullmatch(typed.strip())
    return completed[2] if completed else typed.strip()


async def find_product(shop: "Shop", typed: str, names: "ShopNames") -> Name:
    """The product of an id, a slug, a name, or a name with its id.

    Raises:
        PromptError: no product, or several.
    """
    if completed := _WITH_ID.fullmatch(typed.strip()):
        name = one_line(completed[1], LONGEST_NAME)
        found = await _product(shop, completed[2])
        if found and found.name == name:
            return found
    elif fault_in(typed) is None and (found := await _product(shop, typed)):
        return found
    page = await shop.api.list_products(search=typed[:LONGEST_NAME], limit=_SEARCHED, offset=0)
    listed = [named(product.id, product.name, product.slug) for product in page.items]
    # The API finds parts of names alone; what is merely alike is among all names, as far as those are known.
    return _only("product", typed, listed or (await names.products(typed))[0])


async def _product(shop: "Shop", reference: str) -> Name | None:
    if fault_in(reference):
        return None
    try:
        product = await shop.api.get_product(product_id=reference)
    except (NotFoundError, InvalidArgumentError):
        return None
    return named(product.id, product.name, product.slug)


async def find_collection(shop: "Shop", typed: str) -> Name:
    """The collection of an id, a slug, a name, or a name with its id.

    Raises:
        PromptError: no collection, or several.
    """
    wanted = id_in(typed)
    listed: list[Name] = []
    async for collection in shop.api.iterate_collections():
        name = named(collection.id, collection.name, collection.slug)
        if wanted in {name.id, *name.others}:
            return name
        listed.append(name)
    return _only("collection", typed, listed)


async def find_store(shop: "Shop", store_id: str) -> str:
    """The id of a store that exists.

    Raises:
        PromptError: there is none.
    """
    try:
        await shop.api.get_store_stats(store_id=store_id)
    except (NotFoundError, InvalidArgumentError):
        raise PromptError(
            f"no store has the id {quoted(store_id)}. It is the id of the store's site, which a review of the store "
            "names"
        ) from None
    except ProductsApiError:
        # It cannot be told here; what is read for the store will tell.
        return store_id
    return store_id


async def find_review(shop: "Shop", review_id: str, *, product_id: str | None = None) -> "Review":
    """A review by its id, looked for among the newest ones.

    Raises:
        PromptError: it is not among them.
    """
    seen = 0
    within = None if product_id is None else [product_id]
    offset: int | None = 0
    while offset is not None and seen < MOST_REVIEWS:
        page = await shop.api.list_reviews(
            offset=offset, product_ids=within, sort_field="createdAt", sort_order="desc"
        )
        for review in page.items:
            if review.id == review_id:
                return review
        seen += len(page.items)
        offset = page.next_offset
    where = "of this shop" if offset is None else f"among the newest {seen}"
    raise PromptError(f"no review {where} has the id {quoted(review_id)}. Take it from list_reviews")


async def _status(names: "ShopNames", typed: str) -> str:
    known = await names.statuses()
    for status in known:
        if status.casefold() == typed.casefold():
            return status
    if not known:
        return typed
    raise PromptError(f"no review has the status {quoted(typed)}; there are: {', '.join(known)}")


def _only(kind: str, typed: str, names: Sequence[Name]) -> Name:
    """The one that is called so."""
    wanted = one_line(typed, LONGEST_NAME).casefold()
    called = [name for name in names if wanted in {name.name.casefold(), str(name).casefold()}]
    if len(called) == 1:
        return called[0]
    if called:
        some = "; ".join(str(name) for name in called[:_SUGGESTED])
        raise PromptError(f"{len(called)} {kind}s are called {quoted(typed)}. Give one with its id: {some}")
    near = "; ".join(str(name) for name in ranked(names, wanted)[:_SUGGESTED])
    hint = f" Did you mean: {near}?" if near else ""
    raise PromptError(f"no {kind} is called {quoted(typed)}.{hint}")
