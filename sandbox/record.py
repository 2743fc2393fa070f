"""The log of what the sandbox received."""

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

_KEPT: Final = 10_000


@dataclass(slots=True)
class Received:
    """One request as it arrived. The token is left out."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: Any
    """The JSON that was sent, decimals exact; None without a body, text if it was not JSON."""
    headers: dict[str, str]
    operation: str | None = None
    """Operation id, or None for a path that matches none."""
    status: int | None = None
    """What was answered, or None when the connection was cut."""
    fault: str | None = None
    """The kind of the planned fault that it met."""

    @property
    def line(self) -> str:
        """Method and path, such as `GET /products/`."""
        return f"{self.method} {self.path}"


class RequestLog(deque[Received]):
    """The latest requests, oldest first. Iterate, index or clear it."""

    def __init__(self) -> None:
        super().__init__(maxlen=_KEPT)

    def lines(self) -> list[str]:
        """The requests as `METHOD /path`."""
        return [received.line for received in self]
