"""Whether a change may be begun, looked up among those of other processes: quickly, and with many at it."""

import sqlite3
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Intent, Journal, Outcome
from hoopai_products_mcp.guard.others import BusyError, Unless
from hoopai_products_mcp.guard.plan import Effect, Plan, to_plain

CONNECTIONS = 15
"""As many as one store in PostgreSQL has at most."""
DONE = Outcome(outcome="done")


@contextmanager
def two_openings(url: str) -> Generator[tuple[Database, Database]]:
    with closing(Database.open(url)) as one, closing(Database.open(url)) as other:
        yield one, other


def of_product(product_id: str) -> Plan:
    return Plan(
        action="Rename it", effects=(Effect(kind="product", id=product_id, field="name", after="New"),)
    )


def unless(
    intent: Intent,
    thing: str,
    *,
    seen: int | None,
    now: float,
    counted: tuple[float, int] | None = None,
) -> Unless:
    return Unless(
        location=intent.location,
        base_url=intent.base_url,
        things=frozenset({thing}),
        seen=seen,
        counted=counted,
        now=now,
    )


def test_a_change_that_meets_another_gets_its_answer_while_all_connections_wait_for_it(
    ready_postgres: str, intend: Callable[..., Intent]
) -> None:
    with two_openings(ready_postgres) as (one, other), ThreadPoolExecutor(CONNECTIONS) as threads:
        journal = Journal(one)
        intent = intend(plan=to_plain(of_product("product-1")))
        met = Journal(other).begin(intent)
        ending = [journal.begin(intend(plan=to_plain(Plan(action="")))) for _ in range(CONNECTIONS)]
        ends: list[Future[None]] = []
        # One connection shows that the process lives, and one is this change's.
        waiting = CONNECTIONS - 2

        def look(connection: Connection, database: Database) -> None:
            ends.extend(threads.submit(journal.end, change_id, DONE) for change_id in ending)
            with psycopg.connect(ready_postgres, autocommit=True) as watching:
                count = (
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
                while watching.execute(count).fetchone() != (waiting,):
                    pass
            unless(intent, "product-1", seen=0, now=other.clock())(connection, database)

        with pytest.raises(BusyError) as busy:
            journal.begin(intent, unless=look)
        assert busy.value.change_id == met
        assert [end.result() for end in ends] == [None] * CONNECTIONS


def test_a_long_journal_is_not_gone_through_for_each_change(
    tmp_path: Path, intend: Callable[..., Intent]
) -> None:
    """Counted in steps of SQLite, with the same few changes since the plan was made."""
    steps: dict[str, int] = {}
    with two_openings(f"sqlite:///{tmp_path}/store.db") as (one, other):
        journal = Journal(one)
        theirs = Journal(other)
        intent = intend(plan=to_plain(of_product("product-1")))
        elsewhere = intend(plan=to_plain(of_product("product-2")))

        def counted(name: str) -> Callable[[Connection, Database], None]:
            def look(connection: Connection, database: Database) -> None:
                raw = connection.connection.driver_connection
                assert isinstance(raw, sqlite3.Connection)
                steps[name] = 0

                def step() -> int:
                    steps[name] += 1
                    return 0

                raw.set_progress_handler(step, 1)
                now = one.clock()
                look_for = unless(intent, "product-1", seen=seen, now=now, counted=(now - 3600, 0))
                look_for(connection, database)
                raw.set_progress_handler(None, 0)

            return look

        for name, more in (("short", 0), ("long", 500)):
            for _ in range(more):
                theirs.end(theirs.begin(elsewhere), DONE)
            seen = journal.seen()
            for _ in range(3):
                theirs.end(theirs.begin(elsewhere), DONE)
            journal.end(journal.begin(intent, unless=counted(name)), DONE)
    assert steps["long"] < 2 * steps["short"]
