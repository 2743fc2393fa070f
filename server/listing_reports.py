"""Products and their prices, chosen for what a prompt is about."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import unescape
from typing import TYPE_CHECKING, Any

from ..prompts.documents import Document, Link
from ..tools.reading import price_view, product_view, stock_view
from ..tools.results import plain
from .resource_uris import collection_uri, report_uri
from .stock_levels import LOW, ORDER, level
from .thing_documents import fields
from .walks import CLOSELY, inventory, prices_of, selected, walk

if TYPE_CHECKING:
    from ..products_api.models import InventoryItem, Price, Product
    from .choosing import Chosen

SIBLINGS = 8
MOST_ROWS = 150
LONGEST_EXCERPT = 300
_SHORTEST_WORD = 3
_MOST_WORDS = 5
_FOUND_FOR_A_WORD = 20
_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"[^\W_]+")
_NO_MEANING = frozenset({"and", "for", "from", "into", "our", "that", "the", "this", "under", "with", "your"})
_PRICE = ("id", "name", "amount", "currency", "compare_at_price", "recurring", "sku", "track_inventory")
_PRICE_AND_STOCK = (*_PRICE, "available_quantity")


async def siblings_report(chosen: "Chosen") -> Document:
    """Other listings, of the same collections first: what this shop sounds like."""
    product_id = chosen.product.id if chosen.product else ""
    api = chosen.shop.api
    product = await api.get_product(product_id=product_id)
    listed: list[Product] = []
    for collection_id in (product.collection_ids or ())[:2]:
        page = await api.list_products(collection_ids=[collection_id], limit=SIBLINGS + 1, offset=0)
        listed += page.items
    if len(listed) <= SIBLINGS:
        listed += (await api.list_products(limit=SIBLINGS + 1, offset=0)).items
    others = {item.id: item for item in listed if item.id != product.id and item.description}
    return Document(
        uri=report_uri("siblings", {"product": product.id}),
        title="Other listings of the shop",
        rows=[
            {"id": item.id, "name": plain(item.name), "description": excerpt(item.description)}
            for item in list(others.values())[:SIBLINGS]
        ],
        total=min(len(others), SIBLINGS),
    )


async def selection_report(chosen: "Chosen") -> Document:
    """The chosen products with their prices and stock."""
    walked = await selected(chosen, pages=1)
    products = walked.items[:CLOSELY]
    prices = await prices_of(chosen.shop, [product.id for product in products])
    return Document(
        uri=report_uri("selection", selection(chosen)),
        title="The chosen products with their prices",
        rows=[
            {
                **fields(product_view(product, "concise")),
                **_label(product),
                **({"prices": priced(prices[product.id])} if prices is not None else {}),
            }
            for product in products
        ],
        total=walked.total,
        rest="list_products with the same collection or search and an offset has the others, "
        "list_prices(product_id) their prices",
        notes=() if prices is not None else ("The prices could not be read: the token lacks the scope.",),
        links=(Link(collection_uri(chosen.collection.id), "The collection"),) if chosen.collection else (),
    )


async def stock_report(chosen: "Chosen") -> Document:
    """Variants that are sold out, low or oversold, the most urgent first."""
    threshold, search = chosen.number("threshold", LOW), chosen.words.get("search")
    walked = await inventory(chosen.shop, search=search)
    by_level: dict[str, list[InventoryItem]] = {name: [] for name in ORDER}
    for item in walked.items:
        by_level[level(item, threshold)].append(item)
    rows = [
        {"level": name, **fields(_stock(item))}
        for name in ORDER
        if name != "enough"
        for item in sorted(by_level[name], key=lambda item: item.available_quantity or 0)
    ]
    notes = () if walked.whole else (f"Only the first {len(walked.items)} variants were looked at.",)
    words = {"threshold": str(threshold), **({"search": search} if search else {})}
    return Document(
        uri=report_uri("stock", words),
        title="What is running out",
        head={
            "threshold": threshold,
            "variants_looked_at": len(walked.items),
            **({"variants": walked.total} if walked.total is not None else {}),
            "levels": {name: len(items) for name, items in by_level.items() if items},
        },
        rows=rows[:MOST_ROWS],
        total=len(rows) if walked.whole else None,
        rest="list_inventory(limit=100, offset) has all variants",
        notes=notes,
    )


async def similar_report(chosen: "Chosen") -> Document:
    """Products like an idea, with their prices: what is there already, and how this shop does it."""
    found = await _found_by_words(chosen, chosen.words.get("idea", ""))
    if not found:
        page = await chosen.shop.api.list_products(limit=5, offset=0)
        found = [(product, list[str]()) for product in page.items]
    products = [product for product, _ in found[:6]]
    prices = await prices_of(chosen.shop, [product.id for product in products]) or {}
    return Document(
        uri=report_uri("similar", {"idea": chosen.words.get("idea", "")}),
        title="Products like it",
        rows=[
            {
                **fields(product_view(product, "concise")),
                **_words_shared(shared),
                **({"slug": plain(product.slug)} if product.slug else {}),
                "description": excerpt(product.description),
                "variants": [plain(variant.name) for variant in product.variants or ()],
                "prices": priced(prices.get(product.id, ())),
            }
            for product, shared in found[:6]
        ],
        total=len(products),
    )


async def candidates_report(chosen: "Chosen") -> Document:
    """Products in which words of a theme occur, those with most of them first."""
    theme = chosen.words.get("theme", "")
    found = await _found_by_words(chosen, theme)
    shown = found[:CLOSELY]
    prices = await prices_of(chosen.shop, [product.id for product, _ in shown]) or {}
    return Document(
        uri=report_uri("candidates", {"theme": theme}),
        title="Candidates",
        rows=[
            {
                **fields(product_view(product, "concise")),
                **_words_shared(shared),
                "description": excerpt(product.description, 120),
                "from": _cheapest(prices.get(product.id, ())),
            }
            for product, shared in shown
        ],
        total=len(found),
        rest="list_products(search) finds more",
    )


async def _found_by_words(chosen: "Chosen", text: str) -> "list[tuple[Product, list[str]]]":
    """Products with words of a text in their names, or in the descriptions of the newest ones."""
    words = list(dict.fromkeys(_words(text)))[:_MOST_WORDS]
    api = chosen.shop.api
    known: dict[str, Product] = {}
    for word in words:
        page = await api.list_products(search=_stem(word), limit=_FOUND_FOR_A_WORD, offset=0)
        known |= {product.id: product for product in page.items}
    newest = await walk(lambda offset: api.list_products(offset=offset), pages=3)
    known = {product.id: product for product in newest.items} | known
    shared = {
        product.id: [word for word in words if _stem(word) in _folded(product)] for product in known.values()
    }
    found = [(product, shared[product.id]) for product in known.values() if shared[product.id]]
    return sorted(found, key=lambda pair: -len(pair[1]))


def _words(text: str) -> Iterable[str]:
    return (
        word
        for word in _WORD.findall(text.casefold())
        if len(word) >= _SHORTEST_WORD and word not in _NO_MEANING and not word.isdigit()
    )


def _stem(word: str) -> str:
    """The word without a plural's ending, which names seldom share."""
    return word[:-1] if word.endswith("s") and len(word) > _SHORTEST_WORD else word


def _folded(product: "Product") -> str:
    return f"{product.name or ''} {excerpt(product.description)}".casefold()


def selection(chosen: "Chosen") -> dict[str, str]:
    """What was chosen to look at, as arguments of a report."""
    search = chosen.words.get("search")
    return {
        **({"collection": chosen.collection.id} if chosen.collection else {}),
        **({"search": search} if search and not chosen.collection else {}),
    }


def excerpt(text: str | None, longest: int = LONGEST_EXCERPT) -> str:
    """The beginning of a text, without its markup."""
    flat = " ".join(str(plain(unescape(_TAG.sub(" ", text or "")))).split())
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "…"


def priced(prices: "Iterable[Price]") -> list[Mapping[str, Any]]:
    """Prices with what a decision on them needs."""
    rows = [fields(price_view(price)) for price in prices]
    return [{key: row[key] for key in _PRICE_AND_STOCK if key in row} for row in rows]


def _label(product: "Product") -> dict[str, Any]:
    if not (product.is_label_enabled and product.label):
        return {}
    return {
        "label": plain(
            product.label.model_dump(exclude_none=True, include={"title", "start_date", "end_date"})
        )
    }


def _words_shared(words: Sequence[str]) -> dict[str, Any]:
    return {"words": plain(list(words))} if words else {}


def _cheapest(prices: "Sequence[Price]") -> Any:
    """The lowest amount in each currency."""
    lowest: dict[str, Decimal] = {}
    for price in prices:
        if price.amount is not None:
            currency = price.currency or "unknown"
            lowest[currency] = min(price.amount, lowest.get(currency, price.amount))
    return plain(lowest) if lowest else "no price"


def _stock(item: "InventoryItem") -> Any:
    view = stock_view(item)
    return view.model_copy(update={"image": None, "updated_at": None, "product_id": None, "other": None})
