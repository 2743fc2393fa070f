"""What making, changing and deleting a collection will do, read from the shop beforehand."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, cast

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.plan import Effect, Plan, PlanItem
from ..guard.question import NOTHING_CHANGED
from ..products_api import models as wire
from . import sending, shapes
from .effects import as_told, changes, creation, deletion, plain_value
from .field_words import item_of
from .results import plain
from .shop import Shop, refuse_repeated
from .text import counted, one_line, quoted

LONGEST_VALUE = 600
RULES_WEIGHT, FIELD_WEIGHT, LEAVING_WEIGHT = 3, 2, 1
"""What a person should see first: new rules move unknown products, and one that leaves is missed more than one
that comes in."""


def new_fields(
    *,
    name: str,
    slug: str | None,
    type: Literal["manual", "smart"] | None,
    product_ids: list[str] | None,
    rules: shapes.Rules | None,
    image: str | None,
    seo: shapes.Seo | None,
) -> dict[str, Any]:
    """The fields of a collection to make, with the slug and the type that go with what was given.

    Raises:
        ToolError: no slug can be made, or rules for a collection that is filled by hand.
    """
    made = slug or slug_of(name)
    if not made:
        raise ToolError(
            f"The name has no letters or digits to make a slug from. {NOTHING_CHANGED} Give `slug`."
        )
    if rules and type == "manual":
        raise ToolError(f"`rules` go with type smart, not manual. {NOTHING_CHANGED}")
    kind = type or ("smart" if rules else "manual" if product_ids else None)
    return sending.given(
        name=name, slug=made, type=kind, product_ids=product_ids, rules=rules, image=image, seo=seo
    )


def slug_of(name: str) -> str:
    """The part of an address that a name makes: `Summer Sale!` gives `summer-sale`."""
    plain_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain_name.lower()).strip("-")[:200].strip("-")


async def plan_create_collection(
    shop: Shop,
    *,
    name: str,
    slug: str | None,
    type: Literal["manual", "smart"] | None,
    product_ids: list[str] | None,
    rules: shapes.Rules | None,
    image: str | None,
    seo: shapes.Seo | None,
) -> Plan:
    """The collection as it will be made, and which ones have its name or its slug already."""
    fields = new_fields(
        name=name, slug=slug, type=type, product_ids=product_ids, rules=rules, image=image, seo=seo
    )
    members = fields.pop("product_ids", None)
    products = await shop.products(members) if members else {}
    alike = [
        collection.id
        async for collection in shop.api.iterate_collections()
        if collection.name == name or collection.slug == fields["slug"]
    ]
    after = _exact(fields) | ({} if members is None else {"members": sorted(members)})
    shown = {key: value for key, value in fields.items() if key != "name"}
    return Plan(
        action=f"Create the collection {quoted(name)}",
        items=(
            *(PlanItem(label=f"{key} {_words(value)}", weight=FIELD_WEIGHT) for key, value in shown.items()),
            *(PlanItem(label=f"in: {shop.named(product)}") for product in products.values()),
        ),
        also=(f"With this name or slug there is already: {counted(len(alike), 'collection')}.",)
        if alike
        else (),
        effects=(creation("collection", after, alike=alike, name=name),),
        asks=False,
        target=name,
    )


async def plan_update_collection(
    shop: Shop,
    *,
    collection_id: str,
    name: str | None,
    slug: str | None,
    product_ids: list[str] | None,
    rules: shapes.Rules | None,
    image: str | None,
    seo: shapes.Seo | None,
) -> Plan:
    """Fields that change, products that come and go; only products and rules need a person's consent."""
    fields = sending.given(rules=rules, name=name, slug=slug, image=image, seo=seo)
    sending.refuse_no_change(fields if product_ids is None else {**fields, "product_ids": product_ids})
    refuse_repeated("product_ids", product_ids or ())
    collection = await shop.collection(collection_id)
    named = quoted(collection.name or collection_id)
    if rules is not None and collection.type == "manual":
        raise ToolError(
            f"The collection {named} is a manual one: its products are chosen by hand, and rules have no place in it. "
            f"{NOTHING_CHANGED} Give `product_ids`, or make a smart collection with create_collection."
        )
    effects = list(changes("collection", collection, collection_id, _exact(fields)))
    items = [_field_item(effect) for effect in effects]
    actions: list[str] = []
    also: list[str] = []
    if product_ids is not None:
        present = await members_of(shop, collection_id)
        added = await shop.products([key for key in product_ids if key not in present])
        removed = [item for key, item in present.items() if key not in product_ids]
        actions.append(
            f"Change the products of the collection {named}: {len(added)} come in, {len(removed)} leave"
        )
        items += [PlanItem(label=f"in: {shop.named(product)}") for product in added.values()]
        items += [PlanItem(label=f"out: {shop.named(product)}", weight=LEAVING_WEIGHT) for product in removed]
        effects.append(
            Effect(
                kind="collection",
                id=collection_id,
                field="members",
                before=list(present),
                after=list(product_ids),
                name=collection.name or "",
            )
        )
        if collection.type == "smart":
            also.append(
                "It is a smart collection: its rules choose its products, so this may have no effect."
            )
    if rules is not None:
        actions.append(f"Change the rules by which the collection {named} chooses its products")
        also.append("Which products come in or leave by that cannot be told beforehand.")
    if others := [key for key in fields if key != "rules"]:
        actions.append(f"Change {', '.join(others)} of the collection {named}")
    if slug is not None and slug != collection.slug:
        also.append("Links to its former address may break.")
    return Plan(
        action=". ".join(actions),
        items=tuple(items),
        also=tuple(also),
        effects=tuple(effects),
        asks=product_ids is not None or rules is not None,
        target=_target(collection),
        state={"collection": _held(collection)},
    )


async def plan_delete_collection(shop: Shop, *, collection_id: str) -> Plan:
    """What a collection is and holds."""
    collection = await shop.collection(collection_id)
    members = await members_of(shop, collection_id)
    image = {"collection": as_told(collection), "members": list(members)}
    return Plan(
        action=f"Delete the collection {quoted(collection.name or collection_id)} (id {collection_id})",
        items=tuple(PlanItem(label=shop.named(product)) for product in members.values()),
        also=(f"Its {len(members)} product(s) stay in the catalog and lose this collection.",),
        lasting="a collection made again has a new id, so links to this one break.",
        effects=(deletion("collection", collection_id, image, name=collection.name or ""),),
        target=_target(collection),
    )


async def members_of(shop: Shop, collection_id: str) -> dict[str, wire.Product]:
    """The products of a collection by id, in its order."""
    members = await shop.api.walk_collection_products(collection_id=collection_id)
    if members.fallback:
        shop.note(members.fallback)
    return {product.id: product for product in members.items}


def collection_before(plan: Plan) -> wire.Collection:
    """The collection as the plan of its update has read it."""
    return wire.Collection.model_validate(plan.state["collection"])


def _held(collection: wire.Collection) -> dict[str, Any]:
    """What an update is held against: all that is known by name but when it was changed last."""
    names = set(type(collection).model_fields) - {"updated_at", "location_id"}
    return collection.model_dump(include=names, exclude_none=True)


def _target(collection: wire.Collection) -> str | None:
    return one_line(collection.name or "", LONGEST_VALUE) or None


def _field_item(effect: Effect) -> PlanItem:
    """A field before and after; of an object that is given in part, those members alone."""
    before: Any = effect.before
    if effect.field == "seo" and isinstance(before, Mapping):
        asked = cast("Mapping[str, Any]", effect.after)
        before = {key: value for key, value in cast("Mapping[str, Any]", before).items() if key in asked}
    weight = RULES_WEIGHT if effect.field == "rules" else FIELD_WEIGHT
    before_words, after_words = _words(before), _words(effect.after)
    differ = before != effect.after
    return item_of(effect.field, before_words, after_words, differ=differ, weight=weight)


def _words(value: object) -> str | None:
    if value is None or value in ("", {}):
        return None
    text = value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)
    return one_line(text, LONGEST_VALUE)


def _exact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with the numbers of conditions, the only ones that come as floats, by exactly their digits."""
    return {key: _with_decimals(plain_value(value)) for key, value in fields.items()}


def _with_decimals(value: object) -> object:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {key: _with_decimals(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_with_decimals(item) for item in cast("Sequence[object]", value)]
    return value
