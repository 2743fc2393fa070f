"""The five operations on the prices of a product."""

from collections.abc import AsyncIterator, Sequence

from . import operations
from .caller import PAGE_CAP, Caller
from .changes import Change, Update, merged, without_nulls
from .exact_json import Json
from .model_base import Acknowledged, Page
from .paths import comma_joined
from .price_models import (
    PRICE_FIELDS_PERHAPS_HIDDEN,
    PRICE_WIRE_FIELDS,
    NewPrice,
    Price,
    PriceChanges,
)
from .resending import sendable_part
from .shapes import unwrap


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
        return self._price(await self._read_price(product_id, price_id))

    async def update_price(self, *, product_id: str, price_id: str, changes: PriceChanges) -> Change[Price]:
        """Change a price by reading it, sending all of it with the changes, and reading it back.

        The update replaces the whole price: a field left out of the request becomes null, and stock
        tracking was seen to turn itself off that way. So everything the reading showed is sent back,
        and clearing a field, or a part of one, means leaving it out. `lost` tells what differs afterwards.

        What cannot be kept: what readings do not show (`unseen`), objects shown without a member that the
        API requires of them (`not_resent`), and a sale between reading and writing, whose quantity is put back.
        """
        operation = operations.UPDATE_PRICE
        read = await self._read_price(product_id, price_id)
        before = self._price(read)
        present = sendable_part(read, PRICE_WIRE_FIELDS)
        asked = merged(present.fields, changes.wire())
        body = without_nulls(present.fields | asked) | self._location
        self._check_required(operation, body, ("name", "type", "currency", "amount"))
        answer = await self._call(operation, ids={"productId": product_id, "priceId": price_id}, body=body)
        update = Update(
            read,
            asked,
            PRICE_WIRE_FIELDS,
            self._price,
            left_out=present.left_out,
            perhaps_hidden=PRICE_FIELDS_PERHAPS_HIDDEN,
        )
        return await update.verified(before, answer, lambda: self._read_price(product_id, price_id))

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

    def _price(self, value: Json) -> Price:
        return self._parse(operations.GET_PRICE, Price, unwrap(value, "price", "data"))
