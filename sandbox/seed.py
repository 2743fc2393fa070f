"""Puts a shop into an empty database: the demo shop, none, or as many generated products as asked for."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product as combinations
from typing import Final, Literal

from . import collections, prices, products, reviews
from .catalog import Catalog, Goods, Group, Option, demo_catalog
from .database import Database, object_id, timestamp
from .exact_json import JsonObject, plain_number
from .identity import MARKET_STORE_ID, ONLINE_STORE_ID

ShopChoice = Literal["demo", "empty"] | int

_OPENING: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_TAX: Final = object_id("tax", "sales")
_MARKET_STALL: Final = 5
"""Every fifth product also goes to the market stall."""
_HONEST_REVIEWS: Final = 104
_HONEST_STATUSES: Final = ("approved", "approved", "pending", "approved", "approved", "rejected")
_ODD_STATUSES: Final = ("pending", "rejected", "pending")
_DIGITAL_KINDS: Final = ("DIGITAL", "PHYSICAL/DIGITAL")


def fill(db: Database, shop: ShopChoice, location_id: str) -> None:
    """Fill an empty database. The same choice gives the same shop, digit for digit."""
    db.run("insert into counters values ('opened', 1)")
    for store, name in ((ONLINE_STORE_ID, "Online shop"), (MARKET_STORE_ID, "Market stall")):
        db.run("insert into stores values (?, ?)", store, name)
    if shop == "demo":
        _fill_demo(db, location_id, demo_catalog())
    elif shop != "empty":
        _fill_generated(db, location_id, shop)


def _moment(hours: float) -> str:
    return timestamp(_OPENING + timedelta(hours=hours))


def _slug(name: str) -> str:
    return "-".join("".join(char if char.isalnum() else " " for char in name.casefold()).split())


def _fill_demo(db: Database, location_id: str, catalog: Catalog) -> None:
    members: dict[str, list[str]] = {group.key: [] for group in catalog.collections}
    for number, goods in enumerate(catalog.goods):
        product = _product(goods, number, location_id, catalog.name)
        products.insert(db, product)
        for price in _prices(goods, product, number):
            prices.insert(db, price)
        for key in () if "collections" in goods.gaps else goods.collections:
            members[key].append(product["_id"])
        _show(db, goods, product["_id"], number)
    for number, group in enumerate(catalog.collections):
        collection = _collection(location_id, number, group, catalog.name)
        collections.insert(db, collection)
        db.run_many(
            "insert into members (collection_id, product_id, position, smart) values (?, ?, ?, ?)",
            [
                (collection["_id"], item, place, group.kind == "smart")
                for place, item in enumerate(members[group.key])
            ],
        )
    _write_reviews(db, location_id, catalog)


def _product(goods: Goods, number: int, location_id: str, shop_name: str) -> JsonObject:
    opened = _moment(number * 7)
    slug = goods.slug or _slug(goods.name)
    image = f"https://images.example.com/moth-and-lantern/{_slug(goods.name)}.jpg"
    product: JsonObject = {
        "_id": object_id("product", goods.name),
        "locationId": location_id,
        "name": goods.name,
        "productType": goods.kind,
        "description": f"<p>{goods.text}</p>",
        "slug": slug,
        "availableInStore": "store" not in goods.gaps,
        "isTaxesEnabled": goods.kind == "PHYSICAL",
        "taxes": [_TAX] if goods.kind == "PHYSICAL" else [],
        "taxInclusive": False,
        "isLabelEnabled": goods.compare is not None,
        "isFeatured": number % 12 == 0,
        "variants": [
            {
                "id": object_id("variant", goods.name, option.name)[:11],
                "name": option.name,
                "options": [
                    {"id": _option_id(goods, option, value), "name": value} for value in option.values
                ],
            }
            for option in goods.options
        ],
        "medias": [],
    }
    if goods.compare is not None:
        product["label"] = {"title": "Offer"}
    if "image" not in goods.gaps:
        product["image"] = image
        product["medias"] = [
            {
                "id": object_id("media", goods.name)[:11],
                "url": image,
                "type": "image",
                "title": goods.name,
                "isFeatured": True,
            }
        ]
    if "seo" not in goods.gaps:
        product["seo"] = {"title": f"{goods.name} | {shop_name}", "description": goods.text}
    return product | {"createdAt": opened, "updatedAt": opened}


def _option_id(goods: Goods, option: Option, value: str) -> str:
    return object_id("option", goods.name, option.name, value)[:11]


def _prices(goods: Goods, product: JsonObject, number: int) -> list[JsonObject]:
    if "prices" in goods.gaps:
        return []
    made: list[JsonObject] = []
    for place, chosen in enumerate(combinations(*(option.values for option in goods.options))):
        steps = goods.options[0].values.index(chosen[0]) if chosen else 0
        price = _price(goods, product, " / ".join(chosen) or goods.name, number, place)
        price["amount"] = plain_number(Decimal(goods.amount) + steps * Decimal(goods.step))
        if goods.compare is not None:
            price["compareAtPrice"] = plain_number(Decimal(goods.compare) + steps * Decimal(goods.step))
        price["variantOptionIds"] = [
            _option_id(goods, option, value) for option, value in zip(goods.options, chosen, strict=True)
        ]
        made.append(price)
    for name, amount, currency in goods.also:
        price = _price(goods, product, name, number, len(made))
        price |= {"amount": plain_number(Decimal(amount)), "currency": currency}
        if "yearly" in name:
            price["recurring"] = {"interval": "year", "intervalCount": 1}
        made.append(price)
    return made


def _price(goods: Goods, product: JsonObject, name: str, number: int, place: int) -> JsonObject:
    written = _moment(number * 7 + place / 60)
    price: JsonObject = {
        "_id": object_id("price", goods.name, place),
        "product": product["_id"],
        "locationId": product["locationId"],
        "name": name,
        "type": "one_time" if goods.every is None else "recurring",
        "currency": goods.currency,
        "membershipOffers": [],
        "variantOptionIds": [],
        "trackInventory": True if goods.stock is not None else None,
        "createdAt": written,
        "updatedAt": written,
    }
    if goods.every is not None:
        price["recurring"] = {"interval": goods.every[0], "intervalCount": goods.every[1]}
    if goods.stock is not None:
        # Variants thin out one after the other, so that some are low and some are gone.
        price["availableQuantity"] = max(goods.stock - place * 5, 0) if goods.stock > 0 else goods.stock
        price["allowOutOfStockPurchases"] = goods.stock < 0 or number % 11 == 0
    if "sku" not in goods.gaps:
        price["sku"] = f"ML-{number + 1:03d}-{place + 1:02d}"
    if goods.kind in _DIGITAL_KINDS:
        price["isDigitalProduct"] = True
    if goods.kind == "PHYSICAL":
        price["shippingOptions"] = {"weight": {"value": Decimal("0.25") * (number % 8 + 1), "unit": "kg"}}
    return price


def _show(db: Database, goods: Goods, product_id: str, number: int) -> None:
    if "store" in goods.gaps:
        return
    db.run("insert into shown values (?, ?, ?)", ONLINE_STORE_ID, product_id, number)
    if number % _MARKET_STALL == 0:
        db.run("insert into shown values (?, ?, null)", MARKET_STORE_ID, product_id)


def _collection(location_id: str, number: int, group: Group, shop_name: str) -> JsonObject:
    collection: JsonObject = {
        "_id": object_id("collection", group.key),
        "altId": location_id,
        "name": group.name,
        "slug": group.key,
        "image": f"https://images.example.com/moth-and-lantern/collections/{group.key}.jpg",
        "seo": {"title": f"{group.name} | {shop_name}", "description": group.text},
        "type": group.kind,
    }
    if group.kind == "smart":
        condition = {"field": "price", "operator": "less_than", "value": 20}
        collection["rules"] = {"logic": "AND", "conditions": [condition]}
    return collection | {"createdAt": _moment(number)}


def _write_reviews(db: Database, location_id: str, catalog: Catalog) -> None:
    texts = [(catalog.honest[number % len(catalog.honest)], True) for number in range(_HONEST_REVIEWS)]
    for place, words in enumerate(catalog.odd):
        texts.insert(place * 7 + 3, (words, False))
    reviewed = [goods for goods in catalog.goods if "store" not in goods.gaps]
    reply_user = {"name": catalog.name, "email": "hello@example.com", "isCustomer": False}
    for number, (words, honest) in enumerate(texts):
        goods = reviewed[number * 5 % len(reviewed)]
        person = catalog.people[number * 3 % len(catalog.people)]
        written = _moment(500 + number * 11)
        moderated = _HONEST_STATUSES if honest else _ODD_STATUSES
        status = moderated[number % len(moderated)]
        answered = status == "approved" and number % 4 == 0
        reviews.insert(
            db,
            {
                "_id": object_id("review", number),
                "altId": location_id,
                "productId": object_id("product", goods.name),
                "storeId": MARKET_STORE_ID if number % 9 == 0 else ONLINE_STORE_ID,
                "status": status,
                "rating": plain_number(Decimal(words.rating)),
                "headline": words.headline,
                "detail": words.detail,
                "user": {
                    "name": person,
                    "email": f"{_slug(person).replace('-', '.')}@example.com",
                    "isCustomer": True,
                },
                "reply": [catalog.answer | {"user": reply_user}] if answered else [],
                "createdAt": written,
                "updatedAt": written,
            },
        )


def _fill_generated(db: Database, location_id: str, count: int) -> None:
    for number in range(count):
        goods = Goods(
            name=f"Item {number:05d}",
            kind=("PHYSICAL", "DIGITAL", "SERVICE", "PHYSICAL/DIGITAL")[number % 4],
            amount=f"{number % 200 + 1}.{number % 100:02d}",
            text=f"Generated product number {number}.",
            options=(Option("Size", ("Small", "Large")),) if number % 2 else (),
            stock=number % 50,
        )
        product = _product(goods, number, location_id, "Generated")
        products.insert(db, product)
        for price in _prices(goods, product, number):
            prices.insert(db, price)
        _show(db, goods, product["_id"], number)
