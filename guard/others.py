"""Other processes at work on the same shop: what they are at, and what they have done since a plan was made.

Two writes to one thing that are planned side by side would undo each other: a price is sent as a whole. Within a
process they take turns (`turns`); between processes the journal tells, inside the transaction that begins a change, so
that of two that begin at once the second sees the first.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from .database import Database
from .journal import Change, destructive_since, folded
from .plan import from_plain
from .tables import changes, events

LONGEST_SECONDS: Final = 600.0
"""A change that has been under way for longer holds nobody up any more, if its process could not write down its end."""


class BusyError(Exception):
    """Another process is changing the same thing at this moment, and began so many seconds ago."""

    def __init__(self, change_id: str, seconds: float) -> None:
        super().__init__(change_id)
        self.change_id = change_id
        self.seconds = seconds


class ChangedMeanwhileError(Exception):
    """Another process has changed the same thing, or may have, since the plan was made."""


class CountedAnewError(Exception):
    """Another process has begun a destructive change since they were counted."""


@dataclass(frozen=True, kw_only=True)
class Unless:
    """What keeps a change from being begun.

    things: ids of what it changes, in this location of this API.
    seen: the end of the journal before its plan was made; None in a store that one process alone has.
    counted: since when destructive changes were counted, and how many there were; None where it is none of them.
    now: in seconds since 1970.
    """

    location: str
    base_url: str
    things: frozenset[str]
    seen: int | None
    counted: tuple[float, int] | None
    now: float

    def __call__(self, connection: Connection, database: Database) -> None:
        """Look, in the transaction of this database that begins the change.

        Raises:
            BusyError, ChangedMeanwhileError, CountedAnewError: it may not be begun like this.
        """
        if self.seen is not None:
            self._refuse_others(connection, database, self.seen)
        if (
            self.counted is not None
            and destructive_since(connection, self.location, self.counted[0]) != (self.counted[1])
        ):
            raise CountedAnewError

    def _refuse_others(self, connection: Connection, database: Database, seen: int) -> None:
        found = select(changes.c.id, changes.c.seq, changes.c.location, changes.c.process)
        newer = select(events.c.change_id).where(events.c.seq > seen)
        # Asked apart, and each by nothing else: asked together, or with the location, a database reads all the changes
        # there ever were, and meanwhile nobody else can begin or end one.
        rows = [
            *connection.execute(found.where(changes.c.outcome.is_(None))),
            *connection.execute(found.where(changes.c.id.in_(newer))),
        ]
        begun = {
            row.id: row.seq
            for row in rows
            if row.location == self.location and row.process != database.process
        }
        if not begun:
            return
        met = [change for change in folded(connection, begun) if self._meets(change)]
        for change in met:
            age = self.now - change.time
            under_way = change.outcome is None and age < LONGEST_SECONDS
            if under_way and database.alive(change.process, connection):
                raise BusyError(change.id, max(0.0, age))
        if any(self._may_have_changed(change, new=begun[change.id] > seen) for change in met):
            raise ChangedMeanwhileError

    def _meets(self, change: Change) -> bool:
        if change.base_url != self.base_url:
            return False
        undone = {change.undoes} if change.undoes else set[str]()
        return not self.things.isdisjoint(from_plain(change.plan).ids | undone)

    @staticmethod
    def _may_have_changed(change: Change, *, new: bool) -> bool:
        """Whether it has changed something since; of one that is still open, whether it was begun since."""
        return new if change.outcome is None else change.outcome.outcome != "not_done"
