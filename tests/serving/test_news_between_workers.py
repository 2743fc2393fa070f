"""Several processes on one store: who is subscribed at one of them hears what the others write and are told, once."""

import asyncio
import base64
import json
import signal
import sqlite3
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from listeners import Ears
from postgres import Postgres, restartable_server
from web_server import ERAS, Era, call, connected, first_product
from workers import Worker, started

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.server import running_server

pytestmark = pytest.mark.anyio

PLATFORM = Ed25519PrivateKey.generate()
CATALOG = "hoopai://catalog"
QUIET_SECONDS = 3.0
"""Three times as long as there is between two looks."""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with restartable_server() as running:
        yield running


@pytest.fixture
def database(server: Postgres, request: pytest.FixtureRequest) -> str:
    """A database of the test's own."""
    name = f"news_{abs(hash(request.node.name))}"
    with psycopg.connect(server.address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.address.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["folder", "postgres"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Where the workers have their store."""
    folder = {"HOOPAI_DATA_DIR": str(tmp_path / "data")}
    if request.param == "postgres":
        return {**folder, "HOOPAI_DATABASE_URL": request.getfixturevalue("database")}
    return folder


@asynccontextmanager
async def two_workers(tmp_path: Path, kept: dict[str, str]) -> AsyncGenerator[tuple[Worker, Worker]]:
    keys = tmp_path / "keys.pem"
    keys.write_bytes(PLATFORM.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    app = create_app(rate_limit=0)
    async with running_server(app) as shop:
        environment = {
            "HOOPAI_BASE_URL": shop,
            "HOOPAI_ACCESS_TOKEN": TOKEN,
            "HOOPAI_LOCATION_ID": LOCATION_ID,
            "HOOPAI_WEBHOOK_KEYS": str(keys),
            **kept,
        }
        async with started(2, environment) as (one, other):
            yield one, other
    sandbox_of(app).close()


@asynccontextmanager
async def listener(worker: Worker, *uris: str, era: Era = "2026-07-28") -> AsyncGenerator[Ears]:
    """What a client hears that is subscribed to these addresses at a worker."""
    with Ears(era) as ears:
        async with connected(worker.url, era=era, ears=ears) as client, ears.subscribed(client, *uris):
            yield ears


async def post(worker: Worker, event_id: str, product: str = "p1") -> int:
    """Send an event of a product as the platform does; the status of the answer."""
    event = {
        "webhookId": event_id,
        "timestamp": datetime.now(UTC).isoformat(),
        "_id": product,
        "locationId": LOCATION_ID,
    }
    body = json.dumps(event).encode()
    headers = {"x-ghl-signature": base64.b64encode(PLATFORM.sign(body)).decode()}
    async with httpx.AsyncClient(timeout=30) as http:
        answer = await http.post(worker.url.replace("/mcp", "/webhooks"), content=body, headers=headers)
    return answer.status_code


@pytest.mark.parametrize("era", ERAS)
async def test_a_write_at_one_worker_is_heard_at_another(
    era: Era, tmp_path: Path, kept: dict[str, str]
) -> None:
    async with two_workers(tmp_path, kept) as (one, other), connected(one.url) as client:
        product = (await first_product(client))["id"]
        mine = f"hoopai://products/{product}"
        async with listener(other, mine, CATALOG, era=era) as ears:
            await call(client, "update_product", product_id=product, description="Brighter.")
            await ears.heard(mine, CATALOG)
            await call(client, "create_product", name="Lamp", product_type="PHYSICAL")
            await ears.heard(CATALOG)


async def test_an_event_at_one_worker_is_heard_at_all_and_counts_at_none_again(
    tmp_path: Path, kept: dict[str, str]
) -> None:
    async with (
        two_workers(tmp_path, kept) as (one, other),
        listener(one, "hoopai://products/p1") as here,
        listener(other, "hoopai://products/p1") as newer,
        listener(other, "hoopai://products/p1/prices", era="legacy") as older,
    ):
        assert await post(one, "w1") == 204
        await here.heard("hoopai://products/p1")
        await newer.heard("hoopai://products/p1")
        await older.heard("hoopai://products/p1/prices")
        assert (await post(other, "w1"), await post(one, "w1")) == (409, 409)
        assert await post(other, "w2") == 204
        for ears in (here, newer):
            await ears.heard("hoopai://products/p1")
        await older.heard("hoopai://products/p1/prices")


async def test_an_event_does_not_count_again_after_a_restart(tmp_path: Path, kept: dict[str, str]) -> None:
    async with two_workers(tmp_path, kept) as (one, other):
        assert await post(one, "w1") == 204
        for number in (signal.SIGTERM, signal.SIGKILL):
            await one.end(number)
            await one.start()
            assert (await post(one, "w1"), await post(other, "w1")) == (409, 409)


async def test_of_workers_that_get_an_event_at_once_one_takes_it(
    tmp_path: Path, kept: dict[str, str]
) -> None:
    async with two_workers(tmp_path, kept) as (one, other):
        for number in range(10):
            answers = await asyncio.gather(
                *(post(worker, f"w{number}") for worker in (one, other, other, one))
            )
            assert sorted(answers) == [204, 409, 409, 409]


async def test_after_a_restart_of_the_database_all_is_told_that_came_before_and_after(
    tmp_path: Path, server: Postgres, database: str
) -> None:
    kept = {"HOOPAI_DATA_DIR": str(tmp_path / "data"), "HOOPAI_DATABASE_URL": database}
    async with (
        two_workers(tmp_path, kept) as (one, other),
        connected(one.url) as client,
        listener(one, "hoopai://products/p1", "hoopai://products/p2") as here,
        listener(other, "hoopai://products/p1", "hoopai://products/p2", CATALOG) as there,
    ):
        product = (await first_product(client))["id"]
        await asyncio.to_thread(server.stop)
        try:
            # Those of the same worker hear of it, and it counts there once.
            assert (await post(one, "w1"), await post(one, "w1")) == (204, 409)
            await here.heard("hoopai://products/p1")
            there.nothing_else()
        finally:
            await asyncio.to_thread(server.start)
        arguments = {"product_id": product, "description": "Brighter."}
        async with asyncio.timeout(60):
            while (await client.call_tool("update_product", arguments)).is_error:  # noqa: ASYNC110 - no event is set
                await asyncio.sleep(0.2)
        await there.heard(CATALOG)
        # What could not be told meanwhile is told with what comes next.
        async with asyncio.timeout(60):
            number = 2
            while (await database_has(database)) == 0:
                assert await post(one, f"w{number}", product="p2") == 204
                await here.heard("hoopai://products/p2")
                number += 1
        await there.hears("hoopai://products/p1", "hoopai://products/p2")
        assert await post(other, "w1") == 409


async def test_an_event_that_the_store_has_no_time_for_is_taken_and_told_later(tmp_path: Path) -> None:
    uri = "hoopai://products/p1"
    async with (
        two_workers(tmp_path, {"HOOPAI_DATA_DIR": str(tmp_path / "data")}) as (one, other),
        listener(one, uri) as here,
        listener(other, uri) as there,
    ):
        assert await post(one, "w1") == 204
        await here.heard(uri)
        await there.heard(uri)
        with closing(sqlite3.connect(tmp_path / "data" / "guard.sqlite", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            assert (await post(one, "w2"), await post(one, "w2")) == (204, 409)
            await here.heard(uri)
            there.nothing_else()
        await there.heard(uri)
        assert await post(other, "w2") == 409


async def database_has(database: str) -> int:
    """How many events are in the store."""
    async with await psycopg.AsyncConnection.connect(database) as connection:
        row = await (await connection.execute("SELECT count(*) FROM guard_notices")).fetchone()
    assert row is not None
    return row[0]


async def asked_seconds_ago(database: str) -> float:
    """How long ago a worker asked the database something."""
    asked = (
        "SELECT extract(epoch FROM clock_timestamp() - max(query_start)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        row = await (await connection.execute(asked)).fetchone()
    assert row is not None
    return float(row[0])


async def test_nobody_looks_while_nobody_is_subscribed(tmp_path: Path, database: str) -> None:
    kept = {"HOOPAI_DATA_DIR": str(tmp_path / "data"), "HOOPAI_DATABASE_URL": database}
    async with two_workers(tmp_path, kept) as (one, other), asyncio.timeout(60):
        for era in ERAS:
            async with listener(one, CATALOG, era=era), listener(other, CATALOG, era=era):
                # Each looks every second, so it is never longer ago than that; allow for a slow machine.
                for _ in range(3):
                    while await asked_seconds_ago(database) > 0.2:  # noqa: ASYNC110 - other processes set no event
                        await asyncio.sleep(0.05)
                    while await asked_seconds_ago(database) < 0.2:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            while await asked_seconds_ago(database) < QUIET_SECONDS:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
