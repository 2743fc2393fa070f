"""Files of rows as they come: CSV, JSON and XLSX, bounded before they are read, and every fault in words."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from math import isfinite
from typing import Any, BinaryIO, Final, Literal, cast

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.question import NOTHING_CHANGED
from ..products_api.exact_json import decode
from .columns import COLUMNS, KNOWN_HEADINGS, Column, folded
from .row_writers import as_meant, xlsx_text
from .text import one_line, quoted

TableFormat = Literal["csv", "jsonl", "xlsx"]

MOST_BYTES: Final = 10_000_000
MOST_ROWS: Final = 20_000
MOST_UNPACKED: Final = 100_000_000
"""Bytes that the parts of a workbook may say they unpack to; more is no catalog."""
MOST_PARTS: Final = 1_000
_DELIMITERS: Final = (",", ";", "\t")
_LONGEST_LINE: Final = 100_000
_SHEET_ERRORS: Final = frozenset({"#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!"})
_MOST_SPANS: Final = 12
_ZIP: Final = b"PK\x03\x04"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class RawRow:
    """One row: its number as a person counts it, the heading line being 1, and what is in its cells by column key.

    `fault` is what is wrong with the row as a whole.
    """

    number: int
    cells: Mapping[str, object]
    fault: str | None = None


@dataclass
class Table:
    """What was in a file. `notes` tell what of it was not read."""

    rows: list[RawRow] = field(default_factory=list[RawRow])
    notes: list[str] = field(default_factory=list[str])

    def add(self, row: RawRow) -> None:
        """Take a row up, unless nothing is in it.

        Raises:
            ToolError: there are too many.
        """
        if not row.cells and row.fault is None:
            return
        if len(self.rows) == MOST_ROWS:
            raise _unreadable(f"it has more than {MOST_ROWS:,} rows", "Split it into several files.")
        self.rows.append(row)


def read_table(file: BinaryIO, table_format: TableFormat) -> Table:
    """The rows of a file that was found to be small enough.

    Raises:
        ToolError: it is no such file, or has no column that is known.
    """
    match table_format:
        case "csv":
            return _csv(file)
        case "jsonl":
            return _json(file.read())
        case _:
            return _xlsx(file)


def _unreadable(why: str, what_next: str) -> ToolError:
    return ToolError(f"The rows could not be read: {why}. {NOTHING_CHANGED} {what_next}")


# -- headings


def _columns(headings: Iterable[object], table: Table) -> list[Column | None]:
    """The column that each heading names; None where it names none.

    Raises:
        ToolError: none is known, or two name the same.
    """
    names = [one_line(str(heading)) if heading is not None else "" for heading in headings]
    columns = [KNOWN_HEADINGS.get(folded(name)) for name in names]
    known = [column for column in columns if column is not None]
    if not known:
        headings_known = ", ".join(column.heading for column in COLUMNS)
        raise _unreadable("no heading of the first row is known", f"Known are: {headings_known}.")
    for column in known:
        if known.count(column) > 1:
            twice = [name for name, found in zip(names, columns, strict=True) if found is column]
            raise _unreadable(
                f"the columns {' and '.join(map(quoted, twice))} are both {column.heading}",
                "Leave one of them out.",
            )
    unknown = [name for name, column in zip(names, columns, strict=True) if column is None and name]
    if unknown:
        table.notes.append(
            f"Columns that were not read: {', '.join(map(quoted, unknown[:10]))}{_more(unknown)}."
        )
    return columns


def _more(items: list[str]) -> str:
    return f" and {len(items) - 10} more" if len(items) > 10 else ""  # noqa: PLR2004


def _row(number: int, columns: list[Column | None], values: Iterable[object]) -> RawRow:
    cells: dict[str, object] = {}
    fault = None
    for place, value in enumerate(values):
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if place >= len(columns):
            fault = "has more cells than there are headings"
        elif (column := columns[place]) is not None:
            cells[column.key] = value
    return RawRow(number, cells, fault)


# -- CSV


def _csv(file: BinaryIO) -> Table:
    beginning = file.read(4)
    file.seek(0)
    if beginning == _ZIP:
        raise _unreadable("it is a workbook, not CSV", "Name it .xlsx, or give format xlsx.")
    encoding = "utf-16" if beginning[:2] in _UTF_16 else "utf-8-sig"
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    table = Table()
    columns: list[Column | None] = []
    number = 0
    try:
        for number, record in enumerate(_records(text), start=1):
            if number == 1:
                columns = _columns(map(as_meant, record), table)
            else:
                table.add(_row(number, columns, map(as_meant, record)))
    except UnicodeError:
        raise _unreadable(
            "it is not text in UTF-8", "Save it as “CSV UTF-8”, or as a workbook (xlsx)."
        ) from None
    except csv.Error as error:
        raise _unreadable(
            f"row {number + 1} is no CSV ({error})", "Perhaps a quotation mark is missing before it."
        ) from None
    finally:
        text.detach()
    if number == 0:
        raise _unreadable("it is empty", "Give a heading line and rows.")
    return table


def _records(text: io.TextIOWrapper) -> Iterator[list[str]]:
    first = text.readline(_LONGEST_LINE)
    delimiter = None
    if first.lower().startswith("sep="):
        # Some spreadsheets begin with the delimiter they use.
        delimiter, first = first[4:5], text.readline(_LONGEST_LINE)
    if delimiter not in _DELIMITERS:
        delimiter = max(_DELIMITERS, key=lambda mark: _known_in(first, mark))
    return csv.reader(chain([first], text) if first else [], delimiter=delimiter, strict=True)


def _known_in(line: str, delimiter: str) -> int:
    """How many headings of a line are known if this is what stands between them."""
    return sum(folded(heading) in KNOWN_HEADINGS for heading in line.split(delimiter))


# -- JSON


def _json(content: bytes) -> Table:
    content = content.removeprefix(b"\xef\xbb\xbf")
    table = Table()
    known: dict[str, Column | None] = {}
    for number, item in _objects(content):
        for row in _flattened(item):
            for name in row.keys() - known.keys():
                known[name] = KNOWN_HEADINGS.get(folded(name))
            cells = {
                column.key: value
                for name, value in row.items()
                if (column := known[name]) is not None and value is not None and value != ""
            }
            table.add(RawRow(number, cells))
    unknown = [one_line(name) for name, column in known.items() if column is None]
    if known and len(unknown) == len(known):
        raise _unreadable("no field of them is known", f"Known are: {', '.join(c.key for c in COLUMNS)}.")
    if unknown:
        table.notes.append(
            f"Fields that were not read: {', '.join(map(quoted, unknown[:10]))}{_more(unknown)}."
        )
    return table


def _objects(content: bytes) -> Iterator[tuple[int, Mapping[str, object]]]:
    """The rows of a JSON list, or of one object a line, with their numbers from 1."""
    if content.lstrip()[:1] == b"[":
        try:
            items = decode(content)
        except ValueError:
            raise _unreadable("it begins like a JSON list and is none", "Correct the JSON.") from None
        for number, item in enumerate(cast("list[object]", items), start=1):
            yield number, _object(number, item)
        return
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            try:
                item = decode(line)
            except ValueError:
                raise _unreadable(f"line {number} is no JSON", "Give one object a line, or a list.") from None
            yield number, _object(number, item)


def _object(number: int, item: object) -> Mapping[str, object]:
    if not isinstance(item, dict):
        raise _unreadable(
            f"row {number} is no JSON object", 'A row is such as {"sku": "A-1", "amount": 9.5}.'
        )
    return cast("dict[str, object]", item)


def _flattened(item: Mapping[str, object]) -> Iterable[Mapping[str, object]]:
    """A product with its prices inside, as rows: its own, and one for each price."""
    prices = item.get("prices")
    if not isinstance(prices, list):
        return [item]
    own = {name: value for name, value in item.items() if name != "prices"}
    rows = [own] if own else []
    shared = {name: value for name, value in own.items() if folded(name) in _TELLING_APART}
    inner = [
        cast("dict[str, object]", price) for price in cast("list[object]", prices) if isinstance(price, dict)
    ]
    # Inside a product, a name is the price's own.
    return rows + [
        shared | {"variant" if folded(name) == "name" else name: value for name, value in price.items()}
        for price in inner
    ]


_TELLING_APART: Final = frozenset(
    heading for heading, column in KNOWN_HEADINGS.items() if column.key in {"product_id", "slug", "name"}
)


# -- XLSX


def _xlsx(file: BinaryIO) -> Table:
    _refuse_bombs(file)
    from openpyxl import load_workbook

    table = Table()
    try:
        book: Any = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet: Any = book.worksheets[0]
        if len(book.worksheets) > 1:
            table.notes.append(f"Only the first sheet was read: {quoted(sheet.title)}.")
        # A sheet may claim to be as large as sheets can be.
        sheet.reset_dimensions()
        _read_sheet(sheet, table)
    except ToolError:
        raise
    except Exception as error:
        raise _unreadable(
            f"it is no workbook that can be read ({type(error).__name__})",
            "Save it anew as .xlsx, or as CSV UTF-8.",
        ) from None
    return table


def _refuse_bombs(file: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(file) as parts:
            infos = parts.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise _unreadable("it is no XLSX workbook", "An old .xls has to be saved as .xlsx first.") from None
    if sum(info.file_size for info in infos) > MOST_UNPACKED or len(infos) > MOST_PARTS:
        raise _unreadable("it unpacks to far more than a catalog", "Save the one sheet as CSV UTF-8.")
    file.seek(0)


def _read_sheet(sheet: Any, table: Table) -> None:
    columns: list[Column | None] | None = None
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        meant = [_meant(value) for value in values]
        if columns is None:
            if any(value is not None for value in meant):
                columns = _columns(meant, table)
            continue
        row = _row(number, columns, meant)
        broken = next((value for value in row.cells.values() if value in _SHEET_ERRORS), None)
        table.add(row if broken is None else RawRow(number, row.cells, f"holds {broken} of a formula"))
    if columns is None:
        raise _unreadable("its first sheet is empty", "Give a heading line and rows.")


def _meant(value: object) -> object:
    match value:
        case str():
            return xlsx_text(value)
        case bool() | int() | Decimal() | None:
            return value
        case float():
            return Decimal(repr(value)) if isfinite(value) else None
        case datetime() if value.time() == time(0):
            return value.date().isoformat()
        case datetime() | date():
            return value.isoformat()
        case _:
            return str(value)


def rows_in_words(numbers: Iterable[int]) -> str:
    """Numbers of rows for a person: `rows 3-5 and 9`."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    words = [str(first) if first == last else f"{first}-{last}" for first, last in spans]
    several = len(words) > 1 or "-" in words[0]
    return (
        ("rows " if several else "row ")
        + ", ".join(words[:_MOST_SPANS])
        + (" …" * (len(words) > _MOST_SPANS))
    )
