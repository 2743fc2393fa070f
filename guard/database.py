"""The store of the guard: where it is, who may read it, and which processes use it.

A SQLite file by default, made with its owner's rights only; a PostgreSQL where several machines share it; or the
memory of this process. Nothing here waits for an event loop, and all of it may be called from any thread.
"""

import contextlib
import os
import secrets
import stat
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import filelock
from sqlalchemy import URL, Column, Connection, Engine, MetaData, Table, Text, event, select, text
from sqlalchemy import create_engine as _create_engine
from sqlalchemy import inspect as _inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from .presence import PATIENCE_SECONDS, AlwaysThere, LockFiles, Presence, SessionLocks
from .store_errors import StoreError, in_words
from .tables import VERSION_TABLE, VERSIONS

_SCHEMA_LOCK = 0x686F6F7061690001
"""The advisory lock under which a PostgreSQL's tables are made: any number that nothing else uses."""
_READING = "guard_reading"
SILENT_SECONDS = 30
"""After how long a PostgreSQL that nothing is heard of counts as gone."""

_version = Table(VERSION_TABLE, MetaData(), Column("version_num", Text))


class Database:
    """One open store. `process` is this opening's own id, 16 hexadecimal digits."""

    def __init__(
        self, engine: Engine, *, process: str, presence: Presence, clock: Callable[[], float]
    ) -> None:
        self.process = process
        self.clock = clock
        self._presence = presence
        self._writing = engine
        self.shared = not isinstance(engine.pool, StaticPool)
        """Whether other processes may have opened the same store."""
        reading: dict[str, Any] = {_READING: True}
        if engine.dialect.name == "postgresql":
            reading |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reading = engine.execution_options(**reading)
        # SQLite lets one writer through at a time and has the others poll; threads of one process queue here
        # instead. In memory there is a single connection, so readers queue too.
        queue = threading.RLock()
        one_writer = engine.dialect.name == "sqlite"
        self._writers: AbstractContextManager[object] = queue if one_writer else nullcontext()
        self._readers: AbstractContextManager[object] = nullcontext() if self.shared else queue

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], float] = time.time) -> "Database":
        """Open the store, making it or bringing its structure up to date first.

        url:
            `sqlite:///path`, `sqlite://` for one in memory, or `postgresql://user:password@host/name`.

        Raises:
            StoreError: it cannot be opened, or a newer version of this program made it.
        """
        with in_words():
            try:
                found = make_url(url)
            except (ArgumentError, ValueError):
                found = URL.create("unknown")
            process = secrets.token_hex(8)
            if found.drivername.partition("+")[0] in {"postgresql", "postgres"}:
                return _open_postgresql(found, process, clock)
            if found.drivername != "sqlite" or found.query:
                raise StoreError(
                    "The address of the store is not understood. It looks like sqlite:///path/to/store.db, or "
                    "postgresql://user:password@host/database for one that several servers share."
                )
            if found.database in {None, "", ":memory:"}:
                return _open_memory(process, clock)
            return _open_file(Path(str(found.database)).expanduser().absolute(), process, clock)

    @contextmanager
    def transaction(self) -> Generator[Connection]:
        """A connection to write with: all of it or, after an exception, nothing.

        Raises:
            StoreError: the store did not take it.
        """
        with self._writers, in_words(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection that sees one state of the store throughout.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._readers, in_words(), self._reading.begin() as connection:
            yield connection

    def announce(self) -> None:
        """Make sure that other processes see this one alive; to be called before work that they would take over."""
        with in_words():
            self._presence.announce()

    def alive(self, process: str, connection: Connection | None = None) -> bool:
        """Whether the opening of that id still is. A process that was killed is not. Within a transaction, its
        `connection` is given."""
        with in_words():
            return process == self.process or self._presence.alive(process, connection)

    def close(self) -> None:
        """Give everything back. The store can be opened again."""
        with in_words():
            try:
                self._presence.leave()
            finally:
                self._writing.dispose()


# Opening


def _open_memory(process: str, clock: Callable[[], float]) -> Database:
    database = Database(
        _sqlite_engine(URL.create("sqlite")), process=process, presence=AlwaysThere(), clock=clock
    )
    _bring_up_to_date(database)
    return database


def _open_file(path: Path, process: str, clock: Callable[[], float]) -> Database:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made before SQLite does, for the rights; its -wal and -shm take after this file.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        _narrow(name)
    lock = filelock.FileLock(
        f"{path}.lock", mode=0o600, timeout=PATIENCE_SECONDS, poll_interval=0.01, thread_local=False
    )
    engine = _sqlite_engine(URL.create("sqlite", database=str(path)))
    presence = LockFiles(path.parent / "processes", process)
    try:
        with lock:
            database = Database(engine, process=process, presence=presence, clock=clock)
            with engine.connect() as connection:
                # Kept by the file. Under the lock: two that switch to it at once do not wait for each other.
                cursor = connection.connection.cursor()
                cursor.execute("PRAGMA journal_mode=WAL")
                cursor.close()
            _bring_up_to_date(database)
        presence.enter()
    except BaseException:
        engine.dispose()
        raise
    return database


def _open_postgresql(url: URL, process: str, clock: Callable[[], float]) -> Database:
    # A network that swallows everything ends a wait within half a minute, and within a minute where only answers are.
    wanted = {
        "connect_timeout": PATIENCE_SECONDS,
        "tcp_user_timeout": SILENT_SECONDS * 1000,
        "keepalives_idle": SILENT_SECONDS,
        "keepalives_interval": PATIENCE_SECONDS,
        "keepalives_count": 3,
    }
    try:
        engine = _create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={key: value for key, value in wanted.items() if key not in url.query},
        )
    except ImportError:
        raise StoreError(
            "A store in PostgreSQL needs the driver psycopg, which is not installed here. Install the server with "
            "its extra: pip install 'hoopai-products-mcp[postgres]'."
        ) from None

    @event.listens_for(engine, "connect")
    def _limit_waiting(connection: Any, _record: object) -> None:  # pyright: ignore[reportUnusedFunction]
        # A process that hangs inside a transaction must not hold up all others for good.
        connection.execute(f"SET lock_timeout = '{PATIENCE_SECONDS}s'")
        connection.execute("SET idle_in_transaction_session_timeout = '60s'")
        # It gives this process up as soon: what that has locked would keep its next session waiting.
        connection.execute(f"SET tcp_user_timeout = '{SILENT_SECONDS}s'")
        connection.execute(f"SET tcp_keepalives_idle = '{SILENT_SECONDS}s'")
        connection.execute(f"SET tcp_keepalives_interval = '{PATIENCE_SECONDS}s'")
        connection.execute("SET tcp_keepalives_count = 3")
        connection.commit()

    presence = SessionLocks(engine, process)
    database = Database(engine, process=process, presence=presence, clock=clock)
    try:
        _bring_up_to_date(database)
        presence.announce()
    except BaseException:
        engine.dispose()
        raise
    return database


def _sqlite_engine(url: URL) -> Engine:
    in_memory = {} if url.database else {"poolclass": StaticPool}
    engine = _create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": PATIENCE_SECONDS, "check_same_thread": False},
        **in_memory,
    )

    # The driver opens no transactions by itself any more: a reader sees one state throughout, and a writer
    # takes its turn at the beginning. (SQLAlchemy's documented way, under "pysqlite: transactional behavior".)
    @event.listens_for(engine, "connect")
    def _leave_transactions_to_us(connection: Any, _record: object) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        reads = connection.get_execution_options().get(_READING)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _narrow(path: Path) -> None:
    if os.name == "posix":
        with contextlib.suppress(FileNotFoundError):
            rights = stat.S_IMODE(path.stat().st_mode)
            if rights & 0o077:
                path.chmod(rights & 0o700)


def _bring_up_to_date(database: Database) -> None:
    with database.reading() as connection:
        if _found_version(connection) == VERSIONS[-1]:
            return
    with database.transaction() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(text(f"pg_advisory_xact_lock({_SCHEMA_LOCK})")))
        # Another process may have been faster.
        if _found_version(connection) != VERSIONS[-1]:
            _migrate(connection)


def _found_version(connection: Connection) -> str | None:
    if not _inspect(connection).has_table(VERSION_TABLE):
        return None
    version = connection.execute(select(_version.c.version_num)).scalar()
    if version is not None and version not in VERSIONS:
        raise StoreError(
            f"The store was made by a newer version of this program (its structure is {version}, this one knows "
            f"{VERSIONS[-1]} at most). Upgrade the program, or give it a store of its own."
        )
    return version


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    # Its output goes to standard output by default, which belongs to the protocol.
    config = Config(stdout=sys.stderr)
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    command.upgrade(config, "head")
