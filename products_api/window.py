"""The requests that count against an allowance at a moment: bookkeeping alone, with the time given.

The same is kept in the memory of a process, and in the store for several processes that share an allowance.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, NamedTuple

import msgspec

from .day import Day
from .replies import Reply, ToldRate, told_rate

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
_GREEDY_PART: Final = 2
"""Whoever has half of the allowance, and is not alone, spreads the last fifth as bulk work does."""
_LONGEST_HOLD_SECONDS: Final = 120.0
_WISH_SECONDS: Final = 1.0
"""How much longer than its wait a process that does not ask again is believed to be waiting."""


class Place(NamedTuple):
    """A request that counts until `free_at`: its number among all that were sent, 0 for somebody else's."""

    number: int
    free_at: float
    owner: str = ""


class Wish(NamedTuple):
    """People that wait in a process, until it is thought to have ended."""

    people: int
    until: float


@dataclass(frozen=True)
class Seat:
    """Leave to send one request: its number, and how many requests counted when it was sent, itself among them."""

    number: int
    counted: int


@dataclass(frozen=True)
class Wait:
    """No leave yet.

    seconds: until it is worth asking again. day: whether it is the day's requests that are used up.
    """

    seconds: float
    day: bool = False


@dataclass(frozen=True)
class Told:
    """What the answer to a request told, and how many seconds ago.

    `seat` is None for what only asks to hold, and for a request that was sent without asking (`taken`).
    """

    seat: Seat | None
    ago: float
    rate: ToldRate = field(default_factory=ToldRate)
    succeeded: bool = False
    refused: bool = False
    hold_seconds: float = 0.0
    taken: bool = False

    @classmethod
    def by(cls, reply: Reply, seat: Seat | None) -> "Told":
        """What this reply, just come, tells."""
        refused = reply.status == HTTPStatus.TOO_MANY_REQUESTS
        return cls(seat, 0.0, told_rate(reply.headers), succeeded=reply.succeeded, refused=refused)


@dataclass(frozen=True)
class Ask:
    """What is wanted of a window.

    bulk: whether it is for bulk work. again: whether for a request that has waited out its own refusal. owner: for
    whom, "" where there is one alone. process, people: who asks, and how many people wait there. wanted: False only
    brings the news.
    """

    bulk: bool = False
    again: bool = False
    owner: str = ""
    process: str = ""
    people: int = 0
    wanted: bool = True
    news: tuple[Told, ...] = ()


@dataclass(eq=False)
class Window:
    """The allowance and what counts against it.

    limit: requests in any interval; None where the API tells of no limit. known: whether the API has told it.
    sent: how many were ever sent. held_until: nothing starts before. spread_at: when the last spread turn was taken.
    """

    limit: int | None = DOCUMENTED_LIMIT
    interval_seconds: float = DOCUMENTED_INTERVAL_SECONDS
    documented: int = DOCUMENTED_LIMIT
    known: bool = False
    sent: int = 0
    held_until: float = 0.0
    spread_at: float = 0.0
    places: list[Place] = field(default_factory=list[Place])
    wishes: dict[str, Wish] = field(default_factory=dict[str, Wish])
    day: Day = field(default_factory=Day)

    def asked(self, ask: Ask, now: float, day_now: float) -> Seat | Wait:
        """Take the news, and give leave or say how long to wait. `day_now` is in seconds since 1970."""
        for told in ask.news:
            self.learn(told, now, day_now)
        if not ask.wanted:
            return Wait(0.0)
        wait = self._wait(ask, now, day_now)
        if ask.process:
            self.wishes.pop(ask.process, None)
            waiting = ask.people - (wait.seconds <= 0 and not ask.bulk)
            if waiting > 0 and not wait.day:
                self.wishes[ask.process] = Wish(waiting, now + max(0.0, wait.seconds) + _WISH_SECONDS)
        return wait if wait.seconds > 0 else self.take(ask, now, day_now)

    def take(self, ask: Ask, now: float, day_now: float) -> Seat:
        """Count one request that is about to be sent, whether there is room for it or not."""
        self.day.take(day_now)
        self._forget(now)
        if self._spreads(ask):
            self.spread_at = now
        self.sent += 1
        if self.limit is not None:
            self.places.append(Place(self.sent, self._forgotten(now) + _GRACE_SECONDS, ask.owner))
        return Seat(self.sent, len(self.places))

    def learn(self, told: Told, now: float, day_now: float) -> None:
        """Take over what an answer told of the limit, and of requests that somebody else sends against it."""
        if told.hold_seconds:
            self.held_until = max(self.held_until, now - told.ago + told.hold_seconds)
        if told.taken:
            self.sent += 1
            self.places.append(Place(self.sent, self._forgotten(now - told.ago) + _GRACE_SECONDS))
        if told.seat is None:
            return
        self.answered(told.seat, now - told.ago)
        self.day.learn(told.rate, day_now)
        rate = told.rate
        if told.refused:
            self.known = True
            self.limit = self.limit or self.documented
        if rate.limit and rate.interval_seconds and rate.interval_seconds <= LONGEST_INTERVAL_SECONDS:
            self.limit, self.interval_seconds, self.known = rate.limit, rate.interval_seconds, True
            if rate.remaining is not None:
                # All that can be ours of what the API has counted: what was under way then, and all sent since.
                ours = told.seat.counted + self.sent - told.seat.number
                others = min(rate.limit - rate.remaining - ours, rate.limit)
                self.places += [Place(0, self._forgotten(now - told.ago)) for _ in range(others)]
        elif told.succeeded and not self.known:
            self.limit = None

    def answered(self, seat: Seat, at: float) -> None:
        """A request that was answered by then has arrived by then."""
        for index, place in enumerate(self.places):
            if place.number == seat.number:
                self.places[index] = place._replace(free_at=min(place.free_at, self._forgotten(at)))

    def _wait(self, ask: Ask, now: float, day_now: float) -> Wait:
        """How long until it may be sent; 0 or less for now."""
        if now < self.held_until and not ask.again:
            return Wait(self.held_until - now)
        if self.limit is None:
            self.places.clear()
            return Wait(0)
        if day := self.day.wait(day_now):
            return Wait(day, day=True)
        self._forget(now)
        self.wishes = {key: wish for key, wish in self.wishes.items() if wish.until > now}
        others = sum(wish.people for key, wish in self.wishes.items() if key != ask.process)
        free = self.limit - len(self.places) - (others if ask.bulk else 0)
        ends = sorted(place.free_at for place in self.places)
        if free <= 0:
            # Where more people wait than there are requests, nobody knows when one is left for bulk work.
            return Wait(ends[-free] - now if -free < len(ends) else self.interval_seconds / self.limit)
        if not self._spreads(ask) or free > self.limit // _SPREAD_PART or not ends:
            return Wait(0)
        # As evenly as can be until the next place is free again.
        return Wait(self.spread_at + (ends[0] - self.spread_at) / (free + 1) - now)

    def _spreads(self, ask: Ask) -> bool:
        if ask.bulk or not ask.owner or self.limit is None:
            return ask.bulk
        return sum(place.owner == ask.owner for place in self.places) >= self.limit / _GREEDY_PART

    def _forget(self, now: float) -> None:
        self.places = [place for place in self.places if place.free_at > now]

    def _forgotten(self, at: float) -> float:
        """When a request that arrives then counts no longer."""
        return at + self.interval_seconds + _MARGIN_SECONDS

    def dump(self) -> str:
        """All of it as JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def load(cls, text: str, now: float) -> "Window":
        """What `dump` gave. Times that a clock set back would have put far ahead are brought near.

        What only another version of this program knows of is left out, and what it does not know is as in a new window.

        Raises:
            ValueError, RecursionError: it is no window.
        """
        window = msgspec.json.decode(text, type=cls)
        if (window.limit is not None and window.limit < 1) or window.interval_seconds <= 0:
            raise ValueError("it allows nothing")
        latest = now + window.interval_seconds + _MARGIN_SECONDS + _GRACE_SECONDS
        window.places = [
            place if place.free_at <= latest else place._replace(free_at=latest) for place in window.places
        ]
        window.held_until = min(window.held_until, now + _LONGEST_HOLD_SECONDS)
        longest = now + _LONGEST_HOLD_SECONDS + _WISH_SECONDS
        window.wishes = {
            key: wish._replace(until=min(wish.until, longest)) for key, wish in window.wishes.items()
        }
        window.spread_at = min(window.spread_at, now)
        return window
