"""Notices: what one process was told of a shop, for the other processes on the same store, and each event once.

They are kept as long as an event may come again; the newest stays, so that their numbers only grow.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import delete, func, insert, select

from .database import Database
from .tables import HEAD, chain, notices

_PAGE = 200


@dataclass(frozen=True)
class Notice:
    """That something at these addresses of a location has changed. The addresses are those of an only shop."""

    location: str
    addresses: tuple[str, ...]


class Notices:
    """The notices of one store. Every method raises `StoreError` when the store does not work."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def accept(self, event: str, *, location: str, addresses: Sequence[str], keep_seconds: float) -> bool:
        """Write down an event; whether it is the first time, for whichever process."""
        # Written as ASCII first: an id may hold what no UTF-8 can.
        digest = hashlib.sha256(json.dumps(event).encode()).hexdigest()
        now = self._clock()
        with self._database.transaction() as connection:
            # Any row that is always there would do: who comes second waits here, and numbers are seen in their order.
            connection.execute(select(chain.c.seq).where(chain.c.name == HEAD).with_for_update())
            newest = int(connection.execute(select(func.max(notices.c.number))).scalar() or 0)
            old = (notices.c.time < now - keep_seconds, notices.c.number < newest)
            connection.execute(delete(notices).where(*old))
            seen = select(notices.c.number).where(notices.c.event_id == digest)
            if connection.execute(seen).first() is not None:
                return False
            row = {
                "number": newest + 1,
                "event_id": digest,
                "process": self._database.process,
                "time": now,
                "location": location,
                "addresses": json.dumps(list(addresses)),
            }
            connection.execute(insert(notices).values(row))
        return True

    def newest(self) -> int:
        """The number of the newest; 0 where there is none."""
        with self._database.reading() as connection:
            return int(connection.execute(select(func.max(notices.c.number))).scalar() or 0)

    def since(self, number: int) -> tuple[list[Notice], int]:
        """A page of those of other processes that came after that number, the oldest first, and where it ends."""
        later = select(notices).where(notices.c.number > number).order_by(notices.c.number).limit(_PAGE)
        with self._database.reading() as connection:
            rows = connection.execute(later).all()
        found = [
            Notice(row.location, tuple(cast("list[str]", json.loads(row.addresses))))
            for row in rows
            if row.process != self._database.process
        ]
        return found, rows[-1].number if rows else number
