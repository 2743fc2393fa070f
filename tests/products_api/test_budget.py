"""The allowance of requests is used to the full and never overdrawn; people go before bulk work.

Time is the event loop's, which jumps where it would wait: minutes at the API's rate take no minutes here.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import anyio
import pytest
from far_api import AT_ONCE, FarAway, client_of, far_api, read
from hypothesis import given, settings
from hypothesis import strategies as st
from mock_api import MockApi, answer

from hoopai_products_mcp.products_api import errors
from hoopai_products_mcp.products_api.budget import Budget
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.urgency import bulk_work
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.faults import Fault, FaultKind
from hoopai_products_mcp.sandbox.time_lapse import TimeLapseLoop
from hoopai_products_mcp.sandbox.transport import SandboxTransport

pytestmark = pytest.mark.anyio

EMPTY_PAGE = {"products": [], "total": [{"total": 0}]}
DELAYS = st.lists(st.tuples(st.floats(0, 0.19), st.floats(0, 0.19)), min_size=1, max_size=7)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": TimeLapseLoop}


@dataclass
class Api:
    """A client with a budget, what is behind it, and another client of the same API with a budget of its own."""

    client: ProductsClient
    other: ProductsClient
    sandbox: Sandbox
    transport: FarAway

    @property
    def refused(self) -> int:
        return sum(received.status == 429 for received in self.sandbox.requests)

    async def read(self, count: int) -> None:
        """So many requests, several at once."""
        await read(self.client, count)


@asynccontextmanager
async def api(
    *, limit: int = 100, seconds: float = 10.0, delays: list[tuple[float, float]] | None = None
) -> AsyncGenerator[Api]:
    async with far_api(limit=limit, seconds=seconds, delays=delays) as far:
        straight = SandboxTransport(far.app)
        async with far.client(Budget()) as one, client_of(straight, Budget()) as two:
            yield Api(one, two, far.sandbox, far.transport)


async def duration_of(work: Callable[[], Any]) -> float:
    began = anyio.current_time()
    await work()
    return anyio.current_time() - began


def fewest_seconds(requests: int, limit: int = 100, seconds: float = 10.0) -> float:
    """What the limit alone takes: full intervals, the first requests at once."""
    return (requests - 1) // limit * seconds


@pytest.mark.parametrize("bulk", [False, True])
async def test_a_long_job_takes_what_the_limit_takes_and_is_never_refused(bulk: bool) -> None:
    async with api() as it:

        async def job() -> None:
            if bulk:
                with bulk_work():
                    await it.read(3_000)
            else:
                await it.read(3_000)

        taken = await duration_of(job)
        assert it.refused == 0
        assert fewest_seconds(3_000) <= taken <= 1.05 * fewest_seconds(3_000)


@pytest.mark.parametrize(("there", "back"), [(0.0, 0.3), (0.3, 0.0), (0.05, 0.5)])
async def test_slow_answers_cost_a_twentieth_at_most(there: float, back: float) -> None:
    async with api(delays=[(there, back)]) as it:
        taken = await duration_of(lambda: it.read(1_000))
        assert it.refused == 0
        last_ones = 100 / AT_ONCE * (there + back)
        assert taken <= fewest_seconds(1_000) / 0.95 + last_ones


@settings(max_examples=15)
@given(delays=DELAYS, bulk=st.booleans(), limit=st.integers(1, 40))
def test_no_interval_ever_holds_more_than_the_limit(
    delays: list[tuple[float, float]], bulk: bool, limit: int
) -> None:
    async def main() -> None:
        async with api(limit=limit, seconds=2.0, delays=delays) as it:
            # The limit is told by the first answer; until then the documented one counts.
            await it.client.list_products(limit=1)
            if bulk:
                with bulk_work():
                    await it.read(5 * limit)
            else:
                await it.read(5 * limit)
            assert it.refused == 0
            assert len(it.transport.arrived) == 5 * limit + 1

    anyio.run(main, backend_options={"loop_factory": TimeLapseLoop})


async def test_a_person_does_not_wait_for_bulk_work() -> None:
    async with api() as it:
        waits: list[float] = []

        async def people() -> None:
            for _ in range(60):
                await anyio.sleep(1.37)
                waits.append(await duration_of(lambda: it.client.list_products(limit=1)))

        async def job() -> None:
            with bulk_work():
                await it.read(1_000)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(job)
            tasks.start_soon(people)
        assert it.refused == 0
        assert max(waits) < 1
        assert sum(waits) / len(waits) < 0.4


async def test_bulk_work_that_begins_is_not_slowed_down() -> None:
    async with api() as it:
        with bulk_work():
            assert await duration_of(lambda: it.read(80)) < 0.5


async def test_an_api_that_tells_of_no_limit_is_not_held_back() -> None:
    async with api(limit=0) as it:
        assert await duration_of(lambda: it.read(1_000)) < 1_000 / AT_ONCE * 0.05


@pytest.mark.parametrize(("limit", "seconds"), [(25, 10.0), (500, 10.0), (10, 1.0)])
async def test_another_limit_is_learned_from_the_first_answer(limit: int, seconds: float) -> None:
    async with api(limit=limit, seconds=seconds) as it:
        await it.client.list_products(limit=1)
        count = limit * 6
        taken = await duration_of(lambda: it.read(count))
        assert it.refused == 0
        assert taken <= 1.05 * fewest_seconds(count + 1, limit, seconds) + 0.5


async def test_what_somebody_else_uses_is_left_to_them() -> None:
    async with api() as it:
        for _ in range(60):
            await it.other.list_products(limit=1)
        taken = await duration_of(lambda: it.read(200))
        assert it.refused == 0
        assert 10 <= taken <= 25


async def test_one_after_the_other_takes_as_many_intervals_as_there_are_full_ones() -> None:
    async with api(delays=[(0.0, 0.0)]) as it:
        taken = await duration_of(lambda: it.read(403))
        assert it.refused == 0
        assert 40 <= taken <= 40.1


async def test_until_the_limit_is_known_a_refused_request_is_repeated_and_nothing_fails() -> None:
    async with api(limit=3) as it:
        await it.read(40)
        answered = [received.status for received in it.sandbox.requests]
        assert answered.count(200) == 40
        assert answered.count(429) <= AT_ONCE - 3


@pytest.mark.parametrize(
    ("most", "interval"),
    [("1", "15001"), ("0", "10000"), ("1", "0"), ("many", "10000"), ("1", "soon"), ("-1", "10000"), ("", "")],
)
async def test_a_limit_that_makes_no_sense_holds_nothing_back(most: str, interval: str) -> None:
    headers = {"X-RateLimit-Max": most, "X-RateLimit-Interval-Milliseconds": interval}
    mock = MockApi(*(answer(EMPTY_PAGE, headers=headers) for _ in range(300)))

    async def job() -> None:
        async with mock.client() as client:
            for _ in range(300):
                await client.list_products()

    assert await duration_of(job) == 0


async def test_a_limit_that_changes_counts_from_then_on() -> None:
    told = [{"X-RateLimit-Max": most, "X-RateLimit-Interval-Milliseconds": "5000"} for most in "8113"]
    mock = MockApi(*(answer(EMPTY_PAGE, headers=headers) for headers in told))
    seen: list[float] = []
    async with mock.client() as client:
        began = anyio.current_time()
        for at_least in (0.0, 1.0, 1.0, 1.0):
            await anyio.sleep_until(began + at_least)
            await client.list_products()
            seen.append(round(anyio.current_time() - began, 1))
    # The third waits until neither of the first two counts any more.
    assert seen == [0.0, 1.0, 6.0, 11.0]


async def test_a_refusal_holds_everybody_back_once() -> None:
    async with api() as it:
        await it.read(3)
        it.sandbox.faults.add(Fault(FaultKind.RATE_LIMITED))
        await it.read(20)
        arrived = it.transport.arrived
        # Those under way at that moment arrive; the others come after the interval, and nobody is refused again.
        assert it.refused == 1
        gaps = [later - earlier for earlier, later in pairwise(arrived)]
        assert sum(gap >= 9 for gap in gaps) == 1
        assert len(arrived) == 3 + 1 + 20


async def test_an_api_that_refuses_without_telling_is_kept_to_the_documented_limit() -> None:
    async with api(limit=0) as it:
        await it.read(5)
        it.sandbox.faults.add(Fault(FaultKind.RATE_LIMITED))
        taken = await duration_of(lambda: it.read(250))
        assert 20 <= taken <= 25


async def test_bulk_work_outlasts_somebody_who_uses_the_allowance_up() -> None:
    async with api() as it:
        it.sandbox.faults.add(Fault(FaultKind.RATE_LIMITED, count=4))
        with bulk_work():
            await it.client.list_products(limit=1)
        assert it.refused == 4
        it.sandbox.faults.add(Fault(FaultKind.RATE_LIMITED, count=4))
        with pytest.raises(errors.RateLimitedError):
            await it.client.list_products(limit=1)


async def test_who_gives_up_waiting_gives_its_place_up() -> None:
    async with api(limit=2) as it:
        await it.read(2)
        with anyio.move_on_after(3) as gave_up:
            await it.read(1)
        assert gave_up.cancelled_caught
        before = len(it.transport.arrived)
        taken = await duration_of(lambda: it.read(1))
        assert 6 < taken < 8
        assert len(it.transport.arrived) == before + 1


async def test_several_clients_share_one_budget() -> None:
    async with api() as it:
        shared = Budget()
        clients = [client_of(it.transport, shared) for _ in range(3)]

        async def many(client: ProductsClient) -> None:
            for _ in range(100):
                await client.list_products(limit=1)

        async def job() -> None:
            async with anyio.create_task_group() as tasks:
                for client in clients:
                    tasks.start_soon(many, client)

        taken = await duration_of(job)
        for client in clients:
            await client.aclose()
        assert it.refused == 0
        assert 20 <= taken <= 23
