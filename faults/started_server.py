"""The server as its command starts it, with what a bad day needs at hand: a clock that can be moved, and a look at its
tasks.

`python started_server.py FOLDER ARGUMENTS…`. At SIGUSR2 the clock is moved by the seconds in FOLDER/clock. At SIGUSR1
garbage is collected and what is left is written to FOLDER/seen.json. Nothing of the server itself is replaced.
"""

import asyncio
import contextlib
import ctypes
import gc
import json
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any


class MovedClock:
    """Wall-clock time as the operating system would tell it after somebody has set the clock."""

    def __init__(self, folder: Path) -> None:
        self._true = time.time
        self._file = folder / "clock"
        self._ahead = 0.0

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self._true() + self._ahead

    def move(self, *_: Any) -> None:
        """Read by how much it is ahead."""
        self._ahead = float(self._file.read_text())


def seen(folder: Path, *_: Any) -> None:
    """Write down what the process holds when nobody needs it any more."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        # glibc keeps freed pages for later; what is measured is what is in use.
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    try:
        tasks = len(asyncio.all_tasks())
    except RuntimeError:
        tasks = 0
    found = {"tasks": tasks, "threads": threading.active_count()}
    partial = folder / "seen.partial"
    partial.write_text(json.dumps(found))
    partial.replace(folder / "seen.json")


def main() -> int:
    """Start the server, with everything after the folder as its arguments."""
    folder = Path(sys.argv[1])
    sys.argv[1:2] = []
    clock = MovedClock(folder)
    # Before anything of the server is imported, which may take the function over.
    time.time = clock
    signal.signal(signal.SIGUSR2, clock.move)
    signal.signal(signal.SIGUSR1, partial(seen, folder))
    from hoopai_products_mcp.server.cli import main as started

    return started()


if __name__ == "__main__":
    sys.exit(main())
