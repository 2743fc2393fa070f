"""The servers that are compared, and how each is started."""

import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bare_server
from mcp.client.stdio import StdioServerParameters
from mcp.server import Server
from mcp.server.mcpserver import MCPServer
from upstream import Upstream

from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.settings import Settings

HERE = Path(__file__).parent
OFFICIAL_FILE = HERE.parents[1] / "shared" / "api" / "products.openapi.json"


@dataclass(frozen=True)
class Call:
    """One call of a tool."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """A server to measure: the same upstream behind it, the same answer asked of it."""

    name: str
    stdio: StdioServerParameters
    http: Callable[[int], list[str]]
    """The command that serves HTTP on a port."""
    in_memory: Callable[[], Server[Any] | MCPServer[Any]]
    get_price: Call
    list_products: Call | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


def ours(upstream: Upstream) -> Subject:
    """This project, as its users start it."""
    command = str(Path(sysconfig.get_path("scripts")) / "hoopai-products-mcp")
    settings = {
        "base_url": upstream.base_url,
        "access_token": upstream.token,
        "location_id": upstream.location_id,
    }
    environment = {f"HOOPAI_{name.upper()}": value for name, value in settings.items()}
    return Subject(
        name="this server",
        stdio=StdioServerParameters(command=command, env=environment),
        http=lambda port: [command, "--transport", "http", "--port", str(port)],
        in_memory=lambda: build_server(Settings.model_validate(settings)),
        get_price=Call("get_price", {"product_id": upstream.product_id, "price_id": upstream.price_id}),
        list_products=Call("list_products", {"limit": 100}),
        environment=environment,
    )


def bare_sdk(upstream: Upstream) -> Subject:
    """The official SDK with one trivial tool."""
    access = (upstream.base_url, upstream.token, upstream.location_id)
    command = [sys.executable, str(HERE / "bare_server.py"), *access]
    return Subject(
        name="bare SDK",
        stdio=StdioServerParameters(command=command[0], args=command[1:]),
        http=lambda port: [*command, str(port)],
        in_memory=lambda: bare_server.build_server(*access),
        get_price=Call("get_price", {"product_id": upstream.product_id, "price_id": upstream.price_id}),
    )


def fastmcp(upstream: Upstream) -> Subject | None:
    """FastMCP on the official description of the API; None where that file is not at hand."""
    if not OFFICIAL_FILE.exists():
        return None
    access = (upstream.base_url, upstream.token)
    command = [sys.executable, str(HERE / "fastmcp_server.py"), *access, str(OFFICIAL_FILE)]

    def in_memory() -> Server[Any]:
        from fastmcp_server import build_server

        # The SDK's server inside it, so that the SDK's client reaches all three in the same way.
        return build_server(*access, OFFICIAL_FILE)._mcp_server

    always = {"Version": "2021-07-28", "locationId": upstream.location_id}
    return Subject(
        name="FastMCP",
        stdio=StdioServerParameters(command=command[0], args=command[1:]),
        http=lambda port: [*command, str(port)],
        in_memory=in_memory,
        get_price=Call(
            "get_price_by_id_for_product",
            {**always, "productId": upstream.product_id, "priceId": upstream.price_id},
        ),
        # The official file calls the operation that lists products so.
        list_products=Call("list_invoices", {**always, "limit": 100, "offset": 0}),
    )
