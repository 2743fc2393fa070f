"""Tools for what was changed: look it up, and take it back. They work on the journal of this server, not on the API."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from ..guard.change_book import UNKNOWN_CHANGE
from ..guard.outcomes import is_complete, may_still_come
from ..guard.plan import SHOWN_ITEMS, Effect, EffectKey, Plan, from_plain
from ..guard.question import NOTHING_CHANGED
from . import views
from .carrying_out import Outcome, UndoResult, carry_out
from .fields import Id, IsoTime, Limit, Offset, Text
from .previewing import plan_content
from .reconciling import created_by, left_by, made_by_others, observed_values, reconcile
from .records import Risk, Toolset, tool
from .renaming import new_ids_of
from .settling import all_known, is_former
from .shop import Shop
from .text import quoted
from .undoing import plan_undo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..guard.change_book import ChangeBook
    from ..guard.journal import Change

JOURNAL = "the journal of this server"
STILL_UNDER_WAY = "It is still under way, or what became of it could not be written down yet."
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


def _summary(change: "Change", *, under_way: bool) -> dict[str, Any]:
    plan = from_plain(change.plan)
    outcome = change.outcome
    return {
        "id": change.id,
        "time": datetime.fromtimestamp(change.time, UTC).isoformat(timespec="seconds"),
        "tool": change.tool,
        "action": plan.action,
        "outcome": outcome.outcome if outcome else "under_way" if under_way else "unknown",
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
    under_way = await _under_way(shop, found)
    items = [
        views.Change.model_validate(_summary(change, under_way=change.id in under_way)) for change in found
    ]
    following = offset + len(items)
    return views.Listing[views.Change](
        items=items,
        returned=len(items),
        total=total,
        next_offset=following if items and following < total else None,
    )


async def _under_way(shop: Shop, changes: "Sequence[Change]") -> set[str]:
    """Those of the changes that a process is at work on."""
    begun = {change.id for change in changes if change.outcome is None}
    return begun - {change.id for change in await _book(shop).unsettled()} if begun else set()


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@tool(operation=JOURNAL, title="Get a change", toolset=Toolset.CHANGES, risk=Risk.READ, open_world=False)
async def get_change(shop: Shop, *, change_id: Id) -> views.ChangeDetails:
    """Look up one change in full: before and after, what came of it, whether undo_change can take it back. If that
    is unknown, reads the shop again."""
    change = await _known(shop, await _find(shop, change_id))
    under_way = change.id in await _under_way(shop, [change])
    why_not = await _hindrance(shop, change)
    return views.ChangeDetails.model_validate(
        _summary(change, under_way=under_way)
        | {
            "why": change.outcome.why if change.outcome else None,
            "caller": change.caller,
            "client": change.client or None,
            "plan": plan_content(from_plain(change.plan)),
            "arguments": change.arguments,
            "result": change.outcome.response if change.outcome else None,
            "created": change.outcome.created if change.outcome else None,
            "new_ids": _made_again([change]) or None,
            "can_be_undone": why_not is None,
            "why_not": why_not,
        }
    )


async def _known(shop: Shop, change: "Change") -> "Change":
    """The change, settled if its outcome was unknown and nobody is at work on it any more."""
    if change.outcome is not None and change.outcome.outcome != "unknown":
        return change
    if change.id not in {item.id for item in await _book(shop).unsettled()}:
        return change
    await reconcile(shop, [change])
    return await _find(shop, change.id)


def _not_done(shop: Shop, change: "Change") -> str | None:
    """Why there is nothing to take back here, or yet, or at all."""
    if not _book(shop).is_here(change):
        return "It was made at another address of the API than this server works on."
    if change.outcome is None:
        return STILL_UNDER_WAY
    if may_still_come(change.outcome):
        return "The API may still be at it: look again in a minute."
    return "It was not done." if change.outcome.outcome == "not_done" else None


async def _hindrance(shop: Shop, change: "Change") -> str | None:
    """Why a change cannot be taken back, as far as the journal alone tells."""
    if unfinished := _not_done(shop, change):
        return unfinished
    if undoing := await _undone_by(shop, change):
        return f"It was undone by {undoing}."
    return _without_way_back(from_plain(change.plan).effects)


def _without_way_back(effects: "Sequence[Effect]") -> str | None:
    if not effects:
        return "It changed nothing."
    if all(effect.kind == "review" and effect.deletes for effect in effects):
        return (
            "Nothing can create a review: a deleted one never comes back. The journal keeps its text; the command "
            "`hoopai-products-mcp changes export --format json` writes it out."
        )
    return None


async def _undone_by(shop: Shop, change: "Change") -> str | None:
    """The change that took this one back as a whole and was not itself taken back."""
    for undoing_id in reversed(change.undone_by):
        undoing = await _find(shop, undoing_id)
        if _took_all_back(undoing) and await _undone_by(shop, undoing) is None:
            return undoing.id
    return None


def _took_all_back(undoing: "Change") -> bool:
    left_out: Any = from_plain(undoing.plan).state.get("left_out")
    return undoing.outcome is not None and is_complete(undoing.outcome) and not left_out


OnConflict = Annotated[
    Literal["stop", "skip", "overwrite"],
    Field(description="for what somebody changed since"),
]


async def plan_undo_change(shop: Shop, *, change_id: str, on_conflict: OnConflict) -> Plan:
    """What taking a change back would do."""
    change = await _known(shop, await _find(shop, change_id))
    if hindrance := await _hindrance(shop, change):
        raise ToolError(f"It cannot be undone. {hindrance} {NOTHING_CHANGED}")
    undoings = await _undoings_since(shop, change)
    own = [undoing for undoing in undoings if undoing.undoes == change.id and not _came_to_nothing(undoing)]
    if at_it := next((undoing for undoing in own if _may_be_at_it(undoing)), None):
        raise ToolError(
            f"It cannot be undone now: {at_it.id}, which undoes it, is still under way. {NOTHING_CHANGED}"
        )
    created = created_by(change)
    effects = _made_by(change, observed_values(change))
    plan = await plan_undo(
        shop,
        effects,
        created=created,
        observed=left_by(change),
        on_conflict=on_conflict,
        already_made=_made_again(undoings),
        made_by_others=() if all_known(effects, created) else await made_by_others(shop, change.id),
    )
    return replace(plan, state={**plan.state, "undoings": [undoing.id for undoing in own]})


def _made_by(change: "Change", observed: "Mapping[EffectKey, Any]") -> list[Effect]:
    """The effects of a change, without those that were seen not to have come: whoever did the same later did it."""
    effects = from_plain(change.plan).effects
    if change.outcome is None or change.outcome.outcome != "done":
        return list(effects)
    return [
        effect
        for effect in effects
        if effect.key not in observed or not is_former(effect, observed[effect.key])
    ]


async def _undoings_since(shop: Shop, change: "Change") -> "list[Change]":
    """The undoings after a change, the oldest first; what those made whose process is gone is found in the shop."""
    found: list[Change] = []
    total = 1
    while len(found) < total:
        page, total = await _book(shop).list(
            tool="undo_change", since=change.time, limit=100, offset=len(found)
        )
        if not page:
            break
        found += page
    return [await _known(shop, undoing) for undoing in reversed(found)]


def _came_to_nothing(undoing: "Change") -> bool:
    """Whether it is known of an undoing that it changed nothing."""
    return undoing.outcome is not None and undoing.outcome.outcome == "not_done"


def _may_be_at_it(undoing: "Change") -> bool:
    return undoing.outcome is None or may_still_come(undoing.outcome)


def _made_again(undoings: "Sequence[Change]") -> dict[str, str]:
    """Former id to present id of what these undoings have made again."""
    present: dict[str, str] = {}
    for undoing in undoings:
        new_ids = new_ids_of(from_plain(undoing.plan).effects, created_by(undoing))
        present = {former: new_ids.get(new, new) for former, new in present.items()} | new_ids
    return present


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
    del change_id, on_conflict
    result = await carry_out(shop, plan)
    if result.error:
        shop.note(f"Stopped before its end: {result.error} undo_change again does only the rest.")
    return _undone(result)


def _undone(result: UndoResult) -> views.Undone:
    left = [outcome for outcome in result.outcomes if outcome.became != "done" or outcome.why]
    return views.Undone(
        done=result.complete,
        restored=len(result.outcomes) - len(left),
        not_restored=[_thing(outcome) for outcome in left[:SHOWN_ITEMS]] or None,
        more_not_restored=max(0, len(left) - SHOWN_ITEMS) or None,
        new_ids=dict(result.new_ids) or None,
    )


def _thing(outcome: Outcome) -> views.RestoredThing:
    return views.RestoredThing(
        thing=f"{outcome.kind} {quoted(outcome.name) if outcome.name else ''}".rstrip(),
        id=outcome.id,
        outcome=outcome.became,
        why=outcome.why,
    )
