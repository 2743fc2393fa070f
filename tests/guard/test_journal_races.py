"""Many processes and threads write one journal: its chain stays one."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Intent, Journal, Outcome

PROCESSES = 4
EACH = 8

WRITER = """
import sys
from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Intent, Journal, Outcome

database = Database.open(sys.argv[1])
journal = Journal(database)
intent = Intent(
    location="loc-1", base_url="u", caller="c", client="c", tool="t", title="t", operation="POST /products",
    arguments={}, plan={}, fingerprint="f", road="person", destructive=False,
)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    journal.end(journal.begin(intent), Outcome(outcome="done"))
database.close()
"""


def test_processes_that_write_at_once_make_one_chain(shared_url: str) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, shared_url, str(EACH)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [(writer.communicate(), writer.returncode)[1] for writer in writers] == [0] * PROCESSES
    database = Database.open(shared_url)
    proof = Journal(database).verify()
    assert (proof.events, proof.fault) == (2 * PROCESSES * EACH, None)
    assert Journal(database).list(location="loc-1")[1] == PROCESSES * EACH
    database.close()


def test_threads_that_write_at_once_make_one_chain(url: str, intend: Callable[..., Intent]) -> None:
    database = Database.open(url)
    journal = Journal(database)

    def write(_: int) -> None:
        journal.end(journal.begin(intend()), Outcome(outcome="done"))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(24)))
    proof = journal.verify()
    assert (proof.events, proof.fault) == (48, None)
    database.close()
