"""Which function carries out which operation of the contract."""

from collections.abc import Callable
from typing import Any, Final

from . import bulk, collections, inventory, prices, products, reviews, stores
from .answers import Call
from .database import Database

Handler = Callable[[Database, Call], Any]

HANDLERS: Final[dict[str, Handler]] = {
    "create-product": products.create_product,
    "list-invoices": products.list_products,
    "get-product-by-id": products.get_product,
    "update-product-by-id": products.update_product,
    "delete-product-by-id": products.delete_product,
    "bulkUpdate": bulk.bulk_update,
    "bulkEdit": bulk.bulk_edit,
    "bulk-update-inventory": inventory.bulk_update_inventory,
    "create-price-for-product": prices.create_price,
    "list-prices-for-product": prices.list_prices,
    "get-price-by-id-for-product": prices.get_price,
    "update-price-by-id-for-product": prices.update_price,
    "delete-price-by-id-for-product": prices.delete_price,
    "get-list-inventory": inventory.list_inventory,
    "update-inventory": inventory.update_inventory,
    "get-product-store-stats": stores.store_stats,
    "update-store-status": stores.set_inclusion,
    "update-display-priority": stores.set_priority,
    "get-product-collection": collections.list_collections,
    "create-product-collection": collections.create_collection,
    "get-product-collection-id": collections.get_collection,
    "update-product-collection": collections.update_collection,
    "delete-product-collection": collections.delete_collection,
    "list-collection-products": collections.list_collection_products,
    "get-product-reviews": reviews.list_reviews,
    "get-reviews-count": reviews.count_reviews,
    "update-product-review": reviews.update_review,
    "delete-product-review": reviews.delete_review,
    "bulk-update-product-review": reviews.bulk_update_reviews,
}
"""By operation id; a test holds that it names exactly the operations of the contract."""
