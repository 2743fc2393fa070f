"""Which product of the shop the rows of a file are about: by its id, else by SKU, else by handle, else by title."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from ..products_api.models import Product
from .import_rows import Group, code, folded_name
from .shop import LOOKED_THROUGH, Shop
from .stock_levels import tracked_levels
from .text import quoted
from .walking import Walk

Index = defaultdict[str, set[str]]


def _index() -> Index:
    return defaultdict(set)


@dataclass
class Catalog:
    """What products there are, as far as rows have to be told apart by it.

    names: of every product, by id. slugs, titles, skus: which products have each. looked_through: whether all SKUs are
    known, those of variants that the inventory does not list among them; None as long as nobody asked for such ones.
    """

    names: dict[str, str] = field(default_factory=dict[str, str])
    slugs: Index = field(default_factory=_index)
    titles: Index = field(default_factory=_index)
    skus: Index = field(default_factory=_index)
    looked_through: bool | None = None

    def named(self, product_ids: Collection[str]) -> str:
        """Products for a person."""
        return ", ".join(f"{quoted(self.names.get(key, key))} (id {key})" for key in sorted(product_ids)[:3])


async def read_catalog(shop: Shop, groups: Sequence[Group]) -> Catalog:
    """Read what tells the products of these groups apart: every product with 100 to a request, and the inventory
    with as many where there are SKUs."""
    catalog = Catalog()
    async with aclosing(Walk().through(shop, "reading the catalog")) as pages:
        async for page in pages:
            for walked in page:
                _take(catalog, walked.product)
    wanted = {sku for group in groups for sku in group.skus}
    if not wanted:
        return catalog
    async with aclosing(tracked_levels(shop)) as levels:
        async for level in levels:
            if level.sku and level.product_id and code(level.sku) in wanted:
                catalog.skus[code(level.sku)].add(level.product_id)
    new = {sku for group in groups if match(group, catalog).product_id is None for sku in group.skus}
    await look_for_skus(shop, catalog, new)
    return catalog


def _take(catalog: Catalog, product: Product) -> None:
    catalog.names[product.id] = product.name or product.id
    if product.slug:
        catalog.slugs[code(product.slug).casefold()].add(product.id)
    if product.name:
        catalog.titles[folded_name(product.name)].add(product.id)


async def look_for_skus(shop: Shop, catalog: Catalog, skus: Collection[str]) -> None:
    """Look for SKUs that the inventory did not list among the prices of all products, where those are few enough:
    it need not list what is not tracked."""
    if catalog.looked_through is not None or all(sku in catalog.skus for sku in skus):
        return
    catalog.looked_through = len(catalog.names) <= LOOKED_THROUGH
    if not catalog.looked_through:
        shop.note(
            "SKUs of variants whose stock is not tracked were not looked for: there are too many products. A row with "
            "such a SKU, and no known handle or title, counts as new."
        )
        return
    for product_id, prices in (await shop.prices(list(catalog.names))).items():
        for price in prices:
            if sku := code(price.sku or ""):
                catalog.skus[sku].add(product_id)


@dataclass(frozen=True)
class Match:
    """The product that a group is about, None for a new one, and the column that told; `conflict` is why none can."""

    product_id: str | None = None
    told_by: str | None = None
    conflict: str | None = None


def match(group: Group, catalog: Catalog, known: Mapping[str, Product] | None = None) -> Match:
    """Tell the product of a group. `known` are the products whose ids the file names and that there are."""
    named = group.product.get("product_id")
    if isinstance(named, str) and (known is None or named in known):
        return Match(named, "product_id")
    by_sku = [catalog.skus[sku] for sku in group.skus if sku in catalog.skus]
    slug, name = group.product.get("slug"), group.product.get("name")
    by_slug = catalog.slugs.get(slug.casefold(), set()) if isinstance(slug, str) else set[str]()
    by_name = catalog.titles.get(folded_name(name), set()) if isinstance(name, str) else set[str]()
    if by_sku:
        return _by_sku(catalog, by_sku, by_slug, by_name)
    for key, what, found in (("slug", "handle", by_slug), ("name", "title", by_name)):
        if len(found) > 1:
            return Match(conflict=f"several products have this {what}: {catalog.named(found)}")
        if found:
            return Match(next(iter(found)), key)
    return Match()


def _by_sku(catalog: Catalog, by_sku: list[set[str]], by_slug: set[str], by_name: set[str]) -> Match:
    shared = by_sku[0].intersection(*by_sku[1:])
    if not shared:
        several = by_sku[0].union(*by_sku[1:])
        return Match(conflict=f"its SKUs belong to several products: {catalog.named(several)}")
    if len(shared) > 1:
        # A SKU that several products have tells nothing; the handle or the title may.
        narrowed = shared & by_slug or shared & by_name
        if len(narrowed) != 1:
            return Match(conflict=f"several products have its SKU: {catalog.named(shared)}")
        shared = narrowed
    (product_id,) = shared
    for what, found in (("handle", by_slug), ("title", by_name)):
        if found and product_id not in found:
            others = catalog.named(found)
            mine = catalog.named([product_id])
            return Match(conflict=f"its SKU is of {mine}, and its {what} is of {others}")
    return Match(product_id, "sku")
