"""Rows as files: CSV, JSON Lines and XLSX, written row by row."""

import csv
import io
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, BinaryIO, Final, Literal, Protocol

from ..products_api.exact_json import encode
from .columns import Cells, Column, Value, in_words
from .results import json_number

FileFormat = Literal["csv", "jsonl", "xlsx"]

LONGEST_CELL: Final = 32_767
"""Characters that a cell of a spreadsheet can hold; what is longer would be cut without a word."""
_ACTIVE: Final = re.compile("'*(?:\\s*[=+\\-@＝＋－＠]|[\t\r\n])")
"""What a spreadsheet may take for a formula, full-width signs among it, with any apostrophes before it."""
_UNWRITABLE: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b\x0c\x0e-\x1f\r\ufffe\uffff]")
"""What XLSX writes as `_xHHHH_`: characters that XML cannot hold, and the beginning of what looks like one of them."""


class RowWriter(Protocol):
    """Writes rows to a file, which stays open."""

    def row(self, cells: Cells) -> None:
        """One row."""
        ...

    def finish(self) -> None:
        """Write what is left."""
        ...

    def abandon(self) -> None:
        """Give up what a file was to be made from."""
        ...


class CsvRows:
    """CSV as spreadsheets read it: UTF-8 with a mark, a heading line, active cells made harmless."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], note: Callable[[str], None]) -> None:
        del note
        self._columns = columns
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        self._csv = csv.writer(self._text, lineterminator="\r\n")
        self._csv.writerow([column.heading for column in columns])

    def row(self, cells: Cells) -> None:
        """One row."""
        self._csv.writerow(
            [harmless(in_words(cells[column.key])) if column.key in cells else "" for column in self._columns]
        )

    def finish(self) -> None:
        """Nothing is left."""
        self._text.detach()

    abandon = finish


def harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before it, one more where there is one already."""
    return f"'{text}" if _ACTIVE.match(text) else text


def as_meant(text: str) -> str:
    """The text that `harmless` was given."""
    return text[1:] if text.startswith("'") and _ACTIVE.match(text) else text


class JsonRows:
    """One JSON object a line, numbers with their exact digits."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], note: Callable[[str], None]) -> None:
        del note
        self._file = file
        self._keys = [column.key for column in columns]

    def row(self, cells: Cells) -> None:
        """One row."""
        self._file.write(encode({key: cells[key] for key in self._keys if key in cells}) + b"\n")

    def finish(self) -> None:
        """Nothing is left."""

    abandon = finish


class XlsxRows:
    """One sheet; texts are texts, whatever they begin with, and numbers are numbers."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], note: Callable[[str], None]) -> None:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell

        self._file = file
        self._columns = columns
        self._note = note
        self._book: Any = Workbook(write_only=True)
        self._sheet: Any = self._book.create_sheet("Catalog")
        self._cell: Any = WriteOnlyCell
        self._sheet.freeze_panes = "A2"
        self._sheet.append([column.heading for column in columns])

    def row(self, cells: Cells) -> None:
        """One row."""
        self._sheet.append([self._written(column, cells.get(column.key)) for column in self._columns])

    def _written(self, column: Column, value: Value | None) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Decimal):
            number = json_number(value)
            if not isinstance(number, str) and abs(number) < 10**15:
                return number
        text = in_words(value)
        # Where a text file of ours was opened and saved as a workbook, an apostrophe stands before such a cell.
        text = harmless(text) if text.startswith("'") else text
        text = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
        if len(text) > LONGEST_CELL:
            self._note(
                f"A cell of a spreadsheet holds {LONGEST_CELL:,} characters: longer texts under {column.heading} were "
                "left out. csv and jsonl have them."
            )
            return None
        cell = self._cell(self._sheet, value=text)
        cell.data_type = "s"
        return cell

    def finish(self) -> None:
        """Put the file together."""
        self._book.save(self._file)

    def abandon(self) -> None:
        """Remove what the library has set aside of the sheet: a file that it removes only when it saves."""
        self._sheet.close()
        self._sheet._writer.cleanup()


def xlsx_text(text: str) -> str:
    """The text that a cell of a workbook means."""
    if "_x" in text:
        text = re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)
    return as_meant(text)


_WRITERS: Final = {"csv": CsvRows, "jsonl": JsonRows, "xlsx": XlsxRows}


@contextmanager
def row_writer(
    name: FileFormat, file: BinaryIO, columns: Sequence[Column], note: Callable[[str], None]
) -> Generator[RowWriter]:
    """What writes rows in this format; `note` is told what had to be left out."""
    writer: RowWriter = _WRITERS[name](file, columns, note)
    try:
        yield writer
    except BaseException:
        writer.abandon()
        raise
    writer.finish()
