"""A plan of undoing, carried out step by step, and what became of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.plan import Effect, Kind, Plan
from ..products_api.errors import ProductsApiError
from .observing import Unread, observe
from .renaming import id_in
from .settling import judge
from .shop import Shop
from .undo_calls import steps_of
from .undo_steps import Step, Undo

Became = Literal["done", "not_done", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one thing: set back, made again with its `new_id`, or deleted. `why` says more where it is not
    done, or done and not as it was."""

    kind: Kind
    id: str | None
    within: str | None
    name: str
    became: Became
    new_id: str | None = None
    why: str | None = None


@dataclass(frozen=True, kw_only=True)
class UndoResult:
    """What became of an undoing.

    outcomes: one for each thing. new_ids: former id to new id of what was made again, prices of products included.
    error: why it stopped before its end, in words; calling undo again does only the rest. differing: fields that
    read back otherwise than they were set back to.
    """

    outcomes: tuple[Outcome, ...]
    new_ids: Mapping[str, str]
    error: str | None = None
    differing: tuple[tuple[Effect, Any], ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all was done and reads back as it was."""
        return self.error is None and not self.differing


async def carry_out(shop: Shop, plan: Plan) -> UndoResult:
    """Carry out a plan of `undoing.plan_undo`, step by step, and read back what it set.

    One whose answer is lost is read back. The first that is not done then is the last one tried; `shop.unclear` is
    set when it may be done nevertheless, else `shop.stopped`.

    Raises:
        ProductsApiError, ToolError: the very first step failed and surely changed nothing, or it is the only one.
    """
    undo = Undo(shop, dict(plan.state.get("made", {})))
    steps = steps_of(undo, plan.effects)
    became: dict[int, Became] = {}
    error: str | None = None
    for number, step in enumerate(steps):
        made = len(shop.created)
        try:
            await step.do()
        except (ProductsApiError, ToolError) as raised:
            lost = raised if isinstance(raised, ProductsApiError) and raised.outcome == "unknown" else None
            if number == 0 and len(shop.created) == made and (lost is None or len(steps) == 1):
                raise
            if lost is None or not await _is_there(shop, step):
                shop.unclear, shop.stopped = lost, lost is None
                became |= _of(step, "unknown" if lost else "not_done")
                error = " ".join(str(raised).split())
                break
            shop.note(f"The API's answer to a part was lost ({lost.happened}) Read back, that part was done.")
        became |= _of(step, "done")
        await shop.progress(number + 1, len(steps), "undoing")
    done = [effect for effect in plan.effects if became.get(id(effect)) == "done"]
    differing = await _differing(shop, done)
    return UndoResult(
        outcomes=tuple(_outcomes(plan.effects, became, differing, undo.new_ids, error)),
        new_ids=undo.new_ids,
        error=error,
        differing=differing,
    )


async def _is_there(shop: Shop, step: Step) -> bool:
    """Whether all that a step sets or deletes reads so. What it makes and a display order do not tell."""
    return all(
        not effect.creates and judge(effect, value) == "as_after"
        for effect, value in await observe(shop, step.effects)
    )


def _of(step: Step, became: Became) -> dict[int, Became]:
    return {id(effect): became for effect in step.effects}


async def _differing(shop: Shop, effects: Sequence[Effect]) -> tuple[tuple[Effect, Any], ...]:
    """What reads back otherwise. A display order cannot be read; what was made has told so itself."""
    looked_at = [effect for effect in effects if not effect.creates and effect.kind != "order"]
    differing: list[tuple[Effect, Any]] = []
    for effect, value in await observe(shop, looked_at):
        if isinstance(value, Unread):
            shop.note(f"It was undone, but reading it back failed, so it was not checked. {value.why}")
        elif judge(effect, value) != "as_after":
            differing.append((effect, value))
    return tuple(differing)


def _outcomes(
    effects: Iterable[Effect],
    became: Mapping[int, Became],
    differing: Sequence[tuple[Effect, Any]],
    new_ids: Mapping[str, str],
    error: str | None,
) -> Iterable[Outcome]:
    """One outcome for each thing: the least certain one of its fields."""
    things: dict[tuple[Any, ...], list[Effect]] = {}
    for effect in effects:
        about = id(effect) if effect.creates else (effect.kind, effect.within, effect.id)
        things.setdefault((about,), []).append(effect)
    for fields in things.values():
        first = fields[0]
        states = {became.get(id(effect), "not_done") for effect in fields}
        worst: Became = next(state for state in ("unknown", "not_done", "done") if state in states)
        wrong = [effect.field for effect, _ in differing if effect in fields]
        former = id_in(first.after[first.kind]) if first.creates else first.id
        yield Outcome(
            kind=first.kind,
            id=former,
            within=first.within,
            name=first.name,
            became=worst,
            new_id=new_ids.get(former or "") if first.creates else None,
            why=(error if worst != "done" else None)
            or (f"reads back otherwise: {', '.join(wrong)}" if wrong else None),
        )
