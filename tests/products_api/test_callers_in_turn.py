"""Callers take turns: the burst of one does not starve the others."""

from typing import Any

import anyio
import pytest
from far_api import far_api, read

from hoopai_products_mcp.products_api.budget import Budget
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.urgency import bulk_work, working_for
from hoopai_products_mcp.sandbox.time_lapse import TimeLapseLoop

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": TimeLapseLoop}


async def burst(client: ProductsClient, name: str, count: int) -> None:
    """So many requests of a caller, all at once."""
    with working_for(name):
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(lambda: client.list_products(limit=1))


async def waits_of(client: ProductsClient, name: str, times: int, every: float) -> list[float]:
    waits: list[float] = []
    with working_for(name):
        for _ in range(times):
            await anyio.sleep(every)
            began = anyio.current_time()
            await client.list_products(limit=1)
            waits.append(anyio.current_time() - began)
    return waits


async def test_a_burst_of_one_caller_does_not_starve_another() -> None:
    async with far_api() as api, api.client(Budget()) as client:
        waits: list[float] = []

        async def bob() -> None:
            waits.extend(await waits_of(client, "bob", 25, 1.37))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(burst, client, "ann", 600)
            tasks.start_soon(bob)
        assert api.refused == 0
        assert max(waits) < 1


async def test_callers_who_wait_take_turns_whoever_has_more() -> None:
    async with far_api(limit=10) as api, api.client(Budget()) as client:
        await client.list_products(limit=1)
        await read(client, 9)
        answered: list[str] = []

        async def one(name: str) -> None:
            with working_for(name):
                await client.list_products(limit=1)
            answered.append(name)

        async with anyio.create_task_group() as tasks:
            for name in ["ann"] * 20 + ["bob"] * 3 + ["eve"] * 3:
                tasks.start_soon(one, name)
        assert api.refused == 0
        assert sorted(answered[:9]) == ["ann"] * 3 + ["bob"] * 3 + ["eve"] * 3


async def test_jobs_of_several_callers_take_turns() -> None:
    async with far_api() as api, api.client(Budget()) as client:
        ended: dict[str, float] = {}

        async def job(name: str, count: int) -> None:
            with working_for(name), bulk_work():
                await read(client, count)
            ended[name] = anyio.current_time()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(job, "ann", 900)
            await anyio.sleep(1)
            tasks.start_soon(job, "bob", 200)
        assert api.refused == 0
        # Half of what is free from then on is bob's.
        assert ended["bob"] < 51
        assert 100 <= ended["ann"] < 111


async def test_a_caller_goes_before_the_bulk_work_of_another() -> None:
    async with far_api() as api, api.client(Budget()) as client:
        waits: list[float] = []

        async def ann() -> None:
            with working_for("ann"), bulk_work():
                await read(client, 500)

        async def bob() -> None:
            waits.extend(await waits_of(client, "bob", 20, 1.37))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ann)
            tasks.start_soon(bob)
        assert max(waits) < 1


async def test_a_caller_who_takes_all_there_is_still_uses_all_of_it() -> None:
    async with far_api() as api, api.client(Budget()) as client:
        with working_for("ann"):
            await read(client, 3_000)
        assert api.refused == 0
        assert anyio.current_time() <= 290 / 0.95


async def test_one_who_is_alone_has_the_whole_allowance_at_once() -> None:
    async with far_api() as api, api.client(Budget()) as client:
        await read(client, 100)
        assert api.refused == 0
        assert anyio.current_time() < 1
