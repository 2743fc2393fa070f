"""Stores to test with: in memory, in a file, and in a PostgreSQL that runs for the tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres import new_database, running_server
from still_clock import Clock

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Intent


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with running_server() as address:
        yield address


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a database in which the tables are made."""
    address = new_database(postgres_server)
    Database.open(address).close()
    return address.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def empty_postgres(postgres_server: str) -> str:
    """The address of a database in which nothing was made yet."""
    return new_database(postgres_server)


@pytest.fixture
def ready_postgres(postgres_server: str, postgres_template: str) -> str:
    """The address of a store in PostgreSQL of which nothing was used yet."""
    return new_database(postgres_server, template=postgres_template)


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
