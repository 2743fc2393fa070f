"""How much is left of a variant, in a word."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..products_api.models import InventoryItem

LOW = 5
"""So many or fewer are low, unless somebody says otherwise."""
ORDER = ("oversold", "sold_out", "low", "no_number", "sells_on", "enough")
"""All levels, the most urgent first. `sells_on` is at or below the threshold and sells on when sold out."""


def level(item: "InventoryItem", threshold: int) -> str:
    """The level of a variant."""
    left = item.available_quantity
    if left is None:
        return "no_number"
    if left < 0:
        return "oversold"
    if left > threshold:
        return "enough"
    if item.allow_out_of_stock_purchases:
        return "sells_on"
    return "sold_out" if left == 0 else "low"
