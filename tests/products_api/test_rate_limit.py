"""A 429 was surely not carried out: it is waited out, in bounds, and nothing else is ever repeated."""

import pytest
from mock_api import MockApi, answer, refusal

from hoopai_products_mcp.products_api import errors


class Waits:
    """A sleep that only takes note."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.mark.anyio
async def test_a_refused_write_is_repeated_after_the_advised_interval() -> None:
    waits = Waits()
    api = MockApi(refusal(429, "slow down", {"X-RateLimit-Interval-Milliseconds": "10000"}), answer(None))
    async with api.client(sleep=waits) as client:
        await client.delete_product(product_id="p1")
    assert api.sent[0] == api.sent[1]
    assert len(waits.seconds) == 1
    assert 10 <= waits.seconds[0] <= 11.1


@pytest.mark.anyio
async def test_retry_after_wins_over_the_interval() -> None:
    waits = Waits()
    headers = {"Retry-After": "2", "X-RateLimit-Interval-Milliseconds": "10000"}
    api = MockApi(refusal(429, "x", headers), answer(None))
    async with api.client(sleep=waits) as client:
        await client.delete_product(product_id="p1")
    assert 2 <= waits.seconds[0] <= 2.3


@pytest.mark.anyio
@pytest.mark.parametrize("date", ["Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 -0000"])
async def test_a_date_that_is_past_means_no_wait(date: str) -> None:
    waits = Waits()
    api = MockApi(refusal(429, "x", {"Retry-After": date}), answer(None))
    async with api.client(sleep=waits) as client:
        await client.delete_product(product_id="p1")
    assert 0 <= waits.seconds[0] <= 0.1


@pytest.mark.anyio
async def test_without_advice_the_waits_double_and_end_after_three_repeats() -> None:
    waits = Waits()
    api = MockApi(*(refusal(429, "x") for _ in range(4)))
    async with api.client(sleep=waits) as client:
        with pytest.raises(errors.RateLimitedError) as caught:
            await client.delete_product(product_id="p1")
    assert len(api.sent) == 4
    assert [int(seconds) for seconds in waits.seconds] == [1, 2, 4]
    assert (caught.value.outcome, caught.value.retryable, caught.value.wait_seconds) == (
        "not_done",
        True,
        None,
    )
    assert str(caught.value) == (
        "Too many requests (DELETE /products/{productId}, status 429). The API says: 'x'. "
        "Nothing was changed. Wait a little and try again."
    )


@pytest.mark.anyio
async def test_all_waits_together_are_bounded() -> None:
    waits = Waits()
    headers = {"X-RateLimit-Interval-Milliseconds": "10000"}
    api = MockApi(refusal(429, "x", headers), refusal(429, "x", headers))
    async with api.client(sleep=waits) as client:
        with pytest.raises(errors.RateLimitedError) as caught:
            await client.list_products()
    assert len(waits.seconds) == 1
    assert caught.value.wait_seconds == 10
    assert caught.value.next_step == "Wait 10 seconds and try again."


@pytest.mark.anyio
async def test_a_wait_beyond_all_patience_is_left_to_the_caller() -> None:
    waits = Waits()
    api = MockApi(refusal(429, "x", {"Retry-After": "3600"}))
    async with api.client(sleep=waits) as client:
        with pytest.raises(errors.RateLimitedError) as caught:
            await client.list_products()
    assert (waits.seconds, caught.value.wait_seconds) == ([], 3600)


@pytest.mark.anyio
async def test_a_day_that_is_used_up_is_not_waited_for() -> None:
    waits = Waits()
    headers = {"X-RateLimit-Interval-Milliseconds": "10000", "X-RateLimit-Daily-Remaining": "0"}
    api = MockApi(refusal(429, "x", headers))
    async with api.client(sleep=waits) as client:
        with pytest.raises(errors.RateLimitedError) as caught:
            await client.list_products()
    assert waits.seconds == []
    assert caught.value.wait_seconds is None
    assert caught.value.next_step == (
        "The day's requests of this account are used up; try again when the day is over."
    )


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["soon", "-1", "inf", "nan", ""])
async def test_advice_that_makes_no_sense_is_no_advice(value: str) -> None:
    waits = Waits()
    headers = {"Retry-After": value, "X-RateLimit-Interval-Milliseconds": value}
    api = MockApi(refusal(429, "x", headers), answer(None))
    async with api.client(sleep=waits) as client:
        await client.delete_product(product_id="p1")
    assert 1 <= waits.seconds[0] <= 1.2


@pytest.mark.anyio
@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 409])
async def test_no_other_status_is_ever_repeated(status: int) -> None:
    waits = Waits()
    api = MockApi(refusal(status, "x", {"Retry-After": "1"}))
    async with api.client(sleep=waits) as client:
        with pytest.raises(errors.ProductsApiError):
            await client.list_products()
    assert (len(api.sent), waits.seconds) == (1, [])
