"""Cells of a file as fields to set: only those that say something else than the shop, each checked, faults by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..products_api.models import Collection
from . import shapes
from .columns import BY_KEY, MOST_OPTIONS, Cells, Kind, Value, in_words
from .import_rows import Group, Problem, Row, code, folded_name
from .money import MONEY, amount_text, digits, rounded
from .text import quoted, told_apart

S = TypeVar("S", bound=shapes.Shape)

_OF_PRICE: Final = {
    "variant": "name",
    **{
        key: key
        for key in (
            *("sku", "amount", "compare_at_price", "currency", "trial_period", "total_cycles", "setup_fee"),
            *("track_inventory", "available_quantity", "allow_out_of_stock_purchases"),
        )
    },
}
"""Columns of a price whose cell is a field of the same value, and that field."""
_OF_PRODUCT: Final = ("name", "slug", "description", "available_in_store", "image")
_SEO: Final = {"seo_title": "title", "seo_description": "description"}
_LABEL: Final = {"badge": "title", "badge_from": "start_date", "badge_until": "end_date"}
_WITHOUT_SPACES: Final = frozenset({"slug", "sku"})
_OPTIONS: Final = frozenset(
    f"option{number}_{what}" for number in range(1, MOST_OPTIONS + 1) for what in ("name", "value")
)
_PRICE_SWITCHES: Final = frozenset({"track_inventory", "allow_out_of_stock_purchases"})


class Collections:
    """The collections of the shop, as files name them: by slug, by title or by id."""

    def __init__(self, collections: Sequence[Collection]) -> None:
        self._ids = {collection.id for collection in collections}
        self._slugs: dict[str, set[str]] = {}
        self._names: dict[str, set[str]] = {}
        for collection in collections:
            if collection.slug:
                self._slugs.setdefault(code(collection.slug).casefold(), set()).add(collection.id)
            if collection.name:
                self._names.setdefault(folded_name(collection.name), set()).add(collection.id)

    def ids_of(self, names: Sequence[str], present: Sequence[str]) -> tuple[list[str], list[str]]:
        """The ids of collections that a cell names, and the names that tell no one collection. Those a product is in
        already may be named by an id that no list has."""
        ids: list[str] = []
        unknown: list[str] = []
        for name in names:
            exact = {name} if name in self._ids or name in present else set[str]()
            found = (
                exact or self._slugs.get(code(name).casefold()) or self._names.get(folded_name(name)) or set()
            )
            if len(found) == 1:
                ids += found
            else:
                unknown.append(name)
        return list(dict.fromkeys(ids)), unknown


def same(key: str, value: Value, present: Value | None, told_by: str | None = None) -> bool:
    """Whether a cell says what the shop says. One that told which thing a row is about, `told_by`, need not have the
    same case and spaces: it was not written to rename the thing."""
    if present is None:
        return key in _PRICE_SWITCHES and value is False
    if isinstance(value, str) and isinstance(present, str):
        if key == told_by or BY_KEY[key].kind is Kind.CHOICE or key in _OPTIONS:
            return folded_name(value) == folded_name(present)
        if key in _WITHOUT_SPACES:
            return code(value) == code(present)
    return value == present


def changed(cells: Cells, present: Cells, told_by: str | None = None) -> Cells:
    """The cells that say something else than the shop."""
    return {key: value for key, value in cells.items() if not same(key, value, present.get(key), told_by)}


def unreadable(group: Group, row: Row | None, present: Cells) -> list[Problem]:
    """The cells that cannot be read, of the product or of a price; those that only repeat what the shop says are no
    problem."""
    faults = (
        group.faults.items()
        if row is None
        else [(key, (row.number, fault)) for key, fault in row.faults.items() if BY_KEY[key].of == "price"]
    )
    return [
        Problem(number, f"{BY_KEY[key].heading} {fault.why}")
        for key, (number, fault) in faults
        if key not in present or in_words(present[key]) != fault.text
    ]


@dataclass(frozen=True)
class Checked:
    """Fields that can be sent, or why not."""

    fields: dict[str, Any]
    problems: tuple[Problem, ...] = ()


def product_fields(group: Group, cells: Cells, present: Cells, collection_ids: list[str] | None) -> Checked:
    """Fields of a product from the cells that are to be set; a badge is completed from the present one."""
    fields: dict[str, Any] = {key: cells[key] for key in _OF_PRODUCT if key in cells}
    if collection_ids is not None:
        fields["collection_ids"] = collection_ids
    if seo := {name: cells[key] for key, name in _SEO.items() if key in cells}:
        fields["seo"] = seo
    if any(key in cells for key in _LABEL):
        whole = {**present, **cells}
        fields["label"] = {name: whole[key] for key, name in _LABEL.items() if key in whole}
        fields["is_label_enabled"] = True
    return _checked(shapes.ProductEdit, {"product_id": "new", **fields}, group.first_row)


def price_fields(row: Row, cells: Cells, present: Cells, currency: str | None) -> Checked:
    """Fields of a price from the cells that are to be set; weight and interval are completed from the present ones.

    `currency` is the one that its amounts are in.
    """
    fields: dict[str, Any] = {field: cells[key] for key, field in _OF_PRICE.items() if key in cells}
    whole = {**present, **cells}
    if "weight" in cells or "weight_unit" in cells:
        fields["shipping_options"] = {"weight": _named(whole, value="weight", unit="weight_unit")}
    if "interval" in cells or "interval_count" in cells:
        fields["recurring"] = _named(whole, interval="interval", interval_count="interval_count")
    if isinstance(sku := fields.get("sku"), str):
        fields["sku"] = told_apart(sku)
    if isinstance(fields.get("currency"), str):
        fields["currency"] = fields["currency"].upper()
    checked = _checked(shapes.PriceEdit, {"price_id": "new", **fields}, row.number)
    fractions = tuple(
        Problem(
            row.number,
            f"{_heading((name,))}: {amount_text(amount, currency)} has more decimals than {currency} has "
            f"({digits(currency)})",
        )
        for name in MONEY
        if isinstance(amount := fields.get(name), Decimal)
        and currency
        and amount != rounded(amount, currency)
    )
    return Checked(checked.fields, checked.problems + fractions)


def _named(cells: Cells, **keys: str) -> dict[str, Value]:
    return {name: cells[key] for name, key in keys.items() if key in cells}


def _checked(shape: type[S], fields: Mapping[str, Any], row: int) -> Checked:
    try:
        valid = shape.model_validate(dict(fields))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems = tuple(
            Problem(row, f"{_heading(detail['loc'], shape)} {_why(detail)}") for detail in details
        )
        return Checked({}, tuple(dict.fromkeys(problems)))
    return Checked(valid.model_dump(exclude_none=True, exclude={"product_id", "price_id"}))


_HEADINGS: Final[dict[tuple[str, ...], str]] = {
    ("seo", "title"): "seo_title",
    ("seo", "description"): "seo_description",
    ("label", "title"): "badge",
    ("label", "start_date"): "badge_from",
    ("label", "end_date"): "badge_until",
    ("shipping_options", "weight", "value"): "weight",
    ("shipping_options", "weight", "unit"): "weight_unit",
    ("recurring", "interval"): "interval",
    ("recurring", "interval_count"): "interval_count",
}


def _heading(location: tuple[int | str, ...], shape: type[shapes.Shape] = shapes.PriceEdit) -> str:
    """The heading of the column that a field comes from."""
    path = tuple(map(str, location[:3]))
    key = _HEADINGS.get(path, path[0])
    if key == "name" and shape is shapes.PriceEdit:
        key = "variant"
    return BY_KEY[key].heading if key in BY_KEY else key


_WHY: Final = {
    "missing": "is missing",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "is empty",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
    "int_from_float": "takes a whole number",
    "string_pattern_mismatch": "takes a currency code such as USD",
    "literal_error": "takes {expected}",
    "value_error": "takes {error}",
}


def _why(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind.startswith("decimal_"):
        return "has too many digits"
    return _WHY.get(kind, "cannot be used").format(**detail.get("ctx", {}))


def unknown_collections(names: Sequence[str]) -> str:
    """Why a cell of collections cannot be used."""
    return f"Collections: none, or more than one, is called {', '.join(map(quoted, names[:5]))}"
