"""One change to many products, and many changes in calls of bounded size."""

from collections.abc import Sequence

from . import errors, operations
from .bulk_models import BulkChange, BulkEditCall, BulkEditResult, EditedProduct, PriceEdit, ProductEdit
from .caller import Caller
from .exact_json import Json
from .model_base import Acknowledged

ENTITIES_PER_CALL = 30
"""The most that one bulk edit may carry: each product counts, and each price inside it."""


class BulkCalls(Caller):
    """Bulk changes. Every method raises a subclass of `ProductsApiError` when it fails."""

    async def bulk_update(self, *, change: BulkChange) -> Acknowledged:
        """Make one change to many products. The API gives no counts and no result per product."""
        operation = operations.BULK_UPDATE
        answer = await self._call(operation, body=self._alt | change.wire())
        return self._acknowledged(operation, Acknowledged, answer)

    async def bulk_edit(self, *, products: Sequence[ProductEdit]) -> BulkEditResult:
        """Edit products and their prices, in as many calls as the limit of 30 entities needs.

        The first call that fails is the last one tried. When that is the very first and it changed
        nothing, its error is raised; in every other case the result tells what was done, what failed
        and why, and what was not tried.
        """
        operation = operations.BULK_EDIT
        chunks = cut(products)
        calls: list[BulkEditCall] = []
        for number, chunk in enumerate(chunks):
            parts = tuple(_part(edit) for edit in chunk)
            try:
                answer = await self._call(
                    operation, body=self._alt | {"products": [edit.wire() for edit in chunk]}
                )
                self._acknowledged(operation, Acknowledged, answer)
            except errors.ProductsApiError as error:
                if number == 0 and error.outcome == "not_done":
                    raise
                calls.append(BulkEditCall("failed", parts, error=error))
                break
            calls.append(BulkEditCall("done", parts, updated_count=_count(answer)))
        calls.extend(
            BulkEditCall("not_tried", tuple(_part(edit) for edit in chunk)) for chunk in chunks[len(calls) :]
        )
        return BulkEditResult(tuple(calls))


def cut(products: Sequence[ProductEdit]) -> list[list[ProductEdit]]:
    """The edits in order, in groups of at most 30 entities.

    A product is kept whole where it fits into one call; one with more than 29 prices is spread over
    several, its own fields going with the first.
    """
    chunks: list[list[ProductEdit]] = []
    room = 0
    for edit in products:
        for part in _parts_that_fit(edit):
            size = 1 + len(part.prices or ())
            if size > room:
                chunks.append([])
                room = ENTITIES_PER_CALL
            chunks[-1].append(part)
            room -= size
    return chunks


def _parts_that_fit(edit: ProductEdit) -> list[ProductEdit]:
    prices = edit.prices or []
    most = ENTITIES_PER_CALL - 1
    if len(prices) <= most:
        return [edit]
    groups: list[list[PriceEdit]] = [prices[start : start + most] for start in range(0, len(prices), most)]
    first = edit.model_copy(update={"prices": groups[0]})
    return [first, *(ProductEdit(id=edit.id, prices=group) for group in groups[1:])]


def _part(edit: ProductEdit) -> EditedProduct:
    return EditedProduct(
        edit.id,
        tuple(price.id for price in edit.prices or ()),
        own_fields=bool(edit.model_fields_set - {"id", "prices"}),
    )


def _count(answer: Json) -> int | None:
    count = answer.get("updatedCount") if isinstance(answer, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) else None
