"""Rows of a file as what they say of products and prices, and which of them belong to one product."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple, cast

from .columns import BY_KEY, MOST_OPTIONS, Cells, Column, Kind, Value
from .row_readers import RawRow
from .text import quoted, told_apart

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
_ON = frozenset({"true", "yes", "y", "1", "on", "continue", "shopify", "wahr", "vrai", "x"})
_OFF = frozenset({"false", "no", "n", "0", "off", "deny", "falsch", "faux"})
_IDENTITY = frozenset({"product_id", "slug", "price_id"})
"""What nobody writes with spaces around it on purpose."""
NO_OPTION = ("title", "default title")
"""What shop systems write into the option columns of a product that has no variants."""


class Fault(NamedTuple):
    """A cell that cannot be read: its text, and why."""

    text: str
    why: str


@dataclass
class Row:
    """One row: what its cells say, and which of them cannot be read."""

    number: int
    cells: Cells = field(default_factory=Cells)
    faults: dict[str, Fault] = field(default_factory=dict[str, Fault])
    fault: str | None = None

    @property
    def of_price(self) -> bool:
        """Whether it says anything of a price."""
        return any(BY_KEY[key].of == "price" for key in (*self.cells, *self.faults))

    def text(self, key: str) -> str | None:
        """What a cell of text says."""
        value = self.cells.get(key)
        return value if isinstance(value, str) else None


class Problem(NamedTuple):
    """Why a row is left out: an error of its own, or a conflict with the shop or with another row."""

    row: int
    why: str
    kind: Literal["error", "conflict"] = "error"

    def __str__(self) -> str:
        return f"row {self.row}, {self.kind}: {self.why}"


@dataclass
class Group:
    """The rows of one product: what they say of it, and those that say something of a price."""

    rows: list[Row] = field(default_factory=list[Row])
    product: Cells = field(default_factory=Cells)
    faults: dict[str, tuple[int, Fault]] = field(default_factory=dict[str, tuple[int, Fault]])
    problems: list[Problem] = field(default_factory=list[Problem])

    @property
    def first_row(self) -> int:
        """The number of its first row."""
        return self.rows[0].number

    @property
    def names_itself(self) -> bool:
        """Whether its rows say which product they are of, and not only which SKU."""
        return any(True for row in self.rows for _ in _keys(row))

    @property
    def prices(self) -> list[Row]:
        """The rows that say something of a price."""
        return [row for row in self.rows if row.of_price]

    @property
    def skus(self) -> list[str]:
        """The SKUs of its prices."""
        return [code(sku) for row in self.rows if (sku := row.text("sku"))]

    @property
    def name(self) -> str:
        """The product for a person, as far as the file tells."""
        said = (self.product.get(key) for key in ("name", "slug", "product_id"))
        known = next((value for value in said if isinstance(value, str)), None)
        return quoted(known or next(iter(self.skus), f"row {self.first_row}"))

    def take(self, row: Row) -> None:
        """Take a row up. What two rows say of the product must be the same."""
        self.rows.append(row)
        if row.fault is not None:
            self.problems.append(Problem(row.number, row.fault))
        for key, value in row.cells.items():
            if BY_KEY[key].of != "product":
                continue
            if self.product.setdefault(key, value) != value and key != "product_id":
                why = f"{BY_KEY[key].heading} is otherwise in row {self.first_row}, which is of the same product"
                self.problems.append(Problem(row.number, why, "conflict"))
        for key, fault in row.faults.items():
            if BY_KEY[key].of == "product":
                self.faults.setdefault(key, (row.number, fault))


def read_row(raw: RawRow) -> Row:
    """What a row says; empty cells say nothing."""
    row = Row(raw.number, fault=raw.fault)
    for key, content in raw.cells.items():
        value = _read(BY_KEY[key], content)
        if isinstance(value, Fault):
            row.faults[key] = value
        elif value != () and not (isinstance(value, str) and not code(value)):
            row.cells[key] = value
    _drop_no_options(row)
    return row


def _drop_no_options(row: Row) -> None:
    said = [row.text(key) for key in ("option1_name", "option1_value")]
    if all(text is None or text.casefold() in NO_OPTION for text in said):
        row.cells.pop("option1_name", None)
        row.cells.pop("option1_value", None)


def _read(column: Column, content: object) -> Value | Fault:
    match column.kind:
        case Kind.NUMBER:
            return _number(content)
        case Kind.SWITCH:
            return _switch(content)
        case Kind.NAMES:
            return _names(content)
        case _:
            text = _text(content)
            if isinstance(text, Fault) or (column.kind is Kind.TEXT and column.key not in _IDENTITY):
                return text
            return code(text)


def _text(content: object) -> str | Fault:
    match content:
        case str():
            return content
        case bool():
            return "TRUE" if content else "FALSE"
        case int() | Decimal():
            return format(Decimal(content), "f")
        case _:
            return Fault(_shown(content), "takes text")


def _number(content: object) -> Decimal | Fault:
    if isinstance(content, int | Decimal) and not isinstance(content, bool):
        return Decimal(content)
    text = content.strip() if isinstance(content, str) else ""
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    return Fault(_shown(content), f"takes a number such as 1299.00, not {quoted(_shown(content), 40)}")


def _switch(content: object) -> bool | Fault:
    word = _shown(content).strip().casefold()
    if word in _ON:
        return True
    return False if word in _OFF else Fault(_shown(content), f"takes TRUE or FALSE, not {quoted(word, 40)}")


def _names(content: object) -> tuple[str, ...] | Fault:
    if isinstance(content, list):
        items = cast("list[object]", content)
        if all(isinstance(item, str) for item in items):
            return tuple(cast("list[str]", items))
        return Fault("a list", "takes a list of texts")
    text = _text(content)
    if isinstance(text, Fault):
        return text
    return tuple(part for piece in text.split(",") if (part := piece.strip()))


def _shown(content: object) -> str:
    if isinstance(content, bool):
        return "TRUE" if content else "FALSE"
    return format(content, "f") if isinstance(content, Decimal) else str(content)


def folded_name(name: str) -> str:
    """A product's name as names are compared: without regard to case, spacing and what cannot be seen."""
    return " ".join(told_apart(name).split()).casefold()


def code(text: str) -> str:
    """An id, SKU or handle as they are compared: without spaces around it, and without what cannot be seen."""
    return told_apart(text).strip()


def grouped(rows: Sequence[Row]) -> list[Group]:
    """The rows by product: those of one product id, handle or title, and those below that say none of it."""
    groups: list[Group] = []
    known: dict[tuple[str, str], Group] = {}
    tells_apart = any(True for row in rows for _ in _keys(row))
    for row in rows:
        keys = list(_keys(row))
        # Of several keys the first tells; the others may be shared by products that are not one.
        group = known.get(keys[0]) if keys else groups[-1] if groups and tells_apart else None
        if group is None:
            group = Group()
            groups.append(group)
        for key in keys:
            known.setdefault(key, group)
        group.take(row)
    return groups


def _keys(row: Row) -> Iterable[tuple[str, str]]:
    """What tells the product of a row, the surest first."""
    if product_id := row.text("product_id"):
        yield "product_id", product_id
    if slug := row.text("slug"):
        yield "slug", slug.casefold()
    if name := row.text("name"):
        yield "name", folded_name(name)


def options_of(row: Row) -> tuple[str, ...]:
    """The names of a row's options, as far as it names any."""
    said = [row.text(f"option{number}_value") for number in range(1, MOST_OPTIONS + 1)]
    return tuple(value for value in said if value is not None)
