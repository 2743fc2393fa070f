"""A loop whose time jumps: what would take minutes ends at once, in the right order and at the right time."""

import time

import anyio
import pytest

from hoopai_products_mcp.sandbox.time_lapse import TimeLapseLoop


def test_sleeping_takes_no_time_and_wakes_in_order() -> None:
    woken: list[tuple[int, float]] = []

    async def sleeper(seconds: int) -> None:
        await anyio.sleep(seconds)
        woken.append((seconds, anyio.current_time()))

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for seconds in (3600, 60, 600):
                tasks.start_soon(sleeper, seconds)

    began = time.monotonic()
    anyio.run(main, backend_options={"loop_factory": TimeLapseLoop})
    assert woken == [(60, 60), (600, 600), (3600, 3600)]
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("counts_work", [False, True])
def test_work_counts_only_where_it_is_to(counts_work: bool) -> None:
    async def main() -> float:
        began = anyio.current_time()
        end = time.perf_counter() + 0.05
        while time.perf_counter() < end:
            pass
        await anyio.sleep(100)
        return anyio.current_time() - began

    taken = anyio.run(main, backend_options={"loop_factory": lambda: TimeLapseLoop(counts_work=counts_work)})
    assert taken >= 100.05 if counts_work else taken == 100
