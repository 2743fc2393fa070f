"""What an audit finds, counted by kind, with the first examples of each.

What has to be remembered of every product, to tell whether two share something, is kept by SQLite outside of memory:
an audit of any catalog takes the same memory.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from .text import counted, one_line, quoted
from .workflow_views import Example, Finding

_NAMED_OTHERS = 3
_TABLES = """
pragma journal_mode = off;
pragma synchronous = off;
pragma cache_size = -1000;
create table values_seen (kind text, value text, product_id text, name text, shown text);
create index values_by_value on values_seen (kind, value);
create table gathered (product_id text primary key) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found: the product, and its name for a person."""

    product_id: str | None
    name: str | None


@dataclass
class _Kind:
    count: int = 0
    examples: list[Example] = field(default_factory=list[Example])


class Findings:
    """Collects findings; `most_examples` of each kind are kept."""

    def __init__(self, most_examples: int) -> None:
        self._most = most_examples
        self._kinds: dict[str, _Kind] = {}
        # An unnamed database is a file of its own that nobody else sees and that goes with the connection.
        self._seen = sqlite3.connect("", isolation_level=None)
        self._seen.executescript(_TABLES)

    def close(self) -> None:
        """Forget what was seen."""
        self._seen.close()

    def add(self, kind: str, place: Place, detail: str | None = None) -> None:
        """One finding."""
        found = self._kinds.setdefault(kind, _Kind())
        found.count += 1
        if len(found.examples) < self._most:
            found.examples.append(
                Example(
                    product_id=place.product_id,
                    product_name=one_line(place.name) if place.name else None,
                    detail=detail,
                )
            )

    def see(self, kind: str, value: str | None, place: Place, shown: str = "") -> None:
        """Remember a value that only one product, or only one of the things `shown`, should have."""
        if value and value.strip():
            row = (
                kind,
                " ".join(value.casefold().split()),
                place.product_id,
                one_line(place.name or ""),
                shown,
            )
            self._seen.execute("insert into values_seen values (?, ?, ?, ?, ?)", row)

    def gather(self, product_ids: Iterable[str]) -> None:
        """Remember that these products are in some collection."""
        self._seen.executemany("insert or ignore into gathered values (?)", ((key,) for key in product_ids))

    def is_gathered(self, product_id: str) -> bool:
        """Whether the product is in some collection."""
        row = self._seen.execute("select 1 from gathered where product_id = ?", (product_id,)).fetchone()
        return row is not None

    def add_shared(self) -> None:
        """Turn every value that was seen more than once into one finding."""
        shared = self._seen.execute(
            "select kind, value, count(*) from values_seen group by kind, value having count(*) > 1 order by min(rowid)"
        )
        for kind, value, count in shared:
            found = self._kinds.setdefault(kind, _Kind())
            if len(found.examples) < self._most:
                self._add_example(kind, value, count)
            else:
                found.count += 1

    def _add_example(self, kind: str, value: str, count: int) -> None:
        rows = self._seen.execute(
            "select product_id, name, shown from values_seen where kind = ? and value = ? order by rowid limit ?",
            (kind, value, _NAMED_OTHERS + 1),
        ).fetchall()
        (product_id, name, shown), *others = rows
        named = [f"{quoted(other)}{f' {what}' if what else ''} (id {key})" for key, other, what in others]
        if (more := count - len(rows)) > 0:
            named.append(f"{counted(more, 'other')}")
        mine = f"{shown}: " if shown else ""
        self.add(kind, Place(product_id, name), f"{mine}{quoted(value)} shared with {', '.join(named)}")

    def result(self, order: Iterable[str]) -> list[Finding]:
        """The findings in this order of kinds."""
        return [
            Finding(kind=kind, count=found.count, examples=found.examples or None)
            for kind in order
            if (found := self._kinds.get(kind)) is not None
        ]
