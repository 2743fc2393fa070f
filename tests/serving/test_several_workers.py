"""Four processes that share one PostgreSQL, behind a proxy, with workers killed at random: nothing is written without
its approval, nothing twice, and the journal says of every write what became of it."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from postgres import new_database
from postgres import running_server as running_postgres
from web_server import Era, call, connected, first_product, result_of
from workers import RoundRobin, Worker, workers_behind_a_proxy

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Change, Journal
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.server import running_server

pytestmark = pytest.mark.anyio

WORKERS = 4
PEOPLE = 6
KILLS = 5
HALF = 0.5
KEYS = [f"key-of-person-{number}-with-enough-characters" for number in range(PEOPLE)]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with running_postgres() as address:
        yield address


@pytest.fixture
def store(postgres: str) -> str:
    """A database of the test's own."""
    return new_database(postgres)


@dataclass
class Team:
    """The workers, the shop behind them, and their store."""

    url: str
    workers: list[Worker]
    proxy: RoundRobin
    sandbox: Sandbox
    store: str

    def journal(self) -> list[Change]:
        """All changes, the oldest first; the journal proves itself."""
        database = Database.open(self.store)
        journal = Journal(database)
        assert journal.verify().fault is None
        changes, _ = journal.list(location=None, limit=1000)
        database.close()
        return list(reversed(changes))

    def writes(self) -> list[str]:
        return [line for line in self.sandbox.requests.lines() if not line.startswith("GET ")]


@asynccontextmanager
async def team(store: str, **more: str) -> AsyncGenerator[Team]:
    app = create_app(rate_limit=0)
    async with running_server(app) as shop:
        environment = {
            "HOOPAI_BASE_URL": shop,
            "HOOPAI_ACCESS_TOKEN": TOKEN,
            "HOOPAI_LOCATION_ID": LOCATION_ID,
            "HOOPAI_DATABASE_URL": store,
            "HOOPAI_HTTP_AUTH": "key",
            "HOOPAI_HTTP_KEYS": ",".join(f"person-{number}={key}" for number, key in enumerate(KEYS)),
            "HOOPAI_HTTP_SESSIONS": "off",
            "HOOPAI_HTTP_RATE": "0",
            **more,
        }
        async with workers_behind_a_proxy(WORKERS, environment) as (url, workers, proxy):
            yield Team(url, workers, proxy, sandbox_of(app), store)
    sandbox_of(app).close()


async def test_rounds_and_tokens_go_on_at_whichever_worker_is_next(store: str) -> None:
    async with team(store) as shop:
        asked: list[str] = []
        async with connected(shop.url, KEYS[0], asked=asked) as client:
            product = (await first_product(client))["id"]
            before = len(shop.proxy.handed)
            done = await call(client, "delete_product", product_id=product)
            assert (done["deleted"], done["change"]["approved_by"]) == (True, "person")
            assert len(set(shop.proxy.handed[before:])) == 2
        async with connected(shop.url, KEYS[0], era="legacy", asked=asked) as client:
            product = (await first_product(client))["id"]
            shown = await call(client, "delete_product", product_id=product)
            token = shown["confirmation_token"]
            results = await asyncio.gather(
                *(
                    result_of(client, "delete_product", product_id=product, confirmation_token=token)
                    for _ in range(WORKERS)
                )
            )
            assert sorted(bool(result.is_error) for result in results) == [False, True, True, True]
        assert len(asked) == 1
        assert len(shop.writes()) == 2
        assert [(change.caller, change.road) for change in shop.journal()] == [
            ("person-0", "person"),
            ("person-0", "confirmation_token"),
        ]


@dataclass
class Person:
    """One who deletes some products and keeps others, and makes new ones, until all is as wanted."""

    number: int
    era: Era
    asks: bool
    deletes: list[str]
    keeps: list[str]
    makes: list[str]
    told: dict[str, str] = field(default_factory=dict[str, str])
    interrupted: int = 0

    @property
    def name(self) -> str:
        return f"person-{self.number}"

    async def work(self, shop: Team) -> None:
        for product in self.keeps:
            await self._try(shop, self._refuse, product)
        for product in self.deletes:
            while await self._try(shop, self._delete, product) is None:
                self.interrupted += 1
        for name in self.makes:
            # Not tried again: whether it was made is for the journal to say.
            if await self._try(shop, self._make, name) is None:
                self.interrupted += 1

    async def _try(self, shop: Team, deed: Any, what: str) -> str | None:
        """Do it in a conversation of its own; None when that broke off."""
        try:
            self.told[what] = await deed(shop, what)
        except AssertionError:
            raise
        except Exception:
            return None
        return self.told[what]

    async def _delete(self, shop: Team, product: str) -> str:
        questions: list[str] | None = [] if self.asks else None
        async with connected(shop.url, KEYS[self.number], era=self.era, asked=questions) as client:
            result = await result_of(client, "delete_product", product_id=product)
            content: dict[str, Any] = result.structured_content or {}
            if token := content.get("confirmation_token"):
                result = await result_of(
                    client, "delete_product", product_id=product, confirmation_token=token
                )
                content = result.structured_content or {}
            # Gone already: an earlier try got through, of which no answer came.
            return "deleted" if content.get("deleted") else f"refused: {result.content}"

    async def _refuse(self, shop: Team, product: str) -> str:
        """Look at the plan and leave it at that."""
        async with connected(shop.url, KEYS[self.number], era=self.era) as client:
            shown = await call(client, "delete_product", product_id=product)
            return str(shown["status"])

    async def _make(self, shop: Team, name: str) -> str:
        async with connected(shop.url, KEYS[self.number], era=self.era) as client:
            result = await result_of(client, "create_product", name=name, product_type="PHYSICAL")
            return "refused" if result.is_error else "made"


async def test_workers_killed_at_random_lose_nothing_and_do_nothing_twice(store: str) -> None:
    chance = random.Random(4)
    async with team(store) as shop:
        ids = [product["_id"] for product in shop.sandbox.dump()["products"]]
        people = [
            Person(
                number,
                era="legacy" if number % 2 else "2026-07-28",
                asks=number % 3 != 0,
                deletes=ids[number * 6 : number * 6 + 4],
                keeps=ids[number * 6 + 4 : number * 6 + 6],
                makes=[f"Lamp {number}-{piece}" for piece in range(3)],
            )
            for number in range(PEOPLE)
        ]
        shop.sandbox.faults.add("latency", "DELETE /products/{productId}", seconds=0.4, count=None)
        shop.sandbox.faults.add("latency", "POST /products/", seconds=0.4, count=None)
        killed = await kill_while(shop, people, chance)
        shop.sandbox.faults.clear()
        # Whoever is started next looks back at what the dead left open.
        await asyncio.gather(*(worker.end(signal.SIGKILL) for worker in shop.workers))
        await asyncio.gather(*(worker.start() for worker in shop.workers))
        async with connected(shop.url, KEYS[0]) as client:
            await call(client, "list_changes")
        assert killed >= KILLS
        assert sum(person.interrupted for person in people) > 0
        check(shop, people, set(ids))


async def kill_while(shop: Team, people: list[Person], chance: random.Random) -> int:
    """Let all of them work, and kill a worker whenever another few writes came in."""
    working = asyncio.gather(*(person.work(shop) for person in people))
    killed, seen = 0, 0
    starting: dict[int, asyncio.Task[None]] = {}
    while not working.done():
        await asyncio.sleep(0.01)
        up = [place for place in range(WORKERS) if place not in starting or starting[place].done()]
        enough = killed >= KILLS and any(person.interrupted for person in people)
        if len(shop.writes()) > seen and len(up) > WORKERS // 2 and not enough:
            seen = len(shop.writes())
            # Every other time the one that was asked last, which is probably at it still.
            last = shop.proxy.handed[-1]
            place = last if last in up and chance.random() < HALF else chance.choice(up)
            await shop.workers[place].end(signal.SIGKILL)
            starting[place] = asyncio.create_task(shop.workers[place].start())
            killed += 1
    await working
    await asyncio.gather(*starting.values())
    return killed


def check(shop: Team, people: list[Person], before: set[str]) -> None:
    after = shop.sandbox.dump()["products"]
    there = {product["_id"] for product in after}
    names = Counter(product["name"] for product in after)
    wanted_gone = {product for person in people for product in person.deletes}
    writes = Counter(shop.writes())
    deletions = {
        line.removeprefix("DELETE /products/"): n for line, n in writes.items() if line.startswith("DELETE ")
    }
    journal = shop.journal()

    # No write without its approval: what nobody agreed to is there, untouched.
    assert before - there == wanted_gone
    assert set(deletions) == wanted_gone
    # None twice.
    assert set(deletions.values()) == {1}
    made = {name: names[name] for person in people for name in person.makes}
    assert set(made.values()) <= {0, 1}
    # Every write in the journal, under the name of who wanted it, by the road on which they agreed.
    done = [change for change in journal if change.outcome and change.outcome.outcome == "done"]
    undone = [change for change in journal if change not in done]
    assert Counter(
        change.arguments["product_id"] for change in done if change.tool == "delete_product"
    ) == Counter(wanted_gone)
    assert Counter(change.arguments["name"] for change in done if change.tool == "create_product") == Counter(
        name for name, number in made.items() if number
    )
    assert writes.total() == len(done)
    # What was not done is said so, and is not there.
    assert [change.outcome and change.outcome.outcome for change in undone] == ["not_done"] * len(undone)
    by_name = {person.name: person for person in people}
    for change in done:
        person = by_name[change.caller]
        if change.tool == "create_product":
            assert change.road == "not_needed"
            assert change.arguments["name"] in person.makes
        else:
            assert change.road == (
                "person" if person.asks and person.era != "legacy" else "confirmation_token"
            )
            assert change.arguments["product_id"] in person.deletes
    # Nobody was told of a success that was none.
    for person in people:
        assert {person.told.get(name) for name in person.makes if made[name] == 0} <= {None, "refused"}
        assert {person.told.get(product) for product in person.keeps} <= {None, "confirmation_required"}
