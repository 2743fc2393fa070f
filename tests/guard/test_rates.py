"""An allowance that processes share: together they get what there is, whoever is killed meanwhile."""

import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from still_clock import Clock

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.rates import Rates, RatesInDatabase, RatesInFile
from hoopai_products_mcp.products_api.budget import Granted
from hoopai_products_mcp.products_api.replies import ToldRate
from hoopai_products_mcp.products_api.window import Ask, Told, Wait

PROCESSES = 4
ASKING = """
import sys
import threading
from pathlib import Path
from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.rates import RatesInDatabase, RatesInFile
from hoopai_products_mcp.products_api.budget import Granted
from hoopai_products_mcp.products_api.window import Ask

where, times = sys.argv[1], int(sys.argv[2])
rates = RatesInDatabase(Database.open(where)) if "://" in where else RatesInFile(Path(where))
print("ready", flush=True)
sys.stdin.readline()
got = 0
for _ in range(times):
    got += isinstance(rates.ask("shop", Ask(process=where)), Granted)
    if not got % 10:
        print(got, flush=True)
print(got, flush=True)
"""


@pytest.fixture(params=["file", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place that several processes can use at once."""
    if request.param == "postgres":
        return request.getfixturevalue("ready_postgres")
    return str(tmp_path / "data" / "requests.sqlite")


@pytest.fixture
def opened(where: str) -> Iterator[Callable[[], Rates]]:
    """Opens the place, as another process would."""
    closing: list[Callable[[], None]] = []

    def rates() -> Rates:
        if "://" in where:
            database = Database.open(where)
            closing.append(database.close)
            return RatesInDatabase(database)
        file = RatesInFile(Path(where))
        closing.append(file.close)
        return file

    yield rates
    for close in closing:
        close()


def start(where: str, times: int) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", ASKING, where, str(times)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()


def wide(rates: Rates) -> None:
    """Let the interval be one that no test outlasts."""
    first = rates.ask("shop", Ask())
    assert isinstance(first, Granted)
    told = Told(first.seat, 0.0, ToldRate(100, 15.0, 99), succeeded=True)
    rates.ask("shop", Ask(wanted=False, news=(told,)))


def granted(rates: Rates, times: int, ask: Ask | None = None) -> int:
    return sum(isinstance(rates.ask("shop", ask or Ask()), Granted) for _ in range(times))


def test_two_openings_share_what_there_is(opened: Callable[[], Rates]) -> None:
    one, two = opened(), opened()
    wide(one)
    assert granted(one, 60) == 60
    assert granted(two, 60) == 39
    wait = one.ask("shop", Ask())
    assert isinstance(wait, Wait)
    assert 5 < wait.seconds < 16


def test_each_name_has_an_allowance_of_its_own(opened: Callable[[], Rates]) -> None:
    rates = opened()
    assert granted(rates, 101) == 100
    assert isinstance(rates.ask("another shop", Ask()), Granted)


def test_what_one_was_told_the_other_knows(opened: Callable[[], Rates]) -> None:
    one, two = opened(), opened()
    first = one.ask("shop", Ask())
    assert isinstance(first, Granted)
    assert first.limit is None
    told = Told(first.seat, 0.1, ToldRate(25, 5.0, 24), succeeded=True)
    assert isinstance(one.ask("shop", Ask(wanted=False, news=(told,))), Wait)
    second = two.ask("shop", Ask())
    assert isinstance(second, Granted)
    assert (second.limit, second.interval_seconds) == (25, 5.0)
    assert granted(two, 30) == 23


def test_processes_that_ask_at_once_get_what_there_is_and_no_more(
    where: str, opened: Callable[[], Rates]
) -> None:
    wide(opened())
    started = [start(where, 60) for _ in range(PROCESSES)]
    for process in started:
        go(process)
    got = [int(process.communicate()[0].split()[-1]) for process in started]
    assert sum(got) == 99


def test_a_process_that_is_killed_while_it_asks_leaves_all_in_order(
    where: str, opened: Callable[[], Rates]
) -> None:
    rates = opened()
    wide(rates)
    process = start(where, 1_000_000)
    go(process)
    assert process.stdout
    assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    left = granted(rates, 100)
    assert left < 99
    assert isinstance(rates.ask("shop", Ask()), Wait)


def test_many_processes_killed_at_odd_moments_do_no_harm(where: str, opened: Callable[[], Rates]) -> None:
    wide(opened())
    for _ in range(2):
        started = [start(where, 1_000_000) for _ in range(2)]
        for process in started:
            go(process)
        for process in started:
            assert process.stdout
            process.stdout.readline()
            process.kill()
            process.communicate()
    assert isinstance(opened().ask("shop", Ask()), Granted | Wait)


def test_people_who_wait_elsewhere_go_before_bulk_work(opened: Callable[[], Rates]) -> None:
    one, two = opened(), opened()
    wide(one)
    assert granted(one, 99) == 99
    assert isinstance(one.ask("shop", Ask(process="one", people=3)), Wait)
    bulk = two.ask("shop", Ask(process="two", bulk=True))
    person = two.ask("shop", Ask(process="two"))
    assert isinstance(bulk, Wait)
    assert isinstance(person, Wait)
    assert bulk.seconds >= person.seconds


def test_one_that_waits_for_a_disk_for_good_keeps_no_other_thread(tmp_path: Path) -> None:
    reached, disk = threading.Event(), threading.Event()

    def hangs() -> float:
        reached.set()
        disk.wait()
        return 0.0

    rates = RatesInFile(tmp_path / "requests.sqlite", clock=hangs, patience_seconds=0.05)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(rates.ask, "shop", Ask())
        reached.wait()
        with pytest.raises(OSError, match="another thread still waits for the disk"):
            rates.ask("shop", Ask())
        rates.close()
        disk.set()
        assert isinstance(first.result(), Granted)
    assert isinstance(rates.ask("shop", Ask()), Granted)
    rates.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "requests.sqlite"
    rates = RatesInFile(path)
    rates.ask("shop", Ask())
    rates.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_is_no_database_is_said_to_be_none_and_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "requests.sqlite"
    path.write_text("no database at all" * 100)
    rates = RatesInFile(path)
    with pytest.raises(sqlite3.DatabaseError):
        rates.ask("shop", Ask())
    path.unlink()
    assert isinstance(rates.ask("shop", Ask()), Granted)
    rates.close()


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    """Change the text of the one window that a file keeps."""
    with closing(sqlite3.connect(path)) as connection, connection:
        (body,) = connection.execute("SELECT body FROM rates").fetchone()
        connection.execute("UPDATE rates SET body = ?", [change(body)])


@pytest.mark.parametrize(
    "body",
    ["{", "[]", "[" * 100_000, '{"places": 1}', '{"places": [[1]]}', '{"limit": "100"}', '{"limit": 0}'],
)
def test_a_window_that_cannot_be_read_is_begun_anew(body: str, tmp_path: Path) -> None:
    path = tmp_path / "requests.sqlite"
    rates = RatesInFile(path)
    rates.ask("shop", Ask())
    rates.close()
    rewrite(path, lambda _: body)
    assert granted(rates, 200) == 100
    rates.close()


@pytest.mark.parametrize(("ours", "theirs"), [('{"', '{"newer":[1,{"b":2}],"'), ('"wishes":{},', "")])
def test_what_another_version_of_this_program_has_counted_in_the_same_folder_counts(
    ours: str, theirs: str, tmp_path: Path
) -> None:
    path = tmp_path / "requests.sqlite"
    rates = RatesInFile(path)
    assert granted(rates, 60) == 60
    rates.close()
    rewrite(path, lambda body: body.replace(ours, theirs, 1))
    assert granted(rates, 200) == 40
    rates.close()


def test_what_is_forgotten_is_free_again(tmp_path: Path) -> None:
    clock = Clock()
    rates = RatesInFile(tmp_path / "requests.sqlite", clock=clock)
    assert granted(rates, 200) == 100
    clock.now += 10.5
    assert granted(rates, 200) == 100
    rates.close()
