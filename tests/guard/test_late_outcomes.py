"""Outcomes that cannot be written down at their time, and who tries again."""

import anyio
import pytest

from hoopai_products_mcp.guard import late
from hoopai_products_mcp.guard.journal import Outcome
from hoopai_products_mcp.guard.late import Outcomes
from hoopai_products_mcp.guard.store_errors import StoreError
from hoopai_products_mcp.sandbox.time_lapse import TimeLapseLoop

DONE = Outcome(outcome="done")


class Shelf:
    """Where outcomes are written down, unless one of them is in `faults`; each try is in `tried`, and waits for
    `release` where there is one."""

    def __init__(self) -> None:
        self.faults: dict[str, Exception] = {}
        self.tried: list[str] = []
        self.kept: dict[str, Outcome] = {}
        self.changed = anyio.Event()
        self.release: anyio.Event | None = None

    async def end(self, change_id: str, outcome: Outcome) -> None:
        self.tried.append(change_id)
        if self.release is not None:
            await self.release.wait()
        if fault := self.faults.get(change_id):
            raise fault
        self.kept[change_id] = outcome
        self.changed.set()


def away() -> StoreError:
    return StoreError("The store is busy.")


def test_one_server_may_run_in_several_event_loops_one_after_the_other() -> None:
    shelf = Shelf()
    outcomes = Outcomes(shelf.end)

    async def run(change_id: str) -> None:
        shelf.changed = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outcomes.keep_trying)
            await anyio.wait_all_tasks_blocked()
            shelf.faults[change_id] = away()
            assert not await outcomes.keep(change_id, DONE)
            del shelf.faults[change_id]
            await shelf.changed.wait()
            tasks.cancel_scope.cancel()

    for number in range(3):
        anyio.run(run, f"chg_{number}", backend_options={"loop_factory": TimeLapseLoop})
    assert list(shelf.kept) == ["chg_0", "chg_1", "chg_2"]


def test_a_run_that_ends_leaves_the_trying_to_another() -> None:
    shelf = Shelf()
    outcomes = Outcomes(shelf.end)

    async def late_one(change_id: str) -> None:
        shelf.changed = anyio.Event()
        shelf.faults[change_id] = away()
        await outcomes.keep(change_id, DONE)
        del shelf.faults[change_id]
        await shelf.changed.wait()

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as short:
                short.start_soon(outcomes.keep_trying)
                await anyio.wait_all_tasks_blocked()
                tasks.start_soon(outcomes.keep_trying)
                await late_one("chg_0")
                short.cancel_scope.cancel()
            await late_one("chg_1")
            tasks.cancel_scope.cancel()

    anyio.run(main, backend_options={"loop_factory": TimeLapseLoop})
    assert list(shelf.kept) == ["chg_0", "chg_1"]


@pytest.mark.anyio
async def test_an_outcome_that_is_never_taken_stands_in_the_way_of_no_other_and_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = Shelf()
    outcomes = Outcomes(shelf.end)
    shelf.faults = {"chg_0": ValueError("of ours"), "chg_1": away()}
    assert not await outcomes.keep("chg_0", Outcome(outcome="done", response={"name": "Lamp"}))
    assert not await outcomes.keep("chg_1", DONE)
    said = len(caplog.records)
    del shelf.faults["chg_1"]
    for _ in range(3):
        await outcomes.keep_late()
    assert shelf.kept == {"chg_1": DONE}
    assert len(caplog.records) == said
    # It is kept all the same, without what the journal has no place for.
    del shelf.faults["chg_0"]
    await outcomes.keep_late()
    assert shelf.kept["chg_0"] == DONE


@pytest.mark.anyio
async def test_nobody_waits_for_a_try_that_is_under_way() -> None:
    shelf = Shelf()
    outcomes = Outcomes(shelf.end)
    shelf.faults["chg_0"] = away()
    await outcomes.keep("chg_0", DONE)
    shelf.release = release = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(outcomes.keep_late)
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(10):
            await outcomes.keep_late()
        release.set()
    assert shelf.tried == ["chg_0"] * 2


@pytest.mark.parametrize(("seconds", "tries"), [(0.1, 3), (10.0, 2)])
def test_a_store_that_is_slow_to_fail_is_not_tried_once_more_when_the_server_stops(
    seconds: float, tries: int
) -> None:
    tried: list[str] = []

    async def fail(change_id: str, outcome: Outcome) -> None:
        del outcome
        tried.append(change_id)
        # As in a thread: what is under way is not given up.
        with anyio.CancelScope(shield=True):
            await anyio.sleep(seconds)
        raise away()

    async def main() -> None:
        outcomes = Outcomes(fail)
        await outcomes.keep("chg_0", DONE)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outcomes.keep_trying)
            await anyio.sleep(late.AGAIN_SECONDS + seconds / 2)
            tasks.cancel_scope.cancel()

    anyio.run(main, backend_options={"loop_factory": TimeLapseLoop})
    assert len(tried) == tries
