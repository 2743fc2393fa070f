"""Tools for products: the listings of a shop."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from ..guard.plan import SHOWN_ITEMS, Plan, PlanItem
from ..products_api import models as wire
from ..products_api.errors import MissingScopeError, ProductsApiError
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
from .money import stock_and_price
from .reading import changed_fields, listing, misses, product_details, product_view
from .records import Risk, Toolset, tool
from .shop import PAGE, Shop
from .text import counted, quoted

Clearable = Literal[
    "description", "image", "seo", "label", "statement_descriptor", "automatic_tax_category_id"
]


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
)
async def create_product(
    shop: Shop,
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
    holder = await _holder_of_slug(shop, slug)
    new = wire.NewProduct(**fields)
    answered = await shop.api.create_product(product=new)
    product, not_applied = await shop.made(
        answered, new, lambda: shop.api.get_product(product_id=answered.id)
    )
    shop.note("It has no price yet, so it cannot be bought: call create_price.")
    _note_shared_slug(shop, product.id, holder)
    details = product_details(product, (), None).model_dump(exclude_none=True)
    return views.CreatedProduct.model_validate({**details, "not_applied": not_applied})


async def _holder_of_slug(shop: Shop, slug: str | None) -> wire.Product | None:
    """The product that has the slug already, as far as that can be read: the API lets several share one."""
    if slug is None:
        return None
    try:
        return await shop.api.get_product(product_id=slug)
    except ProductsApiError:
        return None


def _note_shared_slug(shop: Shop, product_id: str, holder: wire.Product | None) -> None:
    if holder is not None and holder.id != product_id:
        shop.note(
            f"{shop.named(holder)} (id {holder.id}) has the same slug: its address opens only one of them, reportedly "
            "the older. Give one another slug."
        )


async def plan_update_product(
    shop: Shop,
    *,
    product_id: str,
    available_in_store: bool | None,
    variants: list[shapes.Variant] | None,
    clear: list[Clearable] | None,
    **others: Any,
) -> Plan | None:
    """What customers would lose: the product, or variants that prices are of. Without that nobody is asked."""
    hides = available_in_store is False
    if not hides and variants is None:
        return None
    fields = sending.given(available_in_store=available_in_store, variants=variants, **others)
    _emptied(clear, fields)
    product = await shop.api.get_product(product_id=product_id)
    hides = hides and product.available_in_store is not False
    losing = await _losing_their_variant(shop, product, variants)
    if not hides and not losing:
        return None
    named = f"{quoted(product.name or product.id)} (id {product.id})"
    actions = ["Hide"] if hides else []
    actions += [f"take the variants of {counted(len(losing), 'price')} from"] if losing else []
    shown = "unknown" if product.available_in_store is None else "shown"
    action = f"{' and '.join(actions)} the product {named}"
    others_named = [name for name in fields if name not in {"available_in_store", "variants"}]
    also = ["These prices stay, without a variant; delete_price removes them."] if losing else []
    also += (
        [f"Changed with it: {', '.join([*others_named, *(clear or ())])}."] if others_named or clear else []
    )
    return Plan(
        action=action[0].upper() + action[1:],
        items=(
            *((PlanItem(label="In the store", before=shown, after="hidden"),) if hides else ()),
            *(PlanItem(label=f"Loses its variant: {stock_and_price(price)}") for price in losing),
        ),
        also=tuple(also),
        state={"id": product.id, "losing": [price.name or price.id for price in losing]},
    )


async def _losing_their_variant(
    shop: Shop, product: wire.Product, variants: list[shapes.Variant] | None
) -> list[wire.Price]:
    """Prices that point at an option which the product would not have any more."""
    if variants is None:
        return []
    made = sending.variants(variants, product.variants) or ()
    kept = {option["id"] for variant in made for option in variant["options"]}
    gone = {option.id for variant in product.variants or () for option in variant.options or ()} - kept
    if not gone:
        return []
    return [price for price in await shop.prices_of(product.id) if gone & set(price.variant_option_ids or ())]


@tool(
    operation="PUT /products/{productId}",
    title="Update a product",
    toolset=Toolset.PRODUCTS,
    risk=Risk.UPDATE,
    idempotent=True,
    open_world=False,
    plan=plan_update_product,
)
async def update_product(
    shop: Shop,
    plan: Plan | None,
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
    publish, unpublish or hide it. What is left out stays; a list replaces the whole list. A person is asked
    first when it hides the product or drops options that have prices. What it costs and stock: update_price."""
    if plan is not None:
        product_id = plan.state["id"]  # what the person agreed to, which a slug might not name any more
    present = None
    if variants is not None or medias is not None:
        present = await shop.api.get_product(product_id=product_id)
    fields = sending.given(
        name=name,
        product_type=product_type,
        description=description,
        available_in_store=available_in_store,
        variants=sending.variants(variants, present.variants if present else None),
        image=image,
        medias=sending.media(medias, [sending.known_members(item) for item in present.medias or ()])
        if present
        else None,
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
    fields |= _emptied(clear, fields)
    sending.refuse_no_change(fields)
    holder = await _holder_of_slug(shop, slug)
    change = await shop.api.update_product(product_id=product_id, changes=wire.ProductChanges(**fields))
    after = shop.settled(change)
    _note_shared_slug(shop, after.id, holder)
    if plan is not None and (losing := plan.state["losing"]):
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


def _emptied(clear: list[Clearable] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields to empty, in the types that the API documents for them, which are never null."""
    on = {"label": True} if fields.get("is_label_enabled") else {}
    emptied: dict[str, Any] = {}
    for name in sending.cleared(clear, {**fields, **on}):
        match name:
            case "label":
                # A badge cannot be without a title; it can be switched off.
                emptied["is_label_enabled"] = False
            case "seo":
                emptied["seo"] = {"title": "", "description": ""}
            case _:
                emptied[name] = ""
    return emptied


async def plan_delete_product(shop: Shop, *, product_id: str) -> Plan:
    """What goes with a product."""
    product = await shop.api.get_product(product_id=product_id)
    prices = await shop.prices_of(product.id)
    return Plan(
        action=f"Delete the product {quoted(product.name or product.id)} (id {product.id})",
        items=tuple(PlanItem(label=stock_and_price(price)) for price in prices),
        also=(
            f"Its {counted(len(prices), 'price')} and their stock are expected to go with it. Collections and stores "
            "lose it."
            if prices
            else "It has no price. Collections and stores lose it.",
        ),
        lasting="a product made again has a new id and none of its reviews.",
        state={"id": product.id, "name": product.name, "updated_at": product.updated_at},
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
    it. A person is asked first. Only to take it off sale: update_product."""
    del product_id  # the plan names the product that the person agreed to, which a slug might not any more
    found = plan.state["id"]
    await shop.api.delete_product(product_id=found)
    gone = await shop.gone(lambda: shop.api.get_product(product_id=found))
    return views.Deleted(deleted=gone, id=found, name=plan.state["name"])
