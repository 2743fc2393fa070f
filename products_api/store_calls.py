"""What an online store shows: counts, visibility and order."""

from collections.abc import Sequence
from typing import Literal

from . import operations
from .caller import Caller
from .model_base import Acknowledged
from .paths import comma_joined
from .store_models import DisplayPriority, StoreStats


class StoreCalls(Caller):
    """Stores. Every method raises a subclass of `ProductsApiError` when it fails."""

    async def get_store_stats(
        self, *, store_id: str, search: str | None = None, collection_ids: Sequence[str] | None = None
    ) -> StoreStats:
        """How many products a store shows and hides, of those that match."""
        operation = operations.GET_STORE_STATS
        answer = await self._call(
            operation,
            ids={"storeId": store_id},
            query=self._alt
            | {"search": search, "collectionIds": comma_joined(operation, "collection id", collection_ids)},
        )
        return self._parse(operation, StoreStats, self._record(operation, answer, "data"))

    async def set_store_visibility(
        self, *, store_id: str, action: Literal["include", "exclude"], product_ids: Sequence[str]
    ) -> Acknowledged:
        """Show products in a store, or hide them."""
        operation = operations.SET_STORE_VISIBILITY
        answer = await self._call(
            operation,
            ids={"storeId": store_id},
            body=self._alt | {"action": action, "productIds": list(product_ids)},
        )
        return self._acknowledged(operation, Acknowledged, answer)

    async def set_display_priority(
        self, *, store_id: str, products: Sequence[DisplayPriority]
    ) -> Acknowledged:
        """Order products in a store. The keys of an item are a guess: check the result in the store."""
        operation = operations.SET_DISPLAY_PRIORITY
        answer = await self._call(
            operation,
            ids={"storeId": store_id},
            body=self._alt | {"products": [product.wire() for product in products]},
        )
        return self._acknowledged(operation, Acknowledged, answer)
