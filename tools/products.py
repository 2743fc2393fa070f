"""Tools for products: the listings of a shop."""

from typing import Annotated, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from ..guard.plan import SHOWN_ITEMS, Plan
from ..products_api import models as wire
from ..products_api.errors import MissingScopeError
from . import sending, shapes, views
from .fields import (
    Detail,
    Id,
    Ids,
    Limit,
    LongText,
    Name,
    Offset,
    ProductRef,
    ProductType,
    SortOrder,
    StoreId,
    Text,
)
from .product_plans import Clearable, emptied, plan_create_product, plan_delete_product, plan_update_product
from .reading import changed_fields, listing, misses, product_details, product_view
from .records import Risk, Toolset, tool
from .shop import PAGE, Shop
from .text import counted, quoted


@tool(
    operation="GET /products/",
    title="List products",
    toolset=Toolset.PRODUCTS,
    risk=Risk.READ,
    open_world=False,
)
async def list_products(
    shop: Shop,
    *,
    search: Annotated[Text | None, Field(description="part of the name")] = None,
    collection_ids: Ids | None = None,
    collection_slug: Text | None = None,
    product_ids: Ids | None = None,
    store_id: StoreId | None = None,
    included_in_store: Annotated[bool | None, Field(description="needs store_id")] = None,
    available_in_store: Annotated[bool | None, Field(description="published or hidden")] = None,
    sort_order: Annotated[SortOrder | None, Field(description="by date")] = None,
    expand: list[Literal["tax", "stripe", "paypal"]] | None = None,
    limit: Limit = 25,
    offset: Offset = 0,
    detail: Detail = "concise",
) -> views.Listing[views.Product]:
    """Browse or search the catalog: what you sell, all products, items, listings or services, published or
    hidden. Finds a product's id by its name. Prices and stock are not here: see get_product and
    list_inventory."""
    if included_in_store is not None and store_id is None:
        raise ToolError(
            "`included_in_store` says in which store: give `store_id` with it, or leave both out."
        )
    page = await shop.api.list_products(
        search=search,
        collection_ids=collection_ids,
        collection_slug=collection_slug,
        product_ids=product_ids,
        store_id=store_id,
        included_in_store=included_in_store,
        available_in_store=available_in_store,
        sort_order=sort_order,
        expand=expand,
        limit=limit,
        offset=offset,
    )
    # What was asked to be expanded is no part of the concise view.
    items = [product_view(product, "full" if expand else detail) for product in page.items]
    if detail == "full":
        shop.note_what_lists_leave_out(page.items)
    return views.Listing[views.Product](**listing(page, items))


@tool(
    operation="GET /products/{productId}",
    title="Get a product",
    toolset=Toolset.PRODUCTS,
    risk=Risk.READ,
    open_world=False,
)
async def get_product(shop: Shop, *, product_id: ProductRef) -> views.ProductDetails:
    """Tell everything about one product, item or listing: description, images, variants (sizes, colours),
    what each costs, stock, SEO, collections."""
    product = await shop.api.get_product(product_id=product_id)
    # A slug is good for the product alone; its prices are under its id.
    try:
        page = await shop.api.list_prices(product_id=product.id, limit=PAGE, offset=0)
    except MissingScopeError as error:
        shop.note(f"Its prices and stock are not here. {error}")
        return product_details(product, None, None)
    if page.next_offset is not None:
        shop.note(f"Only the first {len(page.items)} prices are here; list_prices has the rest.")
    return product_details(product, page.items, page.total)


@tool(
    operation="POST /products/",
    title="Create a product",
    toolset=Toolset.PRODUCTS,
    risk=Risk.CREATE,
    open_world=False,
    plan=plan_create_product,
)
async def create_product(
    shop: Shop,
    plan: Plan,
    *,
    name: Name,
    product_type: ProductType,
    description: Annotated[LongText | None, Field(description="may be HTML")] = None,
    available_in_store: bool | None = None,
    variants: Annotated[
        list[shapes.Variant] | None, Field(description="e.g. Size with S, M; leave out ids")
    ] = None,
    image: Text | None = None,
    medias: list[shapes.Media] | None = None,
    collection_ids: list[Id] | None = None,
    slug: Name | None = None,
    seo: shapes.Seo | None = None,
    label: shapes.Label | None = None,
    statement_descriptor: Text | None = None,
    taxes: Annotated[list[Id] | None, Field(description="tax ids")] = None,
    automatic_tax_category_id: Id | None = None,
    tax_inclusive: bool | None = None,
) -> views.CreatedProduct:
    """Add a new product, item, service, download or listing to sell. It can be bought once it has a price:
    call create_price, for each variant combination with the option ids returned here."""
    fields = sending.given(
        name=name,
        product_type=product_type,
        description=description,
        available_in_store=available_in_store,
        variants=sending.variants(variants),
        image=image,
        medias=sending.media(medias),
        collection_ids=collection_ids,
        slug=slug,
        seo=seo,
        label=label,
        statement_descriptor=statement_descriptor,
        taxes=taxes,
        automatic_tax_category_id=automatic_tax_category_id,
        tax_inclusive=tax_inclusive,
    )
    fields |= sending.switches(label, None, taxes, None)
    new = wire.NewProduct(**fields)
    answered = await shop.api.create_product(product=new)
    shop.made_new("product", answered.id)
    product, not_applied = await shop.made(
        answered, new, lambda: shop.api.get_product(product_id=answered.id)
    )
    shop.note("It has no price yet, so it cannot be bought: call create_price.")
    _note_all(shop, plan)
    details = product_details(product, (), None).model_dump(exclude_none=True)
    return views.CreatedProduct.model_validate({**details, "not_applied": not_applied})


def _note_all(shop: Shop, plan: Plan) -> None:
    for line in plan.state["notes"]:
        shop.note(line)


@tool(
    operation="PUT /products/{productId}",
    title="Update a product",
    toolset=Toolset.PRODUCTS,
    risk=Risk.UPDATE,
    idempotent=True,
    open_world=False,
    plan=plan_update_product,
    asks=True,
)
async def update_product(
    shop: Shop,
    plan: Plan,
    *,
    product_id: ProductRef,
    name: Name | None = None,
    product_type: ProductType | None = None,
    description: LongText | None = None,
    available_in_store: bool | None = None,
    variants: list[shapes.Variant] | None = None,
    image: Text | None = None,
    medias: list[shapes.Media] | None = None,
    collection_ids: list[Id] | None = None,
    slug: Name | None = None,
    seo: shapes.Seo | None = None,
    label: shapes.Label | None = None,
    is_label_enabled: bool | None = None,
    statement_descriptor: Text | None = None,
    taxes: list[Id] | None = None,
    is_taxes_enabled: bool | None = None,
    automatic_tax_category_id: Id | None = None,
    tax_inclusive: bool | None = None,
    clear: Annotated[list[Clearable] | None, Field(description="fields to empty")] = None,
) -> views.ChangedProduct:
    """Edit one product or listing: rename it, rewrite the description, change pictures, SEO or badge,
    publish, unpublish or hide it. What is left out stays; a list replaces the whole list. What it costs and
    stock: update_price."""
    product_id = plan.state["id"]  # what was agreed to, which a slug might not name any more
    former = [wire.Variant.model_validate(variant) for variant in plan.state["variants"] or ()]
    fields = sending.given(
        name=name,
        product_type=product_type,
        description=description,
        available_in_store=available_in_store,
        variants=sending.variants(variants, former),
        image=image,
        medias=sending.media(medias, plan.state["medias"] or ()),
        collection_ids=collection_ids,
        slug=slug,
        seo=seo,
        label=label,
        statement_descriptor=statement_descriptor,
        taxes=taxes,
        automatic_tax_category_id=automatic_tax_category_id,
        tax_inclusive=tax_inclusive,
    )
    fields |= sending.switches(label, is_label_enabled, taxes, is_taxes_enabled)
    fields |= emptied(clear, fields)
    change = await shop.api.update_product(product_id=product_id, changes=wire.ProductChanges(**fields))
    after = shop.settled(change)
    _note_all(shop, plan)
    if losing := plan.state["losing"]:
        names = ", ".join(map(quoted, losing[:SHOWN_ITEMS]))
        shop.note(
            f"{counted(len(losing), 'price')} without a variant now: {names}. delete_price removes them."
        )
    return views.ChangedProduct(
        product=product_view(after, "concise"),
        changed=changed_fields(change.before, after) if change.after else None,
        not_applied=misses(change.not_applied),
        lost=misses(change.lost),
    )


@tool(
    operation="DELETE /products/{productId}",
    title="Delete a product",
    toolset=Toolset.PRODUCTS,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_delete_product,
)
async def delete_product(shop: Shop, plan: Plan, *, product_id: ProductRef) -> views.Deleted:
    """Delete, remove or get rid of one product or item for good; its prices and stock are expected to go with
    it. Only to take it off sale: update_product."""
    del product_id  # the plan names the product that the person agreed to, which a slug might not any more
    found = plan.state["id"]
    await shop.api.delete_product(product_id=found)
    gone = await shop.gone(lambda: shop.api.get_product(product_id=found))
    return views.Deleted(deleted=gone, id=found, name=plan.state["name"])
