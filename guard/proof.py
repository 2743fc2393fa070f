"""The proof that the journal is as it was written: every hash, every link, both ends, and the list made from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, select

from ..products_api.exact_json import decode
from .tables import ANCHOR, HEAD, START, chain, changes, event_hash, events

_ROWS_AT_ONCE = 500
_CONCLUDING = frozenset({"outcome", "settled"})


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What the journal proves.

    events:
        how many are kept.
    head:
        the hash of the last one. Noted elsewhere, it shows later that nothing before it was altered since.
    pruned_before:
        the time (seconds since 1970) of the last event that was forgotten; None when all are kept.
    expected:
        whether the head that was asked for is part of the chain; None when none was.
    fault:
        the first thing that does not fit, in words; None when everything does.
    """

    events: int
    head: str
    pruned_before: float | None
    expected: bool | None = None
    fault: str | None = None


class _FaultError(Exception):
    """Something does not fit."""


def prove(connection: Connection, expect: str | None) -> Verification:
    """Go through the whole journal as one connection sees it."""
    ends = {row.name: row for row in connection.execute(select(chain))}
    anchor, head = ends.get(ANCHOR), ends.get(HEAD)
    if anchor is None or head is None:
        missing = "the beginning (anchor)" if anchor is None else "the end (head)"
        return Verification(
            events=0,
            head="",
            pruned_before=None,
            expected=None if expect is None else False,
            fault=f"the row that marks {missing} of the chain is missing",
        )
    walk = _Walk(anchor, expect)
    fault: str | None = None
    try:
        in_order = select(events).order_by(events.c.seq).execution_options(yield_per=_ROWS_AT_ONCE)
        with connection.execute(in_order) as rows:
            for row in rows:
                walk.step(row)
        walk.arrive(head)
        _compare(walk.folded, connection.execute(select(changes).order_by(changes.c.seq)).mappings())
    except _FaultError as found:
        fault = str(found)
    if fault is None and expect is not None and not walk.met:
        fault = "the head that was noted is not part of the chain"
        if anchor.seq:
            fault += f" as far as it is kept (events up to {anchor.seq} were pruned)"
    return Verification(
        events=walk.count,
        head=head.hash,
        pruned_before=anchor.time if anchor.seq else None,
        expected=None if expect is None else walk.met,
        fault=fault,
    )


def may_conclude(event: str, outcome: object, *, known: object, settled: bool) -> bool:
    """Whether an outcome may be written down after what is known: the first one; any after `unknown`; and one that
    the process of the change itself knows, after what others found out."""
    if known in {None, "unknown"}:
        return True
    return settled and event == "outcome" and outcome != "unknown"


class _Walk:
    """A way along the chain, event by event."""

    def __init__(self, anchor: Row[Any], expect: str | None) -> None:
        self.count = 0
        self.folded: dict[str, dict[str, Any]] = {}
        self.met = expect in {anchor.hash, START} and expect is not None
        self._expect = expect
        self._anchor = anchor
        self._seq: int = anchor.seq
        self._hash: str = anchor.hash
        self._pruned_to: tuple[Any, Any] = (0, START)

    def step(self, row: Row[Any]) -> None:
        about = f"event {row.seq} (change {row.change_id})" if row.change_id else f"event {row.seq}"
        if row.seq <= self._anchor.seq:
            raise _FaultError(f"{about} should have been pruned: it was put in")
        if row.seq != self._seq + 1:
            raise _FaultError(f"{about} comes after event {self._seq}: what was between them is missing")
        own = event_hash(
            previous=row.previous,
            seq=row.seq,
            change_id=row.change_id,
            event=row.event,
            time=row.time,
            body=row.body,
        )
        if own != row.hash:
            raise _FaultError(f"{about} was altered: its content does not fit its hash")
        if row.previous != self._hash:
            raise _FaultError(
                f"{about} does not follow from event {self._seq}: one of the two was put in its place"
            )
        self.count += 1
        self._seq, self._hash = row.seq, row.hash
        self.met = self.met or row.hash == self._expect
        self._fold(row, about)

    def arrive(self, head: Row[Any]) -> None:
        if self._seq < head.seq:
            raise _FaultError(
                f"the chain ends at event {self._seq}, and event {head.seq} was written: the rest is missing"
            )
        if (self._seq, self._hash) != (head.seq, head.hash):
            raise _FaultError(
                f"the chain ends at event {self._seq}, and its noted end is another (event {head.seq})"
            )
        if self._pruned_to != (self._anchor.seq, self._anchor.hash):
            raise _FaultError(
                f"the chain begins after event {self._anchor.seq}, and no pruning up to there is noted in it"
            )

    def _fold(self, row: Row[Any], about: str) -> None:
        try:
            body = decode(row.body.encode())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise _FaultError(f"{about} cannot be read")
        if row.event == "pruned":
            self._pruned_to = (body.get("seq"), body.get("hash"))
            return
        seen = self.folded.get(row.change_id)
        if row.event == "intent" and seen is None:
            self.folded[row.change_id] = {
                "id": row.change_id,
                "seq": row.seq,
                "time": row.time,
                **{key: body.get(key) for key in ("location", "tool", "destructive", "process", "undoes")},
                "outcome": None,
                "settled": False,
            }
        elif (
            row.event not in _CONCLUDING
            or seen is None
            or not may_conclude(
                row.event, body.get("outcome"), known=seen["outcome"], settled=seen["settled"]
            )
        ):
            raise _FaultError(f"{about} says {row.event}, which cannot be at that place")
        else:
            seen |= {"outcome": body.get("outcome"), "settled": row.event == "settled"}
        self.folded[row.change_id] |= {"last_seq": row.seq, "last_time": row.time}


def _compare(folded: dict[str, dict[str, Any]], listed: Iterable[RowMapping]) -> None:
    left = dict(folded)
    for row in listed:
        told = left.pop(row["id"], None)
        if told is None:
            raise _FaultError(f"change {row['id']} is in the list of changes, and no event speaks of it")
        for column, value in row.items():
            if told[column] != value:
                raise _FaultError(
                    f"change {row['id']}: the list of changes says {column} is {value}, its events say {told[column]}"
                )
    for change_id in left:
        raise _FaultError(f"change {change_id} has events, and is missing from the list of changes")
