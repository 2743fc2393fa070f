"""One request as it is sent: when there is room for it, when the API is up, and again where it surely did not arrive.

The only repetition is that of a request that the API refused as one too many. It is not `tenacity` that repeats it: how
long to wait is told by the answer, everybody else is held back meanwhile, and who waits for the turn is cancelled or
given up with it, so that a loop says it more shortly than a wait, a stop, a retry and three callbacks. Readings of long
jobs that failed on their way are repeated by the job (`tools/walking.py`).
"""

import logging
import math
import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel

from . import errors, reading_memory
from .breaker import Breaker
from .budget import Budget, HeldBackError, Sleep, Turn
from .credentials import Token
from .moments import local_time
from .operations import Operation
from .replies import Reply, advised_wait, clock_ahead, daily_budget_spent
from .urgency import is_bulk_work, seconds_left

if TYPE_CHECKING:
    from .transport import HttpTransport
    from .watching import Reason, Watch

log = logging.getLogger("hoopai_products_mcp.products_api")

RATE_LIMIT_REPEATS: Final = 3
RATE_LIMIT_PATIENCE_SECONDS: Final = 15.0
BULK_PATIENCE_SECONDS: Final = 120.0
"""A job of many minutes is not given up because somebody else has used the allowance up."""


class PatientSender:
    """Sends the requests of one location."""

    def __init__(
        self,
        connections: "Callable[[], HttpTransport]",
        *,
        budget: Budget,
        breaker: Breaker,
        sleep: Sleep,
        watch: "Watch | None" = None,
    ) -> None:
        self._connections = connections
        self._budget = budget
        self._breaker = breaker
        self._sleep = sleep
        self._watch = watch
        self.clock_ahead: float | None = None

    async def send(
        self,
        operation: Operation,
        path: str,
        query: Sequence[tuple[str, str]],
        content: bytes | None,
        token: Token,
    ) -> Reply:
        """Send; repeat after a 429 alone, which was surely not carried out, as long as patience lasts.

        Raises:
            ProductsApiError: nothing came back, or nothing was sent.
        """
        waited, repeats = 0.0, 0
        bulk = is_bulk_work()
        patience = BULK_PATIENCE_SECONDS if bulk else RATE_LIMIT_PATIENCE_SECONDS
        while True:
            async with self._turn(operation, again=repeats > 0) as turn:
                reply = await self._in_time(operation, path, query, content, token)
                self._budget.learn(turn, reply)
            if (
                reply.status != HTTPStatus.TOO_MANY_REQUESTS
                or (repeats == RATE_LIMIT_REPEATS and not bulk)
                or daily_budget_spent(reply.headers)
            ):
                return reply
            advised = advised_wait(reply.headers)
            wait = advised if advised is not None else 2.0**repeats
            # Callers that were refused together should not come back together.
            wait += random.uniform(0, 0.1 * wait + 0.1)  # noqa: S311 - spread, not secrecy
            if waited + wait > patience or wait > seconds_left():
                return reply
            log.debug("%s waits %.1f s for the rate limit", operation.name, wait)
            if operation.writes and (memory := reading_memory.current()) is not None:
                memory.writes -= 1
            await self._budget.hold(wait)
            await self._sleep(wait)
            self._waited(operation, "refused", wait)
            waited, repeats = waited + wait, repeats + 1

    @asynccontextmanager
    async def _turn(self, operation: Operation, *, again: bool) -> AsyncGenerator[Turn]:
        # Before the wait, which would be for nothing.
        self._breaker.refuse(operation)
        asked = time.perf_counter()
        try:
            async with self._budget.turn(again=again) as turn:
                self._waited(operation, "budget", time.perf_counter() - asked)
                yield turn
        except HeldBackError as held:
            refused = self._held_back(operation, held)
        else:
            return
        raise refused

    def _held_back(self, operation: Operation, held: HeldBackError) -> errors.AllowanceSpentError:
        at = local_time(time.time() + held.seconds)
        if held.day:
            why = "the requests that the API takes in a day are used up"
        else:
            allowance = f"{self._budget.limit} requests in {self._budget.interval_seconds:g} seconds"
            why = f"the {allowance} are used up, and there is no time to wait for more"
        return errors.AllowanceSpentError(
            operation,
            f"{operation.name} was not sent: {why}.",
            next_step=f"Try again at {at}.",
            retryable=True,
            wait_seconds=held.seconds,
        )

    async def _in_time(
        self,
        operation: Operation,
        path: str,
        query: Sequence[tuple[str, str]],
        content: bytes | None,
        token: Token,
    ) -> Reply:
        """Send once. What only reads is given up with the patience of whoever waits; a write, once sent, is not."""
        left = seconds_left()
        if left > 0:
            with anyio.move_on_after(math.inf if operation.writes else left):
                return await self._once(operation, path, query, content, token)
        raise errors.OutOfTimeError(
            operation,
            f"{operation.name} was {'not answered in time' if left > 0 else 'not sent'}: the call has taken as long "
            "as an assistant waits.",
            next_step=f"Try again at {local_time(time.time())}, with less at once if it is much.",
            retryable=True,
            wait_seconds=0.0,
        )

    async def _once(
        self,
        operation: Operation,
        path: str,
        query: Sequence[tuple[str, str]],
        content: bytes | None,
        token: Token,
    ) -> Reply:
        async with self._breaker.attempt(operation) as attempt:
            if operation.writes and (memory := reading_memory.current()) is not None:
                # Who is cancelled by now has sent nothing. From here on, whatever ends it leaves open whether it
                # arrived.
                await anyio.lowlevel.checkpoint()
                memory.writes += 1
            started = time.perf_counter()
            try:
                reply = await self._watched(operation, path, query, content, token)
            except errors.ProductsApiError as error:
                log.debug(
                    "%s %s after %.0f ms", operation.name, type(error).__name__, _milliseconds_since(started)
                )
                raise
            attempt.reply = reply
        self.clock_ahead = clock_ahead(reply.headers)
        log.debug("%s %d in %.0f ms", operation.name, reply.status, _milliseconds_since(started))
        return reply

    async def _watched(
        self,
        operation: Operation,
        path: str,
        query: Sequence[tuple[str, str]],
        content: bytes | None,
        token: Token,
    ) -> Reply:
        if self._watch is None:
            return await self._connections().send(operation, path, query, content, token)
        with self._watch.request(operation) as answered:
            reply = await self._connections().send(operation, path, query, content, token)
            answered.status = reply.status
        return reply

    def _waited(self, operation: Operation, reason: "Reason", seconds: float) -> None:
        if self._watch is not None:
            self._watch.waited(operation, reason, seconds)


def _milliseconds_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
