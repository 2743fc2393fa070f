"""The command line: `hoopai-products-mcp` serves, and `sandbox`, `demo` and `tools` are its commands.

A stdio server starts with every conversation, so nothing is imported before it is needed. Standard
output belongs to the protocol (or to a command's result): everything said to a person goes to stderr,
and no message repeats what was typed, which may be a token in the wrong place.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from .settings import Settings

PROGRAM = "hoopai-products-mcp"

SANDBOX_MODULES = ("jsonschema_rs", "yaml", "starlette", "rich")
"""What the `sandbox` extra brings."""

_FAILED = 1
_USAGE_ERROR = 2
_INTERRUPTED = 130  # what a shell reports for a program ended by Ctrl-C

_DESCRIPTION = """\
An MCP server over the HoopAI (LeadConnector) Products API.
Without a command it serves an assistant over stdin and stdout."""

_EPILOG = """\
commands:
  demo                 watch a client work a shop through this server
  tools [--json]       print the table of tools
  sandbox [--port N]   serve the invented shop as an HTTP API of its own

examples:
  hoopai-products-mcp --sandbox                    try it, without an account
  hoopai-products-mcp --read-only                  serve a real shop, changing nothing
  hoopai-products-mcp --transport http --port 9000 serve http://127.0.0.1:9000/mcp

Every option is also a variable, for instance HOOPAI_READ_ONLY=true; the option wins.
A real shop needs HOOPAI_ACCESS_TOKEN (only ever from the environment) and HOOPAI_LOCATION_ID."""

_HELP_FOR_MISSING = {
    "HOOPAI_ACCESS_TOKEN": "the token of a Private Integration of the sub-account",
    "HOOPAI_LOCATION_ID": "the id of that sub-account (location)",
}

_TERMINAL_HINT = f"""\
This is an MCP server that speaks over stdin and stdout: connect an assistant to it,
or try `{PROGRAM} demo`. It is serving now; Ctrl-C ends it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0, 1 for a failure, 2 for a wrong setting, 130 after Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    commands: dict[str, Callable[[list[str]], int]] = {"sandbox": _sandbox, "demo": _demo, "tools": _tools}
    try:
        if arguments and arguments[0] in commands:
            return commands[arguments[0]](arguments[1:])
        return _serve(arguments, list(commands))
    except KeyboardInterrupt:
        return _INTERRUPTED


class _Parser(argparse.ArgumentParser):
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
        self.options.append(name)
        self.add_argument(name, **details)  # pyright: ignore[reportArgumentType]

    def read(self, arguments: list[str], commands: Sequence[str] = ()) -> argparse.Namespace:
        """Parse, and refuse by name what is not known."""
        found, unknown = self.parse_known_args(arguments)
        if unknown:
            self.error(self._unknown(unknown[0], commands))
        return found

    def _unknown(self, word: str, commands: Sequence[str]) -> str:
        from .values import nearest

        if not word.startswith("--"):
            if word in commands:
                return f"the command comes first: {PROGRAM} {word}"
            meant = nearest(word, list(commands))
            hint = f"; did you mean the command {meant}?" if meant else ""
            return f"there is an argument or command that is not known{hint}"
        name = word.partition("=")[0]
        if name == "--access-token":
            return (
                "the token is only read from the environment, as HOOPAI_ACCESS_TOKEN:"
                " a command line can be read by every user of the machine"
            )
        meant = nearest(name, self.options)
        return f"there is no option {name}" + (f"; did you mean {meant}?" if meant else "")

    def error(self, message: str) -> NoReturn:
        option, found, _ = message.partition(": ignored explicit argument")
        said = f"{option} takes no value" if found else message
        self.exit(_USAGE_ERROR, f"{PROGRAM}: {said}\n`{self.prog} --help` lists the options.\n")


def _serve(arguments: list[str], commands: list[str]) -> int:
    import logging

    from .settings import Settings, SettingsError

    parser = _serve_parser()
    found = vars(parser.read(arguments, commands))
    if found.pop("version"):
        from importlib.metadata import version

        sys.stdout.write(f"{PROGRAM} {version(PROGRAM)}\n")
        return 0
    try:
        settings = Settings.read(
            os.environ, {name: value for name, value in found.items() if value is not None}
        )
    except SettingsError as error:
        return _refuse("these settings are wrong:", *(f"  {problem}" for problem in error.problems))
    if missing := settings.missing():
        return _refuse(
            "there is no shop to work on. Set in the server's environment:",
            *(f"  {name:<20} {_HELP_FOR_MISSING[name]}" for name in missing),
            "or try it on an invented shop, without an account:",
            f"  {PROGRAM} --sandbox",
            f"  {PROGRAM} demo",
        )
    if settings.sandbox and (refusal := _needs_sandbox()):
        return refusal
    if settings.confirmation == "off":
        _say("confirmation is off: destructive calls will run without asking anybody.")
    # Before the SDK sets up logging of its own, in tables as wide as a terminal.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=f"{PROGRAM}: %(message)s")
    return _serve_http(settings) if settings.transport == "http" else _serve_stdio(settings)


def _serve_parser() -> _Parser:
    from .settings import Settings, flag

    parser = _Parser(description=_DESCRIPTION, epilog=_EPILOG)
    parser.option("--version", action="store_true", help="print the version and stop")
    for name, field in Settings.model_fields.items():
        if not (option := flag(name)):
            continue
        meaning = (field.description or "").replace("%", "%%")
        if field.annotation is bool:
            parser.option(option, nargs="?", const="true", metavar="true|false", help=meaning)
        else:
            parser.option(option, metavar=name.upper(), help=meaning)
    return parser


def _serve_stdio(settings: "Settings") -> int:
    import gc
    import signal

    # A thread of the SDK waits in a read of stdin that nothing can cancel, so an orderly end would
    # wait for the client to close the pipe. State is safe at any moment; leaving at once is enough.
    signal.signal(signal.SIGINT, _leave)
    # A start makes many objects and drops hardly any: looking for garbage among them is a tenth of it.
    gc.disable()
    from .app import build_server

    server = build_server(settings)
    gc.freeze()
    gc.enable()
    if sys.stdin.isatty():
        _say(_TERMINAL_HINT)
    server.run("stdio")
    return 0


def _leave(_signal: int, _frame: object) -> NoReturn:
    os._exit(_INTERRUPTED)


def _serve_http(settings: "Settings") -> int:
    from .app import build_server
    from .streamable_http import serve

    try:
        serve(build_server(settings), settings.host, settings.port)
    except OSError as error:
        _say(f"cannot listen on {settings.host}, port {settings.port}: {error.strerror}")
        return _FAILED
    return 0


def _sandbox(arguments: list[str]) -> int:
    parser = _Parser("sandbox", description="Serve the invented shop as an HTTP API of its own.")
    parser.option("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    parser.option(
        "--port", type=_port, default=8100, help="the port to listen on, 0 for a free one (%(default)s)"
    )
    parser.option(
        "--data", type=Path, metavar="FILE", help="keep the shop in this file (without it: in memory)"
    )
    parser.option(
        "--rate-limit",
        type=_limit,
        default=100,
        metavar="N",
        help="requests that are answered in 10 seconds before 429, 0 for no limit (%(default)s)",
    )
    found = parser.read(arguments)
    if refusal := _needs_sandbox():
        return refusal
    import sqlite3

    from ..sandbox.server import serve

    try:
        serve(found.host, found.port, data=found.data, rate_limit=found.rate_limit)
    except OSError as error:
        _say(f"the sandbox cannot listen on {found.host}, port {found.port}: {error.strerror}")
        return _FAILED
    except sqlite3.Error as error:
        _say(f"the sandbox cannot keep its shop in that file: {error}")
        return _FAILED
    return 0


def _port(text: str) -> int:
    from .values import port

    try:
        return 0 if text == "0" else port(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("must be a whole number from 0")
    return int(text)


def _demo(arguments: list[str]) -> int:
    _Parser("demo", description="Watch a client work the invented shop through this server.").read(arguments)
    if refusal := _needs_sandbox():
        return refusal
    from .demo import run

    return run()


def _tools(arguments: list[str]) -> int:
    parser = _Parser("tools", description="Print the table of tools.")
    parser.option("--json", action="store_true", help="as JSON, with descriptions")
    as_json: bool = parser.read(arguments).json
    from ..tools.catalog import RECORDS

    if as_json:
        import json

        from ..tools.records import summary

        sys.stdout.write(json.dumps([summary(record) for record in RECORDS], indent=2) + "\n")
        return 0
    for record in RECORDS:
        asks = "asks first" if record.asks else ""
        sys.stdout.write(f"{record.name:<25} {record.toolset:<12} {asks:<11} {record.operation}\n")
    return 0


def _needs_sandbox() -> int:
    """Refuse, with what to install, when the extra is not there; 0 when it is."""
    if all(find_spec(module) for module in SANDBOX_MODULES):
        return 0
    return _refuse(f"the sandbox is not installed. Install it with:\n  pip install '{PROGRAM}[sandbox]'")


def _refuse(*lines: str) -> int:
    _say("\n".join(lines))
    return _USAGE_ERROR


def _say(text: str) -> None:
    sys.stderr.write(f"{PROGRAM}: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
