"""How many requests a caller may make: a bucket of a minute's worth that fills again evenly."""

import math
import time
from collections.abc import Callable

MINUTE = 60.0
_MOST_CALLERS = 10_000


class CallRate:
    """The requests of each caller of one process. `per_minute` 0 is no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, caller: str) -> int:
        """Count a request: 0 where it may go on, else in how many seconds the next one may."""
        if not self._per_minute:
            return 0
        now = self._clock()
        left, since = self._left.get(caller, (float(self._per_minute), now))
        left = min(self._per_minute, left + (now - since) * self._per_minute / MINUTE)
        if left < 1:
            self._left[caller] = left, now
            return math.ceil(round((1 - left) * MINUTE / self._per_minute, 6))
        if len(self._left) >= _MOST_CALLERS:
            self._forget(now)
        self._left[caller] = left - 1, now
        return 0

    def _forget(self, now: float) -> None:
        """Drop those whose bucket is full again."""
        self._left = {name: kept for name, kept in self._left.items() if now - kept[1] < MINUTE}
