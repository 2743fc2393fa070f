"""The one folder in which tools read and write files, for names that a model has chosen.

A name is one plain name, never a path. Nothing is overwritten, no link is followed out of the folder, what is not a
plain file is not opened, and a file appears under its name only once it is whole.
"""

import os
import secrets
import stat
import unicodedata
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.question import NOTHING_CHANGED
from .text import counted, quoted

LONGEST_NAME: Final = 100
_BLOCK: Final = 4096
_PUNCTUATION: Final = frozenset(" ._-()")
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)
"""Names that open a device on Windows, whatever extension they have."""
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# Opening a pipe would wait for whoever writes into it.
_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0)


class FileTooLargeError(ToolError):
    """A file is larger than what may be read of it."""


class FileFolder:
    """A folder that `find` names, made when it is first written to.

    `tells_path` is whether whoever calls works on this machine, so that a path is of use to them. With `most_bytes` in
    it, nothing more is written to it.
    """

    def __init__(self, find: Callable[[], Path], *, tells_path: bool, most_bytes: int | None = None) -> None:
        self._find = find
        self._most_bytes = most_bytes
        self.tells_path = tells_path

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._find()

    def refuse_taken(self, name: str) -> None:
        """Refuse a name under which something is there already, and any where the folder is full.

        Raises:
            ToolError: there is, or no file can have the name, or the folder is full.
        """
        if os.path.lexists(self.path / checked_name(name)):
            raise _taken(name)
        if self._most_bytes is not None and self._taken_bytes() >= self._most_bytes:
            raise ToolError(
                f"{quoted(name)} could not be written: {self._words()} holds {_megabytes(self._most_bytes)} or more, "
                f"which is as much as it may. {NOTHING_CHANGED} Tell the person: whoever runs this server can take "
                "files away."
            )

    def _taken_bytes(self) -> int:
        """What is on the disk, about: a small file takes a block all the same."""
        if not self.path.is_dir():
            return 0
        with os.scandir(self.path) as entries:
            return sum(max(entry.stat(follow_symlinks=False).st_size, _BLOCK) for entry in entries)

    @contextmanager
    def writing(self, name: str) -> Generator[BinaryIO]:
        """A new file to write to. It has its name once the block has ended well, and else was never there.

        Raises:
            ToolError: something has that name already, or the file cannot be written.
        """
        self.refuse_taken(name)
        final = self.path / name
        part = final.with_name(f".{secrets.token_hex(8)}.part")
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    yield file
                _publish(part, final)
            finally:
                with suppress(FileNotFoundError):
                    part.unlink()
        except FileExistsError:
            raise _taken(name) from None
        except OSError as error:
            raise ToolError(
                f"{quoted(name)} could not be written: {error.strerror or 'the folder does not allow it'}. "
                f"{NOTHING_CHANGED} No file was left behind."
            ) from None

    @contextmanager
    def reading(self, name: str, most_bytes: int) -> Generator[BinaryIO]:
        """A file of the folder to read from.

        Raises:
            FileTooLargeError: it is larger than `most_bytes`.
            ToolError: there is none, or it is no plain file.
        """
        try:
            descriptor = os.open(self.path / checked_name(name), os.O_RDONLY | _NO_LINKS | _AT_ONCE)
        except FileNotFoundError:
            raise ToolError(f"There is no {quoted(name)} in {self._words()}. {self._listed()}") from None
        except OSError:
            raise _no_file(name) from None
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            os.close(descriptor)
            raise _no_file(name)
        with os.fdopen(descriptor, "rb") as file:
            if about.st_size > most_bytes:
                raise FileTooLargeError(
                    f"{quoted(name)} has {_megabytes(about.st_size)}; at most {_megabytes(most_bytes)} are read. "
                    f"{NOTHING_CHANGED} Split it into several files."
                )
            yield file

    def _words(self) -> str:
        return f"the folder {self.path}" if self.tells_path else "the server's folder for files"

    def _listed(self) -> str:
        """What is there, as far as a model may name it."""
        try:
            names = sorted(entry.name for entry in self.path.iterdir() if not _fault(entry.name))
        except OSError:
            names = []
        if not names:
            return "It is empty."
        more = f" and {counted(len(names) - 10, 'other')}" if len(names) > 10 else ""  # noqa: PLR2004
        return f"There are {', '.join(map(quoted, names[:10]))}{more}."


def checked_name(name: str) -> str:
    """The name, if a file of the folder can have it.

    Raises:
        ToolError: it is no plain name.
    """
    if fault := _fault(name):
        raise ToolError(
            f"No file can be named {quoted(name)}: {fault}. {NOTHING_CHANGED} "
            "Give a plain name such as prices-may.csv, without a folder."
        )
    return name


def _fault(name: str) -> str | None:
    if not name or len(name) > LONGEST_NAME or len(name.encode(errors="replace")) > 2 * LONGEST_NAME:
        return f"a name has 1 to {LONGEST_NAME} characters"
    if name[0] in ". " or name[-1] in ". ":
        return "it begins or ends with a point or a space"
    if name.partition(".")[0].rstrip().lower() in _DEVICES:
        return "some systems take it for a device"
    if any(unicodedata.category(char)[0] not in "LMN" and char not in _PUNCTUATION for char in name):
        return "it has other characters than letters, digits, spaces and . _ - ( )"
    return None


def _publish(part: Path, final: Path) -> None:
    """Give a finished file its name, unless somebody was quicker."""
    try:
        os.link(part, final)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems have no second names. Then the name is taken first, which tells if it is free.
        os.close(os.open(final, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o600))
        part.replace(final)


def _taken(name: str) -> ToolError:
    return ToolError(
        f"There is a {quoted(name)} already, and nothing is overwritten. {NOTHING_CHANGED} Give another name."
    )


def _no_file(name: str) -> ToolError:
    return ToolError(f"{quoted(name)} is not a plain file that can be read here. {NOTHING_CHANGED}")


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB"
