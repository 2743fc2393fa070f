"""Tools for stock. Stock belongs to prices: one number for each variant."""

from typing import Annotated

from pydantic import Field

from ..guard.plan import Plan, PlanItem
from ..products_api import models as wire
from . import shapes, views
from .fields import Detail, Limit, Offset, Text
from .reading import listing, stock_view
from .records import Risk, Toolset, tool
from .sending import refuse_unset
from .shop import Shop, refuse_repeated
from .stock import compare_stock, stock_text

Levels = Annotated[list[shapes.StockLevel], Field(min_length=1, max_length=200)]


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


async def plan_update_inventory(shop: Shop, *, items: list[shapes.StockLevel]) -> Plan | None:
    """Old and new stock; one variant alone needs nobody's consent."""
    refuse_repeated("items", [item.price_id for item in items])
    refuse_unset("items", items, "price_id")
    if len(items) == 1:
        return None
    stock = await shop.stock([item.price_id for item in items])
    return Plan(
        action=f"Set the stock of {len(items)} variants",
        items=tuple(
            PlanItem(
                label=stock_text(stock[item.price_id]),
                before=_level(stock[item.price_id], item),
                after=_level(item, item),
            )
            for item in items
        ),
    )


def _level(level: shapes.StockLevel | wire.InventoryItem, asked: shapes.StockLevel) -> str:
    """The part of a level that is asked to change."""
    words: list[str] = []
    if asked.available_quantity is not None:
        words.append("unknown" if level.available_quantity is None else str(level.available_quantity))
    if asked.allow_out_of_stock_purchases is not None:
        oversell = level.allow_out_of_stock_purchases
        words.append("sells on when sold out" if oversell else "stops selling when sold out")
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
async def update_inventory(shop: Shop, plan: Plan | None, *, items: Levels) -> views.BulkChanged:
    """Set stock quantities to exact counts, after counting the shelves or a stocktake, and whether a variant
    keeps selling when sold out. More than one variant: a person is asked first."""
    del plan
    updates = [wire.InventoryUpdate(**item.model_dump(exclude_none=True)) for item in items]
    await shop.api.update_inventory(items=updates)
    expected = {item.price_id: item.model_dump(exclude_none=True, exclude={"price_id"}) for item in items}
    differing = await shop.check(lambda: compare_stock(shop, expected))
    return views.BulkChanged(done=differing == [], prices=len(items), differing=differing or None)
