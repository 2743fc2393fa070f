"""The 29 operations of the Products API in one table.

The facts here (method, path, documented success status, OAuth scopes) are read by the client, by
the errors that name a missing scope, and by whoever describes tools. Scopes go by area rather than
by path: inventory needs the price scopes, reviews and stores need the product scopes, and
"collection" is singular where "prices" is plural.
"""

from dataclasses import dataclass
from typing import Literal

Method = Literal["GET", "POST", "PUT", "DELETE"]

PRODUCTS_READ = "products.readonly"
PRODUCTS_WRITE = "products.write"
PRICES_READ = "products/prices.readonly"
PRICES_WRITE = "products/prices.write"
COLLECTIONS_READ = "products/collection.readonly"
COLLECTIONS_WRITE = "products/collection.write"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path template.

    `key` is the client's method name, `ok` the documented success status (any 2xx is accepted) and
    `scopes` what a token needs for it; empty where no source names a scope.
    """

    key: str
    method: Method
    path: str
    ok: int
    scopes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Method and path template, such as `GET /products/{productId}`."""
        return f"{self.method} {self.path}"

    @property
    def writes(self) -> bool:
        """Whether the operation can change the shop."""
        return self.method != "GET"


CREATE_PRODUCT = Operation("create_product", "POST", "/products/", 201, (PRODUCTS_WRITE,))
LIST_PRODUCTS = Operation("list_products", "GET", "/products/", 200, (PRODUCTS_READ,))
GET_PRODUCT = Operation("get_product", "GET", "/products/{productId}", 200, (PRODUCTS_READ,))
UPDATE_PRODUCT = Operation("update_product", "PUT", "/products/{productId}", 200, (PRODUCTS_WRITE,))
DELETE_PRODUCT = Operation("delete_product", "DELETE", "/products/{productId}", 200, (PRODUCTS_WRITE,))

BULK_UPDATE = Operation("bulk_update", "POST", "/products/bulk-update", 201, (PRODUCTS_WRITE,))
# Described by HoopAI alone; neither its status nor its scope is printed, so both follow its siblings.
BULK_UPDATE_INVENTORY = Operation(
    "bulk_update_inventory", "POST", "/products/bulk-update/inventory", 201, (PRICES_WRITE,)
)
# The official file gives this one no security block; it edits products and prices alike.
BULK_EDIT = Operation("bulk_edit", "POST", "/products/bulk-update/edit", 201, (PRODUCTS_WRITE, PRICES_WRITE))

CREATE_PRICE = Operation("create_price", "POST", "/products/{productId}/price", 201, (PRICES_WRITE,))
LIST_PRICES = Operation("list_prices", "GET", "/products/{productId}/price", 200, (PRICES_READ,))
GET_PRICE = Operation("get_price", "GET", "/products/{productId}/price/{priceId}", 200, (PRICES_READ,))
UPDATE_PRICE = Operation("update_price", "PUT", "/products/{productId}/price/{priceId}", 200, (PRICES_WRITE,))
DELETE_PRICE = Operation(
    "delete_price", "DELETE", "/products/{productId}/price/{priceId}", 200, (PRICES_WRITE,)
)

LIST_INVENTORY = Operation("list_inventory", "GET", "/products/inventory", 200, (PRICES_READ,))
UPDATE_INVENTORY = Operation("update_inventory", "POST", "/products/inventory", 201, (PRICES_WRITE,))

GET_STORE_STATS = Operation(
    "get_store_stats", "GET", "/products/store/{storeId}/stats", 200, (PRODUCTS_READ,)
)
SET_STORE_VISIBILITY = Operation(
    "set_store_visibility", "POST", "/products/store/{storeId}", 201, (PRODUCTS_WRITE,)
)
# The official file lists this scope as an empty list, so none is named here.
SET_DISPLAY_PRIORITY = Operation(
    "set_display_priority", "POST", "/products/store/{storeId}/priority", 200, ()
)

LIST_COLLECTIONS = Operation("list_collections", "GET", "/products/collections", 200, (COLLECTIONS_READ,))
CREATE_COLLECTION = Operation("create_collection", "POST", "/products/collections", 201, (COLLECTIONS_WRITE,))
GET_COLLECTION = Operation(
    "get_collection", "GET", "/products/collections/{collectionId}", 200, (COLLECTIONS_READ,)
)
UPDATE_COLLECTION = Operation(
    "update_collection", "PUT", "/products/collections/{collectionId}", 200, (COLLECTIONS_WRITE,)
)
DELETE_COLLECTION = Operation(
    "delete_collection", "DELETE", "/products/collections/{collectionId}", 200, (COLLECTIONS_WRITE,)
)
# Listed by HoopAI alone, without parameters or scope; both follow the other collection reads.
LIST_COLLECTION_PRODUCTS = Operation(
    "list_collection_products",
    "GET",
    "/products/collections/{collectionId}/products",
    200,
    (COLLECTIONS_READ,),
)

LIST_REVIEWS = Operation("list_reviews", "GET", "/products/reviews", 200, (PRODUCTS_READ,))
COUNT_REVIEWS = Operation("count_reviews", "GET", "/products/reviews/count", 200, (PRODUCTS_READ,))
UPDATE_REVIEW = Operation("update_review", "PUT", "/products/reviews/{reviewId}", 200, (PRODUCTS_WRITE,))
DELETE_REVIEW = Operation("delete_review", "DELETE", "/products/reviews/{reviewId}", 200, (PRODUCTS_WRITE,))
BULK_UPDATE_REVIEWS = Operation(
    "bulk_update_reviews", "POST", "/products/reviews/bulk-update", 201, (PRODUCTS_WRITE,)
)

OPERATIONS: dict[str, Operation] = {
    operation.key: operation
    for operation in (
        CREATE_PRODUCT,
        LIST_PRODUCTS,
        GET_PRODUCT,
        UPDATE_PRODUCT,
        DELETE_PRODUCT,
        BULK_UPDATE,
        BULK_UPDATE_INVENTORY,
        BULK_EDIT,
        CREATE_PRICE,
        LIST_PRICES,
        GET_PRICE,
        UPDATE_PRICE,
        DELETE_PRICE,
        LIST_INVENTORY,
        UPDATE_INVENTORY,
        GET_STORE_STATS,
        SET_STORE_VISIBILITY,
        SET_DISPLAY_PRIORITY,
        LIST_COLLECTIONS,
        CREATE_COLLECTION,
        GET_COLLECTION,
        UPDATE_COLLECTION,
        DELETE_COLLECTION,
        LIST_COLLECTION_PRODUCTS,
        LIST_REVIEWS,
        COUNT_REVIEWS,
        UPDATE_REVIEW,
        DELETE_REVIEW,
        BULK_UPDATE_REVIEWS,
    )
}
"""Every operation by the name of the client method that performs it."""
