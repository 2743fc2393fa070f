"""The effects of an undoing, grouped into as few requests as is sensible."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from ..guard.plan import EXISTS, Effect
from ..products_api import models as wire
from ..products_api.bulk_calls import cut
from ..products_api.errors import NotFoundError, RouteUnavailableError
from .making_again import collection_again, price_again, product_again, stores_again
from .observing import STOCK, reviews_of
from .restoring import (
    can_be_edited,
    collection_fields,
    price_edit_fields,
    price_fields,
    product_edit_fields,
    product_fields,
    replies,
)
from .shop import PAGE
from .undo_steps import Step, Undo

FEW: Final = 2
"""Up to so many things of a kind are changed one by one, which is checked field by field; more of them in bulk."""

Fields = dict[str, Any]
Target = tuple[str, str | None]
"""A product, collection or review by its id; a price by its product's and its own."""


def steps_of(undo: Undo, effects: Sequence[Effect]) -> list[Step]:
    """The steps that bring the effects about: first what is made again, since others point at it, last what goes."""
    made = [effect for effect in effects if effect.creates]
    removed = [effect for effect in effects if effect.deletes]
    of: defaultdict[str, list[Effect]] = defaultdict(list)
    for effect in effects:
        if effect.field != EXISTS:
            of["price" if effect.kind == "stock" else effect.kind].append(effect)
    return [
        *_makings(undo, made),
        *_products_and_prices(undo, of["product"], of["price"]),
        *_collections(undo, of["collection"]),
        *_stores(undo, of["store"]),
        *_order(undo, of["order"]),
        *_reviews(undo, of["review"]),
        *_removals(undo, removed),
    ]


def _makings(undo: Undo, effects: Sequence[Effect]) -> Iterable[Step]:
    ways = {"collection": collection_again, "product": product_again, "price": price_again}
    for kind, way in ways.items():
        for effect in effects:
            if effect.kind == kind:
                yield Step((effect,), partial(way, undo, effect))
    products = tuple(effect for effect in effects if effect.kind == "product" and effect.after.get("stores"))
    if products:
        yield Step(products, partial(stores_again, undo, products))


def _grouped(effects: Iterable[Effect]) -> dict[Target, list[Effect]]:
    groups: dict[Target, list[Effect]] = {}
    for effect in effects:
        own = (
            (effect.within or "", effect.id)
            if effect.kind in {"price", "stock"}
            else (effect.id or "", effect.within)
        )
        groups.setdefault(own, []).append(effect)
    return groups


def _values(undo: Undo, effects: Iterable[Effect]) -> Fields:
    return {effect.field: undo.renamed(effect.after) for effect in effects}


def _products_and_prices(undo: Undo, products: Sequence[Effect], prices: Sequence[Effect]) -> Iterable[Step]:
    of_products = _grouped(products)
    shown = {
        key: group
        for key, group in of_products.items()
        if [effect.field for effect in group] == ["available_in_store"]
    }
    if len(shown) > FEW:
        yield from _availability(undo, shown)
        of_products = {key: group for key, group in of_products.items() if key not in shown}
    editable = {
        key: group
        for key, group in of_products.items()
        if all(effect.field in wire.ProductEdit.model_fields for effect in group)
    }
    in_bulk = editable if len(editable) > FEW else {}
    for (product_id, _), group in of_products.items():
        if (product_id, None) not in in_bulk:
            yield Step(tuple(group), partial(_update_product, undo, product_id, group))
    stock, tracking, edited, single = _by_way_of_prices(prices)
    if len(edited) <= FEW:
        for key, group in edited.items():
            single.setdefault(key, []).extend(group)
        edited = {}
    yield from _bulk_edits(undo, in_bulk, edited)
    for (product_id, price_id), group in single.items():
        yield Step(tuple(group), partial(_update_price, undo, product_id, price_id or "", group))
    yield from _tracking(undo, tracking)
    yield from _stock(undo, stock)


def _by_way_of_prices(
    prices: Sequence[Effect],
) -> tuple[dict[Target, list[Effect]], list[Effect], dict[Target, list[Effect]], dict[Target, list[Effect]]]:
    """Fields of prices by how they are written: stock, whether it is tracked, in bulk, or each price by itself."""
    stock: dict[Target, list[Effect]] = {}
    tracking: list[Effect] = []
    edited: dict[Target, list[Effect]] = {}
    single: dict[Target, list[Effect]] = {}
    for key, group in _grouped(prices).items():
        if not can_be_edited({effect.field: effect.after for effect in group}):
            single[key] = group
            continue
        for effect in group:
            if effect.field in STOCK:
                stock.setdefault(key, []).append(effect)
            elif effect.field == "track_inventory":
                tracking.append(effect)
            else:
                edited.setdefault(key, []).append(effect)
    return stock, tracking, edited, single


def _availability(undo: Undo, groups: Mapping[Target, Sequence[Effect]]) -> Iterable[Step]:
    for value in (True, False):
        effects = tuple(group[0] for group in groups.values() if bool(group[0].after) is value)
        if effects:
            change = wire.BulkAvailability(
                product_ids=[effect.id or "" for effect in effects], availability=value
            )
            yield Step(effects, partial(undo.shop.api.bulk_update, change=change))


async def _update_product(undo: Undo, product_id: str, group: Sequence[Effect]) -> None:
    changes = wire.ProductChanges.model_validate(product_fields(_values(undo, group)))
    await undo.shop.api.update_product(product_id=product_id, changes=changes)


async def _update_price(undo: Undo, product_id: str, price_id: str, group: Sequence[Effect]) -> None:
    changes = wire.PriceChanges.model_validate(price_fields(_values(undo, group)))
    await undo.shop.api.update_price(product_id=product_id, price_id=price_id, changes=changes)


def _bulk_edits(
    undo: Undo, products: Mapping[Target, Sequence[Effect]], prices: Mapping[Target, Sequence[Effect]]
) -> Iterable[Step]:
    """Products and prices in one bulk edit, a step for each of its calls."""
    of_product: defaultdict[str, list[wire.PriceEdit]] = defaultdict(list)
    behind: defaultdict[str, list[Effect]] = defaultdict(list)
    for (product_id, price_id), group in prices.items():
        fields = price_edit_fields(_values(undo, group))
        of_product[product_id].append(wire.PriceEdit.model_validate({"id": price_id, **fields}))
        behind[price_id or ""] += group
    edits: list[wire.ProductEdit] = []
    for product_id in dict.fromkeys([*(key for key, _ in products), *of_product]):
        group = products.get((product_id, None), ())
        fields = product_edit_fields(product_fields(_values(undo, group)))
        if product_id in of_product:
            fields["prices"] = of_product[product_id]
        behind[product_id] += group
        edits.append(wire.ProductEdit.model_validate({"id": product_id, **fields}))
    for chunk in cut(edits):
        ids = [key for edit in chunk for key in (edit.id, *(price.id for price in edit.prices or ()))]
        # A product whose prices fill several calls is in each of them, and its own fields in the first.
        effects = tuple(effect for key in ids for effect in behind.pop(key, ()))
        yield Step(effects, partial(_bulk_edit, undo, chunk))


async def _bulk_edit(undo: Undo, edits: Sequence[wire.ProductEdit]) -> None:
    result = await undo.shop.api.bulk_edit(products=edits)
    if result.error is not None:
        raise result.error


def _tracking(undo: Undo, effects: Sequence[Effect]) -> Iterable[Step]:
    for value in (True, False):
        part = tuple(effect for effect in effects if bool(effect.after) is value)
        for start in range(0, len(part), PAGE):
            chunk = part[start : start + PAGE]
            yield Step(chunk, partial(_track, undo, chunk, value=value))


async def _track(undo: Undo, effects: Sequence[Effect], *, value: bool) -> None:
    change = wire.BulkInventoryChange(
        price_ids=[effect.id or "" for effect in effects], track_inventory=value
    )
    try:
        await undo.shop.api.bulk_update_inventory(change=change)
    except RouteUnavailableError:
        # That route is not everywhere; the bulk edit switches it as well.
        for step in _bulk_edits(undo, {}, _grouped(effects)):
            await step.do()


def _stock(undo: Undo, groups: Mapping[Target, Sequence[Effect]]) -> Iterable[Step]:
    targets = list(groups.items())
    for start in range(0, len(targets), PAGE):
        chunk = targets[start : start + PAGE]
        items = [
            wire.InventoryUpdate.model_validate(
                {"price_id": price_id, **price_edit_fields(_values(undo, group))}
            )
            for (_, price_id), group in chunk
        ]
        effects = tuple(effect for _, group in chunk for effect in group)
        yield Step(effects, partial(undo.shop.api.update_inventory, items=items))


def _collections(undo: Undo, effects: Sequence[Effect]) -> Iterable[Step]:
    for (collection_id, _), group in _grouped(effects).items():
        yield Step(tuple(group), partial(_update_collection, undo, collection_id, group))


async def _update_collection(undo: Undo, collection_id: str, group: Sequence[Effect]) -> None:
    changes = wire.CollectionChanges.model_validate(collection_fields(_values(undo, group)))
    await undo.shop.api.update_collection(collection_id=collection_id, changes=changes)


def _stores(undo: Undo, effects: Sequence[Effect]) -> Iterable[Step]:
    groups: defaultdict[tuple[str, bool], list[Effect]] = defaultdict(list)
    for effect in effects:
        groups[effect.within or "", bool(effect.after)].append(effect)
    for (store_id, show), group in groups.items():
        yield Step(
            tuple(group),
            partial(
                undo.shop.api.set_store_visibility,
                store_id=store_id,
                action="include" if show else "exclude",
                product_ids=[effect.id or "" for effect in group],
            ),
        )


def _order(undo: Undo, effects: Sequence[Effect]) -> Iterable[Step]:
    groups: defaultdict[str, list[Effect]] = defaultdict(list)
    for effect in effects:
        groups[effect.within or ""].append(effect)
    for store_id, group in groups.items():
        places = [
            wire.DisplayPriority(product_id=effect.id or "", display_priority=effect.after)
            for effect in group
        ]
        yield Step(
            tuple(group), partial(undo.shop.api.set_display_priority, store_id=store_id, products=places)
        )


def _reviews(undo: Undo, effects: Sequence[Effect]) -> Iterable[Step]:
    groups = _grouped(effects)
    statuses = {
        key: group for key, group in groups.items() if [effect.field for effect in group] == ["status"]
    }
    if len(statuses) <= FEW:
        statuses = {}
    for key, group in groups.items():
        if key not in statuses:
            yield Step(tuple(group), partial(_update_review, undo, key[0], key[1] or "", group))
    for value in dict.fromkeys(group[0].after for group in statuses.values()):
        part = [group[0] for group in statuses.values() if group[0].after == value]
        for start in range(0, len(part), PAGE):
            chunk = tuple(part[start : start + PAGE])
            yield Step(chunk, partial(_moderate, undo, chunk, value))


async def _update_review(undo: Undo, review_id: str, product_id: str, group: Sequence[Effect]) -> None:
    values = _values(undo, group)
    status = values.get("status")
    if status is None:
        # The API wants a status with every update.
        found = await reviews_of(undo.shop, [product_id], {review_id})
        status = found[review_id].status if review_id in found else None
    fields: Fields = {"product_id": product_id, "status": status}
    if "replies" in values:
        fields["reply"] = replies(values["replies"] or ())
    await undo.shop.api.update_review(review_id=review_id, update=wire.ReviewUpdate.model_validate(fields))


async def _moderate(undo: Undo, effects: Sequence[Effect], status: str) -> None:
    """Give many reviews a status; those whose store is not told one by one, since in bulk it is required."""
    products = sorted({effect.within or "" for effect in effects})
    found = await reviews_of(undo.shop, products, {effect.id or "" for effect in effects})
    references: list[wire.ReviewReference] = []
    for effect in effects:
        review = found.get(effect.id or "")
        if review is not None and review.store_id:
            references.append(
                wire.ReviewReference(
                    review_id=review.id, product_id=effect.within or "", store_id=review.store_id
                )
            )
        else:
            await _update_review(undo, effect.id or "", effect.within or "", [effect])
    if references:
        await undo.shop.api.bulk_update_reviews(reviews=references, status=status)


def _removals(undo: Undo, effects: Sequence[Effect]) -> Iterable[Step]:
    products = tuple(effect for effect in effects if effect.kind == "product")
    if len(products) > FEW:
        change = wire.BulkDelete(product_ids=[effect.id or "" for effect in products])
        yield Step(products, partial(undo.shop.api.bulk_update, change=change))
    for effect in effects:
        if effect.kind != "product" or len(products) <= FEW:
            yield Step((effect,), partial(_delete, undo, effect))


async def _delete(undo: Undo, effect: Effect) -> None:
    api, thing_id = undo.shop.api, effect.id or ""
    try:
        match effect.kind:
            case "product":
                await api.delete_product(product_id=thing_id)
            case "price":
                await api.delete_price(product_id=effect.within or "", price_id=thing_id)
            case _:
                await api.delete_collection(collection_id=thing_id)
    except NotFoundError:
        return  # somebody else was quicker
