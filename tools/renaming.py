"""Ids of things that were deleted and made again, replaced by their new ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ..guard.plan import EXISTS, Effect
from .observing import image_in
from .shop import Created


def renamed(value: Any, new_ids: Mapping[str, str]) -> Any:
    """A value with every former id in it replaced, at every depth."""
    if not new_ids:
        return value
    if isinstance(value, str):
        return new_ids.get(value, value)
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return {key: renamed(item, new_ids) for key, item in members.items()}
    if isinstance(value, list | tuple):
        return [renamed(item, new_ids) for item in cast("Sequence[Any]", value)]
    return value


def renamed_effect(effect: Effect, new_ids: Mapping[str, str]) -> Effect:
    """An effect about the new things; of a deletion and a creation only where they are."""
    within = new_ids.get(effect.within or "", effect.within)
    if effect.field == EXISTS:
        return replace(effect, within=within)
    return replace(
        effect,
        id=new_ids.get(effect.id or "", effect.id),
        within=within,
        before=renamed(effect.before, new_ids),
        after=renamed(effect.after, new_ids),
    )


def new_ids_of(effects: Sequence[Effect], created: Sequence[Created]) -> dict[str, str]:
    """Former id to new id of what a plan of undoing has made again, from its effects and what it said to have made.

    It says that of a product first and then of its prices, in the order of their image, as far as it came.
    """
    found: dict[str, str] = {}
    left = list(created)

    def take(former: str, kind: str, within: str | None) -> str | None:
        fits = (item for item in left if (item.kind, item.within) == (kind, within))
        item = next(fits, None)
        if item is None:
            return None
        left.remove(item)
        if former != item.id:
            found[former] = item.id
        return item.id

    for effect in effects:
        image = image_in(effect.after, effect.kind) if effect.creates else None
        if image is None:
            continue
        new = take(id_in(image[effect.kind]), effect.kind, effect.within)
        for price in image.get("prices", ()) if new else ():
            take(id_in(price), "price", new)
    return found


def id_in(told: Mapping[str, Any]) -> str:
    """The id of a thing in its image."""
    return str(told.get("_id") or told["id"])
