"""Reviews of products: reading, counting, answering, moderating."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Literal

from . import operations
from .caller import PAGE_CAP, Caller
from .model_base import Acknowledged, Page
from .operations import Operation
from .paths import comma_joined
from .review_models import Review, ReviewReference, ReviewUpdate, status_counts


class ReviewCalls(Caller):
    """Reviews. Every method raises a subclass of `ProductsApiError` when it fails."""

    async def list_reviews(
        self,
        *,
        limit: int = PAGE_CAP,
        offset: int = 0,
        sort_field: Literal["createdAt", "rating"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        rating: int | Decimal | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
        product_ids: Sequence[str] | None = None,
        store_ids: Sequence[str] | None = None,
    ) -> Page[Review]:
        """One page of reviews, at most 100. Dates are ISO. The API has no filter by status.

        The fields of a review are not documented: one without a known id is left out, see `Page.unreadable`.
        """
        operation = operations.LIST_REVIEWS
        self._check_page(operation, limit, offset)
        answer = await self._call(
            operation,
            query=self._alt
            | {"limit": limit, "offset": offset, "sortField": sort_field, "sortOrder": sort_order}
            | _filters(operation, rating, start_date, end_date, product_ids, store_ids),
        )
        return self._page(
            operation,
            Review,
            answer,
            ("data", "reviews"),
            limit=limit,
            offset=offset,
            leave_out_unreadable=True,
        )

    def iterate_reviews(
        self,
        *,
        rating: int | Decimal | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
        product_ids: Sequence[str] | None = None,
        store_ids: Sequence[str] | None = None,
    ) -> AsyncIterator[Review]:
        """Every review, 100 to a request; the filters are those of `list_reviews`."""
        return self._walk(
            operations.LIST_REVIEWS,
            lambda offset: self.list_reviews(
                offset=offset,
                rating=rating,
                start_date=start_date,
                end_date=end_date,
                product_ids=product_ids,
                store_ids=store_ids,
            ),
            lambda review: review.id,
        )

    async def count_reviews(
        self,
        *,
        rating: int | Decimal | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
        product_ids: Sequence[str] | None = None,
        store_ids: Sequence[str] | None = None,
    ) -> dict[str, int]:
        """Number of reviews per status, in the account's own words for them."""
        operation = operations.COUNT_REVIEWS
        answer = await self._call(
            operation,
            query=self._alt | _filters(operation, rating, start_date, end_date, product_ids, store_ids),
        )
        counts = status_counts(answer)
        if counts is None:
            raise self._unexpected(operation, "without counts by status")
        return counts

    async def update_review(self, *, review_id: str, update: ReviewUpdate) -> Acknowledged:
        """Set a review's status, answer it, or both."""
        operation = operations.UPDATE_REVIEW
        answer = await self._call(operation, ids={"reviewId": review_id}, body=update.wire() | self._alt)
        return self._acknowledged(operation, Acknowledged, answer)

    async def delete_review(self, *, review_id: str, product_id: str) -> Acknowledged:
        """Delete a review. There is no way back, and no operation creates one."""
        operation = operations.DELETE_REVIEW
        answer = await self._call(
            operation, ids={"reviewId": review_id}, query=self._alt | {"productId": product_id}
        )
        return self._acknowledged(operation, Acknowledged, answer)

    async def bulk_update_reviews(self, *, reviews: Sequence[ReviewReference], status: str) -> Acknowledged:
        """Give many reviews one status. Answers cannot be sent this way."""
        operation = operations.BULK_UPDATE_REVIEWS
        answer = await self._call(
            operation,
            # The status is typed as an object in the official file, with a plain text as its example.
            body=self._alt | {"reviews": [review.wire() for review in reviews], "status": status},
        )
        return self._acknowledged(operation, Acknowledged, answer)


def _filters(
    operation: Operation,
    rating: int | Decimal | None,
    start_date: str | None,
    end_date: str | None,
    product_ids: Sequence[str] | None,
    store_ids: Sequence[str] | None,
) -> dict[str, str | int | None]:
    return {
        "rating": None if rating is None else f"{rating:f}" if isinstance(rating, Decimal) else rating,
        "startDate": start_date,
        "endDate": end_date,
        # Singular names, yet each takes several ids in one text.
        "productId": comma_joined(operation, "product id", product_ids),
        "storeId": comma_joined(operation, "store id", store_ids),
    }
