"""All tools, in the order in which they are offered."""

from . import bulk, bulk_inventory, changes, collections, inventory, prices, products, reviews, store
from .records import ToolRecord

RECORDS: tuple[ToolRecord, ...] = (
    products.list_products,
    products.get_product,
    products.create_product,
    products.update_product,
    products.delete_product,
    prices.list_prices,
    prices.get_price,
    prices.create_price,
    prices.update_price,
    prices.delete_price,
    inventory.list_inventory,
    inventory.update_inventory,
    store.get_store_stats,
    store.set_store_visibility,
    store.set_display_priority,
    collections.list_collections,
    collections.get_collection,
    collections.list_collection_products,
    collections.create_collection,
    collections.update_collection,
    collections.delete_collection,
    reviews.list_reviews,
    reviews.count_reviews,
    reviews.update_review,
    reviews.delete_review,
    reviews.bulk_update_reviews,
    bulk.bulk_change_prices,
    bulk.bulk_set_availability,
    bulk.bulk_assign_collections,
    bulk.bulk_delete_products,
    bulk.bulk_change_currency,
    bulk_inventory.bulk_update_inventory,
    bulk.bulk_edit_products,
    changes.list_changes,
    changes.get_change,
    changes.undo_change,
)
"""Every tool; which of them a server offers is chosen by toolset and read-only mode."""
