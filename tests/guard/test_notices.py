"""What one process is told of a shop, for the others: each event once, in order, and not for longer than it counts."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, func, insert, select
from still_clock import Clock

from hoopai_products_mcp.guard import tables
from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Intent, Journal, Outcome
from hoopai_products_mcp.guard.notices import Notice, Notices
from hoopai_products_mcp.guard.store import Store

MIGRATIONS = Path(tables.__file__).with_name("migrations")
KEPT = 900.0
LAMP = ("hoopai://products/lamp", "hoopai://catalog")

ENTERER = """
import sys
from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.notices import Notices

database = Database.open(sys.argv[1])
notices = Notices(database)
print("ready", flush=True)
sys.stdin.readline()
found = [notices.accept(f"event {n}", location="loc-1", addresses=[], keep_seconds=900) for n in range(20)]
print("".join(str(int(is_new)) for is_new in found), flush=True)
database.close()
"""


def accept(notices: Notices, event: str, location: str = "loc-1") -> bool:
    return notices.accept(event, location=location, addresses=LAMP, keep_seconds=KEPT)


def test_an_event_counts_once_whichever_process_gets_it(shared_url: str) -> None:
    one, other = Database.open(shared_url), Database.open(shared_url)
    first, second = Notices(one), Notices(other)
    assert [accept(first, "w1"), accept(second, "w1"), accept(second, "w2"), accept(first, "w2")] == [
        True,
        False,
        True,
        False,
    ]
    assert first.since(0) == ([Notice("loc-1", LAMP)], 2)
    assert second.since(0) == ([Notice("loc-1", LAMP)], 2)
    assert first.since(2) == ([], 2)
    assert (first.newest(), second.newest()) == (2, 2)
    one.close()
    other.close()


def test_of_processes_that_get_the_same_events_at_once_each_event_is_new_to_one(shared_url: str) -> None:
    Database.open(shared_url).close()
    enterers = [
        subprocess.Popen(
            [sys.executable, "-c", ENTERER, shared_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for enterer in enterers:
        assert enterer.stdout
        assert enterer.stdout.readline() == "ready\n"
    for enterer in enterers:
        assert enterer.stdin
        enterer.stdin.write("\n")
        enterer.stdin.flush()
    said = [enterer.communicate()[0].strip() for enterer in enterers]
    assert [sum(int(digit) for digit in digits) for digits in zip(*said, strict=True)] == [1] * 20
    reader = Database.open(shared_url)
    assert len(Notices(reader).since(0)[0]) == 20
    assert Notices(reader).newest() == 20
    reader.close()


def test_notices_are_forgotten_when_no_event_can_come_again_and_numbers_only_grow(
    database: Database, clock: Clock
) -> None:
    notices = Notices(database, clock)

    def kept() -> list[int]:
        with database.reading() as connection:
            return list(connection.execute(select(tables.notices.c.number)).scalars())

    assert [accept(notices, f"w{number}") for number in range(3)] == [True] * 3
    clock.now += KEPT
    assert not accept(notices, "w0")
    clock.now += 1
    assert accept(notices, "w3")
    assert kept() == [3, 4]
    clock.now += 10 * KEPT
    assert accept(notices, "w0")
    assert kept() == [4, 5]


@pytest.mark.parametrize("event", ["long " * 10_000, "nul \0", "half \ud800", "“ü”"])
def test_an_event_may_have_any_id(database: Database, event: str) -> None:
    notices = Notices(database)
    assert (accept(notices, event), accept(notices, event), accept(notices, event + "!")) == (
        True,
        False,
        True,
    )


def test_a_page_of_notices_ends_where_the_next_begins(shared_url: str) -> None:
    one, other = Database.open(shared_url), Database.open(shared_url)
    for number in range(250):
        assert accept(Notices(one), f"w{number}", location=f"loc-{number}")
    page, end = Notices(other).since(0)
    rest, last = Notices(other).since(end)
    assert [notice.location for notice in page + rest] == [f"loc-{number}" for number in range(250)]
    assert last == 250
    one.close()
    other.close()


def test_changes_of_others_are_those_that_were_done_or_may_have_been(
    shared_url: str, intend: Callable[..., Intent]
) -> None:
    one, other = Database.open(shared_url), Database.open(shared_url)
    mine, theirs = Journal(one), Journal(other)
    begun = theirs.begin(intend(tool="a"))
    start = mine.newest()
    assert start == 1
    theirs.end(begun, Outcome(outcome="done"))
    theirs.end(theirs.begin(intend(tool="b")), Outcome(outcome="not_done"))
    theirs.end(theirs.begin(intend(tool="c")), Outcome(outcome="unknown"))
    theirs.begin(intend(tool="d"))
    own = mine.begin(intend(tool="e"))
    mine.end(own, Outcome(outcome="unknown"))
    found, end = mine.concluded_elsewhere(start)
    assert [change.tool for change in found] == ["a", "c"]
    assert mine.concluded_elsewhere(end) == ([], end)
    # What was found out later nobody was told of, whoever made the change.
    theirs.settle(own, Outcome(outcome="done"))
    found, last = mine.concluded_elsewhere(end)
    assert [change.tool for change in found] == ["e"]
    assert last == end + 1
    one.close()
    other.close()


def test_many_changes_of_others_come_in_pages(shared_url: str, intend: Callable[..., Intent]) -> None:
    one, other = Database.open(shared_url), Database.open(shared_url)
    for number in range(60):
        journal = Journal(one)
        journal.end(journal.begin(intend(tool=f"tool {number}")), Outcome(outcome="done"))
    page, end = Journal(other).concluded_elsewhere(0)
    rest, last = Journal(other).concluded_elsewhere(end)
    assert [change.tool for change in page + rest] == [f"tool {number}" for number in range(60)]
    assert (end, last) == (100, 120)
    one.close()
    other.close()


@pytest.mark.parametrize("kind", ["file", "postgres"])
def test_a_store_of_before_there_were_notices_keeps_what_it_has_and_takes_them(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/old.db" if kind == "file" else request.getfixturevalue("empty_postgres")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes.update(connection=connection, version_table=tables.VERSION_TABLE)
        command.upgrade(config, "0003")
        connection.execute(insert(tables.keys).values(key=b"k" * 32, created=time.time()))
    engine.dispose()
    store = Store(url)
    opened = store.open()
    assert opened.keys.known() == (b"k" * 32,)
    assert accept(opened.notices, "w1")
    with opened.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.notices)).scalar() == 1
    store.close()
