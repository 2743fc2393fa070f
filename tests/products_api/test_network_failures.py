"""What a broken network says about whether a write was done."""

from typing import Any

import anyio
import httpx
import pytest
from mock_api import BASE_URL, LOCATION, TOKEN, MockApi

from hoopai_products_mcp.products_api import errors
from hoopai_products_mcp.products_api.client import ProductsClient

NEVER_LEFT = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.PoolTimeout("busy"),
    httpx.ProxyError("no"),
    httpx.LocalProtocolError("bad header"),
]
MAY_HAVE_ARRIVED: list[tuple[Exception, type[errors.ProductsApiError]]] = [
    (httpx.ReadTimeout("slow"), errors.RequestTimeoutError),
    (httpx.WriteTimeout("slow"), errors.RequestTimeoutError),
    (httpx.ReadError("reset"), errors.ConnectionLostError),
    (httpx.WriteError("reset"), errors.ConnectionLostError),
    (httpx.RemoteProtocolError("closed"), errors.ConnectionLostError),
    (httpx.DecodingError("gzip"), errors.UnexpectedResponseError),
]


@pytest.mark.anyio
@pytest.mark.parametrize("failure", NEVER_LEFT, ids=lambda failure: type(failure).__name__)
async def test_a_request_that_never_left_is_not_done_and_may_be_repeated(failure: Exception) -> None:
    api = MockApi(failure)
    async with api.client() as client:
        with pytest.raises(errors.NotReachedError) as caught:
            await client.delete_product(product_id="p1")
    assert (caught.value.outcome, caught.value.retryable) == ("not_done", True)
    assert str(caught.value) == (
        f"The API could not be reached for DELETE /products/{{productId}} ({type(failure).__name__}). "
        "Nothing was changed. Check the network and the base URL, then try again."
    )
    assert len(api.sent) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("failure", "expected"), MAY_HAVE_ARRIVED, ids=lambda it: getattr(it, "__name__", "")
)
async def test_a_write_that_may_have_arrived_has_an_unknown_outcome_and_is_sent_once(
    failure: Exception, expected: type[errors.ProductsApiError]
) -> None:
    api = MockApi(failure)
    async with api.client() as client:
        with pytest.raises(expected) as caught:
            await client.delete_product(product_id="p1")
    assert (caught.value.outcome, caught.value.retryable) == ("unknown", False)
    assert caught.value.changed == "It is not known whether the change was made."
    assert len(api.sent) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("failure", "expected"), MAY_HAVE_ARRIVED, ids=lambda it: getattr(it, "__name__", "")
)
async def test_a_read_changes_nothing_and_may_be_repeated_but_is_not_by_the_client(
    failure: Exception, expected: type[errors.ProductsApiError]
) -> None:
    api = MockApi(failure)
    async with api.client() as client:
        with pytest.raises(expected) as caught:
            await client.list_products()
    assert (caught.value.outcome, caught.value.retryable, caught.value.changed) == ("not_done", True, "")
    assert len(api.sent) == 1


class Endless(httpx.AsyncBaseTransport):
    """Never answers, and knows no timeouts of its own."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError


@pytest.mark.anyio
async def test_the_timeout_bounds_the_whole_request_whatever_the_transport_does() -> None:
    async with ProductsClient(
        base_url=BASE_URL, token=TOKEN, location_id=LOCATION, timeout=0.01, transport=Endless()
    ) as client:
        with pytest.raises(errors.RequestTimeoutError) as caught:
            await client.delete_product(product_id="p1")
    assert str(caught.value) == (
        "DELETE /products/{productId} was not answered within 0.01 seconds. "
        "It is not known whether the change was made. Read the present state before doing it again."
    )


@pytest.mark.anyio
async def test_what_finds_no_connection_free_was_not_sent() -> None:
    said: list[errors.ProductsApiError] = []

    async def delete(client: ProductsClient) -> None:
        try:
            await client.delete_product(product_id="p1")
        except errors.ProductsApiError as error:
            said.append(error)

    async with ProductsClient(
        base_url=BASE_URL, token=TOKEN, location_id=LOCATION, timeout=0.4, transport=Endless()
    ) as client:
        async with anyio.create_task_group() as tasks:
            for _ in range(23):
                tasks.start_soon(delete, client)
        assert [type(error) for error in said] == [
            *[errors.NotReachedError] * 3,
            *[errors.RequestTimeoutError] * 20,
        ]
        assert str(said[0]) == (
            "DELETE /products/{productId} was not sent: the 20 requests under way were not answered within 0.2 "
            "seconds. Nothing was changed. Try again."
        )
        # Those that were given up have made room again.
        with pytest.raises(errors.RequestTimeoutError):
            await client.delete_product(product_id="p1")


@pytest.mark.anyio
async def test_connecting_is_given_up_before_the_whole_request_is() -> None:
    api = MockApi(httpx.Response(200, text="null"))
    async with api.client() as client:
        await client.delete_product(product_id="p1")
    assert api.requests[0].extensions["timeout"] == {"connect": 15, "read": 30, "write": 30, "pool": 15}


@pytest.mark.anyio
async def test_a_call_can_be_cancelled() -> None:
    async with ProductsClient(
        base_url=BASE_URL, token=TOKEN, location_id=LOCATION, transport=Endless()
    ) as client:
        with anyio.move_on_after(0.01) as scope:
            await client.list_products()
    assert scope.cancelled_caught


@pytest.mark.anyio
async def test_a_closed_client_says_so() -> None:
    api = MockApi()
    client = api.client()
    await client.aclose()
    with pytest.raises(RuntimeError, match="This ProductsClient is closed"):
        await client.list_products()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"base_url": "ftp://x.example"}, "The base URL must be an http or https address without a query."),
        (
            {"base_url": "https://x.example?a=1"},
            "The base URL must be an http or https address without a query.",
        ),
        ({"base_url": "https://u:p@x.example"}, "The base URL must not carry a user name or password."),
        ({"location_id": " "}, "The location id is empty."),
        ({"timeout": 0}, "The timeout must be more than 0 seconds."),
        ({"token": ""}, "The access token is empty."),
        ({"token": "two words"}, "The access token has a character that no token has, such as a space."),
    ],
)
def test_a_client_that_could_not_make_a_request_is_not_made(arguments: dict[str, Any], message: str) -> None:
    complete: dict[str, Any] = {"token": TOKEN, "location_id": LOCATION}
    with pytest.raises(ValueError, match="^" + message.replace(".", r"\.") + "$"):
        ProductsClient(**(complete | arguments))
