"""Tools for collections: the categories that products are in."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from ..guard.plan import Plan
from ..products_api import models as wire
from ..products_api.errors import RouteUnavailableError, ValidationFailedError
from . import sending, shapes, views
from .collection_plans import (
    collection_before,
    members_of,
    new_fields,
    plan_create_collection,
    plan_delete_collection,
    plan_update_collection,
)
from .fields import Detail, Id, Ids, Limit, Name, Offset, Text
from .reading import changed_fields, collection_view, listing, misses, product_view
from .records import Risk, Toolset, tool
from .shop import Shop

Members = Annotated[list[Id], Field(max_length=500, description="all members, of a manual one")]
FIELDS = ("name", "slug", "type", "image", "seo", "rules")
"""What of a collection can be set and shows when it is read alone."""
RULES_UNDOCUMENTED = (
    "The API does not document how the conditions of a rule are spelled: check with list_collection_products that "
    "it holds what it should."
)
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
    plan=plan_create_collection,
)
async def create_collection(
    shop: Shop,
    plan: Plan,
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
    del plan
    fields = new_fields(
        name=name, slug=slug, type=type, product_ids=product_ids, rules=rules, image=image, seo=seo
    )
    try:
        collection = await shop.api.create_collection(collection=wire.NewCollection(**fields))
    except ValidationFailedError as error:
        _tell_the_way_round(error, fields)
        raise
    shop.made_new("collection", collection.id)
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


async def _member_misses(shop: Shop, collection_id: str, product_ids: Iterable[str]) -> list[views.FieldMiss]:
    """Whether a collection holds these products and no others."""
    expected, found = list(product_ids), list(await members_of(shop, collection_id))
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
    plan: Plan,
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
    products it contains. What is left out stays."""
    fields = sending.given(name=name, slug=slug, product_ids=product_ids, rules=rules, image=image, seo=seo)
    before = collection_before(plan)
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
    """Delete or remove a category, group or section (collection) for good; its products are kept."""
    await shop.api.delete_collection(collection_id=collection_id)

    async def look() -> wire.Collection | None:
        try:
            return await shop.api.get_collection(collection_id=collection_id)
        except RouteUnavailableError:
            page = await shop.api.list_collections(collection_ids=[collection_id], limit=1, offset=0)
        return next((item for item in page.items if item.id == collection_id), None)

    return views.Deleted(deleted=await shop.gone(look), id=collection_id, name=plan.effects[0].name or None)
