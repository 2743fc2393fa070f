"""What became of a write: done, not done, or unknown, and never "failed" for what may have happened."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from mcp.server.mcpserver.exceptions import ToolError

from ..products_api.errors import ProductsApiError, RequestTimeoutError

if TYPE_CHECKING:
    from .journal import Outcome
    from .plan import Plan

INTERRUPTED = "it was interrupted"
NOT_READ_BACK = "not read back"
WITHOUT_EFFECT = "the API accepted it, and yet read back nothing of it is there"
MAY_STILL_COME = "the API may still be at it"


class Doing(Protocol):
    """What a tool does for its own write; each call has one."""

    async def plan(self) -> "Plan":
        """What would happen, from a fresh reading of the shop."""
        ...

    async def names(self, products: Collection[str], collections: Collection[str]) -> Mapping[str, str]:
        """Names by id, of those that there are."""
        ...

    async def deed(self, plan: "Plan") -> Any:
        """Do it, and answer what the caller is told."""
        ...

    async def look(self, plan: "Plan", *, remembered: bool) -> "Outcome":
        """What became of the plan, read back from the shop, or only from what the deed itself has read. Never
        raises."""
        ...

    def waiting(self) -> AbstractContextManager[None]:
        """Wait within for others who are at the same thing: `seconds_left` is how long the caller does."""
        ...

    def said(self, view: Any) -> dict[str, Any]:
        """The answer as plain values, for the journal."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice comes to the same as doing it once."""
        ...

    @property
    def sent(self) -> bool:
        """Whether anything was sent to the shop that was done or may have been."""
        ...

    @property
    def unclear(self) -> Exception | None:
        """Why the deed itself could not tell of a part of it if it was done; None where it could."""
        ...

    @property
    def stopped(self) -> bool:
        """Whether the deed ended before its end, though of each part it is known whether it was done."""
        ...

    @property
    def made(self) -> list[dict[str, Any]]:
        """The things that it has made so far, as plain values."""
        ...


def unread(doing: Doing, view: Any, error: BaseException | None) -> "Outcome":
    """What is known of a deed that has ended and cannot be looked after."""
    from .journal import Outcome

    made = doing.made or None
    if error is not None and not doing.sent:
        return Outcome(outcome="not_done", why=type(error).__name__)
    if error is not None or doing.unclear is not None:
        return Outcome(outcome="unknown", why=INTERRUPTED, created=made)
    return Outcome(outcome="done", why=NOT_READ_BACK, response=doing.said(view), created=made)


async def became(
    doing: Doing, plan: "Plan", view: Any, error: BaseException | None, *, pause_seconds: float
) -> "Outcome":
    """What became of a deed that has ended, one way or another.

    A request whose answer was lost may still be under way: unless all of it is found at once, the shop is looked at
    again after `pause_seconds`. One that somebody stopped waiting for may take longer than that: what does not show
    then is not known.
    """
    if error is not None and not doing.sent:
        return unread(doing, view, error)
    if error is None and doing.unclear is None:
        return _accepted(doing, view, await doing.look(plan, remembered=not doing.stopped))
    seen = await doing.look(plan, remembered=False)
    if not is_complete(seen):
        await anyio.sleep(pause_seconds)
        seen = await doing.look(plan, remembered=False)
    if seen.outcome != "unknown" and not is_complete(seen) and _was_given_up(error or doing.unclear):
        seen = replace(seen, outcome="unknown", why=_so_far(seen, doing))
    if view is not None:
        seen = replace(seen, response=doing.said(view))
    return seen if seen.created else replace(seen, created=doing.made or None)


def is_whole(outcome: "Outcome") -> bool:
    """Whether all of what was to be done was, as far as it was counted or is said."""
    if outcome.applied is None:
        return (outcome.response or {}).get("done") is not False
    return outcome.applied == outcome.of


def is_complete(outcome: "Outcome") -> bool:
    """Whether it is known that all of it was done."""
    return outcome.outcome == "done" and is_whole(outcome)


def may_still_come(outcome: "Outcome") -> bool:
    """Whether it is unknown because the API may still have been at it when the shop was looked at."""
    return outcome.outcome == "unknown" and MAY_STILL_COME in (outcome.why or "")


def _so_far(seen: "Outcome", doing: Doing) -> str:
    there = f"{seen.applied} of {seen.of} changes are" if seen.applied else "nothing of it is"
    twice = "" if doing.repeatable else "; sent again, it could be done twice"
    return f"{there} there so far, but {MAY_STILL_COME}{twice}"


def _accepted(doing: Doing, view: Any, seen: "Outcome") -> "Outcome":
    """The outcome of what the API said yes to."""
    known = replace(seen, response=doing.said(view), created=doing.made or None)
    if seen.outcome == "not_done" and doing.sent:
        return replace(known, outcome="unknown", why=WITHOUT_EFFECT)
    if seen.outcome == "unknown":
        # Its counts are of what could be read, and say nothing of the rest.
        return replace(known, outcome="done", why=None, applied=None, of=None)
    return replace(known, outcome="done", why=None)


def _was_given_up(error: BaseException | None) -> bool:
    """Whether the request was given up by somebody who waited, so that the API may be at it still."""
    if isinstance(error, ProductsApiError):
        return isinstance(error, RequestTimeoutError) or error.status == HTTPStatus.GATEWAY_TIMEOUT
    return not isinstance(error, ToolError)
