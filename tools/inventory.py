"""Tools for stock. Stock belongs to prices: one number for each variant."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from ..guard.plan import Plan, PlanItem
from ..products_api import models as wire
from . import shapes, views
from .effects import changes
from .fields import Detail, Limit, Offset, Text
from .reading import listing, stock_view
from .records import Risk, Toolset, tool
from .sending import refuse_unset
from .shop import Shop, refuse_repeated
from .stock import compare_stock, stock_text
from .text import counted, quoted

Levels = Annotated[list[shapes.StockLevel], Field(min_length=1, max_length=200)]
_OVERSELL = {
    True: "sells on when sold out",
    False: "stops selling when sold out",
    None: "unknown when sold out",
}


@tool(
    operation="GET /products/inventory",
    title="List inventory",
    toolset=Toolset.INVENTORY,
    risk=Risk.READ,
    open_world=False,
)
async def list_inventory(
    shop: Shop,
    *,
    search: Annotated[Text | None, Field(description="variant name")] = None,
    limit: Limit = 50,
    offset: Offset = 0,
    detail: Detail = "concise",
) -> views.Listing[views.StockItem]:
    """How many are left: stock on hand of each variant, with SKU. Shows what is sold out, out of stock,
    running low or oversold (negative). Variants whose stock is not tracked may be missing. Follow next_offset to
    the end before you say what is low."""
    page = await shop.api.list_inventory(search=search, limit=limit, offset=offset)
    return views.Listing[views.StockItem](**listing(page, [stock_view(item, detail) for item in page.items]))


async def plan_update_inventory(shop: Shop, *, items: list[shapes.StockLevel]) -> Plan:
    """Old and new stock; more than one variant asks."""
    refuse_repeated("items", [item.price_id for item in items])
    refuse_unset("items", items, "price_id")
    stock = await shop.stock([item.price_id for item in items])
    names = {key: stock_text(found) for key, found in stock.items()}
    effects = tuple(
        effect
        for item in items
        for effect in changes(
            "stock",
            stock[item.price_id],
            item.price_id,
            item.model_dump(exclude_none=True, exclude={"price_id"}),
            within=stock[item.price_id].product_id,
            name=names[item.price_id],
        )
    )
    only = names[items[0].price_id] if len(items) == 1 else None
    plan = Plan(
        action=f"Set the stock of {quoted(only) if only else counted(len(items), 'variant')}",
        items=tuple(
            PlanItem(
                label=names[item.price_id],
                before=_level(stock[item.price_id], item),
                after=_level(item, item),
                weight=_moved(stock[item.price_id], item),
            )
            for item in items
        ),
        effects=effects,
        asks=len(items) > 1,
        target=only,
    )
    totals = plan.totals
    if totals.stock_before is None:
        return plan
    return replace(plan, also=(f"Stock in all: {totals.stock_before} → {totals.stock_after}.",))


def _moved(present: wire.InventoryItem, asked: shapes.StockLevel) -> Decimal | int:
    """By how many units a variant's stock changes."""
    if asked.available_quantity is None:
        return 0
    return abs(asked.available_quantity - (present.available_quantity or 0))


def _level(level: shapes.StockLevel | wire.InventoryItem, asked: shapes.StockLevel) -> str:
    """The part of a level that is asked to change."""
    words: list[str] = []
    if asked.available_quantity is not None:
        words.append("unknown" if level.available_quantity is None else str(level.available_quantity))
    if asked.allow_out_of_stock_purchases is not None:
        words.append(_OVERSELL[level.allow_out_of_stock_purchases])
    return ", ".join(words)


@tool(
    operation="POST /products/inventory",
    title="Set stock",
    toolset=Toolset.INVENTORY,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_update_inventory,
)
async def update_inventory(shop: Shop, plan: Plan, *, items: Levels) -> views.BulkChanged:
    """Set stock quantities to exact counts, after counting the shelves or a stocktake, and whether a variant
    keeps selling when sold out."""
    del plan
    updates = [wire.InventoryUpdate(**item.model_dump(exclude_none=True)) for item in items]
    await shop.api.update_inventory(items=updates)
    expected = {item.price_id: item.model_dump(exclude_none=True, exclude={"price_id"}) for item in items}
    differing = await shop.check(lambda: compare_stock(shop, expected))
    return views.BulkChanged(done=differing == [], prices=len(items), differing=differing or None)
