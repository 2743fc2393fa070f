"""Whether the server is up, and whether it can take calls: for supervisors and proxies, without authentication.

Neither asks the Products API anything, and neither says more than yes or no: why not is in the log.
"""

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ..guard.store import Store
from ..guard.store_errors import StoreError
from .under_way import UnderWay

log = logging.getLogger("hoopai_products_mcp.server")

_UNAVAILABLE = 503
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
    async def ready(request: Request) -> PlainTextResponse:
        del request
        if under_way.ending:
            return PlainTextResponse("ending", _UNAVAILABLE, _FRESH)
        try:
            await store.use(lambda opened: opened.journal.destructive_since("", 0.0))
        except StoreError as error:
            log.warning("Not ready: %s", error)
            return PlainTextResponse("not ready", _UNAVAILABLE, _FRESH)
        return PlainTextResponse("ready", headers=_FRESH)

    return ready
