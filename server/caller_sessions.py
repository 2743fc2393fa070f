"""The sessions of the older revisions by caller: each has a share of those that one process keeps, and none more.

Who opens more ends their own, the one that was idle for longest. A client that crashed leaves its sessions behind, and
is not kept out by them; and nobody can use up what others need.
"""

import json
import time
from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.streamable_http_manager import DEFAULT_SESSION_IDLE_TIMEOUT
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types import INVALID_REQUEST
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.responses import Response

from .callers import name_of
from .http_values import LOCAL

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_OF_A_CALLER = 200
"""A person has some ten assistants open; a fiftieth of what the SDK keeps for all callers of a process."""
_SESSION = "mcp-session-id"
_MOST_REMEMBERED = 10_000


@dataclass
class _Session:
    """One session: how many of its requests are being answered, streams among them, and when one was last."""

    under_way: int
    used: float


class CallerSessions:
    """The endpoint, which keeps sessions, with a share for each caller."""

    def __init__(self, app: "ASGIApp", *, most: int = MOST_OF_A_CALLER) -> None:
        self._app = app
        self._most = most
        # Those that were idle for longest stand first.
        self._open: dict[str, OrderedDict[str, _Session]] = {}
        self._ended: OrderedDict[str, str] = OrderedDict()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        version = headers.get(MCP_PROTOCOL_VERSION_HEADER)
        if version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
            await self._app(scope, receive, send)
            return
        caller = _caller_of(scope)
        given = headers.get(_SESSION)
        if given is not None and self._ended.get(given) == caller:
            said = f"This session was ended: {caller} has opened {self._most} others that were used since."
            answer = _refusal(HTTPStatus.NOT_FOUND, f"{said} Nothing was done; begin a new session.")
            await answer(scope, receive, send)
        elif given is not None:
            await self._in_session(caller, given, scope, receive, send)
        elif self._is_full(caller):
            said = f"{caller} has {self._most} sessions open, and each is in use."
            advice = "Nothing was done; end one first, by a DELETE with its Mcp-Session-Id."
            await _refusal(HTTPStatus.SERVICE_UNAVAILABLE, f"{said} {advice}")(scope, receive, send)
        else:
            await self._opening(caller, scope, receive, send)

    def _is_full(self, caller: str) -> bool:
        mine = self._open.get(caller) or _none()
        return len(mine) >= self._most and all(session.under_way for session in mine.values())

    async def _in_session(
        self, caller: str, given: str, scope: "Scope", receive: "Receive", send: "Send"
    ) -> None:
        session = (self._open.get(caller) or _none()).get(given)
        if session is not None:
            session.under_way += 1
        statuses: list[int] = []

        async def seen(message: "Message") -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            if session is not None:
                session.under_way -= 1
                gone = statuses[:1] == [HTTPStatus.NOT_FOUND] or (
                    scope["method"] == "DELETE" and statuses[:1] == [HTTPStatus.OK]
                )
                self._used(caller, given, session, gone=gone)

    def _used(self, caller: str, session_id: str, session: _Session, *, gone: bool) -> None:
        mine = self._open.get(caller) or _none()
        if mine.get(session_id) is not session:
            return
        session.used = time.monotonic()
        mine.move_to_end(session_id)
        if gone:
            del mine[session_id]
        if not mine:
            self._open.pop(caller, None)

    async def _opening(self, caller: str, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request outside of any session: one that begins a session, or one that is refused."""
        opened: list[tuple[str, _Session]] = []

        async def seen(message: "Message") -> None:
            if message["type"] == "http.response.start" and message["status"] < HTTPStatus.BAD_REQUEST:
                session_id = Headers(raw=message["headers"]).get(_SESSION)
                if session_id is not None:
                    session = _Session(1, time.monotonic())
                    self._open.setdefault(caller, _none())[session_id] = session
                    opened.append((session_id, session))
                    await self._end_what_is_over(caller, scope)
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            for session_id, session in opened:
                session.under_way -= 1
                self._used(caller, session_id, session, gone=False)

    async def _end_what_is_over(self, caller: str, scope: "Scope") -> None:
        """End sessions of a caller as their own client would, until the others are no more than the share."""
        self._forget_the_old()
        mine = self._open[caller]
        while len(mine) > self._most:
            idle = next((session_id for session_id, session in mine.items() if not session.under_way), None)
            if idle is None:
                return
            del mine[idle]
            self._ended[idle] = caller
            while len(self._ended) > _MOST_REMEMBERED:
                self._ended.popitem(last=False)
            kept = [(name, value) for name, value in scope["headers"] if name in {b"host", b"origin"}]
            named = [*kept, (_SESSION.encode(), idle.encode())]
            await self._app({**scope, "method": "DELETE", "headers": named}, _nothing, _unheard)

    def _forget_the_old(self) -> None:
        """Forget those that the SDK has ended by now, since nothing was asked in them."""
        long_ago = time.monotonic() - DEFAULT_SESSION_IDLE_TIMEOUT
        for caller, mine in list(self._open.items()):
            while mine:
                session_id, session = next(iter(mine.items()))
                if session.under_way or session.used > long_ago:
                    break
                del mine[session_id]
            if not mine:
                del self._open[caller]


def _none() -> OrderedDict[str, _Session]:
    return OrderedDict()


def _caller_of(scope: "Scope") -> str:
    user = scope.get("user")
    return name_of(user.access_token) if isinstance(user, AuthenticatedUser) else LOCAL


def _refusal(status: HTTPStatus, text: str) -> Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": INVALID_REQUEST, "message": text}}
    return Response(json.dumps(body), status_code=status, media_type="application/json")


async def _nothing() -> "Message":
    return cast("Message", {"type": "http.request", "body": b"", "more_body": False})


async def _unheard(_: "Message") -> None:
    """Nobody waits for the answer."""
