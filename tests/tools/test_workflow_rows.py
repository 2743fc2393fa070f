"""Rows written and read again: whatever the texts are, what was written comes back, and nothing in it is active."""

import csv
import io
import zipfile
from decimal import Decimal
from typing import Any, BinaryIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hoopai_products_mcp.tools.columns import BY_KEY, COLUMNS, Cells, Kind, in_words
from hoopai_products_mcp.tools.import_rows import Fault, code, read_row
from hoopai_products_mcp.tools.row_readers import read_table, rows_in_words
from hoopai_products_mcp.tools.row_writers import FileFormat, as_meant, harmless, row_writer

FORMATS: tuple[FileFormat, ...] = ("csv", "jsonl", "xlsx")
ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(str.strip)


def _joined(start: str, rest: str) -> str:
    return start + rest


HOSTILE: st.SearchStrategy[str] = st.builds(
    _joined,
    st.sampled_from(
        [
            *ACTIVE,
            "'",
            "''",
            "'=",
            " =",
            "  \t-",
            '"',
            '"=',
            ",",
            ";",
            "\r\n",
            "\0",
            "_x0041_",
            "_x0041_x0042_",
            "\ufeff",
        ]
    ),
    TEXTS,
)
IDS = st.from_regex("[0-9a-f]{24}", fullmatch=True)
NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, places=4)
WORDS = st.from_regex("[A-Za-z_/-]{1,12}", fullmatch=True)
NAMES = st.lists(WORDS, min_size=1, max_size=3, unique=True).map(tuple)


def values_of(key: str) -> st.SearchStrategy[Any]:
    match BY_KEY[key].kind:
        case Kind.NUMBER:
            return NUMBERS
        case Kind.SWITCH:
            return st.booleans()
        case Kind.NAMES:
            return NAMES
        case Kind.CHOICE:
            return WORDS
        case _:
            return IDS if key in {"product_id", "price_id"} else TEXTS | HOSTILE


CELLS: st.SearchStrategy[Cells] = st.fixed_dictionaries(
    {"sku": TEXTS | HOSTILE},
    optional={column.key: values_of(column.key) for column in COLUMNS if column.key not in {"sku", "slug"}},
)


def written(rows: list[Cells], file_format: FileFormat) -> bytes:
    file = io.BytesIO()
    with row_writer(file_format, file, COLUMNS, pytest.fail) as writer:
        for cells in rows:
            writer.row(cells)
    return file.getvalue()


def read(content: bytes, file_format: FileFormat) -> list[Cells]:
    file: BinaryIO = io.BytesIO(content)
    rows = [read_row(raw) for raw in read_table(file, file_format).rows]
    assert [row.faults for row in rows] == [{}] * len(rows)
    return [row.cells for row in rows]


@pytest.mark.parametrize("file_format", FORMATS)
@settings(max_examples=120)
@given(rows=st.lists(CELLS, min_size=1, max_size=4))
@example(rows=[{"sku": "=1+1", "name": "'=1+1", "description": "''@x", "variant": "_x005F_", "image": "\r"}])
@example(rows=[{"sku": "-3", "available_quantity": Decimal(-3), "amount": Decimal("0.1")}])
@example(rows=[{"sku": "x", "option1_name": "Size", "option1_value": "Title"}])
def test_what_was_written_comes_back(file_format: FileFormat, rows: list[Cells]) -> None:
    expected = [
        {key: value for key, value in cells.items() if not (isinstance(value, str) and not code(value))}
        for cells in rows
    ]
    # Shops without variants write these two words for them.
    for cells in expected:
        said = [str(cells.get(key, "title")).casefold() for key in ("option1_name", "option1_value")]
        if all(word in {"title", "default title"} for word in said):
            cells.pop("option1_name", None)
            cells.pop("option1_value", None)
    assert read(written(rows, file_format), file_format) == expected


@settings(max_examples=300)
@given(text=TEXTS | HOSTILE)
def test_no_cell_of_a_text_file_is_active(text: str) -> None:
    cell = harmless(text)
    assert not cell.startswith(ACTIVE)
    assert not cell.lstrip().startswith(ACTIVE)
    assert as_meant(cell) == text


@settings(max_examples=60)
@given(cells=CELLS)
def test_no_cell_of_a_whole_file_is_active(cells: Cells) -> None:
    text = written([cells], "csv").decode("utf-8-sig")
    for record in csv.reader(io.StringIO(text, newline=""), strict=True):
        assert not [cell for cell in record if cell.startswith(ACTIVE)]


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_workbook_holds_texts_as_texts_and_numbers_as_numbers(start: str) -> None:
    content = written(
        [{"sku": f"{start}1+1", "available_quantity": Decimal(-3), "amount": Decimal("19.99")}], "xlsx"
    )
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert f"<t>{start}1+1</t>" in sheet
    assert "<v>-3</v>" in sheet
    assert "<v>19.99</v>" in sheet


def test_a_text_that_no_cell_can_hold_is_left_out_and_said() -> None:
    notes: list[str] = []
    file = io.BytesIO()
    with row_writer("xlsx", file, COLUMNS, notes.append) as writer:
        writer.row({"sku": "A-1", "description": "x" * 32_768, "name": "x" * 32_767})
    assert notes == [
        "A cell of a spreadsheet holds 32,767 characters: longer texts under Description were left out. csv and jsonl "
        "have them."
    ]
    assert read(file.getvalue(), "xlsx") == [{"sku": "A-1", "name": "x" * 32_767}]


def test_numbers_with_more_digits_than_a_workbook_keeps_are_texts_there() -> None:
    number = Decimal("123456789012345678.123456789")
    assert read(written([{"sku": "A", "amount": number}], "xlsx"), "xlsx") == [{"sku": "A", "amount": number}]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "TRUE"),
        (False, "FALSE"),
        (Decimal("1E+3"), "1000"),
        (Decimal("4.50"), "4.50"),
        (("a", "b"), "a, b"),
    ],
)
def test_values_in_words(value: Any, words: str) -> None:
    assert in_words(value) == words


@pytest.mark.parametrize(
    ("key", "content", "value"),
    [
        ("available_in_store", "yes", True),
        ("available_in_store", "No", False),
        ("allow_out_of_stock_purchases", "deny", False),
        ("allow_out_of_stock_purchases", "continue", True),
        ("track_inventory", "shopify", True),
        ("available_in_store", "perhaps", Fault("perhaps", "takes TRUE or FALSE, not “perhaps”")),
        ("amount", " 1299.00 ", Decimal("1299.00")),
        ("amount", "1,299.00", Fault("1,299.00", "takes a number such as 1299.00, not “1,299.00”")),
        ("amount", "19,99", Fault("19,99", "takes a number such as 1299.00, not “19,99”")),
        ("amount", "$5", Fault("$5", "takes a number such as 1299.00, not “$5”")),
        ("amount", "1e5", Fault("1e5", "takes a number such as 1299.00, not “1e5”")),
        ("amount", True, Fault("TRUE", "takes a number such as 1299.00, not “TRUE”")),
        ("amount", "NaN", Fault("NaN", "takes a number such as 1299.00, not “NaN”")),
        ("sku", Decimal("123"), "123"),
        ("sku", Decimal("1E+2"), "100"),
        ("name", True, "TRUE"),
        ("name", ["a"], Fault("['a']", "takes text")),
        ("collections", "a, b ,,c", ("a", "b", "c")),
        ("collections", ["a, b"], ("a, b",)),
        ("collections", [1], Fault("a list", "takes a list of texts")),
        ("currency", " usd ", "usd"),
        ("product_id", " 66 ", "66"),
        ("name", " spaces stay ", " spaces stay "),
    ],
)
def test_a_cell_is_read_as_what_its_column_holds_or_refused_in_words(
    key: str, content: Any, value: Any
) -> None:
    from hoopai_products_mcp.tools.row_readers import RawRow

    row = read_row(RawRow(7, {key: content}))
    assert (row.faults.get(key) or row.cells.get(key)) == value


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([2], "row 2"),
        ([2, 3, 4], "rows 2-4"),
        ([9, 2, 3, 3], "rows 2-3, 9"),
        ([1, 3], "rows 1, 3"),
        (range(1, 60, 2), "rows 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23 …"),
    ],
)
def test_rows_in_words(numbers: Any, words: str) -> None:
    assert rows_in_words(numbers) == words
