"""Who waits is told at once, and with the time, when a wait would be longer than they wait; nothing was sent then."""

import re
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from far_api import far_api, read
from mock_api import MockApi, answer, refusal

from hoopai_products_mcp.products_api import errors
from hoopai_products_mcp.products_api.budget import Budget
from hoopai_products_mcp.products_api.urgency import bulk_work, until
from hoopai_products_mcp.sandbox.faults import Fault, FaultKind
from hoopai_products_mcp.sandbox.time_lapse import TimeLapseLoop

pytestmark = pytest.mark.anyio

AGAIN = re.compile(r"Try again at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d)")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": TimeLapseLoop}


def seconds_until(text: str) -> float:
    """From now until the moment that a text names."""
    found = AGAIN.search(text)
    assert found, text
    return (datetime.fromisoformat(found[1]) - datetime.now(UTC)) / timedelta(seconds=1)


async def test_a_wait_that_would_be_too_long_ends_at_once() -> None:
    async with far_api() as api, api.client(Budget()) as client:
        await read(client, 100)
        began = anyio.current_time()
        with until(began + 5), pytest.raises(errors.AllowanceSpentError) as caught:
            await client.delete_product(product_id="p1")
        assert anyio.current_time() == began
        assert len(api.transport.arrived) == 100
        assert (caught.value.outcome, caught.value.retryable) == ("not_done", True)
        assert caught.value.wait_seconds is not None
        assert 9 < caught.value.wait_seconds < 10
        text = str(caught.value)
        assert AGAIN.sub("Try again at …", text) == (
            "DELETE /products/{productId} was not sent: the 100 requests in 10 seconds are used up, and there is no "
            "time to wait for more. Nothing was changed. Try again at …."
        )
        assert 8 < seconds_until(text) < 12


async def test_a_wait_that_is_short_enough_is_waited() -> None:
    async with far_api() as api, api.client(Budget()) as client:
        await read(client, 100)
        with until(anyio.current_time() + 15):
            await client.list_products(limit=1)
        assert api.refused == 0


async def test_who_is_far_back_in_the_line_is_told_at_once_as_well() -> None:
    async with far_api(limit=5) as api, api.client(Budget()) as client:
        told: list[float] = []
        await client.list_products(limit=1)
        began = anyio.current_time()

        async def one() -> None:
            try:
                await client.list_products(limit=1)
            except errors.AllowanceSpentError:
                told.append(anyio.current_time() - began)

        with until(began + 25):
            async with anyio.create_task_group() as tasks:
                for _ in range(30):
                    tasks.start_soon(one)
        assert api.refused == 0
        # 4 at once, and 5 every ten seconds; those for whom there is no hope know within the first moment.
        assert len(api.transport.arrived) == 1 + 14
        assert sum(seconds < 1 for seconds in told) >= 10
        assert max(told) <= 25


async def test_a_refusal_is_waited_out_only_within_the_patience() -> None:
    async with far_api() as api, api.client(Budget()) as client:
        api.sandbox.faults.add(Fault(FaultKind.RATE_LIMITED))
        with until(anyio.current_time() + 5), pytest.raises(errors.RateLimitedError):
            await client.list_products(limit=1)
        assert len(api.transport.arrived) == 1


async def test_a_reading_that_is_slow_is_given_up_with_the_patience() -> None:
    async with far_api(delays=[(20.0, 0.0)]) as api, api.client(Budget()) as client:
        with until(anyio.current_time() + 3), pytest.raises(errors.OutOfTimeError) as caught:
            await client.list_products(limit=1)
        assert anyio.current_time() == 3
        assert AGAIN.sub("Try again at …", str(caught.value)) == (
            "GET /products/ was not answered in time: the call has taken as long as an assistant waits. "
            "Try again at …, with less at once if it is much."
        )


async def test_a_write_that_is_under_way_is_not_given_up_and_none_is_begun_afterwards() -> None:
    async with far_api(delays=[(4.0, 0.0)]) as api, api.client(Budget()) as client:
        with until(anyio.current_time() + 3):
            with pytest.raises(errors.NotFoundError):
                await client.delete_product(product_id="65f0c0ffee0000000000dead")
            with pytest.raises(errors.OutOfTimeError) as caught:
                await client.delete_product(product_id="65f0c0ffee0000000000dead")
        assert len(api.transport.arrived) == 1
        assert caught.value.outcome == "not_done"
        assert "was not sent" in str(caught.value)
        assert "Nothing was changed." in str(caught.value)


async def test_waiting_can_be_cancelled_at_any_point() -> None:
    async with far_api(limit=3) as api, api.client(Budget()) as client:
        for bulk in (False, True):
            with anyio.move_on_after(1) as scope, bulk_work() if bulk else nullcontext():
                await read(client, 20)
            assert scope.cancelled_caught
        before = len(api.transport.arrived)
        await anyio.sleep(11)
        await read(client, 3)
        assert len(api.transport.arrived) == before + 3


DAY_OVER = {
    "X-RateLimit-Max": "100",
    "X-RateLimit-Interval-Milliseconds": "10000",
    "X-RateLimit-Remaining": "99",
    "X-RateLimit-Limit-Daily": "200000",
    "X-RateLimit-Daily-Remaining": "0",
}
EMPTY = {"products": [], "total": [{"total": 0}]}


async def test_a_day_that_is_used_up_is_told_without_a_request_and_looked_at_now_and_then() -> None:
    moment = datetime(2026, 11, 26, 22, 0, tzinfo=UTC).timestamp()
    mock = MockApi(
        answer(EMPTY, headers=DAY_OVER),
        refusal(429, "over", DAY_OVER),
        answer(EMPTY, headers={**DAY_OVER, "X-RateLimit-Daily-Remaining": "150000"}),
        answer(EMPTY, headers={**DAY_OVER, "X-RateLimit-Daily-Remaining": "149999"}),
    )
    budget = Budget(today=lambda: moment + anyio.current_time())
    async with mock.client(budget=budget) as client:
        await client.list_products()
        with pytest.raises(errors.AllowanceSpentError) as caught:
            await client.list_products()
        assert caught.value.happened == (
            "GET /products/ was not sent: the requests that the API takes in a day are used up."
        )
        assert caught.value.wait_seconds == 7200
        assert len(mock.sent) == 1
        await anyio.sleep(601)
        with pytest.raises(errors.RateLimitedError):
            await client.list_products()
        with pytest.raises(errors.AllowanceSpentError):
            await client.list_products()
        await anyio.sleep(7200)
        await client.list_products()
        await client.list_products()
        assert len(mock.sent) == 4


async def test_the_api_may_tell_when_its_day_ends() -> None:
    mock = MockApi(
        answer(EMPTY, headers={**DAY_OVER, "X-RateLimit-Daily-Reset": "90000"}),
        answer(EMPTY, headers={**DAY_OVER, "X-RateLimit-Daily-Remaining": "199999"}),
    )
    budget = Budget(today=lambda: 1_800_000_000 + anyio.current_time())
    async with mock.client(budget=budget) as client:
        await client.list_products()
        with pytest.raises(errors.AllowanceSpentError) as caught:
            await client.list_products()
        assert caught.value.wait_seconds == 90
        await anyio.sleep(90)
        await client.list_products()


async def test_a_day_is_counted_where_the_api_does_not_tell_of_it() -> None:
    headers = {"X-RateLimit-Max": "1000000", "X-RateLimit-Interval-Milliseconds": "1000"}
    small = {**headers, "X-RateLimit-Limit-Daily": "5"}
    mock = MockApi(*(answer(EMPTY, headers=small) for _ in range(6)))
    budget = Budget(today=lambda: 1_800_000_000 + anyio.current_time())
    async with mock.client(budget=budget) as client:
        # One more than the day has finds out whether that is so.
        for _ in range(6):
            await client.list_products()
        with pytest.raises(errors.AllowanceSpentError):
            await client.list_products()
