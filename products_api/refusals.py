"""From a refusal or a failure to the error that says what it means.

The status alone does not tell: a missing product is answered with 400, a missing scope and a route
the account does not have with 401, the list of faults of a 422 comes under the key that elsewhere
holds one text, and behind a proxy the body may be HTML. What the server wrote is quoted shortened
and on one line.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

from . import errors
from .exact_json import Json, decode
from .operations import GET_PRODUCT, Operation
from .replies import Reply, advised_wait, daily_budget_spent, one_line, trace_in

LONGEST_QUOTE = 300

_ABSENT = ("not found", "does not exist", "doesn't exist", "could not find", "no such")
_IAM = ("iam service", "iam config", "route is not yet supported")

_Kind: TypeAlias = type[
    errors.RefusedError | errors.ServerError | errors.RequestTimeoutError | errors.UnexpectedResponseError
]
# The request was taken, and nothing says how far it got.
_FAILED_ON_THE_WAY = (errors.ServerError, errors.RequestTimeoutError)


def error_of(reply: Reply, operation: Operation) -> errors.ProductsApiError:
    """The error that a reply other than a success amounts to."""
    refusal = _read_refusal(reply)
    kind = _kind_of(reply.status, operation, refusal)
    happened, next_step = _WORDS[kind]
    wait: float | None = None
    if kind is errors.RateLimitedError:
        wait, next_step = _wait_in(reply)
    failed_on_the_way = kind in _FAILED_ON_THE_WAY
    return kind(
        operation,
        happened.format(
            name=operation.name,
            status=reply.status,
            thing=" or ".join(reversed(re.findall(r"{(\w+)Id}", operation.path))) or "thing",
            scopes=" and ".join(operation.scopes) or "which one is not documented",
        )
        + refusal.quoted,
        next_step=next_step,
        status=reply.status,
        trace_id=refusal.trace_id,
        messages=refusal.messages,
        outcome="unknown" if failed_on_the_way or kind is errors.UnexpectedResponseError else "not_done",
        retryable=kind is errors.RateLimitedError or (failed_on_the_way and not operation.writes),
        wait_seconds=wait,
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """The parts of an error body: its texts in order, and the trace id where there is one."""

    messages: tuple[str, ...]
    trace_id: str | None
    is_json: bool

    @property
    def quoted(self) -> str:
        """The texts as one clause to append to a sentence; empty when the server gave no reason."""
        text = "; ".join(self.messages)
        if len(text) > LONGEST_QUOTE:
            text = text[:LONGEST_QUOTE] + "…"
        return f" The API says: {text!r}." if text else ""

    def mentions(self, *wordings: str) -> bool:
        """Whether any of the texts contains any of the wordings, without regard to case."""
        return any(wording in message.lower() for message in self.messages for wording in wordings)


_WORDS: dict[_Kind, tuple[str, str | None]] = {
    errors.BadRequestError: (
        "The API refused {name} (status {status}).",
        "Correct the request and send it again.",
    ),
    errors.NotFoundError: (
        "There is no such {thing} in this location ({name}).",
        "Take the id from a list: this one may be mistyped, deleted, or of another kind or location.",
    ),
    errors.RouteUnavailableError: (
        "This account does not have the route {name} (status {status}).",
        "Use another operation; a new token would not help.",
    ),
    errors.BadTokenError: (
        "The API does not accept the access token ({name}, status {status}).",
        "Check that it is complete, current and not revoked, and set the new one.",
    ),
    errors.MissingScopeError: (
        "The access token lacks the scope for {name} ({scopes}).",
        "Add the scope to the private integration (or the app) and use the new token.",
    ),
    errors.WrongLocationError: (
        "The access token may not do {name} in the configured location (status {status}).",
        "Check the location id, that the token was made in that sub-account, and that it has the scope.",
    ),
    errors.ConflictError: (
        "{name} clashes with what is already there (status {status}).",
        "Read the present state and decide again.",
    ),
    errors.ValidationFailedError: (
        "The API found fault with the fields of {name}.",
        "Correct these fields and send it again.",
    ),
    errors.RateLimitedError: ("Too many requests ({name}, status {status}).", None),
    errors.ServerError: ("The API failed on {name} (status {status}).", None),
    errors.RequestTimeoutError: ("The API gave up on {name} before it was done (status {status}).", None),
    errors.UnexpectedResponseError: (
        "{name} answered with status {status}, which this API is not known to do.",
        "Check that the base URL is the API's own address.",
    ),
}

_BY_STATUS: dict[int, _Kind] = {
    HTTPStatus.METHOD_NOT_ALLOWED: errors.RouteUnavailableError,
    # An edge sends it too, for a request that it has passed on and that was not answered in its time.
    HTTPStatus.REQUEST_TIMEOUT: errors.RequestTimeoutError,
    HTTPStatus.CONFLICT: errors.ConflictError,
    HTTPStatus.UNPROCESSABLE_ENTITY: errors.ValidationFailedError,
    HTTPStatus.TOO_MANY_REQUESTS: errors.RateLimitedError,
}


def _kind_of(status: int, operation: Operation, refusal: Refusal) -> _Kind:
    match status:
        case HTTPStatus.BAD_REQUEST:
            return _bad_request_kind(operation, refusal)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return _access_kind(status, refusal)
        case HTTPStatus.NOT_FOUND:
            return _absence_kind(operation, refusal)
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return errors.ServerError
        case _ if status < HTTPStatus.BAD_REQUEST:
            return errors.UnexpectedResponseError
        case _:
            return _BY_STATUS.get(status, errors.BadRequestError)


def _bad_request_kind(operation: Operation, refusal: Refusal) -> _Kind:
    # The only 400 documented for reading a product is "product not found", so one without a reason of
    # its own is taken for that; elsewhere the words must say it, and there must be an id to be missing.
    unexplained = not refusal.messages or refusal.mentions("bad request")
    said = "{" in operation.path and refusal.mentions(*_ABSENT)
    if said or (operation is GET_PRODUCT and unexplained):
        return errors.NotFoundError
    return errors.BadRequestError


def _access_kind(status: int, refusal: Refusal) -> _Kind:
    # A 401 about the IAM service is about the route: collections by id were seen to answer so. Renewing
    # the token on it would go on for ever.
    if refusal.mentions(*_IAM):
        return errors.RouteUnavailableError
    if refusal.mentions("scope"):
        return errors.MissingScopeError
    if status == HTTPStatus.FORBIDDEN or refusal.mentions("location"):
        return errors.WrongLocationError
    return errors.BadTokenError


def _absence_kind(operation: Operation, refusal: Refusal) -> _Kind:
    # A router that knows no such route answers "Cannot GET /…" (or the gateway answers without JSON);
    # and a path without an id has nothing else that could be missing.
    route_itself = refusal.mentions(f"cannot {operation.method.lower()} /") or not refusal.is_json
    if route_itself or ("{" not in operation.path and not refusal.mentions(*_ABSENT)):
        return errors.RouteUnavailableError
    return errors.NotFoundError


def _wait_in(reply: Reply) -> tuple[float | None, str]:
    """The advised wait and what to do, in words."""
    if daily_budget_spent(reply.headers):
        return None, "The day's requests of this account are used up; try again when the day is over."
    wait = advised_wait(reply.headers)
    return wait, "Wait a little and try again." if wait is None else f"Wait {wait:g} seconds and try again."


def _read_refusal(reply: Reply) -> Refusal:
    try:
        body = decode(reply.content)
    except ValueError:
        # HTML of a proxy: its status says more than its markup.
        return Refusal((), trace_in(None, reply.headers), is_json=False)
    messages = tuple(one_line(text) for text in _texts_in(body))
    return Refusal(messages, trace_in(body, reply.headers), is_json=isinstance(body, dict))


def _texts_in(body: Json) -> list[str]:
    """The reasons in an error body: the body itself, or its `message`, `error` or `detail`, in this order."""
    if isinstance(body, str):
        return [body] if body.strip() else []
    if isinstance(body, list):
        return [text for item in body for text in _texts_in(item)]
    if isinstance(body, dict):
        for key in ("message", "error", "detail"):
            texts = _texts_in(body.get(key))
            if texts:
                return texts
    return []
