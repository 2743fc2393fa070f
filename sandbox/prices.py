"""Prices: create, list, get, replace, delete."""

from typing import Final

from .answers import Call, not_found, unprocessable
from .database import Conditions, Database, json_text, listed, page
from .exact_json import JsonObject, plain_number
from .products import find as find_product

MONEY: Final = ("amount", "compareAtPrice", "setupFee")

NULLED: Final = (
    "recurring",
    "description",
    "membershipOffers",
    "trialPeriod",
    "totalCycles",
    "setupFee",
    "variantOptionIds",
    "compareAtPrice",
    "userId",
    "meta",
    "trackInventory",
    "availableQuantity",
    "allowOutOfStockPurchases",
    "sku",
    "shippingOptions",
    "isDigitalProduct",
    "digitalDelivery",
)
"""Keys that a PUT without them sets to null."""


def create_price(db: Database, call: Call) -> JsonObject:
    """POST /products/{productId}/price"""
    product = find_product(db, call.path["productId"])
    now = db.now()
    price: JsonObject = {
        "_id": db.new_id("price"),
        "product": product["_id"],
        "membershipOffers": [],
        "variantOptionIds": [],
        "trackInventory": None,
    }
    price |= call.body | {"createdAt": now, "updatedAt": now}
    check(price)
    insert(db, price)
    return price


def check(price: JsonObject) -> None:
    """Refuse a recurring price that does not say how often; write money without needless digits."""
    if price["type"] == "recurring" and not price.get("recurring"):
        raise unprocessable("recurring should not be empty when type is recurring")
    for key in MONEY:
        if price.get(key) is not None:
            price[key] = plain_number(price[key])


def insert(db: Database, price: JsonObject) -> None:
    """Store a new price."""
    db.run(
        "insert into prices (id, product_id, folded_name, tracked, doc) values (?, ?, ?, ?, ?)",
        price["_id"],
        price["product"],
        price["name"].casefold(),
        bool(price["trackInventory"]),
        json_text(price),
    )


def save(db: Database, price: JsonObject) -> None:
    """Store a changed price."""
    check(price)
    price["updatedAt"] = db.now()
    db.run(
        "update prices set folded_name = ?, tracked = ?, doc = ? where id = ?",
        price["name"].casefold(),
        bool(price["trackInventory"]),
        json_text(price),
        price["_id"],
    )


def find(db: Database, product_id: str, price_id: str) -> JsonObject:
    """A price of a product. Raises `RefusalError` if the product has no such price."""
    price = db.doc("select doc from prices where id = ? and product_id = ?", price_id, product_id)
    if price is None:
        raise not_found("Price")
    return price


def prices_of(db: Database, product_id: str) -> list[JsonObject]:
    """All prices of a product, oldest first."""
    return db.docs("select doc from prices where product_id = ? order by seq", product_id)


def list_prices(db: Database, call: Call) -> JsonObject:
    """GET /products/{productId}/price"""
    product = find_product(db, call.path["productId"])
    where = Conditions()
    where.add("product_id = ?", product["_id"])
    where.add_one_of("id", listed(call.query.get("ids")))
    prices = db.docs(
        f"select doc from prices where {where} order by seq limit ? offset ?",  # noqa: S608 - from constants
        *where.values,
        *page(call.query),
    )
    total = db.number(f"select count(*) from prices where {where}", *where.values)  # noqa: S608 - as above
    return {"prices": prices, "total": total}


def get_price(db: Database, call: Call) -> JsonObject:
    """GET /products/{productId}/price/{priceId}"""
    return _addressed(db, call)


def update_price(db: Database, call: Call) -> JsonObject:
    """PUT /products/{productId}/price/{priceId}: what is not sent becomes null."""
    price = _addressed(db, call) | dict.fromkeys(NULLED) | call.body
    save(db, price)
    return price


def delete_price(db: Database, call: Call) -> JsonObject:
    """DELETE /products/{productId}/price/{priceId}"""
    db.run("delete from prices where id = ?", _addressed(db, call)["_id"])
    return {"status": True}


def _addressed(db: Database, call: Call) -> JsonObject:
    product = find_product(db, call.path["productId"])
    return find(db, product["_id"], call.path["priceId"])
