"""The journal: every change to a shop, written down before it is sent and again when its outcome is known.

Events are only ever added, and each holds a hash over itself and the one before, so that nothing in between can be
altered, taken out or put in without `verify` saying so. Who can write the whole store could compute all the hashes
anew: against that, note the head that `verify` gives somewhere else, and have it checked later.
"""

import time as clocks
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from ..products_api.exact_json import decode, encode
from .database import Database
from .ledger import new_id
from .proof import Verification, may_conclude, prove
from .store_errors import ConcludedError, StoreError
from .tables import ANCHOR, HEAD, chain, changes, event_hash, events

Result: TypeAlias = Literal["done", "not_done", "unknown"]

_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What is about to be sent.

    operation is the request's method and path; plan what `guard.plan.to_plain` wrote; road how the change came to be
    allowed; undoes the id of the change that this one takes back.
    """

    location: str
    base_url: str
    caller: str
    client: str
    tool: str
    title: str
    operation: str
    arguments: dict[str, Any]
    plan: dict[str, Any]
    fingerprint: str
    road: str
    destructive: bool
    undoes: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of it: `applied` out of `of` steps, why it is no plain success, what the API answered, what was
    seen afterwards, and the ids of what was created. All of it plain values."""

    outcome: Result
    applied: int | None = None
    of: int | None = None
    why: str | None = None
    response: dict[str, Any] | None = None
    observed: list[Any] | None = None
    created: list[Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Change(Intent):
    """An intent and what became of it.

    time:
        of the intent, in seconds since 1970.
    outcome:
        the latest; None while it is being carried out, or when the process ended in the middle.
    settled:
        the outcome was found out later, not by the process that sent the change.
    undone_by:
        the changes, done, that took this one back; the oldest first.
    """

    id: str
    time: float
    process: str
    outcome: Outcome | None
    settled: bool
    undone_by: tuple[str, ...]


Changes: TypeAlias = list[Change]
Ids: TypeAlias = list[str]


class Journal:
    """The changes of every shop in one store. Every method raises `StoreError` when the store does not work."""

    def __init__(self, database: Database, clock: Callable[[], float] = clocks.time) -> None:
        self._database = database
        self._clock = clock

    def seen(self) -> int | None:
        """Where the journal ends, for `others.Unless`; None where no other process can write to it."""
        return self.newest() if self._database.shared else None

    def begin(self, intent: Intent, *, unless: Callable[[Connection, Database], None] | None = None) -> str:
        """Write down what is about to be sent, and return the change's id.

        `unless` raises what keeps it from being begun. It looks when nobody else can begin or end a change.
        """
        self._database.announce()
        change_id = new_id("chg_")
        process = self._database.process
        body = _text({**_shallow(intent), "process": process})
        with self._database.transaction() as connection:
            head = _head(connection)
            if unless is not None:
                unless(connection, self._database)
            seq, now = self._append(connection, head, change_id, "intent", body)
            row = {
                "id": change_id,
                "seq": seq,
                "last_seq": seq,
                "time": now,
                "last_time": now,
                "location": intent.location,
                "tool": intent.tool,
                "destructive": intent.destructive,
                "process": process,
                "undoes": intent.undoes,
                "outcome": None,
                "settled": False,
            }
            connection.execute(insert(changes).values(row))
        return change_id

    def end(self, change_id: str, outcome: Outcome) -> None:
        """Write down what became of a change, by the process that made it. What others found out meanwhile, taking
        that process for dead, does not count against it.

        Raises:
            ConcludedError: there is no such change, or its outcome is known already.
            StoreError: the store does not work.
        """
        self._conclude(change_id, outcome, event="outcome")

    def settle(self, change_id: str, outcome: Outcome) -> None:
        """Write down what became of a change after all, as was found out later.

        Raises:
            ConcludedError: there is no such change, or its outcome is known already.
            StoreError: the store does not work.
        """
        self._conclude(change_id, outcome, event="settled")

    def find(self, change_id: str) -> Change | None:
        """The change of that id."""
        with self._database.reading() as connection:
            return next(iter(folded(connection, [change_id])), None)

    def list(
        self,
        *,
        location: str | None,
        tool: str | None = None,
        outcome: Result | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 25,
        offset: int = 0,
    ) -> tuple[Changes, int]:
        """A page of changes, the newest first, and how many there are in all.

        Of one location or, with None, of all; begun at `since` or later and before `until` (seconds since 1970).
        Those without an outcome are among the `unknown`.
        """
        exactly = {changes.c.location: location, changes.c.tool: tool}
        conditions = [column == value for column, value in exactly.items() if value is not None]
        if outcome is not None:
            conditions.append(_open_or("unknown") if outcome == "unknown" else changes.c.outcome == outcome)
        if since is not None:
            conditions.append(changes.c.time >= since)
        if until is not None:
            conditions.append(changes.c.time < until)
        with self._database.reading() as connection:
            total = connection.execute(select(func.count()).select_from(changes).where(*conditions)).scalar()
            page = select(changes.c.id).where(*conditions).order_by(changes.c.seq.desc())
            found = connection.execute(page.limit(limit).offset(offset)).scalars()
            return folded(connection, found), int(total or 0)

    def last_with_tool(self, location: str, tool: str, outcome: Result = "done") -> Iterator[Change]:
        """Changes that one tool made, the newest first; read page by page, as far as they are asked for."""
        before: int | None = None
        while True:
            wanted = select(changes.c.id, changes.c.seq).where(
                changes.c.location == location, changes.c.tool == tool, changes.c.outcome == outcome
            )
            if before is not None:
                wanted = wanted.where(changes.c.seq < before)
            with self._database.reading() as connection:
                rows = connection.execute(wanted.order_by(changes.c.seq.desc()).limit(_PAGE)).all()
                page = folded(connection, [row.id for row in rows])
            yield from page
            if len(rows) < _PAGE:
                return
            before = rows[-1].seq

    def unsettled(self, location: str) -> Changes:
        """Changes of which nobody knows whether they were done, the oldest first.

        That is: those whose outcome is `unknown`, and those without one whose process is not there any more.
        """
        wanted = select(changes.c.id, changes.c.process, changes.c.outcome).where(
            changes.c.location == location, _open_or("unknown")
        )
        with self._database.reading() as connection:
            rows = connection.execute(wanted.order_by(changes.c.seq)).all()
        working = {row.process for row in rows if row.outcome is None}
        working = {process for process in working if self._database.alive(process)}
        left = [row.id for row in rows if row.outcome is not None or row.process not in working]
        with self._database.reading() as connection:
            found = folded(connection, left)
        # One that was looked at while its process was ending may have got its outcome in between.
        return [change for change in found if change.outcome is None or change.outcome.outcome == "unknown"]

    def newest(self) -> int:
        """The number of the newest event."""
        with self._database.reading() as connection:
            return int(connection.execute(select(func.max(events.c.seq))).scalar() or 0)

    def concluded_elsewhere(self, since: int) -> tuple[Changes, int]:
        """Changes that were done or may have been, as was written down after the event of that number by another
        process, or found out by any; the oldest first, a page of them, and the event up to which that is all."""
        later = select(events.c.seq, events.c.change_id).where(
            events.c.seq > since, events.c.event.in_(("outcome", "settled"))
        )
        with self._database.reading() as connection:
            newest = int(connection.execute(select(func.max(events.c.seq))).scalar() or 0)
            if newest == since:
                return [], since
            rows = connection.execute(later.order_by(events.c.seq).limit(_PAGE)).all()
            found = folded(connection, dict.fromkeys(row.change_id for row in rows))
        elsewhere = [
            change
            for change in found
            if change.outcome is not None
            and change.outcome.outcome != "not_done"
            and (change.settled or change.process != self._database.process)
        ]
        return elsewhere, rows[-1].seq if len(rows) == _PAGE else newest

    def earlier_undoings(self, change_id: str) -> Ids:
        """Changes that take back the same one as this undoing does and were begun before it, the oldest first; not
        those of which it is known that they were not done."""
        with self._database.reading() as connection:
            own = connection.execute(
                select(changes.c.undoes, changes.c.seq).where(changes.c.id == change_id)
            ).first()
            if own is None:
                return []
            wanted = select(changes.c.id).where(
                changes.c.undoes == own.undoes,
                changes.c.seq < own.seq,
                or_(changes.c.outcome.is_(None), changes.c.outcome != "not_done"),
            )
            return list(connection.execute(wanted.order_by(changes.c.seq)).scalars())

    def destructive_since(self, location: str, since: float) -> int:
        """How many destructive changes were begun in a location at `since` (seconds since 1970) or later."""
        with self._database.reading() as connection:
            return destructive_since(connection, location, since)

    def verify(self, expect: str | None = None) -> Verification:
        """Whether the journal is as it was written, and whether the head `expect` is part of it."""
        with self._database.reading() as connection:
            return prove(connection, expect)

    def prune(self, before: float) -> int:
        """Forget the oldest changes, and return how many.

        Only from the beginning up to the first change that is newer than `before` (seconds since 1970) or whose
        outcome is not known, and only whole ones, so that the rest still proves itself. A journal with a fault is
        evidence: nothing of it is forgotten, and the answer is 0.
        """
        with self._database.reading() as connection:
            if not _prunable(connection, before):
                return 0
        with self._database.transaction() as connection:
            head = _head(connection)
            through = _prunable(connection, before)
            if not through or prove(connection, None).fault:
                return 0
            last = connection.execute(select(events).where(events.c.seq == through)).one()
            gone = connection.execute(delete(changes).where(changes.c.seq <= through)).rowcount
            connection.execute(delete(events).where(events.c.seq <= through))
            anchor = {"seq": through, "hash": last.hash, "time": last.time}
            connection.execute(update(chain).where(chain.c.name == ANCHOR).values(anchor))
            # Part of the chain itself: cutting off its beginning and moving the anchor does not pass for this.
            self._append(connection, head, "", "pruned", _text({**anchor, "changes": gone}))
            return gone

    def _conclude(self, change_id: str, outcome: Outcome, *, event: str) -> None:
        with self._database.transaction() as connection:
            head = _head(connection)
            row = connection.execute(select(changes).where(changes.c.id == change_id)).first()
            if row is None:
                raise ConcludedError(
                    f"The journal holds no change {change_id}, so nothing was written down of it."
                )
            if not may_conclude(event, outcome.outcome, known=row.outcome, settled=row.settled):
                raise ConcludedError(
                    f"The journal says already that change {change_id} was {row.outcome}; that stays so."
                )
            seq, now = self._append(connection, head, change_id, event, _text(_shallow(outcome)))
            seen = {
                "last_seq": seq,
                "last_time": now,
                "outcome": outcome.outcome,
                "settled": event == "settled",
            }
            connection.execute(update(changes).where(changes.c.id == change_id).values(seen))

    def _append(
        self, connection: Connection, head: tuple[int, str], change_id: str, event: str, body: str
    ) -> tuple[int, float]:
        """Add an event after the head, which the same transaction has read and locked."""
        last, previous = head
        seq, now = last + 1, float(self._clock())
        row: dict[str, Any] = {
            "previous": previous,
            "seq": seq,
            "change_id": change_id,
            "event": event,
            "time": now,
            "body": body,
        }
        own = event_hash(**row)
        connection.execute(insert(events).values(**row, hash=own))
        moved = {"seq": seq, "hash": own, "time": now}
        connection.execute(update(chain).where(chain.c.name == HEAD).values(moved))
        return seq, now


def _head(connection: Connection) -> tuple[int, str]:
    """The end of the chain, locked until the transaction ends: whoever appends comes one after the other."""
    row = connection.execute(select(chain).where(chain.c.name == HEAD).with_for_update()).first()
    if row is None:
        raise StoreError(
            "The journal's end is missing from the store: somebody altered it. Nothing was written."
        )
    return row.seq, row.hash


def destructive_since(connection: Connection, location: str, since: float) -> int:
    """How many destructive changes were begun in a location at `since` (seconds since 1970) or later."""
    wanted = select(func.count()).where(
        changes.c.location == location, changes.c.destructive, changes.c.time >= since
    )
    return int(connection.execute(wanted).scalar() or 0)


def _open_or(outcome: Result) -> ColumnElement[bool]:
    return or_(changes.c.outcome.is_(None), changes.c.outcome == outcome)


def _prunable(connection: Connection, before: float) -> int:
    """The last event of the longest beginning that holds whole changes only, all of them old and known; else 0."""
    keeps = or_(_open_or("unknown"), changes.c.last_time >= before)
    first_kept = connection.execute(select(func.min(changes.c.seq)).where(keeps)).scalar()
    wanted = select(changes.c.seq, changes.c.last_seq).order_by(changes.c.seq)
    if first_kept is not None:
        wanted = wanted.where(changes.c.seq < first_kept)
    through = reach = 0
    for row in connection.execute(wanted):
        if row.seq > reach:
            through = reach
        reach = max(reach, row.last_seq)
    return reach if first_kept is None or reach < first_kept else through


def folded(connection: Connection, ids: Iterable[str]) -> Changes:
    """The changes of those ids, in that order, from what their events say."""
    wanted = [*ids]
    told: dict[str, dict[str, Any]] = {}
    of_these = select(events).where(events.c.change_id.in_(wanted)).order_by(events.c.seq)
    for row in connection.execute(of_these):
        body = _read(row.body, row.seq)
        if row.event == "intent":
            told[row.change_id] = {
                **_known(body, Intent),
                "id": row.change_id,
                "time": row.time,
                "process": body["process"],
                "outcome": None,
                "settled": False,
            }
        elif row.change_id in told:
            latest = {"outcome": Outcome(**_known(body, Outcome)), "settled": row.event == "settled"}
            told[row.change_id].update(latest)
    # Without the outcome: SQLite would rather go through all that were done.
    undone = select(changes.c.id, changes.c.undoes, changes.c.outcome).where(changes.c.undoes.in_(wanted))
    undone_by: dict[str, list[str]] = {}
    for row in connection.execute(undone.order_by(changes.c.seq)):
        if row.outcome == "done":
            undone_by.setdefault(row.undoes, []).append(row.id)
    return [
        Change(**told[change_id], undone_by=tuple(undone_by.get(change_id, ())))
        for change_id in wanted
        if change_id in told
    ]


def _shallow(record: Intent | Outcome) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _known(body: dict[str, Any], record: type[Intent | Outcome]) -> dict[str, Any]:
    # A newer version may have written more.
    return {field.name: body[field.name] for field in fields(record) if field.name in body}


def _text(body: dict[str, Any]) -> str:
    return encode(body).decode()


def _read(body: str, seq: int) -> dict[str, Any]:
    try:
        read = decode(body.encode())
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise StoreError(
            f"Event {seq} of the journal cannot be read: somebody altered it. Have the journal verified."
        )
    return read
