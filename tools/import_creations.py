"""Products and prices that a file has and the shop does not: what is needed to create them."""

from typing import Any, Final, get_args

from .columns import BY_KEY, MOST_OPTIONS, Cells
from .fields import ProductType
from .import_fields import price_fields, product_fields, unreadable
from .import_outcomes import NewPrice, Outcome, Surroundings
from .import_rows import Group, Row, options_of

DEFAULT_TYPE: Final = "PHYSICAL"
"""What a new product is where a file does not say; the plan shows it."""
_TYPES: Final = get_args(ProductType)


def creation_of(group: Group, around: Surroundings) -> Outcome:
    """What is needed to create the product of these rows with its prices."""
    outcome = Outcome(group, problems=list(group.problems))
    row = group.first_row
    cells = {key: value for key, value in group.product.items() if key != "product_id"}
    if "name" not in cells:
        # What else may be wrong with it says nothing as long as it is about no product.
        outcome.error(row, "it matches no product of the shop, and a new one needs a Title")
        return outcome
    outcome.problems += unreadable(group, None, {})
    product_type = str(cells.pop("product_type", DEFAULT_TYPE)).upper()
    if product_type not in _TYPES:
        outcome.error(row, f"{BY_KEY['product_type'].heading} takes one of {', '.join(_TYPES)}")
    ids = around.collection_ids(outcome, cells.pop("collections", None), ())
    checked = product_fields(group, cells, {}, ids)
    outcome.problems += checked.problems
    name = str(cells.get("name", ""))
    outcome.new_prices = [new_price(outcome, row, around.currency, name) for row in group.prices]
    variants = _variants(outcome)
    outcome.creation = {**checked.fields, "product_type": product_type}
    if variants:
        outcome.creation["variants"] = variants
    return outcome


def _variants(outcome: Outcome) -> list[dict[str, Any]]:
    """The variants that the rows spell out, each option in the order in which it comes first."""
    group = outcome.group
    names = [group.product.get(f"option{number}_name") for number in range(1, MOST_OPTIONS + 1)]
    named = [str(name) for name in names if name is not None]
    for price in outcome.new_prices:
        if len(price.options) != len(named):
            outcome.error(
                price.row, f"it has {len(price.options)} options, and the product {len(named)} variants"
            )
    sold: dict[tuple[object, ...], int] = {}
    for price in outcome.new_prices:
        key = (
            price.options or price.fields["name"],
            price.fields["currency"],
            str(price.fields.get("recurring")),
        )
        if key in sold:
            outcome.conflict(price.row, f"row {sold[key]} is the same price of the same product")
        sold.setdefault(key, price.row)
    if outcome.problems:
        return []
    return [
        {
            "name": name,
            "options": [
                {"name": value}
                for value in dict.fromkeys(price.options[position] for price in outcome.new_prices)
            ],
        }
        for position, name in enumerate(named)
        if outcome.new_prices
    ]


def new_price(outcome: Outcome, row: Row, currency: str | None, product_name: str) -> NewPrice:
    """A price to create, with what a price must have; what is missing is a problem."""
    outcome.problems += unreadable(outcome.group, row, {})
    cells: Cells = {key: value for key, value in row.cells.items() if BY_KEY[key].of == "price"}
    price_type = str(cells.pop("price_type", "recurring" if "interval" in cells else "one_time")).casefold()
    options = options_of(row)
    own_currency = str(cells.get("currency", currency or "")).upper()
    checked = price_fields(row, cells, {}, own_currency or None)
    outcome.problems += checked.problems
    fields = {"type": price_type, **checked.fields, "currency": own_currency}
    fields.setdefault("name", " / ".join(options) or product_name)
    faults = [
        f"{BY_KEY[key].heading} is missing"
        for key, missing in (
            ("amount", "amount" not in cells and "amount" not in row.faults),
            ("currency", not own_currency),
            ("interval", price_type == "recurring" and "interval" not in cells),
        )
        if missing
    ]
    if price_type not in {"one_time", "recurring"}:
        faults.append(f"{BY_KEY['price_type'].heading} takes one_time or recurring")
    if price_type == "one_time" and "interval" in cells:
        faults.append(f"{BY_KEY['interval'].heading} goes with recurring, not one_time")
    for fault in faults:
        outcome.error(row.number, fault)
    return NewPrice(row.number, fields, options)
