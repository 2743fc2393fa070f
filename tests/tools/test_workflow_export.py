"""Exports: what is in the rows, in which formats, and that they import again without changing anything."""

import csv
import io
import json
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import shelves
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_session import ERAS, Era, ShopSession, shop_session
from steady_session import SteadySession, steady_session
from test_workflow_rows import HOSTILE, TEXTS
from whole_jobs import add_price, add_product, requests

from hoopai_products_mcp.tools.columns import COLUMNS

pytestmark = pytest.mark.anyio

Doc = dict[str, Any]
FORMATS = ("csv", "jsonl", "xlsx")
HEADINGS = [column.heading for column in COLUMNS]


def records(folder: Path, name: str = "x.csv") -> list[dict[str, str]]:
    """The rows of an exported CSV by heading, without empty cells."""
    text = (folder / name).read_text("utf-8-sig")
    return [
        {heading: cell for heading, cell in record.items() if cell}
        for record in csv.DictReader(io.StringIO(text, newline=""), strict=True)
    ]


async def unchanged(session: ShopSession, file: str) -> None:
    """See that importing a file would change nothing."""
    content = await session.call("import_products", file=file, dry_run=False)
    assert content["done"] is True
    assert {content[key] for key in ("products_created", "products_changed", "prices_created")} == {0}
    assert "left_out" not in content, content["left_out"]
    assert "failed" not in content
    assert "next_row" not in content


@pytest.mark.parametrize("era", ERAS)
async def test_a_product_with_five_variants_is_six_rows(era: Era, tmp_path: Path) -> None:
    sizes = [{"id": f"o{size}", "name": size} for size in ("XS", "S", "M", "L", "XL")]
    async with shop_session(shop="empty", era=era, settings={"export_dir": tmp_path}) as session:
        shirt = add_product(
            session,
            "Shirt",
            slug="shirt",
            description="<p>Blue, and “soft”</p>",
            image="https://images.example.com/shirt.jpg",
            seo={"title": "Shirt | Shop"},
            label={"title": "New", "endDate": "2030-01-01"},
            isLabelEnabled=True,
            variants=[{"id": "v1", "name": "Size", "options": sizes}],
            of=[
                {
                    "name": size["name"],
                    "sku": f"00{place}",
                    "amount": 20 + place,
                    "compareAtPrice": 29.5,
                    "trackInventory": True,
                    "availableQuantity": place - 2,
                    "allowOutOfStockPurchases": False,
                    "variantOptionIds": [size["id"]],
                    "shippingOptions": {"weight": {"value": 0.2, "unit": "kg"}},
                }
                for place, size in enumerate(sizes)
            ],
        )
        made = await session.call("create_collection", name="Tops", slug="tops", product_ids=[shirt])
        content = await session.call("export_catalog", file="x")
        assert (content["products"], content["rows"]) == (1, 6)
        rows = records(tmp_path)
        prices = [doc["_id"] for doc in shelves.prices_of(session, "Shirt")]
        assert rows[0] == {
            "Product ID": shirt,
            "Handle": "shirt",
            "Title": "Shirt",
            "Product type": "PHYSICAL",
            "Description": "<p>Blue, and “soft”</p>",
            "Published": "TRUE",
            "Image": "https://images.example.com/shirt.jpg",
            "Collections": made["slug"],
            "SEO title": "Shirt | Shop",
            "Badge": "New",
            "Badge until": "2030-01-01",
            "Option1 Name": "Size",
        }
        assert rows[1] == {
            "Product ID": shirt,
            "Handle": "shirt",
            "Price ID": prices[0],
            "Variant": "XS",
            "Option1 Value": "XS",
            "SKU": "000",
            "Price": "20",
            "Compare-at price": "29.5",
            "Currency": "USD",
            "Price type": "one_time",
            "Track stock": "TRUE",
            "Stock": "'-2",
            "Sell when sold out": "FALSE",
            "Weight": "0.2",
            "Weight unit": "kg",
        }
        assert [row["Price ID"] for row in rows[1:]] == prices
        before = session.sandbox.dump()
        await unchanged(session, "x.csv")
        assert session.sandbox.dump() == before


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("file_format", FORMATS)
async def test_the_seeded_shop_imports_again_without_change(
    file_format: str, era: Era, tmp_path: Path
) -> None:
    async with shop_session(era=era, settings={"export_dir": tmp_path}) as session:
        before = session.sandbox.dump()
        content = await session.call("export_catalog", file="x", format=file_format)
        assert content["rows"] == len(before["products"]) + len(before["prices"])
        await unchanged(session, f"x.{file_format}")
        assert session.writes() == []
        assert session.sandbox.dump() == before


@pytest.mark.parametrize("file_format", FORMATS)
async def test_without_ids_a_shop_is_known_by_sku_and_handle_and_imports_again_without_change(
    file_format: str, tmp_path: Path
) -> None:
    async with shop_session(shop=300, settings={"export_dir": tmp_path}) as session:
        await session.call("export_catalog", file="x", format="jsonl")
        lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text("utf-8").splitlines()]
        for line in lines:
            line.pop("product_id")
            line.pop("price_id", None)
        match file_format:
            case "jsonl":
                (tmp_path / "y.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
            case "csv":
                names = list(dict.fromkeys(key for line in lines for key in line))
                with (tmp_path / "y.csv").open("w", newline="", encoding="utf-8") as file:
                    writer = csv.DictWriter(file, names)
                    writer.writeheader()
                    writer.writerows(lines)
            case _:
                from openpyxl import Workbook

                book: Any = Workbook()
                names = list(dict.fromkeys(key for line in lines for key in line))
                book.active.append(names)
                for line in lines:
                    book.active.append([line.get(name) for name in names])
                book.save(tmp_path / "y.xlsx")
        await unchanged(session, f"y.{file_format}")
        assert session.writes() == []


async def test_an_export_has_only_the_columns_that_it_takes_in(tmp_path: Path) -> None:
    async with shop_session(settings={"export_dir": tmp_path}) as session:
        await session.call("export_catalog", file="x", include=["seo"])
        heading = (tmp_path / "x.csv").read_text("utf-8-sig").splitlines()[0].split(",")
        assert heading == [column.heading for column in COLUMNS if column.area in {None, "seo"}]
        await session.call("export_catalog", file="y", include=[])
        await unchanged(session, "y.csv")
        await session.call("export_catalog", file="z")
        assert (tmp_path / "z.csv").read_text("utf-8-sig").splitlines()[0].split(",") == HEADINGS


async def test_lines_of_json_have_exact_numbers_and_no_empty_fields(tmp_path: Path) -> None:
    async with shop_session(shop="empty", settings={"export_dir": tmp_path}) as session:
        add_product(session, "Cup", of=[{"amount": 19.99, "sku": "=1+1"}])
        await session.call("export_catalog", format="jsonl", file="x", include=["prices"])
        product, price = (tmp_path / "x.jsonl").read_text("utf-8").splitlines()
        assert json.loads(product).keys() == {"product_id", "name", "product_type", "available_in_store"}
        assert '"sku":"=1+1","amount":19.99,"currency":"USD"' in price


async def test_the_name_tells_the_format_and_must_not_say_another(tmp_path: Path) -> None:
    async with shop_session(settings={"export_dir": tmp_path}) as session:
        content = await session.call("export_catalog", file="a.XLSX", include=[])
        assert content["file"] == "a.XLSX"
        assert (tmp_path / "a.XLSX").read_bytes()[:2] == b"PK"
        content = await session.call("export_catalog", file="b.v2", include=[])
        assert content["file"] == "b.v2.csv"
        said = await session.refused("export_catalog", file="c.xlsx", format="csv", include=[])
        assert said == "The file is to be csv, and its name says xlsx. Nothing was changed."
        first = await session.call("export_catalog", include=[])
        second = await session.call("export_catalog", include=[])
        assert first["file"] != second["file"]
        assert first["file"].startswith("catalog-2")


async def test_more_variants_than_columns_do_no_harm(tmp_path: Path) -> None:
    variants: list[Doc] = [
        {
            "id": f"v{number}",
            "name": f"Kind {number}",
            "options": [{"id": f"o{number}", "name": f"Option {number}"}],
        }
        for number in range(5)
    ]
    async with shop_session(shop="empty", settings={"export_dir": tmp_path}) as session:
        ids = [variant["options"][0]["id"] for variant in variants]
        add_product(session, "Cup", variants=variants, of=[{"sku": "C", "variantOptionIds": ids}])
        await session.call("export_catalog", file="x")
        rows = records(tmp_path)
        assert [rows[0][f"Option{number} Name"] for number in (1, 2, 3)] == ["Kind 0", "Kind 1", "Kind 2"]
        assert [rows[1][f"Option{number} Value"] for number in (1, 2, 3)] == [
            "Option 0",
            "Option 1",
            "Option 2",
        ]
        await unchanged(session, "x.csv")


async def test_a_failure_on_the_way_leaves_no_file(tmp_path: Path) -> None:
    async with shop_session(shop=40, settings={"export_dir": tmp_path}) as session:
        for file_format in FORMATS:
            session.sandbox.faults.add("scope_missing", "list-prices-for-product", skip=25)
            said = await session.refused("export_catalog", file="x", format=file_format)
            assert said.startswith("The access token lacks the scope")
            assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - nothing waits for it


async def test_parts_of_a_catalog_are_files_of_their_own_that_import_again(tmp_path: Path) -> None:
    async with shop_session(settings={"export_dir": tmp_path}) as session:
        offset: int | None = 0
        rows = 0
        while offset is not None:
            content = await session.call("export_catalog", file=f"part-{offset}", offset=offset, limit=25)
            rows += content["rows"]
            await unchanged(session, content["file"])
            offset = content.get("next_offset")
        dump = session.sandbox.dump()
        assert rows == len(dump["products"]) + len(dump["prices"])


@pytest.fixture(scope="module")
def shop() -> Generator[tuple[SteadySession, Path]]:
    with (
        TemporaryDirectory() as name,
        steady_session(shop="empty", settings={"export_dir": Path(name), "confirmation": "off"}) as session,
    ):
        yield session, Path(name)


WORDS: st.SearchStrategy[str] = TEXTS | HOSTILE
PRICES: st.SearchStrategy[Doc] = st.fixed_dictionaries(
    {"amount": st.integers(0, 10**6).map(lambda cents: cents / 100)},
    optional={
        "name": WORDS,
        "sku": WORDS,
        "compareAtPrice": st.integers(0, 10**6).map(lambda cents: cents / 100),
        "currency": st.sampled_from(["USD", "EUR", "JPY", "KWD"]),
        "availableQuantity": st.integers(-99, 10**6),
        "trackInventory": st.sampled_from([True, False, None]),
        "allowOutOfStockPurchases": st.booleans(),
        "setupFee": st.integers(0, 999),
        "trialPeriod": st.integers(0, 99),
        "shippingOptions": st.just({"weight": {"value": 1.25, "unit": "lb"}}),
        "recurring": st.just({"interval": "month", "intervalCount": 3}),
    },
)
PRODUCTS: st.SearchStrategy[Doc] = st.fixed_dictionaries(
    {"name": WORDS},
    optional={
        "slug": WORDS,
        "description": WORDS,
        "image": WORDS,
        "seo": st.fixed_dictionaries({}, optional={"title": WORDS, "description": WORDS}),
        "label": st.fixed_dictionaries({"title": WORDS}, optional={"startDate": WORDS, "endDate": WORDS}),
        "isLabelEnabled": st.just(False),
        "availableInStore": st.booleans(),
        "productType": st.sampled_from(["PHYSICAL", "DIGITAL", "SERVICE", "PHYSICAL/DIGITAL"]),
        "of": st.lists(PRICES, max_size=3),
    },
)


@pytest.mark.parametrize("file_format", FORMATS)
@settings(max_examples=40)
@given(products=st.lists(PRODUCTS, min_size=1, max_size=3))
def test_whatever_a_shop_holds_imports_again_without_change(
    shop: tuple[SteadySession, Path], file_format: str, products: list[Doc]
) -> None:
    steady, folder = shop
    steady.fresh()
    for path in folder.iterdir():
        path.unlink()
    for product in products:
        label = product.get("label")
        switched = {"isLabelEnabled": label is not None and product.get("isLabelEnabled", True)}
        prices = product.get("of", [])
        fields: Doc = {key: value for key, value in product.items() if key not in {"name", "of"}} | switched
        key = add_product(steady.session, product["name"], of=None, **fields)
        for number, price in enumerate(prices):
            price = dict(price)  # noqa: PLW2901 - hypothesis shows what it drew
            name = price.pop("name", f"Price {number}")
            kind = "recurring" if "recurring" in price else "one_time"
            add_price(steady.session, key, name, **price | {"type": kind, "place": number})
    before = steady.session.sandbox.dump()
    done = steady.result("export_catalog", {"file": "x", "format": file_format})
    assert not done.is_error, done.content
    steady.session.sandbox.requests.clear()
    result = steady.result("import_products", {"file": f"x.{file_format}", "dry_run": False})
    assert not result.is_error, result.content
    content: Doc = result.structured_content or {}
    assert content["products_changed"] == content["products_created"] == content["prices_created"] == 0
    assert content.get("left_out", []) == []
    assert steady.session.writes() == []
    assert steady.session.sandbox.dump() == before


async def test_the_requests_of_a_round_trip_are_counted(tmp_path: Path) -> None:
    async with shop_session(shop=250, settings={"export_dir": tmp_path}) as session:
        await session.call("export_catalog", file="x")
        session.sandbox.requests.clear()
        await unchanged(session, "x.csv")
        # The products by id, their collections' names, and each product with its prices once.
        assert requests(session) == {
            "list-invoices": 3,
            "get-product-by-id": 250,
            "list-prices-for-product": 250,
        }
        session.sandbox.requests.clear()
        await session.call("export_catalog", file="y", include=["prices"])
        session.sandbox.requests.clear()
        await unchanged(session, "y.csv")
        assert requests(session) == {"list-invoices": 3, "list-prices-for-product": 250}
