"""The command line at a terminal: what it shows there, and a person who types."""

import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

COMMAND = (sys.executable, "-m", "hoopai_products_mcp.server.cli")
# It takes the terminal for its own first, so that Ctrl-C reaches it as it does in a person's.
AT_A_TERMINAL = (
    sys.executable,
    "-c",
    "import fcntl, runpy, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "signal.signal(signal.SIGINT, signal.default_int_handler);"
    "runpy.run_module('hoopai_products_mcp.server.cli', run_name='__main__', alter_sys=True)",
)


def environment(**variables: str) -> dict[str, str]:
    """This machine's variables without HOOPAI_ ones, and these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOPAI_")}
    return {**inherited, "TZ": "UTC", "COLUMNS": "80", **variables}


PATIENCE_SECONDS = 30


class Terminal:
    """A running command and the screen it writes to."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self.shown = ""
        self._screen = screen

    def until(self, words: str) -> str:
        """Read until the words are shown; everything shown so far."""
        while words not in self.shown:
            more = self._more()
            assert more, f"ended without showing {words!r}:\n{self.shown}"
        return self.shown

    def type(self, text: str) -> None:
        """Type a text; `\\n` is the return key, `\\x03` Ctrl-C, `\\x04` Ctrl-D."""
        os.write(self._screen, text.encode())

    def end(self) -> tuple[int, str]:
        """Wait for the end; the exit code and everything that was shown."""
        while self._more():
            pass
        return self.process.wait(timeout=60), self.shown

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C once it waits for a key, and wait for the end."""
        # Pressed in the instant before it begins to read, it would only be noticed with the next key.
        for _ in range(100 * PATIENCE_SECONDS):
            if self._waits():
                break
            select.select([], [], [], 0.01)
        self.type("\x03")
        return self.end()

    def _waits(self) -> bool:
        """Whether it waits for something, as far as the system tells."""
        try:
            about = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return True
        return about.rpartition(")")[2].split()[0] == "S"

    def _more(self) -> bool:
        ready, _, _ = select.select([self._screen], [], [], PATIENCE_SECONDS)
        assert ready, f"nothing more is shown, and it does not end:\n{self.shown}"
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # what Linux says when nobody has the other end open any more
            return False
        self.shown += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)


@contextmanager
def terminal(*arguments: str, variables: Mapping[str, str] | None = None) -> Generator[Terminal]:
    """The command with a terminal of its own for input and output; it is ended with the block."""
    mine, its = pty.openpty()
    termios.tcsetwinsize(its, (40, 80))
    process = subprocess.Popen(
        [*AT_A_TERMINAL, *arguments],
        stdin=its,
        stdout=its,
        stderr=its,
        env=environment(**(variables or {})),
        start_new_session=True,
    )
    os.close(its)
    try:
        yield Terminal(process, mine)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(mine)


def piped(*arguments: str, typed: str = "", **variables: str) -> tuple[int, str, str]:
    """Run the command without a terminal; exit code, stdout and stderr."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=typed,
        capture_output=True,
        text=True,
        env=environment(**variables),
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
