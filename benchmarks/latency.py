"""What a server adds to a request: the time of a call, less that of the same request over plain httpx."""

import os
import socket
import statistics
import subprocess
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeAlias, TypeVar

import anyio
import httpx
from mcp.client import Client
from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult
from startup import connected, text_of
from subjects import Call, Subject
from upstream import Upstream

ROUNDS = 300
_WARM_UP = 20
_LONGEST_SECONDS = 15.0
"""A slow machine or a slow server gets fewer rounds."""
_PATIENCE_SECONDS = 30.0
PLAIN = "plain httpx"
IN_MEMORY = "in memory"

Request: TypeAlias = Callable[[], Awaitable[object]]
Key = TypeVar("Key")
Connect: TypeAlias = Callable[[Subject], AbstractAsyncContextManager[Client]]


async def measure(subjects: Sequence[Subject], upstream: Upstream) -> dict[str, dict[str, float]]:
    """Milliseconds of a call, the median: by the way it is made, then by server, plain httpx among them."""
    ways: dict[str, tuple[Connect, Callable[[Client, Call], Request]]] = {
        IN_MEMORY: (_in_memory, _checked),
        "in memory, unchecked": (_in_memory, _unchecked),
        "over stdio": (connected, _checked),
        "over HTTP": (_over_http, _checked),
    }
    found: dict[str, dict[str, float]] = {}
    for way, (connect, request) in ways.items():
        async with AsyncExitStack() as stack:
            requests: dict[str, Request] = {PLAIN: await stack.enter_async_context(_plain(upstream))}
            for subject in subjects:
                client = await stack.enter_async_context(connect(subject))
                requests[subject.name] = request(client, subject.get_price)
            found[way] = await medians(requests)
    return found


@asynccontextmanager
async def _plain(upstream: Upstream) -> AsyncGenerator[Request]:
    async with httpx.AsyncClient(base_url=upstream.base_url, headers=upstream.headers) as client:

        async def get() -> object:
            response = await client.get(upstream.price_path, params={"locationId": upstream.location_id})
            return response.json()

        yield get


def _checked(client: Client, call: Call) -> Request:
    """A call as usual: the client holds the result against the output schema of the tool."""

    async def make() -> object:
        return await text_of(client, call)

    return make


def _unchecked(client: Client, call: Call) -> Request:
    """The same request without that."""
    params = CallToolRequestParams(name=call.tool, arguments=dict(call.arguments))

    async def make() -> object:
        return await client.session.send_request(CallToolRequest(params=params), CallToolResult)

    return make


async def medians(requests: Mapping[Key, Request], *, rounds: int | None = None) -> dict[Key, float]:
    """Milliseconds of each request, the median; each once a round, so that a slow moment of the machine hits all.

    Without `rounds` as many as are sensible for short requests, after some that do not count.
    """
    taken: dict[Key, list[float]] = {name: [] for name in requests}
    warm_up = _WARM_UP if rounds is None else 0
    end = time.perf_counter() + _LONGEST_SECONDS
    for number in range(warm_up + (rounds or ROUNDS)):
        if rounds is None and number > 2 * warm_up and time.perf_counter() > end:
            break
        for name, request in requests.items():
            started = time.perf_counter()
            await request()
            if number >= warm_up:
                taken[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(times) for name, times in taken.items()}


@asynccontextmanager
async def _in_memory(subject: Subject) -> AsyncGenerator[Client]:
    async with Client(subject.in_memory()) as client:
        yield client


@asynccontextmanager
async def _over_http(subject: Subject) -> AsyncGenerator[Client]:
    port = free_port()
    environment = {**os.environ, **subject.environment}
    nowhere = subprocess.DEVNULL
    async with await anyio.open_process(
        subject.http(port), env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere
    ) as process:
        try:
            await wait_for(port)
            async with Client(f"http://127.0.0.1:{port}/mcp") as client:
                yield client
        finally:
            process.terminate()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


async def wait_for(port: int) -> None:
    """Wait until somebody listens there."""
    with anyio.fail_after(_PATIENCE_SECONDS):
        while True:
            try:
                async with await anyio.connect_tcp("127.0.0.1", port):
                    return
            except OSError:
                await anyio.sleep(0.05)
