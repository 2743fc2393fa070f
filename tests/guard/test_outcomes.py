"""What is said of a deed that has ended, from whether it was sent, how it ended, and what is seen afterwards."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest
from mcp.server.mcpserver.exceptions import ToolError

from hoopai_products_mcp.guard.journal import Outcome
from hoopai_products_mcp.guard.outcomes import became, is_complete, is_whole, may_still_come, unread
from hoopai_products_mcp.guard.plan import Plan
from hoopai_products_mcp.products_api.errors import (
    ConnectionLostError,
    ProductsApiError,
    RequestTimeoutError,
    ServerError,
)
from hoopai_products_mcp.products_api.operations import BULK_UPDATE

pytestmark = pytest.mark.anyio

PLAN = Plan(action="Change something")
NOTHING = Outcome(outcome="not_done", applied=0, of=2)
HALF = Outcome(outcome="done", applied=1, of=2)
ALL = Outcome(outcome="done", applied=2, of=2)
UNREADABLE = Outcome(outcome="unknown", applied=1, of=2, why="it cannot be read")
VIEW = {"done": True}
MADE = [{"kind": "product", "id": "p1", "within": None}]

LOST = ConnectionLostError(BULK_UPDATE, "It broke.", outcome="unknown")
SLOW = RequestTimeoutError(BULK_UPDATE, "It took too long.", outcome="unknown")
GATEWAY = ServerError(BULK_UPDATE, "It failed.", outcome="unknown", status=504)
FAILED = ServerError(BULK_UPDATE, "It failed.", outcome="unknown", status=500)


@dataclass
class Deed:
    """A deed, and what is seen of it each time that somebody looks; `looks` is how they looked."""

    seen: list[Outcome]
    sent: bool = True
    unclear: ProductsApiError | None = None
    stopped: bool = False
    repeatable: bool = True
    made: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    looks: list[str] = field(default_factory=list[str])

    async def plan(self) -> Plan:
        return PLAN

    async def names(self, products: Collection[str], collections: Collection[str]) -> Mapping[str, str]:
        raise NotImplementedError

    async def deed(self, plan: Plan) -> Any:
        raise NotImplementedError

    async def look(self, plan: Plan, *, remembered: bool) -> Outcome:
        assert plan is PLAN
        self.looks.append("remembered" if remembered else "fresh")
        return self.seen.pop(0)

    def waiting(self) -> AbstractContextManager[None]:
        return nullcontext()

    def said(self, view: Any) -> dict[str, Any]:
        return dict(view)


async def of(deed: Deed, view: Any = None, error: BaseException | None = None) -> Outcome:
    outcome = await became(deed, PLAN, view, error, pause_seconds=0)
    assert deed.seen == []
    return outcome


async def test_what_was_not_sent_was_not_done_and_is_not_looked_for() -> None:
    deed = Deed([], sent=False)
    assert await of(deed, error=RuntimeError()) == Outcome(outcome="not_done", why="RuntimeError")


async def test_an_accepted_deed_is_done_with_what_was_seen_of_it() -> None:
    deed = Deed([ALL], made=MADE)
    assert await of(deed, VIEW) == Outcome(outcome="done", applied=2, of=2, response=VIEW, created=MADE)
    assert deed.looks == ["remembered"]


async def test_an_accepted_deed_that_cannot_be_read_is_done_without_counts() -> None:
    assert await of(Deed([UNREADABLE]), VIEW) == Outcome(outcome="done", response=VIEW)


async def test_an_accepted_deed_of_which_nothing_is_there_is_not_known() -> None:
    outcome = await of(Deed([NOTHING]), VIEW)
    assert (outcome.outcome, outcome.applied, outcome.of) == ("unknown", 0, 2)
    assert outcome.why == "the API accepted it, and yet read back nothing of it is there"
    # Nothing had to be sent: everything was as asked.
    assert (await of(Deed([NOTHING], sent=False), VIEW)).outcome == "done"


async def test_a_deed_that_stopped_is_counted_by_a_fresh_look() -> None:
    deed = Deed([HALF], stopped=True)
    assert await of(deed, VIEW) == Outcome(outcome="done", applied=1, of=2, response=VIEW)
    assert deed.looks == ["fresh"]


async def test_a_lost_answer_is_looked_for_twice_unless_all_is_there_at_once() -> None:
    deed = Deed([ALL])
    assert await of(deed, error=LOST) == ALL
    assert deed.looks == ["fresh"]
    for first in (NOTHING, HALF, UNREADABLE):
        for second in (NOTHING, HALF, ALL, UNREADABLE):
            deed = Deed([first, second])
            assert await of(deed, error=LOST) == second
            assert deed.looks == ["fresh", "fresh"]
    assert await of(Deed([NOTHING, NOTHING]), error=FAILED) == NOTHING


@pytest.mark.parametrize("error", [SLOW, GATEWAY, RuntimeError(), KeyboardInterrupt()])
@pytest.mark.parametrize("repeatable", [True, False])
async def test_what_was_given_up_and_does_not_show_may_still_come(
    error: BaseException, repeatable: bool
) -> None:
    for seen, there in ((NOTHING, "nothing of it is there"), (HALF, "1 of 2 changes are there")):
        outcome = await of(Deed([seen, seen], repeatable=repeatable), error=error)
        assert (outcome.outcome, outcome.applied) == ("unknown", seen.applied)
        assert may_still_come(outcome)
        twice = "" if repeatable else "; sent again, it could be done twice"
        assert outcome.why == f"{there} so far, but the API may still be at it{twice}"
    assert await of(Deed([NOTHING, ALL], repeatable=repeatable), error=error) == ALL
    outcome = await of(Deed([UNREADABLE, UNREADABLE], repeatable=repeatable), error=error)
    assert outcome == UNREADABLE


async def test_a_refusal_by_the_tool_itself_after_a_part_is_not_waited_for() -> None:
    assert await of(Deed([HALF, HALF]), error=ToolError("no")) == HALF


async def test_of_a_part_whose_answer_was_lost_the_same_is_true() -> None:
    assert await of(Deed([HALF, HALF], unclear=LOST), VIEW) == Outcome(
        outcome="done", applied=1, of=2, response=VIEW
    )
    assert may_still_come(await of(Deed([HALF, HALF], unclear=SLOW), VIEW))


async def test_what_it_is_known_to_have_made_is_kept_whatever_is_seen() -> None:
    assert (await of(Deed([NOTHING, NOTHING], made=MADE), error=LOST)).created == MADE
    found: list[Any] = [{"kind": "product", "id": "p2", "within": None}]
    seen = Outcome(outcome="done", applied=1, of=1, created=found)
    assert (await of(Deed([seen], made=MADE), error=LOST)).created == found


@pytest.mark.parametrize(
    ("deed", "view", "error", "outcome"),
    [
        (Deed([], sent=False), None, RuntimeError(), Outcome(outcome="not_done", why="RuntimeError")),
        (
            Deed([], made=MADE), None, LOST,
            Outcome(outcome="unknown", why="it was interrupted", created=MADE),
        ),
        (Deed([], unclear=LOST), VIEW, None, Outcome(outcome="unknown", why="it was interrupted")),
        (
            Deed([], made=MADE), VIEW, None,
            Outcome(outcome="done", why="not read back", response=VIEW, created=MADE),
        ),
    ],
)  # fmt: skip
def test_a_deed_that_nobody_can_look_after_is_called_what_is_known_of_it(
    deed: Deed, view: Any, error: BaseException | None, outcome: Outcome
) -> None:
    assert unread(deed, view, error) == outcome


def test_whole_is_what_was_counted_or_said_to_be() -> None:
    said_not = Outcome(outcome="done", response={"done": False})
    assert [is_whole(one) for one in (ALL, HALF, Outcome(outcome="done"), said_not)] == [
        True, False, True, False
    ]  # fmt: skip
    assert [is_complete(one) for one in (ALL, HALF, NOTHING, UNREADABLE, said_not)] == [
        True, False, False, False, False
    ]  # fmt: skip
