"""The API's limits: so many requests in any interval, so many a day."""

from collections import deque
from collections.abc import Callable
from typing import Final

DAILY_LIMIT: Final = 200_000


class RateLimit:
    """Counts requests in a window that slides: no interval of this length holds more than the limit.

    Whether the live API's window slides is not documented; one that does is the stricter reading.
    """

    def __init__(self, limit: int, interval_seconds: float, now: Callable[[], float]) -> None:
        self.limit = limit
        self.interval_seconds = interval_seconds
        self._now = now
        self._recent: deque[float] = deque()
        self._today = 0

    def admit(self) -> bool:
        """Count one request, unless the window is full."""
        moment = self._now()
        while self._recent and self._recent[0] <= moment - self.interval_seconds:
            self._recent.popleft()
        if self.limit and (len(self._recent) >= self.limit or self._today >= DAILY_LIMIT):
            return False
        if self.limit:
            self._recent.append(moment)
            self._today += 1
        return True

    def headers(self) -> dict[str, str]:
        """What the API tells with every answer; nothing when limiting is off."""
        if not self.limit:
            return {}
        return {
            "x-ratelimit-max": str(self.limit),
            "x-ratelimit-interval-milliseconds": str(round(self.interval_seconds * 1000)),
            "x-ratelimit-remaining": str(self.limit - len(self._recent)),
            "x-ratelimit-limit-daily": str(DAILY_LIMIT),
            "x-ratelimit-daily-remaining": str(DAILY_LIMIT - self._today),
        }

    def reset(self) -> None:
        """Forget every request."""
        self._recent.clear()
        self._today = 0
