"""What it costs that processes share the API's allowance, and how much of it they use together.

Run it with `make bench-sharing`. It prints what was expected next to what was found, and exits 1 when something is
missed. PostgreSQL is the one that comes with a package for tests, on this machine.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from table import Expectation, Measure, print_table
from writes import FILE as SQLITE_FILE
from writes import added

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.rates import Rates, RatesInDatabase, RatesInFile
from hoopai_products_mcp.products_api.budget import Granted
from hoopai_products_mcp.products_api.replies import ToldRate
from hoopai_products_mcp.products_api.window import Ask, Told
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.server import running_server

ASKS = 400
PROCESSES = 3
PRODUCTS = 100
LIMIT, INTERVAL_SECONDS = 100, 10.0
COMMAND = str(Path(sys.executable).parent / "hoopai-products-mcp")

FILE, POSTGRESQL = "file", "PostgreSQL"
NOTES = f"""\
How this was measured
  Cost      A question for leave, as it comes with the news of the request before: in this thread, the median and the
            95th percentile of {ASKS}, with a full window of {LIMIT} requests kept. The file's is the one of the data
            folder; PostgreSQL is on this machine and is reached through a socket.
  Journal   The time of update_price less that of its client method, less the same difference of get_price, as in
            `make bench`: plan, policy, intent, outcome. Everything but PostgreSQL is in one process.
  Use       {PROCESSES} installed servers, each a process of its own, audit a shop of {PRODUCTS} products at once. The
            API is a sandbox on a socket that takes {LIMIT} requests in {INTERVAL_SECONDS:g} seconds, and refuses more.
            Of the limit: the time that the limit alone takes, by the time from the first request to the last.
  Others at work on the machine make milliseconds larger, and the use smaller."""


def main() -> int:
    """Measure and print; the exit code."""
    measures: list[Measure] = []
    with places() as opened:
        costs = {name: cost(rates) for name, rates in opened.items()}
        measures.append(
            Measure(
                "a question for leave, ms",
                [costs[name][0] for name in opened],
                digits=2,
                expected=[Expectation(5)],
                judged=2,
            )
        )
        measures.append(Measure("… 95th percentile, ms", [costs[name][1] for name in opened], digits=2))
    with server() as url:
        used = [asyncio.run(use({})), asyncio.run(use({"HOOPAI_DATABASE_URL": url}))]
        journal = asyncio.run(added({SQLITE_FILE: {}, POSTGRESQL: {"database_url": url}}))
    measures += [
        Measure(
            "added to a write by guard and journal, ms",
            list(journal.values()),
            digits=2,
            expected=[Expectation(10.0, "a tenth of a request")],
            judged=2,
        ),
        Measure("requests of all processes", [run.requests for run in used]),
        Measure("… refused", [run.refused for run in used], expected=[Expectation(0)], judged=2),
        Measure("… seconds", [run.seconds for run in used], digits=1),
        Measure(
            "… unused of the limit, percent",
            [100 * (1 - run.used) for run in used],
            digits=1,
            expected=[Expectation(5)],
            judged=2,
        ),
    ]
    print_table((FILE, POSTGRESQL), measures)
    print(NOTES)
    return int(any("MISSED" in measure.verdict() for measure in measures))


@contextmanager
def server() -> Generator[str]:
    """A PostgreSQL, and its address."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from postgres import running_server as running_postgres

    with running_postgres() as url:
        yield url


@contextmanager
def places() -> Generator[dict[str, Rates]]:
    """Where an allowance can be kept."""
    with tempfile.TemporaryDirectory() as folder, server() as url:
        file, database = RatesInFile(Path(folder) / "requests.sqlite"), Database.open(url)
        try:
            yield {FILE: file, POSTGRESQL: RatesInDatabase(database)}
        finally:
            file.close()
            database.close()


def cost(rates: Rates) -> tuple[float, float]:
    """Milliseconds of a question: the median and the 95th percentile."""
    for _ in range(LIMIT - 1):
        rates.ask("shop", Ask(process="p"))
    last = rates.ask("shop", Ask(process="p"))
    assert isinstance(last, Granted)
    news = (Told(last.seat, 0.1, ToldRate(LIMIT, INTERVAL_SECONDS, 0), succeeded=True),)
    taken = sorted(timed(lambda: rates.ask("shop", Ask(process="p", news=news))) for _ in range(ASKS))
    return statistics.median(taken), taken[int(0.95 * ASKS)]


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that it takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


class Use:
    """What the API saw of a job: requests, how many it refused, and how long it took."""

    def __init__(self, moments: list[float], statuses: list[int]) -> None:
        self.requests = len(statuses)
        self.refused = statuses.count(429)
        self.seconds = moments[-1] - moments[0]
        self.used = (self.requests - 1) // LIMIT * INTERVAL_SECONDS / self.seconds


async def use(environment: dict[str, str]) -> Use:
    """Let several servers do a long job at the same time."""
    moments: list[float] = []

    def now() -> float:
        moments.append(time.monotonic())
        return moments[-1]

    app = create_app(shop=PRODUCTS, rate_limit=LIMIT, rate_interval_seconds=INTERVAL_SECONDS, monotonic=now)
    with tempfile.TemporaryDirectory() as folder:
        async with running_server(app) as url, AsyncExitStack() as stack:
            inherited = {key: value for key, value in os.environ.items() if not key.startswith("HOOPAI_")}
            command = StdioServerParameters(
                command=COMMAND,
                args=[],
                env={
                    **inherited,
                    "HOOPAI_BASE_URL": url,
                    "HOOPAI_ACCESS_TOKEN": TOKEN,
                    "HOOPAI_LOCATION_ID": LOCATION_ID,
                    "HOOPAI_DATA_DIR": folder,
                    **environment,
                },
            )
            clients = [await stack.enter_async_context(Client(command)) for _ in range(PROCESSES)]

            async def audit(client: Client) -> None:
                result = await client.call_tool("audit_catalog", {})
                assert not result.is_error, result.content

            async with anyio.create_task_group() as tasks:
                for client in clients:
                    tasks.start_soon(audit, client)
    statuses = [received.status or 0 for received in sandbox_of(app).requests]
    sandbox_of(app).close()
    return Use(moments, statuses)


if __name__ == "__main__":
    sys.exit(main())
