"""The API's allowance of requests, kept to before the API has to refuse any.

The API takes so many requests in any interval, 100 in 10 seconds as documented, and so many a day, and tells its
numbers with its answers. All tasks that share a `Budget` take their turns here: what a person waits for goes before
bulk work, callers take turns with each other, and bulk work spreads the last part of the allowance, so that whoever
comes in between waits for tenths of a second and not for the next interval. None of the allowance is left unused.

Several processes share the allowance through a `SharedWindow`, which the store keeps; while that does not work, each
counts for itself.

An API that tells of no limit (an embedded sandbox without one) is not held back.

It is not `pyrate-limiter` that counts here, although that has buckets in SQLite and PostgreSQL: its rates are fixed
when a limiter is made, while this API tells them with each answer; it gives turns in no order, neither people before
bulk work nor callers one after the other; and what counts is when an answer came, which its buckets do not take back.
"""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias

import anyio

from .replies import Reply
from .urgency import is_bulk_work, seconds_left, whom
from .window import (
    DOCUMENTED_INTERVAL_SECONDS,
    DOCUMENTED_LIMIT,
    LONGEST_INTERVAL_SECONDS,
    Ask,
    Seat,
    Told,
    Wait,
    Window,
)

Sleep: TypeAlias = Callable[[float], Awaitable[None]]

_MOST_NEWS: Final = 500
_NEWS_SECONDS: Final = LONGEST_INTERVAL_SECONDS + 1
"""By then the API has forgotten what they are about."""
_MOST_CALLERS: Final = 1000


class HeldBackError(Exception):
    """The wait would be longer than whoever waits does; nothing was sent. `day`: the day's requests are used up."""

    def __init__(self, seconds: float, *, day: bool = False) -> None:
        super().__init__(f"held back for {seconds:.1f} s")
        self.seconds = seconds
        self.day = day


@dataclass(frozen=True)
class Granted:
    """Leave from a shared window, and the limit that it knows of, if the API has told it."""

    seat: Seat
    limit: int | None = None
    interval_seconds: float | None = None


class SharedWindow(Protocol):
    """A window that several processes count in."""

    async def ask(self, ask: Ask) -> Granted | Wait | None:
        """Leave, or how long to wait; None while nobody can be asked."""
        ...


@dataclass(eq=False)
class Turn:
    """Leave to send one request: its seat in the window of this process, and in that of all, where there is one."""

    seat: Seat
    shared: Seat | None = None


@dataclass(eq=False)
class _Waiter:
    owner: str
    woken: anyio.Event = field(default_factory=anyio.Event)


class _Queue:
    """Those who wait, callers in turn, and each caller's own requests in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Waiter]] = {}
        self._served: dict[str, int] = {}
        self._turns = 0

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def join(self, waiter: _Waiter) -> None:
        self._waiting.setdefault(waiter.owner, []).append(waiter)

    def leave(self, waiter: _Waiter) -> None:
        mine = self._waiting[waiter.owner]
        mine.remove(waiter)
        if not mine:
            del self._waiting[waiter.owner]

    def served(self, owner: str) -> None:
        self._turns += 1
        if len(self._served) > _MOST_CALLERS:
            self._served.clear()
        self._served[owner] = self._turns

    def first(self) -> _Waiter | None:
        if not self._waiting:
            return None
        return self._waiting[min(self._waiting, key=lambda owner: self._served.get(owner, 0))][0]

    def before(self, waiter: _Waiter) -> int:
        """How many requests go before this one at least."""
        return self._waiting[waiter.owner].index(waiter)


class Budget:
    """The allowance of one location and app, shared by all who send requests for it.

    `clock` is in seconds from no particular moment, `today` in seconds since 1970.
    """

    def __init__(
        self,
        *,
        limit: int = DOCUMENTED_LIMIT,
        interval_seconds: float = DOCUMENTED_INTERVAL_SECONDS,
        clock: Callable[[], float] = anyio.current_time,
        today: Callable[[], float] = time.time,
        shared: SharedWindow | None = None,
    ) -> None:
        self._window = Window(limit=limit, interval_seconds=interval_seconds, documented=limit)
        self._clock = clock
        self._today = today
        self._shared = shared
        self._people = _Queue()
        self._bulk = _Queue()
        self._news: list[tuple[float, Told]] = []

    @property
    def limit(self) -> int | None:
        """How many requests may be sent in any interval; None where the API tells of no limit."""
        return self._window.limit

    @property
    def interval_seconds(self) -> float:
        """The length of the interval."""
        return self._window.interval_seconds

    @asynccontextmanager
    async def turn(self, *, again: bool = False) -> AsyncGenerator[Turn]:
        """Wait for leave to send one request, which is sent and answered inside. Cancelling gives the place up.

        `again` is for one that has waited out its own refusal.

        Raises:
            HeldBackError: the wait would outlast whoever waits.
        """
        turn = await self._acquire(again=again)
        try:
            yield turn
        finally:
            self._window.answered(turn.seat, self._clock())
            self._wake()

    def learn(self, turn: Turn, reply: Reply) -> None:
        """Take over what an answer tells of the limit, and of requests that somebody else sends against it."""
        told = Told.by(reply, turn.seat)
        if turn.shared is not None:
            # Others are those outside of all processes: who they are, the window of all of them can tell.
            self._remember(replace(told, seat=turn.shared))
            told = replace(told, rate=replace(told.rate, remaining=None))
        self._window.learn(told, self._clock(), self._today())
        self._wake()

    async def hold(self, seconds: float) -> None:
        """Let nothing start for so long: the API has just refused a request as one too many."""
        told = Told(None, 0.0, hold_seconds=seconds)
        self._window.learn(told, self._clock(), self._today())
        if self._shared is not None:
            self._remember(told)
            await self._ask(self._shared, Ask(wanted=False))

    def _remember(self, told: Told) -> None:
        self._news = [*self._news[-_MOST_NEWS:], (self._clock(), told)]

    async def _ask(self, shared: SharedWindow, ask: Ask) -> Granted | Wait | None:
        """Ask the window of all, and tell it the news, which are kept for later while it cannot be asked."""
        now, news = self._clock(), self._news
        self._news = []
        news = [(at, told) for at, told in news if now - at <= _NEWS_SECONDS]
        answer = await shared.ask(replace(ask, news=tuple(replace(told, ago=now - at) for at, told in news)))
        if answer is None:
            self._news = [*news, *self._news]
        return answer

    async def _acquire(self, *, again: bool) -> Turn:
        bulk, owner = is_bulk_work(), whom()
        ask = Ask(bulk=bulk, again=again, owner=owner)
        if self._shares is None and self._first() is None:
            seat = self._window.asked(ask, self._clock(), self._today())
            if isinstance(seat, Seat):
                return self._served(Turn(seat), ask)
        queue = self._bulk if bulk else self._people
        me = _Waiter(owner)
        queue.join(me)
        try:
            while True:
                first = self._first() is me
                turn = await self._asked(ask) if first else Wait(self._crowd(queue, me))
                if isinstance(turn, Turn):
                    return self._served(turn, ask)
                left = seconds_left()
                if turn.day or turn.seconds > left or left <= 0:
                    raise HeldBackError(turn.seconds or self.interval_seconds, day=turn.day)
                with anyio.move_on_after(turn.seconds if first else left):
                    await me.woken.wait()
                me.woken = anyio.Event()
        finally:
            queue.leave(me)
            self._wake()

    @property
    def _shares(self) -> SharedWindow | None:
        """Who is to be asked; nobody where there is no limit to share."""
        return self._shared if self._window.limit is not None else None

    async def _asked(self, ask: Ask) -> Turn | Wait:
        if (shared := self._shares) is not None:
            answer = await self._ask(shared, replace(ask, people=len(self._people)))
            if isinstance(answer, Granted):
                if answer.limit and answer.interval_seconds:
                    self._window.limit, self._window.interval_seconds = answer.limit, answer.interval_seconds
                    self._window.known = True
                return Turn(self._window.take(ask, self._clock(), self._today()), answer.seat)
            if answer is not None:
                return answer
        seat = self._window.asked(ask, self._clock(), self._today())
        if not isinstance(seat, Seat):
            return seat
        if shared is not None:
            self._remember(Told(None, 0.0, taken=True))
        return Turn(seat)

    def _served(self, turn: Turn, ask: Ask) -> Turn:
        (self._bulk if ask.bulk else self._people).served(ask.owner)
        return turn

    def _crowd(self, queue: _Queue, waiter: _Waiter) -> float:
        """How long one who is not the first waits at least: for each full allowance before it, an interval."""
        return queue.before(waiter) // (self.limit or DOCUMENTED_LIMIT) * self.interval_seconds

    def _first(self) -> _Waiter | None:
        return self._people.first() or self._bulk.first()

    def _wake(self) -> None:
        """Let the first who waits look again."""
        if (first := self._first()) is not None:
            first.woken.set()
