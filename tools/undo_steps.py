"""The parts of an undoing: what is done in one go, and what all of them share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from ..guard.plan import Effect, Kind
from .renaming import renamed
from .shop import Shop


@dataclass
class Undo:
    """An undoing under way: the shop, and the new ids of what it has made again so far."""

    shop: Shop
    new_ids: dict[str, str] = field(default_factory=dict[str, str])

    def renamed(self, value: Any) -> Any:
        """A value with the ids of what was made again."""
        return renamed(value, self.new_ids)

    def made(self, kind: Kind, former: str, new: str, within: str | None = None) -> None:
        """Say that a thing was made again."""
        self.shop.made_new(kind, new, within)
        self.new_ids[former] = new


@dataclass(frozen=True)
class Step:
    """One part of an undoing, for the most part one request: the effects that it brings about, and how."""

    effects: tuple[Effect, ...]
    do: Callable[[], Awaitable[object]]
