"""An audit of the catalog: one walk through it, and what is missing, doubled or odd."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product as combinations
from math import prod
from typing import Final

from ..products_api.models import Page, Price, Product
from .columns import Area
from .exporting import all_collections
from .findings import Findings, Place
from .money import amount_text, rounded
from .shop import PAGE, Shop
from .text import counted, quoted
from .walking import Walk, Walked, steadily
from .workflow_views import Audit

KINDS: Final = (
    "price_missing",
    "price_zero",
    "price_odd",
    "compare_at_below_price",
    "price_duplicate",
    "variant_without_price",
    "oversold",
    "sku_missing",
    "sku_duplicate",
    "slug_clash",
    "slug_missing",
    "name_duplicate",
    "image_missing",
    "image_duplicate",
    "description_missing",
    "badge_over",
    "collection_missing",
    "collection_duplicate",
    "seo_title_missing",
    "seo_title_duplicate",
    "seo_title_long",
    "seo_description_missing",
    "seo_description_duplicate",
    "seo_description_long",
)
"""Every kind of finding, those that cost money first."""

TITLE_SHOWN: Final = 70
DESCRIPTION_SHOWN: Final = 160
"""Characters of a title and of a description that search engines show, about."""
FAR_APART: Final = 50
"""A price so many times another one of the same product looks like a misplaced point."""
MOST_COMBINATIONS: Final = 1_000
_IDS_AT_ONCE: Final = 50


async def audit(
    shop: Shop,
    *,
    areas: Collection[Area],
    examples: int,
    offset: int,
    limit: int | None,
    now: datetime | None = None,
) -> Audit:
    """Walk through the catalog, or a part of it, and tell what was found."""
    findings = Findings(examples)
    try:
        return await _audit(shop, findings, areas, offset, limit, now or datetime.now(UTC))
    finally:
        findings.close()


async def _audit(
    shop: Shop, findings: Findings, areas: Collection[Area], offset: int, limit: int | None, now: datetime
) -> Audit:
    fields = frozenset({"seo"} if "seo" in areas else set[str]())
    if "collections" in areas:
        await _gather(shop, findings, by_hand=not fields)
    walk = Walk(fields=fields, prices="prices" in areas, offset=offset, limit=limit)
    products = prices = hidden = 0
    async with aclosing(walk.through(shop, "auditing")) as pages:
        async for page in pages:
            for walked in page:
                products += 1
                hidden += walked.product.available_in_store is False
                prices += len(walked.prices or ())
                _check(findings, walked, areas, now)
    findings.add_shared()
    if walk.gone:
        shop.note(f"{counted(walk.gone, 'product')} went while this ran.")
    if walk.next_offset is not None or offset:
        shop.note("Only a part of the catalog was looked at: what is shared with the rest was not seen.")
    return Audit(
        products=products,
        prices=prices if "prices" in areas else None,
        hidden=hidden,
        checked=["listing", *areas],
        findings=findings.result(KINDS),
        next_offset=walk.next_offset,
    )


async def _gather(shop: Shop, findings: Findings, *, by_hand: bool) -> None:
    """Find out which products are in a collection: those that smart ones gather, which no product tells, and with
    `by_hand` the others too, which a product tells only when it is read by itself."""
    chosen: list[str] = []
    for collection in await all_collections(shop):
        findings.see("collection_duplicate", collection.name, Place(None, collection.name), collection.id)
        if collection.type != "smart":
            chosen.append(collection.id)
            continue
        async with aclosing(_members(shop, collection.id)) as pages:
            async for page in pages:
                findings.gather(product.id for product in page)
    if by_hand:
        for start in range(0, len(chosen), _IDS_AT_ONCE):
            async with aclosing(_listed(shop, chosen[start : start + _IDS_AT_ONCE])) as pages:
                async for page in pages:
                    findings.gather(product.id for product in page)


async def _members(shop: Shop, collection_id: str) -> AsyncGenerator[tuple[Product, ...]]:
    offset: int | None = 0
    while offset is not None:
        page = await shop.api.list_collection_products(collection_id=collection_id, offset=offset)
        if page.fallback:
            shop.note(page.fallback)
        yield page.items
        offset = page.next_offset


async def _listed(shop: Shop, collection_ids: list[str]) -> AsyncGenerator[tuple[Product, ...]]:
    offset: int | None = 0
    while offset is not None:
        at = offset

        async def read(at: int = at) -> Page[Product]:
            return await shop.api.list_products(
                limit=PAGE, offset=at, collection_ids=collection_ids, sort_order="asc"
            )

        page = await steadily(read)
        yield page.items
        offset = page.next_offset


def _check(findings: Findings, walked: Walked, areas: Collection[Area], now: datetime) -> None:
    product = walked.product
    place = Place(product.id, product.name)
    _check_listing(findings, product, place, now)
    if "seo" in areas:
        _check_seo(findings, product, place)
    if "collections" in areas and not product.collection_ids and not findings.is_gathered(product.id):
        findings.add("collection_missing", place)
    if walked.prices is not None:
        _check_prices(findings, product, walked.prices, place)


def _check_listing(findings: Findings, product: Product, place: Place, now: datetime) -> None:
    if not product.image and not product.medias:
        findings.add("image_missing", place)
    findings.see("image_duplicate", product.image, place)
    findings.see("name_duplicate", product.name, place)
    if product.slug:
        findings.see("slug_clash", product.slug, place)
    else:
        findings.add("slug_missing", place)
    if not (product.description or "").strip():
        findings.add("description_missing", place)
    label = product.label
    if label is not None and product.is_label_enabled is not False and _is_over(label.end_date, now):
        findings.add("badge_over", place, f"{quoted(label.title or '')} ended {quoted(label.end_date or '')}")


def _is_over(date: str | None, now: datetime) -> bool:
    try:
        moment = datetime.fromisoformat(date or "")
    except ValueError:
        return False
    if len(date or "") <= len("2026-05-31"):
        # A day without a time is over when it ends.
        moment += timedelta(days=1)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) < now


def _check_seo(findings: Findings, product: Product, place: Place) -> None:
    for name, longest in (("title", TITLE_SHOWN), ("description", DESCRIPTION_SHOWN)):
        text: str = (getattr(product.seo, name) if product.seo else None) or ""
        if not text.strip():
            findings.add(f"seo_{name}_missing", place)
            continue
        findings.see(f"seo_{name}_duplicate", text, place)
        if len(text) > longest:
            findings.add(f"seo_{name}_long", place, f"{len(text)} characters")


def _check_prices(findings: Findings, product: Product, prices: tuple[Price, ...], place: Place) -> None:
    if not prices:
        findings.add("price_missing", place)
    else:
        _check_variants(findings, product, prices, place)
    for price in prices:
        _check_price(findings, price, place)
    for price, why in _odd_ones(prices):
        findings.add("price_odd", place, f"{_named(price)}: {why}")
    names: dict[object, list[str]] = {}
    for price in prices:
        name, what = _sold_as(price)
        names.setdefault(what, []).append(name)
    for alike in names.values():
        if len(alike) > 1:
            findings.add("price_duplicate", place, f"{counted(len(alike), 'price')} for {quoted(alike[0])}")


def _check_price(findings: Findings, price: Price, place: Place) -> None:
    if price.amount == 0:
        findings.add("price_zero", place, _named(price))
    was = price.compare_at_price
    if was and price.amount is not None and was < price.amount:
        detail = (
            f"{_named(price)}: was {amount_text(was, None)}, is {amount_text(price.amount, price.currency)}"
        )
        findings.add("compare_at_below_price", place, detail)
    if price.available_quantity is not None and price.available_quantity < 0:
        findings.add("oversold", place, f"{_named(price)}: {price.available_quantity}")
    if price.sku and price.sku.strip():
        findings.see("sku_duplicate", price.sku, place, _named(price))
    else:
        findings.add("sku_missing", place, _named(price))


def _named(price: Price) -> str:
    return quoted(price.name or price.id)


def _sold_as(price: Price) -> tuple[str, object]:
    """The name of a price, and what no two of a product have in common: options, or else the name, with currency and
    terms."""
    recurring = price.recurring
    terms = (recurring.interval, str(recurring.interval_count)) if recurring else ()
    options = tuple(sorted(price.variant_option_ids or ()))
    return price.name or "", (options or price.name, price.currency, price.type, terms)


def _odd_ones(prices: tuple[Price, ...]) -> Iterable[tuple[Price, str]]:
    """Prices without a currency, with more decimals than it has, or far off the others of the product."""
    alike: defaultdict[object, list[Price]] = defaultdict(list)
    for price in prices:
        if price.amount is None or price.amount < 0 or not price.currency:
            yield price, f"{amount_text(price.amount, price.currency)} is no price"
        elif price.amount != rounded(price.amount, price.currency):
            yield (
                price,
                f"{amount_text(price.amount, price.currency)} has decimals that the currency does not have",
            )
        elif price.amount:
            alike[price.currency, price.type, price.recurring and price.recurring.interval].append(price)
    for group in alike.values():
        amounts = sorted(price.amount or Decimal(0) for price in group)
        middle = amounts[(len(amounts) - 1) // 2]
        for price in group:
            amount = price.amount or Decimal(0)
            if amount >= middle * FAR_APART or amount * FAR_APART <= middle:
                others = amount_text(middle, price.currency)
                yield price, f"{amount_text(amount, price.currency)} beside {others} of the same product"


def _check_variants(findings: Findings, product: Product, prices: tuple[Price, ...], place: Place) -> None:
    """Find the combinations of options that nobody can buy."""
    variants = [variant.options for variant in product.variants or () if variant.options]
    if not variants or prod(map(len, variants)) > MOST_COMBINATIONS:
        return
    sold = {frozenset(price.variant_option_ids or ()) for price in prices}
    wanted = list(combinations(*variants))
    missing = [chosen for chosen in wanted if frozenset(option.id for option in chosen) not in sold]
    if missing:
        first = " / ".join(option.name or "" for option in missing[0])
        detail = f"{len(missing)} of {len(wanted)} combinations, such as {quoted(first)}"
        findings.add("variant_without_price", place, detail)
