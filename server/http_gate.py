"""What stands before the MCP endpoint over HTTP: who calls, what they may do, how often, and how large it may be.

A refusal is a JSON-RPC error whose text says what to do, since some clients show that text and others the status alone.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp_types import INTERNAL_ERROR, INVALID_REQUEST
from starlette.authentication import AuthenticationBackend
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response

from . import request_ids
from .callers import Standing, missing_rights, name_of, refusal
from .http_values import LOCAL, RIGHTS, Scopes

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .call_rate import CallRate
    from .under_way import UnderWay

log = logging.getLogger("hoopai_products_mcp.requests")

_LONGEST_NUMBER = 18  # digits; more than any size has
RETRY_SECONDS = 2
"""When to try again at a server that is ending: the next one is up by then, or another answers."""
BODY_SECONDS = 30.0
"""How long a request may take to arrive once it was let in."""
STREAM_SECONDS = 3600.0
"""Who listens for longer has to come again, and be let in again: a key may have been taken away since."""
_FROM_ELSEWHERE = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""What proxies and tunnels add to a request that they hand on."""
_LISTENING = "subscriptions/listen"
Measure = Callable[[str, int, float], None]
"""Is told the HTTP method, the status and the seconds of every request."""


@dataclass(frozen=True)
class Challenge:
    """What a caller who is not let in is told. `scopes` are an issuer's; None where keys are taken."""

    scopes: Scopes | None
    metadata_url: str | None
    offered: tuple[str, ...]

    def header(self, error: str = "", needed: tuple[str, ...] = ()) -> str:
        """The value of `WWW-Authenticate` (RFC 6750, and RFC 9728 for where to find out more)."""
        parts = ['realm="hoopai-products-mcp"']
        if error:
            parts.append(f'error="{error}"')
        if self.scopes is not None:
            parts.append(f'scope="{" ".join(self.scopes.named(needed or self.offered))}"')
        if self.metadata_url is not None:
            parts.append(f'resource_metadata="{self.metadata_url}"')
        return f"Bearer {', '.join(parts)}"


@dataclass(frozen=True)
class Identification:
    """How callers are known. `needed` are the rights that each tool needs, and `standing` says what a token that was
    let in stands for later."""

    backend: AuthenticationBackend
    challenge: Challenge
    needed: Mapping[str, tuple[str, ...]]
    standing: Standing | None = None


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """A request that is not let through, and what is answered."""

    def __init__(
        self, status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None, rpc_id: Any = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.headers = dict(headers or {})
        self.text = text
        self.rpc_id = rpc_id


class Gate:
    """The endpoint behind its checks. Without `identification` every caller is `local`.

    `renew` is told of the token that a request of a session came with.
    """

    def __init__(
        self,
        app: "ASGIApp",
        *,
        identification: Identification | None,
        rate: "CallRate",
        under_way: "UnderWay",
        max_bytes: int,
        body_seconds: float = BODY_SECONDS,
        measure: Measure | None = None,
        renew: "Callable[[str, AccessToken], None] | None" = None,
    ) -> None:
        self._app = AuthContextMiddleware(app)
        self._identification = identification
        self._rate = rate
        self._under_way = under_way
        self._max_bytes = max_bytes
        self._body_seconds = body_seconds
        self._measure = measure
        self._renew = renew

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        seen = Seen(request_ids.begin(headers.get(request_ids.HEADER)), scope["method"])

        async def answer(message: "Message") -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                MutableHeaders(scope=message)[request_ids.HEADER] = seen.request_id
            seen.is_answered = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            try:
                receive = await self._admitted(scope, receive, headers, seen)
            except Refused as refused:
                await _refusal(refused)(scope, receive, answer)
                return
            async with self._under_way.counted(stream=seen.is_stream, seconds=seen.seconds_left):
                await self._app(scope, receive, answer)
            if seen.is_stream and seen.status and not seen.is_answered:
                # Listeners that are told of the end may come back; a line that breaks looks like a fault.
                await send({"type": "http.response.body", "body": b""})
        finally:
            seen.log()
            if self._measure is not None and not seen.is_stream:
                self._measure(scope["method"], seen.status, seen.seconds)

    async def _admitted(
        self, scope: "Scope", receive: "Receive", headers: Headers, seen: "Seen"
    ) -> "Receive":
        """Check a request; what to read its body from.

        Raises:
            Refused: it is not let through.
        """
        self._refuse_if_ending()
        rights = await self._identified(scope, headers, seen)
        body = b""
        if scope["method"] == "POST":
            body = await self._body(receive, headers)
            # It may have taken its time: what begins now would be cut off without being waited for.
            self._refuse_if_ending()
        rpc_id, tool = seen.reads(body)
        if self._identification is not None:
            if wait := self._rate.wait(seen.caller):
                raise Refused(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    f"Too many requests from {seen.caller}: nothing was done. Try again in {wait} s.",
                    {"Retry-After": str(wait)},
                    rpc_id,
                )
            self._may_call(self._identification, tool, rights, rpc_id)
        return replay(body, receive) if scope["method"] == "POST" else receive

    def _refuse_if_ending(self) -> None:
        if self._under_way.ending:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "This server is being stopped. Nothing was done; try again.",
                {"Retry-After": str(RETRY_SECONDS), "Connection": "close"},
            )

    async def _identified(self, scope: "Scope", headers: Headers, seen: "Seen") -> frozenset[str]:
        """Who calls: what they may do."""
        if self._identification is None:
            if any(name in headers for name in _FROM_ELSEWHERE):
                raise Refused(
                    HTTPStatus.FORBIDDEN,
                    "A proxy has handed this request on, and this server does not ask callers who they are: it is for "
                    "the programs of its own machine. Set HOOPAI_HTTP_AUTH to key or oauth. Nothing was done.",
                )
            return frozenset(RIGHTS)
        challenge = self._identification.challenge
        given = headers.getlist("authorization")
        # Of several, whoever stands before this server may have looked at another one.
        found = (
            await self._identification.backend.authenticate(HTTPConnection(scope))
            if len(given) == 1
            else None
        )
        if found is None:
            kind = "token of its issuer" if challenge.scopes else "key"
            said = (
                f"The {kind} was not taken: it is wrong, expired or for another server."
                if given
                else f"This server has to know who is calling: send `Authorization: Bearer` with a {kind}."
            )
            header = challenge.header("invalid_token" if given else "")
            raise Refused(HTTPStatus.UNAUTHORIZED, f"{said} Nothing was done.", {"WWW-Authenticate": header})
        credentials, user = found
        scope["auth"], scope["user"] = credentials, user
        token = cast("AuthenticatedUser", user).access_token
        seen.caller = name_of(token)
        expiry = math.inf if token.expires_at is None else token.expires_at - time.time()
        seen.seconds_left = max(1.0, min(expiry, STREAM_SECONDS))
        rights = frozenset(credentials.scopes)
        if RIGHTS[0] not in rights:
            raise _forbidden(challenge, RIGHTS[:1], [RIGHTS[0]], None)
        if self._renew is not None and (session := headers.get(MCP_SESSION_ID_HEADER)):
            self._renew(session, token)
        return rights

    @staticmethod
    def _may_call(known: Identification, tool: str | None, rights: frozenset[str], rpc_id: Any) -> None:
        """Refuse a tool that a token is not good for, so that a client can ask the issuer for a better one.

        There is no better one for a key: the tool itself says so then, where a model can read it.
        """
        needed = known.needed.get(tool or "", ())
        missing = missing_rights(needed, rights)
        if missing and known.challenge.scopes is not None:
            raise _forbidden(known.challenge, needed, missing, rpc_id)

    async def _body(self, receive: "Receive", headers: Headers) -> bytes:
        """The whole body.

        Raises:
            Refused: it is too large, too slow, or breaks off.
        """
        too_large = Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The request is larger than {self._max_bytes} bytes. Nothing was done; send less at once.",
            {"Connection": "close"},
        )
        declared = headers.get("content-length", "")
        if declared.isdigit() and (len(declared) > _LONGEST_NUMBER or int(declared) > self._max_bytes):
            raise too_large
        body = bytearray()
        try:
            with anyio.fail_after(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        # Mostly nobody is there to read this. The SDK's endpoint would log it as a fault.
                        raise Refused(
                            HTTPStatus.BAD_REQUEST, "The request broke off. Nothing was done; send it again."
                        )
                    body += message.get("body", b"")
                    if len(body) > self._max_bytes:
                        raise too_large
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise Refused(
                HTTPStatus.REQUEST_TIMEOUT,
                f"The request did not arrive within {self._body_seconds:g} s. Nothing was done; send it again.",
                {"Connection": "close"},
            ) from None


class Seen:
    """What is logged of a request: nothing of its contents."""

    def __init__(self, request_id: str, http_method: str) -> None:
        self.request_id = request_id
        self.caller = LOCAL
        self.status = 0
        self.is_answered = False
        self.seconds_left = math.inf
        """How long the caller may listen without saying anew who they are."""
        self._http_method = http_method
        self._method: str | None = None
        self._tool: str | None = None
        self._begun = time.perf_counter()

    @property
    def is_stream(self) -> bool:
        """Whether it is answered with events for as long as the caller listens, in either era."""
        return self._http_method == "GET" or self._method == _LISTENING

    def reads(self, body: bytes) -> tuple[Any, str | None]:
        """Look at the message: its id, and the tool it calls."""
        try:
            found: Any = json.loads(body)
        except (ValueError, RecursionError):
            return None, None
        if not isinstance(found, dict):
            return None, None
        message = cast("dict[str, Any]", found)
        self._method = _word(message.get("method"))
        params = message.get("params")
        if self._method == "tools/call" and isinstance(params, dict):
            self._tool = _word(cast("dict[str, Any]", params).get("name"))
        rpc_id = message.get("id")
        return rpc_id if isinstance(rpc_id, str | int) else None, self._tool

    @property
    def seconds(self) -> float:
        """How long it has been under way."""
        return time.perf_counter() - self._begun

    def log(self) -> None:
        """Write the line of the request."""
        fields = {
            "caller": self.caller,
            "http_method": self._http_method,
            "method": self._method,
            "tool": self._tool,
            "status": self.status,
            "ms": round(self.seconds * 1000, 1),
        }
        said = {key: value for key, value in fields.items() if value is not None}
        log.info("request", extra={"fields": said})


_LONGEST_WORD = 64


def _word(value: object) -> str | None:
    """A name in a message, if it is one and not too long for a log."""
    return value if isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST_WORD else None


def _forbidden(challenge: Challenge, needed: tuple[str, ...], missing: list[str], rpc_id: Any) -> Refused:
    header = challenge.header("insufficient_scope", needed)
    return Refused(
        HTTPStatus.FORBIDDEN, refusal(missing, challenge.scopes), {"WWW-Authenticate": header}, rpc_id
    )


_MISTAKES_END = 500


def _refusal(refused: Refused) -> Response:
    code = INVALID_REQUEST if refused.status < _MISTAKES_END else INTERNAL_ERROR
    body = {"jsonrpc": "2.0", "id": refused.rpc_id, "error": {"code": code, "message": refused.text}}
    return Response(
        json.dumps(body), status_code=refused.status, headers=refused.headers, media_type="application/json"
    )


def replay(body: bytes, receive: "Receive") -> "Receive":
    """What gives a body that was read already, and then whatever comes."""
    given = False

    async def again() -> "Message":
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
