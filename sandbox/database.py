"""The shop's state in SQLite: whole documents as exact JSON text, beside the columns that are searched."""

import hashlib
import sqlite3
import weakref
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from .exact_json import JsonObject, decode, encode

PAGE_CAP: Final = 100
"""Most items of one page; also what a limit of 0 gives."""

_LARGEST_OFFSET: Final = 2**62

_TABLES: Final = """
create table if not exists counters (name text primary key, value integer not null) without rowid;
create table if not exists stores (id text primary key, name text not null);
create table if not exists products (
    seq integer primary key, id text not null unique, slug text, folded_name text not null,
    available integer not null, created_at text not null, doc text not null);
create index if not exists products_by_slug on products (slug);
create index if not exists products_by_date on products (created_at, seq);
create table if not exists prices (
    seq integer primary key, id text not null unique, product_id text not null, folded_name text not null,
    tracked integer not null, doc text not null);
create index if not exists prices_by_product on prices (product_id);
create table if not exists collections (
    seq integer primary key, id text not null unique, slug text not null unique, folded_name text not null,
    doc text not null);
create table if not exists members (
    seq integer primary key, collection_id text not null, product_id text not null, position integer not null,
    smart integer not null, unique (collection_id, product_id));
create index if not exists members_by_product on members (product_id);
create table if not exists shown (
    store_id text not null, product_id text not null, priority real,
    primary key (store_id, product_id)) without rowid;
create table if not exists reviews (
    seq integer primary key, id text not null unique, product_id text not null, store_id text not null,
    status text not null, rating real not null, created_at text not null, doc text not null);
create index if not exists reviews_by_product on reviews (product_id);
"""

TABLES: Final = ("counters", "stores", "products", "prices", "collections", "members", "shown", "reviews")

Clock = Callable[[], datetime]

_PATIENCE_SECONDS: Final = 10.0
"""How long a process waits for another that works on the same file."""


def real_time() -> datetime:
    """The time of the machine, in UTC."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """A moment as the API writes it: UTC, milliseconds, Z. Such texts sort by time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def object_id(*parts: object) -> str:
    """24 hexadecimal digits that depend on nothing but the parts."""
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()[:24]


class Database:
    """One shop. Reads and writes go through here, a request at a time."""

    def __init__(self, path: Path | None = None, *, clock: Clock = real_time) -> None:
        self.path = path
        self._clock = clock
        # One request never waits inside a transaction, so within a process the event loop is all the locking there
        # has to be. Processes that share a file take their turns at the beginning.
        self._begin = "begin immediate" if path else "begin"
        self._connection = sqlite3.connect(
            path or ":memory:",
            timeout=_PATIENCE_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        # An app that is dropped without being closed gives its file back as well.
        self._finalizer = weakref.finalize(self, self._connection.close)
        self._connection.row_factory = sqlite3.Row
        if path is not None:
            self._connection.execute("pragma journal_mode = wal")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        """Give the file back."""
        self._finalizer()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Everything inside happens, or nothing does."""
        self._connection.execute(self._begin)
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def run(self, sql: str, *values: Any) -> int:
        """Change rows; returns how many."""
        return self._connection.execute(sql, values).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Change rows once for each tuple of values."""
        self._connection.executemany(sql, rows)

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a question."""
        return self._connection.execute(sql, values).fetchall()

    def number(self, sql: str, *values: Any) -> int:
        """The one number that answers a question."""
        return self._connection.execute(sql, values).fetchone()[0]

    def doc(self, sql: str, *values: Any) -> JsonObject | None:
        """The document in the first column of the first row, if there is a row."""
        row = self._connection.execute(sql, values).fetchone()
        return None if row is None else decode(row[0])

    def docs(self, sql: str, *values: Any) -> list[JsonObject]:
        """The documents in the first column of every row."""
        return [decode(row[0]) for row in self._connection.execute(sql, values)]

    def now(self) -> str:
        """The present time as the API writes it."""
        return timestamp(self._clock())

    def new_id(self, kind: str) -> str:
        """An id that no object had before; the same calls in the same order give the same ids."""
        count = self.number(
            "insert into counters values (?, 1) on conflict do update set value = value + 1 returning value",
            kind,
        )
        return object_id("new", kind, count)

    def is_new(self) -> bool:
        """Whether nothing was ever put into this shop."""
        return self.number("select count(*) from counters") == 0

    def clear(self) -> None:
        """Empty every table."""
        for table in TABLES:
            self.run(f"delete from {table}")  # noqa: S608 - the names are the constants above


def json_text(document: JsonObject) -> str:
    """A document as it is kept in a column."""
    return encode(document).decode()


def page(query: JsonObject) -> tuple[int, int]:
    """Limit and offset as the database is asked for them."""
    limit = min(query["limit"] or PAGE_CAP, PAGE_CAP)
    return limit, min(query["offset"], _LARGEST_OFFSET)


def listed(value: str | None) -> list[str]:
    """The ids of a text in which commas separate them."""
    return [part for part in (piece.strip() for piece in (value or "").split(",")) if part]


def json_list(values: Sequence[str]) -> str:
    """Values as one parameter for `json_each`, so that their number has no limit."""
    return encode(list(values)).decode()


class Conditions:
    """The parts of a `where` clause and their values."""

    def __init__(self) -> None:
        self._parts: list[str] = ["true"]
        self.values: list[Any] = []

    def add(self, sql: str, *values: Any) -> None:
        """One more condition; all of them have to hold."""
        self._parts.append(sql)
        self.values += values

    def add_one_of(self, column: str, values: Sequence[str]) -> None:
        """The column holds one of these values. No values, no condition."""
        if values:
            self.add(f"{column} in (select value from json_each(?))", json_list(values))  # noqa: S608

    def add_contains(self, column: str, text: str | None) -> None:
        """The column, which holds folded text, contains this text in any case."""
        if text:
            self.add(f"instr({column}, ?) > 0", text.casefold())

    def __str__(self) -> str:
        return " and ".join(self._parts)
