"""Stock read back and put in words."""

from collections.abc import Mapping
from typing import Any

from ..products_api.models import InventoryItem
from . import views
from .shop import Shop
from .text import one_line

NOT_LISTED = "not in the inventory: a wrong id, or its stock is not tracked"


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
        if item is None:
            differing.append(views.BulkItem(id=price_id, expected=dict(fields), found=NOT_LISTED))
            continue
        wrong = {field: value for field, value in fields.items() if getattr(item, field, None) != value}
        if wrong:
            now = {field: getattr(item, field, None) for field in wrong}
            differing.append(views.BulkItem(id=price_id, name=stock_text(item), expected=wrong, found=now))
    return differing
