"""The limit that the API tells is kept: requests run at it, and not into it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mock_api import BASE_URL, LOCATION, TOKEN, MockApi, answer, refusal

from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.transport import SandboxTransport

pytestmark = pytest.mark.anyio
EMPTY_PAGE = {"products": [], "total": [{"total": 0}]}


class Time:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await anyio.lowlevel.checkpoint()


class Held:
    """A sleep that ends when it is let go."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.over = anyio.Event()

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await self.over.wait()


@asynccontextmanager
async def limited(limit: int, interval: float, time: Time) -> AsyncGenerator[tuple[ProductsClient, Sandbox]]:
    """A client of a sandbox that takes so many requests in so many seconds; both keep the same time."""
    app = create_app(
        token=TOKEN,
        location_id=LOCATION,
        shop="empty",
        rate_limit=limit,
        rate_interval_seconds=interval,
        monotonic=time,
    )
    client = ProductsClient(
        base_url=BASE_URL,
        token=TOKEN,
        location_id=LOCATION,
        transport=SandboxTransport(app),
        sleep=time.sleep,
        clock=time,
    )
    async with client:
        yield client, sandbox_of(app)
    sandbox_of(app).close()


async def ask(client: ProductsClient, *, times: int, at_once: int) -> None:
    """Make so many requests, several of them at once."""
    left = iter(range(times))

    async def some() -> None:
        for _ in left:
            await client.list_collections(limit=1, offset=0)

    async with anyio.create_task_group() as tasks:
        for _ in range(at_once):
            tasks.start_soon(some)


def statuses(sandbox: Sandbox) -> set[int | None]:
    return {request.status for request in sandbox.requests}


async def test_four_hundred_readings_take_as_long_as_the_limit_demands_and_none_is_refused() -> None:
    time = Time()
    async with limited(100, 10.0, time) as (client, sandbox):
        await ask(client, times=403, at_once=8)
        assert (len(sandbox.requests), statuses(sandbox)) == (403, {200})
    assert time.now == 40.0


@settings(max_examples=50)
@given(
    limit=st.integers(1, 12),
    interval=st.sampled_from([0.5, 1.0, 10.0, 15.0]),
    times=st.integers(1, 40),
    pauses=st.lists(st.sampled_from([0.0, 0.25, 3.0, 20.0]), max_size=4),
)
def test_one_after_the_other_is_never_refused(
    limit: int, interval: float, times: int, pauses: list[float]
) -> None:
    async def run() -> None:
        time = Time()
        async with limited(limit, interval, time) as (client, sandbox):
            for pause in [*pauses, 0.0]:
                before = time.now
                await ask(client, times=times, at_once=1)
                assert time.now - before <= interval * (-(-times // limit))
                time.now += pause
            assert statuses(sandbox) == {200}

    anyio.run(run)


async def test_until_the_limit_is_known_a_refused_request_is_repeated_and_nothing_fails() -> None:
    time = Time()
    async with limited(3, 10.0, time) as (client, sandbox):
        await ask(client, times=40, at_once=8)
        answered = [request.status for request in sandbox.requests]
    assert answered.count(200) == 40
    assert answered.count(429) <= 5


async def test_a_refusal_holds_back_what_has_not_been_sent() -> None:
    held = Held()
    api = MockApi(refusal(429, "slow", {"Retry-After": "2"}), answer(EMPTY_PAGE), answer(EMPTY_PAGE))
    async with api.client(sleep=held) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.list_products)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(client.list_products)
        await anyio.wait_all_tasks_blocked()
        assert len(api.sent) == 1
        assert [0 < seconds <= 2.3 for seconds in held.seconds] == [True, True]
        held.over.set()
    assert len(api.sent) == 3


async def test_requests_that_are_under_way_count() -> None:
    """Their answers are still to come, and with them the moment from which the API counts."""
    time, arrived, free = Time(), list[float](), anyio.Event()
    headers = {"X-RateLimit-Max": "2", "X-RateLimit-Interval-Milliseconds": "10000"}

    async def slow(request: httpx.Request) -> httpx.Response:
        del request
        arrived.append(time.now)
        if len(arrived) > 1:
            await free.wait()
        return answer(EMPTY_PAGE, headers=headers)

    client = ProductsClient(
        base_url=BASE_URL,
        token=TOKEN,
        location_id=LOCATION,
        transport=httpx.MockTransport(slow),
        sleep=time.sleep,
        clock=time,
    )
    async with client, anyio.create_task_group() as tasks:
        await client.list_products()
        for _ in range(3):
            tasks.start_soon(client.list_products)
        await anyio.wait_all_tasks_blocked()
        assert arrived == [0.0, 0.0, 10.0, 20.0]
        free.set()


@pytest.mark.parametrize(
    ("most", "interval"),
    [("1", "15001"), ("0", "10000"), ("1", "0"), ("many", "10000"), ("1", "soon"), ("-1", "10000"), ("", "")],
)
async def test_a_limit_that_makes_no_sense_holds_nothing_back(most: str, interval: str) -> None:
    time = Time()
    headers = {"X-RateLimit-Max": most, "X-RateLimit-Interval-Milliseconds": interval}
    api = MockApi(*(answer(EMPTY_PAGE, headers=headers) for _ in range(3)))
    async with api.client(sleep=time.sleep) as client:
        for _ in range(3):
            await client.list_products()
    assert time.now == 0.0


async def test_a_limit_that_changes_counts_from_then_on() -> None:
    time = Time()
    told = [{"X-RateLimit-Max": most, "X-RateLimit-Interval-Milliseconds": "5000"} for most in "8113"]
    api = MockApi(*(answer(EMPTY_PAGE, headers=headers) for headers in told))
    client = ProductsClient(
        base_url=BASE_URL,
        token=TOKEN,
        location_id=LOCATION,
        transport=httpx.MockTransport(api.handle),
        sleep=time.sleep,
        clock=time,
    )
    seen: list[float] = []
    async with client:
        for at_least in (0.0, 1.0, 1.0, 1.0):
            time.now = max(time.now, at_least)
            await client.list_products()
            seen.append(time.now)
    # The third waits until neither of the first two counts any more.
    assert seen == [0.0, 1.0, 6.0, 11.0]
