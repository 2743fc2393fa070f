"""The requests that are being answered, so that a server that is told to end can see them through."""

import logging
import math
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio

log = logging.getLogger("hoopai_products_mcp.server")

_LOOK_SECONDS = 0.05
SETTLING_SECONDS = 40.0
"""How long calls that were cut off have to write down what became of them: a little more than the guard takes."""


class UnderWay:
    """The requests of one process. Once it is `ending`, no new ones should be begun."""

    def __init__(self) -> None:
        self.ending = False
        self._calls: set[anyio.CancelScope] = set()
        self._streams: set[anyio.CancelScope] = set()

    @asynccontextmanager
    async def counted(self, *, stream: bool, seconds: float = math.inf) -> AsyncGenerator[None]:
        """Answer one request within. One that is a mere `stream` of events is not waited for, and is ended after so
        many `seconds`."""
        kind = self._streams if stream else self._calls
        with anyio.move_on_after(seconds if stream else math.inf) as scope:
            kind.add(scope)
            try:
                yield
            finally:
                kind.discard(scope)

    async def end(self, seconds: float, hurry: Callable[[], bool]) -> None:
        """Wait until nothing is under way, so many seconds, and then cut off what is; `hurry` ends the waiting."""
        self.ending = True
        for scope in list(self._streams):
            scope.cancel()
        if not await self._quiet(seconds, hurry):
            log.warning("%s calls are cut off; the journal says what became of them", len(self._calls))
            for scope in list(self._calls):
                scope.cancel()
            await self._quiet(SETTLING_SECONDS, hurry)

    async def _quiet(self, seconds: float, hurry: Callable[[], bool]) -> bool:
        until = time.monotonic() + seconds
        while self._calls and not hurry() and time.monotonic() < until:  # noqa: ASYNC110 - a second Ctrl-C sets no event
            await anyio.sleep(_LOOK_SECONDS)
        return not self._calls
