"""Tools for what was changed: look it up, and take it back. They work on the journal of this server, not on the API."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from ..guard.change_book import UNKNOWN_CHANGE
from ..guard.plan import Plan, from_plain
from . import views
from .fields import Id, IsoTime, Limit, Offset, Text
from .previewing import plan_content
from .reconciling import created_by, observed_values, reconcile
from .records import Risk, Toolset, tool
from .shop import Shop
from .undoing import carry_out, plan_undo

if TYPE_CHECKING:
    from ..guard.change_book import ChangeBook
    from ..guard.journal import Change

JOURNAL = "the journal of this server"
Outcomes = Literal["done", "not_done", "unknown"]


def _book(shop: Shop) -> "ChangeBook":
    if shop.book is None:
        raise RuntimeError("a call has no journal")
    return shop.book


async def _find(shop: Shop, change_id: str) -> "Change":
    change = await _book(shop).find(change_id)
    if change is None:
        raise ToolError(UNKNOWN_CHANGE)
    return change


def _summary(change: "Change") -> dict[str, Any]:
    plan = from_plain(change.plan)
    outcome = change.outcome
    return {
        "id": change.id,
        "time": datetime.fromtimestamp(change.time, UTC).isoformat(timespec="seconds"),
        "tool": change.tool,
        "action": plan.action,
        "outcome": outcome.outcome if outcome else "unknown",
        "applied": outcome.applied if outcome and outcome.applied != outcome.of else None,
        "of": outcome.of if outcome and outcome.applied != outcome.of else None,
        "approved_by": change.road,
        "undoes": change.undoes,
        "undone_by": list(change.undone_by) or None,
    }


@tool(operation=JOURNAL, title="List changes", toolset=Toolset.CHANGES, risk=Risk.READ, open_world=False)
async def list_changes(
    shop: Shop,
    *,
    tool: Annotated[Text | None, Field(description="name of the tool")] = None,
    outcome: Outcomes | None = None,
    since: IsoTime | None = None,
    until: IsoTime | None = None,
    limit: Limit = 25,
    offset: Offset = 0,
) -> views.Listing[views.Change]:
    """Show the history: what was changed in this shop through here, newest first, when, by which tool, whether it
    was done, who approved it."""
    found, total = await _book(shop).list(
        tool=tool, outcome=outcome, since=_moment(since), until=_moment(until), limit=limit, offset=offset
    )
    items = [views.Change.model_validate(_summary(change)) for change in found]
    following = offset + len(items)
    return views.Listing[views.Change](
        items=items,
        returned=len(items),
        total=total,
        next_offset=following if items and following < total else None,
    )


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@tool(operation=JOURNAL, title="Get a change", toolset=Toolset.CHANGES, risk=Risk.READ, open_world=False)
async def get_change(shop: Shop, *, change_id: Id) -> views.ChangeDetails:
    """Look up one change in full: before and after, what came of it, whether undo_change can take it back. If that
    is unknown, reads the shop again."""
    change = await _find(shop, change_id)
    if change.outcome is None or change.outcome.outcome == "unknown":
        unsettled = {item.id for item in await _book(shop).unsettled()}
        if change.id in unsettled:
            await reconcile(shop, [change])
            change = await _find(shop, change_id)
        else:
            shop.note("It is still under way.")
    plan = from_plain(change.plan)
    return views.ChangeDetails.model_validate(
        _summary(change)
        | {
            "why": change.outcome.why if change.outcome else None,
            "caller": change.caller,
            "client": change.client or None,
            "plan": plan_content(plan),
            "arguments": change.arguments,
            "result": change.outcome.response if change.outcome else None,
            "created": change.outcome.created if change.outcome else None,
            "can_be_undone": _hindrance(change) is None,
            "why_not": _hindrance(change),
        }
    )


def _hindrance(change: "Change") -> str | None:
    """Why a change cannot be taken back, as far as the journal alone tells."""
    outcome = change.outcome.outcome if change.outcome else "unknown"
    if outcome == "not_done":
        return "It was not done."
    if change.undone_by:
        return f"It was undone by {change.undone_by[-1]}."
    effects = from_plain(change.plan).effects
    if not effects:
        return "It changed nothing."
    if all(effect.kind == "review" and effect.deletes for effect in effects):
        return "Nothing can create a review: a deleted one never comes back. `plan` keeps its text."
    return None


OnConflict = Annotated[
    Literal["stop", "skip", "overwrite"],
    Field(description="for what somebody changed since"),
]


async def plan_undo_change(shop: Shop, *, change_id: str, on_conflict: OnConflict) -> Plan:
    """What taking a change back would do."""
    change = await _find(shop, change_id)
    if change.outcome is None or change.outcome.outcome == "unknown":
        await reconcile(shop, [change])
        change = await _find(shop, change_id)
    if hindrance := _hindrance(change):
        raise ToolError(f"It cannot be undone. {hindrance} Nothing was changed.")
    already: list[Any] = []
    for undone in await _tries(shop, change):
        already += created_by(undone)
    return await plan_undo(
        shop,
        from_plain(change.plan).effects,
        created=created_by(change),
        observed=observed_values(change),
        on_conflict=on_conflict,
        already_made=already,
    )


async def _tries(shop: Shop, change: "Change") -> "list[Change]":
    """Earlier undoings of a change that did not come to their end."""
    found, _ = await _book(shop).list(tool="undo_change", since=change.time, limit=100)
    return [item for item in found if item.undoes == change.id]


@tool(
    operation=JOURNAL,
    title="Undo a change",
    toolset=Toolset.CHANGES,
    risk=Risk.DESTRUCTIVE,
    open_world=False,
    plan=plan_undo_change,
    undoes="change_id",
)
async def undo_change(
    shop: Shop, plan: Plan, *, change_id: Id, on_conflict: OnConflict = "stop"
) -> views.Undone:
    """Undo, revert or take back a change: puts prices, texts, stock back as they were, makes deleted products again
    (with new ids). Stops where somebody changed it since."""
    del on_conflict
    return await carry_out(shop, plan, change_id)
