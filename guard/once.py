"""Something that is done once in a process, or now and then, however many calls ask for it at the same time."""

import time
from collections.abc import Awaitable, Callable

import anyio


class Once:
    """Whether it has been done, and whose turn it is to do it."""

    def __init__(self) -> None:
        self._done = False
        self._turn = anyio.Lock()

    async def __call__(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it unless it was done; who comes while it is under way waits for it.

        What raises has not been done: the next caller tries again.
        """
        if self._done:
            return
        async with self._turn:
            if not self._done:
                await work()
                self._done = True


class NowAndThen:
    """Something that the first who asks after so many seconds does; nobody waits for it but them."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next = clock() + seconds

    async def __call__(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it if it is time."""
        now = self._clock()
        if now >= self._next:
            self._next = now + self._seconds
            await work()
