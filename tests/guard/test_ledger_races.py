"""Many at once on one plan, as threads and as processes of their own."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.ledger import Ledger

PROCESSES = 4
PLANS = 5

SPENDER = """
import sys
from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.ledger import Ledger

url, *plans = sys.argv[1:]
database = Database.open(url)
ledger = Ledger(database)
print("ready", flush=True)
sys.stdin.readline()
print("".join(str(int(ledger.spend(plan, from_status="open"))) for plan in plans), flush=True)
database.close()
"""


def keep(ledger: Ledger) -> str:
    return ledger.keep(
        tool="delete_product",
        title="Delete a product",
        location="loc-1",
        base_url="https://shop.test",
        caller="caller-1",
        arguments={},
        payload_digest="digest-1",
        fingerprint="f" * 64,
        plan={},
        status="open",
        lifetime_seconds=600,
    ).id


def test_of_many_processes_one_spends_a_plan(shared_url: str) -> None:
    database = Database.open(shared_url)
    plans = [keep(Ledger(database)) for _ in range(PLANS)]
    spenders = [
        subprocess.Popen(
            [sys.executable, "-c", SPENDER, shared_url, *plans],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for spender in spenders:
        assert spender.stdout
        assert spender.stdout.readline() == "ready\n"
    for spender in spenders:
        assert spender.stdin
        spender.stdin.write("go\n")
        spender.stdin.flush()
    answers = [spender.communicate()[0].strip() for spender in spenders]
    assert [sum(int(answer[plan]) for answer in answers) for plan in range(PLANS)] == [1] * PLANS
    database.close()


def test_of_many_threads_one_spends_a_plan(url: str) -> None:
    database = Database.open(url)
    ledger = Ledger(database)
    plans = [keep(ledger) for _ in range(PLANS)]

    def spend(plan: str) -> bool:
        return ledger.spend(plan, from_status="open")

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(spend, plans * 8))
    assert [won[plan::PLANS].count(True) for plan in range(PLANS)] == [1] * PLANS
    database.close()
