"""While what processes share cannot be used, each counts for itself, works on, and says so once."""

import logging
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client

from hoopai_products_mcp.guard.rates import Rates, RatesInFile
from hoopai_products_mcp.guard.store_errors import StoreError
from hoopai_products_mcp.products_api.budget import Granted
from hoopai_products_mcp.products_api.window import Ask, Wait
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.server import running_server
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.settings import Settings
from hoopai_products_mcp.server.sharing import RATES_FILE, StoredWindow

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def live(folder: Path, **more: Any) -> AsyncGenerator[tuple[Client, Sandbox]]:
    """A client of a server that works on a shop over a socket."""
    app = create_app(rate_limit=100)
    async with running_server(app) as url:
        settings = Settings.model_validate(
            {
                "access_token": TOKEN,
                "location_id": LOCATION_ID,
                "base_url": url,
                "data_dir": folder,
                **more,
            }
        )
        async with Client(build_server(settings)) as client:
            yield client, sandbox_of(app)
    sandbox_of(app).close()


async def listed(client: Client) -> bool:
    return not (await client.call_tool("list_products", {"limit": 1})).is_error


async def test_a_file_that_is_damaged_stops_nothing_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / RATES_FILE).write_text("no database at all" * 100)
    async with live(tmp_path) as (client, sandbox):
        for _ in range(5):
            assert await listed(client)
        assert len(sandbox.requests.lines()) == 5
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "The allowance of requests cannot be shared with other processes and is counted by this one alone, until the "
        f"store works again: {RATES_FILE} in the data folder cannot be used (file is not a database)."
    ]


async def test_a_folder_that_cannot_be_made_stops_no_reading(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    async with live(tmp_path / "in the way" / "data") as (client, _):
        assert await listed(client)


async def test_a_database_that_is_away_stops_no_reading(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = "postgresql://nobody:secret-word@127.0.0.1:9/guard?connect_timeout=2"
    async with live(tmp_path, database_url=url) as (client, _):
        assert await listed(client)
        assert await listed(client)
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warned) == 1
    assert "cannot be reached" in warned[0]
    assert "secret-word" not in warned[0]


async def test_a_shop_in_memory_shares_with_nobody(tmp_path: Path) -> None:
    settings = Settings.model_validate({"sandbox": True, "data_dir": tmp_path})
    async with Client(build_server(settings)) as client:
        assert await listed(client)
    assert not (tmp_path / RATES_FILE).exists()


class Failing:
    """Rates that fail as they are told."""

    def __init__(self, failure: Callable[[], None]) -> None:
        self.failure = failure

    def ask(self, name: str, ask: Ask) -> Granted | Wait:
        del name, ask
        self.failure()
        return Wait(0.0)


def window_on(rates: Rates, now: list[float], *, seconds: float = 20.0) -> StoredWindow:
    return StoredWindow(
        lambda: rates, "shop", clock=lambda: now[0], opening_seconds=seconds, asking_seconds=seconds
    )


async def test_a_store_that_works_again_is_used_again(caplog: pytest.LogCaptureFixture) -> None:
    away = [True]

    def fail() -> None:
        if away[0]:
            raise StoreError("The store is busy.")

    now = [100.0]
    window = window_on(Failing(fail), now)
    assert await window.ask(Ask()) is None
    away[0] = False
    assert await window.ask(Ask()) is None
    now[0] += 10.1
    assert await window.ask(Ask()) == Wait(0.0)
    assert [record.getMessage() for record in caplog.records] == [
        "The allowance of requests cannot be shared with other processes and is counted by this one alone, until the "
        "store works again: The store is busy.",
        "The store works again: the allowance of requests is shared anew.",
    ]


async def test_a_store_that_hangs_is_waited_for_only_so_long(caplog: pytest.LogCaptureFixture) -> None:
    go_on = threading.Event()

    def hang() -> None:
        go_on.wait(30)

    window = window_on(Failing(hang), [100.0], seconds=0.05)
    try:
        with anyio.fail_after(20):
            assert await window.ask(Ask()) is None
    finally:
        go_on.set()
    assert "it did not answer in time" in caplog.text


async def test_a_fault_of_ours_is_not_hidden() -> None:
    def fail() -> None:
        raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        await window_on(Failing(fail), [100.0]).ask(Ask())


async def test_a_window_knows_its_own_wishes(tmp_path: Path) -> None:
    file = RatesInFile(tmp_path / RATES_FILE)
    one, two = (StoredWindow(lambda: file, "shop") for _ in range(2))
    for _ in range(100):
        assert isinstance(await one.ask(Ask()), Granted)
    assert isinstance(await one.ask(Ask(people=5)), Wait)
    assert isinstance(await two.ask(Ask(bulk=True)), Wait)
    file.close()
