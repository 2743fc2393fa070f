"""What the protocol asks of a server and the SDK leaves open: unknown tools and cursors are invalid parameters."""

import difflib
from collections.abc import Collection
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

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
