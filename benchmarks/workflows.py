"""What an audit and an export of 5,000 products with 12,500 prices take: requests, time at the API's limit, memory.

Run it with `make bench-workflows`. It prints what was expected next to what was found, and exits 1 when something is
missed.
"""

import asyncio
import json
import math
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import anyio
import subjects
import uvicorn
from mcp.client import Client
from mcp_types import CallToolResult
from startup import connected, memory_of, new_child
from table import Expectation, Measure, print_table
from upstream import Upstream

from hoopai_products_mcp.sandbox import prices as price_rows
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.database import object_id
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.time_lapse import TimeLapseLoop
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.connection import Connection
from hoopai_products_mcp.server.settings import Settings

FEWER: Final = 1_000
PRODUCTS: Final = 5_000
PRICES: Final = 12_500
LIMIT: Final = 100
INTERVAL_SECONDS: Final = 10.0
_PAGE: Final = 100

JOBS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "audit": ("audit_catalog", {}),
    "export, csv": ("export_catalog", {"format": "csv"}),
    "export, xlsx": ("export_catalog", {"format": "xlsx"}),
}


@dataclass(frozen=True)
class Run:
    """One job at the API's limit: how many requests it sent, how many were refused, and the seconds it took."""

    requests: int
    refused: int
    seconds: float


SHORTER: Final = 1_491
"""Products whose export takes 3,000 requests, the most that fit."""


def fewest(products: int) -> int:
    """The requests without which it cannot be done.

    The API lists products 100 at a time, and that nothing follows a full page is known once it was asked for. It
    gives SEO and collections of a product only with the product itself, and prices only by product.
    """
    pages, collections = products // _PAGE + 1, 1
    return pages + collections + 2 * products


def at_the_limit(requests: int) -> float:
    """Seconds that the limit alone takes: full intervals, after the first requests that go at once."""
    return (requests - 1) // LIMIT * INTERVAL_SECONDS


def main() -> int:
    """Measure and print; the exit code."""
    runs = {name: _lapsed(*job) for name, job in JOBS.items()}
    shorter = _lapsed("export_catalog", {"format": "csv"}, SHORTER)
    memory = {count: asyncio.run(_memory(count)) for count in (FEWER, PRODUCTS)}
    measures = [*_requests(runs), *_times(runs), *_shorter(shorter), *_sizes(memory)]
    print_table(tuple(JOBS), measures)
    print(NOTES)
    return int(any("MISSED" in measure.verdict() for measure in measures))


# Requests and time


def _lapsed(tool: str, arguments: Mapping[str, Any], products: int = PRODUCTS) -> Run:
    """One job, its waits jumped over and all work counted."""
    with asyncio.Runner(loop_factory=lambda: TimeLapseLoop(counts_work=True)) as runner:
        return runner.run(_limited(tool, arguments, products))


async def _limited(tool: str, arguments: Mapping[str, Any], products: int) -> Run:
    app = create_app(
        shop=products,
        rate_limit=LIMIT,
        rate_interval_seconds=INTERVAL_SECONDS,
        monotonic=anyio.current_time,
    )
    sandbox = sandbox_of(app)
    prices = products * PRICES // PRODUCTS
    fill_up(sandbox, prices)
    counted = _Counting(sandbox)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate({"sandbox": True, "export_dir": folder})
        connection = Connection(settings, sandbox_app=app)
        async with Client(build_server(settings, connection=connection)) as client:
            # So that the import of what does the work is not in the time of the first job.
            await _call(client, "list_products", {"limit": 1})
            await anyio.sleep(2 * INTERVAL_SECONDS)
            counted.clear()
            began = anyio.current_time()
            content = await _call(client, tool, arguments)
            seconds = anyio.current_time() - began
    sandbox.close()
    assert content["products"] == products, content
    assert content.get("prices", prices) == prices, content
    assert content.get("rows", products + prices) == products + prices, content
    return Run(counted.requests, counted.refused, seconds)


class _Counting:
    """Counts what arrives, of which the sandbox itself keeps only the latest."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._admit = sandbox.rate.admit
        sandbox.rate.admit = self._counted
        self.clear()

    def clear(self) -> None:
        self.requests = self.refused = 0

    def _counted(self) -> bool:
        admitted = self._admit()
        self.requests += 1
        self.refused += not admitted
        return admitted


async def _call(client: Client, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    result = await client.call_tool(tool, dict(arguments))
    assert isinstance(result, CallToolResult)
    assert not result.is_error, result.content
    return result.structured_content or {}


def fill_up(sandbox: Sandbox, count: int) -> None:
    """Give the products of a generated shop further prices until there are so many, the same number to each."""
    database = sandbox.database
    dump = sandbox.dump()
    missing = count - len(dump["prices"])
    with database.transaction():
        for number, product in zip(range(missing), dump["products"], strict=False):
            price: dict[str, Any] = {
                "_id": object_id("price", "further", number),
                "product": product["_id"],
                "locationId": LOCATION_ID,
                "name": "Gift wrapped",
                "type": "one_time",
                "currency": "USD",
                "amount": number % 200 + 5,
                "sku": f"GW-{number:05}",
                "membershipOffers": [],
                "variantOptionIds": [],
                "trackInventory": None,
                "createdAt": product["createdAt"],
                "updatedAt": product["updatedAt"],
            }
            price_rows.insert(database, price)


# Memory


async def _memory(products: int) -> dict[str, float]:
    """What the jobs add to the memory of a server that is a process of its own, in MB, at its peak."""
    found: dict[str, float] = {}
    with _served(products) as upstream, tempfile.TemporaryDirectory() as folder:
        for name, (tool, arguments) in JOBS.items():
            async with _server(upstream, folder) as (client, process):
                # What it needs for any audit and any export is there before the job is measured.
                await _call(client, tool, {**arguments, "limit": 200})
                before = memory_of(process, "VmHWM")
                content = await _call(client, tool, arguments)
                assert content["products"] == products, content
                found[name] = memory_of(process, "VmHWM") - before
    return found


@asynccontextmanager
async def _server(upstream: Upstream, folder: str) -> AsyncGenerator[tuple[Client, int]]:
    subject = subjects.ours(upstream)
    environment = {**(subject.stdio.env or {}), "HOOPAI_EXPORT_DIR": folder, "HOOPAI_DATA_DIR": folder}
    stdio = subject.stdio.model_copy(update={"env": environment})
    with new_child() as child:
        async with connected(replace(subject, stdio=stdio)) as client:
            await client.list_tools()
            process = child()
            assert process is not None
            yield client, process


@contextmanager
def _served(products: int) -> Generator[Upstream]:
    """The sandbox with so many products as a process of its own, without a limit."""
    command = [sys.executable, str(Path(__file__)), str(products)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Upstream(**json.loads(process.stdout.readline()))
        finally:
            process.terminate()


async def serve(products: int) -> None:
    """Serve a shop and print, as one line of JSON, where it is."""
    app = create_app(shop=products, rate_limit=0)
    fill_up(sandbox_of(app), products * PRICES // PRODUCTS)
    # asyncio switches the delay of small packets off only on sockets that say that they are TCP.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        where = Upstream(f"http://127.0.0.1:{listening.getsockname()[1]}", TOKEN, LOCATION_ID, "", "")
        print(json.dumps(vars(where)), flush=True)
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, ws="none")
        await uvicorn.Server(config).serve(sockets=[listening])


# The table


def _requests(runs: Mapping[str, Run]) -> list[Measure]:
    least = fewest(PRODUCTS)
    lines = [
        ("API calls", [run.requests for run in runs.values()], Expectation(least, "the fewest")),
        ("… refused by the API", [run.refused for run in runs.values()], Expectation(0)),
    ]
    return [Measure(name, found, expected=[at_most], judged=len(runs)) for name, found, at_most in lines]


def _times(runs: Mapping[str, Run]) -> list[Measure]:
    limit = at_the_limit(fewest(PRODUCTS))
    seconds = [run.seconds for run in runs.values()]
    return [
        Measure("time at the API's limit, s", seconds, digits=1),
        Measure(
            f"… of the {limit:,.0f} s that the limit alone takes",
            [taken / limit for taken in seconds],
            digits=3,
            expected=[Expectation(1.1)],
            judged=len(runs),
        ),
    ]


def _shorter(run: Run) -> list[Measure]:
    calls = fewest(SHORTER)
    limit = at_the_limit(calls)
    return [
        Measure(
            f"{calls:,} calls: of the {limit:,.0f} s that the limit alone takes",
            [None, run.seconds / limit, None],
            digits=3,
            expected=[Expectation(1.05)],
            judged=2,
        )
    ]


def _sizes(memory: Mapping[int, Mapping[str, float]]) -> list[Measure]:
    lines = [
        Measure(f"memory for {count:,} products, MB", list(found.values()), digits=1)
        for count, found in memory.items()
    ]
    growth = [memory[PRODUCTS][name] - memory[FEWER][name] for name in JOBS]
    more = math.ceil((PRODUCTS - FEWER) / 1000)
    return [
        *lines,
        Measure(
            f"… more for {more},000 products more, MB",
            growth,
            digits=1,
            expected=[Expectation(5.0)],
            judged=len(JOBS),
        ),
    ]


NOTES = f"""\
How whole jobs were measured
  Shop      {PRODUCTS:,} products with {PRICES:,} prices. The audit checks everything, the exports have every column.
  Fewest    A list gives {_PAGE} products; one more tells that there are no more. One list of collections. Then each
            product once, for SEO and collections, and its prices once: the API gives neither for several products.
  Time      The sandbox with the API's own limit of {LIMIT} requests in {INTERVAL_SECONDS:g} s; server, client and
            sandbox in one process. Their work takes its time; waiting for the limit is jumped over and counted.
  Memory    The installed server as a process of its own, over stdio and HTTP: how much its peak (VmHWM of /proc)
            grows by the whole job, after the same job on 200 products."""


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(serve(int(sys.argv[1])))
    else:
        sys.exit(main())
