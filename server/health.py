"""Whether the server is up, and whether it can take calls: for supervisors and proxies, without authentication.

Neither asks the Products API anything, and neither says more than yes or no: why not is in the log.
"""

import logging
import time
from collections.abc import Awaitable, Callable

import anyio
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ..guard.store import Store
from ..guard.store_errors import StoreError
from .under_way import UnderWay

log = logging.getLogger("hoopai_products_mcp.server")

_UNAVAILABLE = 503
KEPT_SECONDS = 1.0
"""How long an answer counts: anybody may ask, and each looking costs a thread and a query."""
_FRESH = {"Cache-Control": "no-store"}


def health_routes(store: Store, under_way: UnderWay) -> list[Route]:
    """`/healthz` and `/readyz`."""
    return [
        Route("/healthz", _healthy, methods=["GET"]),
        Route("/readyz", _readiness(store, under_way), methods=["GET"]),
    ]


async def _healthy(request: Request) -> PlainTextResponse:
    del request
    return PlainTextResponse("ok", headers=_FRESH)


def _readiness(store: Store, under_way: UnderWay) -> Callable[[Request], Awaitable[PlainTextResponse]]:
    looking = anyio.Lock()
    works, until = False, 0.0

    async def look() -> None:
        nonlocal works, until
        try:
            await store.use(lambda opened: opened.journal.destructive_since("", 0.0))
            works = True
        except StoreError as error:
            log.warning("Not ready: %s", error)
            works = False
        until = time.monotonic() + KEPT_SECONDS

    async def ready(request: Request) -> PlainTextResponse:
        del request
        if under_way.ending:
            return PlainTextResponse("ending", _UNAVAILABLE, _FRESH)
        async with looking:
            if time.monotonic() >= until:
                await look()
        if not works:
            return PlainTextResponse("not ready", _UNAVAILABLE, _FRESH)
        return PlainTextResponse("ready", headers=_FRESH)

    return ready
