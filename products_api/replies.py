"""What comes back from a request, before anybody asks what it means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from . import errors
from .exact_json import Json, decode
from .operations import Operation

_DAY_MILLISECONDS = 86_400_000


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers by lower-case name, and the body's bytes."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def succeeded(self) -> bool:
        """Any 2xx: the documented status is not insisted on, since even updates answer 201 here."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def value_of(reply: Reply, operation: Operation) -> Json:
    """The decoded body of a success; None for an empty one.

    Raises:
        UnexpectedResponseError: the body is not JSON.
    """
    if not reply.content.strip():
        return None
    try:
        return decode(reply.content)
    except ValueError:
        pass
    raise errors.UnexpectedResponseError(
        operation,
        f"{operation.name} answered {reply.status} with something that is not JSON. "
        "Perhaps the base URL is not the API's own address.",
        status=reply.status,
        trace_id=trace_in(None, reply.headers),
        outcome="unknown",
    )


def trace_in(body: Json, headers: Mapping[str, str]) -> str | None:
    """The trace id: said to be on every response, in no schema, so looked for in body and headers."""
    if isinstance(body, dict) and isinstance(body.get("traceId"), str):
        return one_line(str(body["traceId"]))[:100]
    for name in ("x-trace-id", "traceid", "trace-id"):
        if headers.get(name):
            return one_line(headers[name])[:100]
    return None


def one_line(text: str) -> str:
    """The text without line ends, control characters and runs of spaces."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def advised_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait before the next request as the headers of a 429 say; None when they do not.

    `Retry-After` is plain HTTP and nowhere documented for this API, but an edge in front of it may send
    it; the API's own header is the length of its window.
    """
    retry_after = headers.get("retry-after", "").strip()
    if retry_after:
        seconds = _number(retry_after)
        return seconds if seconds is not None else _seconds_until(retry_after)
    interval = _number(headers.get("x-ratelimit-interval-milliseconds"))
    return None if interval is None else interval / 1000


@dataclass(frozen=True, slots=True)
class ToldRate:
    """What an answer tells of the limit on requests; None for what it does not."""

    limit: int | None = None
    interval_seconds: float | None = None
    remaining: int | None = None
    daily_limit: int | None = None
    daily_remaining: int | None = None
    daily_reset_seconds: float | None = None


def told_rate(headers: Mapping[str, str]) -> ToldRate:
    """The limit in the headers of any answer: so many requests in any interval, and how many are left of them."""
    interval = _number(headers.get("x-ratelimit-interval-milliseconds"))
    reset = _number(headers.get("x-ratelimit-daily-reset"))
    return ToldRate(
        limit=_whole(headers.get("x-ratelimit-max")),
        interval_seconds=None if interval is None else interval / 1000,
        remaining=_whole(headers.get("x-ratelimit-remaining")),
        daily_limit=_whole(headers.get("x-ratelimit-limit-daily")),
        daily_remaining=_whole(headers.get("x-ratelimit-daily-remaining")),
        # Named in the source of the vendor's SDK alone, in milliseconds. More than a day would be something else.
        daily_reset_seconds=reset / 1000 if reset and reset <= _DAY_MILLISECONDS else None,
    )


def daily_budget_spent(headers: Mapping[str, str]) -> bool:
    """Whether the day's requests are used up, so that no wait within a call could help."""
    return _number(headers.get("x-ratelimit-daily-remaining")) == 0


def clock_ahead(headers: Mapping[str, str]) -> float | None:
    """By how many seconds this machine's clock is ahead of the one that wrote the `Date` of an answer."""
    date = headers.get("date")
    until = _signed_seconds_until(date) if date else None
    return None if until is None else -until


def _whole(text: str | None) -> int | None:
    value = _number(text)
    return None if value is None else int(value)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < float("inf") else None


def _seconds_until(date: str) -> float | None:
    until = _signed_seconds_until(date)
    return None if until is None else max(0.0, until)


def _signed_seconds_until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()
