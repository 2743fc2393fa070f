"""Names of the shop's things and their ids, for whoever types a name: read page by page, kept for a short while.

What completes as somebody types must not use up the requests that their work needs, so it has an allowance of its own.
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import anyio

from ..products_api.errors import ProductsApiError
from ..products_api.model_base import Page

FRESH_SECONDS = 60.0
"""How long names are good for after the last of them was read, unless set otherwise; a change made through this server,
or told by a webhook, ends that at once."""
MOST_NAMES = 5000
PAGES_AT_ONCE = 5
READS = 20
READS_SECONDS = 10.0
"""At most so many requests in so many seconds are made for completions: a fifth of what the API allows."""
LONGEST_NAME = 80
MOST_SHOWN = 100
LEAST_ALIKE = 70
"""Of 100: below that, what rapidfuzz calls alike is not what anybody meant."""


@dataclass(frozen=True, slots=True)
class Name:
    """A thing by its name. `others` are further texts it is known by, such as its slug.

    Of a review, `product_id` and `store_id` say what it is about.
    """

    id: str
    name: str
    others: tuple[str, ...] = ()
    product_id: str | None = None
    store_id: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id


class Allowance:
    """So many requests in so many seconds, and no more."""

    def __init__(
        self,
        reads: int = READS,
        seconds: float = READS_SECONDS,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reads = reads
        self._seconds = seconds
        self._clock = clock
        self._made: deque[float] = deque()

    def take(self) -> bool:
        """Whether one more request may be made now; it counts then."""
        now = self._clock()
        while self._made and now - self._made[0] >= self._seconds:
            self._made.popleft()
        if len(self._made) >= self._reads:
            return False
        self._made.append(now)
        return True


@dataclass
class NameList:
    """The names of one kind of thing, as far as they are known.

    `fetch(offset)` reads the page at an offset. Each `grow` reads a few pages more, until the list is whole.
    """

    fetch: Callable[[int], Awaitable[Page[Name]]]
    allowance: Allowance
    clock: Callable[[], float] = time.monotonic
    fresh_seconds: float = FRESH_SECONDS
    known: dict[str, Name] = field(default_factory=dict[str, Name])
    total: int | None = None
    _next: int | None = 0
    _page: int = 0
    _read: float | None = None
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self._read is not None and self._next is None and (self.total or 0) <= MOST_NAMES

    def forget(self) -> None:
        """Read the names anew when they are next asked for."""
        self._read = None

    async def grow(self) -> list[Name]:
        """All names known now, in the order of the shop. A page that cannot be read is left for another time."""
        async with self._lock:
            if self._read is None or self.clock() - self._read >= self.fresh_seconds:
                await self._begin()
            else:
                await self._go_on()
        return list(self.known.values())

    async def _begin(self) -> None:
        if not self.allowance.take():
            return  # what is known is old, and better than nothing
        try:
            page = await self.fetch(0)
        except ProductsApiError:
            return
        self.known = {name.id: name for name in page.items}
        self.total, self._next, self._read = page.total, page.next_offset, self.clock()
        self._page = page.next_offset or 0
        await self._go_on()

    async def _go_on(self) -> None:
        end = MOST_NAMES if self.total is None else min(self.total, MOST_NAMES)
        if self._next is None or self._next >= end:
            self._next = None
            return
        # The API may give smaller pages than were asked for.
        starts = range(self._next, end, self._page or 1)[:PAGES_AT_ONCE]
        offsets = [offset for offset in starts if self.allowance.take()]
        pages: dict[int, Page[Name]] = {}

        async def read(offset: int) -> None:
            with suppress(ProductsApiError):
                pages[offset] = await self.fetch(offset)

        async with anyio.create_task_group() as tasks:
            for offset in offsets:
                tasks.start_soon(read, offset)
        for offset in offsets:
            if offset != self._next or offset not in pages:
                return
            self.known |= {name.id: name for name in pages[offset].items}
            self._next, self._read = pages[offset].next_offset, self.clock()


def ranked(names: Iterable[Name], typed: str) -> list[Name]:
    """The names that fit what was typed, the best first: the whole, its start, a word's start, a part, then what is
    alike. Everything fits nothing typed."""
    wanted = " ".join(typed.casefold().split())
    listed = list(names)
    if not wanted:
        return listed
    places = {id(name): place for name in listed if (place := _place(name, wanted)) is not None}
    literal = sorted((name for name in listed if id(name) in places), key=lambda name: places[id(name)])
    if len(literal) >= MOST_SHOWN:
        return literal
    return literal + _alike([name for name in listed if id(name) not in places], wanted)


def _place(name: Name, wanted: str) -> int | None:
    """How well a name has in it what was typed; None where it has not."""
    texts = [name.name.casefold(), *(other.casefold() for other in name.others), name.id.casefold()]
    if wanted in texts or str(name).casefold() == wanted:
        return 0
    if any(text.startswith(wanted) for text in texts):
        return 1
    if f" {wanted}" in texts[0]:
        return 2
    return 3 if any(wanted in text for text in texts[:-1]) else None


def _alike(names: list[Name], wanted: str) -> list[Name]:
    from rapidfuzz import fuzz, process

    found = process.extract(
        wanted,
        [name.name.casefold() for name in names],
        scorer=fuzz.WRatio,
        score_cutoff=LEAST_ALIKE,
        limit=MOST_SHOWN,
    )
    return [names[place] for _, _, place in found]
