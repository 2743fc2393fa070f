"""Text for a terminal, and questions to the person at it.

Names and texts of the shop come from others. They are shown without control and invisible characters, on one line and
indented, so that nothing in them can look like a line of this program's own or move the cursor.
"""

import contextlib
import getpass
import shutil
import sys
import textwrap
from collections.abc import Iterable
from datetime import datetime

from ..tools.text import visible

_WIDEST = 100
"""Longer lines are hard to read, however wide the window is."""
_NARROWEST = 30


def flat(text: object) -> str:
    """Visible text on one line, whole."""
    return " ".join(visible(str(text)).split())


def wrapped(text: object, *, first: str = "", then: str | None = None) -> str:
    """One line of text, folded to the width of the terminal. `first` and `then` come before its lines."""
    folded = textwrap.fill(
        flat(text),
        width=max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns)),
        initial_indent=first,
        subsequent_indent=first if then is None else then,
        break_on_hyphens=False,
    )
    return folded or first.rstrip()


def named(rows: Iterable[tuple[str, object]], indent: str = "  ") -> list[str]:
    """Lines of names and what is said of each, those without a value left out."""
    told = [(flat(name), value) for name, value in rows if value not in (None, "", [], ())]
    width = max((len(name) for name, _ in told), default=0) + 2
    below = indent + " " * width
    return [wrapped(value, first=f"{indent}{name:<{width}}", then=below) for name, value in told]


def moment(seconds: float) -> str:
    """A moment in the time zone of this machine, to the minute."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M %Z")


def show(*lines: str) -> None:
    """Write lines to stdout; what its encoding cannot say is written as an escape."""
    encoding = sys.stdout.encoding or "utf-8"
    text = "".join(f"{line}\n" for line in lines)
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def somebody_is_there() -> bool:
    """Whether a person is at a terminal: they see what is shown, and what is read was typed."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def user_name() -> str:
    """Who runs this program, as the operating system knows them."""
    try:
        return flat(getpass.getuser())
    except (KeyError, OSError, ImportError):
        return "an unnamed user"


def ask(question: str) -> str | None:
    """What the person types on one line; None when they end the input instead (Ctrl-D).

    Raises:
        KeyboardInterrupt: they pressed Ctrl-C.
    """
    _forget_what_was_typed()
    show(question)
    try:
        return input("> ").strip()
    except EOFError:
        show("")
        return None
    except UnicodeDecodeError:
        return ""


def _forget_what_was_typed() -> None:
    # What was typed or pasted before the question was shown is no answer to it.
    if not sys.stdin.isatty():
        return
    with contextlib.suppress(ImportError, OSError):
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)
