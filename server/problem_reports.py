"""What is wrong with listings, for the prompts that put it right."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..products_api.errors import NotFoundError
from ..prompts.documents import Document
from ..tools.results import plain
from . import findings
from .listing_reports import excerpt, selection
from .resource_uris import report_uri
from .walks import CLOSELY, prices_of, selected, walk

if TYPE_CHECKING:
    from ..products_api.models import Price, Product
    from .choosing import Chosen

DAYS_OF_AN_IMPORT = 7
_EXAMPLES = 6


async def search_texts_report(chosen: "Chosen") -> Document:
    """Search engine texts and slugs of the chosen products, those with problems first."""
    walked = await selected(chosen)
    everywhere = walked if not selection(chosen) else await selected(_all(chosen))
    slugs = findings.repeated((product.id, product.slug) for product in everywhere.items)
    clashing = {product_id for ids in slugs.values() for product_id in ids}
    first = sorted(walked.items, key=lambda product: product.id not in clashing)
    products = await _closely(chosen, first[:CLOSELY])
    problems = {product.id: findings.of_search_texts(product) for product in products}
    titles = findings.repeated(
        (product.id, product.seo.title if product.seo else None) for product in products
    )
    texts = findings.repeated(
        (product.id, product.seo.description if product.seo else None) for product in products
    )
    for name, repeated in (
        ("slug_clash", slugs),
        ("seo_title_duplicate", titles),
        ("seo_description_duplicate", texts),
    ):
        for product_id in {product_id for ids in repeated.values() for product_id in ids} & problems.keys():
            problems[product_id].append(name)
    rows: list[dict[str, Any]] = [
        {
            "product_id": product.id,
            "name": plain(product.name),
            "slug": plain(product.slug),
            "seo": plain(product.seo.model_dump(exclude_none=True, include={"title", "description"}))
            if product.seo
            else {},
            "problems": problems[product.id],
            "created_at": product.created_at,
            "description": excerpt(product.description, 200),
        }
        for product in sorted(products, key=lambda product: -len(problems[product.id]))
    ]
    head: dict[str, Any] = {
        "checked": len(products),
        "problems": findings.counted_problems(problems),
    }
    if slugs:
        head["slug_clashes"] = plain(
            [{"slug": slug, "product_ids": ids} for slug, ids in list(slugs.items())[:_EXAMPLES]]
        )
    return Document(
        uri=report_uri("search_texts", selection(chosen)),
        title="Search engine texts",
        head=head,
        rows=rows,
        total=walked.total,
        rest="list_products with the same collection or search and an offset has the others, "
        "get_product(product_id) their texts",
        notes=_partly(everywhere.whole, len(everywhere.items), "slugs"),
    )


async def health_report(chosen: "Chosen") -> Document:
    """Problems by kind with counts and first examples, from a close look at some and lists of many."""
    listed = await selected(_all(chosen))
    closely = await selected(chosen, pages=1) if chosen.collection else listed
    products = await _closely(chosen, closely.items[:CLOSELY])
    prices = await prices_of(chosen.shop, [product.id for product in products])
    by_kind: dict[str, list[Product]] = {}
    names = {product.id: product for product in listed.items}
    for product in listed.items:
        for problem in findings.of_a_listed(product, today=chosen.today):
            by_kind.setdefault(problem, []).append(product)
    for product in products:
        known = set(findings.of_a_listed(product, today=chosen.today))
        for problem in findings.of_a_whole(product, _its(prices, product), today=chosen.today):
            if problem not in known:
                by_kind.setdefault(problem, []).append(product)
    for ids in findings.repeated((product.id, product.name) for product in listed.items).values():
        by_kind.setdefault("name_duplicate", []).extend(names[product_id] for product_id in ids)
    for ids in findings.repeated((product.id, product.slug) for product in listed.items).values():
        by_kind.setdefault("slug_clash", []).extend(names[product_id] for product_id in ids)
    rows = [
        {
            "kind": kind,
            "count": len(found),
            "examples": [{"product_id": item.id, "name": plain(item.name)} for item in found[:_EXAMPLES]],
        }
        for kind, found in sorted(by_kind.items(), key=lambda item: -len(item[1]))
    ]
    return Document(
        uri=report_uri("health", selection(chosen)),
        title="Findings",
        head={
            "checked": {"closely": len(products), "in_lists": len(listed.items)},
            **({"products": listed.total} if listed.total is not None else {}),
        },
        rows=rows,
        rows_key="findings",
        total=len(rows),
        rest="get_product(product_id) looks closely at one more",
        notes=_partly(listed.whole, len(listed.items), "lists"),
    )


async def imported_report(chosen: "Chosen") -> Document:
    """Products made since a day, with what is wrong with each."""
    since = chosen.words.get("since") or (chosen.today - timedelta(days=DAYS_OF_AN_IMPORT)).isoformat()
    api = chosen.shop.api
    new = await walk(
        lambda offset: api.list_products(sort_order="desc", offset=offset),
        until=lambda product: (product.created_at or "") < since and product.created_at is not None,
    )
    products = await _closely(chosen, new.items[:CLOSELY])
    prices = await prices_of(chosen.shop, [product.id for product in products])
    problems: dict[str, Sequence[str]] = {
        product.id: [
            *findings.of_a_whole(product, _its(prices, product), today=chosen.today),
            *findings.of_search_texts(product),
        ]
        for product in products
    }
    skus = findings.repeated(
        (product_id, price.sku) for product_id, listed in (prices or {}).items() for price in listed
    )
    names = findings.repeated((product.id, product.name) for product in new.items)
    rows = [
        {
            "product_id": product.id,
            "name": plain(product.name),
            "created_at": product.created_at,
            "problems": list(dict.fromkeys(problems[product.id])),
            "description": excerpt(product.description, 100),
            "prices": _in_short(_its(prices, product)),
        }
        for product in sorted(products, key=lambda product: -len(problems[product.id]))
    ]
    head: dict[str, Any] = {
        "since": since,
        "new_products": len(new.items),
        "checked": len(products),
        "problems": findings.counted_problems(problems),
    }
    for key, repeated in (("names_twice", names), ("skus_twice", skus)):
        if repeated:
            head[key] = plain(
                [{"text": text, "product_ids": ids} for text, ids in list(repeated.items())[:_EXAMPLES]]
            )
    return Document(
        uri=report_uri("imported", {"since": since}),
        title="What was imported",
        head=head,
        rows=rows,
        total=len(new.items) if new.whole else None,
        rest='list_products(sort_order="desc", offset) has the others, get_product(product_id) looks closely',
        notes=_partly(new.whole, len(new.items), "new products"),
    )


def _all(chosen: "Chosen") -> "Chosen":
    """The same without a choice of products."""
    return replace(chosen, collection=None, words={})


async def _closely(chosen: "Chosen", listed: "Sequence[Product]") -> "list[Product]":
    """The same products with all their fields; those that are gone meanwhile left out."""

    async def read(product: "Product") -> "Product | None":
        try:
            return await chosen.shop.api.get_product(product_id=product.id)
        except NotFoundError:
            return None

    found = await chosen.shop.each(listed, read, "reading products")
    return [product for product in found if product is not None]


def _its(prices: "Mapping[str, Sequence[Price]] | None", product: "Product") -> "Sequence[Price] | None":
    return None if prices is None else prices.get(product.id, ())


def _in_short(prices: "Sequence[Price] | None") -> Any:
    return plain(
        [
            {
                "price_id": price.id,
                "name": price.name,
                "amount": price.amount,
                "currency": price.currency,
                "sku": price.sku or "none",
            }
            for price in (prices or ())[:5]
        ]
    )


def _partly(whole: bool, count: int, what: str) -> tuple[str, ...]:
    return () if whole else (f"The {what} were looked at for the newest {count} products only.",)
