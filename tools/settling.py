"""Whether a plan was carried out, judged by what is read afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from ..guard.plan import EXISTS, Effect
from .alikeness import same, shows
from .effect_words import about, shown
from .observing import Absence, Observation, Unread, image_in
from .shop import Created

Judgement = Literal["as_before", "as_after", "otherwise", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What became of a plan.

    outcome: `done` when something of it was done, all of it where `applied` is `of`; `not_done` when everything is
        as it was before; `unknown` when that cannot be told, and `why` says so in words.
    applied, of: how many of the effects that change anything show what was asked, and how many there are; each price
        of a product that is made again counts as one.
    otherwise: the effects that show neither what was before nor what was asked, with what they show.
    created: the things that the plan made, as far as they are known, in the order of its creations, and their parts.
    """

    outcome: Literal["done", "not_done", "unknown"]
    applied: int
    of: int
    why: str | None = None
    otherwise: tuple[tuple[Effect, Any], ...] = ()
    created: tuple[Created, ...] = ()


def judge(effect: Effect, value: Any) -> Judgement:
    """What a value says of an effect. One that changes nothing is as after."""
    if isinstance(value, Unread):
        return "unknown"
    if effect.creates:
        return "as_before" if not value else "as_after" if len(value) == 1 else "unknown"
    if effect.deletes:
        return "as_after" if isinstance(value, Absence) else "as_before"
    if isinstance(value, Absence):
        return "otherwise"
    if is_asked(effect, value):
        return "as_after"
    return "as_before" if is_former(effect, value) else "otherwise"


def is_former(effect: Effect, value: Any) -> bool:
    """Whether a field is what it was before."""
    return _is(effect, value, effect.before, tolerant=False)


def is_asked(effect: Effect, value: Any) -> bool:
    """Whether a field shows what was asked."""
    return _is(effect, value, effect.after, tolerant=True)


def _is(effect: Effect, value: Any, expected: Any, *, tolerant: bool) -> bool:
    if effect.field == "status" and isinstance(value, str) and isinstance(expected, str):
        return value.casefold() == expected.casefold()
    if effect.field == "members" and sorted(effect.before or ()) == sorted(effect.after or ()):
        # Only their order changes.
        return list(value or ()) == list(expected or ())
    return shows(value, expected) if tolerant else same(value, expected)


def changes_nothing(effect: Effect) -> bool:
    """Whether a field already was what is asked."""
    return effect.field != EXISTS and is_asked(effect, effect.before)


def created_by(effects: Sequence[Effect], created: Sequence[Created]) -> dict[int, Created]:
    """What each creation among the effects has made, by its position: the nth made is of the nth to be made."""
    left = list(created)
    found: dict[int, Created] = {}
    for number, effect in enumerate(effects):
        if not effect.creates:
            continue
        fits = (item for item in left if (item.kind, item.within) == (effect.kind, effect.within))
        if (item := next(fits, None)) is not None:
            left.remove(item)
            found[number] = item
    return found


def all_known(effects: Sequence[Effect], created: Sequence[Created]) -> bool:
    """Whether it is known of each creation among the effects what it has made."""
    return len(created_by(effects, created)) == sum(effect.creates for effect in effects)


def settle(
    effects: Sequence[Effect], observation: Observation, created: Sequence[Created] = ()
) -> Settlement:
    """Say of a plan what became of it, from its effects as they are now and what is known to have been made."""
    known = created_by(effects, created)
    applied = of = 0
    made: list[Created] = []
    reasons: list[str] = []
    otherwise: list[tuple[Effect, Any]] = []
    for number, (effect, value) in enumerate(observation):
        if changes_nothing(effect):
            continue
        parts = _prices_to_make(effect)
        of += 1 + parts
        if (thing := known.get(number)) is not None:
            made.append(thing)
            there = sum((item.kind, item.within) == ("price", thing.id) for item in created)
            applied += 1 + min(parts, there)
            continue
        match judge(effect, value):
            case "as_after":
                applied += 1
                if effect.creates:
                    made.append(Created(effect.kind, cast("list[str]", value)[0], effect.within))
            case "otherwise":
                otherwise.append((effect, value))
            case "unknown":
                reasons.append(_why_unknown(effect, value))
            case _:
                pass
    if otherwise and not applied:
        effect, value = otherwise[0]
        reasons.append(f"{about(effect)} is neither as before nor as asked: {shown(effect, value)}")
    why = "; ".join(dict.fromkeys(reasons)) or None
    return Settlement(
        outcome="unknown" if why else "done" if applied or not of else "not_done",
        applied=applied,
        of=of,
        why=why,
        otherwise=tuple(otherwise),
        created=(*made, *(item for item in created if item not in made)),
    )


def _prices_to_make(effect: Effect) -> int:
    """How many prices a product has that is made again: the API makes each of them by itself."""
    image = image_in(effect.after, effect.kind) if effect.creates else None
    return len(image.get("prices", ())) if image is not None else 0


def _why_unknown(effect: Effect, value: Any) -> str:
    if isinstance(value, Unread):
        return f"{about(effect)} cannot be read: {value.why.removesuffix('.')}"
    ids = ", ".join(cast("list[str]", value))
    return f"several new ones look like {about(effect)}, so which was made is not known: {ids}"
