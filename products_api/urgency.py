"""For whom work is done and how urgent it is, told to the client by whoever began it rather than by each call.

All of it belongs to the task that says so and to the tasks started there.
"""

import math
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

import anyio

_bulk: ContextVar[bool] = ContextVar("bulk_work", default=False)
_settling: ContextVar[bool] = ContextVar("settling", default=False)
_person: ContextVar[str] = ContextVar("working_for", default="")
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def bulk_work() -> Generator[None]:
    """Let the requests made inside go behind those that a person waits for."""
    token = _bulk.set(True)
    try:
        yield
    finally:
        _bulk.reset(token)


def is_bulk_work() -> bool:
    """Whether what is under way is bulk work."""
    return _bulk.get()


@contextmanager
def settling() -> Generator[None]:
    """Let the readings made inside be those that find out what became of a write: they are tried even while the API is
    being left alone, since what they find cannot be found later with the same certainty."""
    token = _settling.set(True)
    try:
        yield
    finally:
        _settling.reset(token)


def is_settling() -> bool:
    """Whether what is under way finds out what became of a write."""
    return _settling.get()


@contextmanager
def working_for(name: str) -> Generator[None]:
    """Let the requests made inside be those of a caller; "" where there is one alone."""
    token = _person.set(name)
    try:
        yield
    finally:
        _person.reset(token)


def whom() -> str:
    """For whom the work that is under way is done."""
    return _person.get()


@contextmanager
def until(deadline: float) -> Generator[None]:
    """Let nothing inside be waited for beyond this time of the event loop; `math.inf` lifts such a bound."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float:
    """How long whoever waits still does; infinite where nothing bounds it."""
    deadline = _deadline.get()
    return math.inf if math.isinf(deadline) else deadline - anyio.current_time()
