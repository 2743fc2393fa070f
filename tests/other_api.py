"""An API that does not behave as the sandbox does: what stands between the server and the sandbox."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
from starlette.applications import Starlette

from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.transport import SandboxTransport
from hoopai_products_mcp.server.connection import Connection
from hoopai_products_mcp.server.settings import Settings

Carry = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""Has the sandbox answer a request."""
Between = Callable[[httpx.Request, Carry], Awaitable[httpx.Response]]
"""Answers a request, with the sandbox's help or without."""


class _OtherTransport(SandboxTransport):
    """Carries requests to the sandbox past somebody."""

    def __init__(self, app: Starlette, between: Between) -> None:
        super().__init__(app)
        self._between = between

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._between(request, super().handle_async_request)


class OtherConnection(Connection):
    """A connection to such an API."""

    def __init__(self, app: Starlette, between: Between) -> None:
        super().__init__(Settings(sandbox=True))
        self._other = ProductsClient(
            base_url="http://sandbox.invalid",
            token=TOKEN,
            location_id=LOCATION_ID,
            transport=_OtherTransport(app, between),
        )

    @property
    def client(self) -> ProductsClient:
        return self._other

    async def aclose(self) -> None:
        await self._other.aclose()


class Held:
    """An API that does its first write when it is released, and tells of the readings before."""

    def __init__(self) -> None:
        self.reached = anyio.Event()
        self.release = anyio.Event()

    async def reach(self) -> None:
        """Wait until it is at that write."""
        with anyio.fail_after(30):
            await self.reached.wait()

    async def __call__(self, request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method != "GET" and not self.reached.is_set():
            self.reached.set()
            await self.release.wait()
        return await carry(request)


class Meeting:
    """An API that gives the first readings of several calls away only once it has made all of them, so that none of
    them shows what another of the calls does."""

    def __init__(self) -> None:
        self._missing = self._unread = 0
        self._complete = anyio.Event()

    def of(self, calls: int) -> None:
        """Expect the first readings of so many calls."""
        self._missing = self._unread = calls
        self._complete = anyio.Event()

    async def __call__(self, request: httpx.Request, carry: Carry) -> httpx.Response:
        if not self._missing or request.method != "GET":
            return await carry(request)
        self._missing -= 1
        complete = self._complete
        answer = await carry(request)
        self._unread -= 1
        if not self._unread:
            complete.set()
        with anyio.fail_after(30):
            await complete.wait()
        return answer


async def rewritten(response: httpx.Response, change: Callable[[Any], Any]) -> httpx.Response:
    """The same answer with another body."""
    body = json.loads(await response.aread())
    return httpx.Response(response.status_code, json=change(body))
