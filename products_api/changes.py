"""What a replacing write really did, found by reading the thing before and after.

Nothing documents what the API does with fields that an update leaves out: products are reported to
keep them, prices to lose them. So an update is compared with what was asked.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from . import errors
from .exact_json import Json

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field, by its snake_case name, that is not as it should be after a change."""

    field: str
    expected: object
    found: object


@dataclass(frozen=True, slots=True)
class Change(Generic[Thing]):
    """A change that the API accepted.

    Attributes:
        before: the state read before the write.
        after: the state read afterwards; where that reading failed, what the write itself answered,
            or None if that too was unreadable.
        lost: fields that were set before and are missing or different now without having been asked for.
        not_applied: fields that were asked for and do not show the asked value.
        verified: whether `after` was read back. If not, `lost` and `not_applied` are empty for want of
            knowledge.
        unseen: fields that were not asked for and that no reading showed, so that a replacing write may have
            emptied them without a trace. Only where the API showed none of those that its description
            leaves out of readings, be it as null; one that shows some is taken to show all that are set.
        not_resent: what was read and could not be sent back to a replacing write, for it lacks members that
            the API requires (`meta`, or a part such as `shipping_options.weight`). It may be lost; what was
            read back unharmed is not named.
    """

    before: Thing
    after: Thing | None
    lost: tuple[FieldDifference, ...]
    not_applied: tuple[FieldDifference, ...]
    verified: bool
    unseen: tuple[str, ...] = ()
    not_resent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Update(Generic[Thing]):
    """An update in hand: what was read, what was asked (both by wire name), and what could be set at all.

    For a replacing one also the dotted wire names of what was read and left out, and the wire names of the
    fields that readings may not show.
    """

    before: Mapping[str, Json]
    asked: Mapping[str, Any]
    writable: Mapping[str, Any]
    parse: Callable[[Json], Thing]
    left_out: tuple[str, ...] = ()
    perhaps_hidden: tuple[str, ...] = ()

    async def verified(
        self, before: Thing, answer: Json, read: Callable[[], Awaitable[dict[str, Json]]]
    ) -> Change[Thing]:
        """Read the thing back and compare. Never raises: the update is done, whatever the reading does."""
        try:
            found = await read()
            after = self.parse(found)
        except errors.ProductsApiError:
            return Change(
                before,
                self._answered(answer),
                lost=(),
                not_applied=(),
                verified=False,
                unseen=self._unseen(self.before),
                not_resent=self._not_resent(None),
            )
        lost, not_applied = differences(self.before, self.asked, found, self.writable)
        return Change(
            before,
            after,
            lost,
            not_applied,
            verified=True,
            unseen=self._unseen(self.before, found),
            not_resent=self._not_resent(found),
        )

    def _unseen(self, *readings: Mapping[str, Json]) -> tuple[str, ...]:
        if any(key in reading for reading in readings for key in self.perhaps_hidden):
            return ()
        return tuple(_snake(key) for key in self.perhaps_hidden if key not in self.asked)

    def _not_resent(self, found: Mapping[str, Json] | None) -> tuple[str, ...]:
        return tuple(
            _snake(path)
            for path in self.left_out
            if not _names(self.asked, path)
            and (found is None or not _holds(_at(found, path), _at(self.before, path)))
        )

    def _answered(self, answer: Json) -> Thing | None:
        try:
            return self.parse(answer)
        except errors.ProductsApiError:
            return None


def merged(present: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked, its objects completed from the present ones: the API replaces an object as a whole."""
    complete = dict(asked)
    for key, value in asked.items():
        now = present.get(key)
        if isinstance(value, Mapping) and isinstance(now, Mapping):
            complete[key] = {**cast(Mapping[str, Any], now), **cast(Mapping[str, Any], value)}
    return complete


def without_nulls(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without those that are None, at every depth: left out of a replacement, they are cleared."""
    return {
        key: without_nulls(cast(Mapping[str, Any], value)) if isinstance(value, Mapping) else value
        for key, value in fields.items()
        if value is not None
    }


def differences(
    before: Mapping[str, Any], asked: Mapping[str, Any], after: Mapping[str, Any], writable: Mapping[str, Any]
) -> tuple[tuple[FieldDifference, ...], tuple[FieldDifference, ...]]:
    """`(lost, not_applied)` between two readings of one thing, all by wire name.

    Only writable fields are compared: timestamps and the like change by themselves.
    """
    lost = tuple(
        FieldDifference(_snake(key), before[key], after.get(key))
        for key in writable
        if key not in asked and before.get(key) is not None and not _holds(after.get(key), before[key])
    )
    not_applied = tuple(
        FieldDifference(_snake(key), value, after.get(key))
        for key, value in asked.items()
        if not _holds(after.get(key), value)
    )
    return lost, not_applied


def _holds(found: Any, expected: Any) -> bool:
    """Whether what was found has all that was expected; the API adds ids and defaults inside objects."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        wanted, told = cast(Mapping[str, Any], expected), cast(Mapping[str, Any], found)
        return all(_holds(told.get(key), item) for key, item in wanted.items())
    if isinstance(expected, list):
        wanted_items = cast(list[Any], expected)
        told_items = cast(list[Any], found) if isinstance(found, list) else []
        return len(told_items) == len(wanted_items) and all(map(_holds, told_items, wanted_items))
    return bool(found == expected)


def _at(reading: Any, path: str) -> Any:
    """What stands at the dotted wire name."""
    for key in path.split("."):
        reading = cast(Mapping[str, Any], reading).get(key) if isinstance(reading, Mapping) else None
    return reading


def _names(asked: Any, path: str) -> bool:
    """Whether what was asked says anything of the dotted wire name, be it of the whole it is a part of."""
    for key in path.split("."):
        if not isinstance(asked, Mapping):
            return True
        fields = cast(Mapping[str, Any], asked)
        if key not in fields:
            return False
        asked = fields[key]
    return True


def _snake(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)
