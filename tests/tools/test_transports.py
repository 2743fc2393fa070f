"""The same server over a pipe and over HTTP, in both eras, and a fault inside it."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable
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
from shop_session import ERAS, Era, text_of, wanted, yes
from side_by_side import content_of
from starlette.applications import Starlette

from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.transport import SandboxTransport
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.connection import Connection
from hoopai_products_mcp.server.settings import Settings

pytestmark = pytest.mark.anyio

COMMAND = str(Path(sys.executable).parent / "hoopai-products-mcp")


class Person:
    """Types what is asked for, and remembers what was asked."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        del context
        assert isinstance(params, ElicitRequestFormParams)
        self.questions.append(params.message)
        return yes(params.message)


async def call(client: Client, name: str, /, **arguments: Any) -> CallToolResult:
    result = await client.call_tool(name, arguments)
    assert isinstance(result, CallToolResult)
    return result


async def first_product(client: Client) -> dict[str, Any]:
    (product,) = content_of(await call(client, "list_products", limit=1))["items"]
    return product


async def delete_first_product(client: Client, **more: Any) -> CallToolResult:
    return await call(client, "delete_product", product_id=(await first_product(client))["id"], **more)


async def two_steps(client: Client, writes: Callable[[], list[str]]) -> None:
    """Delete a product where nobody can be asked: the plan comes first, and only its token does it."""
    product = await first_product(client)
    first = content_of(await delete_first_product(client))
    assert first["status"] == "confirmation_required"
    assert first["next_step"].startswith(
        "Nothing was changed. Show the person this whole plan and ask them. To agree, they answer with: "
        f"{product['name']}. "
    )
    assert writes() == []
    assert (await first_product(client)) == product
    done = content_of(await delete_first_product(client, confirmation_token=first["confirmation_token"]))
    assert (done["deleted"], done["change"]["approved_by"]) == (True, "confirmation_token")
    assert (await first_product(client))["id"] != product["id"]


def written(sandbox: Sandbox) -> list[str]:
    return [line for line in sandbox.requests.lines() if not line.startswith("GET ")]


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
        product = await first_product(client)
        done = content_of(await delete_first_product(client))
        left = content_of(await call(client, "list_products", limit=1))
    assert (done["deleted"], done["id"], done["change"]["approved_by"]) == (True, product["id"], "person")
    assert left["total"] == 59
    (question,) = person.questions
    assert wanted(question) == product["name"]


@pytest.mark.parametrize("era", ERAS)
async def test_over_a_pipe_a_client_that_cannot_ask_is_given_the_plan_and_its_token(era: Era) -> None:
    async with Client(StdioServerParameters(command=COMMAND, args=["--sandbox"]), mode=era) as client:
        # The shop is in the other process: what was written shows in the list alone.
        await two_steps(client, list)
        assert content_of(await call(client, "list_products", limit=1))["total"] == 59


@pytest.mark.parametrize("era", ERAS)
async def test_over_http_a_person_is_asked_and_the_deed_is_done(era: Era) -> None:
    person = Person()
    async with served() as (url, sandbox), Client(url, mode=era, elicitation_callback=person) as client:
        product = await first_product(client)
        done = content_of(await delete_first_product(client))
        assert (done["deleted"], done["change"]["approved_by"]) == (True, "person")
        assert written(sandbox) == [f"DELETE /products/{product['id']}"]
    (question,) = person.questions
    assert wanted(question) == product["name"]


async def test_over_http_without_sessions_the_newer_era_asks_and_the_older_is_given_a_token() -> None:
    person = Person()
    async with served(stateless=True) as (url, sandbox):
        async with Client(url, mode="legacy", elicitation_callback=person) as client:
            await two_steps(client, lambda: written(sandbox))
        assert person.questions == []
        assert len(written(sandbox)) == 1
        async with Client(url, mode="2026-07-28", elicitation_callback=person) as client:
            done = content_of(await delete_first_product(client))
    assert done["change"]["approved_by"] == "person"
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
            assert result["structuredContent"]["status"] == "confirmation_required"
            assert result["structuredContent"]["next_step"].startswith("Nothing was changed.")
            assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        assert written(sandbox) == []


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


SECRET = "secret pit-1 at https://internal.example.com"


class BrokenClient(ProductsClient):
    """A client with faults in it: in reading one product, before one creation is sent, and after another."""

    async def get_product(self, **_: Any) -> Any:
        raise RuntimeError(SECRET)

    async def create_product(self, **_: Any) -> Any:
        raise RuntimeError(SECRET)

    async def create_collection(self, **given: Any) -> Any:
        await super().create_collection(**given)
        raise RuntimeError(SECRET)


class BrokenConnection(Connection):
    """A connection whose client has faults."""

    def __init__(self, settings: Settings, app: Starlette) -> None:
        super().__init__(settings, sandbox_app=app)
        self._broken = BrokenClient(
            base_url="http://sandbox.invalid",
            token=TOKEN,
            location_id=LOCATION_ID,
            transport=SandboxTransport(app),
        )

    @property
    def client(self) -> ProductsClient:
        return self._broken


IN_A_DEED = "It failed because of a fault in this server; its log says more."


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        (
            "get_product",
            {"product_id": "p"},
            "get_product failed because of a fault in this server. Nothing was changed. "
            "The server's log says more.",
        ),
        (
            "delete_product",
            {"product_id": "p"},
            "delete_product failed because of a fault in this server. Nothing was changed. "
            "The server's log says more.",
        ),
        (
            "create_product",
            {"name": "Lamp", "product_type": "PHYSICAL"},
            f"{IN_A_DEED} Nothing was sent to the shop. Nothing was changed. (change {{}})",
        ),
        (
            "create_collection",
            {"name": "Lamps"},
            f"The API's answer was lost ({IN_A_DEED.removesuffix('.')}). Read back from the shop: it was done.",
        ),
    ],
)
async def test_a_fault_of_this_server_gives_nothing_of_the_inside_away(
    era: Era, name: str, arguments: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(rate_limit=0)
    settings = Settings(sandbox=True, confirmation="off")
    server = build_server(settings, connection=BrokenConnection(settings, app))
    async with Client(server, mode=era) as client:
        result = await call(client, name, **arguments)
        changes = content_of(await call(client, "list_changes"))["items"]
    said = content_of(result)["notes"][0] if name == "create_collection" else text_of(result)
    assert result.is_error is (name != "create_collection")
    assert said == words.format(*(change["id"] for change in changes))
    assert [change["outcome"] for change in changes] == {
        "create_product": ["not_done"],
        "create_collection": ["done"],
    }.get(name, [])
    assert [doc["name"] for doc in sandbox_of(app).dump()["collections"]].count("Lamps") == (
        name == "create_collection"
    )
    assert "secret" not in text_of(result)
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
