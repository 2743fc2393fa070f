"""What became of writes whose answer was lost, read back from the shop."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import anyio
from mcp.server.mcpserver.exceptions import ToolError

from ..guard.outcomes import is_complete, may_still_come
from ..guard.plan import EXISTS, Effect, EffectKey, Plan, from_plain
from ..products_api.urgency import seconds_left
from .effect_words import about, shown
from .observing import Observation, observe
from .renaming import new_ids_of
from .settling import all_known, changes_nothing, is_asked, settle
from .shop import Created, Shop

if TYPE_CHECKING:
    from ..guard.journal import Change, Outcome

log = logging.getLogger("hoopai_products_mcp.tools")


STILL_AT_IT_SECONDS = 30.0
"""For so long after a request was given up the API may still be at it."""
ABANDONED_SECONDS = 600.0
"""What is older and has no outcome was left open, if its process is gone. By then a process whose lock was lost, as
when the database was restarted, has ended the write it was at, or held its lock anew."""
WORTH_ANOTHER_LOOK_SECONDS = 24 * 3600.0
"""What could not be found out in this time is looked at again on demand only, not at every start."""


async def became(
    shop: Shop, effects: Sequence[Effect], created: Sequence[Created], *, change_id: str | None = None
) -> "Outcome":
    """What became of a plan with these effects, as the shop shows it. Never raises: what cannot be read is unknown.

    `change_id` is the change that the plan is of, where it is in the journal with an outcome already.
    """
    from ..guard.journal import Outcome

    observation = await observe(shop, effects)
    if not all_known(effects, created):
        observation = observation.without(await made_by_others(shop, change_id))
    settlement = settle(effects, observation, created)
    return Outcome(
        outcome=settlement.outcome,
        applied=settlement.applied,
        of=settlement.of,
        why=_why(settlement.why, settlement.otherwise),
        observed=_observed(observation) or None,
        created=[item._asdict() for item in settlement.created] or None,
    )


async def made_by_others(shop: Shop, change_id: str | None) -> frozenset[str]:
    """Ids of what other changes have made: looking the same does not make them what this one was to make.

    What an undoing has made again is what it was before, so it counts only where that was made by another change.
    """
    if shop.book is None:
        return frozenset()
    try:
        newest = await shop.book.newest()
    except ToolError:
        # The outcome cannot be written down either, so it will be looked for again.
        return frozenset()
    others: set[str] = set()
    for change in reversed([change for change in newest if change.id != change_id]):
        made = created_by(change)
        if change.undoes is None:
            others |= {item.id for item in made}
        else:
            new_ids = new_ids_of(from_plain(change.plan).effects, made)
            others |= {new for former, new in new_ids.items() if former in others}
    return frozenset(others)


def _why(why: str | None, otherwise: Sequence[tuple[Effect, Any]]) -> str | None:
    others = [f"{about(effect)} is {shown(effect, value)}" for effect, value in otherwise[:3]]
    return "; ".join([*([why] if why else []), *others]) or None


def _observed(observation: Observation) -> list[dict[str, Any]]:
    """The values that were read, where the effect does not say the same already."""
    asked = {effect.key: effect.after for effect in observation.effects}
    return [
        {**key._asdict(), "value": value} for key, value in observation.values.items() if value != asked[key]
    ]


def observed_values(change: "Change") -> dict[EffectKey, Any]:
    """The values that were read right after a change, by what they are about."""
    observed = cast("list[dict[str, Any]]", (change.outcome and change.outcome.observed) or [])
    return {
        EffectKey(item["kind"], item["within"], item["id"], item["field"]): item["value"] for item in observed
    }


def left_by(change: "Change") -> dict[EffectKey, Any]:
    """The values right after a change, as far as they are known: those that were read, and where all was read also
    those that are not kept, since they were what was asked."""
    known: dict[EffectKey, Any] = {}
    if change.outcome is not None and change.outcome.outcome == "done" and change.outcome.applied is not None:
        effects = from_plain(change.plan).effects
        known = {effect.key: effect.after for effect in effects if effect.field != EXISTS}
    return known | observed_values(change)


def created_by(change: "Change") -> list[Created]:
    """The things that a change has made."""
    created = cast("list[dict[str, Any]]", (change.outcome and change.outcome.created) or [])
    return [Created(**item) for item in created]


def left_over(plan: Plan, outcome: "Outcome") -> list[Effect]:
    """The effects of a plan, done in part, of which something else was read than was asked."""
    found = {
        EffectKey(item["kind"], item["within"], item["id"], item["field"]): item["value"]
        for item in cast("list[dict[str, Any]]", outcome.observed or [])
    }
    return [
        effect
        for effect in plan.effects
        if effect.key in found and not changes_nothing(effect) and not is_asked(effect, found[effect.key])
    ]


def rest_of(plan: Plan, left: Sequence[Effect]) -> dict[str, list[str]]:
    """The ids with which a call that came halfway goes on: variants whose stock, and products of which nothing was
    changed. One that was changed in part is not among them, since the same call would change that part again."""
    stock = [effect.id or "" for effect in left if effect.kind == "stock"]
    untouched = {effect.within or "" for effect in left if effect.kind == "price"}
    untouched -= {
        effect.within or ""
        for effect in plan.effects
        if effect.kind == "price" and effect not in left and not changes_nothing(effect)
    }
    products = [effect.within or "" for effect in left if effect.within in untouched]
    found = {"price_ids": list(dict.fromkeys(stock)), "product_ids": list(dict.fromkeys(products))}
    return {name: ids for name, ids in found.items() if ids}


async def reconcile(
    shop: Shop, changes: Sequence["Change"], *, pause_seconds: float = 0.0
) -> "dict[str, Outcome]":
    """Read back what became of changes whose outcome is not known, and write it down; outcomes by id of the change.

    One of which the shop says nothing stays unknown, with why, and so does for a while one that the API may still be
    at. What was sent a short while ago and does not show is looked for again after `pause_seconds`. Who waits no longer
    ends it; what was not looked at by then is not among the outcomes.
    """
    if shop.book is None:
        return {}
    found: dict[str, Outcome] = {}
    for change in filter(shop.book.is_here, changes):
        plan = from_plain(change.plan)
        outcome = await became(shop, plan.effects, created_by(change), change_id=change.id)
        fresh = _age(change) < shop.api.timeout + STILL_AT_IT_SECONDS
        if outcome.outcome != "unknown" and not is_complete(outcome) and pause_seconds and fresh:
            await anyio.sleep(pause_seconds)
            outcome = await became(shop, plan.effects, created_by(change), change_id=change.id)
        if fresh and change.outcome and may_still_come(change.outcome) and not is_complete(outcome):
            outcome = replace(outcome, outcome="unknown", why=change.outcome.why)
        if outcome.outcome == "unknown" and seconds_left() <= 0:
            # There was no time left to read it: that says nothing of it.
            break
        found[change.id] = outcome
        if outcome.outcome == "unknown" and change.outcome is not None and change.outcome.why == outcome.why:
            # Nothing new: the journal need not say it again at every start.
            continue
        try:
            await shop.book.settle(change.id, outcome)
        except ToolError as error:
            # Another process may have been faster.
            log.warning("The outcome of %s could not be written down: %s", change.id, error)
    return found


def _age(change: "Change") -> float:
    return time.time() - change.time


async def reconcile_after_start(shop: Shop, *, pause_seconds: float = 0.0) -> None:
    """Settle what an earlier process left unknown, as far as the shop tells.

    Raises:
        ToolError: the journal cannot be read.
    """
    if shop.book is None:
        return
    left = [
        change
        for change in await shop.book.unsettled()
        if change.outcome is None or _age(change) < WORTH_ANOTHER_LOOK_SECONDS
    ]
    await _settle(shop, left, "an earlier run", pause_seconds)


async def reconcile_abandoned(shop: Shop, *, pause_seconds: float = 0.0) -> None:
    """Settle what another process has left open since this one began, as far as the shop tells.

    Raises:
        ToolError: the journal cannot be read.
    """
    if shop.book is None:
        return
    open_ones = [change for change in await shop.book.unsettled() if change.outcome is None]
    left = [change for change in open_ones if _age(change) >= ABANDONED_SECONDS]
    await _settle(shop, left, "another process", pause_seconds)


async def _settle(shop: Shop, left: Sequence["Change"], by: str, pause_seconds: float) -> None:
    settled = await reconcile(shop, left, pause_seconds=pause_seconds)
    for change_id, outcome in settled.items():
        log.warning("%s, left open by %s: %s. %s", change_id, by, outcome.outcome, outcome.why or "")
