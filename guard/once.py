"""Something that is done once in a process, however many calls ask for it at the same time."""

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
