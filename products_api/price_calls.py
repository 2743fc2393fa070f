"""The five operations on the prices of a product."""

from collections.abc import AsyncIterator, Sequence

from . import errors, operations
from .caller import PAGE_CAP, Caller
from .exact_json import Json
from .model_base import Acknowledged, Change, Page, differences
from .paths import comma_joined
from .price_models import PRICE_WIRE_FIELDS, NewPrice, Price, PriceChanges, writable_part

_REQUIRED = ("name", "type", "currency", "amount")


class PriceCalls(Caller):
    """Prices. Every method raises a subclass of `ProductsApiError` when it fails."""

    async def create_price(self, *, product_id: str, price: NewPrice) -> Price:
        """Give a product a price. Repeating this makes a second one."""
        operation = operations.CREATE_PRICE
        answer = await self._call(
            operation, ids={"productId": product_id}, body=price.wire() | self._location
        )
        return self._parse(operation, Price, self._record(operation, answer, "price", "data"))

    async def list_prices(
        self, *, product_id: str, limit: int = PAGE_CAP, offset: int = 0, ids: Sequence[str] | None = None
    ) -> Page[Price]:
        """One page of a product's prices, at most 100; `ids` keeps to those prices."""
        operation = operations.LIST_PRICES
        self._check_page(operation, limit, offset)
        answer = await self._call(
            operation,
            ids={"productId": product_id},
            query=self._location
            | {"limit": limit, "offset": offset, "ids": comma_joined(operation, "price id", ids)},
        )
        return self._page(operation, Price, answer, ("prices", "data"), limit=limit, offset=offset)

    def iterate_prices(self, *, product_id: str) -> AsyncIterator[Price]:
        """Every price of a product, 100 to a request."""
        return self._walk(
            operations.LIST_PRICES,
            lambda offset: self.list_prices(product_id=product_id, offset=offset),
            lambda price: price.id,
        )

    async def get_price(self, *, product_id: str, price_id: str) -> Price:
        """One price."""
        return self._parse(operations.GET_PRICE, Price, await self._read_price(product_id, price_id))

    async def update_price(self, *, product_id: str, price_id: str, changes: PriceChanges) -> Change[Price]:
        """Change a price by reading it, sending all of it with the changes, and reading it back.

        The update replaces the whole price: a field left out of the request becomes null, and stock
        tracking was seen to turn itself off that way. So everything the reading showed is sent back,
        and clearing a field means leaving it out. What a reading does not show cannot be kept; what a
        sale takes from the stock between reading and writing is put back. `lost` tells what differs.
        """
        operation = operations.UPDATE_PRICE
        before = await self._read_price(product_id, price_id)
        asked = changes.wire()
        kept = writable_part(before) | asked
        body = {key: value for key, value in kept.items() if value is not None} | self._location
        missing = [key for key in _REQUIRED if key not in body]
        if missing:
            raise errors.InvalidArgumentError(
                operation,
                f"The price as read has no {' and no '.join(missing)}, which every update must send.",
                next_step="Set them in the same change.",
            )
        answer = await self._call(operation, ids={"productId": product_id, "priceId": price_id}, body=body)
        parsed_before = self._parse(operations.GET_PRICE, Price, before)
        try:
            after = await self._read_price(product_id, price_id)
        except errors.ProductsApiError:
            # The change was accepted, so a failure to look at it must not read as a failure to change.
            return Change(parsed_before, self._answered(Price, answer, "price"), (), (), verified=False)
        lost, not_applied = differences(before, asked, after, PRICE_WIRE_FIELDS)
        return Change(
            parsed_before, self._parse(operations.GET_PRICE, Price, after), lost, not_applied, verified=True
        )

    async def delete_price(self, *, product_id: str, price_id: str) -> Acknowledged:
        """Delete a price, its variant and its stock with it. There is no way back."""
        operation = operations.DELETE_PRICE
        answer = await self._call(
            operation, ids={"productId": product_id, "priceId": price_id}, query=self._location
        )
        return self._acknowledged(operation, Acknowledged, answer)

    async def _read_price(self, product_id: str, price_id: str) -> dict[str, Json]:
        operation = operations.GET_PRICE
        answer = await self._call(
            operation, ids={"productId": product_id, "priceId": price_id}, query=self._location
        )
        return self._record(operation, answer, "price", "data")
