"""What it takes to take a change back: the inverse of its effects, as far as nobody has changed the same since."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, Literal, cast

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.approval import NOTHING_CHANGED
from ..guard.plan import EXISTS, SHOWN_ITEMS, Effect, EffectKey, Plan, PlanItem
from .alikeness import is_nothing, same
from .effect_words import about, named, shown
from .effects import kept_amount
from .field_words import item_of
from .observing import Absence, Observation, attempt, fields_to_make, image_in, observe
from .remaking import makings, refuse_unread, removals
from .renaming import id_in, renamed, renamed_effect
from .restoring import replies
from .settling import created_by, is_asked, is_former
from .shop import Created, Shop
from .text import counted

OnConflict = Literal["stop", "skip", "overwrite"]
EXISTENCE_WEIGHT: Final = 10**6
"""Whether a thing exists weighs more than any field of it."""
_LASTING: Final = {
    "product": "a product made again has a new id, so links to it break, and its reviews do not come back.",
    "price": "a price made again has a new id.",
    "collection": "a collection made again may have a new id, and then links to it break.",
}
PLACE_UNKNOWN: Final = (
    "The API does not tell the display order, so whether it was changed since cannot be seen."
)
ASK_WITH: Final = "Ask the person, then call again with on_conflict"
"""What a model is told to do about what somebody changed since; the values follow."""


class NothingToUndoError(ToolError):
    """Everything is as it was before the change; or all that is not was changed by somebody else and skipped."""


@dataclass
class Undoing:
    """The inverse of a change, gathered effect by effect."""

    on_conflict: OnConflict
    effects: list[Effect] = field(default_factory=list[Effect])
    items: list[PlanItem] = field(default_factory=list[PlanItem])
    also: list[str] = field(default_factory=list[str])
    lasting: list[str] = field(default_factory=list[str])
    conflicts: list[str] = field(default_factory=list[str])
    left_out: list[str] = field(default_factory=list[str])
    already: int = 0
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of collections, which products name by their ids alone."""
    amounts: Mapping[str | None, Any] = field(default_factory=dict[str | None, Any])
    """Of prices of which the change set the currency alone."""

    def add(self, effect: Effect, *, note: str = "") -> None:
        """Take an inverse effect up, in words as well."""
        label = f"{about(effect)}{note}"
        if effect.field == EXISTS:
            made_again = effect.creates
            item = PlanItem(
                label=label,
                before=None if made_again else "there",
                after="made again" if made_again else "deleted",
                weight=EXISTENCE_WEIGHT,
            )
        else:
            before, after = (
                shown(effect, renamed(value, self.names))
                if effect.field == "collection_ids"
                else shown(effect, value)
                for value in (effect.before, effect.after)
            )
            differ = effect.before != effect.after
            item = item_of(label, before, after, differ=differ, weight=_weight(effect))
        self.effects.append(effect)
        self.items.append(item)

    def conflict(self, effect: Effect, value: Any) -> bool:
        """Note that somebody changed a thing since; whether it is to be changed nonetheless."""
        words = f"{about(effect)}: the change made it {shown(effect, effect.after)}, it is {shown(effect, value)} now"
        if isinstance(value, Absence):
            # What is gone can only be left alone.
            (self.conflicts if self.on_conflict == "stop" else self.left_out).append(words)
            return False
        if self.on_conflict == "stop":
            self.conflicts.append(words)
        elif self.on_conflict == "skip":
            self.left_out.append(words)
        return self.on_conflict == "overwrite"


async def plan_undo(
    shop: Shop,
    effects: Sequence[Effect],
    *,
    created: Sequence[Created] = (),
    observed: Mapping[EffectKey, Any] | None = None,
    on_conflict: OnConflict = "stop",
    already_made: Mapping[str, str] | None = None,
    made_by_others: Collection[str] = (),
) -> Plan:
    """The plan that takes a change back, for `carrying_out.carry_out`; what is as before already is no part of it.

    effects: those of the change; created: what it made, in the order of its creations.
    observed: the values right after the change, where they are known, as `Observation.values` has them: whoever adds
        to an object that the change gave in part changes it as well.
    on_conflict: of what somebody changed since, `stop` refuses the whole, `skip` leaves that as it is, and
        `overwrite` sets it back nonetheless; of stock it then takes the difference back, so that sales count.
    already_made: former id to new id of what earlier undoing has made again. Effects on a thing that has a new id
        are about the new one.
    made_by_others: ids of what other changes have made, which looks alone do not make a thing of this one.

    Raises:
        NothingToUndoError: nothing is left to do.
        ToolError: a conflict, with `stop`; a review was deleted; or the present state cannot be read.
    """
    made = already_made or {}
    back = Undoing(on_conflict)
    if gone := next((effect for effect in effects if effect.kind == "review" and effect.deletes), None):
        raise ToolError(
            f"The deletion of a review of {named(gone)} cannot be undone: no operation creates a review. "
            f"{NOTHING_CHANGED} The journal keeps its text."
        )
    # What is deleted keeps its former id here, by which it is known whether it was made again already.
    pairs = [(effect, renamed_effect(effect, made)) for effect in effects]
    await _fields(shop, back, pairs, {key: renamed(value, made) for key, value in (observed or {}).items()})
    await _existence(shop, back, [effect for _, effect in pairs], created, made, made_by_others)
    if back.conflicts:
        raise ToolError(_refusal(back.conflicts))
    if back.left_out:
        back.also.append(f"Left as it is, for it was changed since: {_some(back.left_out)}.")
    if back.already:
        back.also.append(f"As before already: {counted(back.already, 'field')}.")
    if not back.effects:
        raise NothingToUndoError(
            " ".join(["There is nothing to undo.", *back.also, *back.lasting, NOTHING_CHANGED])
        )
    names = {
        (effect.kind in {"price", "stock"} and "price", effect.within, effect.id) for effect in back.effects
    }
    return Plan(
        action=_action(back.effects),
        items=tuple(back.items),
        also=tuple(dict.fromkeys(back.also)),
        lasting=" ".join(dict.fromkeys(back.lasting)) or None,
        effects=tuple(back.effects),
        asks=True,
        target=back.effects[0].name or None if len(names) == 1 else None,
        state={
            "made": {key: made[key] for key in sorted(_ids_in(back.effects) & made.keys())},
            "left_out": len(back.left_out),
        },
    )


async def _fields(
    shop: Shop,
    back: Undoing,
    pairs: Sequence[tuple[Effect, Effect]],
    observed: Mapping[EffectKey, Any],
) -> None:
    """Take back what was set: each field that is still as the change made it."""
    pairs = [pair for pair in pairs if pair[0].field != EXISTS and not _sets_back_nothing(pair[0])]
    observation = await observe(shop, [effect for _, effect in pairs])
    back.amounts = {effect.id: value for effect, value in observation if _is_kept_amount(effect)}
    back.names = await _names(shop, observation)
    for (original, effect), (_, value) in zip(pairs, observation, strict=True):
        if effect.kind == "order":
            _place(back, effect)
            continue
        if _is_kept_amount(effect):
            continue
        refuse_unread(effect, value)
        if is_former(effect, value):
            back.already += 1
        elif not isinstance(value, Absence) and (
            same(value, observed[original.key]) if original.key in observed else is_asked(effect, value)
        ):
            _set_back(back, replace(effect, before=value, after=effect.before))
        elif back.conflict(effect, value):
            _overwrite(back, effect, value)


async def _names(shop: Shop, observation: Observation) -> Mapping[str, str]:
    """Names of the collections that a person is told of."""
    ids: list[str] = []
    for effect, value in observation:
        if effect.field == "collection_ids":
            ids += [*(effect.before or ()), *(value if isinstance(value, list) else ())]
    names = await attempt(shop.known_collections(list(dict.fromkeys(ids))))
    return names if isinstance(names, dict) else {}


def _sets_back_nothing(effect: Effect) -> bool:
    return effect.before == effect.after and not _is_kept_amount(effect)


def _is_kept_amount(effect: Effect) -> bool:
    return effect.field == "amount" and effect.before == effect.after


def _set_back(back: Undoing, effect: Effect, *, note: str = "") -> None:
    """Take an inverse effect up if the API can be told its value."""
    if effect.field == "label" and is_nothing(effect.after):
        # No request takes a badge away; its switch, which is an effect of its own, hides it.
        back.also.append(f"The badge's text stays with {named(effect)}, without showing.")
        return
    if effect.field == "rules" and is_nothing(effect.after):
        back.lasting.append(f"the rules of {named(effect)} cannot be emptied.")
        return
    if effect.field == "replies" and replies(effect.after or ()) is None:
        back.lasting.append(
            "an earlier answer to a review lacks the name or e-mail of who signed it, so it cannot be sent again."
        )
        return
    if effect.field == "collection_ids":
        back.also.append("A product that comes back into a collection stands at its end.")
    if effect.kind == "store" and effect.after:
        back.also.append(
            "The place of a product in the display order of its store may not come back with it."
        )
    back.add(effect, note=note)
    if effect.field == "currency" and isinstance(amount := back.amounts.get(effect.id), int | Decimal):
        back.effects += kept_amount(effect, amount)


def _overwrite(back: Undoing, effect: Effect, value: Any) -> None:
    """Set back what somebody changed since, said so; of stock only the difference that the change made."""
    counts = (effect.before, effect.after, value)
    if effect.field == "available_quantity" and all(isinstance(count, int | Decimal) for count in counts):
        former, asked, now = (int(cast("int", count)) for count in counts)
        target = now - (asked - former)
        note = f" (changed since; {abs(asked - former)} {'taken off' if asked > former else 'added'} again)"
        back.add(replace(effect, before=value, after=target), note=note)
        return
    _set_back(back, replace(effect, before=value, after=effect.before), note=" (changed since; overwritten)")


def _place(back: Undoing, effect: Effect) -> None:
    if effect.before is None:
        back.lasting.append(f"the former place of {named(effect)} in the display order is not known.")
        return
    back.also.append(PLACE_UNKNOWN)
    back.add(replace(effect, before=effect.after, after=effect.before))


async def _existence(
    shop: Shop,
    back: Undoing,
    effects: Sequence[Effect],
    created: Sequence[Created],
    made: Mapping[str, str],
    made_by_others: Collection[str],
) -> None:
    """Take away what was made, and make again what was deleted."""
    for making in await makings(shop, [effect for effect in effects if effect.deletes], made):
        if making is None:
            back.already += 1
            continue
        back.add(making)
        back.lasting.append(_LASTING[making.kind])
    known = created_by(effects, created)
    unknown = [effect for number, effect in enumerate(effects) if effect.creates and number not in known]
    asked = [(effects[number], made.get(item.id, item.id)) for number, item in known.items()]
    for removal in await removals(shop, asked + await _guessed(shop, back, unknown, made_by_others)):
        if removal.inverse is None:
            back.already += 1
            continue
        asked_for = fields_to_make(removal.made)
        fields = [
            (replace(removal.made, id=removal.inverse.id, field=name, after=asked_for[name]), value)
            for name, value in removal.differing
        ]
        agreed = [back.conflict(effect, value) for effect, value in fields]
        if all(agreed):
            back.add(removal.inverse, note=" (changed since it was made)" if fields else "")
            back.also += removal.also


async def _guessed(
    shop: Shop, back: Undoing, effects: Sequence[Effect], made_by_others: Collection[str]
) -> list[tuple[Effect, str]]:
    """Things that a change made without knowing their ids, by their looks."""
    found: list[tuple[Effect, str]] = []
    for effect, value in (await observe(shop, effects)).without(made_by_others):
        refuse_unread(effect, value)
        if len(value) > 1:
            raise ToolError(
                f"Several new ones look like {about(effect)}: {', '.join(value)}. Which of them the change made is not "
                f"known. {NOTHING_CHANGED} Delete the right one by its id."
            )
        if value:
            back.also.append(f"{about(effect)} is known by its looks alone: its id is {value[0]}.")
            found.append((effect, value[0]))
        else:
            back.already += 1
    return found


def _action(effects: Sequence[Effect]) -> str:
    made = [effect for effect in effects if effect.creates]
    removed = [effect for effect in effects if effect.deletes]
    fields = [effect for effect in effects if effect.field != EXISTS]
    parts: list[str] = []
    if made:
        parts.append(f"make {_things(made)} again")
    if removed:
        parts.append(f"delete {_things(removed)} that the change made")
    if fields:
        parts.append(f"set {counted(len(fields), 'field')} of {_things(fields)} back")
    action = ", ".join(parts)
    return f"Undo: {action}"


def _things(effects: Sequence[Effect]) -> str:
    """The one thing by its name, or how many there are."""
    things = {(effect.kind, effect.within, effect.id, effect.name) for effect in effects}
    if len(things) == 1:
        effect = effects[0]
        return named(effect) if effect.field != EXISTS else about(effect)
    return counted(len(things), "thing")


def _weight(effect: Effect) -> Decimal | int:
    """How far a field moves: an amount in percent, stock in pieces."""
    before, after = effect.before, effect.after
    if not isinstance(before, int | Decimal) or not isinstance(after, int | Decimal):
        return 1
    move = abs(Decimal(after) - Decimal(before))
    if effect.field == "amount" and before:
        return (move / Decimal(before) * 100).quantize(Decimal("0.01"))
    return move


def _ids_in(effects: Sequence[Effect]) -> set[str]:
    """Former ids of what is to be made, with its prices."""
    ids: set[str] = set()
    for effect in effects:
        image = image_in(effect.after, effect.kind) if effect.creates else None
        if image is not None:
            ids |= {id_in(image[effect.kind]), *map(id_in, image.get("prices", ()))}
            ids |= set(image["product"].get("collectionIds") or ()) if effect.kind == "product" else set()
            ids |= set(image.get("members", ()))
    return ids


def _some(lines: Sequence[str]) -> str:
    more = len(lines) - SHOWN_ITEMS
    return "; ".join(lines[:SHOWN_ITEMS]) + (f"; and {more} more" if more > 0 else "")


def _refusal(conflicts: Sequence[str]) -> str:
    return (
        f"Somebody changed this since: {_some(conflicts)}. {NOTHING_CHANGED} {ASK_WITH} skip, which leaves these as "
        "they are, or overwrite, which sets them back nonetheless."
    )
