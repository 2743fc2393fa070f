"""A real MCP client on our server on the sandbox, as the tests of the tools use it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp_types import (
    CallToolResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    TextContent,
)
from other_api import Between, OtherConnection

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.seed import ShopChoice
from hoopai_products_mcp.server.app import Connection, build_server
from hoopai_products_mcp.server.settings import Settings

Era = Literal["legacy", "2026-07-28"]
ERAS: tuple[Era, ...] = ("2026-07-28", "legacy")
"""Both protocol eras: questions as rounds of one call, and questions from the server to the client."""

Answer = Callable[[str], ElicitResult | ErrorData] | Callable[[str], Awaitable[ElicitResult]]
"""What is answered to a question; an error is a client that fails to put it."""


def yes(_: str) -> ElicitResult:
    """A person who ticks the box."""
    return ElicitResult(action="accept", content={"confirm": True})


def unticked(_: str) -> ElicitResult:
    """A person who sends the form without the tick."""
    return ElicitResult(action="accept", content={"confirm": False})


def no(_: str) -> ElicitResult:
    """A person who declines."""
    return ElicitResult(action="decline")


def closed(_: str) -> ElicitResult:
    """A person, or a host without one, who closes the question."""
    return ElicitResult(action="cancel")


@dataclass
class ShopSession:
    """A client, the sandbox behind the server, and the questions that were put."""

    client: Client
    sandbox: Sandbox
    questions: list[str] = field(default_factory=list[str])

    async def call(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed; its structured content, which the text repeats."""
        result = await self.result(name, **arguments)
        assert not result.is_error, text_of(result)
        assert result.structured_content is not None
        return result.structured_content

    async def refused(self, name: str, /, **arguments: Any) -> str:
        """Call a tool that must fail; what it says."""
        result = await self.result(name, **arguments)
        assert result.is_error, result.structured_content
        return text_of(result)

    async def result(self, name: str, /, **arguments: Any) -> CallToolResult:
        """Call a tool."""
        result = await self.client.call_tool(name, arguments)
        assert isinstance(result, CallToolResult)
        return result

    def sent(self) -> list[str]:
        """The requests that reached the API so far, such as `GET /products/?limit=25`."""
        return self.sandbox.requests.lines()

    def writes(self) -> list[str]:
        """The requests among them that can change the shop."""
        return [line for line in self.sent() if not line.startswith("GET ")]


def text_of(result: CallToolResult) -> str:
    """The text of a result that is one text."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@asynccontextmanager
async def shop_session(
    answer: Answer | None = None,
    *,
    era: Era = "2026-07-28",
    shop: ShopChoice = "demo",
    settings: Mapping[str, Any] | None = None,
    between: Between | None = None,
) -> AsyncGenerator[ShopSession]:
    """A session in memory. `answer` puts the client's person in; without it the client cannot be asked.
    `between` makes the API another than the sandbox."""
    app = create_app(shop=shop, rate_limit=0)
    chosen = Settings.model_validate({"sandbox": True, **(settings or {})})
    connection = OtherConnection(app, between) if between else Connection(chosen, sandbox_app=app)
    server = build_server(chosen, connection=connection)
    questions: list[str] = []

    async def elicit(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult | ErrorData:
        del context
        assert isinstance(params, ElicitRequestFormParams)
        assert answer is not None
        questions.append(params.message)
        given = answer(params.message)
        return given if isinstance(given, ElicitResult | ErrorData) else await given

    try:
        async with Client(server, mode=era, elicitation_callback=elicit if answer else None) as client:
            yield ShopSession(client, sandbox_of(app), questions)
    finally:
        sandbox_of(app).close()
