"""Several server processes work on one shop at the API's limit, and do not run into it."""

from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import anyio
import pytest
from postgres import running_server as running_postgres
from shop_processes import shop_on_a_socket
from shop_session import ShopSession

PROCESSES = 3
CALLS = 40
LIMIT, SECONDS = 40, 1.0
STALLED = 3
"""Requests that may be refused because the machine stood still while they were on their way. Processes that know
nothing of each other have some twenty refused."""


async def work(session: ShopSession) -> None:
    """So many calls, several at once, and a walk through the whole catalog."""
    limiter = anyio.CapacityLimiter(6)

    async def one() -> None:
        async with limiter:
            await session.call("list_products", limit=1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: session.call("audit_catalog"))
        for _ in range(CALLS):
            tasks.start_soon(one)


async def processes_at_work(folder: Path, database_url: str = "") -> Counter[int | None]:
    """What the API answered to several processes at once, by status."""
    async with (
        shop_on_a_socket(folder, rate_limit=LIMIT, rate_interval_seconds=SECONDS) as shop,
        AsyncExitStack() as sessions,
    ):
        started = [
            await sessions.enter_async_context(shop.process(HOOPAI_DATABASE_URL=database_url))
            for _ in range(PROCESSES)
        ]
        async with anyio.create_task_group() as tasks:
            for session in started:
                tasks.start_soon(work, session)
        return Counter(received.status for received in shop.sandbox.requests)


@pytest.mark.anyio
async def test_processes_with_one_data_folder_keep_to_the_limit_together(tmp_path: Path) -> None:
    answered = await processes_at_work(tmp_path)
    assert set(answered) <= {200, 429}
    assert answered[429] <= STALLED
    assert answered[200] > PROCESSES * (CALLS + 1)


@pytest.mark.anyio
async def test_processes_with_one_postgresql_keep_to_the_limit_together(tmp_path: Path) -> None:
    with running_postgres() as url:
        answered = await processes_at_work(tmp_path, database_url=url)
    assert set(answered) <= {200, 429}
    assert answered[429] <= STALLED
    assert answered[200] > PROCESSES * (CALLS + 1)


@pytest.mark.anyio
async def test_a_process_that_is_killed_at_work_leaves_the_others_at_work(tmp_path: Path) -> None:
    async def doomed(session: ShopSession) -> None:
        # Whatever the SDK makes of a server that is gone.
        with suppress(Exception):
            await work(session)

    async with (
        shop_on_a_socket(tmp_path, rate_limit=LIMIT, rate_interval_seconds=SECONDS) as shop,
        shop.process() as other,
    ):
        async with shop.process_to_kill() as killed, anyio.create_task_group() as tasks:
            tasks.start_soon(doomed, killed)
            while len(shop.sandbox.requests) < LIMIT // 2:
                await other.call("list_products", limit=1)
            shop.kill()
            tasks.cancel_scope.cancel()
        await work(other)
        answered = Counter(received.status for received in shop.sandbox.requests)
    assert set(answered) <= {200, 429}
    assert answered[429] <= STALLED
