"""Whatever is altered in the journal's tables is found, and named."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from still_clock import Clock

from hoopai_products_mcp.guard.database import Database, StoreError
from hoopai_products_mcp.guard.journal import Intent, Journal, Outcome
from hoopai_products_mcp.guard.tables import chain, changes, event_hash, events

DONE = Outcome(outcome="done")


@pytest.fixture
def journal(database: Database, clock: Clock, intend: Callable[..., Intent]) -> Journal:
    """Three changes: events 1 and 2, 3 and 4, 5 and 6."""
    journal = Journal(database, clock)
    for _ in range(3):
        journal.end(journal.begin(intend()), DONE)
        clock.now += 60
    return journal


def alter(database: Database, *statements: Any) -> None:
    with database.transaction() as connection:
        for statement in statements:
            connection.execute(statement)


def fault(journal: Journal) -> str:
    found = journal.verify().fault
    assert found
    return found


def event(database: Database, seq: int) -> dict[str, Any]:
    with database.reading() as connection:
        row = connection.execute(select(events).where(events.c.seq == seq)).mappings().one()
        return dict(row)


def forged(row: dict[str, Any], **altered: Any) -> dict[str, Any]:
    """An event with a hash that fits what was altered."""
    whole = {**row, **altered}
    del whole["hash"]
    return {**whole, "hash": event_hash(**whole)}


def test_an_untouched_journal_has_no_fault(journal: Journal, database: Database) -> None:
    proof = journal.verify()
    assert (proof.events, proof.head, proof.pruned_before, proof.expected, proof.fault) == (
        6,
        event(database, 6)["hash"],
        None,
        None,
        None,
    )


def test_an_empty_journal_has_no_fault() -> None:
    database = Database.open("sqlite://")
    proof = Journal(database).verify()
    assert (proof.events, proof.head, proof.fault) == (0, "0" * 64, None)
    database.close()


@pytest.mark.parametrize(
    "altered",
    [
        {"body": '{"outcome":"not_done"}'},
        {"time": 1.5},
        {"event": "settled"},
        {"change_id": "chg_another"},
        {"previous": "0" * 64},
        {"hash": "0" * 64},
    ],
    ids=lambda altered: next(iter(altered)),
)
def test_an_altered_event_is_named(journal: Journal, database: Database, altered: dict[str, Any]) -> None:
    change_id = altered.get("change_id", event(database, 4)["change_id"])
    alter(database, update(events).where(events.c.seq == 4).values(altered))
    assert fault(journal) == f"event 4 (change {change_id}) was altered: its content does not fit its hash"


def test_an_altered_event_with_a_new_hash_breaks_the_link_to_the_next(
    journal: Journal, database: Database
) -> None:
    row = forged(event(database, 4), body='{"outcome":"not_done"}')
    alter(database, update(events).where(events.c.seq == 4).values(row))
    assert "event 5" in fault(journal)
    assert "does not follow from event 4" in fault(journal)


def test_the_last_event_altered_with_a_new_hash_does_not_fit_the_noted_end(
    journal: Journal, database: Database
) -> None:
    row = forged(event(database, 6), body='{"outcome":"not_done"}')
    alter(database, update(events).where(events.c.seq == 6).values(row))
    assert fault(journal) == "the chain ends at event 6, and its noted end is another (event 6)"


@pytest.mark.parametrize("seq", [1, 3])
def test_an_event_taken_out_is_missed(journal: Journal, database: Database, seq: int) -> None:
    alter(database, delete(events).where(events.c.seq == seq))
    assert f"comes after event {seq - 1}: what was between them is missing" in fault(journal)


def test_events_that_changed_places_are_found(journal: Journal, database: Database) -> None:
    alter(
        database,
        update(events).where(events.c.seq == 3).values(seq=99),
        update(events).where(events.c.seq == 5).values(seq=3),
        update(events).where(events.c.seq == 99).values(seq=5),
    )
    assert fault(journal).startswith("event 3")


def test_an_event_put_in_is_found(journal: Journal, database: Database) -> None:
    last = event(database, 6)
    alter(database, insert(events).values(forged(last, seq=7, previous=last["hash"], event="settled")))
    assert "event 7" in fault(journal)
    assert "cannot be at that place" in fault(journal)


def test_a_whole_change_put_in_at_the_end_does_not_fit_the_noted_end(
    journal: Journal, database: Database
) -> None:
    begun, last = event(database, 5), event(database, 6)
    alter(
        database,
        insert(events).values(forged(begun, seq=7, previous=last["hash"], change_id="chg_forged")),
    )
    assert fault(journal) == "the chain ends at event 7, and its noted end is another (event 6)"


def test_an_end_that_was_cut_off_is_missed(journal: Journal, database: Database) -> None:
    alter(database, delete(events).where(events.c.seq > 4))
    assert fault(journal) == "the chain ends at event 4, and event 6 was written: the rest is missing"


def test_an_end_cut_off_everywhere_is_known_by_a_head_noted_elsewhere(
    journal: Journal, database: Database
) -> None:
    noted = journal.verify().head
    earlier = event(database, 4)
    alter(
        database,
        delete(events).where(events.c.seq > 4),
        delete(changes).where(changes.c.seq > 4),
        update(chain).where(chain.c.name == "head").values(seq=4, hash=earlier["hash"]),
    )
    assert journal.verify().fault is None
    proof = journal.verify(expect=noted)
    assert (proof.expected, proof.fault) == (False, "the head that was noted is not part of the chain")
    assert journal.verify(expect=earlier["hash"]).expected is True


def test_a_head_noted_before_is_part_of_the_chain_later(
    journal: Journal, intend: Callable[..., Intent]
) -> None:
    noted = journal.verify().head
    journal.begin(intend())
    proof = journal.verify(expect=noted)
    assert (proof.expected, proof.fault) == (True, None)


@pytest.mark.parametrize("end", ["head", "anchor"])
def test_a_mark_of_an_end_that_is_gone_is_named(journal: Journal, database: Database, end: str) -> None:
    alter(database, delete(chain).where(chain.c.name == end))
    assert f"({end}) of the chain is missing" in fault(journal)


def test_nothing_is_begun_where_the_end_of_the_chain_is_gone(
    journal: Journal, database: Database, intend: Callable[..., Intent]
) -> None:
    alter(database, delete(chain).where(chain.c.name == "head"))
    with pytest.raises(StoreError, match="somebody altered it"):
        journal.begin(intend())


@pytest.mark.parametrize(
    "altered",
    [
        {"time": 1.5},
        {"location": "loc-2"},
        {"tool": "delete_product"},
        {"destructive": True},
        {"process": "another"},
        {"undoes": "chg_another"},
        {"outcome": "unknown"},
        {"outcome": None},
        {"settled": True},
        {"last_seq": 5},
        {"last_time": 1.5},
    ],
    ids=str,
)
def test_an_altered_row_of_the_list_is_named(
    journal: Journal, database: Database, altered: dict[str, Any]
) -> None:
    change_id = event(database, 3)["change_id"]
    alter(database, update(changes).where(changes.c.id == change_id).values(altered))
    column, value = next(iter(altered.items()))
    assert fault(journal).startswith(f"change {change_id}: the list of changes says {column} is {value}, ")


def test_a_row_of_the_list_that_is_gone_is_named(journal: Journal, database: Database) -> None:
    change_id = event(database, 3)["change_id"]
    alter(database, delete(changes).where(changes.c.id == change_id))
    assert fault(journal) == f"change {change_id} has events, and is missing from the list of changes"


def test_a_row_of_the_list_without_events_is_named(journal: Journal, database: Database) -> None:
    with database.reading() as connection:
        row = dict(connection.execute(select(changes)).mappings().first() or {})
    alter(database, insert(changes).values({**row, "id": "chg_forged"}))
    assert fault(journal) == "change chg_forged is in the list of changes, and no event speaks of it"


def test_a_beginning_cut_off_does_not_pass_for_pruned(journal: Journal, database: Database) -> None:
    second = event(database, 2)
    alter(
        database,
        delete(events).where(events.c.seq <= 2),
        delete(changes).where(changes.c.seq <= 2),
        update(chain).where(chain.c.name == "anchor").values(seq=2, hash=second["hash"], time=1.0),
    )
    assert fault(journal) == "the chain begins after event 2, and no pruning up to there is noted in it"


def test_more_cut_off_than_was_pruned_is_found(journal: Journal, database: Database, clock: Clock) -> None:
    assert journal.prune(clock.now - 120) == 1
    fourth = event(database, 4)
    alter(
        database,
        delete(events).where(events.c.seq <= 4),
        delete(changes).where(changes.c.seq <= 4),
        update(chain).where(chain.c.name == "anchor").values(seq=4, hash=fourth["hash"]),
    )
    assert fault(journal) == "the chain begins after event 4, and no pruning up to there is noted in it"


def test_a_pruned_event_put_back_is_found(journal: Journal, database: Database, clock: Clock) -> None:
    first = event(database, 1)
    assert journal.prune(clock.now - 120) == 1
    alter(database, insert(events).values(first))
    assert "should have been pruned: it was put in" in fault(journal)


def test_a_head_that_was_pruned_away_is_said_to_be(
    journal: Journal, clock: Clock, database: Database
) -> None:
    noted = event(database, 1)["hash"]
    assert journal.prune(clock.now - 120) == 1
    proof = journal.verify(expect=noted)
    assert proof.expected is False
    assert proof.fault == (
        "the head that was noted is not part of the chain as far as it is kept (events up to 2 were pruned)"
    )


def test_a_journal_with_a_fault_is_not_pruned(journal: Journal, database: Database, clock: Clock) -> None:
    alter(database, update(events).where(events.c.seq == 1).values(time=1.5))
    assert journal.prune(clock.now) == 0
    assert journal.verify().events == 0
    assert journal.list(location=None)[1] == 3


def test_an_event_that_cannot_be_read_is_an_error_in_words(journal: Journal, database: Database) -> None:
    alter(database, text("UPDATE guard_events SET body = 'no json' WHERE seq = 1"))
    with pytest.raises(StoreError, match="Event 1 of the journal cannot be read"):
        journal.list(location="loc-1")


@pytest.mark.parametrize("body", ["[]", "no json"])
def test_an_unreadable_event_with_a_fitting_hash_is_found(
    journal: Journal, database: Database, body: str
) -> None:
    row = forged(event(database, 6), body=body)
    alter(database, update(events).where(events.c.seq == 6).values(row))
    assert fault(journal).endswith("cannot be read")


def test_no_field_can_pass_for_the_next() -> None:
    common: dict[str, Any] = {"previous": "0" * 64, "seq": 1, "time": 1.0, "body": "{}"}
    assert event_hash(change_id="a", event='b","c', **common) != event_hash(
        change_id='a","b', event="c", **common
    )
