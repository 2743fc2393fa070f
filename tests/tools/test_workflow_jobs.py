"""The jobs that have no endpoint: a whole catalog audited, exported, imported, and what runs low in it."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types import CallToolResult
from shop_session import ERAS, Era, ShopSession, no, shop_session, text_of, yes

from hoopai_products_mcp.tools.row_writers import as_meant, harmless

pytestmark = pytest.mark.anyio

NOTHING = "Nothing was changed."


async def rows_of(shop: ShopSession, uri: str) -> list[dict[str, str]]:
    read = await shop.client.read_resource(uri)
    (content,) = read.contents
    return list(csv.DictReader(io.StringIO(content.text)))  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.csv"))


def findings(audit: dict[str, Any]) -> dict[str, int]:
    return {finding["kind"]: finding["count"] for finding in audit["findings"]}


@pytest.mark.parametrize("era", ERAS)
async def test_an_audit_counts_what_is_wrong_and_reads_each_thing_once(era: Era) -> None:
    async with shop_session(era=era) as shop:
        dump = shop.sandbox.dump()
        audit = await shop.call("audit_catalog")
        assert audit["products"] == len(dump["products"])
        assert audit["prices"] == len(dump["prices"])
        found = findings(audit)
        priced = {price["product"] for price in dump["prices"]}
        without = sum(product["_id"] not in priced for product in dump["products"])
        assert found.get("price_missing", 0) == without
        oversold = sum((price.get("availableQuantity") or 0) < 0 for price in dump["prices"])
        assert found.get("oversold", 0) == oversold
        assert len(shop.sent()) == len(set(shop.sent()))
        assert shop.writes() == []


async def test_an_audit_of_an_empty_shop_finds_nothing() -> None:
    async with shop_session(shop="empty") as shop:
        audit = await shop.call("audit_catalog")
        assert (audit["products"], audit["findings"]) == (0, [])


async def test_an_audit_reports_progress_that_only_grows() -> None:
    async with shop_session(shop=150) as shop:
        seen: list[float] = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            del total, message
            seen.append(progress)

        await shop.client.call_tool("audit_catalog", {}, progress_callback=note)
        assert len(seen) > 1
        assert seen == sorted(set(seen))


@pytest.mark.parametrize("era", ERAS)
async def test_low_stock_lists_the_lowest_first_and_counts_every_kind(era: Era) -> None:
    async with shop_session(era=era) as shop:
        low = await shop.call("low_stock", threshold=3, limit=100)
        counts = [item["available_quantity"] for item in low["items"]]
        assert counts == sorted(counts)
        tracked = [
            price["availableQuantity"]
            for price in shop.sandbox.dump()["prices"]
            if price.get("trackInventory") and price.get("availableQuantity") is not None
        ]
        assert low["total"] == sum(count <= 3 for count in tracked)
        assert low["oversold"] == sum(count < 0 for count in tracked)
        assert low["sold_out"] == sum(count == 0 for count in tracked)
        assert low["enough"] == sum(count > 3 for count in tracked)
        assert shop.writes() == []


async def test_low_stock_by_product_sums_its_variants() -> None:
    async with shop_session() as shop:
        by_product = await shop.call("low_stock", threshold=0, by="product", limit=100)
        for item in by_product["items"]:
            assert item["available_quantity"] <= 0
            assert item["variants"] >= 1


@pytest.mark.parametrize("era", ERAS)
async def test_an_export_has_a_row_for_each_product_and_each_of_its_prices(era: Era) -> None:
    async with shop_session(era=era) as shop:
        dump = shop.sandbox.dump()
        exported = await shop.call("export_catalog", format="csv", file="whole.csv")
        assert exported["products"] == len(dump["products"])
        assert exported["rows"] == len(dump["products"]) + len(dump["prices"])
        rows = await rows_of(shop, exported["uri"])
        assert len(rows) == exported["rows"]
        assert shop.writes() == []


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx"])
async def test_what_was_exported_imports_again_without_changing_anything(form: str, tmp_path: Path) -> None:
    async with shop_session(yes, settings={"export_dir": tmp_path}) as shop:
        before = shop.sandbox.dump()
        await shop.call("export_catalog", format=form, file=f"shop.{form}")
        preview = await shop.call("import_products", file=f"shop.{form}")
        assert preview["status"] == "dry_run"
        assert preview["plan"]["items"] == []
        assert shop.writes() == []
        assert shop.sandbox.dump() == before


SHEET = (
    "Product ID,Title,Product type,Variant SKU,Price,Currency\n"
    ",Dusk kite,PHYSICAL,KITE-1,19.99,USD\n"
    ",Dawn kite,PHYSICAL,KITE-2,21.5,USD\n"
)


@pytest.mark.parametrize("era", ERAS)
async def test_an_import_shows_first_and_changes_a_price_only_after_a_yes(era: Era, tmp_path: Path) -> None:
    async with shop_session(yes, era=era, settings={"export_dir": tmp_path}) as shop:
        exported = await shop.call("export_catalog", format="csv", file="shop.csv")
        rows = await rows_of(shop, exported["uri"])
        row = next(item for item in rows if item["SKU"] == "ML-010-01")
        price = next(key for key in row if key in {"Price", "Variant Price"})
        table = io.StringIO()
        writer = csv.DictWriter(table, [*row])
        writer.writeheader()
        writer.writerow({**row, price: "77.25"})
        content = table.getvalue()
        preview = await shop.call("import_products", content=content, format="csv")
        assert (preview["status"], shop.questions, shop.writes()) == ("dry_run", [], [])
        done = await shop.call("import_products", content=content, format="csv", dry_run=False)
        assert done["done"] is True
        assert len(shop.questions) == 1
        (changed,) = [item for item in shop.sandbox.dump()["prices"] if item.get("sku") == "ML-010-01"]
        assert str(changed["amount"]) == "77.25"
        again = await shop.call("import_products", content=content, format="csv")
        assert again["plan"]["items"] == []


async def test_an_import_that_nobody_agrees_to_changes_nothing(tmp_path: Path) -> None:
    async with shop_session(no, settings={"export_dir": tmp_path}) as shop:
        before = shop.sandbox.dump()
        said = await shop.refused("import_products", content=SHEET, format="csv", dry_run=False)
        assert NOTHING in said
        assert shop.sandbox.dump() == before


async def test_an_import_creates_what_is_new_once_and_is_taken_back(tmp_path: Path) -> None:
    async with shop_session(yes, settings={"export_dir": tmp_path}) as shop:
        before = len(shop.sandbox.dump()["products"])
        content = json.dumps(
            [
                {"title": "Dusk kite", "product_type": "PHYSICAL", "sku": "KITE-1", "price": "19.99"},
                {"title": "Dawn kite", "product_type": "PHYSICAL", "sku": "KITE-2", "price": "21.5"},
            ]
        )
        done = await shop.call(
            "import_products", content=content, format="jsonl", currency="USD", dry_run=False
        )
        assert (done["done"], done["products_created"]) == (True, 2), done
        assert len(shop.sandbox.dump()["products"]) == before + 2
        again = await shop.call("import_products", content=content, format="jsonl", currency="USD")
        assert again["plan"]["items"] == []
        undone = await shop.call("undo_change", change_id=shop.changes[-1]["id"])
        assert undone["done"] is True
        assert len(shop.sandbox.dump()["products"]) == before


@pytest.mark.parametrize(
    "name",
    [
        "../secret.csv",
        "/etc/passwd",
        "a/b.csv",
        "..",
        "con.csv",
        ".hidden.csv",
        "x\u0000.csv",
        "a\u202eb.csv",
    ],
)
async def test_a_name_that_is_no_plain_name_reads_and_writes_nothing(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (tmp_path / "secret.csv").write_text("Title\nnever\n")
    async with shop_session(settings={"export_dir": folder}) as shop:
        for tool, arguments in (("export_catalog", {"format": "csv"}), ("import_products", {})):
            said = await shop.refused(tool, file=name, **arguments)
            assert "never" not in said
        assert files_in(tmp_path) == ["secret.csv"]


async def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("Title\nnever\n")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    async with shop_session(settings={"export_dir": folder}) as shop:
        assert "never" not in await shop.refused("import_products", file="link.csv")
        await shop.refused("export_catalog", file="link.csv")
        assert (tmp_path / "secret.csv").read_text() == "Title\nnever\n"


async def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("mine")
    async with shop_session(settings={"export_dir": tmp_path}) as shop:
        await shop.refused("export_catalog", file="mine.csv")
        assert (tmp_path / "mine.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"\x00\x01\x02", "csv"),
        (b"PK\x03\x04 not a workbook", "xlsx"),
        (b'{"title": ', "jsonl"),
        (b"Colour,Mood\nred,calm\n", "csv"),
        (b"", "csv"),
    ],
)
async def test_a_file_that_cannot_be_read_says_so_and_changes_nothing(
    content: bytes, form: str, tmp_path: Path
) -> None:
    (tmp_path / f"odd.{form}").write_bytes(content)
    async with shop_session(settings={"export_dir": tmp_path}) as shop:
        said = await shop.refused("import_products", file=f"odd.{form}")
        assert NOTHING in said
        assert "Traceback" not in said
        assert shop.writes() == []


async def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.csv").open("wb") as file:
        file.truncate(100_000_000)
    async with shop_session(settings={"export_dir": tmp_path}) as shop:
        said = await shop.refused("import_products", file="huge.csv")
        assert "100.0 MB" in said
        assert "Split it into several files." in said


async def test_names_that_a_spreadsheet_would_run_are_text_in_it_and_come_back_as_they_were(
    tmp_path: Path,
) -> None:
    hostile = '=HYPERLINK("https://example.com")'
    async with shop_session(settings={"export_dir": tmp_path}) as shop:
        product = (await shop.call("list_products", limit=1))["items"][0]
        await shop.call("update_product", product_id=product["id"], name=hostile)
        exported = await shop.call("export_catalog", format="csv", file="hostile.csv")
        cells = [cell for row in await rows_of(shop, exported["uri"]) for cell in row.values() if cell]
        assert [cell for cell in cells if cell[0] in "=+@\t\r"] == []
        assert any(hostile in cell for cell in cells)
        preview = await shop.call("import_products", file="hostile.csv")
        assert preview["plan"]["items"] == []


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_whatever_a_text_is_its_cell_begins_harmlessly_and_is_read_as_it_was_meant(text: str) -> None:
    cell = harmless(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert as_meant(cell) == text


async def test_a_read_only_server_offers_the_jobs_that_only_read() -> None:
    async with shop_session(settings={"read_only": True}) as shop:
        offered = {tool.name for tool in (await shop.client.list_tools()).tools}
        assert {"audit_catalog", "low_stock", "export_catalog"} <= offered
        assert "import_products" not in offered


async def test_an_export_nobody_has_is_an_unknown_resource() -> None:
    async with shop_session() as shop:
        with pytest.raises(Exception, match=r"none\.csv"):
            await shop.client.read_resource("hoopai://exports/none.csv")


async def test_a_result_says_the_same_in_text_and_structure() -> None:
    async with shop_session() as shop:
        result = await shop.client.call_tool("low_stock", {"limit": 2})
        assert isinstance(result, CallToolResult)
        assert json.loads(text_of(result)) == result.structured_content
