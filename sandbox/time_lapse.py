"""An event loop that waits for nothing: where it would sleep, its time jumps.

What takes ten minutes at the API's rate limit is then shown in seconds, and as exactly: the sandbox and its clients
take the time from the loop. Not for a program that waits for threads, processes or sockets.
"""

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any


class _Jumping(selectors.DefaultSelector):
    """Looks what is ready, and instead of waiting for more jumps over the time."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[Any]:
        """What is ready. With nothing to do and no end to the wait it is a real one."""
        ready = super().select(timeout if timeout is None else 0)
        if not ready and timeout:
            self._jump(timeout)
        return ready


class TimeLapseLoop(asyncio.SelectorEventLoop):
    """The loop. Its time is what it jumped over, and, with `counts_work`, the time that the machine was at work."""

    def __init__(self, *, counts_work: bool = False) -> None:
        self._jumped = 0.0
        self._work: Callable[[], float] = time.perf_counter if counts_work else lambda: 0.0
        super().__init__(_Jumping(self._jump))

    def _jump(self, seconds: float) -> None:
        self._jumped += seconds

    def time(self) -> float:
        """Seconds, from no particular moment."""
        return self._jumped + self._work()
