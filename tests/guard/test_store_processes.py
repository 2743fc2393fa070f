"""Who uses the store: the living, the dead, and those that come at the same moment."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Intent, Journal
from hoopai_products_mcp.guard.keys import sealing_keys

PROCESSES = 4

STAYING = """
import sys
from hoopai_products_mcp.guard.database import Database

database = Database.open(sys.argv[1])
print(database.process, flush=True)
sys.stdin.readline()
"""
FIRST = """
import sys
from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.keys import sealing_keys

print("ready", flush=True)
sys.stdin.readline()
database = Database.open(sys.argv[1])
print(sealing_keys(database)[0].hex(), flush=True)
database.close()
"""


@pytest.fixture(params=["file", "postgres"])
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that was not made yet."""
    if request.param == "postgres":
        return request.getfixturevalue("empty_postgres")
    return f"sqlite:///{tmp_path}/data/store.db"


def start(script: str, url: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def heard(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def wait_for_the_lock(url: str, process: str) -> None:
    """Until the server has noticed that the session is gone: it grants its lock to us."""
    number = int.from_bytes(bytes.fromhex(process), signed=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '20s'")
        connection.execute("SELECT pg_advisory_lock(%s)", [number])
        connection.execute("SELECT pg_advisory_unlock(%s)", [number])


def test_processes_that_open_a_fresh_store_at_once_make_one(fresh_url: str) -> None:
    started = [start(FIRST, fresh_url) for _ in range(PROCESSES)]
    assert [heard(process) for process in started] == ["ready"] * PROCESSES
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    keys = {process.communicate()[0].strip() for process in started}
    database = Database.open(fresh_url)
    assert keys == {sealing_keys(database)[0].hex()}
    assert Journal(database).verify().fault is None
    database.close()


def test_a_killed_process_is_not_alive_any_more(shared_url: str) -> None:
    database = Database.open(shared_url)
    other = start(STAYING, shared_url)
    process = heard(other)
    assert database.alive(process)
    other.send_signal(signal.SIGKILL)
    other.communicate()
    if shared_url.startswith("postgresql"):
        wait_for_the_lock(shared_url, process)
    assert not database.alive(process)
    assert database.alive(database.process)
    database.close()


def test_what_a_killed_process_left_open_is_unsettled(shared_url: str, intend: Callable[..., Intent]) -> None:
    database, other = Database.open(shared_url), Database.open(shared_url)
    journal = Journal(database)
    working = journal.begin(intend())
    left = Journal(other).begin(intend())
    assert journal.unsettled("loc-1") == []
    other.close()
    assert [change.id for change in journal.unsettled("loc-1")] == [left]
    assert {change.id for change in journal.list(location="loc-1")[0]} == {working, left}
    database.close()


def test_several_openings_of_one_process_are_told_apart(shared_url: str) -> None:
    first, second = Database.open(shared_url), Database.open(shared_url)
    assert first.process != second.process
    assert first.alive(second.process)
    assert second.alive(first.process)
    second.close()
    assert not first.alive(second.process)
    first.close()


def test_the_files_of_dead_processes_are_cleared_away(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    database = Database.open(url)
    other = start(STAYING, url)
    dead = heard(other)
    other.kill()
    other.communicate()
    assert (tmp_path / "processes" / f"{dead}.lock").exists()
    third = Database.open(url)
    held = {database.process, third.process}
    assert {path.stem for path in (tmp_path / "processes").glob("*.lock")} == held
    third.close()
    database.close()
    assert list((tmp_path / "processes").glob("*.lock")) == []


@pytest.mark.parametrize("process", ["", "unknown", "../store", "0" * 16])
def test_an_id_that_nobody_has_is_not_alive(shared_url: str, process: str) -> None:
    database = Database.open(shared_url)
    assert not database.alive(process)
    database.close()


def test_in_memory_whoever_wrote_is_there(intend: Callable[..., Intent]) -> None:
    database = Database.open("sqlite://")
    journal = Journal(database)
    journal.begin(intend())
    assert database.alive(database.process)
    assert journal.unsettled("loc-1") == []
    database.close()


def test_a_session_that_got_lost_is_taken_up_again_before_the_next_change(
    ready_postgres: str, intend: Callable[..., Intent]
) -> None:
    database, watching = Database.open(ready_postgres), Database.open(ready_postgres)
    with psycopg.connect(ready_postgres, autocommit=True) as connection:
        number = int.from_bytes(bytes.fromhex(database.process), signed=True)
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 "
            "AND (classid::bigint << 32) | objid::bigint = %s",
            [number],
        )
    assert not watching.alive(database.process)
    Journal(database).begin(intend())
    assert watching.alive(database.process)
    database.close()
    watching.close()
