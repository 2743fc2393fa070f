"""The collections and their products, with the documented way where an account lacks a route."""

from collections.abc import AsyncIterator, Sequence

from . import errors, operations
from .caller import PAGE_CAP
from .collection_models import Collection, CollectionChanges, CollectionProducts, NewCollection
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

        Where the account lacks this route, the products are listed by collection id instead, and
        `fallback` says so.

        Raises:
            NotFoundError: there is no such collection.
        """
        operation = operations.LIST_COLLECTION_PRODUCTS
        self._check_page(operation, limit, offset)
        try:
            answer = await self._call(
                operation,
                ids={"collectionId": collection_id},
                query=self._alt | {"limit": limit, "offset": offset},
            )
        except (errors.RouteUnavailableError, errors.NotFoundError) as error:
            refusal = error
        else:
            page = self._page(operation, Product, answer, ("data", "products"), limit=limit, offset=offset)
            return CollectionProducts(page.items, page.total, page.limit, page.offset, fallback=None)
        # "Not found" may mean the route or the collection, and nothing documents how their wording
        # differs. The collection itself tells: if another route knows it, this route is what is missing.
        known = await self._knows_collection(collection_id)
        if known is False or (known is None and isinstance(refusal, errors.NotFoundError)):
            raise errors.NotFoundError(
                operation,
                f"There is no collection {collection_id} in this location.",
                next_step="Take the id from the list of collections.",
                status=refusal.status,
                trace_id=refusal.trace_id,
            )
        page = await self.list_products(limit=limit, offset=offset, collection_ids=[collection_id])
        words = (
            f"This account does not have {operation.name}, so the products were found with "
            f"{operations.LIST_PRODUCTS.name} by their collection id. Products that a smart collection "
            "gathers by rule may be missing."
        )
        if known is None:
            words += " It could not be checked that the collection exists."
        return CollectionProducts(page.items, page.total, page.limit, page.offset, fallback=words)

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
