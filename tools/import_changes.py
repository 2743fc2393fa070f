"""What the rows of one product would change of it, held against what the shop has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..products_api.models import Price, Product
from . import shapes
from .columns import BY_KEY, MOST_OPTIONS, option_values, price_cells, product_cells
from .import_creations import new_price
from .import_fields import changed, price_fields, product_fields, unreadable
from .import_outcomes import Outcome, Surroundings
from .import_rows import Group, Problem, Row, code, folded_name, options_of
from .text import quoted

_NOT_HERE: Final = "an import does not change it: use update_product"


def update_of(
    group: Group, product: Product, prices: Sequence[Price], around: Surroundings, told_by: str | None
) -> Outcome:
    """What the rows change of a product that there is; `told_by` is the column that said which."""
    outcome = Outcome(group, product, problems=list(group.problems))
    own = _own_fields(group, product, around, outcome, told_by)
    edits: list[shapes.PriceEdit] = []
    taken: dict[str, int] = {}
    for row in group.prices:
        found = _price_of(row, group, product, prices)
        if isinstance(found, Problem):
            outcome.problems.append(found)
        elif found is None:
            _add_price(outcome, row, product, prices, around)
        elif (price := found.price).id in taken:
            why = f"row {taken[price.id]} is about the same price {quoted(price.name or price.id)}"
            outcome.conflict(row.number, why)
        else:
            taken[price.id] = row.number
            fields = _fields_of_price(row, product, found, outcome)
            if fields:
                edits.append(shapes.PriceEdit(price_id=price.id, **fields))
    if (own or edits) and not outcome.problems:
        outcome.edit = shapes.ProductEdit(product_id=product.id, **own, prices=edits or None)
    return outcome


def _own_fields(
    group: Group, product: Product, around: Surroundings, outcome: Outcome, told_by: str | None
) -> dict[str, Any]:
    present = product_cells(product, around.collection_names)
    outcome.problems += unreadable(group, None, present)
    cells = changed(group.product, present, told_by)
    cells.pop("product_id", None)
    row = group.first_row
    if (wanted := cells.pop("product_type", None)) is not None:
        why = f"{BY_KEY['product_type'].heading} is {product.product_type} in the shop, not {wanted}; {_NOT_HERE}"
        outcome.conflict(row, why)
    for number in range(1, MOST_OPTIONS + 1):
        if (name := cells.pop(f"option{number}_name", None)) is not None:
            why = f"{quoted(str(name))} is no variant of the product in the shop; {_NOT_HERE}"
            outcome.conflict(row, why)
    ids = around.collection_ids(outcome, cells.pop("collections", None), product.collection_ids or ())
    if ids is not None and set(ids) == set(product.collection_ids or ()):
        ids = None
    if not cells and ids is None:
        return {}
    checked = product_fields(group, cells, present, ids)
    outcome.problems += checked.problems
    return checked.fields


@dataclass(frozen=True)
class _Told:
    """The price that a row is about, and the column that told; None where there was only one."""

    price: Price
    by: str | None = None


def _price_of(row: Row, group: Group, product: Product, prices: Sequence[Price]) -> _Told | Problem | None:
    """The price that a row is about: by its id, else its SKU, else its name, else its options, else the only one.
    None for a new one."""
    price_id, sku, name, options = row.text("price_id"), row.text("sku"), row.text("variant"), options_of(row)
    ways: list[tuple[str, str, object, Callable[[Price], bool]]] = [
        ("price_id", "id", price_id, lambda price: price.id == price_id),
        ("sku", "SKU", sku, lambda price: code(price.sku or "") == code(sku or "")),
        ("variant", "name", name, lambda price: folded_name(price.name or "") == folded_name(name or "")),
        ("options", "options", options, lambda price: _same_options(option_values(product, price), options)),
    ]
    for key, what, said, fits in ways:
        found = [price for price in prices if fits(price)] if said else []
        if len(found) > 1:
            why = f"several prices of {quoted(product.name or product.id)} have this {what}"
            return Problem(row.number, why, "conflict")
        if found:
            return _Told(found[0], key)
    return None if name or options else _only_price(row, group, product, prices)


def _only_price(row: Row, group: Group, product: Product, prices: Sequence[Price]) -> _Told | Problem | None:
    """The one price of a product whose file has one price too, which need not be told apart."""
    sku, named = row.text("sku"), quoted(product.name or product.id)
    if len(prices) == 1 and len(group.prices) == 1:
        if not (sku and prices[0].sku):
            return _Told(prices[0])
        why = f"the only price of {named} has the SKU {quoted(prices[0].sku)}; give the Variant that this one is"
        return Problem(row.number, why, "conflict")
    if sku or not prices:
        return None
    why = f"it does not tell which price of {named} it is about: give SKU, Variant or Price ID"
    return Problem(row.number, why, "conflict")


def _same_options(there: Sequence[str | None], said: Sequence[str]) -> bool:
    return [value.casefold() for value in there if value is not None] == [value.casefold() for value in said]


def _fields_of_price(row: Row, product: Product, told: _Told, outcome: Outcome) -> dict[str, Any]:
    price = told.price
    present = price_cells(product, price)
    outcome.problems += unreadable(outcome.group, row, present)
    cells = {
        key: value for key, value in changed(row.cells, present, told.by).items() if BY_KEY[key].of == "price"
    }
    cells.pop("price_id", None)
    if (wanted := cells.pop("price_type", None)) is not None:
        why = (
            f"{BY_KEY['price_type'].heading} is {price.type} in the shop, not {wanted}, and cannot be changed"
        )
        outcome.conflict(row.number, why)
    for number in range(1, MOST_OPTIONS + 1):
        if (value := cells.pop(f"option{number}_value", None)) is not None:
            why = f"{quoted(price.name or price.id)} has other options than {quoted(str(value))}; {_NOT_HERE}"
            outcome.conflict(row.number, why)
    if not cells:
        return {}
    currency = cells.get("currency", price.currency)
    checked = price_fields(row, cells, present, str(currency).upper() if currency else None)
    outcome.problems += checked.problems
    return checked.fields


def _add_price(
    outcome: Outcome, row: Row, product: Product, prices: Sequence[Price], around: Surroundings
) -> None:
    """Take up a price that the product does not have yet."""
    shared = {price.currency for price in prices if price.currency}
    currency = shared.pop() if len(shared) == 1 else around.currency
    made = new_price(outcome, row, currency, product.name or "")
    variants = product.variants or ()
    for position, value in enumerate(made.options):
        options = (variants[position].options or ()) if position < len(variants) else ()
        if value.casefold() not in {(option.name or "").casefold() for option in options}:
            why = f"{quoted(product.name or product.id)} has no option {quoted(value)} yet: add it with update_product"
            outcome.conflict(row.number, why)
    outcome.new_prices.append(made)
