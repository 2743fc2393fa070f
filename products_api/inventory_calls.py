"""Stock: the list, setting quantities, and the bulk change with its documented fallback."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

from . import errors, operations
from .caller import PAGE_CAP, Caller
from .inventory_models import BulkInventoryChange, BulkInventoryResult, InventoryItem, InventoryUpdate
from .model_base import Acknowledged, Page

ADD_QUANTITY = "ADD_QUANTITY"


class InventoryCalls(Caller):
    """Stock. Every method raises a subclass of `ProductsApiError` when it fails."""

    async def list_inventory(
        self, *, limit: int = PAGE_CAP, offset: int = 0, search: str | None = None
    ) -> Page[InventoryItem]:
        """One page of stock, at most 100 prices; `search` looks at variant names."""
        operation = operations.LIST_INVENTORY
        self._check_page(operation, limit, offset)
        answer = await self._call(
            operation, query=self._alt | {"limit": limit, "offset": offset, "search": search}
        )
        return self._page(operation, InventoryItem, answer, ("inventory", "data"), limit=limit, offset=offset)

    def iterate_inventory(self, *, search: str | None = None) -> AsyncIterator[InventoryItem]:
        """The stock of every price, 100 to a request."""
        return self._walk(
            operations.LIST_INVENTORY,
            lambda offset: self.list_inventory(offset=offset, search=search),
            lambda item: item.price_id,
        )

    async def update_inventory(self, *, items: Sequence[InventoryUpdate]) -> Acknowledged:
        """Set stock to absolute quantities. Whether stock is tracked cannot be set here."""
        operation = operations.UPDATE_INVENTORY
        answer = await self._call(operation, body=self._alt | {"items": [item.wire() for item in items]})
        return self._acknowledged(operation, Acknowledged, answer)

    async def bulk_update_inventory(self, *, change: BulkInventoryChange) -> BulkInventoryResult:
        """Change the stock settings of many prices at once.

        Where the account lacks this route, the present quantities are read and the sums written as
        absolute quantities; `fallback` then says so. Without the route `track_inventory` cannot be set.

        Raises:
            RouteUnavailableError: the route is missing and the documented way cannot do the change.
            NotFoundError: the route is missing and some of the prices are not in the inventory.
        """
        operation = operations.BULK_UPDATE_INVENTORY
        try:
            answer = await self._call(operation, body=self._alt | change.wire())
        except (errors.RouteUnavailableError, errors.NotFoundError) as error:
            # A 404 may mean the route or a price. Its wording need not be trusted: reading the inventory
            # for the fallback shows whether a price is missing.
            missing_route = error
        else:
            return self._acknowledged(operation, BulkInventoryResult, answer)
        return await self._set_absolute_quantities(change, missing_route)

    async def _set_absolute_quantities(
        self, change: BulkInventoryChange, missing_route: errors.ProductsApiError
    ) -> BulkInventoryResult:
        operation = operations.BULK_UPDATE_INVENTORY
        added = change.available_quantity
        if added is not None and added.type != ADD_QUANTITY:
            raise _cannot_do(f"a quantity change of type {added.type!r}", missing_route)
        if added is None and change.allow_out_of_stock_purchases is None:
            raise _cannot_do("switching stock tracking", missing_route)
        price_ids = list(dict.fromkeys(change.price_ids))
        present = await self._present_quantities(price_ids)
        missing = [price_id for price_id in price_ids if price_id not in present]
        if missing:
            raise errors.NotFoundError(
                operation,
                f"The inventory has no price {', '.join(missing)}.",
                next_step="Take price ids from the inventory list.",
                status=missing_route.status,
                trace_id=missing_route.trace_id,
            )
        items: list[InventoryUpdate] = []
        for price_id in price_ids:
            fields: dict[str, object] = {"price_id": price_id}
            if added is not None:
                fields["available_quantity"] = int(present[price_id] or 0) + added.value
            if change.allow_out_of_stock_purchases is not None:
                fields["allow_out_of_stock_purchases"] = change.allow_out_of_stock_purchases
            items.append(InventoryUpdate.model_validate(fields))
        await self.update_inventory(items=items)
        return BulkInventoryResult(
            updated_count=len(items),
            fields_updated=[
                name
                for name, given in (
                    ("availableQuantity", added),
                    ("allowOutOfStockPurchases", change.allow_out_of_stock_purchases),
                )
                if given is not None
            ],
            fallback=_fallback_words(change),
        )

    async def _present_quantities(self, price_ids: Sequence[str]) -> dict[str, int | Decimal | None]:
        wanted = set(price_ids)
        present: dict[str, int | Decimal | None] = {}
        async for item in self.iterate_inventory():
            if item.price_id in wanted:
                present[item.price_id] = item.available_quantity
                if len(present) == len(wanted):
                    break
        return present


def _fallback_words(change: BulkInventoryChange) -> str:
    words = (
        f"This account does not have {operations.BULK_UPDATE_INVENTORY.name}, "
        f"so the settings were written with {operations.UPDATE_INVENTORY.name}."
    )
    if change.available_quantity is not None:
        words += " The quantities are those just read plus the addition; a sale in between is not counted."
    if change.track_inventory is not None:
        words += (
            " Stock tracking was not changed: that way cannot set it. Use the bulk edit or the price itself."
        )
    return words


def _cannot_do(what: str, missing_route: errors.ProductsApiError) -> errors.RouteUnavailableError:
    return errors.RouteUnavailableError(
        operations.BULK_UPDATE_INVENTORY,
        f"This account does not have {operations.BULK_UPDATE_INVENTORY.name}, "
        f"and {what} cannot be done with {operations.UPDATE_INVENTORY.name}.",
        next_step=f"Use {operations.BULK_EDIT.name} or {operations.UPDATE_PRICE.name}, price by price.",
        status=missing_route.status,
        trace_id=missing_route.trace_id,
    )
