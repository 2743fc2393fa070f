"""What a change of the server's contract means to those who use it: a patch, a minor or a breaking change.

The rules in words are in docs/contract.md. A schema of arguments may accept more and never less; a schema of results
may promise more and never less.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any, NamedTuple

Json = Mapping[str, Any]


class Level(IntEnum):
    """How much a change asks of whoever uses the server."""

    PATCH = 1
    """Other words, the same calls."""
    MINOR = 2
    """Something more; what worked works on."""
    BREAKING = 3
    """A call, a check or a permission that worked may not any more."""


class Change(NamedTuple):
    """One difference: where, what, and how much it matters."""

    level: Level
    where: str
    what: str


def contract_changes(before: Json, after: Json) -> list[Change]:
    """Every difference between two snapshots, the gravest first."""
    found = [
        *_servers(before, after),
        *_things("tool", before["tools"], after["tools"], _tools),
        *_things("prompt", before["prompts"], after["prompts"], _prompts),
        *_things("resource", before["resources"], after["resources"], _resources),
        *_things("resource template", before["templates"], after["templates"], _resources),
    ]
    return sorted(found, key=lambda change: (-change.level, change.where, change.what))


def _servers(before: Json, after: Json) -> Iterator[Change]:
    if before["name"] != after["name"]:
        yield Change(Level.BREAKING, "server", f"is called otherwise: `{after['name']}`")
    yield from _words("server", before, after, ("title", "instructions"))


def _words(where: str, before: Json, after: Json, keys: tuple[str, ...]) -> Iterator[Change]:
    for key in keys:
        if before.get(key) != after.get(key):
            yield Change(Level.PATCH, where, f"changes its {key}")


def _things(kind: str, before: Json, after: Json, compare: Any) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        where = f"{kind} `{name}`"
        if name not in after:
            yield Change(Level.BREAKING, where, "is gone")
        elif name not in before:
            yield Change(Level.MINOR, where, "is new")
        else:
            yield from compare(where, before[name], after[name])


# Hint, the value that lets a host do more with the tool unasked.
_FREER = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}


def _tools(where: str, before: Json, after: Json) -> Iterator[Change]:
    yield from _words(where, before, after, ("title", "description", "_meta"))
    for hint, freer in _FREER.items():
        old, new = before["annotations"].get(hint), after["annotations"].get(hint)
        if old != new:
            level = Level.MINOR if new is freer else Level.BREAKING
            yield Change(level, where, f"has {hint} {str(new).lower()}")
    yield from schema_changes(before["inputSchema"], after["inputSchema"], where, results=False)
    yield from schema_changes(before["outputSchema"], after["outputSchema"], where, results=True)


def _prompts(where: str, before: Json, after: Json) -> Iterator[Change]:
    yield from _words(where, before, after, ("title", "description"))
    old, new = before["arguments"], after["arguments"]
    for name in sorted(old.keys() | new.keys()):
        argument = f"{where}, argument `{name}`"
        if name not in new:
            yield Change(Level.BREAKING, argument, "is gone")
        elif name not in old:
            needed = new[name].get("required", False)
            yield Change(
                Level.BREAKING if needed else Level.MINOR, argument, "is new" + needed * " and required"
            )
        else:
            yield from _words(argument, old[name], new[name], ("title", "description"))
            yield from _requirement(argument, old[name], new[name])


def _requirement(where: str, before: Json, after: Json) -> Iterator[Change]:
    old, new = before.get("required", False), after.get("required", False)
    if new and not old:
        yield Change(Level.BREAKING, where, "has become required")
    elif old and not new:
        yield Change(Level.MINOR, where, "is required no longer")


def _resources(where: str, before: Json, after: Json) -> Iterator[Change]:
    yield from _words(where, before, after, ("name", "title", "description", "annotations"))
    if before.get("mimeType") != after.get("mimeType"):
        yield Change(Level.BREAKING, where, f"is of another type: {after.get('mimeType')}")


# Keyword of a limit: whether a greater value allows less.
_LIMITS = {
    "minimum": True,
    "minLength": True,
    "minItems": True,
    "maximum": False,
    "maxLength": False,
    "maxItems": False,
}
_COMPARED = _LIMITS.keys() | {"type", "description", "default", "enum", "properties", "required", "items"}


def schema_changes(before: Json, after: Json, where: str, *, results: bool) -> Iterator[Change]:
    """The differences of two schemas: of arguments, or of `results`."""
    widened, narrowed = (Level.BREAKING, Level.MINOR) if results else (Level.MINOR, Level.BREAKING)
    yield from _words(where, before, after, ("description",))
    yield from _types(before, after, where, widened, narrowed)
    yield from _defaults(before, after, where, results=results)
    yield from _choices(before, after, where, widened, narrowed)
    for keyword, greater_is_narrower in _LIMITS.items():
        yield from _limit(before, after, where, keyword, greater_is_narrower, widened, narrowed)
    # Whatever this module has no rule for is taken for what it may be at worst.
    for keyword in sorted((before.keys() | after.keys()) - _COMPARED):
        if before.get(keyword) != after.get(keyword):
            yield Change(Level.BREAKING, where, f"changes its {keyword}")
    yield from _members(before, after, where, results=results)
    if ("items" in before) != ("items" in after):
        yield Change(narrowed if "items" in after else widened, where, "says otherwise what its items are")
    elif "items" in before:
        yield from schema_changes(before["items"], after["items"], f"{where}, items", results=results)


def _types(before: Json, after: Json, where: str, widened: Level, narrowed: Level) -> Iterator[Change]:
    old, new = str(before.get("type")), str(after.get("type"))
    if old == new:
        return
    level = {("integer", "number"): widened, ("number", "integer"): narrowed}.get((old, new), Level.BREAKING)
    yield Change(level, where, f"is of type {new}, was {old}")


def _defaults(before: Json, after: Json, where: str, *, results: bool) -> Iterator[Change]:
    old, new = before.get("default"), after.get("default")
    if old != new:
        # Whoever leaves the argument out gets something else.
        level = Level.PATCH if results else Level.MINOR if old is None else Level.BREAKING
        yield Change(level, where, f"has the default {new!r}, had {old!r}")


def _choices(before: Json, after: Json, where: str, widened: Level, narrowed: Level) -> Iterator[Change]:
    old, new = before.get("enum"), after.get("enum")
    if old == new:
        return
    if old is None or new is None:
        yield Change(widened if new is None else narrowed, where, "has other choices")
        return
    for choice in new:
        if choice not in old:
            yield Change(widened, where, f"has the new choice `{choice}`")
    for choice in old:
        if choice not in new:
            yield Change(narrowed, where, f"has lost the choice `{choice}`")


def _limit(
    before: Json,
    after: Json,
    where: str,
    keyword: str,
    greater_is_narrower: bool,
    widened: Level,
    narrowed: Level,
) -> Iterator[Change]:
    old, new = before.get(keyword), after.get(keyword)
    if old == new:
        return
    narrower = old is None or (new is not None and (new > old) == greater_is_narrower)
    yield Change(narrowed if narrower else widened, where, f"has {keyword} {new}, had {old}")


def _members(before: Json, after: Json, where: str, *, results: bool) -> Iterator[Change]:
    old, new = before.get("properties", {}), after.get("properties", {})
    had, has = set(before.get("required", ())), set(after.get("required", ()))
    part = "result" if results else "argument"
    for name in sorted(old.keys() | new.keys()):
        member = f"{where}, {part} `{name}`"
        if name not in new:
            yield Change(Level.BREAKING, member, "is gone")
        elif name not in old:
            needed = name in has and not results
            yield Change(
                Level.BREAKING if needed else Level.MINOR, member, "is new" + needed * " and required"
            )
        else:
            if name in has - had:
                level = Level.MINOR if results else Level.BREAKING
                yield Change(level, member, "is always there now" if results else "has become required")
            if name in had - has:
                level = Level.BREAKING if results else Level.MINOR
                yield Change(level, member, "may be absent now" if results else "is required no longer")
            yield from schema_changes(old[name], new[name], member, results=results)
