"""One sensible call of every tool for products, prices, stock and bulk changes."""

from collections.abc import Callable
from typing import Any

import shelves
from shop_session import ShopSession

Arguments = dict[str, Any]


def _product(session: ShopSession) -> str:
    return shelves.product(session, "Pocket lantern")["_id"]


def _price(session: ShopSession) -> str:
    return shelves.price(session, "Pocket lantern", "Brass")["_id"]


def _both(session: ShopSession) -> Arguments:
    return {"product_id": _product(session), "price_id": _price(session)}


READS: dict[str, Callable[[ShopSession], Arguments]] = {
    "list_products": lambda _: {},
    "get_product": lambda session: {"product_id": _product(session)},
    "list_prices": lambda session: {"product_id": _product(session)},
    "get_price": _both,
    "list_inventory": lambda _: {},
}

WRITES: dict[str, tuple[str, Callable[[ShopSession], Arguments]]] = {
    "create_product": ("POST /products/", lambda _: {"name": "Lamp", "product_type": "PHYSICAL"}),
    "update_product": (
        "PUT /products/{productId}",
        lambda session: {"product_id": _product(session), "name": "Lamp"},
    ),
    "delete_product": (
        "DELETE /products/{productId}",
        lambda session: {"product_id": _product(session)},
    ),
    "create_price": (
        "POST /products/{productId}/price",
        lambda session: {"product_id": _product(session), "name": "P", "amount": 1, "currency": "USD"},
    ),
    "update_price": (
        "PUT /products/{productId}/price/{priceId}",
        lambda session: _both(session) | {"amount": 1},
    ),
    "delete_price": ("DELETE /products/{productId}/price/{priceId}", _both),
    "update_inventory": (
        "POST /products/inventory",
        lambda session: {"items": [{"price_id": _price(session), "available_quantity": 1}]},
    ),
    "bulk_change_prices": (
        "POST /products/bulk-update",
        lambda session: {
            "product_ids": [_product(session)],
            "price": {"type": "SET_NEW_PRICE", "value": 1},
        },
    ),
    "bulk_set_availability": (
        "POST /products/bulk-update",
        lambda session: {"product_ids": [_product(session)], "available_in_store": False},
    ),
    "bulk_assign_collections": (
        "POST /products/bulk-update",
        lambda session: {
            "product_ids": [_product(session)],
            "collection_ids": [shelves.collection(session, "midwinter")["_id"]],
        },
    ),
    "bulk_delete_products": (
        "POST /products/bulk-update",
        lambda session: {"product_ids": [_product(session)]},
    ),
    "bulk_change_currency": (
        "POST /products/bulk-update",
        lambda session: {"product_ids": [_product(session)], "currency": "EUR"},
    ),
    "bulk_update_inventory": (
        "POST /products/bulk-update/inventory",
        lambda session: {"price_ids": [_price(session)], "add_quantity": 1},
    ),
    "bulk_edit_products": (
        "POST /products/bulk-update/edit",
        lambda session: {"products": [{"product_id": _product(session), "name": "Lamp"}]},
    ),
}

ALL: dict[str, Callable[[ShopSession], Arguments]] = READS | {
    tool: make for tool, (_, make) in WRITES.items()
}
