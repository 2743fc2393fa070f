"""The sandbox as an ASGI app: the Products API on your own machine."""

import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from .admin import admin_routes
from .answers import RefusalError
from .contract import Operation, find_operation, path_segments
from .database import Clock, real_time
from .engine import Reply, Sandbox
from .exact_json import NotJsonError, decode
from .exchange import exchange_of
from .faults import Fault, FaultKind
from .identity import LOCATION_ID, TOKEN
from .oauth import oauth_routes
from .record import Received
from .seed import ShopChoice
from .spoiling import SPOILING, spoilt

Sleep = Callable[[float], Awaitable[Any]]

_GATEWAY_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>Bad gateway</title></head>"
    b"<body><h1>Bad gateway</h1><p>The shop is out to lunch.</p></body></html>"
)


def create_app(
    *,
    data: Path | None = None,
    token: str = TOKEN,
    location_id: str = LOCATION_ID,
    shop: ShopChoice = "demo",
    rate_limit: int = 100,
    rate_interval_seconds: float = 10.0,
    scopes: Collection[str] | None = None,
    clock: Clock = real_time,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Sleep = anyio.sleep,
) -> Starlette:
    """A Products API of its own, with a shop in it.

    `data` keeps the shop in a file; without it the shop lives as long as the app. A file that already holds a
    shop is taken as it is. `shop` is `"demo"`, `"empty"` or a number of generated products. A `rate_limit`
    of 0 switches limiting off. `scopes` limits what the token may do; None allows everything. `clock`,
    `monotonic` and `sleep` are where time comes from. The `Sandbox` behind the app is `app.state.sandbox`.
    """
    sandbox = Sandbox(
        data=data,
        token=token,
        location_id=location_id,
        shop=shop,
        rate_limit=rate_limit,
        rate_interval_seconds=rate_interval_seconds,
        scopes=scopes,
        clock=clock,
        monotonic=monotonic,
    )
    app = Starlette(routes=[Mount("/_sandbox", routes=admin_routes(sandbox)), *oauth_routes(sandbox.tokens)])
    # Not a route: a route's pattern ends at a newline, and a path may hold one.
    app.router.default = _Endpoint(sandbox, sleep)
    app.state.sandbox = sandbox
    return app


def sandbox_of(app: Starlette) -> Sandbox:
    """The sandbox behind an app made by `create_app`."""
    return app.state.sandbox


class _Endpoint:
    """Answers every path outside `/_sandbox`."""

    def __init__(self, sandbox: Sandbox, sleep: Sleep) -> None:
        self._sandbox = sandbox
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query: bytes = scope["query_string"]
        received = Received(
            method=scope["method"],
            path=raw_path.decode("latin-1"),
            query=parse_qsl(query.decode("latin-1"), keep_blank_values=True),
            body=_logged(body),
            headers={name: value for name, value in headers.items() if name != "authorization"},
        )
        self._sandbox.requests.append(received)
        segments = path_segments(raw_path)
        operation = None if segments is None else find_operation(scope["method"], segments)
        if segments is None or operation is None:
            refusal = RefusalError(404, f"Cannot {scope['method']} {received.path}")
            reply: Reply | None = self._sandbox.refuse(refusal)
        else:
            received.operation = operation.id
            fault = self._sandbox.faults.take(operation.id, operation.name)
            received.fault = fault.kind if fault else None

            def perform() -> Reply:
                return self._sandbox.perform(operation, segments, query, headers, body)

            reply = (
                perform()
                if fault is None
                else await self._disturbed(fault, operation, perform, scope, receive)
            )
        if reply is not None:
            received.status = reply.status
            await Response(reply.body, reply.status, reply.headers)(scope, receive, send)

    async def _disturbed(
        self, fault: Fault, operation: Operation, perform: Callable[[], Reply], scope: Scope, receive: Receive
    ) -> Reply | None:
        exchange = exchange_of(scope)
        reply = perform() if fault.takes_effect else None
        if fault.seconds:
            if exchange.read_timeout is not None and fault.seconds > exchange.read_timeout:
                exchange.timed_out = True
                return None
            if await self._client_left_during(fault.seconds, receive):
                return None
        if fault.kind in {FaultKind.DROP_BEFORE, FaultKind.DROP_AFTER}:
            exchange.dropped = True
            return None
        if fault.kind is FaultKind.LATENCY:
            return reply or perform()
        if fault.kind in SPOILING:
            whole = reply or perform()
            return Reply(whole.status, spoilt(whole.body, fault.kind), whole.headers)
        return self._wrong_answer(fault, operation)

    async def _client_left_during(self, seconds: float, receive: Receive) -> bool:
        left = False
        async with anyio.create_task_group() as waiting:

            async def watch() -> None:
                nonlocal left
                # The body has been read, so the next thing to arrive is that the client is gone.
                await receive()
                left = True
                waiting.cancel_scope.cancel()

            waiting.start_soon(watch)
            await self._sleep(seconds)
            waiting.cancel_scope.cancel()
        return left

    def _wrong_answer(self, fault: Fault, operation: Operation) -> Reply:
        match fault.kind:
            case FaultKind.RATE_LIMITED:
                return self._sandbox.refuse(RefusalError(429, "Too Many Requests", named=False), operation)
            case FaultKind.HTML:
                return Reply(fault.status or 502, _GATEWAY_PAGE, {"content-type": "text/html; charset=utf-8"})
            case FaultKind.ROUTE_MISSING:
                return self._sandbox.refuse(RefusalError(404, f"Cannot {operation.name}"), operation)
            case FaultKind.ROUTE_UNSUPPORTED:
                message = "This route is not yet supported by the IAM Service. Please update your IAM config."
                return self._sandbox.refuse(RefusalError(401, message, named=False), operation)
            case FaultKind.SCOPE_MISSING:
                message = "The token is not authorized for this scope."
                return self._sandbox.refuse(RefusalError(401, message), operation)
            case _:
                return self._sandbox.refuse(
                    RefusalError(fault.status or 500, "Internal server error", named=False)
                )


def _logged(body: bytes) -> Any:
    if not body:
        return None
    try:
        return decode(body)
    except NotJsonError:
        return body.decode(errors="replace")
