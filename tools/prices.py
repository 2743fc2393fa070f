"""Tools for prices: what customers pay, each with its variant, SKU and stock."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from ..guard.plan import Plan, PlanItem
from ..products_api import models as wire
from . import sending, shapes, views
from .fields import (
    Currency,
    Cycles,
    Detail,
    Id,
    Ids,
    Limit,
    LongText,
    Money,
    Name,
    Offset,
    PriceType,
    Quantity,
    Text,
    TrialDays,
)
from .money import stock_and_price
from .reading import changed_fields, listing, misses, price_view
from .records import Risk, Toolset, tool
from .shop import Shop
from .text import counted, quoted

Clearable = Literal[
    "compare_at_price",
    "sku",
    "description",
    "recurring",
    "trial_period",
    "total_cycles",
    "setup_fee",
    "available_quantity",
    "shipping_options",
]
Charges = Annotated[Cycles, Field(description="charges before it ends")]
Days = Annotated[TrialDays, Field(description="days")]


@tool(
    operation="GET /products/{productId}/price",
    title="List prices",
    toolset=Toolset.PRICES,
    risk=Risk.READ,
    open_world=False,
)
async def list_prices(
    shop: Shop,
    *,
    product_id: Id,
    price_ids: Ids | None = None,
    limit: Limit = 25,
    offset: Offset = 0,
    detail: Detail = "concise",
) -> views.Listing[views.Price]:
    """List which prices, plans, tiers or variants one product has, with SKU and stock."""
    page = await shop.api.list_prices(product_id=product_id, ids=price_ids, limit=limit, offset=offset)
    return views.Listing[views.Price](**listing(page, [price_view(price, detail) for price in page.items]))


@tool(
    operation="GET /products/{productId}/price/{priceId}",
    title="Get a price",
    toolset=Toolset.PRICES,
    risk=Risk.READ,
    open_world=False,
)
async def get_price(shop: Shop, *, product_id: Id, price_id: Id) -> views.PriceDetails:
    """Look up one price, plan, tier or variant in full: amount, was-price, subscription terms, free trial,
    SKU, weight, stock."""
    price = await shop.api.get_price(product_id=product_id, price_id=price_id)
    return views.PriceDetails.model_validate(price_view(price).model_dump(exclude_none=True))


@tool(
    operation="POST /products/{productId}/price",
    title="Create a price",
    toolset=Toolset.PRICES,
    risk=Risk.CREATE,
    open_world=False,
)
async def create_price(
    shop: Shop,
    *,
    product_id: Id,
    name: Annotated[Name, Field(description='e.g. "Red / S"')],
    amount: Money,
    currency: Currency,
    type: PriceType = "one_time",
    recurring: Annotated[shapes.Recurring | None, Field(description="for type recurring")] = None,
    variant_option_ids: Annotated[list[Id] | None, Field(description="one per variant")] = None,
    compare_at_price: Annotated[Money | None, Field(description="was-price")] = None,
    sku: Text | None = None,
    track_inventory: bool | None = None,
    available_quantity: Quantity | None = None,
    allow_out_of_stock_purchases: bool | None = None,
    description: LongText | None = None,
    trial_period: Days | None = None,
    total_cycles: Charges | None = None,
    setup_fee: Money | None = None,
    shipping_options: shapes.ShippingOptions | None = None,
    membership_offers: list[shapes.MembershipOffer] | None = None,
    is_digital_product: bool | None = None,
    digital_delivery: list[Text] | None = None,
) -> views.PriceDetails:
    """Add another price, plan, subscription, tier or pack to a product, or the variant (size, colour) made
    of the given options."""
    sending.refuse_wrong_terms(type, recurring)
    fields = sending.given(
        name=name,
        amount=amount,
        currency=currency.upper(),
        type=type,
        recurring=recurring,
        variant_option_ids=variant_option_ids,
        compare_at_price=compare_at_price,
        sku=sku,
        track_inventory=track_inventory,
        available_quantity=available_quantity,
        allow_out_of_stock_purchases=allow_out_of_stock_purchases,
        description=description,
        trial_period=trial_period,
        total_cycles=total_cycles,
        setup_fee=setup_fee,
        shipping_options=shipping_options,
        membership_offers=membership_offers,
        is_digital_product=is_digital_product,
        digital_delivery=digital_delivery,
    )
    price = await shop.api.create_price(product_id=product_id, price=wire.NewPrice(**fields))
    return views.PriceDetails.model_validate(price_view(price).model_dump(exclude_none=True))


@tool(
    operation="PUT /products/{productId}/price/{priceId}",
    title="Update a price",
    toolset=Toolset.PRICES,
    risk=Risk.UPDATE,
    idempotent=True,
    open_world=False,
)
async def update_price(
    shop: Shop,
    *,
    product_id: Id,
    price_id: Id,
    amount: Money | None = None,
    compare_at_price: Money | None = None,
    name: Name | None = None,
    currency: Currency | None = None,
    type: PriceType | None = None,
    recurring: shapes.Recurring | None = None,
    variant_option_ids: list[Id] | None = None,
    sku: Text | None = None,
    track_inventory: bool | None = None,
    available_quantity: Quantity | None = None,
    allow_out_of_stock_purchases: bool | None = None,
    description: LongText | None = None,
    trial_period: Days | None = None,
    total_cycles: Charges | None = None,
    setup_fee: Money | None = None,
    shipping_options: shapes.ShippingOptions | None = None,
    membership_offers: list[shapes.MembershipOffer] | None = None,
    is_digital_product: bool | None = None,
    digital_delivery: list[Text] | None = None,
    clear: Annotated[list[Clearable] | None, Field(description="fields to empty")] = None,
) -> views.ChangedPrice:
    """Change what one variant, plan or item costs: raise, lower, mark down or discount its price, set the
    crossed-out was-price, correct its SKU, terms or stock. What is left out stays."""
    fields = sending.given(
        amount=amount,
        compare_at_price=compare_at_price,
        name=name,
        currency=currency.upper() if currency else None,
        type=type,
        recurring=recurring,
        variant_option_ids=variant_option_ids,
        sku=sku,
        track_inventory=track_inventory,
        available_quantity=available_quantity,
        allow_out_of_stock_purchases=allow_out_of_stock_purchases,
        description=description,
        trial_period=trial_period,
        total_cycles=total_cycles,
        setup_fee=setup_fee,
        shipping_options=shipping_options,
        membership_offers=membership_offers,
        is_digital_product=is_digital_product,
        digital_delivery=digital_delivery,
    )
    fields |= sending.cleared(clear, fields)
    sending.refuse_no_change(fields)
    if fields.keys() & {"type", "recurring"}:
        fields |= await _terms(shop, product_id, price_id, fields)
    change = await shop.api.update_price(
        product_id=product_id, price_id=price_id, changes=wire.PriceChanges(**fields)
    )
    after = shop.settled(change)
    return views.ChangedPrice(
        price=price_view(after, "concise"),
        changed=changed_fields(change.before, after) if change.after else None,
        not_applied=misses(change.not_applied),
        lost=misses(change.lost),
    )


async def _terms(shop: Shop, product_id: str, price_id: str, fields: Mapping[str, Any]) -> dict[str, None]:
    """What else changes with a price's type: one that is charged once has no interval.

    Raises:
        ToolError: type and interval, as they would be, do not fit each other.
    """
    if fields.get("type") == "one_time" and fields.get("recurring") is None:
        return {"recurring": None}
    present = await shop.api.get_price(product_id=product_id, price_id=price_id)
    sending.refuse_wrong_terms(fields.get("type", present.type), fields.get("recurring", present.recurring))
    return {}


async def plan_delete_price(shop: Shop, *, product_id: str, price_id: str) -> Plan:
    """What goes with a price."""
    price = await shop.api.get_price(product_id=product_id, price_id=price_id)
    product = await shop.api.get_product(product_id=product_id)
    others = len(await shop.prices_of(product_id)) - 1
    return Plan(
        action=f"Delete the price {quoted(price.name or price.id)} of {quoted(product.name or product.id)}",
        items=(PlanItem(label=stock_and_price(price)),),
        also=(
            f"The product keeps {counted(others, 'other price')}."
            if others
            else "It is the product's only price: without one it cannot be bought.",
        ),
        lasting="a price made again has a new id, so links and orders that name this one do not find it.",
        state={"id": price.id, "name": price.name, "updated_at": price.updated_at},
    )


@tool(
    operation="DELETE /products/{productId}/price/{priceId}",
    title="Delete a price",
    toolset=Toolset.PRICES,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_delete_price,
)
async def delete_price(shop: Shop, plan: Plan, *, product_id: Id, price_id: Id) -> views.Deleted:
    """Drop or remove one price, plan, tier or variant (a size, a colour) from a product for good. A person
    is asked first."""
    await shop.api.delete_price(product_id=product_id, price_id=price_id)
    gone = await shop.gone(lambda: shop.api.get_price(product_id=product_id, price_id=price_id))
    return views.Deleted(deleted=gone, id=price_id, name=plan.state["name"])
