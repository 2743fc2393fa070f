"""Reviews that wait, for a prompt: bounded, with the words of strangers kept apart."""

from typing import TYPE_CHECKING, Any

from ..prompts.documents import Document, Link
from ..tools.reading import review_view
from ..tools.results import plain
from .resource_uris import product_uri, report_uri
from .thing_documents import STRANGERS, fields
from .walks import CLOSELY, readable, walk

if TYPE_CHECKING:
    from ..products_api.models import Review
    from .choosing import Chosen

PENDING = "pending"
"""What HoopAI's own texts call a review that waits; no source lists the values of the field."""
LONGEST_WORDS = 500
MOST_REVIEWS = 60


async def reviews_report(chosen: "Chosen") -> Document:
    """The reviews with one status, of a product, a store or a period."""
    status = chosen.words.get("status", PENDING)
    product, since, until = chosen.product, chosen.words.get("since"), chosen.words.get("until")
    products = [product.id] if product else None
    stores = [chosen.store_id] if chosen.store_id else None
    api = chosen.shop.api
    notes: list[str] = [STRANGERS]
    last = f"{until}T23:59:59.999Z" if until else None
    counts = await readable(
        lambda: api.count_reviews(product_ids=products, store_ids=stores, start_date=since, end_date=last),
        notes,
        "How many reviews have which status",
    )
    walked = await walk(
        lambda offset: api.list_reviews(
            product_ids=products,
            store_ids=stores,
            start_date=since,
            end_date=last,
            sort_field="createdAt",
            sort_order="desc",
            offset=offset,
        )
    )
    waiting = [review for review in walked.items if (review.status or "").casefold() == status.casefold()]
    if not walked.whole:
        notes.append(f"Only the newest {len(walked.items)} reviews were looked through.")
    if counts and status.casefold() not in {known.casefold() for known in counts}:
        notes.append(f"No review has this status now; there are: {', '.join(counts)}.")
    names = await _product_names(chosen, waiting[:MOST_REVIEWS])
    arguments = {
        "product": product.id if product else None,
        "store": chosen.store_id,
        "status": status,
        "since": since,
        "until": until,
    }
    return Document(
        uri=report_uri("reviews", {key: value for key, value in arguments.items() if value}),
        title="Reviews that wait",
        head={"status": plain(status), **({"counts": plain(counts)} if counts else {})},
        rows=[_row(review, names) for review in waiting[:MOST_REVIEWS]],
        total=len(waiting) if walked.whole else None,
        rest="list_reviews with the same filters and an offset has the others",
        notes=tuple(notes),
        links=(Link(product_uri(product.id), "The product"),) if product else (),
    )


def _row(review: "Review", names: dict[str, str]) -> dict[str, Any]:
    row = fields(review_view(review, "concise"))
    words: dict[str, Any] = row.get("customer_text") or {}
    for name, text in words.items():
        if isinstance(text, str) and len(text) > LONGEST_WORDS:
            words[name] = text[: LONGEST_WORDS - 1] + "…"
    if name := names.get(review.product_id or ""):
        row = {"id": row.pop("id"), "product_id": row.pop("product_id", None), "product_name": name, **row}
    return row


async def _product_names(chosen: "Chosen", reviews: "list[Review]") -> dict[str, str]:
    """What the products of reviews are called."""
    ids = list(dict.fromkeys(review.product_id for review in reviews if review.product_id))
    if chosen.product and set(ids) <= {chosen.product.id}:
        return {chosen.product.id: chosen.product.name}
    found = await chosen.shop.products(ids[:CLOSELY], missing_is_error=False)
    return {product.id: str(plain(product.name or "")) for product in found.values()}
