"""The command line: `hoopai-products-mcp` serves, and its commands are in modules of their own.

A stdio server starts with every conversation, so nothing is imported before it is needed.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .command_parser import (
    FAILED,
    PROGRAM,
    USAGE_ERROR,
    Command,
    CommandError,
    Parser,
    checked,
    dispatch,
    read_settings,
    say,
)
from .ready import require_sandbox, require_shop

if TYPE_CHECKING:
    from .settings import Settings

_INTERRUPTED = 130  # what a shell reports for a program ended by Ctrl-C
_BROKEN_PIPE = 141  # and for one whose output nobody reads any more
_NEW_OBJECTS = 10_000  # some megabytes

_DESCRIPTION = """\
An MCP server over the HoopAI (LeadConnector) Products API.
Without a command it serves an assistant over stdin and stdout."""

_EPILOG = """\
commands:
  login, logout        let an OAuth app in, or put a token into the system's keyring
  doctor               what works, what does not, and what to do about it
  approvals            changes that wait for you: read, approve or reject them
  changes              what was changed: look it up, take it back, export it
  journal verify       check that the record of changes is as it was written
  policy check         the shop's limits in plain words
  config [HOST]        what to write where, so that an assistant's host finds this server
  demo                 watch a client work a shop through this server
  tools [--json]       print the table of tools
  sandbox [--port N]   serve the invented shop as an HTTP API of its own

examples:
  hoopai-products-mcp --sandbox                    try it, without an account
  hoopai-products-mcp --read-only                  serve a real shop, changing nothing
  hoopai-products-mcp --transport http --port 9000 serve http://127.0.0.1:9000/mcp

Every option is also a variable, for instance HOOPAI_READ_ONLY=true; the option wins.
A real shop needs HOOPAI_LOCATION_ID and a token: HOOPAI_ACCESS_TOKEN (only ever from the environment),
HOOPAI_ACCESS_TOKEN_FILE, or a login."""

_TERMINAL_HINT = f"""\
This is an MCP server that speaks over stdin and stdout: connect an assistant to it,
or try `{PROGRAM} demo`. It is serving now; Ctrl-C ends it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0, 1 for a failure, 2 for a wrong setting, 130 after Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    commands: dict[str, Command] = {
        "login": _login,
        "logout": _logout,
        "doctor": _doctor,
        "approvals": _approvals,
        "changes": _changes,
        "config": _config,
        "journal": _journal,
        "policy": _policy,
        "sandbox": _sandbox,
        "demo": _demo,
        "tools": _tools,
    }
    try:
        if arguments and arguments[0] in commands:
            code = commands[arguments[0]](arguments[1:])
        else:
            code = _serve(arguments, list(commands))
        sys.stdout.flush()
    except CommandError as error:
        say(str(error))
        return error.code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read this has stopped, as `head` does. Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    return code


def _serve(arguments: list[str], commands: list[str]) -> int:
    parser = Parser(description=_DESCRIPTION, epilog=_EPILOG)
    parser.option("--version", action="store_true", help="print the version and stop")
    parser.settings()
    found = vars(parser.read(arguments, commands))
    if found["version"]:
        from importlib.metadata import version

        sys.stdout.write(f"{PROGRAM} {version(PROGRAM)}\n")
        return 0
    settings = read_settings(found)
    require_shop(settings)
    _say_what_is_unusual(settings)
    from .logs import log_to_stderr

    log_to_stderr(settings.log)
    return _serve_http(settings) if settings.transport == "http" else _serve_stdio(settings)


def _say_what_is_unusual(settings: "Settings") -> None:
    from .profiles import profiles_of

    profiles = profiles_of(settings)
    for profile in profiles:
        if profile.settings.confirmation == "off":
            where = f" in {profile.words}" if profile.name else ""
            say(f"confirmation is off{where}: destructive calls will run without asking anybody.")
    waits = any(profile.settings.confirmation == "human" for profile in profiles)
    if waits and settings.keeps_nothing and settings.transport == "stdio":
        say(
            "a client that cannot ask cannot change anything: approvals are in memory. Add --data-dir FOLDER."
        )


def _serve_stdio(settings: "Settings") -> int:
    import gc
    import signal

    # A thread of the SDK waits in a read of stdin that nothing can cancel, so an orderly end would
    # wait for the client to close the pipe. State is safe at any moment; leaving at once is enough.
    signal.signal(signal.SIGINT, _leave)
    # A start makes many objects and drops hardly any: looking for garbage among them is a tenth of it.
    gc.disable()
    from .app import build_server
    from .telemetry import telemetry_of

    server = build_server(settings, telemetry=telemetry_of())
    gc.freeze()
    gc.enable()
    if sys.stdin.isatty():
        say(_TERMINAL_HINT)
    server.run("stdio")
    return 0


def _leave(_signal: int, _frame: object) -> NoReturn:
    os._exit(_INTERRUPTED)


def _serve_http(settings: "Settings") -> int:
    import gc

    # What dozens of calls at once have made is in use still: looking for garbage among it after every 700 new objects,
    # as is usual, took a quarter of the time.
    gc.set_threshold(_NEW_OBJECTS)
    from .identification import IdentificationError
    from .streamable_http import serve

    try:
        serve(settings)
    except IdentificationError as error:
        say(str(error))
        return USAGE_ERROR
    except OSError as error:
        say(f"cannot listen on {settings.host}, port {settings.port}: {error.strerror}")
        return FAILED
    return 0


def _login(arguments: list[str]) -> int:
    from .login_command import login

    return login(arguments)


def _logout(arguments: list[str]) -> int:
    from .login_command import logout

    return logout(arguments)


def _doctor(arguments: list[str]) -> int:
    from .doctor_command import run

    return run(arguments)


def _approvals(arguments: list[str]) -> int:
    from .approvals_command import run

    return run(arguments)


def _changes(arguments: list[str]) -> int:
    from .changes_command import run

    return run(arguments)


def _config(arguments: list[str]) -> int:
    from .config_command import run

    return run(arguments)


def _journal(arguments: list[str]) -> int:
    from .journal_command import run

    return run(arguments)


def _policy(arguments: list[str]) -> int:
    description = f"""\
The shop's limits.

commands:
  check             print the rules in force in plain words, or what is wrong with their file

example:
  {PROGRAM} policy check --policy-file ./policy.toml"""
    return dispatch("policy", arguments, {"check": _check}, default="check", description=description)


def _check(arguments: list[str]) -> int:
    parser = Parser(
        "policy check",
        description="Print the rules in force in plain words, or what is wrong with their file.",
        epilog=f"example:\n  {PROGRAM} policy check --policy-file ./policy.toml",
    )
    from .policy_command import check_shops
    from .shop_option import chosen_shops, shop_option

    shop_option(parser)
    parser.settings(("policy_file", "data_dir", "shops_file"))
    found = vars(parser.read(arguments))
    return check_shops(chosen_shops(read_settings(found), found["shop"], reachable=False))


def _sandbox(arguments: list[str]) -> int:
    parser = Parser("sandbox", description="Serve the invented shop as an HTTP API of its own.")
    parser.option("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    parser.option(
        "--port",
        type=checked(_port),
        default=8100,
        help="the port to listen on, 0 for a free one (%(default)s)",
    )
    parser.option(
        "--data", type=Path, metavar="FILE", help="keep the shop in this file (without it: in memory)"
    )
    parser.option(
        "--rate-limit",
        type=checked(_limit),
        default=100,
        metavar="N",
        help="requests that are answered in 10 seconds before 429, 0 for no limit (%(default)s)",
    )
    found = parser.read(arguments)
    require_sandbox()
    import sqlite3

    from ..sandbox.server import serve

    try:
        serve(found.host, found.port, data=found.data, rate_limit=found.rate_limit)
    except OSError as error:
        say(f"the sandbox cannot listen on {found.host}, port {found.port}: {error.strerror}")
        return FAILED
    except sqlite3.Error as error:
        say(f"the sandbox cannot keep its shop in that file: {error}")
        return FAILED
    return 0


def _port(text: str) -> int:
    from .values import port

    return 0 if text == "0" else port(text)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("must be a whole number from 0")
    return int(text)


def _demo(arguments: list[str]) -> int:
    Parser("demo", description="Watch a client work the invented shop through this server.").read(arguments)
    require_sandbox()
    from .demo import run

    return run()


def _tools(arguments: list[str]) -> int:
    parser = Parser("tools", description="Print the table of tools.")
    parser.option("--json", action="store_true", help="as JSON, with descriptions")
    as_json: bool = parser.read(arguments).json
    from ..tools.catalog import RECORDS

    if as_json:
        import json

        from ..tools.records import summary
        from ..tools.scopes import needed_scopes

        told = [{**summary(record), "scopes": needed_scopes(record)} for record in RECORDS]
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return 0
    for record in RECORDS:
        asks = "asks first" if record.asks else ""
        sys.stdout.write(f"{record.name:<25} {record.toolset:<12} {asks:<11} {record.operation}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
