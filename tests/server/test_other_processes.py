"""Hearing of what other processes change, from a store that does not answer."""

import logging
import threading
from collections.abc import Iterable
from pathlib import Path

import anyio
import pytest
from mcp.server.auth.provider import AccessToken

from hoopai_products_mcp.guard.store import OpenStore, Store
from hoopai_products_mcp.server.guarding import Guarding
from hoopai_products_mcp.server.other_processes import OtherProcesses
from hoopai_products_mcp.server.settings import Settings
from hoopai_products_mcp.server.shops import open_shops
from hoopai_products_mcp.server.updates import Updates

MEANWHILE = 0.3
"""Seconds in which it would be asked again many times."""


class Silent(Store):
    """A store that does not answer until it may, and how often it was asked till then."""

    answers = threading.Event()
    asked = 0

    def open(self) -> OpenStore:
        if not self.answers.is_set():
            self.asked += 1
            self.answers.wait(30)
        return super().open()


async def may_hear(token: AccessToken | None, *names: str) -> bool:
    del token, names
    return True


async def tell(uris: Iterable[str], location: str) -> None:
    del uris, location


async def warned(caplog: pytest.LogCaptureFixture, times: int) -> None:
    """Wait until so much was logged."""
    with anyio.fail_after(20):
        while len(caplog.records) < times:
            await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_a_store_that_does_not_answer_keeps_one_thread_waiting_and_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    settings = Settings.model_validate({"sandbox": True, "data_dir": tmp_path})
    store = Silent(settings.store_url)
    shops = open_shops(settings, guarding=Guarding(settings, store=store))
    updates = Updates(may_hear)
    other = OtherProcesses(shops, updates, tell, hanging_seconds=0.02, away_seconds=0.01)
    with updates.listening(["hoopai://catalog"]):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other.watch)
            try:
                await warned(caplog, 1)
                with anyio.move_on_after(MEANWHILE):
                    await anyio.sleep_forever()
                assert store.asked == 1
                assert [record.getMessage() for record in caplog.records] == [
                    "What other processes change cannot be told to those who are subscribed, until the store works "
                    "again: it did not answer in time."
                ]
            finally:
                store.answers.set()
            await warned(caplog, 2)
            tasks.cancel_scope.cancel()
    assert caplog.records[-1].getMessage() == (
        "The store works again: what other processes change is told anew."
    )
    await shops.aclose()
