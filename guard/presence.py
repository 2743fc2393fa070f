"""Which processes use the store at this moment, so that what a dead one left open is found.

Each opening of a store has an id and holds a lock of that name, which the operating system or the database server
gives up when the process ends, however it ends.
"""

import contextlib
import threading
from pathlib import Path
from typing import Protocol

import filelock
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

PATIENCE_SECONDS = 10
"""How long one process waits for another."""


class Presence(Protocol):
    """How an opening of the store shows the others that it is there."""

    def announce(self) -> None:
        """Hold the lock, anew if it got lost."""

    def alive(self, process: str, connection: Connection | None) -> bool:
        """Whether the lock of that id is held. `connection` is one to the store, where the caller has one already."""
        ...

    def leave(self) -> None:
        """Give the lock up."""


class AlwaysThere:
    """The presence of a store in memory: no other process can see it."""

    def announce(self) -> None:
        """Nobody else looks."""

    def alive(self, process: str, connection: Connection | None) -> bool:
        """Whoever wrote here is this process."""
        del connection
        return bool(process)

    def leave(self) -> None:
        """Nothing is held."""


class LockFiles:
    """One file for each process beside a SQLite file, locked as long as the process lives.

    The operating system gives the lock up when a process ends, however it ends. All looking, making and clearing
    away happens under one more lock: a file that is made but not locked yet would pass for that of a dead process.
    """

    def __init__(self, folder: Path, process: str) -> None:
        self._folder = folder
        self._own = self._lock(process)
        self._guard_path = folder / "all"

    def _lock(self, process: str) -> filelock.BaseFileLock:
        # Any thread may close the store.
        return filelock.FileLock(self._folder / f"{process}.lock", mode=0o600, thread_local=False)

    def _guard(self) -> filelock.BaseFileLock:
        return filelock.FileLock(
            self._guard_path, mode=0o600, timeout=PATIENCE_SECONDS, poll_interval=0.01, thread_local=False
        )

    def enter(self) -> None:
        """Take the lock, and clear away what dead processes left."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with self._guard():
            self._own.acquire(timeout=0)
            for path in self._folder.glob("*.lock"):
                self._held(path.stem)

    def announce(self) -> None:
        """The lock cannot get lost."""

    def alive(self, process: str, connection: Connection | None) -> bool:
        """Whether the file of that id is there and locked."""
        del connection
        # An id is a name of a file here: nothing else may be asked for.
        if not process.isalnum():
            return False
        with self._guard():
            return self._held(process)

    def leave(self) -> None:
        """Give the lock up and take the file away."""
        with self._guard():
            self._own.release()
            Path(self._own.lock_file).unlink(missing_ok=True)

    def _held(self, process: str) -> bool:
        lock = self._lock(process)
        path = Path(lock.lock_file)
        if process == Path(self._own.lock_file).stem or not path.exists():
            return path.exists()
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return True
        lock.release()
        path.unlink(missing_ok=True)
        return False


class SessionLocks:
    """An advisory lock of a session in PostgreSQL, which ends with the connection that holds it.

    It needs a connection of its own from end to end: a pool between here and the server must not share it.
    """

    def __init__(self, engine: Engine, process: str) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._number = _signed(process)
        self._session: Connection | None = None
        self._turn = threading.Lock()

    def announce(self) -> None:
        """Take the lock, or see that it is still held: a connection may end while the process lives."""
        with self._turn:
            if self._session is not None:
                try:
                    self._session.execute(text("SELECT 1"))
                except DBAPIError:
                    self._session.invalidate()
                    self._session.close()
                    self._session = None
                else:
                    return
            session = self._engine.connect()
            session.execute(text("SELECT pg_advisory_lock(:number)"), {"number": self._number})
            self._session = session

    def alive(self, process: str, connection: Connection | None) -> bool:
        """Whether any session of this database holds the lock of that id."""
        try:
            number = _signed(process)
        except ValueError:
            return False
        held = text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
            "WHERE locktype = 'advisory' AND datname = current_database() AND objsubid = 1 AND granted "
            "AND (classid::bigint << 32) | objid::bigint = :number"
        )
        if connection is not None:
            # A second one may not be had: all others may be waiting for what this one has locked.
            return bool(connection.execute(held, {"number": number}).scalar())
        with self._engine.connect() as own:
            return bool(own.execute(held, {"number": number}).scalar())

    def leave(self) -> None:
        """End the session, and the lock with it."""
        with self._turn:
            if self._session is not None:
                # Said, not only left: the server takes a moment to notice that a session is gone.
                with contextlib.suppress(DBAPIError):
                    self._session.execute(
                        text("SELECT pg_advisory_unlock(:number)"), {"number": self._number}
                    )
                self._session.close()
                self._session = None


def _signed(process: str) -> int:
    return int.from_bytes(bytes.fromhex(process), signed=True)
