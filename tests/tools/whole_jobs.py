"""What the tests of whole jobs look at: requests by operation, progress, and shops with something in them to find."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from mcp_types import CallToolResult
from shop_session import ShopSession, text_of

from hoopai_products_mcp.sandbox import prices, products
from hoopai_products_mcp.sandbox.database import object_id
from hoopai_products_mcp.sandbox.identity import LOCATION_ID

LIST = "list-invoices"
"""The published id of the operation that lists products."""
ONE = "get-product-by-id"
PRICES = "list-prices-for-product"
STOCK = "get-list-inventory"
COLLECTIONS = "get-product-collection"

Doc = dict[str, Any]


def requests(session: ShopSession) -> Counter[str]:
    """How many requests of each operation have reached the API so far."""
    return Counter(received.operation or received.line for received in session.sandbox.requests)


async def watched(
    session: ShopSession, name: str, arguments: Mapping[str, Any]
) -> tuple[Doc, list[tuple[float, float | None, str | None]]]:
    """The content of a call that must succeed, and the progress that it reported."""
    seen: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    result = await session.client.call_tool(name, dict(arguments), progress_callback=note)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, text_of(result)
    return result.structured_content or {}, seen


def add_product(session: ShopSession, name: str, *, of: list[Doc] | None = None, **fields: Any) -> str:
    """Somebody puts a product into the shop, with prices that have these fields; its id."""
    database = session.sandbox.database
    key = object_id("added", name, str(sorted(fields)), len(session.sandbox.dump()["products"]))
    now = database.now()
    doc: Doc = {
        "_id": key,
        "locationId": LOCATION_ID,
        "name": name,
        "productType": "PHYSICAL",
        "availableInStore": True,
        "isTaxesEnabled": False,
        "isLabelEnabled": False,
        "taxInclusive": False,
        "variants": [],
        "medias": [],
        "taxes": [],
        "createdAt": now,
        "updatedAt": now,
    }
    with database.transaction():
        products.insert(database, doc | fields)
        for place, price in enumerate(of or []):
            add_price(session, key, **{"name": f"{name} {place}"} | price)
    return key


def add_price(session: ShopSession, product_id: str, name: str, **fields: Any) -> str:
    """Somebody gives a product a price; its id. Call it within a transaction of the shop's, or by itself."""
    database = session.sandbox.database
    key = object_id("added price", product_id, name, len(session.sandbox.dump()["prices"]))
    now = database.now()
    doc: Doc = {
        "_id": key,
        "product": product_id,
        "locationId": LOCATION_ID,
        "name": name,
        "type": "one_time",
        "currency": "USD",
        "amount": 10,
        "membershipOffers": [],
        "variantOptionIds": [],
        "trackInventory": None,
        "createdAt": now,
        "updatedAt": now,
    }
    prices.insert(database, doc | fields)
    return key
