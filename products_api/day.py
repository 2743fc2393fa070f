"""The day's allowance of requests, 200,000 as documented: counted, and taken over from what the API tells.

When the API's day begins is documented nowhere. Until it tells, a day is one of UTC, and one request every ten minutes
finds out whether a day that was used up is over.
"""

from dataclasses import dataclass
from typing import Final

from .replies import ToldRate

DAY_SECONDS: Final = 86_400
DOCUMENTED_DAILY_LIMIT: Final = 200_000
LOOK_SECONDS: Final = 600.0


@dataclass
class Day:
    """What was used of a day. Times are seconds since 1970.

    number: which day, counted from 1970. used: requests of that day. ends: when it is over, as far as the API tells.
    looked: when a request was last let through although the day was used up.
    """

    number: int = 0
    limit: int = DOCUMENTED_DAILY_LIMIT
    used: int = 0
    ends: float | None = None
    looked: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the day is over, if it is used up; 0 if a request may be sent."""
        self._turn_over(now)
        if self.used < self.limit or not 0 <= now - self.looked < LOOK_SECONDS:
            return 0
        return self._end(now) - now

    def take(self, now: float) -> None:
        """Count one request."""
        self._turn_over(now)
        self.used += 1
        if self.used > self.limit:
            self.looked = now

    def learn(self, told: ToldRate, now: float) -> None:
        """Take over what an answer tells, which counts for more than what was counted here."""
        self._turn_over(now)
        if told.daily_limit:
            self.limit = told.daily_limit
        if told.daily_remaining is not None:
            self.used = max(0, self.limit - told.daily_remaining)
            if told.daily_remaining == 0:
                self.looked = now
        if told.daily_reset_seconds is not None:
            self.ends = now + told.daily_reset_seconds

    def _end(self, now: float) -> float:
        if self.ends is not None and self.ends > now:
            return self.ends
        return (now // DAY_SECONDS + 1) * DAY_SECONDS

    def _turn_over(self, now: float) -> None:
        number = int(now // DAY_SECONDS)
        if number != self.number or (self.ends is not None and now >= self.ends):
            self.number, self.used, self.ends, self.looked = number, 0, None, 0.0
