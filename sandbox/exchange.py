"""What a transport offers the sandbox beyond ASGI: cutting the connection, and the client's patience."""

from dataclasses import dataclass
from typing import Any, Final

SCOPE_KEY: Final = "hoopai.sandbox.exchange"


@dataclass(slots=True)
class Exchange:
    """One request on its way. The transport makes it, the app marks what should become of it."""

    read_timeout: float | None = None
    """Seconds the client waits for an answer; None when the transport cannot know, or it waits for ever."""
    dropped: bool = False
    """The app asks for the connection to be cut without an answer."""
    timed_out: bool = False
    """The app asks for the client's read timeout to strike."""


def exchange_of(scope: Any) -> Exchange:
    """The exchange that a transport put into the ASGI scope, or one of its own for a transport without."""
    return scope.setdefault(SCOPE_KEY, Exchange())
