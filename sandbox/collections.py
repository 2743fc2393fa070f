"""Collections of products, by hand and smart."""

from .answers import Call, not_found, unprocessable
from .database import Conditions, Database, json_text, listed, page
from .exact_json import JsonObject
from .products import listed_form

_NOT_STORED = frozenset({"altType", "collectionId", "productIds"})


def list_collections(db: Database, call: Call) -> JsonObject:
    """GET /products/collections"""
    where = Conditions()
    where.add_one_of("id", listed(call.query.get("collectionIds")))
    where.add_contains("folded_name", call.query.get("name"))
    found = db.docs(
        f"select doc from collections where {where} order by seq limit ? offset ?",  # noqa: S608 - constants
        *where.values,
        *page(call.query),
    )
    total = db.number(f"select count(*) from collections where {where}", *where.values)  # noqa: S608 - constants
    return {"data": found, "total": total}


def create_collection(db: Database, call: Call) -> JsonObject:
    """POST /products/collections"""
    sent = call.body
    own_id = sent.get("collectionId") or db.new_id("collection")
    if db.rows("select 1 from collections where id = ?", own_id):
        raise unprocessable("collectionId already exists")
    collection: JsonObject = {"_id": own_id, "type": "manual"}
    collection |= {key: value for key, value in sent.items() if key not in _NOT_STORED}
    collection |= {"createdAt": db.now()}
    insert(db, collection)
    _set_products(db, collection, sent)
    return {"data": collection}


def insert(db: Database, collection: JsonObject) -> None:
    """Store a new collection."""
    _check_slug(db, collection)
    db.run(
        "insert into collections (id, slug, folded_name, doc) values (?, ?, ?, ?)",
        collection["_id"],
        collection["slug"],
        collection["name"].casefold(),
        json_text(collection),
    )


def get_collection(db: Database, call: Call) -> JsonObject:
    """GET /products/collections/{collectionId}"""
    return {"data": _find(db, call), "status": True}


def update_collection(db: Database, call: Call) -> None:
    """PUT /products/collections/{collectionId}: answers null, as users report of the live API."""
    collection = _find(db, call)
    collection |= {key: value for key, value in call.body.items() if key not in _NOT_STORED}
    _check_slug(db, collection)
    db.run(
        "update collections set slug = ?, folded_name = ?, doc = ? where id = ?",
        collection["slug"],
        collection["name"].casefold(),
        json_text(collection),
        collection["_id"],
    )
    _set_products(db, collection, call.body)


def delete_collection(db: Database, call: Call) -> None:
    """DELETE /products/collections/{collectionId}: answers null, as users report of the live API."""
    own_id = _find(db, call)["_id"]
    db.run("delete from members where collection_id = ?", own_id)
    db.run("delete from collections where id = ?", own_id)


def list_collection_products(db: Database, call: Call) -> JsonObject:
    """GET /products/collections/{collectionId}/products"""
    own_id = _find(db, call)["_id"]
    products = db.docs(
        """select doc from products join members on product_id = id and collection_id = ?
           order by position, products.seq limit ? offset ?""",
        own_id,
        *page(call.query),
    )
    total = db.number(
        "select count(*) from products join members on product_id = id and collection_id = ?", own_id
    )
    return {"data": [listed_form(product) for product in products], "total": total}


def _find(db: Database, call: Call) -> JsonObject:
    collection = db.doc("select doc from collections where id = ?", call.path["collectionId"])
    if collection is None:
        raise not_found("Collection")
    return collection


def _check_slug(db: Database, collection: JsonObject) -> None:
    if db.rows("select 1 from collections where slug = ? and id <> ?", collection["slug"], collection["_id"]):
        raise unprocessable("slug already exists")


def _set_products(db: Database, collection: JsonObject, sent: JsonObject) -> None:
    """Fill a collection by hand. A smart one takes no list: its rules decide, and those are not evaluated."""
    if "productIds" not in sent or collection["type"] != "manual":
        return
    db.run("delete from members where collection_id = ?", collection["_id"])
    rows = [
        (collection["_id"], product_id, position)
        for position, product_id in enumerate(dict.fromkeys(sent["productIds"]))
    ]
    db.run_many("insert into members (collection_id, product_id, position, smart) values (?, ?, ?, 0)", rows)
