"""The allowances of requests that several processes share: what counts against each is read and written in one go.

Where one machine has all of the processes it is kept in a file of its own, which the standard library opens in no time:
most conversations only read, and would load the store for nothing else. Where a PostgreSQL is the store, it is kept
there. It may be lost, and needs no disk to be waited for: the API tells it anew.

A process that is killed gives its places back as a living one does: they are forgotten when the API has forgotten them.
"""

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..products_api.budget import Granted
from ..products_api.window import Ask, Seat, Wait, Window

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from .database import Database

PATIENCE_SECONDS = 2.0
"""How long one process waits for another, which takes its turn for a fraction of a millisecond."""


class Rates(Protocol):
    """The allowances of one store, each under a name."""

    def ask(self, name: str, ask: Ask) -> Granted | Wait:
        """Tell the news, and get leave to send one request or the time to ask again."""
        ...


def _asked(body: str, ask: Ask, now: float) -> tuple[Granted | Wait, str]:
    """The answer of a window that was kept as text, and the text to keep."""
    window = _kept(body, now)
    answer = window.asked(ask, now, now)
    if isinstance(answer, Seat):
        granted = Granted(answer, window.limit, window.interval_seconds) if window.known else Granted(answer)
        return granted, window.dump()
    return answer, window.dump()


def _kept(body: str, now: float) -> Window:
    """The window that was kept; a new one for a text that is damaged."""
    if body:
        with suppress(ValueError, RecursionError):
            return Window.load(body, now)
    return Window()


class RatesInFile:
    """Allowances in an SQLite file, for the processes of one machine. Raises `sqlite3.Error` and `OSError`."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._path = path
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._turn = threading.Lock()
        self._opened: sqlite3.Connection | None = None

    def ask(self, name: str, ask: Ask) -> Granted | Wait:
        """See `Rates`."""
        with self._own_turn():
            connection = self._opened = self._opened or self._open()
            try:
                connection.execute("BEGIN IMMEDIATE")
                row = connection.execute("SELECT body FROM rates WHERE name = ?", [name]).fetchone()
                answer, body = _asked(row[0] if row else "", ask, self._clock())
                connection.execute("INSERT OR REPLACE INTO rates VALUES (?, ?)", [name, body])
                connection.execute("COMMIT")
            except BaseException:
                self._close()
                raise
        return answer

    def close(self) -> None:
        """Close the file. It may be asked again. Where a thread still waits for the disk, that is left to it."""
        with suppress(TimeoutError), self._own_turn():
            self._close()

    @contextmanager
    def _own_turn(self) -> Generator[None]:
        """Have the file to oneself. On a disk that hangs one thread waits for good, and the others not behind it."""
        if not self._turn.acquire(timeout=self._patience_seconds):
            raise TimeoutError(errno.ETIMEDOUT, "another thread still waits for the disk")
        try:
            yield
        finally:
            self._turn.release()

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made before SQLite does, for the rights.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(
            self._path, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            # Whole after the end of a process, whenever that comes, though not after that of the machine.
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA journal_mode=TRUNCATE")
            connection.execute("CREATE TABLE IF NOT EXISTS rates (name TEXT PRIMARY KEY, body TEXT NOT NULL)")
        except BaseException:
            connection.close()
            raise
        return connection

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


class RatesInDatabase:
    """Allowances in the store itself. Raises `StoreError` when it does not work."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    def ask(self, name: str, ask: Ask) -> Granted | Wait:
        """See `Rates`."""
        from sqlalchemy import update

        from .tables import rates

        with self._database.transaction() as connection:
            body = _body(connection, name)
            answer, written = _asked(body, ask, _now(connection))
            connection.execute(update(rates).where(rates.c.name == name).values(body=written))
        return answer


def _now(connection: "Connection") -> float:
    """The time by the one clock that all processes have in common."""
    from sqlalchemy import func, select

    return float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())


def _body(connection: "Connection", name: str) -> str:
    """The row of a name, made if it is not there; locked."""
    from sqlalchemy import func, select
    from sqlalchemy.dialects.postgresql import insert

    from .tables import rates

    hurried = func.set_config("synchronous_commit", "off", True)
    locked = select(rates.c.body, hurried).where(rates.c.name == name).with_for_update()
    row = connection.execute(locked).first()
    if row is None:
        connection.execute(insert(rates).values(name=name, body="").on_conflict_do_nothing())
        row = connection.execute(locked).first()
    return str(row.body) if row else ""
