"""What of a thing as read can be sent back, for updates that replace it as a whole.

Ids and timestamps that the API adds inside objects would be refused as stray keys, and an object without
one of its required members would be refused too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast


@dataclass(frozen=True, slots=True)
class Part:
    """The parts of an object, or of each object in a list, by wire name, and which of them it must have."""

    members: "Members"
    required: frozenset[str] = field(default_factory=frozenset[str])


Members: TypeAlias = Mapping[str, Part | None]
"""Wire names, each with the parts of its object; None where it is no object or is sent as it is."""


@dataclass(frozen=True, slots=True)
class Sendable:
    """What can be sent back, and the dotted wire names of what was read and cannot."""

    fields: dict[str, Any]
    left_out: tuple[str, ...]


def sendable_part(found: Mapping[str, Any], members: Members) -> Sendable:
    """The members that are set, at every depth, without the objects that lack what they must have."""
    left_out: list[str] = []
    fields = _set_members(found, members, "", left_out)
    return Sendable(fields, tuple(dict.fromkeys(left_out)))


def _set_members(
    found: Mapping[str, Any], members: Members, within: str, left_out: list[str]
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, part in members.items():
        value = found.get(key)
        if value is not None:
            value = value if part is None else _sent_value(value, part, within + key, left_out)
        if value is not None:
            kept[key] = value
    return kept


def _sent_value(value: Any, part: Part, path: str, left_out: list[str]) -> Any:
    """The value as it can be sent; None if it cannot, which is then noted in `left_out`."""
    if isinstance(value, list):
        items = cast(list[Any], value)
        kept = [sent for item in items if (sent := _sent_value(item, part, path, left_out)) is not None]
        return kept if kept or not items else None
    if isinstance(value, Mapping):
        fields = _set_members(cast(Mapping[str, Any], value), part.members, f"{path}.", left_out)
        if part.required <= fields.keys():
            return fields
    left_out.append(path)
    return None
