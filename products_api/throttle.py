"""Keeps requests within the limit that the API itself tells, so that long work runs at it and not into it.

Its answers may say how many requests it takes in which interval (`X-RateLimit-Max`,
`X-RateLimit-Interval-Milliseconds`); until one has, nothing is held back. Only this client's own requests are
counted: where others use up the limit as well, refusals come all the same, and hold back everything else meanwhile.
"""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio

from .replies import told_limit

Sleep: TypeAlias = Callable[[float], Awaitable[None]]

LONGEST_INTERVAL_SECONDS = 15.0
"""Nobody waits out a longer one before each request; what comes of it is left to the API."""


class Throttle:
    """How many requests this client has sent of late, and how many there may be."""

    def __init__(self, sleep: Sleep, clock: Callable[[], float]) -> None:
        self._sleep = sleep
        self._clock = clock
        self._limit: int | None = None
        self._interval = 0.0
        self._under_way = 0
        # When they were answered: whatever moment the API counts, it was before that.
        self._answered: deque[float] = deque()
        self._held_until = 0.0
        self._queue = anyio.Lock(fast_acquire=True)  # nobody in it: no trip through the event loop

    @asynccontextmanager
    async def turn(self, *, again: bool = False) -> AsyncGenerator[None]:
        """Wait until one more request may be sent, and count the one that is sent inside.

        `again` is for one that has waited out its own refusal.
        """
        async with self._queue:
            now = self._clock()
            wait = max(self._until_room(now), 0.0 if again else self._held_until - now)
            if wait > 0:
                # Once, whatever the clock says then: a mistake here may cost a refusal, and hang nothing.
                await self._sleep(wait)
            self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._answered.append(self._clock())

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take note of the limit that an answer tells."""
        limit, interval = told_limit(headers)
        if limit and interval and interval <= LONGEST_INTERVAL_SECONDS:
            self._limit, self._interval = limit, interval

    def hold(self, seconds: float) -> None:
        """Let nothing start for so long: the API has just refused a request."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    def _until_room(self, now: float) -> float:
        """Seconds until one more request fits into the interval."""
        while self._answered and self._answered[0] <= now - max(self._interval, LONGEST_INTERVAL_SECONDS):
            self._answered.popleft()
        if self._limit is None:
            return 0.0
        recent = [moment for moment in self._answered if moment > now - self._interval]
        over = len(recent) + self._under_way - self._limit
        if over < 0:
            return 0.0
        # Those under way have their whole interval still before them.
        return recent[over] + self._interval - now if over < len(recent) else self._interval
