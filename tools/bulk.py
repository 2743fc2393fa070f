"""Tools that change many products at once. Every one of them asks first and reads the shop back afterwards."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from ..guard.plan import Plan, PlanItem
from ..products_api import models as wire
from . import sending, shapes, views
from .bulk_edits import compare_edits, edit_plan
from .bulk_plans import compare_prices, currency_plan, price_change_plan, product_items
from .fields import BulkIds, Currency, Id
from .records import Risk, Toolset, tool
from .shop import Shop, refuse_repeated
from .text import counted


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
    prices, and the crossed-out was-prices. A person sees old and new amounts first."""
    change = sending.given(product_ids=product_ids, price=price, compare_at_price=compare_at_price)
    await shop.api.bulk_update(change=wire.BulkPriceChange(**change))
    return await _prices_changed(shop, plan, product_ids)


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
    numbers stay: nothing is converted. A person is asked first."""
    change = wire.BulkCurrency(product_ids=product_ids, currency=currency.upper())
    await shop.api.bulk_update(change=change)
    return await _prices_changed(shop, plan, product_ids)


async def _prices_changed(shop: Shop, plan: Plan, product_ids: list[str]) -> views.BulkChanged:
    expected = plan.state["expected"]
    differing = await shop.check(lambda: compare_prices(shop, product_ids, expected))
    return views.BulkChanged(
        done=differing == [], products=len(product_ids), prices=len(expected), differing=differing or None
    )


def _missing(product_ids: list[str], found: Mapping[str, wire.Product]) -> list[views.BulkItem]:
    """Products that somebody else deleted in the meantime."""
    return [views.BulkItem(id=key, expected="there", found="gone") for key in product_ids if key not in found]


async def plan_bulk_set_availability(shop: Shop, *, product_ids: list[str], available_in_store: bool) -> Plan:
    """Products that will be shown or hidden."""
    items = await product_items(shop, product_ids, after="shown" if available_in_store else "hidden")
    return Plan(
        action=f"{'Show' if available_in_store else 'Hide'} {counted(len(items), 'product')}", items=items
    )


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
    """Publish many products or listings at once, or hide them all, take them off sale, out of season. A
    person is asked first."""
    del plan
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
    refuse_repeated("collection_ids", collection_ids)
    names = await shop.collection_names(collection_ids)
    found = await shop.full_products(product_ids)
    present = {key for product in found.values() for key in product.collection_ids or ()}
    known = names | await shop.known_collections(sorted(present - names.keys()))
    return Plan(
        action=f"Put {counted(len(product_ids), 'product')} into {', '.join(names.values())}",
        items=tuple(
            PlanItem(
                label=shop.named(product),
                before=_collections(product.collection_ids, known),
                after=_collections([*(product.collection_ids or ()), *collection_ids], known),
            )
            for product in found.values()
        ),
        also=(
            "The API does not say whether they also leave their other collections; the result tells what "
            "happened.",
        ),
        state={"before": {key: product.collection_ids for key, product in found.items()}},
    )


def _collections(collection_ids: list[str] | None, names: Mapping[str, str]) -> str | None:
    """Collections for a person: by name, and those without a known one by number."""
    ids = list(dict.fromkeys(collection_ids or ()))
    named = [names[key] for key in ids if key in names]
    if unnamed := len(ids) - len(named):
        named.append(f"{unnamed} more" if named else counted(unnamed, "collection"))
    return ", ".join(named) or None


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
    """Categorise many products: file or put them in categories (collections). Says whether they left others.
    A person is asked first."""
    await shop.api.bulk_update(
        change=wire.BulkCollections(product_ids=product_ids, collection_ids=collection_ids)
    )

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
    found = await shop.products(product_ids)
    prices = await shop.prices(product_ids)
    stock = sum(price.available_quantity or 0 for listed in prices.values() for price in listed)
    return Plan(
        action=f"Delete {counted(len(product_ids), 'product')}",
        items=tuple(
            PlanItem(label=f"{shop.named(product)}, {counted(len(prices[key]), 'price')}")
            for key, product in found.items()
        ),
        also=(
            f"{counted(sum(map(len, prices.values())), 'price')} with {stock} units of stock in all are expected to "
            "go with them. Collections and stores lose them.",
        ),
        lasting="products made again have new ids and none of their reviews.",
        state={"updated_at": {key: product.updated_at for key, product in found.items()}},
    )


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
    """Delete, wipe out or clean out many products or items for good; their prices and stock are expected to go
    with them. A person is asked first."""
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
    titles, SKUs, amounts, stock, images. What is left out stays. A person is asked first."""
    edits = [sending.product_edit(product, plan.state["kept"]) for product in products]
    result = await shop.api.bulk_edit(products=edits)
    # A product whose prices filled several calls counts for the worst of them.
    skipped = list(dict.fromkeys(part.product_id for part in result.not_tried))
    failed = list(dict.fromkeys(part.product_id for part in result.failed))
    done = [
        key
        for key in dict.fromkeys(part.product_id for part in result.done)
        if key not in {*failed, *skipped}
    ]
    unclear = result.error is not None and result.error.outcome == "unknown"
    sent = {*done, *failed} if unclear else {*done}
    if unclear:
        shop.note(
            "It is not known whether the products in products_unknown were changed; `differing` shows what of them "
            "does not read as asked."
        )
    if failed or skipped:
        shop.note("To go on, call again with the products that are not done.")
    short = [
        call
        for call in result.calls
        if call.updated_count is not None and call.updated_count < len(call.products)
    ]
    if short:
        updated, told = (
            sum(call.updated_count or 0 for call in short),
            sum(len(call.products) for call in short),
        )
        shop.note(
            f"The API says that it updated {updated} of {counted(told, 'product')}; `differing` shows what does not "
            "read as asked."
        )
    before = plan.state["before"]
    compared = await shop.check(
        lambda: compare_edits(shop, [edit for edit in edits if edit.id in sent], before)
    )
    return views.BulkEdited(
        done=result.complete and not short and compared is not None and not any(compared),
        products_done=done,
        products_unknown=(failed if unclear else None) or None,
        products_failed=(None if unclear else failed) or None,
        products_not_tried=skipped or None,
        differing=(compared and compared.differing) or None,
        lost=(compared and compared.lost) or None,
        error=str(result.error) if result.error else None,
    )
