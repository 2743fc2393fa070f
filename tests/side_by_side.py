"""Several servers on one shop or one store, rounds of a call made by hand, and what a client answers them."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types import (
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    InputRequiredResult,
    InputResponses,
)
from other_api import Between, OtherConnection
from shop_session import Answer, Era, ShopSession, yes
from starlette.applications import Starlette

from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.sandbox.app import sandbox_of
from hoopai_products_mcp.sandbox.transport import SandboxTransport
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.connection import Connection
from hoopai_products_mcp.server.guarding import Guarding
from hoopai_products_mcp.server.settings import Settings

Arguments = dict[str, Any]


class ElsewhereConnection(Connection):
    """A connection to the shop of another location."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(Settings(sandbox=True))
        sandbox = sandbox_of(app)
        self._location = sandbox.location_id
        self._elsewhere = ProductsClient(
            base_url="http://sandbox.invalid",
            token=sandbox.token,
            location_id=sandbox.location_id,
            transport=SandboxTransport(app),
        )

    @property
    def location_id(self) -> str:
        return self._location

    @property
    def client(self) -> ProductsClient:
        return self._elsewhere

    async def aclose(self) -> None:
        await self._elsewhere.aclose()


@asynccontextmanager
async def server_on(
    app: Starlette,
    answer: Answer | None = None,
    *,
    era: Era = "2026-07-28",
    settings: Mapping[str, Any] | None = None,
    lifetime_seconds: float = 600.0,
    between: Between | None = None,
    caller: str | None = None,
    waiting_seconds: float = 20.0,
) -> AsyncGenerator[ShopSession]:
    """A session with a server of its own on a shop that others work on too. Servers with the same `data_dir` among
    their settings share a store. `caller` is who is authenticated."""
    chosen = Settings.model_validate({"sandbox": True, **(settings or {})})
    connection = OtherConnection(app, between) if between else ElsewhereConnection(app)
    guarding = Guarding(
        chosen, lifetime_seconds=lifetime_seconds, pause_seconds=0, waiting_seconds=waiting_seconds
    )
    server = build_server(chosen, connection=connection, guarding=guarding)
    questions: list[str] = []

    async def authenticate(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        user = AuthenticatedUser(AccessToken(token="t", client_id=str(caller), scopes=[]))
        before = auth_context_var.set(user)
        try:
            return await call_next(ctx)
        finally:
            auth_context_var.reset(before)

    if caller is not None:
        server.middleware.insert(0, authenticate)

    async def elicit(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult | ErrorData:
        del context
        assert isinstance(params, ElicitRequestFormParams)
        assert answer is not None
        questions.append(params.message)
        given = answer(params.message)
        return given if isinstance(given, ElicitResult | ErrorData) else await given

    async with Client(server, mode=era, elicitation_callback=elicit if answer else None) as client:
        yield ShopSession(client, sandbox_of(app), guarding.store, questions)


async def round_of(
    session: ShopSession,
    name: str,
    arguments: Arguments,
    state: str | None = None,
    responses: InputResponses | None = None,
) -> CallToolResult | InputRequiredResult:
    """One round of a call, as the newer era makes them."""
    return await session.client.session.call_tool(
        name, arguments, input_responses=responses, request_state=state, allow_input_required=True
    )


def opened(asked: CallToolResult | InputRequiredResult, answer: Answer = yes) -> tuple[str, InputResponses]:
    """The state of a question, and the answer to it."""
    assert isinstance(asked, InputRequiredResult), asked
    assert asked.input_requests is not None
    assert asked.request_state is not None
    ((key, request),) = asked.input_requests.items()
    assert isinstance(request, ElicitRequest)
    given = answer(request.params.message)
    assert isinstance(given, ElicitResult)
    return asked.request_state, {key: given}


async def question_of(
    session: ShopSession, name: str, arguments: Arguments, answer: Answer = yes
) -> tuple[str, InputResponses]:
    """The state of a call that asks, and the answer to it, a yes unless told otherwise."""
    return opened(await round_of(session, name, arguments), answer)


def words_of(asked: InputRequiredResult) -> str:
    """What a person is shown."""
    assert asked.input_requests is not None
    ((_, request),) = asked.input_requests.items()
    assert isinstance(request, ElicitRequest)
    return request.params.message


async def journaled(session: ShopSession) -> int:
    """How many changes the journal holds."""
    changes, count = await session.store.use(lambda store: store.journal.list(location=None))
    assert len(changes) == min(count, 25)
    return count


async def only_change(session: ShopSession) -> str:
    """The id of the one change that the journal holds."""
    ((change,), _) = await session.store.use(lambda store: store.journal.list(location=None))
    return change.id


def content_of(result: CallToolResult) -> dict[str, Any]:
    """The structured content of a result that has one."""
    content: dict[str, Any] | None = result.structured_content
    assert content is not None, result.content
    return content


MEANWHILE = 0.4
"""Seconds in which a call that need not wait would have ended."""


class Calls:
    """Calls under way, and their results by name."""

    def __init__(self) -> None:
        self.results: dict[str, CallToolResult] = {}

    async def make(self, name: str, session: ShopSession, tool: str, arguments: Arguments) -> None:
        self.results[name] = await session.result(tool, **arguments)

    async def ended(self, name: str) -> CallToolResult:
        with anyio.fail_after(20):
            while name not in self.results:
                await anyio.lowlevel.checkpoint()
        return self.results[name]

    async def waits(self, name: str) -> bool:
        """Whether a call is still under way after some time."""
        with anyio.move_on_after(MEANWHILE):
            while name not in self.results:
                await anyio.lowlevel.checkpoint()
        return name not in self.results
