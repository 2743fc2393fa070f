"""A world to break: a shop, a server on it, merchants at work, and afterwards the judgement."""

import random
import shutil
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from deeds import Deed, Shelf, deeds
from judge import Evidence, Verdict, evidence, judge, look_for_secrets
from merchants import Merchant, four_kinds
from processes import KEYS, Level, ServerProcess, ShopProcess, above, shop_process, variables_for

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.identity import TOKEN
from hoopai_products_mcp.sandbox.oauth import CLIENT_SECRET

Break = Callable[[], Coroutine[Any, Any, None]]

SECRETS = (TOKEN, CLIENT_SECRET, *KEYS.values())
TRACEBACK = "Traceback (most recent call last)"
SEED = 20261126
LATER_SECONDS = 150.0
"""By how much the server's clock is set ahead before it is asked what became of things: what was given up is looked at
as still under way for half a minute after the time that a request may take."""
READS = ("list_products", "list_inventory", "list_changes", "list_reviews")


@dataclass
class World:
    """All of it. `shelf` hands out the things that deeds are about."""

    shop: ShopProcess
    server: ServerProcess
    store_url: str
    shelf: Shelf
    chance: random.Random
    rest: Level | None = None
    """What the server holds when nobody calls, after its first calls."""
    ahead: float = 0.0
    harmed: int = 0
    """Faults of other kinds than those of the API, which its log tells."""
    heard: list[str] = field(default_factory=list[str])
    folder: Path = Path()
    """The server's data folder."""
    former: set[str] = field(default_factory=set[str])
    """The changes that were judged already: a later deed may be about the same thing."""
    mounted: bool = False
    """Whether that is on a disk of the server's own."""

    async def warm_up(self) -> None:
        """Have one of each kind done while all is well, so that everything has been imported and opened."""
        verdict = await self.round(four_kinds(self.server.url))
        if problems := verdict.problems():
            raise AssertionError("before anything was broken:\n" + "\n".join(problems))
        self.rest = await self.server.level_at_rest()

    async def round(
        self,
        merchants: Sequence[Merchant],
        break_: Break | None = None,
        *,
        meanwhile: Break | None = None,
        may_be_unknown: bool = False,
        undoes: bool = True,
        mends: Break | None = None,
    ) -> Verdict:
        """Break the world, let all merchants work in it, mend it, and judge.

        `meanwhile` runs beside them; `mends` after them, besides the faults of the API, which end by themselves.
        """
        lots = [deeds(self.shelf) for _ in merchants]
        if not undoes:
            lots = [[deed for deed in lot if deed.undoes is None] for lot in lots]
        await self.shop.forget()
        if break_ is not None:
            await break_()
        async with anyio.create_task_group() as tasks:
            if meanwhile is not None:
                tasks.start_soon(meanwhile)
            for merchant, lot in zip(merchants, lots, strict=True):
                tasks.start_soon(merchant.work, lot)
                tasks.start_soon(_reads, merchant)
        await self.shop.heal()
        if mends is not None:
            await mends()
        return await self.judged(
            [deed for lot in lots for deed in lot], merchants, may_be_unknown=may_be_unknown
        )

    async def judged(
        self, done: Sequence[Deed], merchants: Sequence[Merchant], *, may_be_unknown: bool = False
    ) -> Verdict:
        """The verdict on what the merchants did since the log was begun anew."""
        await self.settle()
        found = await self.evidence()
        verdict = judge(done, found.since(self.former), may_be_unknown=may_be_unknown)
        self.former |= {change.id for change in found.journal}
        verdict.calls = sum(merchant.calls for merchant in merchants)
        verdict.broken = sum(merchant.broken for merchant in merchants)
        for merchant in merchants:
            self.heard += merchant.heard
        return verdict

    async def settle(self) -> None:
        """Have the server look at all that it left open, some minutes later by its clock."""
        self.ahead += LATER_SECONDS
        await self.server.move_clock(self.ahead)
        asker = Merchant(self.server.url, "2026-07-28", asks=False)
        await asker.read("list_changes", limit=1)
        for change in (await self.evidence()).journal:
            if change.outcome is None or change.outcome.outcome == "unknown":
                await asker.read("get_change", change_id=change.id)
        self.heard += asker.heard

    async def evidence(self) -> Evidence:
        """What can be known from outside."""
        state, requests = await self.shop.state(), await self.shop.requests()
        if not self.mounted:
            return evidence(state, requests, self.store_url)
        # SQLite resolves the way through the process, and would look on this machine's own disk.
        with TemporaryDirectory() as copies:
            for path in self.folder.glob("guard.sqlite*"):
                shutil.copy(path, copies)
            return evidence(state, requests, f"sqlite:///{copies}/guard.sqlite")

    async def ended(self, verdict: Verdict) -> Verdict:
        """Judge what is left of it all: secrets in what was said, tracebacks, tasks, connections."""
        verdict.faults += self.harmed
        log = self.server.log.read_text("utf-8", errors="replace")
        verdict.secrets += look_for_secrets(SECRETS, [log, *self.heard])
        for path in self.folder.glob("guard.sqlite*"):
            kept = path.read_bytes().decode("latin-1")
            verdict.secrets += look_for_secrets(SECRETS, [kept])
        if TRACEBACK in log:
            verdict.wrong.append(f"a traceback in the log: …{log.rpartition(TRACEBACK)[2][-1500:]}")
        verdict.wrong += [
            f"the sandbox broke its contract: {found}" for found in await self.shop.violations()
        ]
        if self.rest is not None and self.server.runs:
            verdict.left += above(await self.server.level_at_rest(self.rest), self.rest)
        return verdict


async def _reads(merchant: Merchant) -> None:
    for tool in READS:
        await merchant.read(tool)


def stocked(file: Path, products: int) -> None:
    """Make a shop of so many generated products in a file."""
    app = create_app(data=file, shop=products)
    sandbox_of(app).close()


@asynccontextmanager
async def world(
    *,
    products: int = 120,
    rate_limit: int = 0,
    store: str | None = None,
    data: Path | None = None,
    prefix: Sequence[str] = (),
    warm: bool = True,
    login: bool = False,
    stock: Callable[[Path, int], None] = stocked,
    **settings: str,
) -> AsyncGenerator[World]:
    """A world of its own.

    `store` is the address of a PostgreSQL instead of a data folder, `data` a folder that is mounted for the server
    alone, `prefix` what stands before its command. `stock` makes the shop's file. Settings are named as variables,
    without `HOOPAI_`.
    """
    with TemporaryDirectory(prefix="bad-day-") as name:
        folder = Path(name)
        stock(folder / "shop.sqlite", products)
        async with shop_process(folder / "shop.sqlite", rate_limit=rate_limit) as shop:
            more = {f"HOOPAI_{key}": value for key, value in settings.items()}
            elsewhere, data = data is not None, data or folder / "data"
            server = ServerProcess(
                folder / "server", variables_for(shop.url, store or data, login=login, **more), prefix
            )
            await server.start()
            if elsewhere:
                # What is mounted for the server alone is seen from here through its process.
                data = Path(f"/proc/{server.pid}/root{data}")
            url = store or f"sqlite:///{data / 'guard.sqlite'}"
            made = World(shop, server, url, Shelf(await shop.state()), random.Random(SEED))
            made.folder, made.mounted = data, elsewhere
            try:
                if warm:
                    await made.warm_up()
                yield made
            finally:
                await server.end()
