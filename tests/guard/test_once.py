"""Something that is done once, however many ask for it, and whatever befalls the first who does."""

import anyio
import pytest

from hoopai_products_mcp.guard.once import Once

pytestmark = pytest.mark.anyio


async def test_those_who_come_while_it_is_done_wait_for_it_and_do_not_do_it_again() -> None:
    once, begun, end = Once(), anyio.Event(), anyio.Event()
    told: list[str] = []

    async def work() -> None:
        begun.set()
        await end.wait()
        told.append("done")

    async def ask() -> None:
        await once(work)
        told.append("went on")

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(ask)
        await begun.wait()
        await anyio.wait_all_tasks_blocked()
        assert told == []
        end.set()
    assert told == ["done", "went on", "went on", "went on"]
    await once(work)
    assert told.count("done") == 1


async def test_what_failed_is_tried_again_by_the_next() -> None:
    once = Once()
    tries: list[str] = []

    async def fail() -> None:
        tries.append("failed")
        raise RuntimeError("no store")

    async def work() -> None:
        tries.append("done")

    with pytest.raises(RuntimeError, match="no store"):
        await once(fail)
    await once(work)
    await once(fail)
    assert tries == ["failed", "done"]


async def test_who_waits_takes_over_from_one_who_is_cancelled() -> None:
    once = Once()
    told: list[str] = []

    async def never() -> None:
        told.append("begun")
        await anyio.sleep_forever()

    async def work() -> None:
        told.append("done")

    async with anyio.create_task_group() as tasks:
        first = anyio.CancelScope()

        async def cancelled() -> None:
            with first:
                await once(never)

        tasks.start_soon(cancelled)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(once, work)
        await anyio.wait_all_tasks_blocked()
        assert told == ["begun"]
        first.cancel()
    assert told == ["begun", "done"]
