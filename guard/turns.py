"""Turns at the things of a shop: of two writes of one process to the same thing, the second waits for the first."""

from collections.abc import AsyncGenerator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

import anyio


class Turns:
    """Whose turn it is. `ended` counts the turns that are over: a plan made before one may be out of date."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()
        self.ended = 0

    @asynccontextmanager
    async def at(self, things: Collection[str]) -> AsyncGenerator[None]:
        """Have these things, named by their ids, to oneself."""
        # In one order, so that no two wait for each other.
        locks = [self._locks.setdefault(thing, anyio.Lock(fast_acquire=True)) for thing in sorted(things)]
        async with AsyncExitStack() as stack:
            for lock in locks:
                await stack.enter_async_context(lock)
            try:
                yield
            finally:
                self.ended += 1
