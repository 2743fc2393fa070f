"""Several processes share one allowance: together they use it to the full, and never overdraw it.

Each process is a budget here, and the store a window that they all ask; time is the event loop's, which jumps.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from far_api import FarApi, far_api, read
from hypothesis import given, settings
from hypothesis import strategies as st

from hoopai_products_mcp.products_api.budget import Budget, Granted
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.urgency import bulk_work
from hoopai_products_mcp.products_api.window import Ask, Seat, Wait, Window
from hoopai_products_mcp.sandbox.faults import Fault, FaultKind
from hoopai_products_mcp.sandbox.time_lapse import TimeLapseLoop

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": TimeLapseLoop}


class Shared:
    """A window kept as text, as the store keeps it. While it is `away`, nobody is answered."""

    def __init__(self) -> None:
        self.text = Window().dump()
        self.away = False
        self.asked = 0

    def process(self, name: str) -> "Process":
        return Process(self, name)


class Process:
    def __init__(self, shared: Shared, name: str) -> None:
        self._shared = shared
        self._name = name

    async def ask(self, ask: Ask) -> Granted | Wait | None:
        await anyio.lowlevel.checkpoint()
        if self._shared.away:
            return None
        self._shared.asked += 1
        now = anyio.current_time()
        window = Window.load(self._shared.text, now)
        answer = window.asked(replace(ask, process=self._name), now, now)
        self._shared.text = window.dump()
        if not isinstance(answer, Seat):
            return answer
        return Granted(answer, window.limit, window.interval_seconds) if window.known else Granted(answer)


@asynccontextmanager
async def processes(
    api: FarApi, number: int, shared: Shared | None = None
) -> AsyncGenerator[list[ProductsClient]]:
    shared = shared or Shared()
    clients = [api.client(Budget(shared=shared.process(f"p{place}"))) for place in range(number)]
    yield clients
    for client in clients:
        await client.aclose()


async def bulk(client: ProductsClient, count: int) -> None:
    with bulk_work():
        await read(client, count)


async def duration_of_all(clients: list[ProductsClient], count: int, *, of_bulk: bool) -> float:
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for client in clients:
            tasks.start_soon(bulk if of_bulk else read, client, count)
    return anyio.current_time() - began


@pytest.mark.parametrize("of_bulk", [False, True])
@pytest.mark.parametrize("number", [2, 3, 8])
async def test_processes_use_the_limit_to_95_percent_and_are_never_refused(
    number: int, of_bulk: bool
) -> None:
    async with far_api() as api, processes(api, number) as clients:
        each = 2_400 // number
        taken = await duration_of_all(clients, each, of_bulk=of_bulk)
        assert api.refused == 0
        assert len(api.transport.arrived) == each * number
        assert taken <= (each * number - 1) // 100 * 10.0 / 0.95


@settings(max_examples=15)
@given(
    delays=st.lists(st.tuples(st.floats(0, 0.19), st.floats(0, 0.19)), min_size=1, max_size=7),
    of_bulk=st.booleans(),
    limit=st.integers(2, 40),
    number=st.integers(1, 4),
)
def test_no_interval_ever_holds_more_than_the_limit(
    delays: list[tuple[float, float]], of_bulk: bool, limit: int, number: int
) -> None:
    async def main() -> None:
        async with far_api(limit=limit, seconds=2.0, delays=delays) as api, processes(api, number) as clients:
            await clients[0].list_products(limit=1)
            # What the first has been told reaches the others with its next question.
            await clients[0].list_products(limit=1)
            await duration_of_all(clients, 3 * limit, of_bulk=of_bulk)
            assert api.refused == 0
            assert len(api.transport.arrived) == 3 * limit * number + 2

    anyio.run(main, backend_options={"loop_factory": TimeLapseLoop})


async def test_a_person_in_one_process_does_not_wait_for_bulk_work_in_others() -> None:
    async with far_api() as api, processes(api, 3) as clients:
        waits: list[float] = []

        async def person() -> None:
            for _ in range(40):
                await anyio.sleep(1.37)
                began = anyio.current_time()
                await clients[0].list_products(limit=1)
                waits.append(anyio.current_time() - began)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bulk, clients[1], 400)
            tasks.start_soon(bulk, clients[2], 400)
            tasks.start_soon(person)
        assert api.refused == 0
        assert max(waits) < 1
        assert sum(waits) / len(waits) < 0.4


async def test_people_who_wait_in_one_process_go_before_bulk_work_in_another() -> None:
    async with far_api(limit=10) as api, processes(api, 2) as clients:
        order: list[str] = []

        async def one(client: ProductsClient, name: str) -> None:
            await client.list_products(limit=1)
            order.append(name)

        async def job() -> None:
            with bulk_work():
                for _ in range(10):
                    await one(clients[1], "job")

        await clients[0].list_products(limit=1)
        await read(clients[0], 9)
        async with anyio.create_task_group() as tasks:
            for _ in range(16):
                tasks.start_soon(one, clients[0], "person")
            await anyio.sleep(0.1)
            tasks.start_soon(job)
        assert api.refused == 0
        # There are ten places in the next interval, and none of them is left for the job.
        assert order[:10] == ["person"] * 10


async def test_what_a_killed_process_has_used_counts_until_the_api_has_forgotten_it() -> None:
    shared = Shared()
    async with far_api() as api, processes(api, 2, shared) as clients:
        with anyio.CancelScope() as killed:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read, clients[0], 500)
                await anyio.sleep(2)
                killed.cancel()
        assert len(api.transport.arrived) == 100
        assert 8 < await duration_of_all(clients[1:], 100, of_bulk=False) < 10
        assert api.refused == 0


async def test_a_refusal_holds_back_the_other_processes_too() -> None:
    async with far_api() as api, processes(api, 2) as clients:
        await read(clients[0], 3)
        await read(clients[1], 3)
        api.sandbox.faults.add(Fault(FaultKind.RATE_LIMITED))

        async def later() -> None:
            await anyio.sleep(0.1)
            await read(clients[1], 20)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read, clients[0], 1)
            tasks.start_soon(later)
        assert api.refused == 1
        assert sum(moment > 10 for moment in api.transport.arrived) == 21


async def test_what_a_process_was_told_the_others_know() -> None:
    shared = Shared()
    async with far_api(limit=25) as api, processes(api, 2, shared) as clients:
        await clients[0].list_products(limit=1)
        await clients[0].list_products(limit=1)
        await read(clients[1], 60)
        assert api.refused == 0


async def test_what_somebody_outside_uses_is_left_to_them() -> None:
    async with far_api() as api, processes(api, 2) as clients, api.client(Budget()) as other:
        await read(other, 60)
        taken = await duration_of_all(clients, 100, of_bulk=False)
        assert api.refused == 0
        assert 10 <= taken <= 25


async def test_while_the_store_is_away_each_process_counts_for_itself() -> None:
    shared = Shared()
    async with far_api() as api, processes(api, 1, shared) as clients:
        await read(clients[0], 50)
        shared.away = True
        taken = await duration_of_all(clients, 250, of_bulk=False)
        assert api.refused == 0
        assert 20 <= taken <= 21
        shared.away = False
        await read(clients[0], 100)
        assert api.refused == 0


async def test_an_api_without_a_limit_is_asked_about_once() -> None:
    shared = Shared()
    async with far_api(limit=0) as api, processes(api, 2, shared) as clients:
        for client in clients:
            await client.list_products(limit=1)
            await read(client, 300)
        assert shared.asked == 2
        assert len(api.transport.arrived) == 602


async def test_who_gives_up_waiting_leaves_no_wish_behind_for_long() -> None:
    async with far_api(limit=10) as api, processes(api, 2) as clients:
        await clients[0].list_products(limit=1)
        await read(clients[0], 9)
        with anyio.move_on_after(1):
            await read(clients[0], 8)
        await duration_of_all(clients[1:], 10, of_bulk=True)
        assert api.refused == 0
        assert anyio.current_time() < 22


@pytest.mark.parametrize("back", [60.0, 86_400.0])
def test_a_clock_that_is_set_back_holds_nobody_up_for_longer_than_an_interval(back: float) -> None:
    window = Window()
    for _ in range(100):
        assert isinstance(window.asked(Ask(), 1_000_000.0, 1_000_000.0), Seat)
    now = 1_000_000.0 - back
    again = Window.load(window.dump(), now)
    wait = again.asked(Ask(), now, now)
    assert isinstance(wait, Wait)
    assert wait.seconds <= 10.5
    assert isinstance(Window.load(again.dump(), now + 10.5).asked(Ask(), now + 10.5, now + 10.5), Seat)


def test_who_waited_before_a_clock_was_set_back_is_not_waited_for() -> None:
    window = Window()
    for _ in range(100):
        window.asked(Ask(), 1_000_000.0, 1_000_000.0)
    assert isinstance(window.asked(Ask(process="killed", people=150), 1_000_000.0, 1_000_000.0), Wait)
    now = 1_000_000.0 - 3600
    again = Window.load(window.dump(), now)
    later = now + 150
    assert isinstance(Window.load(again.dump(), later).asked(Ask(bulk=True), later, later), Seat)
