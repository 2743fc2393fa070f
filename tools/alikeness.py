"""Whether two values of the shop mean the same, however the API writes them down."""

from collections.abc import Mapping
from typing import Any, cast


def is_nothing(value: Any) -> bool:
    """Whether a value says nothing: absent, empty, switched off, or an object of nothing but such.

    The API answers an emptied text with "", an emptied list with [], and a switch that was never set with null or
    false, so none of them is told from another.
    """
    if isinstance(value, Mapping):
        return all(map(is_nothing, cast("Mapping[str, Any]", value).values()))
    return value is None or value is False or value in ("", [])


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal, what says nothing aside. Lists of ids are compared without their order."""
    if is_nothing(left) or is_nothing(right):
        return is_nothing(left) and is_nothing(right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        one, other = cast("Mapping[str, Any]", left), cast("Mapping[str, Any]", right)
        return all(same(one.get(key), other.get(key)) for key in {**one, **other})
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        pairs = _paired(cast("list[Any]", left), cast("list[Any]", right))
        return pairs is not None and all(same(one, other) for one, other in pairs)
    return bool(left == right)


def shows(found: Any, asked: Any) -> bool:
    """Whether what was found has all that was asked; the API adds ids and defaults inside objects."""
    if is_nothing(asked):
        return is_nothing(found)
    if isinstance(asked, Mapping) and isinstance(found, Mapping):
        told = cast("Mapping[str, Any]", found)
        return all(
            value is None or shows(told.get(key), value)
            for key, value in cast("Mapping[str, Any]", asked).items()
        )
    if isinstance(asked, list | tuple) and isinstance(found, list | tuple):
        pairs = _paired(cast("list[Any]", found), cast("list[Any]", asked))
        return pairs is not None and all(shows(one, other) for one, other in pairs)
    return bool(found == asked)


def _paired(left: Any, right: Any) -> list[tuple[Any, Any]] | None:
    """The members of two lists side by side; None where one is longer."""
    if len(left) != len(right):
        return None
    if all(isinstance(item, str) for item in [*left, *right]):
        return list(zip(sorted(left), sorted(right), strict=True))
    return list(zip(left, right, strict=True))
