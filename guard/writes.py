"""A write's way: plan, policy, approval, journal, the deed, and what became of it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import InputRequiredResult

from .approval import Asking, approve, keep_plan, unasked
from .calls import Leave, Preview, Road, WriteCall
from .once import Once
from .outcomes import Doing, became, unread
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
"""A request whose answer was lost may still be under way: the shop is looked at again after this long."""
HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What stands between a model and a write, for one server process.

    `looked_back` is done once: what an earlier process left open is settled. `unkept` are outcomes by id of the
    change that could not be written down yet.
    """

    store: Store
    asking: Asking
    policy: Callable[[], "PolicyFile"]
    pause_seconds: float = PAUSE_SECONDS
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    looked_back: Once = field(default_factory=Once)
    unkept: "dict[str, Outcome]" = field(default_factory=dict)

    async def refusals(self, call: WriteCall, plan: Plan, *, store_needed: bool = True) -> list[str]:
        """The rules of the shop's policy that the plan breaks, in words.

        Raises:
            ToolError: what was done in the last hour cannot be counted; without `store_needed` it counts as nothing.
        """
        last_hour = 0
        now = self.now()
        if call.destructive:
            since = now.timestamp() - HOUR
            try:
                last_hour = await self.store.needed(
                    lambda store: store.journal.destructive_since(call.location, since)
                )
            except ToolError:
                if store_needed:
                    raise
        return self.policy().refusals(
            tool=call.tool,
            plan=plan,
            destructive=call.destructive,
            destructive_last_hour=last_hour + 1,
            now=now,
        )

    async def keep(self, change_id: str, outcome: "Outcome") -> bool:
        """Write an outcome down; the deed is done either way. Whether it could be, else `keep_late` tries again."""
        from .database import StoreError

        try:
            await self.store.use(lambda store: store.journal.end(change_id, outcome))
        except StoreError as error:
            log.warning(
                "The outcome of %s (%s) could not be written down: %s", change_id, outcome.outcome, error
            )
            self.unkept[change_id] = outcome
            return False
        except Exception:
            # After the deed: nothing may hide what became of it from the caller.
            log.exception("The outcome of %s (%s) could not be written down", change_id, outcome.outcome)
            return False
        self.unkept.pop(change_id, None)
        return True

    async def keep_late(self) -> None:
        """Write down the outcomes that could not be written down at their time."""
        for change_id, outcome in list(self.unkept.items()):
            if not await self.keep(change_id, outcome):
                return

    async def refuse(self, call: WriteCall, plan: Plan) -> None:
        """Refuse what the caller may not do or the policy does not allow.

        Raises:
            ToolError: a right is missing or a rule is broken; the text names it.
        """
        if plan.asks and call.denied:
            raise ToolError(call.denied)
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

    refused = await guard.refusals(call, plan, store_needed=False)
    if plan.asks and call.denied:
        refused.insert(0, call.denied)
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
        plan_id=plan_id,
        refused=refused,
        next_step=NOTHING_CHANGED + ("" if refused else f" Without dry_run the same call {then}."),
    )


async def _carry_out(call: WriteCall, doing: Doing, leave: Leave, guard: Guard) -> Done:
    from .journal import Intent

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
        kept = await guard.keep(change_id, outcome)
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


def policy_reader(
    path: Path | None, *, must_exist: bool, tools: frozenset[str]
) -> Callable[[], "PolicyFile"]:
    """What reads the shop's policy whenever something is about to be written, so that an edit counts at once."""

    def read() -> "PolicyFile":
        from .policy_file import read_policy

        return read_policy(path, must_exist=must_exist, tools=tools)

    return read
