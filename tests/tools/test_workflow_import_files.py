"""Files that are too large, broken or hostile: a clear word, little memory, and no shop asked."""

import io
import os
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError
from shop_session import ERAS, Era, ShopSession, shop_session

from hoopai_products_mcp.tools.row_readers import MOST_ROWS, TableFormat, read_table

pytestmark = pytest.mark.anyio

MB = 1_000_000


async def refusal(session: ShopSession, **arguments: Any) -> str:
    """What is said of rows that cannot be read; nothing is asked of the shop for them."""
    said = await session.refused("import_products", **arguments)
    assert said.count("Nothing was changed.") == 1
    assert "Traceback" not in said
    assert session.sent() == []
    return said


def workbook(**parts: bytes) -> bytes:
    """A zip of these parts, written as parts of a workbook."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name.replace("__", "/"), content)
    return file.getvalue()


def sheet_of(rows: list[list[Any]]) -> bytes:
    """A workbook as a spreadsheet program writes it."""
    from openpyxl import Workbook

    book: Any = Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.xlsx"])
async def test_a_file_of_a_hundred_megabytes_is_refused_without_being_read(
    name: str, era: Era, tmp_path: Path
) -> None:
    with (tmp_path / name).open("wb") as file:
        # All of it a hole: it has the size, and takes no room.
        file.truncate(100 * MB)
    async with shop_session(era=era, settings={"export_dir": tmp_path}) as session:
        await session.refused("import_products", file="none.csv")
        tracemalloc.start()
        said = await refusal(session, file=name)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert said == (
            f"“{name}” has 100.0 MB; at most 10.0 MB are read. Nothing was changed. Split it into several files."
        )
        assert peak < 2 * MB


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("x.csv", b"", "it is empty"),
        ("x.csv", b"\n\n", "no heading of the first row is known"),
        ("x.csv", b"Colour,Weather\nred,fine\n", "no heading of the first row is known"),
        ("x.csv", b"SKU,Variant SKU,Price\n1,2,3\n", "the columns “SKU” and “Variant SKU” are both SKU"),
        ("x.csv", b"SKU,Price\n\xff\xfe\xfa,1\n", "it is not text in UTF-8"),
        ("x.csv", "SKU,Title\n1,Käse\n".encode("cp1252"), "it is not text in UTF-8"),
        ("x.csv", b'SKU,Price\n1,2\n"3,4\n', "row 3 is no CSV"),
        ("x.csv", b'SKU,Price\n1,"2"x\n', "row 2 is no CSV"),
        ("x.csv", b"SKU,Price\n1," + b"9" * 140_000, "row 2 is no CSV"),
        ("x.csv", b'SKU,Price\n"' + b"x" * 200_000, "row 2 is no CSV"),
        ("x.csv", sheet_of([["SKU"], ["1"]]), "it is a workbook, not CSV"),
        ("x.csv", b"SKU\n" + b"1\n" * (MOST_ROWS + 1), "it has more than 20,000 rows"),
        ("x.jsonl", b"[1, 2]", "row 1 is no JSON object"),
        ("x.jsonl", b'[{"sku": "1"}', "it begins like a JSON list and is none"),
        ("x.jsonl", b'{"sku": "1"}\n{"sku": }\n', "line 2 is no JSON"),
        ("x.json", b'{"colour": "red"}', "no field of them is known"),
        ("x.json", b"[" * 100_000, "it begins like a JSON list and is none"),
        ("x.jsonl", b'{"sku": "1"}\n' * (MOST_ROWS + 1), "it has more than 20,000 rows"),
        ("x.xlsx", b"SKU,Price\n1,2\n", "it is no XLSX workbook"),
        ("x.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "it is no XLSX workbook"),
        ("x.xlsx", sheet_of([["SKU"], ["1"]])[:-40], "it is no XLSX workbook"),
        ("x.xlsx", sheet_of([]), "its first sheet is empty"),
        ("x.xlsx", sheet_of([["Colour"], ["red"]]), "no heading of the first row is known"),
        ("x.xlsx", workbook(readme=b"hello"), "it is no workbook that can be read"),
        ("x.xlsx", workbook(zeros=b"\0" * (100 * MB + 1)), "it unpacks to far more than a catalog"),
        ("x.xlsx", workbook(**{f"p{n}": b"" for n in range(1_001)}), "it unpacks to far more than a catalog"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why(
    name: str, content: bytes, why: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    async with shop_session(settings={"export_dir": tmp_path}) as session:
        said = await refusal(session, file=name)
        assert said.startswith(f"The rows could not be read: {why}"), said


async def test_entities_in_a_workbook_are_not_expanded(tmp_path: Path) -> None:
    good = sheet_of([["SKU", "Title"], ["1", "x"]])
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE worksheet [<!ENTITY a "'
        + b"ha" * 1000
        + b'"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
        b'<c r="A1" t="inlineStr"><is><t>SKU&b;</t></is></c></row></sheetData></worksheet>'
    )
    outside = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><w>&x;</w>'
    for part in (bomb, outside):
        packed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(packed, "w") as new:
            for name in old.namelist():
                new.writestr(name, part if name == "xl/worksheets/sheet1.xml" else old.read(name))
        (tmp_path / "x.xlsx").write_bytes(packed.getvalue())
        async with shop_session(settings={"export_dir": tmp_path}) as session:
            said = await refusal(session, file="x.xlsx")
            assert said.startswith("The rows could not be read: it is no workbook that can be read")
            assert "root:" not in said


async def test_a_workbook_of_a_spreadsheet_program_is_read_as_it_is_meant(tmp_path: Path) -> None:
    from datetime import datetime

    from openpyxl import Workbook

    book: Any = Workbook()
    book.active.append([])
    book.active.append(
        ["SKU", "Title", "Price", "Currency", "Published", "Badge", "Badge from", None, "Stock"]
    )
    book.active.append([1001, "Lamp", 19.99, "usd", True, "New", datetime(2026, 5, 1), "x", 4.0])
    book.active.append([None])
    book.active.append(["=1+1", "#REF!", 5, "USD"])
    book.create_sheet("Notes").append(["SKU", "Price"])
    book.save(tmp_path / "x.xlsx")
    async with shop_session(shop="empty", settings={"export_dir": tmp_path}) as session:
        answer = await session.call("import_products", file="x.xlsx")
        assert answer["notes"] == ["Only the first sheet was read: “Sheet”."]
        assert answer["plan"]["items"] == ["New product “Lamp” (PHYSICAL, 19.99 USD)"]
        assert "row 5, error: holds #REF! of a formula" in answer["plan"]["also"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "Give either `file` or `content`. Nothing was changed."),
        ({"file": "x.csv", "content": "SKU\n1"}, "Give either `file` or `content`. Nothing was changed."),
        ({"file": "x.pdf"}, "The name “x.pdf” does not tell what it is. Nothing was changed. Give `format`."),
        ({"content": "SKU,Price\n"}, "There are no rows to import. Nothing was changed."),
        (
            {"content": "SKU,Price\n1,2\n", "rows": "5-"},
            "There are no rows to import in 5-. Nothing was changed.",
        ),
        (
            {"content": "SKU,Price\n1,2\n", "format": "xlsx"},
            "The rows could not be read: it is no XLSX workbook.",
        ),
    ],
)
async def test_a_call_without_rows_says_what_is_missing(
    arguments: dict[str, Any], said: str, tmp_path: Path
) -> None:
    (tmp_path / "x.pdf").write_bytes(b"%PDF")
    async with shop_session(settings={"export_dir": tmp_path}) as session:
        assert (await refusal(session, **arguments)).startswith(said)


async def test_the_server_answers_others_while_it_reads_a_large_file(tmp_path: Path) -> None:
    from anyio import create_task_group

    rows = [["SKU", "Title", "Description"], *([f"S-{n}", f"Lamp {n}", "x" * 200] for n in range(4_000))]
    (tmp_path / "x.xlsx").write_bytes(sheet_of(rows))
    async with shop_session(settings={"export_dir": tmp_path}) as session:
        answered: list[str] = []

        async def ask(name: str, arguments: dict[str, Any]) -> None:
            await session.result(name, **arguments)
            answered.append(name)

        async with create_task_group() as tasks:
            tasks.start_soon(ask, "import_products", {"file": "x.xlsx", "rows": "5000-"})
            tasks.start_soon(ask, "list_products", {"limit": 1})
        assert answered == ["list_products", "import_products"]


@pytest.mark.parametrize("table_format", ["csv", "jsonl", "xlsx"])
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    content=st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: f"SKU,Title\n{text}".encode(errors="replace"))
)
def test_any_bytes_are_rows_or_refused_in_words(table_format: TableFormat, content: bytes) -> None:
    try:
        read_table(io.BytesIO(content), table_format)
    except ToolError as error:
        assert str(error).startswith("The rows could not be read: ")  # noqa: PT017 - either way is right


WORKBOOK = sheet_of([["SKU", "Title"], ["1", "Lamp"], ["2", "Jug"]])


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_workbook_with_any_byte_changed_is_rows_or_refused_in_words(data: st.DataObject) -> None:
    content = bytearray(WORKBOOK)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        read_table(io.BytesIO(bytes(content)), "xlsx")
    except ToolError as error:
        assert str(error).startswith("The rows could not be read: ")  # noqa: PT017


async def test_what_is_left_in_the_folder_is_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("SKU,Price\nX,1\n")
    async with shop_session(settings={"export_dir": tmp_path}) as session:
        await session.call("import_products", file="x.csv")
    assert os.listdir(tmp_path) == ["x.csv"]
