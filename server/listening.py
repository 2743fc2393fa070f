"""Listening in the newer era, which the SDK serves by itself: to what a caller's own shops tell, and to no other's."""

from collections.abc import Mapping
from typing import Any, cast

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from .shops import Shops, UnknownShopError


def to_own_shops(shops: Shops) -> ServerMiddleware[Any]:
    """Middleware that lets nobody listen to a shop that is not there for them: whether it is would show."""

    async def middleware(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method == "subscriptions/listen":
            _refuse_strange(shops, ctx.params or {})
        return await call_next(ctx)

    return middleware


def _refuse_strange(shops: Shops, params: Mapping[str, Any]) -> None:
    wanted: Any = params.get("notifications")
    named: Any = (
        cast("dict[str, Any]", wanted).get("resourceSubscriptions") if isinstance(wanted, dict) else None
    )
    for uri in cast("list[object]", named) if isinstance(named, list) else ():
        try:
            if shops.several:
                shops.addressed(str(uri))
            else:
                shops.named()
        except UnknownShopError as error:
            raise MCPError(
                code=INVALID_PARAMS, message=f"Unknown resource: {str(uri)[:200]} ({error})"
            ) from None
