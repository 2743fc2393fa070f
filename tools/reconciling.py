"""What became of writes whose answer was lost, read back from the shop."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from ..guard.plan import Effect, EffectKey, from_plain
from ..products_api.errors import ProductsApiError
from .effect_words import about, in_short
from .observing import Observation, observe
from .settling import settle
from .shop import Created, Shop

if TYPE_CHECKING:
    from ..guard.journal import Change, Outcome

log = logging.getLogger("hoopai_products_mcp.tools")


async def became(shop: Shop, effects: Sequence[Effect], created: Sequence[Created]) -> "Outcome":
    """What became of a plan with these effects, as the shop shows it. Never raises: what cannot be read is unknown."""
    from ..guard.journal import Outcome

    observation = await observe(shop, effects)
    settlement = settle(effects, observation, created)
    return Outcome(
        outcome=settlement.outcome,
        applied=settlement.applied,
        of=settlement.of,
        why=_why(settlement.why, settlement.otherwise),
        observed=_observed(observation) or None,
        created=[item._asdict() for item in settlement.created] or None,
    )


def _why(why: str | None, otherwise: Sequence[tuple[Effect, Any]]) -> str | None:
    others = [f"{about(effect)} is {in_short(value)}" for effect, value in otherwise[:3]]
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


def created_by(change: "Change") -> list[Created]:
    """The things that a change has made."""
    created = cast("list[dict[str, Any]]", (change.outcome and change.outcome.created) or [])
    return [Created(**item) for item in created]


async def reconcile(shop: Shop, changes: Sequence["Change"]) -> "dict[str, Outcome]":
    """Read back what became of changes whose outcome is not known, and write it down; outcomes by id of the change.

    One of which the shop says nothing stays unknown, with why.
    """
    if shop.book is None:
        return {}
    found: dict[str, Outcome] = {}
    for change in changes:
        plan = from_plain(change.plan)
        try:
            outcome = await became(shop, plan.effects, created_by(change))
        except ProductsApiError as error:
            log.warning("What became of %s could not be read: %s", change.id, error)
            continue
        await shop.book.settle(change.id, outcome)
        found[change.id] = outcome
    return found


async def reconcile_after_start(shop: Shop) -> None:
    """Settle what an earlier process left unknown, as far as the shop tells."""
    if shop.book is None:
        return
    unsettled = await shop.book.unsettled()
    settled = await reconcile(shop, unsettled)
    for change_id, outcome in settled.items():
        log.warning("%s, left open by an earlier run: %s. %s", change_id, outcome.outcome, outcome.why or "")
