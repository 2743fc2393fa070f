"""The token shows in no repr, no text, no log line, no error and no traceback, whatever goes wrong."""

import asyncio
import copy
import logging
import pickle
import traceback
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from mock_api import LOCATION, TOKEN, MockApi, answer, refusal

from hoopai_products_mcp.products_api import errors
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.credentials import Token
from hoopai_products_mcp.products_api.models import PriceChanges

PRICE = {"_id": "r1", "name": "n", "type": "one_time", "currency": "USD", "amount": 1}
ECHO = f"what you sent was Bearer {TOKEN}"

FAILURES: list[Callable[[], httpx.Response | Exception]] = [
    *(
        (lambda status=status: refusal(status, ECHO, {"x-trace-id": "t"}))
        for status in (302, 400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503)
    ),
    lambda: refusal(401, f"scope {TOKEN}"),
    lambda: refusal(401, f"IAM Service {TOKEN}"),
    lambda: refusal(422, [ECHO, ECHO]),
    lambda: httpx.Response(502, text=ECHO),
    lambda: httpx.Response(200, text=ECHO),
    lambda: answer({"status": False, "message": ECHO}),
    lambda: httpx.ConnectError(ECHO),
    lambda: httpx.ReadTimeout(ECHO),
    lambda: httpx.ReadError(ECHO),
    lambda: httpx.RemoteProtocolError(ECHO),
    lambda: httpx.DecodingError(ECHO),
]


def everything_an_error_shows(error: BaseException) -> str:
    """All that a log, a debugger or an error page could print of it, chained errors and locals included."""
    seen = [str(error), repr(error), repr(error.args), repr(vars(error))]
    for chained in (error, error.__cause__, error.__context__):
        if chained is not None:
            shown = traceback.TracebackException.from_exception(chained, capture_locals=True)
            seen += shown.format(chain=True)
    return "\n".join(seen)


def everything_logged(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(f"{record.getMessage()} {record.__dict__!r}" for record in caplog.records)


async def no_wait(seconds: float) -> None: ...


@pytest.mark.anyio
@pytest.mark.parametrize("failure", FAILURES)
async def test_no_failure_shows_the_token(
    failure: Callable[[], httpx.Response | Exception], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api = MockApi(*(failure() for _ in range(4)))
    client = api.client(sleep=no_wait)
    with pytest.raises(errors.ProductsApiError) as caught:
        await client.delete_product(product_id="p1")
    await client.aclose()
    assert TOKEN not in everything_an_error_shows(caught.value)
    assert TOKEN not in everything_logged(caplog)
    assert [record for record in caplog.records if record.name == "hoopai_products_mcp.products_api"] != []


@pytest.mark.anyio
async def test_refusals_before_any_request_do_not_show_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = MockApi(answer({"_id": "r1"})).client()
    for call in (
        lambda: client.get_product(product_id="../x"),
        lambda: client.list_products(limit=0),
        lambda: client.list_products(search="\ud800"),
        lambda: client.update_price(product_id="p1", price_id="r1", changes=PriceChanges(sku="x")),
    ):
        with pytest.raises(errors.InvalidArgumentError) as caught:
            await call()
        assert TOKEN not in everything_an_error_shows(caught.value)
    assert TOKEN not in everything_logged(caplog)


Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


@asynccontextmanager
async def server(behave: Behaviour) -> AsyncGenerator[str]:
    """A real socket, so that the HTTP library's own frames and log lines are tried as well."""
    listening = await asyncio.start_server(behave, "127.0.0.1", 0)
    async with listening:
        host, port = listening.sockets[0].getsockname()
        yield f"http://{host}:{port}"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def answers_well(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    assert TOKEN.encode() in await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull")
    await writer.drain()
    writer.close()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.close()


async def hangs_up_midway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\nnul")
    await writer.drain()
    writer.close()


async def talks_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"\x00\x01\x02 what?\r\n\r\n")
    await writer.drain()
    writer.close()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await reader.read()
    writer.close()


@pytest.mark.anyio
async def test_a_call_over_a_socket_logs_its_way_but_not_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        server(answers_well) as url,
        ProductsClient(base_url=url, token=TOKEN, location_id=LOCATION) as client,
    ):
        await client.delete_product(product_id="p1")
    assert {record.name.partition(".")[0] for record in caplog.records} >= {
        "httpcore",
        "httpx",
        "hoopai_products_mcp",
    }
    assert TOKEN not in everything_logged(caplog)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("behave", "seconds", "expected"),
    [
        (hangs_up, 30, errors.ConnectionLostError),
        (hangs_up_midway, 30, errors.ConnectionLostError),
        (talks_nonsense, 30, errors.ConnectionLostError),
        # Half of it is for connecting.
        (says_nothing, 2, errors.RequestTimeoutError),
    ],
)
async def test_a_connection_that_breaks_shows_nothing_of_the_token(
    behave: Behaviour,
    seconds: float,
    expected: type[errors.ProductsApiError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        server(behave) as url,
        ProductsClient(base_url=url, token=TOKEN, location_id=LOCATION, timeout=seconds) as client,
    ):
        with pytest.raises(expected) as caught:
            await client.delete_product(product_id="p1")
        # Same, for the library's own timeouts, which strike one step at a time.
        assert caught.value.outcome == "unknown"
    assert TOKEN not in everything_an_error_shows(caught.value)
    assert TOKEN not in everything_logged(caplog)


@pytest.mark.anyio
async def test_a_port_where_nobody_listens_is_never_reached(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with server(answers_well) as url:
        pass
    async with ProductsClient(base_url=url, token=TOKEN, location_id=LOCATION) as client:
        with pytest.raises(errors.NotReachedError) as caught:
            await client.delete_product(product_id="p1")
    assert (caught.value.outcome, caught.value.retryable) == ("not_done", True)
    assert TOKEN not in everything_an_error_shows(caught.value)
    assert TOKEN not in everything_logged(caplog)


@pytest.mark.anyio
async def test_the_client_and_the_token_show_nothing_of_it() -> None:
    token = Token(TOKEN)
    client = MockApi(answer(PRICE)).client()
    await client.get_price(product_id="p1", price_id="r1")
    shown = [repr(token), str(token), f"{token}", repr(client), str(client), repr(vars(client))]
    assert [text for text in shown if TOKEN in text] == []
    assert repr(client) == f"ProductsClient(base_url='https://api.example.com', location_id='{LOCATION}')"
    assert token.reveal() == TOKEN
    assert token.hide_in(ECHO.encode()) == b"what you sent was Bearer [hidden]"


@pytest.mark.parametrize("copier", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_token_is_not_copied_by_accident(copier: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="A token is not to be pickled or copied"):
        copier(Token(TOKEN))


@pytest.mark.parametrize(
    "spoiled", [f"{TOKEN}\n{TOKEN}", f"{TOKEN} x", f"{TOKEN}é"], ids=["line", "space", "accent"]
)
def test_a_token_that_cannot_be_sent_is_refused_without_being_shown(spoiled: str) -> None:
    with pytest.raises(ValueError, match="The access token has a character that no token has") as caught:
        ProductsClient(token=spoiled, location_id=LOCATION)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    # Only the test's own frame may know it.
    assert [frame.name for frame in frames if TOKEN in repr(frame.locals)] == [frames[0].name]
    assert TOKEN not in str(caught.value)


@pytest.mark.anyio
async def test_an_echo_of_the_token_is_blanked_in_results_as_well() -> None:
    api = MockApi(answer({"_id": "p1", "description": ECHO}))
    async with api.client() as client:
        product = await client.get_product(product_id="p1")
    assert product.description == "what you sent was Bearer [hidden]"
