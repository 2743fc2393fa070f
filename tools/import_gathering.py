"""The rows of a file held against the shop, product by product, until they come to as much as one call may change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..products_api.errors import ProductsApiError
from ..products_api.models import Price, Product
from .columns import BY_KEY
from .exporting import all_collections, names_of
from .import_changes import update_of
from .import_creations import creation_of
from .import_fields import Collections
from .import_matching import Catalog, Match, look_for_skus, match, read_catalog
from .import_outcomes import Outcome, Surroundings
from .import_rows import Group, Problem, code
from .shop import Shop
from .text import counted, quoted

MOST_THINGS: Final = 200
"""Products, prices and stock levels that one call changes or creates; what the policy allows unless it says more."""
AT_ONCE: Final = 50
"""Products that are read together before it is seen how much they come to."""
_WHOLE: Final = frozenset({"seo_title", "seo_description", "collections"})
"""Columns that only a product that was read by its id can be held against."""


@dataclass
class Gathered:
    """What the rows came to, product by product, and where the rest begins."""

    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    next_row: int | None = None

    @property
    def problems(self) -> list[Problem]:
        """Why which rows are left out, in their order."""
        return sorted(problem for outcome in self.outcomes for problem in outcome.problems)

    def good(self) -> Iterable[Outcome]:
        """The outcomes without a problem."""
        return (outcome for outcome in self.outcomes if not outcome.problems)


async def gather(shop: Shop, groups: Sequence[Group], currency: str | None) -> Gathered:
    """What the rows of each product come to.

    Requests: one for 100 products whose ids the file names; for others every product once and the inventory, with 100
    to a request; then for each product one for its prices and, where the file has columns of SEO or collections, one
    for itself.
    """
    named = [key for group in groups if isinstance(key := group.product.get("product_id"), str)]
    known = await shop.products(list(dict.fromkeys(named)), missing_is_error=False)
    nameless = [group for group in groups if group.product.get("product_id") not in known]
    catalog = await read_catalog(shop, nameless) if nameless else Catalog()
    if strangers := sum("product_id" in group.product for group in nameless):
        shop.note(
            f"{counted(strangers, 'Product ID')} of the file are not of this shop; SKU, handle and title tell."
        )
    asked = any("collections" in group.product for group in groups)
    collections = await all_collections(shop) if asked else []
    around = Surroundings(Collections(collections), names_of(collections), currency)
    return await _Gathering(shop, catalog, known, around).through(groups)


class _Gathering:
    """Goes through the products of a file, some at once."""

    def __init__(self, shop: Shop, catalog: Catalog, known: dict[str, Product], around: Surroundings) -> None:
        self._shop = shop
        self._catalog = catalog
        self._known = known
        self._named = dict(known)
        self._around = around
        self._set_anew: dict[tuple[str, str], int] = {}

    async def through(self, groups: Sequence[Group]) -> Gathered:
        gathered = Gathered()
        things = 0
        matched = self._matched(groups)
        for start in range(0, len(matched), AT_ONCE):
            for outcome in await self._outcomes(matched[start : start + AT_ONCE]):
                if things and things + outcome.things > MOST_THINGS:
                    gathered.next_row = outcome.group.first_row
                    return gathered
                things += outcome.things
                gathered.outcomes.append(outcome)
        return gathered

    def _matched(self, groups: Sequence[Group]) -> list[tuple[Group, Match]]:
        """The product of each group. Rows that only a SKU tells, as in a price list, join those of their product."""
        first: dict[str, Group] = {}
        matched: list[tuple[Group, Match]] = []
        for group in groups:
            found = match(group, self._catalog, self._named)
            if found.product_id is not None and found.conflict is None:
                former = first.setdefault(found.product_id, group)
                if former is not group and former.names_itself and group.names_itself:
                    why = f"row {former.first_row} is about the same product, under another handle or title"
                    found = Match(conflict=why)
                elif former is not group:
                    for row in group.rows:
                        former.take(row)
                    continue
            matched.append((group, found))
        return matched

    async def _outcomes(self, pairs: Sequence[tuple[Group, Match]]) -> list[Outcome]:
        reads = [(group, key) for group, found in pairs if not found.conflict and (key := found.product_id)]
        listed = [key for group, key in reads if not _is_whole(group) and key not in self._known]
        self._known |= await self._shop.products(listed, missing_is_error=False)
        read = await self._shop.each(reads, self._read, "comparing")
        there = {id(group): one for (group, _), one in zip(reads, read, strict=True)}
        outcomes = [await self._outcome(group, found, there.get(id(group))) for group, found in pairs]
        await self._refuse_skus_of_others(outcomes)
        return outcomes

    async def _read(self, task: tuple[Group, str]) -> tuple[Product | None, list[Price]]:
        group, product_id = task
        product = (
            await self._shop.api.get_product(product_id=product_id)
            if _is_whole(group)
            else self._known.get(product_id)
        )
        prices = await self._shop.prices_of(product_id) if group.prices else []
        return product, prices

    async def _outcome(
        self, group: Group, found: Match, there: tuple[Product | None, list[Price]] | None
    ) -> Outcome:
        if found.conflict is not None:
            return Outcome(
                group, problems=[*group.problems, Problem(group.first_row, found.conflict, "conflict")]
            )
        product, prices = there or (None, [])
        if product is None:
            outcome = creation_of(group, self._around)
        else:
            outcome = update_of(group, product, prices, self._around, found.told_by)
            await self._refuse_taken_slug(outcome, product)
        self._refuse_set_twice(outcome)
        return outcome

    async def _refuse_taken_slug(self, outcome: Outcome, product: Product) -> None:
        """Leave out what would give a product the handle of another: it would open only one of them."""
        slug = outcome.edit.slug if outcome.edit else None
        if slug is None:
            return
        if self._catalog.names:
            holders = self._catalog.slugs.get(slug.casefold(), set())
        else:
            try:
                holders = {(await self._shop.api.get_product(product_id=slug)).id}
            except ProductsApiError:
                holders = set[str]()
        if holders - {product.id}:
            outcome.conflict(
                outcome.group.first_row, f"another product has the handle {quoted(slug)} already"
            )

    async def _refuse_skus_of_others(self, outcomes: Iterable[Outcome]) -> None:
        """Leave out what would give a product the SKU of another. Where the file names products by their ids, it is
        taken to mean them."""
        if not self._catalog.names:
            return
        anew = [
            (outcome, outcome.product, code(value))
            for outcome in outcomes
            if outcome.product is not None
            for key, value in _set_by(outcome)
            if key == "sku"
        ]
        await look_for_skus(self._shop, self._catalog, {sku for _, _, sku in anew})
        for outcome, product, sku in anew:
            if others := self._catalog.skus.get(sku, set()) - {product.id}:
                rows = (row.number for row in outcome.group.rows if code(row.text("sku") or "") == sku)
                row = next(rows, outcome.group.first_row)
                outcome.conflict(row, f"the SKU {quoted(sku)} is of {self._catalog.named(others)}")

    def _refuse_set_twice(self, outcome: Outcome) -> None:
        """Leave out what would give two products one handle, or two prices one SKU."""
        row = outcome.group.first_row
        for key, value in _set_by(outcome):
            former = self._set_anew.setdefault((key, value.casefold()), row)
            if former != row:
                outcome.conflict(row, f"row {former} sets {BY_KEY[key].heading} {quoted(value)} as well")


def _is_whole(group: Group) -> bool:
    return bool(group.product.keys() & _WHOLE)


def _set_by(outcome: Outcome) -> Iterable[tuple[str, str]]:
    """Handles and SKUs that are set by what the rows come to."""
    fields: list[tuple[str, dict[str, Any]]] = [("slug", outcome.creation or {})]
    fields += [("sku", price.fields) for price in outcome.new_prices]
    if outcome.edit is not None:
        fields.append(("slug", outcome.edit.model_dump(exclude_none=True)))
        fields += [("sku", price.model_dump(exclude_none=True)) for price in outcome.edit.prices or ()]
    return [(key, value) for key, given in fields if (value := given.get(key))]
