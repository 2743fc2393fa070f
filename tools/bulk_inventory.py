"""The tool that changes the stock of many variants at once, in whichever products they are."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from ..guard.plan import Effect, Plan, PlanItem
from ..products_api import models as wire
from . import sending, views
from .bulk_prices import compare_prices, expected_of
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
    tracked = await _tracked(shop, stock.values()) if track_inventory is not None else {}
    effects: list[Effect] = []
    items: list[PlanItem] = []
    for key in price_ids:
        after = settings | (
            {"available_quantity": _quantity(stock[key]) + add_quantity} if add_quantity else {}
        )
        if changed := _stock_effects(stock[key], tracked.get(key), after):
            effects += changed
            items.append(_stock_item(stock[key], after))
    also: list[str] = []
    if add_quantity:
        total = sum(_quantity(stock[key]) for key in price_ids)
        also.append(f"Stock in all: {total} → {total + add_quantity * len(price_ids)}.")
    if already := len(price_ids) - len(items):
        also.append(f"As asked already: {counted(already, 'variant')}.")
    return Plan(
        action=f"Change {counted(len(items), 'variant')}: {_rule(add_quantity, settings)}",
        items=tuple(items),
        also=tuple(also),
        effects=tuple(effects),
        asks=bool(effects),
        target=stock[price_ids[0]].name if len(price_ids) == 1 else None,
    )


def _quantity(item: wire.InventoryItem) -> int | Decimal:
    return item.available_quantity or 0


def _stock_effects(
    item: wire.InventoryItem, tracked: bool | None, after: Mapping[str, Any]
) -> tuple[Effect, ...]:
    """What changes of one variant: that its stock is tracked stands on the price and not in the inventory."""
    now = {
        "available_quantity": item.available_quantity,
        "allow_out_of_stock_purchases": item.allow_out_of_stock_purchases,
        "track_inventory": tracked,
    }
    return tuple(
        Effect(
            kind="stock",
            id=item.price_id,
            field=field,
            before=now[field],
            after=value,
            within=item.product_id,
            name=stock_text(item),
        )
        for field, value in after.items()
        if now[field] != value
    )


def _stock_item(item: wire.InventoryItem, after: Mapping[str, Any]) -> PlanItem:
    if "available_quantity" not in after:
        return PlanItem(label=stock_text(item))
    return PlanItem(
        label=stock_text(item), before=str(_quantity(item)), after=str(after["available_quantity"])
    )


def _rule(add_quantity: int | None, settings: Mapping[str, Any]) -> str:
    """What happens to each variant, in words."""
    words = [f"add {add_quantity} to the stock"] if add_quantity else []
    track, oversell = settings.get("track_inventory"), settings.get("allow_out_of_stock_purchases")
    if track is not None:
        words.append("track the stock" if track else "stop tracking the stock")
    if oversell is not None:
        words.append("keep selling when sold out" if oversell else "stop selling when sold out")
    return ", ".join(words)


async def _tracked(shop: Shop, items: Iterable[wire.InventoryItem]) -> dict[str, bool | None]:
    """Whether stock is tracked, by price id: only the prices tell."""
    product_ids = dict.fromkeys(item.product_id for item in items if item.product_id)
    prices = await shop.prices(list(product_ids))
    return {price.id: price.track_inventory for listed in prices.values() for price in listed}


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
    tracking it. Exact counts, or fewer: update_inventory."""
    if not plan.effects:
        shop.note("Everything is as asked already, so nothing was sent.")
        return views.BulkChanged(done=True, prices=len(price_ids))
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
    expected = expected_of(plan.effects)

    async def compare() -> list[views.BulkItem]:
        if track_inventory is None:
            return await compare_stock(shop, expected)
        # Whether stock is tracked can only be read from the prices.
        product_ids = dict.fromkeys(effect.within for effect in plan.effects if effect.within)
        return await compare_prices(shop, list(product_ids), expected)

    differing = await shop.check(compare)
    return views.BulkChanged(done=differing == [], prices=len(price_ids), differing=differing or None)
