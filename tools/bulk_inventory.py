"""The tool that changes the stock of many variants at once, in whichever products they are."""

from typing import Annotated

from pydantic import Field

from ..guard.plan import Plan, PlanItem
from ..products_api import models as wire
from . import sending, views
from .bulk_plans import compare_prices
from .fields import BulkIds
from .records import Risk, Toolset, tool
from .shop import Shop, refuse_repeated
from .stock import compare_stock, stock_text
from .text import counted


async def plan_bulk_update_inventory(
    shop: Shop,
    *,
    price_ids: list[str],
    add_quantity: int | None,
    track_inventory: bool | None,
    allow_out_of_stock_purchases: bool | None,
) -> Plan:
    """Stock before and after."""
    settings = sending.given(
        track_inventory=track_inventory, allow_out_of_stock_purchases=allow_out_of_stock_purchases
    )
    sending.refuse_no_change(settings | sending.given(add_quantity=add_quantity))
    refuse_repeated("price_ids", price_ids)
    # Only who starts tracking can mean variants that are not tracked yet.
    stock = await shop.stock(price_ids, missing_is_error=not track_inventory)
    if hidden := [key for key in price_ids if key not in stock]:
        stock |= await shop.untracked(hidden)
    before = {key: item.available_quantity or 0 for key, item in stock.items()}
    after = {key: quantity + (add_quantity or 0) for key, quantity in before.items()}
    items = tuple(
        PlanItem(label=stock_text(stock[key]), before=str(before[key]), after=str(after[key]))
        if add_quantity
        else PlanItem(label=stock_text(stock[key]))
        for key in price_ids
    )
    words = [f"add {add_quantity} to the stock"] if add_quantity else []
    if track_inventory is not None:
        words.append("track the stock" if track_inventory else "stop tracking the stock")
    if allow_out_of_stock_purchases is not None:
        words.append(
            "keep selling when sold out" if allow_out_of_stock_purchases else "stop selling when sold out"
        )
    return Plan(
        action=f"Change {counted(len(price_ids), 'variant')}: {', '.join(words)}",
        items=items,
        also=(f"Stock in all: {sum(before.values())} → {sum(after.values())}.",) if add_quantity else (),
        state={
            "expected": {
                key: settings | ({"available_quantity": after[key]} if add_quantity else {})
                for key in price_ids
            },
            "product_ids": list(dict.fromkeys(item.product_id for item in stock.values() if item.product_id)),
        },
    )


@tool(
    operation="POST /products/bulk-update/inventory",
    title="Change the stock of many variants",
    toolset=Toolset.BULK,
    risk=Risk.DESTRUCTIVE,
    open_world=False,
    plan=plan_bulk_update_inventory,
)
async def bulk_update_inventory(
    shop: Shop,
    plan: Plan,
    *,
    price_ids: BulkIds,
    add_quantity: Annotated[int | None, Field(ge=1, le=1_000_000, description="units to add to each")] = None,
    track_inventory: bool | None = None,
    allow_out_of_stock_purchases: bool | None = None,
) -> views.BulkChanged:
    """Restock after a delivery: add the same number of units to many variants' stock, or start or stop
    tracking it. A person is asked first. Exact counts, or fewer: update_inventory."""
    quantity = wire.QuantityChange(type="ADD_QUANTITY", value=add_quantity) if add_quantity else None
    fields = sending.given(
        price_ids=price_ids,
        available_quantity=quantity,
        track_inventory=track_inventory,
        allow_out_of_stock_purchases=allow_out_of_stock_purchases,
    )
    result = await shop.api.bulk_update_inventory(change=wire.BulkInventoryChange(**fields))
    if result.fallback:
        shop.note(result.fallback)
    expected = plan.state["expected"]

    async def compare() -> list[views.BulkItem]:
        if track_inventory is None:
            return await compare_stock(shop, expected)
        # Whether stock is tracked can only be read from the prices.
        return await compare_prices(shop, plan.state["product_ids"], expected)

    differing = await shop.check(compare)
    return views.BulkChanged(done=differing == [], prices=len(price_ids), differing=differing or None)
