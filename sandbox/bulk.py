"""One call that changes many products: prices, availability, collections, deletion, currency, or edits."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from . import prices, products
from .answers import DONE, Call, unprocessable
from .database import Database
from .exact_json import JsonObject, plain_number

ENTITY_LIMIT: Final = 30
"""Most products and prices, counted together, of one bulk edit."""

_NO_DECIMALS: Final = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
    *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
)
_DECIMALS: Final = {
    **dict.fromkeys(_NO_DECIMALS, 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Digits after the point of the currencies that do not have two."""

_ARITHMETIC: Final[dict[str, Callable[[Decimal, Decimal], Decimal]]] = {
    "INCREASE_BY_AMOUNT": lambda old, value: old + value,
    "REDUCE_BY_AMOUNT": lambda old, value: old - value,
    "SET_NEW_PRICE": lambda _old, value: value,
    "INCREASE_BY_PERCENTAGE": lambda old, value: old * (100 + value) / 100,
    "REDUCE_BY_PERCENTAGE": lambda old, value: old * (100 - value) / 100,
}

_NEEDS: Final = {
    "bulk-update-availability": "availability",
    "bulk-update-product-collection": "collectionIds",
    "bulk-update-currency": "currency",
}


def bulk_update(db: Database, call: Call) -> JsonObject:
    """POST /products/bulk-update"""
    sent = call.body
    kind = sent["type"]
    if kind == "bulk-update-price" and "price" not in sent and "compareAtPrice" not in sent:
        raise unprocessable("price or compareAtPrice should not be empty when type is bulk-update-price")
    if kind in _NEEDS and _NEEDS[kind] not in sent:
        raise unprocessable(f"{_NEEDS[kind]} should not be empty when type is {kind}")
    for product in products.find_many(db, sent["productIds"]):
        match kind:
            case "bulk-update-price":
                _change_prices(db, product["_id"], sent)
            case "bulk-update-availability":
                products.change(db, product, {"availableInStore": sent["availability"]})
            case "bulk-update-product-collection":
                products.add_collections(db, product["_id"], sent["collectionIds"])
            case "bulk-update-currency":
                for price in prices.prices_of(db, product["_id"]):
                    prices.save(db, price | {"currency": sent["currency"]})
            case _:
                products.remove(db, product["_id"])
    return dict(DONE)


def _change_prices(db: Database, product_id: str, sent: JsonObject) -> None:
    for price in prices.prices_of(db, product_id):
        for key, change in (("amount", sent.get("price")), ("compareAtPrice", sent.get("compareAtPrice"))):
            if change is not None:
                price[key] = changed_amount(price.get(key), change, price["currency"])
        prices.save(db, price)


def changed_amount(old: Decimal | int | None, change: JsonObject, currency: str) -> Decimal | int | None:
    """The amount after one change: never below 0, rounded half up to the currency's smallest unit.

    An amount that is not there stays so, unless the change sets a new one.
    """
    if old is None and change["type"] != "SET_NEW_PRICE":
        return None
    new = _ARITHMETIC[change["type"]](Decimal(old or 0), Decimal(change["value"]))
    digits = 0 if change.get("roundToWhole") else _DECIMALS.get(currency.upper(), 2)
    return plain_number(max(new, Decimal(0)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def bulk_edit(db: Database, call: Call) -> JsonObject:
    """POST /products/bulk-update/edit"""
    sent = call.body["products"]
    entities = sum(1 + len(edit.get("prices", [])) for edit in sent)
    if entities > ENTITY_LIMIT:
        raise unprocessable(
            f"products must contain no more than {ENTITY_LIMIT} products and prices in total, got {entities}"
        )
    changed = 0
    for edit in sent:
        for product in products.find_many(db, [edit["_id"]]):
            fields = {key: value for key, value in edit.items() if key not in {"_id", "prices"}}
            if "taxes" in fields:
                fields["taxes"] = [tax["_id"] for tax in fields["taxes"]]
            products.change(db, product, fields)
            own = {price["_id"]: price for price in prices.prices_of(db, product["_id"])}
            for price_edit in edit.get("prices", []):
                if price_edit["_id"] in own:
                    prices.save(db, own[price_edit["_id"]] | price_edit)
            changed += 1
    return {"message": "Products updated successfully", "status": True, "updatedCount": changed}
