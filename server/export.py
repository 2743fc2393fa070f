"""All changes in a file: CSV for a spreadsheet, JSON Lines with everything in them."""

import csv
import io
import json
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from ..guard.plan import from_plain
from ..products_api.exact_json import encode
from ..tools.text import visible
from .command_parser import CommandError
from .plan_text import all_items

if TYPE_CHECKING:
    from ..guard.journal import Change
    from .kept import Kept

PAGE = 100
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet takes for a formula."""

COLUMNS = (
    "id",
    "time",
    "location",
    "tool",
    "title",
    "action",
    "outcome",
    "applied",
    "of",
    "why",
    "road",
    "caller",
    "client",
    "undoes",
    "undone_by",
    "items",
    "effects",
)


def export(store: "Kept", *, form: Literal["csv", "json"], output: Path | None) -> int:
    """Write every change, and return how many; a file is made with its owner's rights only.

    Raises:
        CommandError: the file exists already, or cannot be written; then no part of it is left.
        StoreError: the store does not work.
    """
    write = _csv if form == "csv" else _json_lines
    if output is None:
        return write(_all(store), sys.stdout)
    with _new_file(output) as file:
        return write(_all(store), file)


def _all(store: "Kept") -> Iterator["Change"]:
    """Every change that has begun by now, a page at a time."""
    # What begins meanwhile would push those before it on to the next page.
    until = time.time()
    offset = 0
    while True:
        page, _ = store.journal.list(location=store.only, until=until, limit=PAGE, offset=offset)
        yield from page
        if len(page) < PAGE:
            return
        offset += PAGE


@contextmanager
def _new_file(path: Path) -> Generator[IO[str]]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise CommandError(
            "that file exists already, and is not overwritten. Nothing was exported."
        ) from None
    except OSError as error:
        raise CommandError(f"that file cannot be made: {error.strerror}. Nothing was exported.") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise CommandError(
                f"that file cannot be written: {error.strerror}. Nothing was exported."
            ) from None
        raise


def _json_lines(changes: Iterator["Change"], file: IO[str]) -> int:
    count = 0
    for change in changes:
        file.write(_ascii(encode(_whole(change)).decode()) + "\n")
        count += 1
    return count


def _whole(change: "Change") -> dict[str, Any]:
    return {**asdict(change), "time": _iso(change.time), "undone_by": list(change.undone_by)}


def _ascii(text: str) -> str:
    """The same JSON in ASCII, so that no terminal follows what is hidden in a text."""
    # Outside of its texts JSON has no other characters.
    return "".join(char if char.isascii() and char != "\x7f" else json.dumps(char)[1:-1] for char in text)


def _csv(changes: Iterator["Change"], file: IO[str]) -> int:
    # Lines end as RFC 4180 says; a row is written at once.
    writer: Callable[[list[str]], object] = csv.writer(_Unbuffered(file)).writerow
    writer(list(COLUMNS))
    count = 0
    for change in changes:
        writer([cell(value) for value in _row(change)])
        count += 1
    return count


class _Unbuffered(io.TextIOBase):
    """What the csv module writes to: any encoding, without an error for what it lacks."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str, /) -> int:
        encoding = getattr(self._file, "encoding", None) or "utf-8"
        return self._file.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _row(change: "Change") -> list[object]:
    plan = from_plain(change.plan)
    outcome = change.outcome
    return [
        change.id,
        _iso(change.time),
        change.location,
        change.tool,
        change.title,
        plan.action,
        outcome.outcome if outcome else "unknown",
        outcome.applied if outcome else None,
        outcome.of if outcome else None,
        outcome.why if outcome else None,
        change.road,
        change.caller,
        change.client,
        change.undoes,
        " ".join(change.undone_by),
        "\n".join(all_items(plan)),
        encode(change.plan["effects"]).decode(),
    ]


def cell(value: object) -> str:
    """A value as a spreadsheet shows it and never runs it: visible text, behind an apostrophe where it must be."""
    text = "" if value is None else visible(str(value))
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
