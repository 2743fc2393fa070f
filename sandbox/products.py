"""Products: create, list, get, change, delete."""

from typing import Any, Final

from .answers import Call, not_found, unprocessable
from .database import Conditions, Database, json_list, json_text, listed, page
from .exact_json import JsonObject

NOT_IN_LISTS: Final = ("medias", "collectionIds", "seo")
"""Keys that only a single product shows; found by code that calls the live API."""

_NOT_STORED: Final = ("collectionIds", "prices", "locationId")


def create_product(db: Database, call: Call) -> JsonObject:
    """POST /products/"""
    now = db.now()
    sent = call.body
    product: JsonObject = {
        "_id": db.new_id("product"),
        "locationId": sent["locationId"],
        "isTaxesEnabled": False,
        "isLabelEnabled": False,
        "taxInclusive": False,
        "availableInStore": False,
        "variants": [],
        "medias": [],
        "taxes": [],
    }
    product |= {key: value for key, value in sent.items() if key not in _NOT_STORED}
    product |= {"createdAt": now, "updatedAt": now}
    check(product)
    insert(db, product)
    set_collections(db, product["_id"], sent.get("collectionIds", []))
    return whole(db, product)


def insert(db: Database, product: JsonObject) -> None:
    """Store a new product."""
    db.run(
        "insert into products (id, slug, folded_name, available, created_at, doc) values (?, ?, ?, ?, ?, ?)",
        product["_id"],
        product.get("slug"),
        product["name"].casefold(),
        product["availableInStore"],
        product["createdAt"],
        json_text(product),
    )


def save(db: Database, product: JsonObject) -> None:
    """Store a changed product."""
    product["updatedAt"] = db.now()
    db.run(
        "update products set slug = ?, folded_name = ?, available = ?, doc = ? where id = ?",
        product.get("slug"),
        product["name"].casefold(),
        product["availableInStore"],
        json_text(product),
        product["_id"],
    )


def find(db: Database, reference: str) -> JsonObject:
    """A product by id, else by slug, and of several with one slug the oldest. Raises `RefusalError`."""
    product = db.doc("select doc from products where id = ?", reference) or db.doc(
        "select doc from products where slug = ? order by seq limit 1", reference
    )
    if product is None:
        raise not_found("Product")
    return product


def find_many(db: Database, ids: list[str]) -> list[JsonObject]:
    """The products that exist among these ids, oldest first."""
    return db.docs(
        "select doc from products where id in (select value from json_each(?)) order by seq", json_list(ids)
    )


def check(product: JsonObject) -> None:
    """Refuse a product that contradicts itself."""
    problems: list[str] = []
    if product["isTaxesEnabled"] and not product["taxes"]:
        problems.append("taxes should not be empty when isTaxesEnabled is true")
    if product["isLabelEnabled"] and not product.get("label"):
        problems.append("label should not be empty when isLabelEnabled is true")
    if problems:
        raise unprocessable(*problems)


def set_collections(db: Database, product_id: str, collection_ids: list[str]) -> None:
    """Make these the collections the product was put into by hand."""
    db.run("delete from members where product_id = ? and not smart", product_id)
    add_collections(db, product_id, collection_ids)


def add_collections(db: Database, product_id: str, collection_ids: list[str]) -> None:
    """Put the product into these collections as well, behind what is there."""
    for collection_id in collection_ids:
        db.run(
            """insert into members (collection_id, product_id, position, smart)
               select ?, ?, coalesce(max(position), -1) + 1, 0 from members
               where collection_id = ? on conflict do update set smart = 0""",
            collection_id,
            product_id,
            collection_id,
        )


def collections_of(db: Database, product_id: str) -> list[str]:
    """Ids of the collections the product was put into by hand; smart collections do not show on a product."""
    rows = db.rows(
        "select collection_id from members where product_id = ? and not smart order by seq", product_id
    )
    return [row[0] for row in rows]


def whole(db: Database, product: JsonObject) -> JsonObject:
    """The product as a single product is answered."""
    return product | {"collectionIds": collections_of(db, product["_id"])}


def listed_form(product: JsonObject, expand: list[str] | None = None) -> JsonObject:
    """The product as lists show it."""
    shown: JsonObject = {key: value for key, value in product.items() if key not in NOT_IN_LISTS}
    if expand and "tax" in expand:
        shown["taxes"] = [{"_id": tax, "name": "Sales tax"} for tax in product["taxes"]]
    return shown


def list_products(db: Database, call: Call) -> JsonObject:
    """GET /products/"""
    query = call.query
    where = Conditions()
    where.add_contains("folded_name", query.get("search"))
    narrow_to_collections(where, listed(query.get("collectionIds")))
    where.add_one_of("id", query.get("productIds", []))
    if slug := query.get("collectionSlug"):
        where.add(
            """id in (select product_id from members join collections on collections.id = collection_id
                      where collections.slug = ? and not smart)""",
            slug,
        )
    if "availableInStore" in query:
        where.add("available = ?", query["availableInStore"])
    store = query.get("storeId")
    if store is not None:
        included = "" if query.get("includedInStore", True) else "not "
        where.add(f"id {included}in (select product_id from shown where store_id = ?)", store)  # noqa: S608
    direction = "asc" if query.get("sortOrder") == "asc" else "desc"
    order = f"created_at {direction}, seq {direction}"
    if store is not None and "sortOrder" not in query:
        order = "priority is null, priority, " + order
    limit, offset = page(query)
    products = db.docs(
        f"""select doc from products left join shown on product_id = id and store_id = ?
            where {where} order by {order} limit ? offset ?""",  # noqa: S608 - built from constants
        store,
        *where.values,
        limit,
        offset,
    )
    total = db.number(f"select count(*) from products where {where}", *where.values)  # noqa: S608 - as above
    shown = [listed_form(product, query.get("expand")) for product in products]
    return {"products": shown, "total": [{"total": total}]}


def narrow_to_collections(where: Conditions, collection_ids: list[str]) -> None:
    """Keep the products that were put by hand into one of these collections."""
    if collection_ids:
        where.add(
            """id in (select product_id from members
                      where not smart and collection_id in (select value from json_each(?)))""",
            json_list(collection_ids),
        )


def get_product(db: Database, call: Call) -> JsonObject:
    """GET /products/{productId}"""
    return whole(db, find(db, call.path["productId"]))


def update_product(db: Database, call: Call) -> JsonObject:
    """PUT /products/{productId}: what is sent replaces, what is not sent stays."""
    product = find(db, call.path["productId"])
    change(db, product, call.body)
    return whole(db, product)


def change(db: Database, product: JsonObject, sent: dict[str, Any]) -> None:
    """Merge the sent keys into the product and store it."""
    product |= {key: value for key, value in sent.items() if key not in _NOT_STORED}
    check(product)
    save(db, product)
    if "collectionIds" in sent:
        set_collections(db, product["_id"], sent["collectionIds"])


def delete_product(db: Database, call: Call) -> JsonObject:
    """DELETE /products/{productId}"""
    remove(db, find(db, call.path["productId"])["_id"])
    return {"status": True}


def remove(db: Database, product_id: str) -> None:
    """Delete a product and all that hangs on it."""
    for table in ("prices", "members", "shown", "reviews"):
        db.run(f"delete from {table} where product_id = ?", product_id)  # noqa: S608 - constants
    db.run("delete from products where id = ?", product_id)
