"""From the start of a server's process to its list of tools, and the memory it takes."""

import os
import statistics
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, TextContent, Tool
from subjects import Call, Subject

RUNS = 9
CALLS = 20
_KIB_PER_MB = 1000 * 1000 / 1024


@dataclass
class Startup:
    """What the runs of one server gave."""

    tools: list[Tool] = field(default_factory=list[Tool])
    seconds: list[float] = field(default_factory=list[float])
    listed_mb: list[float] = field(default_factory=list[float])
    called_mb: list[float] = field(default_factory=list[float])
    peak_mb: list[float] = field(default_factory=list[float])
    listing: str | None = None
    """A listing of 100 products as the model reads it, where the server has such a tool."""


async def measure(subjects: Sequence[Subject]) -> dict[str, Startup]:
    """Start each server again and again, in turn, so that a slow moment of the machine hits all of them."""
    found = {subject.name: Startup() for subject in subjects}
    for run in range(RUNS + 1):
        for subject in subjects:
            # The first run only fills the file cache.
            await _run(subject, found[subject.name] if run else Startup())
    return found


def median(values: Sequence[float]) -> float | None:
    """The median; None of nothing, as on systems without /proc."""
    return statistics.median(values) if values else None


async def _run(subject: Subject, into: Startup) -> None:
    before = _children()
    started = time.perf_counter()
    async with connected(subject) as client:
        into.tools = (await client.list_tools()).tools
        into.seconds.append(time.perf_counter() - started)
        process = next(iter(_children() - before), None)
        if process is not None:
            into.listed_mb.append(memory_of(process, "VmRSS"))
        for _ in range(CALLS):
            await text_of(client, subject.get_price)
        if process is not None:
            into.called_mb.append(memory_of(process, "VmRSS"))
            into.peak_mb.append(memory_of(process, "VmHWM"))
        if subject.list_products is not None and into.listing is None:
            into.listing = await text_of(client, subject.list_products)


@asynccontextmanager
async def connected(subject: Subject) -> AsyncGenerator[Client]:
    """A client of a new process that serves on stdio; what the process logs is dropped."""
    with open(os.devnull, "w") as nowhere:  # noqa: ASYNC230 - nothing is ever waited for there
        async with Client(stdio_client(subject.stdio, errlog=nowhere)) as client:
            yield client


async def text_of(client: Client, call: Call) -> str:
    """The text that a call gives to a model; the call must succeed."""
    result = await client.call_tool(call.tool, dict(call.arguments))
    assert isinstance(result, CallToolResult)
    text = "".join(block.text for block in result.content if isinstance(block, TextContent))
    if result.is_error:
        raise RuntimeError(f"{call.tool} failed: {text}")
    return text


@contextmanager
def new_child() -> Generator[Callable[[], int | None]]:
    """Finds the process that is started inside."""
    before = _children()
    yield lambda: next(iter(_children() - before), None)


def _children() -> set[int]:
    """The processes that this one has started and that are still there."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(process) for children in lists for process in children.read_text().split()}


def memory_of(process: int, kind: str) -> float:
    """One number of a process's memory, such as VmRSS, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{kind}:"))
    return int(line.split()[1]) / _KIB_PER_MB
