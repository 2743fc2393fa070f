"""Tools for collections: the categories that products are in."""

import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Literal, cast

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from ..guard.approval import NOTHING_CHANGED
from ..guard.plan import Plan, PlanItem
from ..products_api import models as wire
from . import sending, shapes, views
from .fields import Detail, Id, Ids, Limit, Name, Offset, Text
from .reading import collection_view, listing, product_view
from .records import Risk, Toolset, tool
from .shop import PAGE, Shop, refuse_repeated
from .text import quoted

Members = Annotated[list[Id], Field(max_length=500, description="all members, of a manual one")]
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
) -> views.CollectionDetails:
    """Make a new category, group or section (collection) of products, filled by hand or by rules."""
    made = slug or slug_of(name)
    if not made:
        raise ToolError(
            f"The name has no letters or digits to make a slug from. {NOTHING_CHANGED} Give `slug`."
        )
    kind = type or ("smart" if rules else "manual" if product_ids else None)
    fields = sending.given(
        name=name, slug=made, type=kind, product_ids=product_ids, rules=rules, image=image, seo=seo
    )
    if product_ids:
        await shop.products(product_ids)
    collection = await shop.api.create_collection(collection=wire.NewCollection(**fields))
    if product_ids:
        members = await shop.check(lambda: _members(shop, collection.id))
        if members is not None and (left_out := [key for key in product_ids if key not in members]):
            shop.note(f"The collection is there, but not these products in it: {', '.join(left_out)}.")
    return views.CollectionDetails.model_validate(collection_view(collection).model_dump(exclude_none=True))


def slug_of(name: str) -> str:
    """The part of an address that a name makes: `Summer Sale!` gives `summer-sale`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:200].strip("-")


async def plan_update_collection(
    shop: Shop, *, collection_id: str, product_ids: list[str] | None, **others: object
) -> Plan | None:
    """Products that come and go; other fields need nobody's consent."""
    del others
    if product_ids is None:
        return None
    refuse_repeated("product_ids", product_ids)
    collection = await shop.collection(collection_id)
    present = await _members(shop, collection_id)
    added = await shop.products([key for key in product_ids if key not in present])
    removed = [item for key, item in present.items() if key not in product_ids]
    return Plan(
        action=f"Change the products of the collection {quoted(collection.name or collection_id)}: "
        f"{len(added)} come in, {len(removed)} leave",
        items=(
            *(PlanItem(label=f"in: {shop.named(product)}") for product in added.values()),
            *(PlanItem(label=f"out: {shop.named(product)}") for product in removed),
        ),
        also=("It is a smart collection: its rules choose its products, so this may have no effect.",)
        if collection.type == "smart"
        else (),
        state={"collection": collection.id, "members": sorted(present)},
    )


async def _members(shop: Shop, collection_id: str) -> dict[str, wire.Product]:
    members: dict[str, wire.Product] = {}
    offset: int | None = 0
    while offset is not None:
        page = await shop.api.list_collection_products(collection_id=collection_id, limit=PAGE, offset=offset)
        if page.fallback:
            shop.note(page.fallback)
        members |= {product.id: product for product in page.items}
        offset = page.next_offset
    return members


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
    products it contains. What is left out stays. Replacing its products asks a person first."""
    del plan
    fields = sending.given(name=name, slug=slug, product_ids=product_ids, rules=rules, image=image, seo=seo)
    sending.refuse_no_change(fields)
    before = await shop.collection(collection_id)
    if seo is not None:
        # The API replaces the object as a whole.
        fields["seo"] = sending.known_members(before.seo) | fields["seo"]
    await shop.api.update_collection(collection_id=collection_id, changes=wire.CollectionChanges(**fields))

    async def compare() -> tuple[list[views.FieldChange], list[views.FieldMiss]]:
        after = await shop.collection(collection_id)
        old, new = collection_view(before).model_dump(), collection_view(after).model_dump()
        misses = [
            views.FieldMiss(field=key, expected=value, found=new[key])
            for key, value in fields.items()
            if key != "product_ids" and not _holds(new[key], value)
        ]
        if product_ids is not None:
            members = list(await _members(shop, collection_id))
            if set(members) != set(product_ids):
                misses.append(views.FieldMiss(field="product_ids", expected=product_ids, found=members))
        changed = [
            views.FieldChange(field=key, before=old[key], after=new[key])
            for key in new
            if old[key] != new[key] and key not in {"updated_at", "other"}
        ]
        return changed, misses

    checked = await shop.check(compare)
    changed, misses = checked or ([], [])
    return views.ChangedCollection(
        done=checked is not None and not misses,
        collection_id=collection_id,
        changed=changed,
        not_applied=misses or None,
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
    return views.Deleted(deleted=True, id=collection_id, name=plan.state["name"])
