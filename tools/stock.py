"""Stock read back and put in words."""

from collections.abc import Mapping
from typing import Any

from ..products_api.models import InventoryItem
from . import views
from .shop import Shop
from .text import one_line


def stock_text(item: InventoryItem) -> str:
    """One variant in a line: product, variant, SKU."""
    product = one_line(item.product_name or item.product_id or "")
    name = one_line(item.name or item.price_id)
    sku = f" [{one_line(item.sku, 40)}]" if item.sku else ""
    return f"{product}: {name}{sku}" if product else f"{name}{sku}"


async def compare_stock(shop: Shop, expected: Mapping[str, Mapping[str, Any]]) -> list[views.BulkItem]:
    """What of the stock does not read back as expected, by price id and field."""
    found = await shop.stock(list(expected), missing_is_error=False)
    differing: list[views.BulkItem] = []
    for price_id, fields in expected.items():
        item = found.get(price_id)
        for field, value in fields.items():
            now = getattr(item, field, None)
            if now != value:
                name = stock_text(item) if item else None
                differing.append(
                    views.BulkItem(id=price_id, name=name, expected={field: value}, found={field: now})
                )
    return differing
