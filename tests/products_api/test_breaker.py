"""An API that has failed several times in a row is left alone for a moment, and whoever calls is told so at once."""

import re
from itertools import pairwise
from typing import Any

import anyio
import httpx
import pytest
from far_api import FarApi, far_api, read
from mock_api import MockApi, answer, refusal

from hoopai_products_mcp.products_api import errors
from hoopai_products_mcp.products_api.breaker import FAILURES, FIRST_PAUSE_SECONDS, MOST_SETTLING_FAILURES
from hoopai_products_mcp.products_api.budget import Budget
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.urgency import bulk_work, settling, until
from hoopai_products_mcp.sandbox.faults import Fault, FaultKind
from hoopai_products_mcp.sandbox.time_lapse import TimeLapseLoop

pytestmark = pytest.mark.anyio

EMPTY = {"products": [], "total": [{"total": 0}]}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": TimeLapseLoop}


async def fail(client: ProductsClient, times: int) -> None:
    for _ in range(times):
        with pytest.raises(errors.ProductsApiError) as caught:
            await client.list_products(limit=1)
        assert not isinstance(caught.value, errors.ApiDownError)


def break_down(api: FarApi, *, count: int | None = None, kind: FaultKind = FaultKind.SERVER_ERROR) -> None:
    api.sandbox.faults.add(Fault(kind, count=count))


@pytest.mark.parametrize(
    "kind", [FaultKind.SERVER_ERROR, FaultKind.HTML, FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER]
)
async def test_after_five_failures_nothing_is_sent_and_words_are_given_at_once(kind: FaultKind) -> None:
    async with far_api(limit=0) as api, api.client(Budget()) as client:
        break_down(api, kind=kind)
        await fail(client, 5)
        began = anyio.current_time()
        for _ in range(3):
            with pytest.raises(errors.ApiDownError):
                await client.list_products(limit=1)
        assert anyio.current_time() == began
        assert len(api.transport.arrived) == 5


async def test_the_words_say_since_when_and_when_it_is_tried_again() -> None:
    mock = MockApi(*(refusal(503, "x") for _ in range(5)))
    async with mock.client() as client:
        await fail(client, 5)
        with pytest.raises(errors.ApiDownError) as caught:
            await client.delete_product(product_id="p1")
    error = caught.value
    assert (error.outcome, error.retryable, error.wait_seconds) == ("not_done", True, 5.0)
    assert MOMENT.sub("<time>", str(error)) == (
        "DELETE /products/{productId} was not sent: the API has failed 5 times in a row since <time>. It answered "
        "GET /products/ with 503. Nothing was changed. The first call from <time> on tries it again."
    )


async def test_a_host_that_nobody_answers_at_is_left_alone_too() -> None:
    mock = MockApi(*(httpx.ConnectError("refused") for _ in range(5)))
    async with mock.client() as client:
        await fail(client, 5)
        with pytest.raises(errors.ApiDownError) as caught:
            await client.list_products()
    assert "could not be reached" in str(caught.value)


async def test_an_answer_in_between_begins_the_count_anew() -> None:
    mock = MockApi(
        *(refusal(500, "x") for _ in range(4)),
        refusal(404, "x"),
        *(refusal(500, "x") for _ in range(4)),
        answer(EMPTY),
    )
    async with mock.client() as client:
        await fail(client, 4)
        with pytest.raises(errors.NotFoundError):
            await client.get_product(product_id="p1")
        await fail(client, 4)
        await client.list_products()


async def test_many_that_fail_at_once_are_one_mishap() -> None:
    async with far_api(limit=0) as api, api.client(Budget()) as client:
        break_down(api, count=20)

        async def one() -> None:
            with pytest.raises(errors.ServerError):
                await client.list_products(limit=1)

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(one)
        assert len(api.transport.arrived) == 20
        await client.list_products(limit=1)


async def test_one_request_tries_and_opens_the_way_for_all() -> None:
    async with far_api(limit=0) as api, api.client(Budget()) as client:
        break_down(api, count=5)
        await fail(client, 5)
        await anyio.sleep(5.1)
        told: list[type[BaseException]] = []

        async def one() -> None:
            try:
                await client.list_products(limit=1)
            except errors.ApiDownError as error:
                told.append(type(error))

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(one)
        assert len(api.transport.arrived) == 5 + 1
        assert len(told) == 9
        await read(client, 20)


async def test_while_it_stays_down_it_is_left_alone_for_longer_and_longer_up_to_a_minute() -> None:
    async with far_api(limit=0) as api, api.client(Budget()) as client:
        break_down(api)
        await fail(client, 5)
        tried: list[float] = []
        for _ in range(300):
            before = len(api.transport.arrived)
            with pytest.raises(errors.ProductsApiError):
                await client.list_products(limit=1)
            if len(api.transport.arrived) > before:
                tried.append(anyio.current_time())
            await anyio.sleep(1)
        gaps = [later - earlier for earlier, later in pairwise(tried)]
        assert [round(gap / 5) * 5 for gap in gaps] == [10, 20, 40, 60, 60, 60][: len(gaps)]
        assert len(gaps) >= 5
        api.sandbox.faults.clear()
        await anyio.sleep(60)
        await client.list_products(limit=1)
        # And then as at first.
        break_down(api, count=5)
        await fail(client, 5)
        await anyio.sleep(5.1)
        await client.list_products(limit=1)


async def test_one_who_is_cancelled_while_trying_lets_another_try() -> None:
    delays = [(0.02, 0.02)] * 5 + [(30.0, 0.0), (0.02, 0.02)]
    async with far_api(limit=0, delays=delays) as api, api.client(Budget()) as client:
        break_down(api, count=5)
        await fail(client, 5)
        await anyio.sleep(5.1)
        with anyio.move_on_after(1) as scope:
            await client.list_products(limit=1)
        assert scope.cancelled_caught
        await client.list_products(limit=1)


async def test_of_a_job_one_request_tries_and_the_others_see_what_comes_of_it() -> None:
    async with far_api(limit=0) as api, api.client(Budget()) as client:
        break_down(api, count=6)
        await fail(client, 5)
        await anyio.sleep(5.1)
        with bulk_work():
            with pytest.raises(ExceptionGroup):
                await read(client, 20)
            assert len(api.transport.arrived) == 6
            await anyio.sleep(10.1)
            await read(client, 20)
        assert len(api.transport.arrived) == 26


async def test_a_write_whose_answer_was_lost_stays_unknown_however_often_others_fail() -> None:
    mock = MockApi(*(httpx.ReadError("cut") for _ in range(5)))
    async with mock.client() as client:
        for _ in range(5):
            with pytest.raises(errors.ConnectionLostError) as caught:
                await client.delete_product(product_id="p1")
            assert caught.value.outcome == "unknown"
        with pytest.raises(errors.ApiDownError) as held:
            await client.delete_product(product_id="p1")
        assert held.value.outcome == "not_done"
    assert len(mock.sent) == 5


async def test_what_became_of_a_write_is_looked_for_although_the_api_is_left_alone() -> None:
    async with far_api(limit=0) as api, api.client(Budget()) as client:
        break_down(api, count=5)
        await fail(client, 5)
        with settling():
            assert (await client.list_products(limit=1)).items
        # It answers, so all may go on.
        assert (await client.list_products(limit=1)).items


async def test_a_look_that_fails_opens_nothing_and_takes_nobodys_turn_to_try() -> None:
    async with far_api(limit=0) as api, api.client(Budget()) as client:
        break_down(api, count=6)
        await fail(client, 5)
        with settling():
            await fail(client, 1)
        with pytest.raises(errors.ApiDownError):
            await client.list_products(limit=1)
        await anyio.sleep(FIRST_PAUSE_SECONDS)
        assert (await client.list_products(limit=1)).items


async def test_looks_that_all_fail_come_to_an_end() -> None:
    async with far_api(limit=0) as api, api.client(Budget()) as client:
        break_down(api)
        await fail(client, FAILURES)
        with settling():
            await fail(client, MOST_SETTLING_FAILURES - FAILURES)
            with pytest.raises(errors.ApiDownError):
                await client.list_products(limit=1)
        assert len(api.transport.arrived) == MOST_SETTLING_FAILURES


async def test_a_reading_that_nobody_waited_for_any_longer_is_a_failure_too() -> None:
    async with far_api(limit=0, delays=[(20, 0)]) as api, api.client(Budget()) as client:
        for patience in (0.5, 10, 10, 10, 10):
            with until(anyio.current_time() + patience), pytest.raises(errors.OutOfTimeError):
                await client.list_products(limit=1)
        # The first was given up too soon to say anything of the API.
        with until(anyio.current_time() + 10), pytest.raises(errors.OutOfTimeError):
            await client.list_products(limit=1)
        with pytest.raises(errors.ApiDownError) as down:
            await client.list_products(limit=1)
    assert "It had not answered GET /products/ after 10 s." in str(down.value)


async def test_one_who_cancels_says_nothing_of_the_api() -> None:
    async with far_api(limit=0, delays=[(20, 0)]) as api, api.client(Budget()) as client:
        for _ in range(6):
            with anyio.move_on_after(10):
                await client.list_products(limit=1)
        assert (await client.list_products(limit=1)).items


async def test_refusals_are_no_failures() -> None:
    mock = MockApi(*(refusal(422, ["no"]) for _ in range(20)))
    async with mock.client() as client:
        for _ in range(20):
            with pytest.raises(errors.ValidationFailedError):
                await client.list_products()
