"""What the demonstration shows: a merchant's sentences, an assistant's calls, the server's questions and answers."""

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from .terminal import flat

NARROWEST = 60
WIDEST = 100
"""Columns that are written at most, and into a pipe."""
LONGEST_VALUE = 60
"""Characters of an argument that are shown."""

_INDENT = "    "
_FRAME = "│"
_BULLET = "• "
_REST = "• and "
"""What the line of a plan begins with that counts the items it does not spell out (`guard/plan.py`)."""


class _Console(Console):
    """A console that leaves it to others to end the program."""

    def on_broken_pipe(self) -> None:
        """Nobody reads any more, as `head` stops to."""
        raise BrokenPipeError


class Screen:
    """A terminal, or a pipe."""

    def __init__(self) -> None:
        console = self._console = _Console(highlight=False)
        columns = console.width if console.is_terminal else WIDEST
        self._width = max(NARROWEST, min(WIDEST, columns))
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._reported = ""

    def title(self, text: str, *lines: str) -> None:
        """What the demonstration is about."""
        self._lines([text], style="bold")
        self._lines(lines)

    def merchant(self, sentence: str) -> None:
        """What the merchant says; a new scene begins."""
        self._print()
        self._print(("Merchant:", "bold green"), (f" {sentence}", "bold"))

    def aside(self, text: str) -> None:
        """What happens elsewhere meanwhile."""
        self._lines([text], first="  ", style="italic")

    def call(self, tool: str, arguments: Mapping[str, object], *, hide: Collection[str] = ()) -> None:
        """A call of a tool. What `hide` names is left out of what is shown, not of the call."""
        told = (f"{key}={'…' if key in hide else _short(value)}" for key, value in arguments.items())
        lines = self._folded(f"{tool}({', '.join(told)})", "  ", "      ")
        self._print((f"  {tool}", "cyan"), (lines[0].removeprefix(f"  {tool}"), "dim"))
        for line in lines[1:]:
            self._print((line, "dim"))

    def say(self, *lines: str) -> None:
        """What the server answered, or what it comes to."""
        self._lines(lines, first=_INDENT)

    def refusal(self, text: str) -> None:
        """What the server refused, in its own words."""
        self._lines(text.splitlines(), first=_INDENT, style="yellow")

    def framed(self, text: str, *, items: int | None = None) -> None:
        """A plan, or a question with one. Of its items no more than `items` are shown, and the rest is counted."""
        lines = text.splitlines()
        items_of = (number for number, line in enumerate(lines) if line.startswith(_BULLET))
        listed = [number for number in items_of if not lines[number].startswith(_REST)]
        unshown = listed[len(listed) if items is None else items :]
        for number, line in enumerate(lines):
            if number not in unshown:
                self._in_frame(line)
            elif number == listed[-1]:
                self._in_frame(f"{_BULLET}… {len(unshown)} more like these")

    def answer(self, text: str) -> None:
        """What the person answers to a question."""
        self._print((f"{_INDENT}└ {text}", "magenta"))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A few rows of the server's answer; the first column is cut where they would not fit."""
        lines = [[flat(cell) for cell in line] for line in (head, *rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        room = self._width - len(_INDENT) - sum(width + 2 for width in widths[1:])
        widths[0] = min(widths[0], room)
        for number, line in enumerate(lines):
            cells = (_cut(cell, width).ljust(width) for cell, width in zip(line, widths, strict=True))
            self._print((_INDENT + "  ".join(cells), "" if number else "dim"))

    async def report(self, progress: float, total: float | None, message: str | None) -> None:
        """What the server reports while it works on several things, as a bar where there is a terminal."""
        if total == 1:
            return
        self._reported = f"{message or 'working'}, {progress:.0f} of {total or progress:.0f}"
        if self._bar is None:
            columns = (TextColumn(_INDENT + "{task.description}"), BarColumn(20), MofNCompleteColumn())
            silent = not self._console.is_terminal
            self._bar = Progress(*columns, console=self._console, transient=True, disable=silent)
            self._task = self._bar.add_task(message or "working", total=total)
            self._bar.start()
        self._bar.update(self._task, completed=progress, total=total)

    def end_of_progress(self) -> str:
        """Take the bar away, so that something else can be shown; what was reported last, if anything was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        reported, self._reported = self._reported, ""
        return reported

    def farewell(self, text: str) -> None:
        """The last words, as they are."""
        first, _, rest = text.partition("\n")
        self._print()
        self._print((first, "bold"))
        for line in rest.splitlines():
            self._print((line, ""))

    def failure(self, text: str) -> None:
        """Why the demonstration ends early."""
        self._print()
        self._lines([text], style="bold red")

    def _in_frame(self, line: str) -> None:
        indent = " " * (len(line) - len(line.lstrip(" •")))
        begin = f"{_INDENT}{_FRAME} "
        for folded in self._folded(line.lstrip(), begin, begin + indent) or [begin]:
            self._print((begin.rstrip(), "magenta"), (folded.removeprefix(begin.rstrip()), ""))

    def _lines(self, lines: Iterable[str], *, first: str = "", style: str = "") -> None:
        for line in lines:
            for folded in self._folded(line, first, first):
                self._print((folded, style))

    def _print(self, *parts: tuple[str, str]) -> None:
        text = Text.assemble(*parts)
        text.rstrip()
        self._console.print(text, soft_wrap=True)

    def _folded(self, text: str, first: str, then: str) -> list[str]:
        return textwrap.wrap(
            flat(text),
            self._width,
            initial_indent=first,
            subsequent_indent=then,
            break_on_hyphens=False,
        )


def _short(value: object) -> str:
    return _cut(repr(value), LONGEST_VALUE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
