"""A sandbox that limits, at some distance, and clients of it; time is the event loop's."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import anyio
import httpx
from starlette.applications import Starlette

from hoopai_products_mcp.products_api.budget import Budget
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.transport import SandboxTransport

AT_ONCE = 8


class FarAway(SandboxTransport):
    """A sandbox at some distance: seconds to it and back for each request in turn; keeps when each arrived."""

    def __init__(self, app: Any, delays: list[tuple[float, float]]) -> None:
        super().__init__(app)
        self._delays = cycle(delays)
        self.arrived: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        there, back = next(self._delays)
        await anyio.sleep(there)
        self.arrived.append(anyio.current_time())
        response = await super().handle_async_request(request)
        await anyio.sleep(back)
        return response


def client_of(through: httpx.AsyncBaseTransport, budget: Budget) -> ProductsClient:
    """A client of the sandbox behind a transport."""
    return ProductsClient(
        base_url="http://sandbox.invalid",
        token=TOKEN,
        location_id=LOCATION_ID,
        transport=through,
        budget=budget,
    )


async def read(client: ProductsClient, count: int) -> None:
    """So many requests, several at once."""
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def one() -> None:
        async with limiter:
            await client.list_products(limit=1)

    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(one)


@dataclass
class FarApi:
    """A sandbox and the way to it."""

    app: Starlette
    sandbox: Sandbox
    transport: FarAway

    @property
    def refused(self) -> int:
        return sum(received.status == 429 for received in self.sandbox.requests)

    def client(self, budget: Budget) -> ProductsClient:
        """One more client, with a budget of its own or one that it shares."""
        return client_of(self.transport, budget)


@asynccontextmanager
async def far_api(
    *, limit: int = 100, seconds: float = 10.0, delays: list[tuple[float, float]] | None = None
) -> AsyncGenerator[FarApi]:
    app = create_app(shop=1, rate_limit=limit, rate_interval_seconds=seconds, monotonic=anyio.current_time)
    try:
        yield FarApi(app, sandbox_of(app), FarAway(app, delays or [(0.02, 0.02)]))
    finally:
        sandbox_of(app).close()
