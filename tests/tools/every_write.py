"""A sensible call of every tool that writes."""

from collections.abc import Callable
from typing import Any

import shelves
from calls_to_make import WRITES
from shop_session import ShopSession

from hoopai_products_mcp.sandbox.identity import ONLINE_STORE_ID

Arguments = dict[str, Any]


def _product(session: ShopSession) -> str:
    return shelves.product(session, "Pocket lantern")["_id"]


def _collection(session: ShopSession) -> str:
    return shelves.collection(session, "midwinter")["_id"]


def _review(session: ShopSession) -> Arguments:
    review = session.sandbox.dump()["reviews"][0]
    return {"review_id": review["_id"], "product_id": review["productId"]}


def _reviews(session: ShopSession) -> list[Arguments]:
    return [
        {"review_id": review["_id"], "product_id": review["productId"], "store_id": review["storeId"]}
        for review in session.sandbox.dump()["reviews"][:2]
    ]


CALLS: dict[str, Callable[[ShopSession], Arguments]] = {
    **{name: make for name, (_, make) in WRITES.items()},
    "set_store_visibility": lambda session: {
        "store_id": ONLINE_STORE_ID,
        "product_ids": [_product(session)],
        "action": "exclude",
    },
    "set_display_priority": lambda session: {
        "store_id": ONLINE_STORE_ID,
        "products": [{"product_id": _product(session), "priority": 2}],
    },
    "create_collection": lambda _: {"name": "Lamps"},
    "update_collection": lambda session: {"collection_id": _collection(session), "name": "Lamps"},
    "delete_collection": lambda session: {"collection_id": _collection(session)},
    "update_review": lambda session: _review(session) | {"status": "rejected"},
    "delete_review": _review,
    "bulk_update_reviews": lambda session: {"reviews": _reviews(session), "status": "rejected"},
    "import_products": lambda _: {
        "content": "Title,Product type\nOwl lantern,PHYSICAL\n",
        "dry_run": False,
    },
}
PREVIEWS = ("import_products",)
"""Tools that only show what they would do unless they are told otherwise."""
