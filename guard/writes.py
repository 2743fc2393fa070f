"""A write's way: plan, policy, approval, journal, the deed, and what became of it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import InputRequiredResult

from ..products_api.errors import ProductsApiError, RequestTimeoutError
from .approval import Asking, approve, keep_plan
from .calls import Leave, Preview, Road, WriteCall
from .plan import Plan, to_plain
from .question import NOTHING_CHANGED
from .store import Store

if TYPE_CHECKING:
    from .journal import Outcome
    from .policy_file import PolicyFile

log = logging.getLogger("hoopai_products_mcp.guard")

SETTLING_SECONDS = 30.0
"""How long a failed or cancelled write may take to find out what became of it, before that is left unknown."""
PAUSE_SECONDS = 2.0
"""After a time-out the request may still be under way: an unchanged shop is looked at again after this long."""
HOUR = 3600.0


class Doing(Protocol):
    """What a tool does for its own write; each call has one."""

    async def plan(self) -> Plan:
        """What would happen, from a fresh reading of the shop."""
        ...

    async def deed(self, plan: Plan) -> Any:
        """Do it, and answer what the caller is told."""
        ...

    async def look(self, plan: Plan, *, remembered: bool) -> "Outcome":
        """What became of the plan, read back from the shop, or only from what the deed itself has read. Never
        raises."""
        ...

    def said(self, view: Any) -> dict[str, Any]:
        """The answer as plain values, for the journal."""
        ...

    @property
    def unclear(self) -> bool:
        """Whether the deed itself could not tell of a part of it if it was done."""
        ...

    @property
    def made(self) -> list[dict[str, Any]]:
        """The things that it has made so far, as plain values."""
        ...


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What stands between a model and a write, for one server process."""

    store: Store
    asking: Asking
    policy: Callable[[], "PolicyFile"]
    pause_seconds: float = PAUSE_SECONDS
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def refusals(self, call: WriteCall, plan: Plan) -> list[str]:
        """The rules of the shop's policy that the plan breaks, in words."""
        last_hour = 0
        now = self.now()
        if call.destructive:
            since = now.timestamp() - HOUR
            last_hour = await self.store.needed(
                lambda store: store.journal.destructive_since(call.location, since)
            )
        return self.policy().refusals(
            tool=call.tool,
            plan=plan,
            destructive=call.destructive,
            destructive_last_hour=last_hour + 1,
            now=now,
        )

    async def refuse(self, call: WriteCall, plan: Plan) -> None:
        """Refuse what the policy does not allow.

        Raises:
            ToolError: a rule is broken; the text names it and where it is set.
        """
        if refused := await self.refusals(call, plan):
            lines = "\n".join(f"• {line}" for line in refused)
            raise ToolError(
                f"Refused by this shop's policy. {NOTHING_CHANGED}\n{lines}\n"
                "No call can get past that: tell the person, who can ask whoever runs this server."
            )


@dataclass(frozen=True, kw_only=True)
class Done:
    """A write that was let through, and what became of it.

    `view` is what the tool answers; None where the deed failed, and then `error` is why. `kept` is False if the
    outcome could not be written down.
    """

    change_id: str
    road: Road
    outcome: "Outcome"
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
    plan = await doing.plan()
    if call.dry_run:
        return await _dry_run(call, plan, guard)
    await guard.refuse(call, plan)
    leave = await approve(
        call, plan, asking=guard.asking, store=guard.store, context=context, again=doing.plan
    )
    if not isinstance(leave, Leave):
        return leave
    # Time has passed while a person thought, and the plan may be another one than at first.
    await guard.refuse(call, leave.plan)
    return await _carry_out(call, doing, leave, guard)


async def _dry_run(call: WriteCall, plan: Plan, guard: Guard) -> Preview:
    from .database import StoreError

    refused = await guard.refusals(call, plan)
    plan_id = None
    try:
        plan_id = (await keep_plan(call, plan, guard.store)).id
    except (ToolError, StoreError):
        # A look at what would happen is worth having without a place to keep it.
        log.warning("A plan could not be kept: the store does not work.")
    return Preview(
        status="dry_run",
        plan=plan,
        plan_id=plan_id,
        refused=refused,
        next_step=f"{NOTHING_CHANGED} " + ("" if refused else "Without dry_run the same call does this."),
    )


async def _carry_out(call: WriteCall, doing: Doing, leave: Leave, guard: Guard) -> Done:
    from .journal import Intent, Outcome

    plan = leave.plan
    intent = Intent(
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
        destructive=call.destructive,
        undoes=call.undoes,
    )
    change_id = await guard.store.needed(lambda store: store.journal.begin(intent))
    view: Any = None
    error: BaseException | None = None
    outcome = Outcome(outcome="unknown", why="it was interrupted")
    try:
        view = await doing.deed(plan)
    except BaseException as raised:
        error = raised
    with anyio.CancelScope(shield=True):
        with anyio.move_on_after(SETTLING_SECONDS):
            try:
                outcome = await _became(doing, plan, view, error, guard)
            except Exception:
                log.exception("What became of %s could not be found out", change_id)
        if error is None and not doing.unclear and outcome.outcome == "unknown":
            outcome = Outcome(outcome="done", why="not read back")
        kept = await _keep(change_id, outcome, guard)
    if error is not None and not isinstance(error, Exception):
        raise error
    return Done(
        change_id=change_id, road=leave.road, outcome=outcome, view=view, error=error, kept=kept
    )


async def _became(
    doing: Doing, plan: Plan, view: Any, error: BaseException | None, guard: Guard
) -> "Outcome":
    """What became of a deed that has ended, one way or another."""
    from dataclasses import replace

    from .journal import Outcome

    if error is None and not doing.unclear:
        seen = await doing.look(plan, remembered=True)
        return replace(
            seen, outcome="done", why=None, response=doing.said(view), created=doing.made or None
        )
    if _surely_not_done(error) and not doing.made and not doing.unclear:
        return Outcome(outcome="not_done", why=type(error).__name__)
    seen = await doing.look(plan, remembered=False)
    if seen.outcome == "not_done" and isinstance(error, RequestTimeoutError):
        await anyio.sleep(guard.pause_seconds)
        seen = await doing.look(plan, remembered=False)
    if view is not None:
        seen = replace(seen, response=doing.said(view))
    return seen if seen.created else replace(seen, created=doing.made or None)


def _surely_not_done(error: BaseException | None) -> bool:
    """Whether the error itself says that nothing was changed."""
    if isinstance(error, ProductsApiError):
        return error.outcome == "not_done"
    return isinstance(error, ToolError)


async def _keep(change_id: str, outcome: "Outcome", guard: Guard) -> bool:
    """Write the outcome down; the deed is done either way."""
    from .database import StoreError

    try:
        await guard.store.use(lambda store: store.journal.end(change_id, outcome))
    except StoreError as error:
        log.error("The outcome of %s (%s) could not be written down: %s", change_id, outcome.outcome, error)
        return False
    return True


def policy_reader(path: Path | None, *, must_exist: bool, tools: frozenset[str]) -> Callable[[], "PolicyFile"]:
    """What reads the shop's policy whenever something is about to be written, so that an edit counts at once."""

    def read() -> "PolicyFile":
        from .policy_file import read_policy

        return read_policy(path, must_exist=must_exist, tools=tools)

    return read
