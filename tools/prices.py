"""Tools for prices: what customers pay, each with its variant, SKU and stock."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from ..guard.plan import Plan
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
from .price_plans import Clearable, plan_create_price, plan_delete_price, plan_update_price, with_terms
from .reading import changed_fields, listing, misses, price_view
from .records import Risk, Toolset, tool
from .shop import Shop

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
    plan=plan_create_price,
)
async def create_price(
    shop: Shop,
    plan: Plan,
    *,
    product_id: Id,
    name: Annotated[Name, Field(description='e.g. "Red / S"')],
    amount: Money,
    currency: Currency,
    type: PriceType = "one_time",
    recurring: Annotated[shapes.Recurring | None, Field(description="for type recurring")] = None,
    variant_option_ids: Annotated[list[Id] | None, Field(description="one per variant")] = None,
    compare_at_price: Annotated[Money | None, Field(description="was-price in major units")] = None,
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
) -> views.CreatedPrice:
    """Add another price, plan, subscription, tier or pack to a product, or the variant (size, colour) made
    of the given options."""
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
    new = wire.NewPrice(**fields)
    answered = await shop.api.create_price(product_id=product_id, price=new)
    shop.made_new("price", answered.id, product_id)
    price, not_applied = await shop.made(
        answered, new, lambda: shop.api.get_price(product_id=product_id, price_id=answered.id)
    )
    _note_untracked(shop, price, fields)
    for line in plan.state["notes"]:
        shop.note(line)
    return views.CreatedPrice.model_validate(
        {**price_view(price).model_dump(exclude_none=True), "not_applied": not_applied}
    )


def _note_untracked(shop: Shop, price: wire.Price, asked: Mapping[str, Any]) -> None:
    if asked.get("available_quantity") is not None and price.track_inventory is not True:
        shop.note(
            "Its stock is not tracked (track_inventory), so available_quantity is not counted and list_inventory may "
            "leave it out."
        )


@tool(
    operation="PUT /products/{productId}/price/{priceId}",
    title="Update a price",
    toolset=Toolset.PRICES,
    risk=Risk.UPDATE,
    idempotent=True,
    open_world=False,
    plan=plan_update_price,
)
async def update_price(
    shop: Shop,
    plan: Plan,
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
    del plan
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
    change = await shop.api.update_price(
        product_id=product_id, price_id=price_id, changes=wire.PriceChanges(**with_terms(fields))
    )
    after = shop.settled(change)
    _note_what_may_be_lost(shop, change)
    _note_untracked(shop, after, fields)
    return views.ChangedPrice(
        price=price_view(after, "concise"),
        changed=changed_fields(change.before, after) if change.after else None,
        not_applied=misses(change.not_applied),
        lost=misses(change.lost),
    )


def _note_what_may_be_lost(shop: Shop, change: wire.Change[wire.Price]) -> None:
    """The update replaces the whole price: what could not be read could not be sent again."""
    if change.unseen:
        shop.note(
            f"The API did not show {', '.join(change.unseen)} on reading: what was set of them may have been emptied "
            "by this update. bulk_edit_products sends only what changes."
        )
    if change.not_resent:
        shop.note(
            f"Incomplete on reading, so not sent again and perhaps lost: {', '.join(change.not_resent)}."
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
    """Drop or remove one price, plan, tier or variant (a size, a colour) from a product for good."""
    await shop.api.delete_price(product_id=product_id, price_id=price_id)
    gone = await shop.gone(lambda: shop.api.get_price(product_id=product_id, price_id=price_id))
    return views.Deleted(deleted=gone, id=price_id, name=plan.state["name"])
