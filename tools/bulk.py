"""Tools that change many products at once. Every one of them reads the shop back afterwards."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from ..guard.plan import Plan
from ..products_api import models as wire
from . import sending, shapes, views
from .bulk_edit_plans import edit_plan
from .bulk_edits import carry_out
from .bulk_plans import assignment_plan, availability_plan, bulk_deletion_plan
from .bulk_prices import compare_prices, currency_plan, expected_of, price_change_plan
from .fields import BulkIds, Currency, Id
from .records import Risk, Toolset, tool
from .shop import Shop
from .text import counted

_NOTHING_TO_DO = "Everything is as asked already, so nothing was sent."


async def plan_bulk_change_prices(
    shop: Shop,
    *,
    product_ids: list[str],
    price: shapes.PriceAdjustment | None,
    compare_at_price: shapes.PriceAdjustment | None,
) -> Plan:
    """Every price with its amount before and after."""
    if price is None and compare_at_price is None:
        sending.refuse_no_change({})
    return await price_change_plan(shop, product_ids, price, compare_at_price)


@tool(
    operation="POST /products/bulk-update",
    title="Change many prices",
    toolset=Toolset.BULK,
    risk=Risk.DESTRUCTIVE,
    open_world=False,
    plan=plan_bulk_change_prices,
)
async def bulk_change_prices(
    shop: Shop,
    plan: Plan,
    *,
    product_ids: BulkIds,
    price: shapes.PriceAdjustment | None = None,
    compare_at_price: shapes.PriceAdjustment | None = None,
) -> views.BulkChanged:
    """Run a sale or reprice many products: percent off, discount, raise, put up, round or set all their
    prices, and the crossed-out was-prices."""
    change = sending.given(product_ids=product_ids, price=price, compare_at_price=compare_at_price)
    return await _change_prices(shop, plan, wire.BulkPriceChange(**change))


async def plan_bulk_change_currency(shop: Shop, *, product_ids: list[str], currency: str) -> Plan:
    """Every price in its old and its new currency."""
    return await currency_plan(shop, product_ids, currency.upper())


@tool(
    operation="POST /products/bulk-update",
    title="Change the currency of many products",
    toolset=Toolset.BULK,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_bulk_change_currency,
)
async def bulk_change_currency(
    shop: Shop, plan: Plan, *, product_ids: BulkIds, currency: Currency
) -> views.BulkChanged:
    """Switch all prices of many products to another currency, such as dollars, euros, pounds or yen. The
    numbers stay: nothing is converted."""
    return await _change_prices(
        shop, plan, wire.BulkCurrency(product_ids=product_ids, currency=currency.upper())
    )


async def _change_prices(
    shop: Shop, plan: Plan, change: wire.BulkPriceChange | wire.BulkCurrency
) -> views.BulkChanged:
    products, expected = len(change.product_ids), expected_of(plan.effects, plan.state.get("unchanged"))
    if not plan.effects:
        shop.note(_NOTHING_TO_DO)
        return views.BulkChanged(done=True, products=products, prices=len(expected))
    # A product of which nothing moves is no part of what was planned, so the API is not told of it.
    moved = {effect.within for effect in plan.effects}
    product_ids = [key for key in change.product_ids if key in moved]
    await shop.api.bulk_update(change=change.model_copy(update={"product_ids": product_ids}))
    differing = await shop.check(lambda: compare_prices(shop, change.product_ids, expected))
    return views.BulkChanged(
        done=differing == [], products=products, prices=len(expected), differing=differing or None
    )


def _missing(product_ids: list[str], found: Mapping[str, wire.Product]) -> list[views.BulkItem]:
    """Products that somebody else deleted in the meantime."""
    return [views.BulkItem(id=key, expected="there", found="gone") for key in product_ids if key not in found]


async def plan_bulk_set_availability(shop: Shop, *, product_ids: list[str], available_in_store: bool) -> Plan:
    """Products that will be shown or hidden."""
    return await availability_plan(shop, product_ids, shown=available_in_store)


@tool(
    operation="POST /products/bulk-update",
    title="Show or hide many products",
    toolset=Toolset.BULK,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_bulk_set_availability,
)
async def bulk_set_availability(
    shop: Shop, plan: Plan, *, product_ids: BulkIds, available_in_store: bool
) -> views.BulkChanged:
    """Publish many products or listings at once, or hide them all, take them off sale, out of season."""
    if not plan.effects:
        shop.note(_NOTHING_TO_DO)
        return views.BulkChanged(done=True, products=len(product_ids))
    change = wire.BulkAvailability(product_ids=product_ids, availability=available_in_store)
    await shop.api.bulk_update(change=change)

    async def compare() -> list[views.BulkItem]:
        found = await shop.products(product_ids, missing_is_error=False)
        return _missing(product_ids, found) + [
            views.BulkItem(
                id=product.id,
                name=product.name,
                expected=available_in_store,
                found=product.available_in_store,
            )
            for product in found.values()
            if product.available_in_store is not available_in_store
        ]

    differing = await shop.check(compare)
    return views.BulkChanged(done=differing == [], products=len(product_ids), differing=differing or None)


async def plan_bulk_assign_collections(
    shop: Shop, *, product_ids: list[str], collection_ids: list[str]
) -> Plan:
    """Products with the collections they are in now."""
    return await assignment_plan(shop, product_ids, collection_ids)


@tool(
    operation="POST /products/bulk-update",
    title="Put many products into collections",
    toolset=Toolset.BULK,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_bulk_assign_collections,
)
async def bulk_assign_collections(
    shop: Shop,
    plan: Plan,
    *,
    product_ids: BulkIds,
    collection_ids: Annotated[list[Id], Field(min_length=1, max_length=20)],
) -> views.BulkChanged:
    """Categorise many products: file or put them in categories (collections). Says whether they left others."""
    if not plan.effects:
        shop.note(_NOTHING_TO_DO)
        return views.BulkChanged(done=True, products=len(product_ids))
    # Those that are there already could only lose other collections, if the API replaces instead of adding.
    moved = [effect.id or "" for effect in plan.effects]
    await shop.api.bulk_update(change=wire.BulkCollections(product_ids=moved, collection_ids=collection_ids))

    async def compare() -> list[views.BulkItem]:
        found = await shop.full_products(product_ids, missing_is_error=False)
        before: dict[str, list[str] | None] = plan.state["before"]
        left = [
            key
            for key, product in found.items()
            if set(before[key] or ()) - set(product.collection_ids or ()) - set(collection_ids)
        ]
        if left:
            shop.note(
                f"{counted(len(left), 'product')} left former collections: the assignment replaced them."
            )
        return _missing(product_ids, found) + [
            views.BulkItem(
                id=key, name=product.name, expected=collection_ids, found=product.collection_ids or []
            )
            for key, product in found.items()
            if set(collection_ids) - set(product.collection_ids or ())
        ]

    differing = await shop.check(compare)
    return views.BulkChanged(done=differing == [], products=len(product_ids), differing=differing or None)


async def plan_bulk_delete_products(shop: Shop, *, product_ids: list[str]) -> Plan:
    """Everything that goes with the products."""
    return await bulk_deletion_plan(shop, product_ids)


@tool(
    operation="POST /products/bulk-update",
    title="Delete many products",
    toolset=Toolset.BULK,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_bulk_delete_products,
)
async def bulk_delete_products(shop: Shop, plan: Plan, *, product_ids: BulkIds) -> views.BulkChanged:
    """Delete, wipe out or clean out many products or items; their prices and stock are expected to go with
    them."""
    del plan
    await shop.api.bulk_update(change=wire.BulkDelete(product_ids=product_ids))

    async def compare() -> list[views.BulkItem]:
        left = await shop.products(product_ids, missing_is_error=False)
        return [
            views.BulkItem(id=key, name=item.name, expected="gone", found="there")
            for key, item in left.items()
        ]

    differing = await shop.check(compare)
    return views.BulkChanged(done=differing == [], products=len(product_ids), differing=differing or None)


async def plan_bulk_edit_products(shop: Shop, *, products: list[shapes.ProductEdit]) -> Plan:
    """Every field before and after."""
    return await edit_plan(shop, products)


@tool(
    operation="POST /products/bulk-update/edit",
    title="Edit many products",
    toolset=Toolset.BULK,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_bulk_edit_products,
)
async def bulk_edit_products(
    shop: Shop,
    plan: Plan,
    *,
    products: Annotated[list[shapes.ProductEdit], Field(min_length=1, max_length=100)],
) -> views.BulkEdited:
    """Edit many products at once from a list or spreadsheet, each in its own way: names, descriptions, SEO
    titles, SKUs, amounts, stock, images. What is left out stays."""
    return await carry_out(shop, plan, products)
