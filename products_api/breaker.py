"""A circuit breaker: an API that has failed several times in a row is left alone for a moment.

Who calls meanwhile is answered at once and in words, instead of waiting out one timeout after the other. Then a single
request tries whether the API is back: if it is, all go on, and if not, it is left alone for twice as long.

It is our own: the libraries for this (pybreaker, aiobreaker, purgatory) wrap functions and count exceptions, and hold
to asyncio or Tornado; here a failure is also an answer with a 5xx, of two dozen at once one alone may try, one that is
cancelled while trying must let another try, and what callers are told is most of it.
"""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import anyio

from . import errors
from .moments import local_time
from .operations import Operation
from .replies import Reply
from .urgency import is_bulk_work, is_settling, seconds_left

FAILURES: Final = 5
"""How many one after the other are no accident any more. Of several at once the first counts: they are one mishap."""
MOST_SETTLING_FAILURES: Final = 2 * FAILURES
"""By then what became of a write cannot be found out either, however much there is to look at."""
FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 60.0
SLOW_SECONDS: Final = 5.0
"""A request that is given up after so long, because nobody waits any longer, is a failure too."""
_FAILED = (errors.NotReachedError, errors.RequestTimeoutError, errors.ConnectionLostError)


@dataclass
class Attempt:
    """A request that is let through, and its reply once it is there."""

    reply: Reply | None = None


class Breaker:
    """The breaker of one location. `clock` is in seconds from no particular moment, `today` in seconds since 1970."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = anyio.current_time,
        today: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._today = today
        self._failures = 0
        self._since = 0.0
        self._last = ""
        self._pause = FIRST_PAUSE_SECONDS
        self._alone_until: float | None = None
        self._trying: anyio.Event | None = None

    @asynccontextmanager
    async def attempt(self, operation: Operation) -> AsyncGenerator[Attempt]:
        """Send a request inside, and give its reply to the attempt. One that is cancelled says nothing of the API,
        unless it was waited for as long as an assistant waits.

        Raises:
            ApiDownError: the API is left alone.
        """
        while is_bulk_work() and not is_settling() and self._trying is not None and self._left() <= 0:
            # Of the many requests of a job one tries, and the others have the time to see what comes of it.
            await self._trying.wait()
        self.refuse(operation)
        tries: anyio.Event | None = None
        if self._alone_until is not None and not is_settling():
            self._trying = tries = anyio.Event()
        attempt, before, began = Attempt(), self._failures, self._clock()
        try:
            yield attempt
        except _FAILED as error:
            self._failed(error.happened, before, tried=tries is not None)
            raise
        except anyio.get_cancelled_exc_class():
            waited = self._clock() - began
            if seconds_left() <= 0 and waited >= SLOW_SECONDS:
                happened = f"It had not answered {operation.name} after {waited:.0f} s."
                self._failed(happened, before, tried=tries is not None)
            raise
        finally:
            if tries is not None:
                self._trying = None
                tries.set()
        if attempt.reply is None:
            return
        if attempt.reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            happened = f"It answered {operation.name} with {attempt.reply.status}."
            self._failed(happened, before, tried=tries is not None)
        else:
            self._failures, self._alone_until, self._pause = 0, None, FIRST_PAUSE_SECONDS

    def refuse(self, operation: Operation) -> None:
        """Refuse what would be sent while the API is left alone.

        Raises:
            ApiDownError: it is.
        """
        if is_settling() and self._failures < MOST_SETTLING_FAILURES:
            return
        left = self._left()
        if left <= 0 and (self._trying is None or is_bulk_work()):
            return
        wait = max(1.0, left)
        raise errors.ApiDownError(
            operation,
            f"{operation.name} was not sent: the API has failed {self._failures} times in a row since "
            f"{local_time(self._since)}. {self._last}",
            next_step=f"The first call from {local_time(self._today() + wait)} on tries it again.",
            retryable=True,
            wait_seconds=wait,
        )

    def _left(self) -> float:
        """For how long the API is left alone still."""
        return 0 if self._alone_until is None else self._alone_until - self._clock()

    def _failed(self, happened: str, before: int, *, tried: bool) -> None:
        """One more failure, of a request that began when there were so many."""
        if self._failures > before:
            return
        now = self._clock()
        if not self._failures:
            self._since = self._today()
        self._failures += 1
        self._last = happened
        if tried:
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        if tried or (self._alone_until is None and self._failures >= FAILURES):
            self._alone_until = now + self._pause
