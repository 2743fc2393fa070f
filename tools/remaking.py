"""Things that a change deleted, to be made again, and things that it made, to be taken away: as effects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import ValidationError

from ..guard.approval import NOTHING_CHANGED
from ..guard.plan import Effect
from ..products_api import models as wire
from .alikeness import shows
from .effect_words import about, named
from .effects import as_told, creation, deletion
from .images import product_images
from .observing import (
    THERE,
    Absence,
    Unread,
    alike_names,
    attempt,
    fields_to_make,
    observe,
    read_products,
    told_of,
)
from .renaming import id_in
from .restoring import new_collection, new_price, new_product
from .sending import texts
from .shop import Shop
from .text import counted


@dataclass(frozen=True)
class Removal:
    """A thing that a change made, as it is now.

    made: the effect that made it. inverse: the one that deletes it, None when it is gone already. differing: fields
    that are not as they were made, with what they are now. also: what goes with it, in sentences.
    """

    made: Effect
    inverse: Effect | None
    differing: tuple[tuple[str, Any], ...] = ()
    also: tuple[str, ...] = ()


def refuse_unread(effect: Effect, value: Any) -> None:
    """Refuse to undo what cannot be read: nobody knows what would be overwritten.

    Raises:
        ToolError: the value could not be read.
    """
    if isinstance(value, Unread):
        raise ToolError(f"{about(effect)} cannot be read now: {value.why} {NOTHING_CHANGED} Try again later.")


async def makings(shop: Shop, deleted: Sequence[Effect], new_ids: Mapping[str, str]) -> list[Effect | None]:
    """For each deletion the effect that makes the thing again; None for what is there, be it under a new id.

    Raises:
        ToolError: something cannot be read or made, or the product of a price is gone.
    """
    gone: list[Effect] = []
    for effect, value in await observe(shop, deleted):
        refuse_unread(effect, value)
        if value is not THERE:
            gone.append(effect)
    again = [replace(effect, id=new_ids[effect.id or ""]) for effect in gone if (effect.id or "") in new_ids]
    whole = {
        effect.id
        for effect, value in await observe(shop, again)
        if value is THERE and await _is_whole(shop, effect, new_ids)
    }
    missing = [effect for effect in gone if new_ids.get(effect.id or "") not in whole]
    wanted = [
        creation(effect.kind, effect.before, alike=(), name=effect.name, within=effect.within)
        for effect in missing
    ]
    alike = await alike_names(shop, wanted)
    made = {
        effect.id: _with_alike(making, among)
        for effect, making, among in zip(missing, wanted, alike, strict=True)
    }
    return [made.get(effect.id) for effect in deleted]


def _with_alike(making: Effect, among: Any) -> Effect:
    refuse_unread(making, among)
    if isinstance(among, Absence):
        raise ToolError(
            f"The product of {about(making)} is gone. {NOTHING_CHANGED} Undo the deletion of the product first."
        )
    image = cast("Mapping[str, Any]", making.after)
    try:
        match making.kind:
            case "product":
                new_product(image["product"])
                for price in image.get("prices", ()):
                    new_price(price)
            case "price":
                new_price(image["price"])
            case _:
                new_collection(image["collection"], ())
    except ValidationError as error:
        fields = ", ".join(sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}))
        raise ToolError(
            f"{about(making)} cannot be made again: what is kept of it lacks what the API wants ({fields}). "
            f"{NOTHING_CHANGED} Make it by hand; the journal has what was kept."
        ) from None
    return replace(making, before=sorted(thing.id for thing in among))


async def _is_whole(shop: Shop, effect: Effect, new_ids: Mapping[str, str]) -> bool:
    """Whether a product made again has its prices, their images and its stores; other things have no parts."""
    if effect.kind != "product":
        return True
    image = cast("Mapping[str, Any]", effect.before)
    wanted = {new_ids.get(id_in(price)) for price in image.get("prices", ())}
    if not wanted <= {price.id for price in await shop.prices_of(effect.id or "")}:
        return False
    stores = [
        Effect(kind="store", id=effect.id, field="shown", within=store_id)
        for store_id in image.get("stores", {})
    ]
    linked = {key for media in image["product"].get("medias") or () for key in texts(media.get("priceIds"))}
    if linked:
        product = (await read_products(shop, {effect.id or "": ("medias",)}))[effect.id or ""]
        now = {key for media in told_of(product, "medias") or () for key in texts(media.get("price_ids"))}
        if not {new_ids.get(key) for key in linked} <= {*now, None}:
            return False
    return all(value is not False for _, value in await observe(shop, stores))


async def removals(shop: Shop, made: Sequence[tuple[Effect, str]]) -> list[Removal]:
    """For each creation and the id of what it made, the effect that deletes that with all needed to make it again.

    Raises:
        ToolError: something cannot be read.
    """
    there = [Effect(kind=effect.kind, id=key, field="exists", within=effect.within) for effect, key in made]
    values = [value for _, value in await observe(shop, there)]
    for (effect, _), value in zip(made, values, strict=True):
        refuse_unread(effect, value)
    ids = [
        key
        for (effect, key), value in zip(made, values, strict=True)
        if value is THERE and effect.kind == "product"
    ]
    images = await product_images(shop, ids) if ids else None

    async def removal(effect: Effect, key: str) -> Removal:
        also: tuple[str, ...] = ()
        image: dict[str, Any]
        if effect.kind == "product" and images is not None:
            count = len(images.prices[key])
            goes = (
                (f"{counted(count, 'price')} of {named(effect)}, with the stock, go with it.",)
                if count
                else ()
            )
            thing: wire.Record = images.products[key]
            image, also = images.images[key], goes + images.also
        elif effect.kind == "price":
            product_id = effect.within or ""
            (thing,) = [price for price in await shop.prices_of(product_id) if price.id == key]
            medias = (await shop.api.get_product(product_id=product_id)).medias or []
            own = [as_told(media) for media in medias if key in texts(media.price_ids)]
            image = {"price": as_told(thing), "medias": own}
        else:
            thing = await shop.collection(key)
            walked = await shop.api.walk_collection_products(collection_id=key)
            image = {"collection": as_told(thing), "members": [product.id for product in walked.items]}
            also = (f"{counted(len(walked.items), 'product')} lose the collection.",) if walked.items else ()
        differing = tuple(
            (field, now)
            for field, asked in fields_to_make(effect).items()
            if not shows(now := told_of(thing, field), asked)
        )
        inverse = deletion(effect.kind, key, image, name=effect.name, within=effect.within)
        return Removal(effect, inverse, differing, also)

    found: list[Removal] = []
    for (effect, key), value in zip(made, values, strict=True):
        if value is not THERE:
            found.append(Removal(effect, None))
            continue
        one = await attempt(removal(effect, key))
        if isinstance(one, Removal):
            found.append(one)
        else:
            refuse_unread(effect, one)
            found.append(Removal(effect, None))
    return found
