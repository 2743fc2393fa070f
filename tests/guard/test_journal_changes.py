"""Changes as they are begun, ended, found out later, listed and forgotten."""

from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from itertools import islice

import pytest
from still_clock import Clock

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Change, Intent, Journal, Outcome
from hoopai_products_mcp.guard.store_errors import ConcludedError

DONE = Outcome(outcome="done")
UNKNOWN = Outcome(outcome="unknown", why="the connection broke")

Intend = Callable[..., Intent]


@pytest.fixture
def journal(database: Database, clock: Clock) -> Journal:
    return Journal(database, clock)


def ids(changes: list[Change]) -> list[str]:
    return [change.id for change in changes]


def test_a_change_comes_back_as_it_was_begun(
    journal: Journal, database: Database, clock: Clock, intend: Intend
) -> None:
    intent = intend(
        arguments={"amount": Decimal("19.90"), "name": "Größe\x00"},
        plan={"effects": [{"before": Decimal("1E+3")}]},
    )
    change_id = journal.begin(intent)
    prefix, _, rest = change_id.partition("_")
    assert (prefix, len(rest)) == ("chg", 12)
    found = journal.find(change_id)
    assert found == Change(
        **asdict(intent),
        id=change_id,
        time=clock.now,
        process=database.process,
        outcome=None,
        settled=False,
        undone_by=(),
    )
    assert found
    assert str(found.arguments["amount"]) == "19.90"


def test_an_outcome_comes_back_as_it_was_given(journal: Journal, intend: Intend) -> None:
    outcome = Outcome(
        outcome="done",
        applied=2,
        of=3,
        why="one was gone",
        response={"total": Decimal("2.50")},
        observed=[{"field": "amount", "now": Decimal("2.50")}],
        created=["p9"],
    )
    change_id = journal.begin(intend())
    journal.end(change_id, outcome)
    found = journal.find(change_id)
    assert found
    assert (found.outcome, found.settled) == (outcome, False)


def test_nothing_is_found_under_an_unknown_id(journal: Journal) -> None:
    assert journal.find("chg_unknown") is None


@pytest.mark.parametrize("known", ["done", "not_done"])
def test_a_known_outcome_stays(journal: Journal, intend: Intend, known: str) -> None:
    change_id = journal.begin(intend())
    journal.end(change_id, Outcome(outcome="done" if known == "done" else "not_done"))
    for conclude in (journal.end, journal.settle):
        with pytest.raises(ConcludedError, match=f"{change_id} was {known}; that stays so"):
            conclude(change_id, UNKNOWN)
    assert journal.verify().events == 2


def test_an_unknown_outcome_is_settled_later(journal: Journal, intend: Intend) -> None:
    change_id = journal.begin(intend())
    journal.end(change_id, UNKNOWN)
    journal.settle(change_id, UNKNOWN)
    journal.settle(change_id, DONE)
    found = journal.find(change_id)
    assert found
    assert (found.outcome, found.settled) == (DONE, True)
    assert (journal.verify().events, journal.verify().fault) == (4, None)


def test_who_made_a_change_knows_better_than_who_found_out(journal: Journal, intend: Intend) -> None:
    # As where a process was taken for dead while it was at work.
    change_id = journal.begin(intend())
    journal.settle(change_id, Outcome(outcome="not_done"))
    with pytest.raises(ConcludedError):
        journal.end(change_id, UNKNOWN)
    journal.end(change_id, DONE)
    found = journal.find(change_id)
    assert found
    assert (found.outcome, found.settled) == (DONE, False)
    assert (journal.verify().events, journal.verify().fault) == (3, None)
    for conclude in (journal.end, journal.settle):
        with pytest.raises(ConcludedError, match="was done; that stays so"):
            conclude(change_id, Outcome(outcome="not_done"))


def test_an_outcome_of_an_unknown_change_is_refused(journal: Journal) -> None:
    with pytest.raises(ConcludedError, match="holds no change chg_unknown"):
        journal.settle("chg_unknown", DONE)
    assert journal.verify().events == 0


def test_changes_are_listed_newest_first_page_by_page(journal: Journal, intend: Intend) -> None:
    begun = [journal.begin(intend()) for _ in range(5)]
    page, total = journal.list(location="loc-1", limit=2, offset=1)
    assert (ids(page), total) == ([begun[3], begun[2]], 5)
    assert journal.list(location="loc-1", offset=5) == ([], 5)


def test_changes_are_listed_by_what_they_are(journal: Journal, clock: Clock, intend: Intend) -> None:
    price = journal.begin(intend())
    clock.now += 10
    product = journal.begin(intend(tool="create_product"))
    journal.end(product, DONE)
    clock.now += 10
    elsewhere = journal.begin(intend(location="loc-2"))
    assert ids(journal.list(location=None)[0]) == [elsewhere, product, price]
    assert ids(journal.list(location="loc-1", tool="update_price")[0]) == [price]
    assert ids(journal.list(location="loc-1", outcome="done")[0]) == [product]
    journal.end(elsewhere, UNKNOWN)
    # One without an outcome is not known either.
    assert ids(journal.list(location=None, outcome="unknown")[0]) == [elsewhere, price]
    assert ids(journal.list(location=None, since=clock.now - 10)[0]) == [elsewhere, product]
    assert ids(journal.list(location=None, until=clock.now - 10)[0]) == [price]


def test_what_took_a_change_back_is_told(journal: Journal, intend: Intend) -> None:
    change = journal.begin(intend())
    journal.end(change, DONE)
    failed, undoing = (journal.begin(intend(tool="undo_change", undoes=change)) for _ in range(2))
    journal.end(failed, Outcome(outcome="not_done"))
    found = journal.find(change)
    assert found
    assert found.undone_by == ()
    journal.end(undoing, DONE)
    found, taking_back = journal.find(change), journal.find(undoing)
    assert found
    assert taking_back
    assert (found.undone_by, taking_back.undoes) == ((undoing,), change)


def test_unknown_outcomes_are_unsettled_until_they_are_known(journal: Journal, intend: Intend) -> None:
    unknown, done, elsewhere = (journal.begin(intend(location=at)) for at in ("loc-1", "loc-1", "loc-2"))
    journal.end(unknown, UNKNOWN)
    journal.end(done, DONE)
    journal.end(elsewhere, UNKNOWN)
    assert ids(journal.unsettled("loc-1")) == [unknown]
    journal.settle(unknown, Outcome(outcome="not_done"))
    assert journal.unsettled("loc-1") == []


def test_destructive_changes_are_counted_from_a_time_on(
    journal: Journal, clock: Clock, intend: Intend
) -> None:
    start = clock.now
    journal.begin(intend(destructive=True))
    clock.now += 60
    journal.begin(intend(destructive=True))
    journal.begin(intend())
    journal.begin(intend(destructive=True, location="loc-2"))
    assert [journal.destructive_since("loc-1", start + more) for more in (0, 1, 60, 61)] == [2, 1, 1, 0]


def test_changes_of_one_tool_are_gone_through_newest_first(journal: Journal, intend: Intend) -> None:
    begun = [journal.begin(intend(tool="set_display_priority")) for _ in range(53)]
    for change_id in begun[:-1]:
        journal.end(change_id, DONE)
    journal.end(journal.begin(intend()), DONE)
    found = [change.id for change in journal.last_with_tool("loc-1", "set_display_priority")]
    assert found == begun[-2::-1]
    assert [change.id for change in islice(journal.last_with_tool("loc-1", "set_display_priority"), 1)] == [
        begun[-2]
    ]
    assert list(journal.last_with_tool("loc-2", "set_display_priority")) == []


def test_old_changes_are_forgotten_and_the_rest_still_proves_itself(
    journal: Journal, clock: Clock, intend: Intend
) -> None:
    start = clock.now
    old = [journal.begin(intend()) for _ in range(3)]
    for change_id in old:
        journal.end(change_id, DONE)
    noted = journal.verify().head
    clock.now += 60
    fresh = journal.begin(intend())
    journal.end(fresh, DONE)
    assert journal.prune(start) == 0
    assert journal.prune(start + 1) == 3
    assert journal.prune(start + 1) == 0
    proof = journal.verify(expect=noted)
    # Two of the fresh change, and one that notes the pruning.
    assert (proof.events, proof.pruned_before, proof.expected, proof.fault) == (3, start, True, None)
    assert ids(journal.list(location=None)[0]) == [fresh]
    assert journal.prune(clock.now + 1) == 1
    # The two notes of pruning are all that is left.
    assert (journal.verify().events, journal.verify().fault) == (2, None)
    assert journal.list(location=None) == ([], 0)
    journal.begin(intend())
    assert journal.verify().fault is None


def test_only_whole_changes_from_the_beginning_are_forgotten(
    journal: Journal, clock: Clock, intend: Intend
) -> None:
    first, unknown, third = (journal.begin(intend()) for _ in range(3))
    journal.end(third, DONE)
    journal.end(unknown, UNKNOWN)
    journal.end(first, DONE)
    later = clock.now + 1
    # The first change ends after the second began, and the second is not known yet.
    assert journal.prune(later) == 0
    journal.settle(unknown, DONE)
    waiting = journal.begin(intend())
    assert journal.prune(later) == 3
    assert ids(journal.list(location=None)[0]) == [waiting]
    assert journal.verify().fault is None
