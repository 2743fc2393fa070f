"""The sandbox for an httpx client, in process: no port, no thread, the errors of a real connection."""

from typing import Any

import httpx
from starlette.applications import Starlette

from .exchange import SCOPE_KEY, Exchange


class SandboxTransport(httpx.AsyncBaseTransport):
    """Carries an `httpx.AsyncClient`'s requests to an app made by `create_app`.

    A fault that drops the connection raises `httpx.RemoteProtocolError`, as a closed socket does, and a
    latency beyond the request's read timeout raises `httpx.ReadTimeout` at once instead of after the wait.
    """

    def __init__(self, app: Starlette) -> None:
        self.app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, or raise as described above."""
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        exchange = Exchange(read_timeout=timeouts.get("read"))

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await self.app({**scope, SCOPE_KEY: exchange}, receive, send)
            if exchange.dropped:
                message = "Server disconnected without sending a response."
                raise httpx.RemoteProtocolError(message, request=request)
            if exchange.timed_out:
                raise httpx.ReadTimeout("", request=request)

        return await httpx.ASGITransport(app=app).handle_async_request(request)
