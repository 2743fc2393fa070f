"""What the shop has overtaken of a plan that was shown: what differs from the plan as it would be made now."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from ..products_api.exact_json import decode, encode
from .plan import EXISTS, SHOWN_ITEMS, Effect, Plan, cut, flat, from_plain, to_plain
from .question import NOTHING_CHANGED

Object: TypeAlias = Mapping[str, Any]


def stale_words(changed: list[str]) -> str:
    """What is said of an approval that the shop has overtaken."""
    lines = "\n".join(f"• {line}" for line in changed)
    return (
        f"The shop changed while the question was open, so the answer to it does not count. {NOTHING_CHANGED} "
        f"What is different now:\n{lines}"
    )


def changed_since(former: Plan, fresh: Plan) -> list[str]:
    """What differs between a plan that was shown and the plan as it would be made now, in words for a person.

    Ten lines at most and one that counts the rest; texts of the shop in them are cut, and show what they hold.
    """
    # One of the two may come from the store, where a tuple is a list and a float a decimal.
    former, fresh = _as_kept(former), _as_kept(fresh)
    lines = [flat(line) for line in _differences(former, fresh)] or ["something that goes with it changed"]
    if len(lines) <= SHOWN_ITEMS:
        return lines
    return [*lines[:SHOWN_ITEMS], f"and {len(lines) - SHOWN_ITEMS} more"]


def _as_kept(plan: Plan) -> Plan:
    return from_plain(cast("dict[str, Any]", decode(encode(to_plain(plan)))))


def _differences(former: Plan, fresh: Plan) -> list[str]:
    lines: list[str] = []
    now = {effect.key: effect for effect in fresh.effects}
    then = {effect.key: effect for effect in former.effects}
    for key, effect in then.items():
        if key not in now:
            lines.append(f"{_about(effect)}: not part of it any more")
        elif effect.field == EXISTS:
            lines += _changed_inside(effect, now[key])
        elif effect.before != now[key].before:
            lines.append(f"{_about(effect)}: was {_value(effect.before)}, is {_value(now[key].before)} now")
        elif effect.after != now[key].after:
            lines.append(
                f"{_about(effect)}: would become {_value(now[key].after)}, not {_value(effect.after)}"
            )
    lines += [f"{_about(effect)}: part of it now" for key, effect in now.items() if key not in then]
    if not lines and (former_lines := set(former.describe().splitlines())) != set(
        fresh.describe().splitlines()
    ):
        lines += [line for line in fresh.describe().splitlines() if line not in former_lines]
    if not lines:
        lines += [f"{key} changed" for key, value in fresh.state.items() if former.state.get(key) != value]
    return lines


def _changed_inside(effect: Effect, fresh: Effect) -> Iterable[str]:
    """What differs in the image of a thing that is to be deleted, or among the likes of one to be created."""
    if effect.before == fresh.before and effect.after == fresh.after:
        return
    former, now = effect.before, fresh.before
    if isinstance(former, Mapping) and isinstance(now, Mapping):
        images = cast("tuple[Object, Object]", (former, now))
        found = list(_inside(*images))
        # A time says only that something else is different.
        for name, was, value in [item for item in found if not item[0].endswith("updated_at")] or found:
            told = _value(was), _value(value)
            yield f"{_thing(effect)}, {name}: " + (
                "changed" if told[0] == told[1] else f"was {told[0]}, is {told[1]} now"
            )
    else:
        yield f"{_thing(effect)}: the shop changed around it"


def _inside(former: Object, now: Object) -> Iterable[tuple[str, Any, Any]]:
    """What differs, by name, looked up inside of the objects of an image; those of a list one by one."""
    for key in {**former, **now}:
        was: Any = former.get(key)
        value: Any = now.get(key)
        if was == value:
            continue
        if isinstance(was, Mapping) and isinstance(value, Mapping):
            yield from _inside(*cast("tuple[Object, Object]", (was, value)))
        elif pairs := _pairs(_objects(cast("object", was)), _objects(cast("object", value))):
            for one, other in pairs:
                of = f"{cut(other.get('name') or '')}, " if len(pairs) > 1 and other.get("name") else ""
                yield from ((of + name, before, after) for name, before, after in _inside(one, other))
        else:
            yield _field_name(key), was, value


def _objects(value: object) -> list[Object]:
    """The objects of a list; none where it holds anything else."""
    entries = cast("list[object]", value) if isinstance(value, list) else []
    objects = [cast("Object", entry) for entry in entries if isinstance(entry, Mapping)]
    return objects if len(objects) == len(entries) else []


def _pairs(was: list[Object], value: list[Object]) -> list[tuple[Object, Object]]:
    """Two lists side by side; nothing where they hold other things."""
    ids = [[entry.get("_id") for entry in entries] for entries in (was, value)]
    return list(zip(was, value, strict=True)) if ids[0] == ids[1] else []


def _field_name(key: str) -> str:
    """A name of the API as this server says it; ids, which are keys too, have digits in them."""
    return cut(key if _DIGIT.search(key) else _CAPITAL.sub("_", key).lower())


def _about(effect: Effect) -> str:
    return f"{_thing(effect)}, {effect.field}"


def _thing(effect: Effect) -> str:
    return f"{effect.kind} {cut(effect.name) or effect.id or ''}".rstrip()


def _value(value: object) -> str:
    if value is None or value in ("", []):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return f"{len(cast('Sequence[object]', value))} entries"
    if isinstance(value, Mapping):
        return "an object"
    return cut(value)


_DIGIT = re.compile(r"\d")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
