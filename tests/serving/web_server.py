"""Our server over HTTP on a socket of this machine, the shop behind it, and clients that say who they are."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, Literal

import httpx
import httpx2
import uvicorn
from listeners import Ears
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    CallToolResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    TextContent,
)
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from hoopai_products_mcp.guard.store import Store
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.server import running_server
from hoopai_products_mcp.server.settings import Settings
from hoopai_products_mcp.server.streamable_http import HttpApp, Server, config_of, http_app

Era = Literal["legacy", "2026-07-28"]
ERAS: tuple[Era, ...] = ("2026-07-28", "legacy")

ANN = "ann-has-an-invented-key-000000001"
BOB = "bob-has-an-invented-key-000000002"
KEYS: dict[str, Any] = {"http_auth": "key", "http_keys": f"ann={ANN},bob={BOB}"}

HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
TYPE_THIS = "To go ahead, type: "


def yes(question: str) -> ElicitResult:
    """A person who agrees: types what is asked for, or ticks the box."""
    last = question.splitlines()[-1]
    if last.startswith(TYPE_THIS):
        return ElicitResult(action="accept", content={"typed": last.removeprefix(TYPE_THIS)})
    return ElicitResult(action="accept", content={"confirm": True})


@dataclass
class Served:
    """A server that is running, and the shop behind it."""

    url: str
    sandbox: Sandbox
    made: HttpApp
    server: uvicorn.Server
    upstream: list[dict[str, str]]
    """The headers of every request that reached the API."""

    @property
    def address(self) -> str:
        """Where it is, without a path."""
        return self.url.removesuffix("/mcp")

    def writes(self) -> list[str]:
        """The requests that can change the shop."""
        return [line for line in self.sandbox.requests.lines() if not line.startswith("GET ")]


@asynccontextmanager
async def served(
    *, rate_limit: int = 0, rate_interval_seconds: float = 10.0, **settings: Any
) -> AsyncGenerator[Served]:
    """A server with these settings on a free port; its shop is a real API on another, with this limit."""
    app = create_app(rate_limit=rate_limit, rate_interval_seconds=rate_interval_seconds)
    upstream: list[dict[str, str]] = []
    listening = socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"

    class Listening:
        """Middleware that remembers headers."""

        def __init__(self, app: Any) -> None:
            self._app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                upstream.append({key.decode(): value.decode() for key, value in scope["headers"]})
            await self._app(scope, receive, send)

    app.add_middleware(Listening)
    async with running_server(app) as shop:
        chosen = Settings.model_validate(
            {
                "access_token": TOKEN,
                "location_id": LOCATION_ID,
                "base_url": shop,
                "transport": "http",
                "public_url": f"{address}/mcp",
                **settings,
            }
        )
        made = http_app(chosen, address)
        try:
            async with running(made, chosen, listening) as server:
                yield Served(f"{address}/mcp", sandbox_of(app), made, server, upstream)
        finally:
            sandbox_of(app).close()


@asynccontextmanager
async def running(made: HttpApp, settings: Settings, listening: socket) -> AsyncGenerator[uvicorn.Server]:
    """What is served, on a socket."""
    server = Server(config_of(made.app), made.under_way, seconds=settings.http_stop_seconds)
    serving = asyncio.create_task(server._serve([listening]))  # pyright: ignore[reportPrivateUsage]
    try:
        while not server.started:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)
        yield server
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def served_shops(file: Path, apps: Mapping[str, Starlette], **settings: Any) -> AsyncGenerator[str]:
    """A server with embedded shops of such a file on a free port; its address."""
    listening = socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    chosen = Settings.model_validate(
        {
            "sandbox": True,
            "shops_file": file,
            "transport": "http",
            "public_url": f"{address}/mcp",
            "http_rate": 0,
            **settings,
        }
    )
    assert not list(chosen.conflicts())
    made = http_app(chosen, address, sandbox_apps=apps)
    try:
        async with running(made, chosen, listening):
            yield f"{address}/mcp"
    finally:
        for app in apps.values():
            sandbox_of(app).close()


@asynccontextmanager
async def connected(
    url: str,
    token: str | None = None,
    *,
    era: Era = "2026-07-28",
    asked: list[str] | None = None,
    ears: Ears | None = None,
) -> AsyncGenerator[Client]:
    """A real client with this token. With `asked`, its person agrees to everything, and the questions are kept. `ears`
    hear what it is told."""

    async def elicit(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        del context
        assert isinstance(params, ElicitRequestFormParams)
        assert asked is not None
        asked.append(params.message)
        return yes(params.message)

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(
            transport,
            mode=era,
            elicitation_callback=elicit if asked is not None else None,
            message_handler=ears.message if ears is not None else None,
        ) as client:
            yield client


async def call(client: Client, name: str, /, **arguments: Any) -> dict[str, Any]:
    """Call a tool that must succeed; its structured content."""
    result = await result_of(client, name, **arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def refused(client: Client, name: str, /, **arguments: Any) -> str:
    """Call a tool that must fail; what it says."""
    result = await result_of(client, name, **arguments)
    assert result.is_error, result.structured_content
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def result_of(client: Client, name: str, /, **arguments: Any) -> CallToolResult:
    """Call a tool."""
    result = await client.call_tool(name, arguments)
    assert isinstance(result, CallToolResult)
    return result


async def first_product(client: Client) -> dict[str, Any]:
    """The first product of the shop."""
    (product,) = (await call(client, "list_products", limit=1))["items"]
    return product


async def visible_product(client: Client) -> str:
    """The id of a product that customers see."""
    items = (await call(client, "list_products", limit=50))["items"]
    return next(item["id"] for item in items if item["available_in_store"])


def message(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """A request of the newer era as it is on the wire."""
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    given = params or {}
    return {
        "jsonrpc": "2.0",
        "id": 7,
        "method": method,
        "params": {**given, "_meta": {**meta, **given.get("_meta", {})}},
    }


async def post(
    url: str, method: str | None = None, params: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    """Send one request by hand, `tools/list` unless told otherwise; a header is named with `_` for `-`."""
    more = {key.replace("_", "-"): value for key, value in headers.items()}
    method = method or "tools/list"
    named = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
    if params and "name" in params:
        named["Mcp-Name"] = str(params["name"])
    async with httpx.AsyncClient(headers={**HEADERS, **named}, timeout=30) as http:
        return await http.post(url, content=json.dumps(message(method, params)), headers=more)


def journaled(url: str) -> list[tuple[str, str, str | None]]:
    """Of every change in the store at this address: who made it, by which road, and its outcome; oldest first."""
    store = Store(url)
    changes, _ = store.open().journal.list(location=None)
    found = [
        (change.caller, change.road, change.outcome and change.outcome.outcome)
        for change in reversed(changes)
    ]
    store.close()
    return found
