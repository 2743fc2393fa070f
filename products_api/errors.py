"""What can go wrong between a call and its answer.

    ProductsApiError
    |-- InvalidArgumentError            refused here; no request was made
    |   `-- InvalidIdentifierError      an id or slug that is not exactly one path segment
    |-- NotRememberedError              a reading that this call has not made and was not to make
    |-- HeldBackError                   not sent or not waited for, and told when it can be
    |   |-- AllowanceSpentError         the wait for the rate limit would be longer than whoever asks waits
    |   |-- OutOfTimeError              the call has taken as long as whoever asks waits
    |   `-- ApiDownError                the API has failed several times in a row just now
    |-- RefusedError                    the API read the request and declined it (4xx)
    |   |-- BadRequestError             400 and the other 4xx without a class of their own
    |   |-- NotFoundError               404, or the 400 that means it
    |   |-- RouteUnavailableError       the account does not have this route
    |   |-- BadTokenError               401: the token is wrong, expired or revoked
    |   |   `-- LoginEndedError         there is no login, or it cannot be renewed any more
    |   |-- MissingScopeError           401 or 403: the token lacks a scope
    |   |-- WrongLocationError          401 or 403: the token is not for this location
    |   |-- ConflictError               409
    |   |-- ValidationFailedError       422, with its list of messages
    |   `-- RateLimitedError            429, with the seconds to wait
    |-- ServerError                     5xx
    |-- RequestTimeoutError             no answer in time, or 408
    |-- ConnectionFailedError
    |   |-- NotReachedError             the request never left
    |   `-- ConnectionLostError         the connection broke after the request was sent
    `-- UnexpectedResponseError         an answer that is not JSON, or not of the known shape
        `-- RepeatedPageError           one page for several offsets

Every error says what happened, whether anything changed, and what to do next; `str(error)` is
those three in one line. This module imports neither the HTTP client nor the models, so naming an
error costs nothing at start.
"""

from typing import Literal

from .operations import Operation

Outcome = Literal["not_done", "unknown"]

_CHANGED: dict[Outcome, str] = {
    "not_done": "Nothing was changed.",
    "unknown": "It is not known whether the change was made.",
}


class ProductsApiError(Exception):
    """Any failure of a call.

    Attributes:
        operation: method and path template, such as `GET /products/{productId}`.
        scopes: what a token needs for the operation, as far as it is documented.
        status: HTTP status, or None when there was no answer.
        trace_id: the API's own id of the request, when it gave one.
        messages: the API's own texts, in full. They are quoted data, not instructions.
        retryable: sending the same request again is safe and may help.
        wait_seconds: how long the API advises to wait before that, when it does.
        outcome: for a write, `not_done` when it surely changed nothing, `unknown` when it may have.
            Reads are always `not_done`.
        happened, changed, next_step: the words for a person, one sentence or two each; `changed` is
            empty for a read.
    """

    def __init__(
        self,
        operation: Operation,
        happened: str,
        *,
        next_step: str | None = None,
        status: int | None = None,
        trace_id: str | None = None,
        messages: tuple[str, ...] = (),
        outcome: Outcome = "not_done",
        retryable: bool = False,
        wait_seconds: float | None = None,
    ) -> None:
        self.operation = operation.name
        self.scopes = operation.scopes
        self.status = status
        self.trace_id = trace_id
        self.messages = messages
        self.outcome: Outcome = outcome if operation.writes else "not_done"
        self.retryable = retryable
        self.wait_seconds = wait_seconds
        self.happened = happened
        self.changed = _CHANGED[self.outcome] if operation.writes else ""
        self.next_step = next_step or (
            "Read the present state before doing it again." if self.outcome == "unknown" else "Try again."
        )
        super().__init__(" ".join(part for part in (happened, self.changed, self.next_step) if part))


class InvalidArgumentError(ProductsApiError):
    """An argument that no request could carry; raised before any request."""


class InvalidIdentifierError(InvalidArgumentError):
    """An id or slug that would not arrive as exactly one path segment, or would reach another route.

    `kind` is the placeholder's name in words, such as `product id`.
    """

    def __init__(self, operation: Operation, kind: str, reason: str) -> None:
        self.kind = kind
        super().__init__(
            operation,
            f"The {kind} cannot be used: {reason}.",
            next_step=f"Take the {kind} from a list and pass it unchanged.",
        )


class NotRememberedError(ProductsApiError):
    """A reading that was only to be taken from memory, and is not there; raised without a request."""


class HeldBackError(ProductsApiError):
    """The request was not sent, or not waited for; `wait_seconds` is how long until it can be."""


class AllowanceSpentError(HeldBackError):
    """The allowance of requests is used up for longer than whoever asks waits, or for the rest of the day."""


class OutOfTimeError(HeldBackError):
    """The call has taken as long as whoever asks waits."""


class ApiDownError(HeldBackError):
    """The API has failed several times in a row, and is left alone for a moment."""


class RefusedError(ProductsApiError):
    """The API declined the request; a refused write changed nothing."""


class BadRequestError(RefusedError):
    """The request was not understood (400 and other 4xx without a class of their own)."""


class NotFoundError(RefusedError):
    """The thing named by the request does not exist in this location."""


class RouteUnavailableError(RefusedError):
    """The account does not have this route: 404 for the route itself, or a 401 that names the IAM service."""


class BadTokenError(RefusedError):
    """The access token is wrong, expired or revoked."""


class LoginEndedError(BadTokenError):
    """Nobody is logged in, or the login cannot be renewed: a person has to log in again."""


class MissingScopeError(RefusedError):
    """The token lacks what the operation needs; `scopes` names it, as far as it is documented."""


class WrongLocationError(RefusedError):
    """The token may not act on this location."""


class ConflictError(RefusedError):
    """The change clashes with what is already there (409)."""


class ValidationFailedError(RefusedError):
    """The API found fault with single fields (422); `messages` has one text per fault."""


class RateLimitedError(RefusedError):
    """Too many requests, also after waiting; `wait_seconds` is the advised wait, None when not told."""


class ServerError(ProductsApiError):
    """The API failed (5xx); a write may or may not have been carried out."""


class RequestTimeoutError(ProductsApiError):
    """No answer within the time allowed, or the 408 of somebody who waited; a write may have been carried out."""


class ConnectionFailedError(ProductsApiError):
    """The network failed."""


class NotReachedError(ConnectionFailedError):
    """No connection could be made, so the request never left and repeating it is safe."""


class ConnectionLostError(ConnectionFailedError):
    """The connection broke after the request was sent; a write may or may not have been carried out."""


class UnexpectedResponseError(ProductsApiError):
    """The answer is not JSON, or lacks what cannot be done without."""


class RepeatedPageError(UnexpectedResponseError):
    """A later page of a list begins as an earlier one did, so that reading on would never end."""
