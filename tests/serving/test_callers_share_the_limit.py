"""People over HTTP at the API's limit: the burst of one does not starve another, and each waits as long as they say."""

from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from mcp.client import Client
from web_server import ANN, BOB, ERAS, Era, call, connected, refused, served

STALLED = 3
"""Of 83 requests; if nothing held them back, 63 would be refused at first."""


@pytest.mark.anyio
async def test_who_asks_a_little_is_done_long_before_who_asks_a_lot(tmp_path: Path) -> None:
    settings = {
        "http_auth": "key",
        "http_keys": f"ann={ANN},bob={BOB}",
        "http_rate": 0,
        "data_dir": tmp_path,
        "patience": 0,
    }
    answered: list[str] = []
    before = 0

    async def one(client: Client, name: str) -> None:
        await call(client, "list_products", limit=1)
        answered.append(name)

    async with (
        served(rate_limit=20, rate_interval_seconds=1.0, **settings) as server,
        connected(server.url, ANN) as ann,
        connected(server.url, BOB) as bob,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(80):
            tasks.start_soon(one, ann, "ann")
        while len(answered) < 5:
            await anyio.lowlevel.checkpoint()
        for _ in range(3):
            await one(bob, "bob")
        before = len(answered)
    assert before < 70
    assert len(answered) == 83
    statuses = [received.status for received in server.sandbox.requests]
    # All of them share one event loop: one that stands still lets a request arrive later than it was counted.
    assert set(statuses) <= {200, 429}
    assert statuses.count(429) <= STALLED


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_whoever_hears_of_progress_waits_and_others_are_told_when_to_try_again(
    era: Era, tmp_path: Path
) -> None:
    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del progress, total, message

    async with (
        served(rate_limit=3, rate_interval_seconds=2.0, data_dir=tmp_path, patience=1) as server,
        connected(server.url, era=era) as client,
    ):
        for _ in range(6):
            result = await client.call_tool("list_products", {"limit": 1}, progress_callback=hear)
            assert not result.is_error
        assert "Try again at 20" in await refused(client, "list_products", limit=1)
