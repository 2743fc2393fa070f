"""The journal of one shop, as tools read it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from mcp.server.mcpserver.exceptions import ToolError

from .question import NOTHING_CHANGED
from .store import Store

if TYPE_CHECKING:
    from .journal import Change, Journal, Outcome

T = TypeVar("T")

ORDERING_TOOLS = ("set_display_priority", "undo_change")
LOOKED_THROUGH = 200
"""Changes that are looked through for what earlier ones have set or made."""


class ChangeBook:
    """Changes of one location, newest first. Every method raises `ToolError` when the store does not work.

    A location may have been reached at several addresses of the API, and be another shop at each: `base_url` is the
    one that is worked on now.
    """

    def __init__(self, store: Store, location: str, base_url: str) -> None:
        self._store = store
        self._location = location
        self._base_url = base_url

    async def find(self, change_id: str) -> "Change | None":
        """One change of this location."""
        change = await self._journal(lambda journal: journal.find(change_id))
        return change if change is not None and change.location == self._location else None

    def is_here(self, change: "Change") -> bool:
        """Whether a change was made at the address that is worked on, so that this shop tells what became of it."""
        return change.base_url == self._base_url

    async def list(self, **narrowed: Any) -> "tuple[list[Change], int]":
        """A page of changes, and how many there are; `narrowed` as `Journal.list` takes it."""
        return await self._journal(lambda journal: journal.list(location=self._location, **narrowed))

    async def unsettled(self) -> "list[Change]":
        """Changes of which it is not known whether they were done, and which nobody is working on any more."""
        return await self._journal(lambda journal: journal.unsettled(self._location))

    async def settle(self, change_id: str, outcome: "Outcome") -> None:
        """Write down what became of a change after all."""
        await self._journal(lambda journal: journal.settle(change_id, outcome))

    async def newest(self) -> "list[Change]":
        """The newest changes, as many as are looked through for what they have made."""
        return (await self.list(limit=LOOKED_THROUGH))[0]

    async def former_places(self, store_id: str) -> Mapping[str, int]:
        """The display order of a store as this server set it last, by product id; empty where nothing is known."""
        found: list[Change] = []
        try:
            for tool in ORDERING_TOOLS:
                found += (await self.list(tool=tool, outcome="done", limit=LOOKED_THROUGH))[0]
        except ToolError:
            # It is for a plan, which says then that the order cannot be put back. A write that needs the store is
            # refused by itself.
            return {}
        return {
            effect["id"]: effect["after"]
            for change in sorted(filter(self.is_here, found), key=lambda change: change.time)
            for effect in change.plan["effects"]
            if (effect["kind"], effect["within"]) == ("order", store_id) and effect["after"] is not None
        }

    async def _journal(self, work: "Callable[[Journal], T]") -> T:
        return await self._store.needed(lambda store: work(store.journal))


UNKNOWN_CHANGE = (
    f"No change of this shop has that id. {NOTHING_CHANGED} list_changes names those that are kept."
)
