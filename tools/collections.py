"""Tools for collections: the categories that products are in."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from ..guard.approval import NOTHING_CHANGED
from ..guard.plan import Plan, PlanItem
from ..products_api import models as wire
from ..products_api.errors import RouteUnavailableError, ValidationFailedError
from . import sending, shapes, views
from .fields import Detail, Id, Ids, Limit, Name, Offset, Text
from .reading import changed_fields, collection_view, listing, misses, product_view
from .records import Risk, Toolset, tool
from .results import plain
from .shop import Shop, refuse_repeated
from .text import one_line, quoted

Members = Annotated[list[Id], Field(max_length=500, description="all members, of a manual one")]
FIELDS = ("name", "slug", "type", "image", "seo", "rules")
"""What of a collection can be set and shows when it is read alone."""
RULES_UNDOCUMENTED = (
    "The API does not document how the conditions of a rule are spelled: check with list_collection_products that "
    "it holds what it should."
)
LONGEST_RULES = 600
_NOT_EVERYWHERE = {"type": "type", "product_ids": "productIds", "rules": "rules"}
"""Fields, with their names in a request, that not every description of the API has."""
Slug = Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=200)]


@tool(
    operation="GET /products/collections",
    title="List collections",
    toolset=Toolset.COLLECTIONS,
    risk=Risk.READ,
    open_world=False,
)
async def list_collections(
    shop: Shop,
    *,
    name: Text | None = None,
    collection_ids: Ids | None = None,
    limit: Limit = 25,
    offset: Offset = 0,
    detail: Detail = "concise",
) -> views.Listing[views.Collection]:
    """List the categories, groups or sections (collections) that products are sorted into. Finds a
    collection's id by its name."""
    page = await shop.api.list_collections(
        name=name, collection_ids=collection_ids, limit=limit, offset=offset
    )
    items = [collection_view(collection, detail) for collection in page.items]
    return views.Listing[views.Collection](**listing(page, items))


@tool(
    operation="GET /products/collections/{collectionId}",
    title="Get a collection",
    toolset=Toolset.COLLECTIONS,
    risk=Risk.READ,
    open_world=False,
)
async def get_collection(shop: Shop, *, collection_id: Id) -> views.CollectionDetails:
    """Show the details of one category or group (collection): slug or web address, image, SEO, the rule by
    which it picks items."""
    collection = await shop.collection(collection_id)
    return views.CollectionDetails.model_validate(collection_view(collection).model_dump(exclude_none=True))


@tool(
    operation="GET /products/collections/{collectionId}/products",
    title="List a collection's products",
    toolset=Toolset.COLLECTIONS,
    risk=Risk.READ,
    open_world=False,
)
async def list_collection_products(
    shop: Shop, *, collection_id: Id, limit: Limit = 25, offset: Offset = 0, detail: Detail = "concise"
) -> views.Listing[views.Product]:
    """List which items or products are in, or belong to, one category or group (collection)."""
    page = await shop.api.list_collection_products(collection_id=collection_id, limit=limit, offset=offset)
    if page.fallback:
        shop.note(page.fallback)
    if detail == "full":
        shop.note_what_lists_leave_out(page.items)
    items = [product_view(product, detail) for product in page.items]
    return views.Listing[views.Product](**listing(page, items))


@tool(
    operation="POST /products/collections",
    title="Create a collection",
    toolset=Toolset.COLLECTIONS,
    risk=Risk.CREATE,
    open_world=False,
)
async def create_collection(
    shop: Shop,
    *,
    name: Name,
    slug: Annotated[Slug | None, Field(description="made from the name if left out")] = None,
    type: Literal["manual", "smart"] | None = None,
    product_ids: Members | None = None,
    rules: Annotated[shapes.Rules | None, Field(description="of a smart one")] = None,
    image: Text | None = None,
    seo: shapes.Seo | None = None,
) -> views.CreatedCollection:
    """Make a new category, group or section (collection) of products, filled by hand or by rules."""
    made = slug or slug_of(name)
    if not made:
        raise ToolError(
            f"The name has no letters or digits to make a slug from. {NOTHING_CHANGED} Give `slug`."
        )
    if rules and type == "manual":
        raise ToolError(f"`rules` go with type smart, not manual. {NOTHING_CHANGED}")
    kind = type or ("smart" if rules else "manual" if product_ids else None)
    fields = sending.given(
        name=name, slug=made, type=kind, product_ids=product_ids, rules=rules, image=image, seo=seo
    )
    if product_ids:
        await shop.products(product_ids)
    try:
        collection = await shop.api.create_collection(collection=wire.NewCollection(**fields))
    except ValidationFailedError as error:
        _tell_the_way_round(error, fields)
        raise
    if rules:
        shop.note(RULES_UNDOCUMENTED)
    if type is None:
        # Made up here, so it is no news if the API does not keep it.
        fields.pop("type", None)
    found = await shop.check(lambda: shop.collection(collection.id))
    not_applied = _misses(found, fields) if found else []
    if product_ids:
        not_applied += await shop.check(lambda: _member_misses(shop, collection.id, product_ids)) or []
    return views.CreatedCollection(
        **collection_view(found or collection).model_dump(exclude_none=True), not_applied=not_applied or None
    )


def _tell_the_way_round(error: ValidationFailedError, fields: Mapping[str, object]) -> None:
    """Say with the refusal of a field that this account does not have what to do instead."""
    refused = [
        f"`{name}`"
        for name, sent in _NOT_EVERYWHERE.items()
        if name in fields
        and any(f"property {sent} should not exist" in message for message in error.messages)
    ]
    if refused:
        error.next_step = (
            f"This account does not know {' and '.join(refused)} of a collection: leave `product_ids`, `rules` and "
            "`type` out, then put products in with bulk_assign_collections. Rules are made in the web app."
        )


def slug_of(name: str) -> str:
    """The part of an address that a name makes: `Summer Sale!` gives `summer-sale`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:200].strip("-")


async def plan_update_collection(
    shop: Shop,
    *,
    collection_id: str,
    product_ids: list[str] | None,
    rules: shapes.Rules | None,
    **others: object,
) -> Plan | None:
    """Products that come and go, or the rules that choose them; other fields need nobody's consent."""
    del others
    if product_ids is None and rules is None:
        return None
    refuse_repeated("product_ids", product_ids or ())
    collection = await shop.collection(collection_id)
    named = quoted(collection.name or collection_id)
    smart = collection.type == "smart"
    if rules is not None and collection.type == "manual":
        raise ToolError(
            f"The collection {named} is a manual one: its products are chosen by hand, and rules have no place in it. "
            f"{NOTHING_CHANGED} Give `product_ids`, or make a smart collection with create_collection."
        )
    actions: list[str] = []
    items: list[PlanItem] = []
    also: list[str] = []
    present: dict[str, wire.Product] = {}
    if product_ids is not None:
        present = await _members(shop, collection_id)
        added = await shop.products([key for key in product_ids if key not in present])
        removed = [item for key, item in present.items() if key not in product_ids]
        actions.append(
            f"Change the products of the collection {named}: {len(added)} come in, {len(removed)} leave"
        )
        items += [PlanItem(label=f"in: {shop.named(product)}") for product in added.values()]
        items += [PlanItem(label=f"out: {shop.named(product)}") for product in removed]
        if smart:
            also.append(
                "It is a smart collection: its rules choose its products, so this may have no effect."
            )
    if rules is not None:
        actions.append(f"Change the rules by which the collection {named} chooses its products")
        items.insert(
            0, PlanItem(label="rules", before=_rules_text(collection.rules), after=_rules_text(rules))
        )
        also.append("Which products come in or leave by that cannot be told beforehand.")
    return Plan(
        action=". ".join(actions),
        items=tuple(items),
        also=tuple(also),
        state={
            "collection": collection.id,
            "members": sorted(present),
            "rules": [each.model_dump() if each else None for each in (collection.rules, rules)],
        },
    )


def _rules_text(rules: wire.Rules | shapes.Rules | None) -> str | None:
    if rules is None:
        return None
    return one_line(json.dumps(plain(rules.model_dump(exclude_none=True)), ensure_ascii=False), LONGEST_RULES)


async def _members(shop: Shop, collection_id: str) -> dict[str, wire.Product]:
    members = await shop.api.walk_collection_products(collection_id=collection_id)
    if members.fallback:
        shop.note(members.fallback)
    return {product.id: product for product in members.items}


async def _member_misses(shop: Shop, collection_id: str, product_ids: Iterable[str]) -> list[views.FieldMiss]:
    """Whether a collection holds these products and no others."""
    expected, found = list(product_ids), list(await _members(shop, collection_id))
    if set(found) == set(expected):
        return []
    return [views.FieldMiss(field="product_ids", expected=expected, found=found)]


def _misses(collection: wire.Collection, expected: Mapping[str, Any]) -> list[views.FieldMiss]:
    """Fields that do not show the expected value."""
    found = collection_view(collection).model_dump(exclude_none=True)
    differences = [
        wire.FieldDifference(key, expected[key], found.get(key))
        for key in FIELDS
        if key in expected and not _holds(found.get(key), expected[key])
    ]
    return misses(differences) or []


@tool(
    operation="PUT /products/collections/{collectionId}",
    title="Update a collection",
    toolset=Toolset.COLLECTIONS,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_update_collection,
)
async def update_collection(
    shop: Shop,
    plan: Plan | None,
    *,
    collection_id: Id,
    name: Name | None = None,
    slug: Slug | None = None,
    product_ids: Members | None = None,
    rules: shapes.Rules | None = None,
    image: Text | None = None,
    seo: shapes.Seo | None = None,
) -> views.ChangedCollection:
    """Rename a category or group (collection), change its picture, slug, SEO or rules, or set exactly which
    products it contains. What is left out stays. Changing its products or rules asks a person first."""
    del plan
    fields = sending.given(name=name, slug=slug, product_ids=product_ids, rules=rules, image=image, seo=seo)
    sending.refuse_no_change(fields)
    before = await shop.collection(collection_id)
    if seo is not None:
        # The API replaces the object as a whole.
        fields["seo"] = sending.known_members(before.seo) | fields["seo"]
    try:
        await shop.api.update_collection(
            collection_id=collection_id, changes=wire.CollectionChanges(**fields)
        )
    except ValidationFailedError as error:
        _tell_the_way_round(error, fields)
        raise
    if rules is not None:
        shop.note(RULES_UNDOCUMENTED)

    async def compare() -> views.ChangedCollection:
        after = await shop.collection(collection_id)
        not_applied = _misses(after, fields)
        if product_ids is not None:
            not_applied += await _member_misses(shop, collection_id, product_ids)
        had = collection_view(before).model_dump(exclude_none=True)
        lost = _misses(after, {key: had[key] for key in had if key not in fields})
        return views.ChangedCollection(
            done=not not_applied and not lost,
            collection_id=collection_id,
            changed=changed_fields(before, after),
            not_applied=not_applied or None,
            lost=lost or None,
        )

    return await shop.check(compare) or views.ChangedCollection(
        done=False, collection_id=collection_id, changed=[]
    )


def _holds(found: object, asked: object) -> bool:
    """Whether what was asked is there; the API may add to objects."""
    if isinstance(asked, dict):
        wanted = cast("dict[str, object]", asked)
        there = cast("dict[str, object]", found) if isinstance(found, dict) else {}
        return all(_holds(there.get(key), value) for key, value in wanted.items())
    if isinstance(asked, list):
        items = cast("list[object]", asked)
        listed = cast("list[object]", found) if isinstance(found, list) else []
        return len(items) == len(listed) and all(map(_holds, listed, items))
    if isinstance(asked, float) and isinstance(found, Decimal):
        # The number in a rule comes as a float and is read back with exactly its digits.
        return found == Decimal(repr(asked))
    return found == asked


async def plan_delete_collection(shop: Shop, *, collection_id: str) -> Plan:
    """What a collection holds."""
    collection = await shop.collection(collection_id)
    members = await _members(shop, collection_id)
    return Plan(
        action=f"Delete the collection {quoted(collection.name or collection_id)} (id {collection_id})",
        items=tuple(PlanItem(label=shop.named(product)) for product in members.values()),
        also=(f"Its {len(members)} product(s) stay in the catalog and lose this collection.",),
        lasting="a collection made again has a new id, so links to this one break.",
        state={"name": collection.name, "members": sorted(members)},
    )


@tool(
    operation="DELETE /products/collections/{collectionId}",
    title="Delete a collection",
    toolset=Toolset.COLLECTIONS,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_delete_collection,
)
async def delete_collection(shop: Shop, plan: Plan, *, collection_id: Id) -> views.Deleted:
    """Delete or remove a category, group or section (collection) for good; its products are kept. A person
    is asked first."""
    await shop.api.delete_collection(collection_id=collection_id)

    async def look() -> wire.Collection | None:
        try:
            return await shop.api.get_collection(collection_id=collection_id)
        except RouteUnavailableError:
            page = await shop.api.list_collections(collection_ids=[collection_id], limit=1, offset=0)
        return next((item for item in page.items if item.id == collection_id), None)

    return views.Deleted(deleted=await shop.gone(look), id=collection_id, name=plan.state["name"])
