"""Several server processes on one PostgreSQL, behind a proxy that hands each request to the next of them."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path

COMMAND = str(Path(sys.executable).parent / "hoopai-products-mcp")
_LARGEST_HEAD = 65536


class Worker:
    """One process of the server; it may be killed and started again at the same address."""

    def __init__(self, environment: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it can take calls."""
        self._process = await asyncio.create_subprocess_exec(
            COMMAND, "--transport", "http", "--port", str(self.port), env=self._environment
        )
        async with asyncio.timeout(60):
            while not await self._ready():
                assert self._process.returncode is None

    async def _ready(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(OSError):
            answer = await reader.read()
            writer.close()
            return answer.startswith(b"HTTP/1.1 200")
        return False

    async def end(self, number: signal.Signals) -> None:
        """End it by a signal, and wait until it is gone."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        await self._process.wait()


class RoundRobin:
    """A plain proxy: one request for each connection, one worker after the other, and no second try of what was
    sent."""

    def __init__(self, workers: list[Worker]) -> None:
        self._workers = workers
        self._turn = count()
        self.handed: list[int] = []
        """The places of the workers that requests were handed to."""
        self._serving: set[asyncio.Task[None]] = set()

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        task = asyncio.create_task(self.serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def close(self) -> None:
        """Let go of all connections."""
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand one request on, and its answer back."""
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                lines = [line for line in head.split(b"\r\n") if line]
                named = {
                    key.strip().lower(): value.strip()
                    for key, _, value in (line.partition(b":") for line in lines)
                }
                body = await reader.readexactly(int(named.get(b"content-length", b"0")))
                kept = [line for line in lines if not line.lower().startswith(b"connection:")]
                await self._hand(b"\r\n".join([*kept, b"Connection: close", b"", b""]) + body, writer)
        finally:
            writer.close()

    async def _hand(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        for _ in self._workers:
            place = next(self._turn) % len(self._workers)
            try:
                answers, asks = await asyncio.open_connection("127.0.0.1", self._workers[place].port)
            except OSError:
                continue
            self.handed.append(place)
            try:
                asks.write(request)
                while piece := await answers.read(_LARGEST_HEAD):
                    writer.write(piece)
                    await writer.drain()
            finally:
                asks.close()
            return


@asynccontextmanager
async def started(number: int, environment: dict[str, str]) -> AsyncGenerator[list[Worker]]:
    """Workers that are running, each at its own address."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOPAI_")}
    workers = [Worker({**inherited, **environment}) for _ in range(number)]
    async with AsyncExitStack() as exits:
        await asyncio.gather(*(worker.start() for worker in workers))
        for worker in workers:
            exits.push_async_callback(worker.end, signal.SIGTERM)
        yield workers


@asynccontextmanager
async def workers_behind_a_proxy(
    number: int, environment: dict[str, str]
) -> AsyncGenerator[tuple[str, list[Worker], RoundRobin]]:
    """The address of the proxy, the workers that are running behind it, and the proxy itself."""
    async with started(number, environment) as workers, AsyncExitStack() as exits:
        proxy = RoundRobin(workers)
        server = await asyncio.start_server(proxy.begin, "127.0.0.1", 0, limit=_LARGEST_HEAD)
        exits.push_async_callback(proxy.close)
        exits.callback(server.close)
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp", workers, proxy
