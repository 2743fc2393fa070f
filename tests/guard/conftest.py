"""Stores to test with: in memory, in a file, and in a PostgreSQL that runs for the tests."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres import running_server
from still_clock import Clock

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Intent

_NUMBERS = count()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server with one database, `ready`, in which the tables are made."""
    with running_server() as address:
        with psycopg.connect(address, autocommit=True) as connection:
            # What these tests write need not outlive the machine.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE ready")
        Database.open(_named(address, "ready")).close()
        yield address


def _named(address: str, database: str) -> str:
    return address.replace("/postgres?", f"/{database}?")


@pytest.fixture
def empty_postgres(postgres_server: str) -> str:
    """The address of a database in which nothing was made yet."""
    return _named(postgres_server, _created(postgres_server, "template1"))


@pytest.fixture
def ready_postgres(postgres_server: str) -> str:
    """The address of a store in PostgreSQL of which nothing was used yet."""
    return _named(postgres_server, _created(postgres_server, "ready"))


def _created(server: str, template: str) -> str:
    name = f"store_{next(_NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return name


@pytest.fixture(params=["file", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that several processes can use at once."""
    if request.param == "postgres":
        return request.getfixturevalue("ready_postgres")
    return f"sqlite:///{tmp_path}/data/store.db"


@pytest.fixture(params=["memory", "file", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Any store."""
    if request.param == "memory":
        return "sqlite://"
    if request.param == "postgres":
        return request.getfixturevalue("ready_postgres")
    return f"sqlite:///{tmp_path}/data/store.db"


@pytest.fixture
def database(url: str, clock: Clock) -> Iterator[Database]:
    opened = Database.open(url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def intend() -> Callable[..., Intent]:
    """Makes the intent of a harmless change; what is given stands in it instead."""

    def make(**given: Any) -> Intent:
        usual: dict[str, Any] = {
            "location": "loc-1",
            "base_url": "https://shop.test",
            "caller": "caller-1",
            "client": "client-1",
            "tool": "update_price",
            "title": "Update a price",
            "operation": "PUT /products/{productId}/price/{priceId}",
            "arguments": {"amount": 19},
            "plan": {"action": "Set a price", "effects": []},
            "fingerprint": "f" * 64,
            "road": "person",
            "destructive": False,
        }
        return Intent(**{**usual, **given})

    return make
