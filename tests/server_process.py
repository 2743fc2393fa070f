"""The server as a running process, for tests that talk to it as the world does."""

import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO

import pytest


@contextmanager
def serving(
    *arguments: str, stdin: int = subprocess.PIPE, **variables: str
) -> Generator[subprocess.Popen[str]]:
    """The server as a running process; it is ended with the block, if it has not ended itself."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOPAI_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "hoopai_products_mcp.server.cli", *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**inherited, **variables},
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def stream(pipe: IO[str] | None) -> IO[str]:
    """A pipe that is there."""
    assert pipe
    return pipe


def line_with(pipe: IO[str], words: str) -> str:
    """The next line that holds the words; waits for it, and fails when the process ends without it."""
    for line in pipe:
        if words in line:
            return line
    pytest.fail(f"ended without a line saying {words!r}")


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
