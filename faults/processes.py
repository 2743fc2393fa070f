"""The processes of a bad day: the shop behind its API, and the server that works on it. Both are real ones."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.oauth import CLIENT_ID, CLIENT_SECRET

COMMAND = str(Path(sys.executable).parent / "hoopai-products-mcp")
LAUNCHER = str(Path(__file__).with_name("started_server.py"))
SECONDS_TO_START = 60
SECONDS_TO_END = 20
KEYS = {f"person-{number}": f"key-of-person-{number}-with-enough-characters" for number in range(4)}


def own_environment() -> dict[str, str]:
    """The environment without any setting of the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HOOPAI_")}


class ShopProcess:
    """The invented shop behind its API: how to break it, and what it has seen."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log
        # No connection is kept: the shop may close one in the moment in which it is used again.
        limits = httpx.Limits(max_keepalive_connections=0)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self._http = httpx.AsyncClient(
            base_url=f"{url}/_sandbox", headers=headers, timeout=120, limits=limits
        )

    async def _ask(self, method: str, path: str, content: Any = None) -> Any:
        answer = await self._http.request(method, path, json=content)
        answer.raise_for_status()
        return answer.json()

    async def break_(self, kind: str, operation: str = "*", **more: Any) -> None:
        """Plan a fault, as `sandbox/faults.py` describes it."""
        await self._ask("POST", "/faults", {"kind": kind, "operation": operation, **more})

    async def heal(self) -> None:
        """From here on nothing goes wrong."""
        await self._ask("DELETE", "/faults")

    async def requests(self) -> list[dict[str, Any]]:
        """What arrived since the last `forget`, the oldest first."""
        return await self._ask("GET", "/requests")

    async def forget(self) -> None:
        """Begin a new log."""
        await self._ask("DELETE", "/requests")

    async def state(self) -> dict[str, Any]:
        """The whole shop."""
        return await self._ask("GET", "/state")

    async def violations(self) -> list[str]:
        """Where the sandbox itself broke its contract."""
        return await self._ask("GET", "/violations")

    async def age_tokens(self, seconds: float) -> None:
        """Let the tokens of logins grow older at once."""
        await self._ask("POST", "/tokens/age", {"seconds": seconds})

    async def revoke_tokens(self) -> None:
        """Take the tokens of all logins back."""
        await self._ask("DELETE", "/tokens")

    async def aclose(self) -> None:
        """Let go of it."""
        await self._http.aclose()


@asynccontextmanager
async def shop_process(data: Path, *, rate_limit: int = 0) -> AsyncGenerator[ShopProcess]:
    """A shop on a free port. `data` is a file with a shop in it."""
    options = ("--port", "0", "--rate-limit", str(rate_limit), "--data", str(data))
    log = data.with_suffix(".log")
    with log.open("ab") as sink:
        process = await asyncio.create_subprocess_exec(
            *(COMMAND, "sandbox", *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=sink,
            env=own_environment(),
        )
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS_TO_START):
        first = (await process.stdout.readline()).decode()
    shop = ShopProcess(first.rpartition(" ")[2].strip(), log)
    try:
        yield shop
    finally:
        await shop.aclose()
        await ended(process, signal.SIGINT)


async def ended(process: asyncio.subprocess.Process, number: signal.Signals) -> int:
    """End a process by a signal and wait until it is gone; its exit code. One that stays is killed."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
    try:
        async with asyncio.timeout(SECONDS_TO_END):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait()


@dataclass(frozen=True)
class Level:
    """What a process holds: asyncio tasks, threads, open descriptors, sockets that callers hold, bytes of memory."""

    tasks: int
    threads: int
    descriptors: int
    callers: int
    memory: int


class ServerProcess:
    """The server over HTTP. It may be killed, and started again at the same address on the same store."""

    def __init__(
        self,
        folder: Path,
        variables: dict[str, str],
        prefix: Sequence[str] = (),
        arguments: Sequence[str] = (),
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.log = folder / "server.log"
        self.variables = variables
        self.prefix = prefix
        self._process: asyncio.subprocess.Process | None = None
        self._ahead = 0.0

    @property
    def url(self) -> str:
        """Where it is called."""
        return f"http://127.0.0.1:{self.port}/mcp"

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it, and wait until it takes requests."""
        with self.log.open("ab") as sink:
            self._process = await asyncio.create_subprocess_exec(
                *self.prefix,
                *(
                    sys.executable,
                    LAUNCHER,
                    str(self.folder),
                    "--transport",
                    "http",
                    "--port",
                    str(self.port),
                ),
                env=own_environment() | self.variables,
                stdout=sink,
                stderr=sink,
            )
        async with asyncio.timeout(SECONDS_TO_START):
            while not await self.healthy():
                if self._process.returncode is not None:
                    raise RuntimeError(f"the server did not start:\n{self.log.read_text('utf-8')}")
                await asyncio.sleep(0.02)
        if self._ahead:
            await self.move_clock(self._ahead)

    async def healthy(self) -> bool:
        """Whether it takes requests."""
        try:
            async with httpx.AsyncClient(timeout=5) as http:
                return (await http.get(f"http://127.0.0.1:{self.port}/healthz")).status_code == 200
        except httpx.HTTPError:
            return False

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal, and wait until it is gone."""
        if self._process is not None:
            await ended(self._process, number)

    async def move_clock(self, ahead: float) -> None:
        """Set its clock so many seconds ahead of the true time."""
        self._ahead = ahead
        (self.folder / "clock").write_text(str(ahead))
        os.kill(self.pid, signal.SIGUSR2)
        await self._look()  # signals are taken in their order: the clock has been read by now

    async def _look(self) -> dict[str, int]:
        said = self.folder / "seen.json"
        said.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        async with asyncio.timeout(SECONDS_TO_START):
            while not said.exists():
                await asyncio.sleep(0.01)
        return json.loads(said.read_text())

    async def level(self) -> Level:
        """What it holds at this moment."""
        own = await self._look()
        process = psutil.Process(self.pid)
        with process.oneshot():
            callers = [
                found
                for found in process.net_connections("inet")
                if found.status == psutil.CONN_ESTABLISHED and found.laddr and found.laddr.port == self.port
            ]
            return Level(
                own["tasks"], own["threads"], process.num_fds(), len(callers), process.memory_info().rss
            )

    async def level_at_rest(self, wanted: Level | None = None, *, seconds: float = 10) -> Level:
        """What it holds once nobody calls any more, and once it is down to `wanted`, if that comes in time."""
        found = await self.level()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while found.callers or (wanted is not None and above(found, wanted)):
                    await asyncio.sleep(0.1)
                    found = await self.level()
        return found


TASKS_MORE = 2
DESCRIPTORS_MORE = 25
"""Kept for the next request: ten connections to the API, and five of SQLite with its file, its log and its index."""


def above(found: Level, before: Level) -> list[str]:
    """What has not come back to its level; memory aside, which is judged over a longer time."""
    problems: list[str] = []
    if found.callers:
        problems.append(f"{found.callers} connections of callers are still open")
    if found.tasks > before.tasks + TASKS_MORE:
        problems.append(f"{found.tasks} tasks are left of {before.tasks} at first")
    if found.descriptors > before.descriptors + DESCRIPTORS_MORE:
        problems.append(f"{found.descriptors} descriptors are open, {before.descriptors} at first")
    return problems


def variables_for(shop_url: str, store: Path | str, *, login: bool, **more: str) -> dict[str, str]:
    """The settings of a server that works on this shop, with the shop's token or the login of an app; the store is a
    data folder or the address of a PostgreSQL."""
    app = {"HOOPAI_CLIENT_ID": CLIENT_ID, "HOOPAI_CLIENT_SECRET": CLIENT_SECRET}
    where = {"HOOPAI_DATA_DIR": str(store)} if isinstance(store, Path) else {"HOOPAI_DATABASE_URL": store}
    return {
        "HOOPAI_BASE_URL": shop_url,
        **(app if login else {"HOOPAI_ACCESS_TOKEN": TOKEN}),
        "HOOPAI_LOCATION_ID": LOCATION_ID,
        "HOOPAI_HTTP_AUTH": "key",
        "HOOPAI_HTTP_KEYS": ",".join(f"{name}={key}" for name, key in KEYS.items()),
        "HOOPAI_HTTP_RATE": "0",
        **where,
        **more,
    }
