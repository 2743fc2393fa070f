"""A server of this project on a port of this machine, for scripts that look at it from outside."""

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_SECONDS_TO_START = 30.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def serving(*command: str | Path, port: int, **variables: str) -> Generator[Path]:
    """Run a command until the block ends, once its port answers; yields the file with what it says.

    Raises:
        RuntimeError: it did not start, or had ended when the block did.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HOOPAI_")}
    descriptor, name = tempfile.mkstemp(suffix=".log")
    log = Path(name)
    with os.fdopen(descriptor, "w") as sink:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=environment | variables,
        )
    try:
        _wait_for(process, port, log)
        yield log
        if process.poll() is not None:
            raise RuntimeError(f"the server ended by itself:\n{log.read_text('utf-8')}")
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    last = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < last and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
        except urllib.error.HTTPError:
            return  # that path is not served, but something answers
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server did not start:\n{log.read_text('utf-8')}")
