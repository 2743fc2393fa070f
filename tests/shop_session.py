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

from hoopai_products_mcp.guard.store import Store
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.seed import ShopChoice
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.connection import Connection
from hoopai_products_mcp.server.guarding import Guarding
from hoopai_products_mcp.server.settings import Settings

Era = Literal["legacy", "2026-07-28"]
ERAS: tuple[Era, ...] = ("2026-07-28", "legacy")
"""Both protocol eras: questions as rounds of one call, and questions from the server to the client."""

TYPE_THIS = "To go ahead, type: "
Answer = Callable[[str], ElicitResult | ErrorData] | Callable[[str], Awaitable[ElicitResult]]
"""What is answered to a question; an error is a client that fails to put it."""


def wanted(question: str) -> str | None:
    """What a question asks a person to type; None where a tick does."""
    last = question.splitlines()[-1]
    return last.removeprefix(TYPE_THIS) if last.startswith(TYPE_THIS) else None


def yes(question: str) -> ElicitResult:
    """A person who agrees: types what is asked for, or ticks the box."""
    typed = wanted(question)
    return ElicitResult(action="accept", content={"typed": typed} if typed else {"confirm": True})


def unticked(question: str) -> ElicitResult:
    """A person who sends the form without the tick, or with other words."""
    return ElicitResult(
        action="accept", content={"typed": "approved: yes"} if wanted(question) else {"confirm": False}
    )


def no(_: str) -> ElicitResult:
    """A person who declines."""
    return ElicitResult(action="decline")


def closed(_: str) -> ElicitResult:
    """A person, or a host without one, who closes the question."""
    return ElicitResult(action="cancel")


@dataclass
class ShopSession:
    """A client, the sandbox behind the server, the questions that were put, and the changes that were journaled."""

    client: Client
    sandbox: Sandbox
    store: Store
    questions: list[str] = field(default_factory=list[str])
    changes: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    async def call(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed; its structured content, which the text repeats, without what it says of
        the journal: that is added to `changes`."""
        result = await self.result(name, **arguments)
        assert not result.is_error, text_of(result)
        assert result.structured_content is not None
        content = dict(result.structured_content)
        if "change" in content:
            self.changes.append(content.pop("change"))
        return content

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

    def dump(self) -> dict[str, Any]:
        """The whole shop as data, for comparing it before and after."""
        return self.sandbox.dump()

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
    lifetime_seconds: float = 600.0,
    look_seconds: float = 600.0,
) -> AsyncGenerator[ShopSession]:
    """A session in memory. `answer` puts the client's person in; without it the client cannot be asked.
    `between` makes the API another than the sandbox. Questions and tokens are good for `lifetime_seconds`, and what
    other processes left open is looked for every `look_seconds`."""
    app = create_app(shop=shop, rate_limit=0)
    chosen = Settings.model_validate({"sandbox": True, **(settings or {})})
    connection = OtherConnection(app, between) if between else Connection(chosen, sandbox_app=app)
    guarding = Guarding(chosen, lifetime_seconds=lifetime_seconds, pause_seconds=0, look_seconds=look_seconds)
    server = build_server(chosen, connection=connection, guarding=guarding)
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
            yield ShopSession(client, sandbox_of(app), guarding.store, questions)
    finally:
        sandbox_of(app).close()
