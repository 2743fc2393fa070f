"""What is wrong with a listing, as far as what was read of it tells."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import product as combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..products_api.models import Price, Product

LONGEST_TITLE = 70
LONGEST_DESCRIPTION = 160
"""Characters that search engines show of a title and a description."""
_MOST_COMBINATIONS = 400


def of_a_listed(product: "Product", *, today: date) -> list[str]:
    """Problems that a list of products shows."""
    found: list[str] = []
    if product.available_in_store is False:
        found.append("hidden")
    if not (product.description or "").strip():
        found.append("description_missing")
    if not product.slug:
        found.append("slug_missing")
    if product.is_label_enabled and product.label and _is_over(product.label.end_date, today):
        found.append("badge_over")
    return found


def of_a_whole(product: "Product", prices: "Sequence[Price] | None", *, today: date) -> list[str]:
    """Problems of a product that was read by its id, with its prices where those could be read."""
    found = of_a_listed(product, today=today)
    if not product.image and not product.medias:
        found.append("image_missing")
    if product.collection_ids is not None and not product.collection_ids:
        found.append("collection_missing")
    if prices is None:
        return found
    if not prices:
        return [*found, "price_missing"]
    return found + [problem for problem, there in _of_prices(product, prices).items() if there]


def _of_prices(product: "Product", prices: "Sequence[Price]") -> dict[str, bool]:
    return {
        "price_zero": any(price.amount == 0 for price in prices),
        "compare_at_below_price": any(
            price.compare_at_price is not None
            and price.amount is not None
            and 0 < price.compare_at_price < price.amount
            for price in prices
        ),
        "sku_missing": any(not price.sku for price in prices),
        "stock_not_tracked": product.product_type in {"PHYSICAL", "PHYSICAL/DIGITAL"}
        and any(not price.track_inventory for price in prices),
        "oversold": any(price.track_inventory and (price.available_quantity or 0) < 0 for price in prices),
        "variant_without_price": _has_unpriced_variant(product, prices),
    }


def _has_unpriced_variant(product: "Product", prices: "Sequence[Price]") -> bool:
    options = [
        [option.id for option in variant.options or () if option.id] for variant in product.variants or ()
    ]
    wanted = 1
    for choices in options:
        wanted *= len(choices)
    if not options or not 0 < wanted <= _MOST_COMBINATIONS:
        return False
    priced = {frozenset(price.variant_option_ids or ()) for price in prices}
    return any(frozenset(chosen) not in priced for chosen in combinations(*options))


def of_search_texts(product: "Product") -> list[str]:
    """Problems of the search engine texts of a product that was read by its id."""
    title = (product.seo.title or "").strip() if product.seo else ""
    description = (product.seo.description or "").strip() if product.seo else ""
    found: list[str] = []
    if not title:
        found.append("seo_title_missing")
    elif len(title) > LONGEST_TITLE:
        found.append("seo_title_long")
    if not description:
        found.append("seo_description_missing")
    elif len(description) > LONGEST_DESCRIPTION:
        found.append("seo_description_long")
    if not product.slug:
        found.append("slug_missing")
    return found


def repeated(texts: Iterable[tuple[str, str | None]]) -> dict[str, list[str]]:
    """Texts that several things have, without regard to case and spaces: the ids of those things by the text.

    `texts` are pairs of an id and its text.
    """
    by_text: dict[str, list[str]] = {}
    for thing_id, text in texts:
        if text and (folded := " ".join(text.casefold().split())):
            by_text.setdefault(folded, []).append(thing_id)
    return {text: ids for text, ids in by_text.items() if len(ids) > 1}


def counted_problems(problems: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many things have each problem, the most frequent first. `problems` is by id."""
    return dict(Counter(problem for found in problems.values() for problem in found).most_common())


def _is_over(moment: str | None, today: date) -> bool:
    if not moment:
        return False
    try:
        ended = datetime.fromisoformat(moment)
    except ValueError:
        return False
    return (ended if ended.tzinfo else ended.replace(tzinfo=UTC)).astimezone(UTC).date() < today
