"""What a write will do to single fields of single things, as the guard compares, limits and undoes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ..guard.plan import EXISTS, Effect, Kind
from ..products_api import models as wire
from .sending import known_members


def present(thing: wire.Record, name: str) -> Any:
    """The present value of a field as plain data: objects as mappings of their set members, by snake_case names."""
    return plain_value(getattr(thing, name, None))


def plain_value(value: Any) -> Any:
    """A value of a model as plain data."""
    if isinstance(value, wire.Record):
        return known_members(value)
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in cast("Sequence[Any]", value)]
    return value


def changes(
    kind: Kind,
    thing: wire.Record,
    thing_id: str,
    after: Mapping[str, Any],
    *,
    within: str | None = None,
    name: str | None = None,
) -> tuple[Effect, ...]:
    """An effect for each field that is to change: its present value, and the one in `after` (None: emptied).

    Values in `after` are what was asked, without ids made up on the way, so that the same call makes the same plan.
    """
    currency = getattr(thing, "currency", None)
    return tuple(
        Effect(
            kind=kind,
            id=thing_id,
            field=field,
            before=present(thing, field),
            after=plain_value(value),
            within=within,
            name=name if name is not None else (getattr(thing, "name", None) or ""),
            currency=currency,
        )
        for field, value in after.items()
    )


def kept_amount(switch: Effect, amount: Any) -> Iterable[Effect]:
    """The amount of a price of which the currency alone changes: in another currency it is another sum, which has
    other limits."""
    if amount is not None:
        yield replace(switch, field="amount", before=amount, after=amount, currency=switch.after)


def creation(
    kind: Kind, after: Mapping[str, Any], *, alike: Iterable[str], name: str, within: str | None = None
) -> Effect:
    """The effect of making a thing; `alike` are the ids of those that look the same already, by which one that was
    made without an answer is told from them."""
    return Effect(
        kind=kind,
        id=None,
        field=EXISTS,
        before=sorted(alike),
        after=dict(after),
        within=within,
        name=name,
        currency=after.get("currency"),
    )


def deletion(
    kind: Kind, thing_id: str, image: Mapping[str, Any], *, name: str, within: str | None = None
) -> Effect:
    """The effect of deleting a thing; `image` is what is needed to make it again, in the API's own words:

    product     {"product": …, "prices": […], "stores": {store id: its place in the display order or null}}
    price       {"price": …, "medias": the product's medias that belong to it}
    collection  {"collection": …, "members": [product ids in their order]}
    review      {"review": …}, without e-mail and phone of who wrote it
    """
    return Effect(
        kind=kind, id=thing_id, field=EXISTS, before=dict(image), after=None, within=within, name=name
    )


def as_told(thing: wire.Record) -> dict[str, Any]:
    """What the API told of a thing, by its own names."""
    return thing.model_dump(mode="python", by_alias=True, exclude_unset=True)
