"""The parser of the command line, and how a command says that it cannot go on.

Standard output belongs to the protocol (or to a command's result): everything said to a person goes to stderr, and no
message repeats what was typed, which may be a token in the wrong place.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from .settings import Settings

PROGRAM = "hoopai-products-mcp"

FAILED = 1
USAGE_ERROR = 2

T = TypeVar("T")
Command = Callable[[list[str]], int]


class CommandError(Exception):
    """A command cannot do what was asked. The text says why and what to do; `code` is the exit code."""

    def __init__(self, *lines: str, code: int = FAILED) -> None:
        super().__init__("\n".join(lines))
        self.code = code


class Parser(argparse.ArgumentParser):
    """argparse, without its habit of repeating what was typed."""

    def __init__(self, command: str = "", *, description: str, epilog: str = "") -> None:
        super().__init__(
            prog=f"{PROGRAM} {command}".rstrip(),
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            description=description,
            epilog=epilog,
        )
        self.options: list[str] = []

    def option(self, name: str, **details: object) -> None:
        """Add an option; one with a wrong name is told its nearest."""
        self.options.append(name)
        self.add_argument(name, **details)  # pyright: ignore[reportArgumentType]

    def choice(self, name: str, allowed: tuple[str, ...], **details: object) -> None:
        """Add an option that takes one word of a closed list."""
        from .values import one_of

        self.option(name, type=checked(one_of(*allowed)), metavar="|".join(allowed), **details)

    def settings(self, names: Iterable[str] | None = None) -> None:
        """Add the options of these settings, or of all that have one."""
        from .settings import Settings, flag

        for name in names or Settings.model_fields:
            field = Settings.model_fields[name]
            if not (option := flag(name)):
                continue
            meaning = (field.description or "").replace("%", "%%")
            if field.annotation is bool:
                self.option(option, nargs="?", const="true", metavar="true|false", help=meaning)
            else:
                self.option(option, metavar=name.upper(), help=meaning)

    def read(
        self, arguments: list[str], commands: Sequence[str] = (), *, group: str = PROGRAM
    ) -> argparse.Namespace:
        """Parse, and refuse by name what is not known. `commands` are those of the `group` this parser stands for."""
        found, unknown = self.parse_known_args(arguments)
        if unknown:
            self.error(self._unknown(unknown[0], commands, group))
        return found

    def _unknown(self, word: str, commands: Sequence[str], group: str) -> str:
        from .values import nearest

        if not word.startswith("--"):
            if word in commands:
                return f"the command comes first: {group} {word}"
            meant = nearest(word, list(commands))
            hint = f"; did you mean the command {meant}?" if meant else ""
            return f"there is an argument or command that is not known{hint}"
        name = word.partition("=")[0]
        if name in {"--access-token", "--database-url"}:
            return _only_from_the_environment(name)
        meant = nearest(name, self.options)
        return f"there is no option {name}" + (f"; did you mean {meant}?" if meant else "")

    def error(self, message: str) -> NoReturn:
        """End with what is wrong, and where the options are listed."""
        option, found, _ = message.partition(": ignored explicit argument")
        said = f"{option} takes no value" if found else message
        self.exit(USAGE_ERROR, f"{PROGRAM}: {said}\n`{self.prog} --help` lists the options.\n")


def checked(check: Callable[[str], T]) -> Callable[[str], T]:
    """A check of a value as argparse takes it: what it refuses it refuses in its own words."""

    def convert(text: str) -> T:
        try:
            return check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def _only_from_the_environment(option: str) -> str:
    from .settings import PREFIX

    what = "token" if option == "--access-token" else "database's address"
    variable = PREFIX + option.removeprefix("--").replace("-", "_").upper()
    return (
        f"the {what} is only read from the environment, as {variable}:"
        " a command line can be read by every user of the machine"
    )


def dispatch(
    group: str, arguments: list[str], commands: Mapping[str, Command], *, default: str, description: str
) -> int:
    """Run one of a group's commands; without a name, the default one. Return the exit code."""
    first = arguments[0] if arguments else ""
    if first in commands:
        return commands[first](arguments[1:])
    if first in {"-h", "--help"} or (first and not first.startswith("-")):
        parser = Parser(group, description=description)
        parser.read(arguments, list(commands), group=f"{PROGRAM} {group}")
    return commands[default](arguments)


def read_settings(found: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> "Settings":
    """The settings of the environment and of these options.

    Raises:
        CommandError: a setting is unknown or malformed.
    """
    from .settings import Settings, SettingsError

    flags = {
        name: value
        for name, value in found.items()
        if name in Settings.model_fields and isinstance(value, str)
    }
    try:
        return Settings.read(environ, flags)
    except SettingsError as error:
        problems = [f"  {problem}" for problem in error.problems]
    raise CommandError("these settings are wrong:", *problems, code=USAGE_ERROR)


def say(text: str) -> None:
    """Say something to the person, on stderr."""
    sys.stderr.write(f"{PROGRAM}: {text}\n")
