"""Stock, which lives on prices."""

from .answers import DONE, Call, unprocessable
from .database import Conditions, Database, page
from .exact_json import JsonObject, decode, plain_number
from .prices import save


def list_inventory(db: Database, call: Call) -> JsonObject:
    """GET /products/inventory: the prices that track their stock."""
    where = Conditions()
    where.add("tracked")
    if text := call.query.get("search"):
        folded = text.casefold()
        where.add("(instr(prices.folded_name, ?) > 0 or instr(products.folded_name, ?) > 0)", folded, folded)
    tables = "prices join products on products.id = prices.product_id"
    rows = db.rows(
        f"""select prices.doc, json_extract(products.doc, '$.name'), json_extract(products.doc, '$.image')
            from {tables}
            where {where} order by prices.seq limit ? offset ?""",  # noqa: S608 - built from constants
        *where.values,
        *page(call.query),
    )
    total = db.number(f"select count(*) from {tables} where {where}", *where.values)  # noqa: S608 - as above
    return {"inventory": [_item(decode(row[0]), row[1], row[2]) for row in rows], "total": {"total": total}}


def _item(price: JsonObject, product_name: str, image: str | None) -> JsonObject:
    item: JsonObject = {
        "_id": price["_id"],
        "name": price["name"],
        "availableQuantity": price.get("availableQuantity"),
        "sku": price.get("sku"),
        "allowOutOfStockPurchases": price.get("allowOutOfStockPurchases"),
        "product": price["product"],
        "productName": product_name,
        "updatedAt": price["updatedAt"],
    }
    return item if image is None else item | {"image": image}


def update_inventory(db: Database, call: Call) -> JsonObject:
    """POST /products/inventory: absolute quantities."""
    for item in call.body["items"]:
        price = db.doc("select doc from prices where id = ?", item["priceId"])
        if price is not None:
            price |= {key: value for key, value in item.items() if key != "priceId"}
            save(db, price)
    return dict(DONE)


def bulk_update_inventory(db: Database, call: Call) -> JsonObject:
    """POST /products/bulk-update/inventory: one change to many prices, quantities relative."""
    sent = call.body
    quantity = sent.get("availableQuantity")
    if quantity is not None and quantity["type"] != "ADD_QUANTITY":
        raise unprocessable("availableQuantity.type must be one of the following values: ADD_QUANTITY")
    changed = 0
    for price_id in dict.fromkeys(sent["priceIds"]):
        price = db.doc("select doc from prices where id = ?", price_id)
        if price is None:
            continue
        if quantity is not None:
            price["availableQuantity"] = plain_number(
                (price.get("availableQuantity") or 0) + quantity["value"]
            )
        price |= {key: sent[key] for key in ("allowOutOfStockPurchases", "trackInventory") if key in sent}
        save(db, price)
        changed += 1
    fields = [
        key for key in ("availableQuantity", "allowOutOfStockPurchases", "trackInventory") if key in sent
    ]
    return {
        "status": True,
        "updatedCount": changed,
        "fieldsUpdated": fields,
        "message": "Inventory updated successfully",
    }
