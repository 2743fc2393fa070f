"""What an operation is asked, and the ways it can refuse."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from .exact_json import JsonObject

NO_BODY: Final = object()
"""What an operation returns when its answer has no body at all, which is not the same as `null`."""

DONE: Final[JsonObject] = {"status": True, "message": "Successfully created"}
"""The API's one status text, sent even when something was deleted."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that kept to the contract: path and query values typed, defaults filled in."""

    path: dict[str, str] = field(default_factory=dict[str, str])
    query: JsonObject = field(default_factory=dict[str, Any])
    body: JsonObject = field(default_factory=dict[str, Any])


_UNPROCESSABLE: Final = 422


class RefusalError(Exception):
    """A request is answered with an error, and nothing is changed."""

    def __init__(self, status: int, message: str | Sequence[str], *, named: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.named = named

    def body(self) -> JsonObject:
        """The error as the API words it: `message` is a list with 422 and a text otherwise."""
        message = self.message if isinstance(self.message, str) else list(self.message)
        body: JsonObject = {"statusCode": self.status, "message": message}
        if self.named:
            # Newer standard libraries have another name for 422 than the API.
            name = "Unprocessable Entity" if self.status == _UNPROCESSABLE else HTTPStatus(self.status).phrase
            body["error"] = name
        return body


def not_found(what: str) -> RefusalError:
    """What is named in the path or the body does not exist: the API says so with 400."""
    return RefusalError(400, f"{what} not found", named=False)


def unprocessable(*messages: str) -> RefusalError:
    """Values that the operation does not accept, one message each."""
    return RefusalError(422, messages)
