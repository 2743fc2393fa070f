"""A write's way: plan, policy, approval, journal, the deed, and what became of it."""

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import InputRequiredResult

from ..products_api.urgency import seconds_left
from .approval import Asking, approve, keep_plan, unasked
from .calls import Leave, Preview, Road, WriteCall
from .once import NowAndThen, Once
from .outcomes import Doing, became, unread
from .plan import Plan, to_plain
from .question import NOTHING_CHANGED
from .staleness import changed_since
from .store import Store
from .turns import Turns

if TYPE_CHECKING:
    from .journal import Intent, Outcome
    from .policy_file import PolicyFile

log = logging.getLogger("hoopai_products_mcp.guard")

SETTLING_SECONDS = 30.0
"""How long a failed or cancelled write may take to find out what became of it, before that is left unknown."""
PAUSE_SECONDS = 2.0
"""A request whose answer was lost may still be under way: the shop is looked at again after this long."""
HOUR = 3600.0
LOOKING_SECONDS = 0.1
"""How often it looks meanwhile whether the other is done."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What stands between a model and a write, for one server process.

    `looked_back` is done once: what an earlier process left open is settled; `looks_around` now and then: what another
    has left open meanwhile is. `turns` are those of calls at the same things, and one call at a time is `beginning`,
    so that each counts those before it. A write waits at most `waiting_seconds` for another process that is changing
    the same thing.
    """

    store: Store
    asking: Asking
    policy: Callable[[], "PolicyFile"]
    looks_around: NowAndThen
    waiting_seconds: float
    pause_seconds: float = PAUSE_SECONDS
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    looked_back: Once = field(default_factory=Once)
    turns: Turns = field(default_factory=Turns)
    beginning: anyio.Lock = field(default_factory=anyio.Lock)

    async def refusals(
        self, call: WriteCall, plan: Plan, doing: Doing, *, store_needed: bool = True
    ) -> "Refusals":
        """The rules of the shop's policy that the plan breaks, in words.

        Raises:
            ToolError: what was done in the last hour cannot be counted; without `store_needed` it counts as nothing.
            ProductsApiError: the names of what is touched cannot be read.
        """
        counted = None
        now = self.now()
        if is_destructive(call, plan):
            since = now.timestamp() - HOUR
            try:
                last_hour = await self.store.needed(
                    lambda store: store.journal.destructive_since(call.location, since)
                )
                counted = (since, last_hour)
            except ToolError:
                if store_needed:
                    raise
        policy = self.policy()
        lines = policy.refusals(
            tool=call.tool,
            plan=plan,
            destructive=is_destructive(call, plan),
            destructive_last_hour=(counted[1] if counted else 0) + 1,
            now=now,
            names=await doing.names(*policy.unnamed(plan)),
        )
        return Refusals(lines, counted)

    async def refuse(self, call: WriteCall, plan: Plan, doing: Doing) -> "Refusals":
        """Refuse what the caller may not do or the policy does not allow. What was counted for it comes back.

        Raises:
            ToolError: a right is missing or a rule is broken; the text names it.
        """
        if plan.asks and call.denied:
            raise ToolError(call.denied)
        refused = await self.refusals(call, plan, doing)
        if refused.lines:
            lines = "\n".join(f"• {line}" for line in refused.lines)
            raise ToolError(
                f"Refused by this shop's policy. {NOTHING_CHANGED}\n{lines}\n"
                "No call can get past that: tell the person, who can ask whoever runs this server."
            )
        return refused


@dataclass(frozen=True)
class Refusals:
    """The rules that a plan breaks, in words. `counted` is since when destructive changes were counted for that, and
    how many there were; None where that did not matter or could not be."""

    lines: list[str]
    counted: tuple[float, int] | None


@dataclass(frozen=True, kw_only=True)
class Done:
    """A write that was let through, and what became of it.

    `view` is what the tool answers; None where the deed failed, and then `error` is why. `kept` is False if the
    outcome could not be written down.
    """

    change_id: str
    road: Road
    outcome: "Outcome"
    plan: Plan
    view: Any = None
    error: BaseException | None = None
    kept: bool = True


async def perform(
    call: WriteCall, doing: Doing, *, guard: Guard, context: Context[Any, Any]
) -> Done | Preview | InputRequiredResult:
    """Take a write its whole way.

    Raises:
        ToolError: it was refused or nobody agreed; nothing was changed.
        ProductsApiError: the shop could not be read for the plan; nothing was changed.
    """
    if call.dry_run:
        return await _dry_run(call, await doing.plan(), doing, guard)
    ended = guard.turns.ended
    seen = await guard.store.needed(lambda store: store.journal.seen())
    plan = await doing.plan()
    await guard.refuse(call, plan, doing)
    leave = await approve(
        call, plan, asking=guard.asking, store=guard.store, context=context, again=doing.plan
    )
    if not isinstance(leave, Leave):
        return leave
    async with AsyncExitStack() as turn:
        with doing.waiting(), anyio.move_on_after(max(seconds_left(), LOOKING_SECONDS)) as waited:
            await turn.enter_async_context(guard.turns.at(leave.plan.ids | _undone(call)))
        if waited.cancelled_caught:
            raise ToolError(
                "Not done: another call of this server is changing the same thing, and has not ended in the time that "
                f"an assistant waits. {NOTHING_CHANGED} list_changes says what is under way; when it has ended, "
                f"{_again(leave)}."
            )
        if guard.turns.ended != ended:
            leave = await _still(leave, doing, guard.asking)
        return await _carry_out(call, doing, leave, guard, seen)


def is_destructive(call: WriteCall, plan: Plan) -> bool:
    """Whether a call counts as a destructive one: its tool can be, and what it does is not done unasked."""
    return call.destructive and plan.asks


def _again(leave: Leave) -> str:
    """What to do once this leave was not made use of; a plan that was agreed to is agreed to once."""
    if leave.road in {Road.NOT_NEEDED, Road.OFF}:
        return "call again"
    return "call again, without a confirmation_token: the yes to this plan is used up, and the next one needs its own"


async def _still(leave: Leave, doing: Doing, asking: Asking) -> Leave:
    """The leave for the plan as it is now that other calls have ended.

    Raises:
        ToolError: the plan is another one than was agreed to, or one that nobody was asked about and now has to be.
    """
    fresh = await doing.plan()
    unasked_still = leave.road is unasked(fresh, asking) and fresh.ids == leave.plan.ids
    if fresh.fingerprint != leave.plan.fingerprint and not unasked_still:
        lines = "\n".join(f"• {line}" for line in changed_since(leave.plan, fresh))
        raise ToolError(
            "Not done: another call may have changed this meanwhile. Nothing was changed by this call. Different now:\n"
            f"{lines}\nCall again, without a confirmation_token, for the plan as it is now."
        )
    return replace(leave, plan=fresh)


async def _dry_run(call: WriteCall, plan: Plan, doing: Doing, guard: Guard) -> Preview:
    from .database import StoreError

    refusals = await guard.refusals(call, plan, doing, store_needed=False)
    refused = ([call.denied] if plan.asks and call.denied else []) + refusals.lines
    then = "asks the person, then does this" if unasked(plan, guard.asking) is None else "does this"
    plan_id = None
    try:
        plan_id = (await keep_plan(call, plan, guard.store)).id
    except (ToolError, StoreError):
        # A look at what would happen is worth having without a place to keep it.
        log.warning("A plan could not be kept: the store does not work.")
    return Preview(
        status="dry_run",
        plan=plan,
        shop=call.shop,
        plan_id=plan_id,
        refused=refused,
        next_step=NOTHING_CHANGED + ("" if refused else f" Without dry_run the same call {then}."),
    )


def _intent(call: WriteCall, leave: Leave) -> "Intent":
    from .journal import Intent

    plan = leave.plan
    return Intent(
        location=call.location,
        base_url=call.base_url,
        caller=call.caller,
        client=call.client,
        tool=call.tool,
        title=call.title,
        operation=call.operation,
        arguments=call.arguments,
        plan=to_plain(plan),
        fingerprint=plan.fingerprint,
        road=leave.road.value if leave.by is None else f"{leave.road.value} by {leave.by}",
        destructive=is_destructive(call, plan),
        undoes=call.undoes,
    )


async def _begin(
    call: WriteCall, doing: Doing, leave: Leave, guard: Guard, seen: int | None
) -> tuple[str, Leave]:
    """Write down what is about to be sent; the change's id, and the leave it is sent with.

    `seen` is where the journal ended before the plan was made.

    Raises:
        ToolError: a rule is broken, or another process is at the same thing, has changed it meanwhile, or is faster
            every time.
    """
    from .others import BusyError, ChangedMeanwhileError, CountedAnewError

    until = anyio.current_time() + guard.waiting_seconds
    planned_anew = late = False
    while True:
        try:
            return await _try_to_begin(call, doing, leave, guard, seen), leave
        except CountedAnewError:
            continue
        except BusyError as busy:
            if anyio.current_time() >= until or late:
                raise ToolError(
                    f"Not done: another server process is changing the same thing (change {busy.change_id}, begun "
                    f"{busy.seconds:.0f} s ago). {NOTHING_CHANGED} get_change says what became of that change; in a "
                    f"minute, {_again(leave)}."
                ) from None
            with doing.waiting():
                await anyio.sleep(LOOKING_SECONDS)
                late = seconds_left() <= 0
        except ChangedMeanwhileError:
            if planned_anew and (anyio.current_time() >= until or late):
                raise ToolError(
                    "Not done: other server processes keep changing the same thing. Nothing was changed by this call. "
                    f"list_changes says what they have done; in a minute, {_again(leave)}."
                ) from None
            planned_anew = True
            seen = await guard.store.needed(lambda store: store.journal.seen())
            leave = await _still(leave, doing, guard.asking)


async def _try_to_begin(call: WriteCall, doing: Doing, leave: Leave, guard: Guard, seen: int | None) -> str:
    from .others import Unless

    plan = leave.plan
    async with guard.beginning:
        # Time has passed while a person thought, and the plan may be another one than at first.
        counted = (await guard.refuse(call, plan, doing)).counted
        unless = Unless(
            location=call.location,
            base_url=call.base_url,
            things=plan.ids | _undone(call),
            seen=seen,
            counted=counted,
            now=guard.now().timestamp(),
        )
        intent = _intent(call, leave)
        return await guard.store.needed(lambda store: store.journal.begin(intent, unless=unless))


def _undone(call: WriteCall) -> frozenset[str]:
    """The change that a call takes back. What is made again has no id yet to take turns at: the change has."""
    return frozenset({call.undoes} if call.undoes else ())


async def _carry_out(call: WriteCall, doing: Doing, leave: Leave, guard: Guard, seen: int | None) -> Done:
    change_id, leave = await _begin(call, doing, leave, guard, seen)
    plan = leave.plan
    if call.undoes is not None:
        await _refuse_second_undoing(change_id, plan, guard)
    view: Any = None
    error: BaseException | None = None
    try:
        view = await doing.deed(plan)
    except BaseException as raised:
        error = raised
    outcome = unread(doing, view, error)
    kept = False
    with anyio.CancelScope(shield=True):
        with anyio.move_on_after(SETTLING_SECONDS):
            try:
                outcome = await became(doing, plan, view, error, pause_seconds=guard.pause_seconds)
            except Exception:
                log.exception("What became of %s could not be found out", change_id)
        kept = await guard.store.outcomes.keep(change_id, outcome)
    if error is not None and not isinstance(error, Exception):
        raise error
    return Done(
        change_id=change_id,
        road=leave.road,
        plan=plan,
        outcome=outcome,
        view=view,
        error=error,
        kept=kept,
    )


async def _refuse_second_undoing(change_id: str, plan: Plan, guard: Guard) -> None:
    """Refuse to take a change back that somebody began to take back after this was planned.

    Of those who begin at once, in whichever processes, the first in the journal goes on.

    Raises:
        ToolError: somebody did, or that cannot be told.
    """
    from .journal import Outcome

    try:
        earlier = await guard.store.needed(lambda store: store.journal.earlier_undoings(change_id))
    except BaseException as error:
        # Nothing was sent. Left open, it would hold up whoever changes the same things.
        with anyio.CancelScope(shield=True):
            await guard.store.outcomes.keep(change_id, Outcome(outcome="not_done", why=type(error).__name__))
        raise
    if new := [other for other in earlier if other not in plan.state.get("undoings", ())]:
        why = f"{new[0]} undoes the same change"
        await guard.store.outcomes.keep(change_id, Outcome(outcome="not_done", why=why))
        raise ToolError(f"Not done: {why} at the same time. {NOTHING_CHANGED} Look at that one first.")


def policy_reader(
    path: Path | None, *, must_exist: bool, tools: frozenset[str]
) -> Callable[[], "PolicyFile"]:
    """What reads the shop's policy whenever something is about to be written, so that an edit counts at once."""

    def read() -> "PolicyFile":
        from .policy_file import read_policy

        return read_policy(path, must_exist=must_exist, tools=tools)

    return read
