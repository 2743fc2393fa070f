"""The same server over a pipe and over HTTP, in both eras, and a fault inside it."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import socket
from typing import Any

import httpx
import pytest
import uvicorn
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult, ElicitRequestFormParams, ElicitRequestParams, ElicitResult
from shop_session import ERAS, Era, text_of

from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.server.app import Connection, build_server
from hoopai_products_mcp.server.settings import Settings

pytestmark = pytest.mark.anyio

COMMAND = str(Path(sys.executable).parent / "hoopai-products-mcp")


class Person:
    """Ticks every box, and remembers what was asked."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        del context
        assert isinstance(params, ElicitRequestFormParams)
        self.questions.append(params.message)
        return ElicitResult(action="accept", content={"confirm": True})


async def call(client: Client, name: str, /, **arguments: Any) -> CallToolResult:
    result = await client.call_tool(name, arguments)
    assert isinstance(result, CallToolResult)
    return result


async def delete_first_product(client: Client) -> CallToolResult:
    listed = (await call(client, "list_products", limit=1)).structured_content
    assert listed is not None
    return await call(client, "delete_product", product_id=listed["items"][0]["id"])


@asynccontextmanager
async def served(*, stateless: bool = False) -> AsyncGenerator[tuple[str, Sandbox]]:
    """Our server on a free port of this machine, and the shop behind it."""
    app = create_app(rate_limit=0)
    settings = Settings(sandbox=True)
    server = build_server(settings, connection=Connection(settings, sandbox_app=app))
    http = uvicorn.Server(
        uvicorn.Config(
            server.streamable_http_app(stateless_http=stateless),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    with socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        serving = asyncio.create_task(http._serve([listening]))  # pyright: ignore[reportPrivateUsage]
        try:
            while not http.started:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", sandbox_of(app)
        finally:
            http.should_exit = True
            await serving


@pytest.mark.parametrize("era", ERAS)
async def test_over_a_pipe_a_person_is_asked_and_the_deed_is_done(era: Era) -> None:
    person = Person()
    command = StdioServerParameters(command=COMMAND, args=["--sandbox"])
    async with Client(command, mode=era, elicitation_callback=person) as client:
        done = await delete_first_product(client)
    assert done.structured_content is not None
    assert done.structured_content["deleted"] is True
    assert len(person.questions) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_over_a_pipe_without_a_person_nothing_is_done(era: Era) -> None:
    async with Client(StdioServerParameters(command=COMMAND, args=["--sandbox"]), mode=era) as client:
        refused = await delete_first_product(client)
        left = (await call(client, "list_products", limit=1)).structured_content
    assert refused.is_error
    assert "this client cannot ask for it. Nothing was changed." in text_of(refused)
    assert left is not None
    assert left["total"] == 60


@pytest.mark.parametrize("era", ERAS)
async def test_over_http_a_person_is_asked_and_the_deed_is_done(era: Era) -> None:
    person = Person()
    async with served() as (url, sandbox), Client(url, mode=era, elicitation_callback=person) as client:
        done = await delete_first_product(client)
        assert done.structured_content is not None
        assert f"DELETE /products/{done.structured_content['id']}" in sandbox.requests.lines()
    assert len(person.questions) == 1


async def test_over_http_without_sessions_the_newer_era_asks_and_the_older_cannot() -> None:
    person = Person()
    async with served(stateless=True) as (url, sandbox):
        async with Client(url, mode="legacy", elicitation_callback=person) as client:
            refused = await delete_first_product(client)
        assert refused.is_error
        assert "this client cannot ask for it. Nothing was changed." in text_of(refused)
        assert [line for line in sandbox.requests.lines() if not line.startswith("GET ")] == []
        assert person.questions == []
        async with Client(url, mode="2026-07-28", elicitation_callback=person) as client:
            assert not (await delete_first_product(client)).is_error
    assert len(person.questions) == 1


async def test_two_people_over_http_are_each_asked_for_their_own() -> None:
    one, other = Person(), Person()
    async with (
        served() as (url, sandbox),
        Client(url, mode="2026-07-28", elicitation_callback=one) as first,
        Client(url, mode="legacy", elicitation_callback=other) as second,
    ):
        done = [(await delete_first_product(client)).structured_content for client in (first, second)]
        assert len(sandbox.dump()["products"]) == 58
    names = [result["name"] for result in done if result]
    assert [names[0] in one.questions[0], names[1] in other.questions[0]] == [True, True]
    assert (len(one.questions), len(other.questions)) == (1, 1)


def message(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
HELLO = {"protocolVersion": "2025-11-25", "clientInfo": {"name": "test", "version": "1"}}


def result_in(response: httpx.Response) -> dict[str, Any]:
    """The JSON-RPC result, bare or as the one event of a stream."""
    text = response.text
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    return json.loads(data[-1] if data else text)["result"]


async def test_a_client_that_can_only_open_web_pages_is_not_asked() -> None:
    async with served() as (url, sandbox), httpx.AsyncClient(headers=HEADERS, timeout=20) as http:
        product = sandbox.dump()["products"][0]["_id"]
        call_params = {"name": "delete_product", "arguments": {"product_id": product}}
        capabilities: dict[str, Any] = {"elicitation": {"url": {}}}
        hello = await http.post(url, json=message("initialize", {**HELLO, "capabilities": capabilities}))
        session = {"Mcp-Session-Id": hello.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        await http.post(url, json=ready, headers=session)
        older = await http.post(url, json=message("tools/call", call_params), headers=session)
        meta: dict[str, Any] = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": HELLO["clientInfo"],
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        }
        newer = await http.post(
            url,
            json=message("tools/call", {**call_params, "_meta": meta}),
            headers={
                "MCP-Protocol-Version": "2026-07-28",
                "Mcp-Method": "tools/call",
                "Mcp-Name": "delete_product",
            },
        )
        for answer in (older, newer):
            result = result_in(answer)
            assert result["isError"] is True
            assert "this client cannot ask for it. Nothing was changed." in result["content"][0]["text"]
        assert [line for line in sandbox.requests.lines() if not line.startswith("GET ")] == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "shop.example.com"}, 421),
        ({"Host": "127.0.0.1.example.com:80"}, 421),
        ({"Origin": "https://shop.example.com"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_over_http_only_this_machine_is_answered(headers: dict[str, str], status: int) -> None:
    async with served() as (url, _), httpx.AsyncClient(headers=HEADERS, timeout=20) as http:
        hello = message("initialize", {**HELLO, "capabilities": {}})
        assert (await http.post(url, json=hello, headers=headers)).status_code == status


class BrokenClient(ProductsClient):
    """A client with a fault in it."""

    async def get_product(self, **_: Any) -> Any:
        raise RuntimeError("secret pit-1 at https://internal.example.com")

    async def create_product(self, **_: Any) -> Any:
        raise RuntimeError("secret pit-1 at https://internal.example.com")


class BrokenConnection(Connection):
    """A connection whose client has a fault."""

    @property
    def client(self) -> ProductsClient:
        return BrokenClient(base_url="http://127.0.0.1:9", token="pit-1", location_id="loc")


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("get_product", {"product_id": "p"}, "Nothing was changed. The server's log says more."),
        ("delete_product", {"product_id": "p"}, "Nothing was changed. The server's log says more."),
        (
            "create_product",
            {"name": "Lamp", "product_type": "PHYSICAL"},
            "It is not known whether anything was changed: read the shop before you call again. "
            "The server's log says more.",
        ),
    ],
)
async def test_a_fault_of_this_server_gives_nothing_of_the_inside_away(
    era: Era, name: str, arguments: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(confirmation="off")
    server = build_server(settings, connection=BrokenConnection(settings))
    async with Client(server, mode=era) as client:
        result = await call(client, name, **arguments)
    assert result.is_error
    assert text_of(result) == f"{name} failed because of a fault in this server. {words}"
    # Once, and with its cause: whoever runs the server has to find it.
    (logged,) = [record for record in caplog.records if record.exc_info]
    assert "RuntimeError: secret" in caplog.text
    assert name in logged.getMessage()


async def test_a_live_connection_is_made_by_the_first_call_and_closed_with_the_server() -> None:
    settings = Settings.model_validate(
        {"access_token": "pit-1", "location_id": "loc1", "base_url": "http://127.0.0.1:9"}
    )
    connection = Connection(settings)
    await connection.aclose()
    async with Client(build_server(settings, connection=connection)) as client:
        result = await call(client, "list_products")
    assert text_of(result) == (
        "The API could not be reached for GET /products/ (ConnectError). "
        "Check the network and the base URL, then try again."
    )


async def test_the_embedded_shop_is_made_by_the_first_call_and_closed_with_the_server() -> None:
    settings = Settings(sandbox=True)
    connection = Connection(settings)
    for _ in range(2):
        async with Client(build_server(settings, connection=connection)) as client:
            made = await call(client, "create_collection", name="Once")
            assert not made.is_error
            again = await call(client, "create_collection", name="Once")
            assert "slug already exists" in text_of(again)
