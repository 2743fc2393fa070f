"""Calls that the command line makes through a client of its own, inside the process.

A change taken back here goes the way of every other one: planned, checked against the policy, asked, written down.
"""

import logging
import signal
from importlib.metadata import version
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    Implementation,
    TextContent,
)

from ..guard.question import ASK_AGAIN, CONFIRM, TYPED, same_words
from ..tools.undoing import ASK_WITH
from .app import build_server
from .command_parser import FAILED, PROGRAM, CommandError, say
from .connection import Connection
from .guarding import Guarding
from .plan_text import plainly
from .profiles import Profile
from .ready import require_shop
from .terminal import ask, named, show, user_name, wrapped

_HOW = "\n\nTo go ahead,"
"""What the last part of a question begins with (`guard/question.py`)."""
_BULLET = "• "
"""What an item of a plan begins with (`guard/plan.py`)."""


def location_of(shop: Profile) -> str:
    """The location of a shop.

    Raises:
        CommandError: there is none.
    """
    require_shop(shop.settings)
    return Connection(shop.settings, profile=shop).location_id


def undo(shop: Profile, change_id: str, *, on_conflict: str) -> int:
    """Take a change back, asking the person at the terminal; the exit code."""
    require_shop(shop.settings)
    if shop.settings.read_only:
        if shop.name:
            raise CommandError(f"the shop {shop.words} is set to read only. Nothing was changed.")
        raise CommandError("this server is set to read only (HOOPAI_READ_ONLY). Nothing was changed.")
    if shop.name:
        show(f"Shop {shop.words}", "")
    arguments = {"change_id": change_id, "on_conflict": on_conflict}
    (result,) = _calls(shop, "undo_change", [arguments])
    if result.is_error:
        say(_text(result))
        return FAILED
    content: dict[str, Any] = dict(result.structured_content or {})
    done: bool = content.pop("done", False) is True
    content["change"] = content.get("change", {}).get("id")
    show(
        "Undone." if done else "Not undone, or only in part.",
        *named([(key.replace("_", " "), value and plainly(value)) for key, value in content.items()]),
    )
    return 0 if done else FAILED


def reconcile(shop: Profile, change_ids: list[str]) -> int:
    """Have each change settled from what the shop shows; how many of them stay unknown."""
    results = _calls(shop, "get_change", [{"change_id": change_id} for change_id in change_ids])
    left = 0
    for result in results:
        if result.is_error:
            say(_text(result))
        content: dict[str, Any] = result.structured_content or {}
        left += content.get("outcome", "unknown") == "unknown"
    return left


def _calls(shop: Profile, tool: str, calls: list[dict[str, Any]]) -> list[CallToolResult]:
    # Whoever sits at this terminal is asked, also where a server of these settings would not ask, and is offered what
    # such a server would leave out. They see that it takes its time.
    mine = shop.settings.model_copy(update={"confirmation": "ask", "toolsets": ("changes",), "patience": 0})
    # The commands themselves tell what became of a change; the SDK would show the log of it in tables.
    logging.basicConfig(level=logging.ERROR, format=f"{PROGRAM}: %(message)s")

    async def make() -> list[CallToolResult]:
        found: list[CallToolResult] = []
        client_info = Implementation(name=f"{PROGRAM} changes ({user_name()})", version=version(PROGRAM))
        guarding = Guarding(mine)
        connection = Connection(mine, store=guarding.store, profile=shop)
        server = build_server(mine, connection=connection, guarding=guarding)
        async with Client(server, elicitation_callback=_person, client_info=client_info) as client:
            for arguments in calls:
                found.append(await client.call_tool(tool, arguments))
        return found

    try:
        return anyio.run(make)
    except MCPError as error:
        raise CommandError(error.error.message) from None


async def _person(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    """The person at the terminal. Nothing else happens in this process while they think."""
    del context
    if not isinstance(params, ElicitRequestFormParams):
        return ElicitResult(action="cancel")
    told, start, end = params.message.rpartition(_HOW)
    show(*(_line(line) for line in told.splitlines()), "")
    fields = params.requested_schema.get("properties", {})
    typed = TYPED in fields
    # The event loop's own handler would only take note of a first Ctrl-C, and the person would go on being asked.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        answer = ask(wrapped(start + end) if typed else f"{_HOW.strip()} type: yes")
    except KeyboardInterrupt:
        show("")
        answer = None
    finally:
        signal.signal(signal.SIGINT, before)
    if not answer:
        return ElicitResult(action="cancel")
    if typed:
        return ElicitResult(action="accept", content={TYPED: answer})
    if same_words(answer, "yes"):
        return ElicitResult(action="accept", content={CONFIRM: True})
    return ElicitResult(action="decline")


def _line(line: str) -> str:
    return wrapped(line, first="  ", then="    " if line.startswith(_BULLET) else "  ")


def _text(result: CallToolResult) -> str:
    """What a call said, without what it says to a model: here is the person whom that one would ask."""
    said = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
    said = said.replace(ASK_AGAIN, "").replace(ASK_WITH, "Try again with --on-conflict")
    return "\n".join(wrapped(line) for line in said.splitlines())
