"""What a store shows, and in which order."""

from .answers import NO_BODY, Call, not_found
from .database import Conditions, Database, listed
from .exact_json import JsonObject
from .products import find_many, narrow_to_collections


def _store(db: Database, call: Call) -> str:
    store = call.path["storeId"]
    if not db.rows("select 1 from stores where id = ?", store):
        raise not_found("Store")
    return store


def store_stats(db: Database, call: Call) -> JsonObject:
    """GET /products/store/{storeId}/stats"""
    store = _store(db, call)
    where = Conditions()
    where.add_contains("folded_name", call.query.get("search"))
    narrow_to_collections(where, listed(call.query.get("collectionIds")))
    total = db.number(f"select count(*) from products where {where}", *where.values)  # noqa: S608 - constants
    where.add("id in (select product_id from shown where store_id = ?)", store)
    shown = db.number(f"select count(*) from products where {where}", *where.values)  # noqa: S608 - constants
    return {"totalProducts": total, "includedInStore": shown, "excludedFromStore": total - shown}


def set_inclusion(db: Database, call: Call) -> None:
    """POST /products/store/{storeId}: answers null, as users report of the live API."""
    store = _store(db, call)
    for product in find_many(db, call.body["productIds"]):
        if call.body["action"] == "include":
            db.run("insert into shown values (?, ?, null) on conflict do nothing", store, product["_id"])
        else:
            db.run("delete from shown where store_id = ? and product_id = ?", store, product["_id"])


def set_priority(db: Database, call: Call) -> object:
    """POST /products/store/{storeId}/priority: answers without a body."""
    store = _store(db, call)
    for position, item in enumerate(call.body["products"]):
        priority = item.get("displayPriority", item.get("priority", position))
        db.run(
            "update shown set priority = ? where store_id = ? and product_id = ?",
            float(priority),
            store,
            item.get("productId", item.get("_id")),
        )
    return NO_BODY
