"""Who calls and what they may do: the names by which plans and the journal know callers, and the tools each is offered.

Where nobody has to say who they are, there is one caller, `local`, who may do everything.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import anyio
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp_types import CallToolResult, TextContent

from ..products_api.urgency import until, working_for
from .http_values import LOCAL, RIGHTS, SHOPS_CLAIM, Scopes
from .settings import Settings

_NOBODY = "nobody"
_READING = ("resources/read", "prompts/get", "completion/complete")

NEEDED = {"read": RIGHTS[:1], "create": RIGHTS[:2], "update": RIGHTS[:2], "destructive": RIGHTS}
"""The rights that a tool of each risk needs. What a tool of a lower risk asks a person about needs all as well."""


def needed_rights(tools: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The rights that each of these tools needs, by its name."""
    return {tool["name"]: NEEDED[tool["risk"]] for tool in tools}


@dataclass(frozen=True)
class Caller:
    """Who makes a call. `shops` are the names or location ids of the shops they may use; None for each."""

    name: str
    rights: frozenset[str]
    shops: frozenset[str] | None = None

    def may_use(self, *names: str) -> bool:
        """Whether a shop of one of these names or ids is theirs."""
        return self.shops is None or not self.shops.isdisjoint(names)


def name_of(token: AccessToken) -> str:
    """The name of whoever was let in; no two callers have the same."""
    if token.subject is None:
        return token.client_id
    # A subject and a client hold no space (see `jwt_tokens`), so that neither can make itself look like another pair.
    return f"{token.subject} via {token.client_id}" if token.client_id else token.subject


Standing = Callable[[AccessToken], Awaitable[AccessToken | None]]
"""What a token that was let in stands for now; None where it is good for nothing any more."""


class Callers:
    """The callers of one server. Without `standing` a token stands for what it did when it was let in."""

    def __init__(self, settings: Settings, *, standing: Standing | None = None) -> None:
        self._standing = standing
        self._asked = settings.transport == "http" and settings.http_auth != "none"
        self._patience = settings.patience
        self._scopes = settings.http_scopes if settings.http_auth == "oauth" else None

    def now(self) -> Caller:
        """The caller of the request that is being answered."""
        return self._of(get_access_token())

    async def may_hear(self, token: AccessToken | None, *names: str) -> bool:
        """Whether who subscribed with this token may still hear of a shop of one of these names or ids."""
        if token is not None and self._standing is not None:
            token = await self._standing(token)
            if token is None:
                return False
        caller = self._of(token)
        return RIGHTS[0] in caller.rights and caller.may_use(*names)

    def _of(self, token: AccessToken | None) -> Caller:
        if token is not None:
            shops = (token.claims or {}).get(SHOPS_CLAIM)
            limited = None if shops is None else frozenset[str](shops)
            return Caller(name_of(token), frozenset(token.scopes if self._asked else RIGHTS), limited)
        # Without a token nothing gets here where one is needed; should it ever, it may do nothing.
        return Caller(_NOBODY, frozenset(), frozenset()) if self._asked else Caller(LOCAL, frozenset(RIGHTS))

    def refusal(self, missing: list[str]) -> str:
        """What a caller without these rights is told."""
        return refusal(missing, self._scopes)

    def by_rights(self, needed: Mapping[str, tuple[str, ...]]) -> ServerMiddleware[Any]:
        """Middleware that offers each caller the tools that they may call, and refuses the others.

        `needed` are the rights that each tool needs.
        """

        async def middleware(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
            caller = self.now()
            rights = caller.rights
            if ctx.method == "tools/call":
                missing = missing_rights(needed.get(str((ctx.params or {}).get("name")), ()), rights)
                if missing:
                    text = self.refusal(missing)
                    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
            # Callers take turns at the API; one who is alone has nobody to take turns with.
            with working_for("" if caller.name == LOCAL else caller.name), self._in_time(ctx.method):
                result = await call_next(ctx)
            if ctx.method == "tools/list" and self._asked and isinstance(result, dict):
                kept = [tool for tool in result["tools"] if not missing_rights(needed[tool["name"]], rights)]
                result = {**result, "tools": kept}
                if "cacheScope" in result:
                    result["cacheScope"] = "private"
            return result

        return middleware

    def _in_time(self, method: str) -> AbstractContextManager[None]:
        """The patience with requests other than calls of tools, which have their own (`tools/patience.py`)."""
        if not self._patience or method not in _READING:
            return nullcontext()
        return until(anyio.current_time() + self._patience)


def missing_rights(needed: tuple[str, ...], rights: frozenset[str]) -> list[str]:
    """The rights that a caller lacks."""
    return [right for right in needed if right not in rights]


def refusal(missing: list[str], scopes: Scopes | None) -> str:
    """What a caller without these rights is told."""
    names = scopes.named(tuple(missing)) if scopes else missing
    what = "scope" if scopes else "right"
    lacking = " and ".join(f"`{name}`" for name in names)
    plural = "s" if len(names) > 1 else ""
    return (
        f"Refused: this needs the {what}{plural} {lacking}, which the caller does not have. Nothing was changed. No "
        "other call gets past that: tell the person, who can ask whoever runs this server."
    )
