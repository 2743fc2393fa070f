"""The API's allowance of requests, kept to before the API has to refuse any.

The API takes so many requests in any interval, 100 in 10 seconds as documented, and tells its numbers with its
answers. All tasks that share a `Budget` take their turns here: what a person waits for goes before bulk work, and bulk
work spreads the last part of the allowance, so that whoever comes in between waits for tenths of a second and not for
the next interval. None of the allowance is left unused.

An API that tells of no limit (an embedded sandbox without one) is not held back.
"""

import math
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeAlias

import anyio

from .replies import Reply, told_rate

Sleep: TypeAlias = Callable[[float], Awaitable[None]]

DOCUMENTED_LIMIT: Final = 100
DOCUMENTED_INTERVAL_SECONDS: Final = 10.0
LONGEST_INTERVAL_SECONDS: Final = 15.0
"""Nobody waits out a longer one before each request; what comes of it is left to the API."""

_GRACE_SECONDS: Final = 0.4
"""A request counts at the API from when it arrives there, which nobody here sees: at the latest when its answer is
here. A slow answer is taken to have been slow work rather than a slow way, or the allowance would never be used."""
_MARGIN_SECONDS: Final = 0.01
"""No two clocks go quite alike."""
_SPREAD_PART: Final = 5
"""Bulk work takes its turns at once until a fifth of the allowance is left, and spreads that."""

_bulk: ContextVar[bool] = ContextVar("bulk_work", default=False)


@contextmanager
def bulk_work() -> Generator[None]:
    """Let the requests made inside, also by tasks started there, go behind those that a person waits for."""
    token = _bulk.set(True)
    try:
        yield
    finally:
        _bulk.reset(token)


def is_bulk_work() -> bool:
    """Whether what is under way is bulk work."""
    return _bulk.get()


@dataclass(eq=False)
class Turn:
    """Leave to send one request.

    free_at: when the API will have forgotten the request, so that another one may take its place. counted: how many
    requests were in the interval when it was sent, itself among them. number: its place among all that were ever sent.
    """

    free_at: float
    counted: int = 0
    number: int = 0


@dataclass(eq=False)
class _Waiter:
    woken: anyio.Event = field(default_factory=anyio.Event)


class Budget:
    """The allowance of one location and app, shared by all who send requests for it.

    Attributes:
        limit: how many requests may be sent in any interval; None where the API tells of no limit.
        interval_seconds: the length of the interval.
    """

    def __init__(
        self,
        *,
        limit: int = DOCUMENTED_LIMIT,
        interval_seconds: float = DOCUMENTED_INTERVAL_SECONDS,
        clock: Callable[[], float] = anyio.current_time,
    ) -> None:
        self.limit: int | None = limit
        self.interval_seconds = interval_seconds
        self._documented = limit
        self._clock = clock
        self._turns: list[Turn] = []
        self._sent = 0
        self._known = False
        self._held_until = -math.inf
        self._last_bulk = -math.inf
        self._people: deque[_Waiter] = deque()
        self._bulk: deque[_Waiter] = deque()

    @asynccontextmanager
    async def turn(self, *, again: bool = False) -> AsyncGenerator[Turn]:
        """Wait for leave to send one request, which is sent and answered inside. Cancelling gives the place up.

        `again` is for one that has waited out its own refusal.
        """
        turn = await self._acquire(again=again)
        try:
            yield turn
        finally:
            turn.free_at = min(turn.free_at, self._forgotten())
            self._wake()

    def learn(self, turn: Turn, reply: Reply) -> None:
        """Take over what an answer tells of the limit, and of requests that somebody else sends against it."""
        told = told_rate(reply.headers)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._known = True
            self.limit = self.limit or self._documented
        if told.limit and told.interval_seconds and told.interval_seconds <= LONGEST_INTERVAL_SECONDS:
            self.limit, self.interval_seconds, self._known = told.limit, told.interval_seconds, True
            if told.remaining is not None:
                self._make_room_for_others(turn, told.limit, told.remaining)
        elif reply.succeeded and not self._known:
            self.limit = None
        self._wake()

    def _make_room_for_others(self, turn: Turn, limit: int, remaining: int) -> None:
        # All that can be ours of what the API has counted: what was under way then, and all sent since.
        ours = turn.counted + self._sent - turn.number
        others = limit - remaining - ours
        self._turns += [Turn(self._forgotten()) for _ in range(others)]

    def hold(self, seconds: float) -> None:
        """Let nothing start for so long: the API has just refused a request as one too many."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    async def _acquire(self, *, again: bool) -> Turn:
        bulk = is_bulk_work()
        if self._first() is None and self._delay(bulk=bulk, again=again) <= 0:
            return self._take(bulk=bulk)
        queue = self._bulk if bulk else self._people
        me = _Waiter()
        queue.append(me)
        try:
            while True:
                wait = self._delay(bulk=bulk, again=again) if self._first() is me else math.inf
                if wait <= 0:
                    return self._take(bulk=bulk)
                with anyio.move_on_after(wait):
                    await me.woken.wait()
                me.woken = anyio.Event()
        finally:
            queue.remove(me)
            self._wake()

    def _first(self) -> _Waiter | None:
        return next(iter(self._people), None) or next(iter(self._bulk), None)

    def _wake(self) -> None:
        """Let the first who waits look again."""
        if (first := self._first()) is not None:
            first.woken.set()

    def _take(self, *, bulk: bool) -> Turn:
        if bulk:
            self._last_bulk = self._clock()
        self._sent += 1
        turn = Turn(self._forgotten() + _GRACE_SECONDS, number=self._sent)
        if self.limit is not None:
            self._turns.append(turn)
        turn.counted = len(self._turns)
        return turn

    def _forgotten(self) -> float:
        """When a request that arrives now counts no longer."""
        return self._clock() + self.interval_seconds + _MARGIN_SECONDS

    def _delay(self, *, bulk: bool, again: bool) -> float:
        """Seconds until the first who waits may send; 0 or less for now."""
        now = self._clock()
        if now < self._held_until and not again:
            return self._held_until - now
        if self.limit is None:
            self._turns.clear()
            return 0
        self._turns = [turn for turn in self._turns if turn.free_at > now]
        free = self.limit - len(self._turns)
        if free <= 0:
            return sorted(turn.free_at for turn in self._turns)[-free] - now
        if not bulk or free > self.limit // _SPREAD_PART:
            return 0
        # As evenly as can be until the next place is free again.
        next_free = min(turn.free_at for turn in self._turns)
        return self._last_bulk + (next_free - self._last_bulk) / (free + 1) - now
