"""What bulk changes of whole products would do, computed from the present state."""

from collections.abc import Iterable, Mapping, Sequence

from ..guard.plan import Effect, Plan, PlanItem
from ..products_api import models as wire
from .bulk_prices import only_name
from .effects import changes, deletion
from .images import product_images
from .shop import Shop, refuse_repeated
from .text import counted

_VISIBILITY = {True: "shown", False: "hidden", None: "unknown"}


async def availability_plan(shop: Shop, product_ids: Sequence[str], *, shown: bool) -> Plan:
    """Products that will be shown or hidden; those that are so already are only counted."""
    found = await shop.products(product_ids)
    turned = [product for product in found.values() if product.available_in_store is not shown]
    return Plan(
        action=f"{'Show' if shown else 'Hide'} {counted(len(turned), 'product')}",
        items=tuple(
            PlanItem(
                label=shop.named(product),
                before=_VISIBILITY[product.available_in_store],
                after=_VISIBILITY[shown],
            )
            for product in turned
        ),
        also=_already(f"{_VISIBILITY[shown].capitalize()} already", len(found) - len(turned)),
        effects=tuple(
            effect
            for product in turned
            for effect in changes("product", product, product.id, {"available_in_store": shown})
        ),
        asks=bool(turned),
        target=only_name(found),
    )


async def assignment_plan(shop: Shop, product_ids: Sequence[str], collection_ids: Sequence[str]) -> Plan:
    """Products with the collections they are in and will be in; those in all of them already are only counted.

    Raises:
        ToolError: a product or collection is unknown or named twice.
    """
    refuse_repeated("collection_ids", collection_ids)
    names = await shop.collection_names(collection_ids)
    found = await shop.full_products(product_ids)
    lists = {key: _with(product, collection_ids) for key, product in found.items()}
    moved = [
        product for key, product in found.items() if len(lists[key]) > len(set(product.collection_ids or ()))
    ]
    present = {key for product in moved for key in product.collection_ids or ()}
    known = names | await shop.known_collections(sorted(present - names.keys()))
    return Plan(
        action=f"Put {counted(len(moved), 'product')} into {', '.join(names.values())}",
        items=tuple(
            PlanItem(
                label=shop.named(product),
                before=_collections(product.collection_ids or (), known),
                after=_collections(lists[product.id], known),
            )
            for product in moved
        ),
        also=(
            *_already("There already", len(found) - len(moved)),
            "The API does not say whether they also leave their other collections; the result tells what "
            "happened.",
        ),
        effects=tuple(
            Effect(
                kind="product",
                id=product.id,
                field="collection_ids",
                before=list(product.collection_ids or ()),
                after=lists[product.id],
                name=product.name or "",
            )
            for product in moved
        ),
        asks=bool(moved),
        target=only_name(found),
        state={"before": {key: product.collection_ids for key, product in found.items()}},
    )


def _with(product: wire.Product, collection_ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*(product.collection_ids or ()), *collection_ids]))


def _collections(collection_ids: Iterable[str], names: Mapping[str, str]) -> str | None:
    """Collections for a person: by name, and those without a known one by number."""
    ids = list(dict.fromkeys(collection_ids))
    named = [names[key] for key in ids if key in names]
    if unnamed := len(ids) - len(named):
        named.append(f"{unnamed} more" if named else counted(unnamed, "collection"))
    return ", ".join(named) or None


def _already(words: str, count: int) -> tuple[str, ...]:
    return (f"{words}: {counted(count, 'product')}.",) if count else ()


async def bulk_deletion_plan(shop: Shop, product_ids: Sequence[str]) -> Plan:
    """Everything that goes with the products, those with the most stock first."""
    # Whether a list of ids is understood shows only while the products are there; afterwards one list then tells that
    # all of them are gone, instead of a reading of each.
    await shop.products(product_ids)
    read = await product_images(shop, product_ids)
    stock = {
        key: sum(price.available_quantity or 0 for price in prices) for key, prices in read.prices.items()
    }
    count = sum(map(len, read.prices.values()))
    return Plan(
        action=f"Delete {counted(len(product_ids), 'product')}",
        items=tuple(
            PlanItem(
                label=f"{shop.named(product)}, {counted(len(read.prices[key]), 'price')}", weight=stock[key]
            )
            for key, product in read.products.items()
        ),
        also=(
            f"{counted(count, 'price')} with {sum(stock.values())} units of stock in all are expected to go with them. "
            "Collections and stores lose them.",
            *read.also,
        ),
        lasting="made again they have new ids, links to them and their reviews do not come back, and of the stores "
        "only those that their reviews name show them again.",
        effects=tuple(
            deletion("product", key, read.images[key], name=product.name or "")
            for key, product in read.products.items()
        ),
        target=only_name(read.products),
    )
