"""Scripted merchants: real clients, of both eras, with and without questions, that remember what they agreed to and
what they were told."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import httpx2
from deeds import Deed, Told
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ElicitRequestFormParams, ElicitRequestParams, ElicitResult, TextContent
from processes import KEYS
from shop_session import Era, no, yes

NOTHING_CHANGED = "Nothing was changed"
NOT_KNOWN = "It is not known whether anything was changed"
SECONDS_FOR_A_CALL = 90

Answer = Callable[[str], Awaitable[ElicitResult]]
Server = str | StdioServerParameters


@asynccontextmanager
async def conversation(
    server: Server, answer: Answer | None, *, era: Era, key: str = ""
) -> AsyncGenerator[Client]:
    """A client at this address, or with a server process of its own. Without `answer` it cannot be asked."""

    async def elicit(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        del context
        assert isinstance(params, ElicitRequestFormParams)
        assert answer is not None
        return await answer(params.message)

    callback = elicit if answer else None
    if isinstance(server, StdioServerParameters):
        async with Client(server, mode=era, elicitation_callback=callback) as client:
            yield client
        return
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx2.AsyncClient(headers=headers, timeout=SECONDS_FOR_A_CALL) as http:
        transport = streamable_http_client(server, http_client=http)
        async with Client(transport, mode=era, elicitation_callback=callback) as client:
            yield client


def text_in(result: CallToolResult) -> str:
    """All text of a result."""
    return "\n".join(content.text for content in result.content if isinstance(content, TextContent))


def content_of(result: CallToolResult) -> dict[str, Any]:
    """The structured content of a result, empty where there is none."""
    return result.structured_content or {}


def told_by(result: CallToolResult) -> Told:
    """What a result says of its write."""
    if result.is_error:
        text = text_in(result)
        if NOT_KNOWN in text:
            return Told.UNKNOWN
        return Told.NOT_DONE if NOTHING_CHANGED in text else Told.UNWORDED
    content = content_of(result)
    if content.get("status") == "confirmation_required":
        return Told.SHOWN
    if "of" in content.get("change", {}) or content.get("done") is False:
        return Told.PARTLY
    return Told.DONE


@dataclass
class Merchant:
    """One who has deeds done. `asks` is whether their client can put questions; else they agree by token."""

    server: Server
    era: Era
    asks: bool
    person: str = "person-0"
    heard: list[str] = field(default_factory=list[str])
    """All that the server has said to them."""
    calls: int = 0
    broken: int = 0
    """Conversations that ended without an answer."""
    ready: Callable[[], Awaitable[None]] | None = None
    """What they wait for before each deed."""

    @property
    def key(self) -> str:
        return KEYS[self.person]

    async def work(self, deeds: Sequence[Deed], *, at_once: int = 3) -> None:
        """Have them all done, a few at once; an undoing after what it takes back."""
        waiting = anyio.Semaphore(at_once)

        async def one(deed: Deed) -> None:
            async with waiting:
                await self.carry_out(deed)
            for later in deeds:
                if later.undoes is deed and deed.change_id is not None and deed.told is Told.DONE:
                    later.arguments["change_id"] = deed.change_id
                    async with waiting:
                        await self.carry_out(later)

        async with anyio.create_task_group() as tasks:
            for deed in deeds:
                if deed.undoes is None:
                    tasks.start_soon(one, deed)

    async def carry_out(self, deed: Deed) -> None:
        """One deed, in a conversation of its own."""

        async def answer(question: str) -> ElicitResult:
            self.hear(deed, question)
            if not deed.agreed:
                return no(question)
            deed.yes += 1
            return yes(question)

        if self.ready is not None:
            await self.ready()
        deed.called = True
        try:
            async with self.talking(answer if self.asks else None) as client:
                result = await self.called(client, deed.tool, deed.arguments)
                told = told_by(result)
                token = content_of(result).get("confirmation_token")
                if told is Told.SHOWN and deed.agreed and token:
                    deed.yes += 1
                    result = await self.called(
                        client, deed.tool, {**deed.arguments, "confirmation_token": token}
                    )
                    told = told_by(result)
        except Exception as error:
            self.broken += 1
            self.hear(deed, *_texts(error))
            return
        self.hear(deed, text_in(result))
        deed.told = told
        deed.change_id = content_of(result).get("change", {}).get("id")

    async def read(self, tool: str, /, **arguments: Any) -> CallToolResult | None:
        """A call that only reads; None when its conversation broke off."""
        try:
            async with self.talking(None) as client:
                result = await self.called(client, tool, arguments)
        except Exception as error:
            self.broken += 1
            self.heard += _texts(error)
            return None
        self.heard.append(text_in(result))
        return result

    @asynccontextmanager
    async def talking(self, answer: Answer | None) -> AsyncGenerator[Client]:
        """A conversation that ends."""
        with anyio.fail_after(SECONDS_FOR_A_CALL):
            async with conversation(self.server, answer, era=self.era, key=self.key) as client:
                yield client

    async def called(self, client: Client, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool."""
        self.calls += 1
        result = await client.call_tool(tool, arguments)
        assert isinstance(result, CallToolResult)
        return result

    def hear(self, deed: Deed, *texts: str) -> None:
        """Remember what was said of a deed."""
        deed.said += texts
        self.heard += texts


def _texts(error: BaseException) -> list[str]:
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [text for inner in group.exceptions for text in _texts(inner)]
    return [f"{type(error).__name__}: {error}"]


def four_kinds(server: Server) -> list[Merchant]:
    """Both eras, with and without questions."""
    return [
        Merchant(server, "2026-07-28", asks=True, person="person-0"),
        Merchant(server, "legacy", asks=True, person="person-1"),
        Merchant(server, "2026-07-28", asks=False, person="person-2"),
        Merchant(server, "legacy", asks=False, person="person-3"),
    ]
