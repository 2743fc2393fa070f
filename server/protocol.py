"""What the protocol asks of a server and the SDK leaves open: unknown tools and cursors are invalid parameters, every
revision that is served is named, and an answer that does not count says so where a model can read it."""

import difflib
from collections.abc import Collection
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.server.request_state import RequestStateBoundary
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, TextContent
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from .resource_uris import GUIDES

_LISTS = frozenset({"tools/list", "resources/list", "resources/templates/list", "prompts/list"})


def strict_parameters(tool_names: Collection[str]) -> ServerMiddleware[Any]:
    """Middleware that answers -32602 to a tool that is not offered and to a cursor that was never given out."""

    async def middleware(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        parameters = ctx.params or {}
        if ctx.method in _LISTS and parameters.get("cursor") is not None:
            raise MCPError(code=INVALID_PARAMS, message="Unknown cursor: this list has one page only.")
        name = parameters.get("name")
        if ctx.method == "tools/call" and isinstance(name, str) and name not in tool_names:
            near = difflib.get_close_matches(name, tool_names, n=1)
            hint = f" Did you mean {near[0]}?" if near else " tools/list names those that are offered."
            raise MCPError(code=INVALID_PARAMS, message=f"Unknown tool: {name[:100]!r}.{hint}")
        return await call_next(ctx)

    return middleware


REVISIONS = [*reversed(MODERN_PROTOCOL_VERSIONS), *reversed(HANDSHAKE_PROTOCOL_VERSIONS)]
"""The revisions of the protocol that are served, the newest first."""


async def every_revision(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware that has `server/discover` name the revisions with a handshake too.

    Clients look in the list for the newest revision they know; one that knows only older ones learns from it that a
    handshake will do.
    """
    result = await call_next(ctx)
    if ctx.method == "server/discover" and isinstance(result, dict):
        return {**result, "supportedVersions": REVISIONS}
    return result


HOUR_MS = 3_600_000


async def lasting_guides(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware that lets guides be kept, which stay the same for a caller, and not what is read of the shop.

    The SDK's hints are for a method as a whole.
    """
    result = await call_next(ctx)
    read = ctx.method == "resources/read" and str((ctx.params or {}).get("uri", "")).startswith(GUIDES)
    if read and isinstance(result, dict) and "ttlMs" in result:
        return {**result, "ttlMs": HOUR_MS}
    return result


INVALID_STATE = (
    "This answer does not count: it was altered, or belongs to another call, or its question is forgotten. "
    "Nothing was changed. Make the call again, without the old state, to ask anew."
)


def add_readable_states(server: MCPServer[Any]) -> None:
    """Let a refused state end in a result: several hosts hide the SDK's protocol error from the model."""

    async def middleware(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        try:
            return await call_next(ctx)
        except MCPError as error:
            data = error.error.data
            if ctx.method != "tools/call" or not isinstance(data, dict):
                raise
            if data.get("reason") != "invalid_request_state":  # pyright: ignore[reportUnknownMemberType]
                raise
            return CallToolResult(content=[TextContent(type="text", text=INVALID_STATE)], is_error=True)

    boundary = next(
        place for place, entry in enumerate(server.middleware) if isinstance(entry, RequestStateBoundary)
    )
    server.middleware.insert(boundary, middleware)
