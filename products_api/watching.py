"""Who watches the requests of a client, if anybody does: for measuring, not for changing anything."""

from contextlib import AbstractContextManager
from typing import Literal, Protocol

from .operations import Operation

Reason = Literal["budget", "refused"]
"""Why a request waited: for its turn within the allowance, or because the API had refused it as one too many."""


class Answered(Protocol):
    """A request that is under way."""

    status: int | None
    """The status of its answer, once that is there."""


class Watch(Protocol):
    """Is told of every request."""

    def request(self, operation: Operation) -> AbstractContextManager[Answered]:
        """A request is sent and answered within; what ends it otherwise is raised through."""
        ...

    def waited(self, operation: Operation, reason: Reason, seconds: float) -> None:
        """A request had to wait for so long before it was sent."""
        ...
