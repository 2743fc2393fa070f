"""Deleted things, made again from what was kept of them, under new ids."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ..guard.plan import Effect
from ..products_api import models as wire
from ..products_api.errors import NotFoundError, RefusedError
from .alikeness import shows
from .observing import told_of
from .renaming import id_in
from .restoring import new_collection, new_price, new_product, product_fields
from .sending import texts
from .undo_steps import Undo


def _image(effect: Effect) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", effect.after)


async def product_again(undo: Undo, effect: Effect) -> None:
    """Make a product again: itself, its prices, and which of its images belong to which of them.

    What an earlier undoing has made of it already is taken over.
    """
    api, image = undo.shop.api, _image(effect)
    former = id_in(image["product"])
    product = await _already(undo, former)
    if product is None:
        for key in (former, *map(id_in, image.get("prices", ()))):
            undo.new_ids.pop(key, None)
        new = new_product(image["product"])
        if collections := await _known_collections(undo, image["product"]):
            new = new.model_copy(update={"collection_ids": collections})
        product = await api.create_product(product=new)
    undo.made("product", former, product.id)
    there = {price.id: price for price in await undo.shop.prices_of(product.id)}
    claimed = {undo.new_ids.get(id_in(told)) for told in image.get("prices", ())}
    for told in image.get("prices", ()):
        made = undo.new_ids.get(id_in(told))
        if made is None or made not in there:
            # One that was made without an answer is there as well.
            made = next(
                (key for key, price in there.items() if key not in claimed and _alike(price, told)), None
            )
        if made is None:
            made = (await api.create_price(product_id=product.id, price=new_price(told))).id
        claimed.add(made)
        undo.made("price", id_in(told), made, product.id)
    await _link_images(undo, product.id, image["product"])


async def _already(undo: Undo, former: str) -> wire.Product | None:
    if former not in undo.new_ids:
        return None
    try:
        return await undo.shop.api.get_product(product_id=undo.new_ids[former])
    except NotFoundError:
        return None


def _alike(price: wire.Price, told: Mapping[str, Any]) -> bool:
    """Whether a price is what was made, or would be, from what was told of a former one."""
    former = wire.Price.model_validate(told)
    fields = wire.NewPrice.model_fields
    return all(shows(told_of(price, field), told_of(former, field)) for field in fields)


async def _known_collections(undo: Undo, told: Mapping[str, Any]) -> list[str]:
    """Its collections as far as there still are."""
    wanted: list[str] = undo.renamed(told.get("collectionIds") or [])
    known = await undo.shop.known_collections(wanted)
    return [key for key in wanted if key in known]


async def _link_images(undo: Undo, product_id: str, told: Mapping[str, Any]) -> None:
    """Tie the images to the new prices, if any was tied to one."""
    medias: list[dict[str, Any]] = (
        told_of(wire.Product.model_validate({**told, "_id": product_id}), "medias") or []
    )
    if not any(media.get("price_ids") for media in medias):
        return
    fields = product_fields({"medias": undo.renamed(medias)})
    await undo.shop.api.update_product(product_id=product_id, changes=wire.ProductChanges(**fields))


async def stores_again(undo: Undo, effects: Sequence[Effect]) -> None:
    """Show products made again in the stores that showed them, at their places where those are known."""
    stores: defaultdict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for effect in effects:
        image = _image(effect)
        for store_id, place in image["stores"].items():
            stores[store_id].append((undo.new_ids[id_in(image["product"])], place))
    for store_id, shown in stores.items():
        ids = [product_id for product_id, _ in shown]
        await undo.shop.api.set_store_visibility(store_id=store_id, action="include", product_ids=ids)
        places = [
            wire.DisplayPriority(product_id=product_id, display_priority=place)
            for product_id, place in shown
            if place is not None
        ]
        if places:
            await undo.shop.api.set_display_priority(store_id=store_id, products=places)


async def price_again(undo: Undo, effect: Effect) -> None:
    """Make a price again, and tie the images to it that belonged to the former one."""
    api, image = undo.shop.api, _image(effect)
    product_id = undo.new_ids.get(effect.within or "", effect.within or "")
    former = id_in(image["price"])
    made = await api.create_price(product_id=product_id, price=new_price(image["price"]))
    undo.made("price", former, made.id, product_id)
    owned = {media.get("id", media.get("_id")) for media in image.get("medias", ())}
    if not owned:
        return
    medias: list[dict[str, Any]] = told_of(await api.get_product(product_id=product_id), "medias") or []
    for media in medias:
        if media.get("id") in owned:
            kept = [key for key in texts(media.get("price_ids")) if key != former]
            media["price_ids"] = [*kept, made.id]
    fields = product_fields({"medias": medias})
    await api.update_product(product_id=product_id, changes=wire.ProductChanges(**fields))


async def collection_again(undo: Undo, effect: Effect) -> None:
    """Make a collection again with those of its products that there are, under its former id if the API lets it."""
    image = _image(effect)
    former = id_in(image["collection"])
    wanted: list[str] = undo.renamed(image.get("members", []))
    there = await undo.shop.products(wanted, missing_is_error=False)
    new = new_collection(image["collection"], [key for key in wanted if key in there])
    try:
        made = await undo.shop.api.create_collection(collection=new)
    except RefusedError:
        fields = new.model_dump(exclude_unset=True, exclude={"collection_id"})
        made = await undo.shop.api.create_collection(collection=wire.NewCollection(**fields))
    undo.made("collection", former, made.id)
