"""What of the shop goes with a prompt: its documents by name, and the reports among them as resources."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from ..prompts.documents import Document
from .catalog_document import catalog_document
from .listing_reports import (
    candidates_report,
    selection_report,
    siblings_report,
    similar_report,
    stock_report,
)
from .price_list_report import price_list_report
from .problem_reports import health_report, imported_report, search_texts_report
from .review_reports import reviews_report
from .thing_documents import (
    collections_document,
    product_document,
    review_document,
    reviewed_product_document,
)

if TYPE_CHECKING:
    from ..products_api.models import Review
    from .choosing import Chosen

Builder = Callable[["Chosen"], Awaitable[Document]]

REPORTS: Mapping[str, Builder] = {
    "siblings": siblings_report,
    "reviews": reviews_report,
    "similar": similar_report,
    "selection": selection_report,
    "price_list": price_list_report,
    "stock": stock_report,
    "search_texts": search_texts_report,
    "health": health_report,
    "candidates": candidates_report,
    "imported": imported_report,
}
"""Documents that were chosen for a question, by the name in their address."""


async def document(name: str, chosen: "Chosen") -> Document:
    """One document that a prompt names."""
    match name:
        case "product":
            return await product_document(chosen.shop, chosen.product.id if chosen.product else "")
        case "review":
            return review_document(_review(chosen))
        case "reviewed_product":
            return await reviewed_product_document(chosen.shop, _review(chosen))
        case "collections":
            return await collections_document(chosen.shop)
        case "catalog":
            return await catalog_document(chosen)
        case _:
            return await REPORTS[name](chosen)


def _review(chosen: "Chosen") -> "Review":
    if chosen.review is None:
        raise ValueError("a prompt about a review has an argument for it")
    return chosen.review
