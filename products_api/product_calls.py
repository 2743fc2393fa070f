"""The five operations on products."""

from collections.abc import AsyncIterator, Sequence
from typing import Literal

from . import operations
from .caller import PAGE_CAP, Caller
from .changes import Change, Update, merged
from .exact_json import Json
from .model_base import Acknowledged, Page
from .paths import comma_joined
from .product_models import MERGED_OBJECTS, PRODUCT_WIRE_FIELDS, NewProduct, Product, ProductChanges
from .resending import sendable_part
from .shapes import unwrap

SortOrder = Literal["asc", "desc"]
Expansion = Literal["tax", "stripe", "paypal"]


class ProductCalls(Caller):
    """Products. Every method raises a subclass of `ProductsApiError` when it fails."""

    async def create_product(self, *, product: NewProduct) -> Product:
        """Create a product. Repeating this makes a second one: nothing is unique, not even the slug."""
        operation = operations.CREATE_PRODUCT
        answer = await self._call(operation, body=product.wire() | self._location)
        return self._parse(operation, Product, self._record(operation, answer, "product", "data"))

    async def list_products(
        self,
        *,
        limit: int = PAGE_CAP,
        offset: int = 0,
        search: str | None = None,
        collection_ids: Sequence[str] | None = None,
        collection_slug: str | None = None,
        expand: Sequence[Expansion] | None = None,
        product_ids: Sequence[str] | None = None,
        store_id: str | None = None,
        included_in_store: bool | None = None,
        available_in_store: bool | None = None,
        sort_order: SortOrder | None = None,
    ) -> Page[Product]:
        """One page of products, at most 100.

        `search` looks at the name alone. `included_in_store` needs `store_id`. `sort_order` is by date.
        Medias and collections are left out of lists.
        """
        operation = operations.LIST_PRODUCTS
        self._check_page(operation, limit, offset)
        answer = await self._call(
            operation,
            query=self._location
            | {
                "limit": limit,
                "offset": offset,
                "search": search,
                # One text of comma-separated ids here, though productIds beside it is a real array.
                "collectionIds": comma_joined(operation, "collection id", collection_ids),
                "collectionSlug": collection_slug,
                "expand": expand,
                "productIds": product_ids,
                "storeId": store_id,
                "includedInStore": included_in_store,
                "availableInStore": available_in_store,
                "sortOrder": sort_order,
            },
        )
        return self._page(operation, Product, answer, ("products", "data"), limit=limit, offset=offset)

    def iterate_products(
        self,
        *,
        search: str | None = None,
        collection_ids: Sequence[str] | None = None,
        product_ids: Sequence[str] | None = None,
        store_id: str | None = None,
        included_in_store: bool | None = None,
        available_in_store: bool | None = None,
        sort_order: SortOrder | None = None,
    ) -> AsyncIterator[Product]:
        """Every product, 100 to a request; the filters are those of `list_products`."""
        return self._walk(
            operations.LIST_PRODUCTS,
            lambda offset: self.list_products(
                offset=offset,
                search=search,
                collection_ids=collection_ids,
                product_ids=product_ids,
                store_id=store_id,
                included_in_store=included_in_store,
                available_in_store=available_in_store,
                sort_order=sort_order,
            ),
            lambda product: product.id,
        )

    async def get_product(self, *, product_id: str, send_wishlist_status: bool | None = None) -> Product:
        """One product by its id or slug. Of several products with one slug, the oldest is found."""
        return self._product(await self._read_product(product_id, send_wishlist_status))

    async def update_product(self, *, product_id: str, changes: ProductChanges) -> Change[Product]:
        """Change a product: read it, send the changed fields with the required ones, read it back.

        Name and product type are required on every update and taken from the reading where the changes
        do not set them. The API is reported to leave alone what is not sent; `lost` tells if it did not.
        """
        operation = operations.UPDATE_PRODUCT
        read = await self._read_product(product_id)
        before = self._product(read)
        asked = merged(sendable_part(read, MERGED_OBJECTS).fields, changes.wire())
        required = {key: read[key] for key in ("name", "productType") if read.get(key) is not None}
        body = required | asked | self._location
        self._check_required(operation, body, ("name", "productType"))
        # By id even when a slug was given: a slug may be shared, and this change may alter it.
        answer = await self._call(operation, ids={"productId": before.id}, body=body)
        update = Update(read, asked, PRODUCT_WIRE_FIELDS, self._product)
        return await update.verified(before, answer, lambda: self._read_product(before.id))

    async def delete_product(
        self, *, product_id: str, send_wishlist_status: bool | None = None
    ) -> Acknowledged:
        """Delete a product. There is no way back; what becomes of its prices is not documented."""
        operation = operations.DELETE_PRODUCT
        answer = await self._call(
            operation,
            ids={"productId": product_id},
            query=self._location | {"sendWishlistStatus": send_wishlist_status},
        )
        return self._acknowledged(operation, Acknowledged, answer)

    async def _read_product(
        self, product_id: str, send_wishlist_status: bool | None = None
    ) -> dict[str, Json]:
        operation = operations.GET_PRODUCT
        answer = await self._call(
            operation,
            ids={"productId": product_id},
            query=self._location | {"sendWishlistStatus": send_wishlist_status},
        )
        return self._record(operation, answer, "product", "data")

    def _product(self, value: Json) -> Product:
        return self._parse(operations.GET_PRODUCT, Product, unwrap(value, "product", "data"))
