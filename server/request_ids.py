"""The id of the request that is being answered, for logs and for whoever asks about one."""

import re
import secrets
from contextvars import ContextVar

HEADER = "x-request-id"
_current: ContextVar[str | None] = ContextVar("request_id", default=None)
_FIT = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


def current() -> str | None:
    """The id of the request that is being answered, if one is."""
    return _current.get()


def begin(given: str | None) -> str:
    """Take over the id that a proxy gave, if it is fit for a log, or make one."""
    made = given if given is not None and _FIT.match(given) else secrets.token_hex(8)
    _current.set(made)
    return made
