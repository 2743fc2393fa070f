"""How many calls a second servers answer over HTTP, and how long the slowest of twenty takes, by clients and workers.

Run it with `make bench-serving`.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import httpx2
import subjects
from latency import free_port, wait_for
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from startup import text_of
from subjects import Subject
from table import Measure, print_table
from upstream import running_upstream

Era = Literal["2026-07-28", "legacy"]
ERAS: Final[tuple[Era, ...]] = ("2026-07-28", "legacy")
CLIENTS: Final = (1, 8, 64)
WORKERS: Final = (1, 2)
SECONDS: Final = 3.0
WARM_UP_SECONDS: Final = 0.7
_HOP: Final = frozenset({"host", "content-length", "connection", "accept-encoding", "transfer-encoding"})


@dataclass
class Recorded:
    """A call as a client of its own has sent it, to be sent again and again."""

    port: int
    head: bytes
    body: dict[str, Any]
    number: int = 1000

    def next(self) -> bytes:
        """The request once more, under a number of its own."""
        self.number += 1
        body = json.dumps({**self.body, "id": self.number}, separators=(",", ":")).encode()
        return self.head + f"content-length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Load:
    """What was found: milliseconds of each answered call, and over how many seconds."""

    taken: list[float] = field(default_factory=list[float])
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Calls a second."""
        return len(self.taken) / self.seconds

    @property
    def slow(self) -> float:
        """The 95th percentile, in milliseconds."""
        return statistics.quantiles(self.taken, n=20)[18]


Case = tuple[int, Era, int]
"""Workers, era, clients."""


def main() -> None:
    """Measure and print."""
    with running_upstream() as upstream, tempfile.TemporaryDirectory() as folder:
        servers = (subjects.ours(upstream), subjects.fastmcp(upstream), subjects.bare_sdk(upstream))
        present = [server for server in servers if server is not None]
        found = {server.name: asyncio.run(_measure(server, folder)) for server in present}
    print_table(tuple(found), [*_lines(found)])
    print(NOTES)


async def _measure(subject: Subject, folder: str) -> dict[Case, Load]:
    found: dict[Case, Load] = {}
    for workers in WORKERS:
        async with _serving(subject, workers, folder) as ports:
            for era in ERAS:
                try:
                    calls = [
                        await _record(subject, ports[number % workers], era) for number in range(max(CLIENTS))
                    ]
                except Exception as error:
                    print(f"{subject.name} does not serve {era}: {type(error).__name__}", file=sys.stderr)
                    continue
                for clients in CLIENTS:
                    found[workers, era, clients] = await _load(calls[:clients])
    return found


@asynccontextmanager
async def _serving(subject: Subject, workers: int, folder: str) -> AsyncGenerator[list[int]]:
    """So many processes of a server, each at a port of its own; ours share one data folder."""
    nowhere = subprocess.DEVNULL
    environment = {**os.environ, **subject.environment, "HOOPAI_DATA_DIR": folder}
    async with AsyncExitStack() as stack:
        ports = [free_port() for _ in range(workers)]
        for port in ports:
            process = await asyncio.create_subprocess_exec(
                *subject.http(port), env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere
            )
            stack.push_async_callback(process.wait)
            stack.callback(process.terminate)
        for port in ports:
            await wait_for(port)
        yield ports


async def _record(subject: Subject, port: int, era: Era) -> Recorded:
    """Have the SDK's client make the call, in a session of its own where the era has sessions, and keep its request."""
    sent: list[httpx2.Request] = []

    async def note(request: httpx2.Request) -> None:
        if request.method == "POST" and b'"tools/call"' in request.content:
            sent.append(request)

    url = f"http://127.0.0.1:{port}/mcp"
    async with httpx2.AsyncClient(event_hooks={"request": [note]}) as http:
        transport = streamable_http_client(url, http_client=http, terminate_on_close=False)
        async with Client(transport, mode=era) as client:
            await text_of(client, subject.get_price)
    request = sent[-1]
    kept = [f"{name}: {value}" for name, value in request.headers.items() if name.lower() not in _HOP]
    head = "\r\n".join(["POST /mcp HTTP/1.1", f"host: 127.0.0.1:{port}", *kept, ""])
    return Recorded(port, head.encode(), json.loads(request.content))


async def _load(calls: Sequence[Recorded]) -> Load:
    """All clients at once, each with one connection, the next call as soon as the last is answered."""
    load = Load()
    began = time.perf_counter() + WARM_UP_SECONDS
    end = began + SECONDS
    await asyncio.gather(*[_client(call, began, end, load) for call in calls])
    load.seconds = SECONDS
    return load


async def _client(call: Recorded, began: float, end: float, load: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", call.port)
    try:
        while (started := time.perf_counter()) < end:
            writer.write(call.next())
            body = await _answer(reader)
            now = time.perf_counter()
            if b'"result"' not in body or b'"isError":true' in body:
                raise RuntimeError(f"a call failed: {body[:300]!r}")
            if began <= started and now <= end:
                load.taken.append((now - started) * 1000)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(f"a call was refused: {head[:300]!r}")
    for line in head.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.partition(b":")[2]))
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


def _lines(found: Mapping[str, Mapping[Case, Load]]) -> Iterator[Measure]:
    for workers in WORKERS:
        for era in ERAS:
            for clients in CLIENTS:
                loads = [of_server.get((workers, era, clients)) for of_server in found.values()]
                people = f"{clients} client{'s' * (clients > 1)}"
                name = f"{workers} worker{'s' * (workers > 1)}, {era}, {people}"
                yield Measure(f"{name}: calls a second", [load and load.rate for load in loads])
                yield Measure(
                    "… 95th percentile of a call, ms", [load and load.slow for load in loads], digits=1
                )


NOTES = f"""\
How this was measured
  Servers   As in `make bench`, over streamable HTTP on loopback, without authentication; ours keep their journal in one
            folder. Two workers are two processes; every second client talks to the second.
  Call      Reading one price, answered by one loopback upstream. Each client first lets the SDK's client make the call, and
            then sends the same request again on one connection, for {SECONDS:g} seconds after {WARM_UP_SECONDS:g} that do not count.
  Machine   Two cores for the load, the workers and the upstream together. Compare within a line."""  # noqa: E501


if __name__ == "__main__":
    main()
