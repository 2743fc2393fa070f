"""Server processes on a shop behind a real socket, which share a store in a folder."""

import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult
from shop_session import Answer, Era, ShopSession, yes

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Journal
from hoopai_products_mcp.guard.store import Store
from hoopai_products_mcp.sandbox.app import Sleep, create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.seed import ShopChoice
from hoopai_products_mcp.sandbox.server import running_server

COMMAND = str(Path(sys.executable).parent / "hoopai-products-mcp")


class Shop:
    """A shop on a socket, and a folder for the store of those that work on it."""

    def __init__(self, sandbox: Sandbox, url: str, folder: Path) -> None:
        self.sandbox = sandbox
        self.url = url
        self.folder = folder

    def environment(self, **more: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOPAI_")}
        return {
            **inherited,
            "HOOPAI_BASE_URL": self.url,
            "HOOPAI_ACCESS_TOKEN": TOKEN,
            "HOOPAI_LOCATION_ID": LOCATION_ID,
            "HOOPAI_DATA_DIR": str(self.folder),
            **more,
        }

    @asynccontextmanager
    async def process(
        self, answer: Answer | None = None, *, era: Era = "2026-07-28", **more: str
    ) -> AsyncGenerator[ShopSession]:
        """A session with a server process of its own, over a pipe."""
        command = StdioServerParameters(command=COMMAND, args=[], env=self.environment(**more))
        async with self._session(command, answer, era) as session:
            yield session

    @asynccontextmanager
    async def web(
        self, url: str, answer: Answer | None = None, *, era: Era = "2026-07-28"
    ) -> AsyncGenerator[ShopSession]:
        """A session over HTTP."""
        async with self._session(url, answer, era) as session:
            yield session

    @asynccontextmanager
    async def _session(
        self, server: StdioServerParameters | str, answer: Answer | None, era: Era
    ) -> AsyncGenerator[ShopSession]:
        questions: list[str] = []

        async def elicit(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
            del context
            assert isinstance(params, ElicitRequestFormParams)
            assert answer is not None
            questions.append(params.message)
            given = answer(params.message)
            assert isinstance(given, ElicitResult)
            return given

        async with Client(server, mode=era, elicitation_callback=elicit if answer else None) as client:
            store = Store(f"sqlite:///{self.folder}/guard.sqlite")
            yield ShopSession(client, self.sandbox, store, questions)

    @asynccontextmanager
    async def process_to_kill(self, answer: Answer | None = None) -> AsyncGenerator[ShopSession]:
        """A session with a server process of its own, over a pipe, that `kill` ends."""
        # The shell writes down its own number, and becomes the server.
        script = f'echo $$ > "{self.folder}.pid"; exec "{COMMAND}"'
        command = StdioServerParameters(command="sh", args=["-c", script], env=self.environment())
        async with self._session(command, answer, "2026-07-28") as session:
            yield session

    def kill(self) -> None:
        """End the process to kill as `kill -9` does: it has no time for a word."""
        os.kill(int(Path(f"{self.folder}.pid").read_text()), signal.SIGKILL)

    def dump(self) -> dict[str, Any]:
        """The whole shop as data."""
        return self.sandbox.dump()

    def writes(self) -> list[str]:
        return [line for line in self.sandbox.requests.lines() if not line.startswith("GET ")]

    def journaled(self) -> list[tuple[str, str | None]]:
        """The road and the outcome of every change, the oldest first."""
        database = Database.open(f"sqlite:///{self.folder}/guard.sqlite")
        changes, _ = Journal(database).list(location=None)
        database.close()
        return [(change.road, change.outcome and change.outcome.outcome) for change in reversed(changes)]


@asynccontextmanager
async def http_process(shop: Shop, **more: str) -> AsyncGenerator[str]:
    """A server process over HTTP, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [COMMAND, "--transport", "http", "--port", str(port)]
    async with await anyio.open_process(
        command, env=shop.environment(**more), stdout=None, stderr=None
    ) as process:
        try:
            with anyio.fail_after(30):
                while True:
                    try:
                        await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
                        break
                    except OSError:
                        await anyio.lowlevel.checkpoint()
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def shop_on_a_socket(
    folder: Path,
    *,
    shop: ShopChoice = "demo",
    sleep: Sleep = anyio.sleep,
    rate_limit: int = 0,
    rate_interval_seconds: float = 10.0,
) -> AsyncGenerator[Shop]:
    """A shop that processes reach at an address. `sleep` is what its planned latencies wait for."""
    app = create_app(
        shop=shop, rate_limit=rate_limit, rate_interval_seconds=rate_interval_seconds, sleep=sleep
    )
    async with running_server(app) as url:
        yield Shop(sandbox_of(app), url, folder)
    sandbox_of(app).close()


class Gate:
    """What a planned latency waits for: for good, and telling that it has begun."""

    def __init__(self) -> None:
        self.reached = anyio.Event()

    async def __call__(self, seconds: float) -> None:
        del seconds
        self.reached.set()
        await anyio.sleep_forever()


async def killed(
    shop: Shop, gate: Gate, tool: str, arguments: Callable[[ShopSession], dict[str, Any]]
) -> None:
    """Make a call in a process of its own, and kill that while the API is at the write."""

    async def call() -> None:
        # Its client learns nothing more.
        with suppress(MCPError):
            async with shop.process_to_kill(yes) as session:
                await session.result(tool, **arguments(session))
        raise AssertionError("the process should have been killed")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await gate.reached.wait()
        shop.kill()
        tasks.cancel_scope.cancel()
