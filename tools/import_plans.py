"""What an import would do, row by row, from a file and a fresh reading of the shop.

Rows are taken in their order, whole products at a time, until a call would change as many things as one may; where the
rest begins is said. What is as the file says already is no part of the plan, so the same call goes on where another
one stopped, and nothing is created twice.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.plan import Effect, Plan, PlanItem
from ..guard.question import NOTHING_CHANGED
from ..products_api.models import Product
from .bulk_edit_plans import edit_plan
from .effects import creation
from .file_folder import FileFolder
from .import_gathering import Gathered, gather
from .import_outcomes import NewPrice, Outcome
from .import_rows import Problem, grouped, read_row
from .import_sources import NO_LAST_ROW, row_range, table_of
from .money import amount_text
from .row_readers import TableFormat, rows_in_words
from .shop import Shop
from .text import counted, one_line, quoted

SHOWN_PROBLEMS: Final = 20
_CREATION_WEIGHT: Final = 10_000


async def plan_import(
    shop: Shop,
    folder: FileFolder,
    *,
    file: str | None,
    content: str | None,
    table_format: TableFormat | None,
    rows: str | None,
    currency: str | None,
) -> Plan:
    """The plan of an import; with nothing left to do nobody is asked.

    Raises:
        ToolError: no file, or none that can be read.
    """
    table, digest = await table_of(folder, file, content, table_format)
    first, last = row_range(rows)
    read = [read_row(raw) for raw in table.rows if first <= raw.number <= last]
    if not read:
        raise ToolError(f"There are no rows to import{f' in {rows}' if rows else ''}. {NOTHING_CHANGED}")
    for note in table.notes:
        shop.note(note)
    gathered = await gather(shop, grouped(read), currency)
    rest = "" if last == NO_LAST_ROW else str(last)
    what = quoted(file) if file else "the rows given"
    return await _plan(shop, gathered, what=what, digest=digest, last=rest)


async def _plan(shop: Shop, gathered: Gathered, *, what: str, digest: str, last: str) -> Plan:
    good = list(gathered.good())
    edits = [outcome.edit for outcome in good if outcome.edit is not None]
    base = await edit_plan(shop, edits) if edits else Plan(action="", state={"kept": {}, "before": {}})
    created = [outcome for outcome in good if outcome.creation is not None]
    added = [
        (outcome.product, price)
        for outcome in good
        if outcome.product is not None
        for price in outcome.new_prices
    ]
    effects = [*base.effects]
    items = list(base.items)
    for product, price in added:
        alike = [there.id for there in await shop.prices_of(product.id) if there.name == price.fields["name"]]
        effects.append(_price_effect(product, price, alike))
        items.append(_price_item(product, price))
    for outcome in created:
        effects.append(_product_effect(outcome))
        items.append(_product_item(outcome))
    unchanged = [outcome for outcome in good if outcome.things == 0]
    problems = gathered.problems
    rest = None if gathered.next_row is None else f"{gathered.next_row}-{last}"
    return Plan(
        action=_action(
            what, gathered, len(created), sum(len(it.new_prices) for it in created), len(added), len(edits)
        ),
        items=tuple(items),
        also=(
            *_rows("Creates", created),
            *_rows(
                "Changes", [outcome for outcome in good if outcome.things and outcome.product is not None]
            ),
            *_rows("As the shop has it already", unchanged),
            *_left_out(problems),
            *_rest(rest),
            *base.also,
        ),
        effects=tuple(effects),
        asks=bool(effects),
        state={
            **base.state,
            "digest": digest,
            "edits": [edit.model_dump(exclude_none=True) for edit in edits],
            "prices": [
                {
                    "product_id": product.id,
                    "row": price.row,
                    "fields": price.fields,
                    "options": list(price.options),
                }
                for product, price in added
            ],
            "creations": [_creation(outcome) for outcome in created],
            "unchanged": len(unchanged),
            "left_out": [str(problem) for problem in problems[:SHOWN_PROBLEMS]],
            "left_out_in_all": len(problems),
            "next_row": gathered.next_row,
            "rest": rest,
        },
    )


def _creation(outcome: Outcome) -> dict[str, Any]:
    return {
        "rows": rows_in_words(row.number for row in outcome.group.rows),
        "fields": outcome.creation,
        "prices": [
            {"row": price.row, "fields": price.fields, "options": list(price.options)}
            for price in outcome.new_prices
        ],
    }


def _product_effect(outcome: Outcome) -> Effect:
    fields = dict(outcome.creation or {})
    prices = [price.fields for price in outcome.new_prices]
    return creation("product", {**fields, "prices": prices}, alike=(), name=str(fields["name"]))


def _price_effect(product: Product, price: NewPrice, alike: Iterable[str]) -> Effect:
    name = f"{one_line(product.name or product.id)}: {one_line(price.fields['name'])}"
    return creation("price", price.fields, alike=alike, name=name, within=product.id)


def _product_item(outcome: Outcome) -> PlanItem:
    fields = outcome.creation or {}
    prices = [amount_text(price.fields["amount"], price.fields["currency"]) for price in outcome.new_prices]
    said = f", {', '.join(prices[:3])}{' …' if len(prices) > 3 else ''}" if prices else ", without a price"  # noqa: PLR2004
    label = f"New product {quoted(str(fields['name']))} ({fields['product_type']}{said})"
    return PlanItem(label=label, weight=_CREATION_WEIGHT)


def _price_item(product: Product, price: NewPrice) -> PlanItem:
    amount = amount_text(price.fields["amount"], price.fields["currency"])
    label = f"New price {quoted(price.fields['name'])} of {quoted(product.name or product.id)}: {amount}"
    return PlanItem(label=label, weight=_CREATION_WEIGHT)


def _action(what: str, gathered: Gathered, creations: int, with_prices: int, prices: int, edits: int) -> str:
    parts: list[str] = []
    if creations:
        parts.append(f"create {counted(creations, 'product')} with {counted(with_prices, 'price')}")
    if prices:
        parts.append(f"add {counted(prices, 'price')} to products there are")
    if edits:
        parts.append(f"change {counted(edits, 'product')}")
    numbers = [row.number for outcome in gathered.outcomes for row in outcome.group.rows]
    which = f"{counted(len(numbers), 'row')} ({min(numbers)} to {max(numbers)})"
    return f"Import {which} of {what}: {', '.join(parts) or 'nothing is left to do'}"


def _rows(what: str, outcomes: Sequence[Outcome]) -> Iterable[str]:
    numbers = [row.number for outcome in outcomes for row in outcome.group.rows]
    if numbers:
        yield f"{what}: {rows_in_words(numbers)}, {counted(len(outcomes), 'product')}."


def _left_out(problems: Sequence[Problem]) -> Iterable[str]:
    if not problems:
        return
    rows = len({problem.row for problem in problems})
    yield f"Left out with their products, for a conflict or an error: {counted(rows, 'row')}."
    yield from map(str, problems[:SHOWN_PROBLEMS])
    if (more := len(problems) - SHOWN_PROBLEMS) > 0:
        yield f"and {more} more"


def _rest(rest: str | None) -> Iterable[str]:
    if rest is not None:
        first = rest.partition("-")[0]
        yield f"The rest begins at row {first}: once this is done, call again with rows {rest}."
