"""The whole shop in a page: how much there is, what it costs, what is left, and what needs attention."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from ..prompts.documents import Document, Link
from ..tools.results import plain
from . import findings
from .resource_uris import catalog_uri, collections_uri
from .stock_levels import LOW, level
from .walks import CLOSELY, inventory, prices_of, readable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..products_api.models import Price
    from .choosing import Chosen


async def catalog_document(chosen: "Chosen") -> Document:
    """The summary, from some sixty requests at most; what is only known of a part says of which."""
    api = chosen.shop.api
    notes: list[str] = []
    newest = await api.list_products(limit=CLOSELY, offset=0, sort_order="desc")
    on_sale = await api.list_products(limit=1, offset=0, available_in_store=True)
    collections = await readable(lambda: api.list_collections(limit=1, offset=0), notes, "The collections")
    reviews = await readable(api.count_reviews, notes, "The reviews")
    stock = await readable(lambda: inventory(chosen.shop), notes, "The stock")
    prices = await prices_of(chosen.shop, [product.id for product in newest.items])
    if prices is None:
        notes.append("The prices could not be read: the token lacks the scope.")
    total = newest.total
    counts = {"products": total, "on_sale": on_sale.total, "collections": collections and collections.total}
    if total is not None and on_sale.total is not None:
        counts["hidden"] = total - on_sale.total
    levels = (
        findings.counted_problems({item.price_id: [level(item, LOW)] for item in stock.items})
        if stock
        else {}
    )
    problems = {
        product.id: [
            problem
            for problem in findings.of_a_whole(
                product, None if prices is None else prices[product.id], today=chosen.today
            )
            # What a list does not tell is no problem yet.
            if problem != "image_missing" or "image" in product.model_fields_set
        ]
        for product in newest.items
    }
    head: dict[str, Any] = {
        "counts": {key: value for key, value in counts.items() if value is not None},
        "reviews": reviews,
        "prices": {
            "of_newest_products": len(newest.items),
            "by_currency": _ranges(price for listed in prices.values() for price in listed),
        }
        if prices is not None
        else None,
        "stock": {"variants_looked_at": len(stock.items), "variants": stock.total, "low_at": LOW, **levels}
        if stock
        else None,
        "needs_attention": {
            "of_newest_products": len(newest.items),
            **findings.counted_problems(problems),
        },
    }
    return Document(
        uri=catalog_uri(),
        title="The catalog in a page",
        head=cast(
            "Mapping[str, Any]", plain({key: value for key, value in head.items() if value is not None})
        ),
        notes=tuple(notes),
        links=(Link(collections_uri(), "All collections"),),
    )


def _ranges(prices: "Iterable[Price]") -> dict[str, dict[str, Any]]:
    """Lowest and highest amount by currency."""
    amounts: dict[str, list[Decimal]] = {}
    for price in prices:
        if price.amount is not None:
            amounts.setdefault(price.currency or "unknown", []).append(price.amount)
    return {
        currency: {"prices": len(found), "lowest": min(found), "highest": max(found)}
        for currency, found in sorted(amounts.items(), key=lambda item: -len(item[1]))
    }
