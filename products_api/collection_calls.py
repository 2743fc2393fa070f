"""The collections and their products, with the documented way where an account lacks a route."""

from collections.abc import AsyncIterator, Sequence

from . import errors, operations
from .caller import PAGE_CAP
from .collection_models import (
    Collection,
    CollectionChanges,
    CollectionMembers,
    CollectionProducts,
    NewCollection,
)
from .model_base import Acknowledged, Page
from .paths import comma_joined
from .product_calls import ProductCalls
from .product_models import Product


class CollectionCalls(ProductCalls):
    """Collections. Every method raises a subclass of `ProductsApiError` when it fails."""

    async def list_collections(
        self,
        *,
        limit: int = PAGE_CAP,
        offset: int = 0,
        collection_ids: Sequence[str] | None = None,
        name: str | None = None,
    ) -> Page[Collection]:
        """One page of collections, at most 100."""
        operation = operations.LIST_COLLECTIONS
        self._check_page(operation, limit, offset)
        answer = await self._call(
            operation,
            query=self._alt
            | {
                "limit": limit,
                "offset": offset,
                "collectionIds": comma_joined(operation, "collection id", collection_ids),
                "name": name,
            },
        )
        return self._page(operation, Collection, answer, ("data", "collections"), limit=limit, offset=offset)

    def iterate_collections(self, *, name: str | None = None) -> AsyncIterator[Collection]:
        """Every collection, 100 to a request."""
        return self._walk(
            operations.LIST_COLLECTIONS,
            lambda offset: self.list_collections(offset=offset, name=name),
            lambda collection: collection.id,
        )

    async def create_collection(self, *, collection: NewCollection) -> Collection:
        """Create a collection."""
        operation = operations.CREATE_COLLECTION
        answer = await self._call(operation, body=collection.wire() | self._alt)
        return self._parse(operation, Collection, self._record(operation, answer, "data", "collection"))

    async def get_collection(self, *, collection_id: str) -> Collection:
        """One collection. Some accounts do not have this route; the list with its id then has the same."""
        operation = operations.GET_COLLECTION
        answer = await self._call(
            operation,
            ids={"collectionId": collection_id},
            # Only altId: this one route does not list altType, and stray keys are refused.
            query={"altId": self.location_id},
        )
        found = self._record(operation, answer, "data", "collection")
        return self._parse(operation, Collection, {"_id": collection_id} | found)

    async def update_collection(self, *, collection_id: str, changes: CollectionChanges) -> Acknowledged:
        """Change the given fields of a collection."""
        operation = operations.UPDATE_COLLECTION
        answer = await self._call(
            operation, ids={"collectionId": collection_id}, body=changes.wire() | self._alt
        )
        return self._acknowledged(operation, Acknowledged, answer)

    async def delete_collection(self, *, collection_id: str) -> Acknowledged:
        """Delete a collection. Its products stay."""
        operation = operations.DELETE_COLLECTION
        answer = await self._call(operation, ids={"collectionId": collection_id}, query=self._alt)
        return self._acknowledged(operation, Acknowledged, answer)

    async def list_collection_products(
        self, *, collection_id: str, limit: int = PAGE_CAP, offset: int = 0
    ) -> CollectionProducts:
        """One page of a collection's products, at most 100.

        Nothing documents this route. Where the account lacks it, the token may not use it, or it refuses what
        is sent to it, the products are listed by collection id instead, and `fallback` says so.

        Raises:
            NotFoundError: there is no such collection.
        """
        self._check_page(operations.LIST_COLLECTION_PRODUCTS, limit, offset)
        fallback = None
        try:
            page = await self._own_products(collection_id, limit, offset)
        except _GONE_ROUND as reason:
            fallback = await self._fallback_words(collection_id, reason)
            page = await self.list_products(limit=limit, offset=offset, collection_ids=[collection_id])
        return CollectionProducts(page.items, page.total, page.limit, page.offset, fallback)

    async def walk_collection_products(self, *, collection_id: str) -> CollectionMembers:
        """Every product of a collection, 100 to a request, from one and the same list.

        Where the collection's own route is refused, be it half way, or gives one page for several offsets,
        the documented listing is read from its start, and `fallback` says so.

        Raises:
            NotFoundError: there is no such collection.
            RepeatedPageError: the documented listing ignores the offset too.
        """
        own = self._walk(
            operations.LIST_COLLECTION_PRODUCTS,
            lambda offset: self._own_products(collection_id, PAGE_CAP, offset),
            lambda product: product.id,
        )
        try:
            return CollectionMembers(tuple([product async for product in own]), fallback=None)
        except (*_GONE_ROUND, errors.RepeatedPageError) as reason:
            fallback = await self._fallback_words(collection_id, reason)
        listed = self.iterate_products(collection_ids=[collection_id])
        return CollectionMembers(tuple([product async for product in listed]), fallback)

    async def _own_products(self, collection_id: str, limit: int, offset: int) -> Page[Product]:
        operation = operations.LIST_COLLECTION_PRODUCTS
        answer = await self._call(
            operation,
            ids={"collectionId": collection_id},
            query=self._alt | {"limit": limit, "offset": offset},
        )
        return self._page(operation, Product, answer, ("data", "products"), limit=limit, offset=offset)

    async def _fallback_words(self, collection_id: str, reason: errors.ProductsApiError) -> str:
        """Why and how the documented listing is used instead of the collection's own route.

        Raises:
            NotFoundError: the collection is what is missing, not the route.
        """
        # "Not found" may mean the route or the collection, and nothing documents how their wording
        # differs. The collection itself tells: if another route knows it, this route is what is missing.
        known = await self._knows_collection(collection_id)
        if known is False or (known is None and isinstance(reason, errors.NotFoundError)):
            raise errors.NotFoundError(
                operations.LIST_COLLECTION_PRODUCTS,
                f"There is no collection {collection_id} in this location.",
                next_step="Take the id from the list of collections.",
                status=reason.status,
                trace_id=reason.trace_id,
            )
        words = (
            f"{_why(reason)}, so the products were found with {operations.LIST_PRODUCTS.name} by their "
            "collection id. Products that a smart collection gathers by rule may be missing."
        )
        return words if known else words + " It could not be checked that the collection exists."

    async def _knows_collection(self, collection_id: str) -> bool | None:
        """Whether the collection exists, asked of two other routes; None when neither may be asked."""
        try:
            await self.get_collection(collection_id=collection_id)
        except errors.NotFoundError:
            return False
        except errors.RefusedError:
            pass
        else:
            return True
        try:
            page = await self.list_collections(collection_ids=[collection_id])
        except errors.RefusedError:
            return None
        return any(collection.id == collection_id for collection in page.items)


_GONE_ROUND = (
    errors.RouteUnavailableError,
    errors.NotFoundError,
    # The parameters are a guess, and stray ones are refused.
    errors.ValidationFailedError,
    errors.MissingScopeError,
    # A 403 without a reason may be about the scope too. If it is the location, the other listing says so.
    errors.WrongLocationError,
)


def _why(reason: errors.ProductsApiError) -> str:
    name = operations.LIST_COLLECTION_PRODUCTS.name
    match reason:
        case errors.ValidationFailedError():
            return f"What is sent to {name} is a guess, for nothing documents it, and the API found fault with it"
        case errors.MissingScopeError() | errors.WrongLocationError():
            return f"The access token may not use {name}"
        case errors.RepeatedPageError():
            return f"{name} gave the same page again for another offset"
        case _:
            return f"This account does not have {name}"
