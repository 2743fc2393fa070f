"""The keys that seal what goes through a client's hands: made on first use, kept in the store, followed by new ones.

A key seals for a month. What it has sealed is opened with it for as long as that counts, and then it is deleted:
whoever gets at a copy of an old store can open nothing that is sealed later.
"""

import secrets
import threading
from itertools import pairwise
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select

from .database import Database
from .tables import HEAD, chain, keys

KEY_BYTES: Final = 32
DAY: Final = 24 * 3600.0
SEALS_SECONDS: Final = 30 * DAY
OPENS_SECONDS: Final = 8 * DAY
"""How long a key opens after another has followed it: a day more than anything that is sealed counts."""
READ_SECONDS: Final = 600.0
"""How old the keys in memory may be: for so long a process may go on sealing with one that another has replaced."""
_AGAIN_SECONDS: Final = 1.0


class _Key(NamedTuple):
    """A key as it is kept."""

    number: int
    key: bytes
    created: float


class SealingKeys:
    """The keys of one store, in memory: every process that shares the store has the same. From any thread.

    Raises `StoreError` where the store cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = threading.Lock()
        self._known: tuple[bytes, ...] = ()
        self._read_at = 0.0

    def known(self) -> tuple[bytes, ...]:
        """The keys, the newest first: seal with the first, open with any."""
        with self._turn:
            if not self._known or not 0 <= self._database.clock() - self._read_at < READ_SECONDS:
                self._read()
            return self._known

    def others(self) -> tuple[bytes, ...]:
        """The keys, read anew for what none of the known ones opens; empty where there are no others."""
        with self._turn:
            former = self._known
            # Whoever sends nonsense must not have the store read each time.
            if 0 <= self._database.clock() - self._read_at < _AGAIN_SECONDS:
                return ()
            self._read()
            return () if self._known == former else self._known

    def _read(self) -> None:
        self._known = tuple(sealing_keys(self._database))
        self._read_at = self._database.clock()


def sealing_keys(database: Database) -> list[bytes]:
    """Keys of 32 bytes each, the newest first. A new one is made where there is none or the newest is a month old.

    Raises:
        StoreError: the store cannot be read or written.
    """
    with database.reading() as connection:
        found = _found(connection)
    now = database.clock()
    if not _is_due(found, now) and not _spent(found, now):
        return [row.key for row in found]
    with database.transaction() as connection:
        # Any row that is always there would do: of two processes that start at once, the second waits here.
        connection.execute(select(chain.c.seq).where(chain.c.name == HEAD).with_for_update())
        now = database.clock()
        if _is_due(_found(connection), now):
            connection.execute(insert(keys).values(key=secrets.token_bytes(KEY_BYTES), created=now))
        connection.execute(delete(keys).where(keys.c.number.in_(_spent(_found(connection), now))))
        return [row.key for row in _found(connection)]


def _found(connection: Connection) -> list[_Key]:
    newest_first = select(keys.c.number, keys.c.key, keys.c.created).order_by(keys.c.number.desc())
    return [_Key(*row) for row in connection.execute(newest_first)]


def _is_due(found: list[_Key], now: float) -> bool:
    return not found or now - found[0].created >= SEALS_SECONDS


def _spent(found: list[_Key], now: float) -> list[int]:
    """The numbers of the keys of which nothing counts any more: those that another followed so long ago."""
    return [older.number for newer, older in pairwise(found) if now - newer.created >= OPENS_SECONDS]
