"""What is needed to make products again after they were deleted, read before it happens."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..products_api import models as wire
from ..products_api.errors import NotFoundError, ProductsApiError
from .effects import as_told
from .shop import PAGE, Shop
from .text import counted

Places = dict[str, int | None]
"""The stores that show a product, by store id, with its place in their display order where it is known."""


@dataclass(frozen=True, kw_only=True)
class ProductImages:
    """What was read of products, each by product id in the order that was asked for.

    images: `{"product": …, "prices": […], "stores": {store id: place or None}}`, as `effects.deletion` takes it.
    reviews: how many each has; None where they could not be read, and then no store is known either.
    stores_read: whether every store that a review names told which of the products it shows.
    """

    images: dict[str, dict[str, Any]]
    products: dict[str, wire.Product]
    prices: dict[str, list[wire.Price]]
    reviews: dict[str, int] | None
    stores_read: bool

    @property
    def also(self) -> tuple[str, ...]:
        """What goes with the products and no undo brings back, in sentences for a person."""
        one = len(self.products) == 1
        whose, them = ("Its", "it") if one else ("Their", "them")
        if self.reviews is None:
            return (f"{whose} reviews could not be counted; they go with {them} and cannot come back.",)
        lines: list[str] = []
        if count := sum(self.reviews.values()):
            go = "goes" if count == 1 else "go"
            lines.append(f"{whose} {counted(count, 'review')} {go} with {them} and cannot come back.")
        if not self.stores_read:
            lines.append(f"Which stores show {them} could not be read, so undo does not bring that back.")
        return tuple(lines)


async def product_images(shop: Shop, product_ids: Sequence[str]) -> ProductImages:
    """Read all of the products that is needed to make them again.

    The API lists no stores: those known are the ones that a review of the products names.

    Raises:
        ToolError: the same id twice, or an id that is not a product of this shop.
        ProductsApiError: products or prices cannot be read.
    """
    products = await shop.full_products(product_ids)
    prices = await shop.prices(product_ids)
    reviews = await _reviews(shop, product_ids)
    counts: dict[str, int] | None = None
    places: dict[str, Places] | None = {}
    if reviews is not None:
        counts = dict.fromkeys(product_ids, 0)
        for review in reviews:
            counts[review.product_id or product_ids[0]] += 1
        stores = sorted({review.store_id for review in reviews if review.store_id})
        places = await _places(shop, stores, product_ids)
    return ProductImages(
        images={
            key: {
                "product": as_told(product),
                "prices": [as_told(price) for price in prices[key]],
                "stores": (places or {}).get(key, {}),
            }
            for key, product in products.items()
        },
        products=products,
        prices=prices,
        reviews=counts,
        stores_read=places is not None,
    )


async def _reviews(shop: Shop, product_ids: Sequence[str]) -> list[wire.Review] | None:
    """The reviews of these products; None where they cannot be read or do not say whose they are."""
    found: list[wire.Review] = []
    try:
        for part in _pages(product_ids):
            found += [review async for review in shop.api.iterate_reviews(product_ids=part)]
    except ProductsApiError:
        return None
    if len(product_ids) > 1 and any(review.product_id is None for review in found):
        return None
    # An API that takes the filter for something else gives the reviews of other products as well.
    return [review for review in found if review.product_id is None or review.product_id in product_ids]


async def _places(
    shop: Shop, store_ids: Sequence[str], product_ids: Sequence[str]
) -> dict[str, Places] | None:
    """Which of the stores show which of the products; None where a store does not tell."""

    async def shown(store_id: str) -> set[str]:
        try:
            return {
                product.id
                for part in _pages(product_ids)
                async for product in shop.api.iterate_products(
                    product_ids=part, store_id=store_id, included_in_store=True
                )
            }
        except NotFoundError:
            return set()  # a store that is gone, of which reviews are left

    try:
        shows = dict(zip(store_ids, await shop.each(store_ids, shown, "reading stores"), strict=True))
    except ProductsApiError:
        return None
    found: dict[str, Places] = {key: {} for key in product_ids}
    for store_id, among in shows.items():
        former: Mapping[str, int] = {}
        if among and shop.former_places is not None:
            former = await shop.former_places(store_id)
        for key in product_ids:
            if key in among:
                found[key][store_id] = former.get(key)
    return found


def _pages(ids: Sequence[str]) -> Iterable[list[str]]:
    for start in range(0, len(ids), PAGE):
        yield list(ids[start : start + PAGE])
