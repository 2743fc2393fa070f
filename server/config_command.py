"""`hoopai-products-mcp config HOST`: what to write where, so that a host of an assistant finds this server.

What is printed on stdout is the configuration alone, ready for a file; where it goes is said on stderr. The token is
never part of it: each host has its own place for secrets, and what is printed gets into histories.
"""

import os
import shlex
import sys
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from .command_parser import PROGRAM, USAGE_ERROR, CommandError, Parser, read_settings, say

if TYPE_CHECKING:
    from .hosts import Entry, Host
    from .settings import Settings

WAYS = ("installed", "uvx", "pipx", "docker")
"""How a host can start the server: as it is installed here, or through a program that fetches it."""


def run(arguments: list[str]) -> int:
    """Print the configuration for a host; return the exit code."""
    from .hosts import HOSTS

    parser = Parser(
        "config HOST",
        description="Print what tells a host of an assistant of this server. Without a host: which there are.",
        epilog=f"""\
examples:
  {PROGRAM} config claude-desktop
  {PROGRAM} config claude-code --read-only --toolsets products,prices
  {PROGRAM} config cursor --run uvx --link
  {PROGRAM} config vscode --transport http --port 9000""",
    )
    parser.choice(
        "--run", WAYS, default=WAYS[0], help="how the host starts the server: as installed here, or fetched"
    )
    parser.option(
        "--link", action="store_true", help="print a link that has the host add the server, instead"
    )
    parser.settings()
    # A word after `--sandbox` would be taken for its value, so the host comes first.
    name = arguments[0] if arguments and not arguments[0].startswith("-") else ""
    found = vars(parser.read(arguments[bool(name) :], list(HOSTS), group=f"{PROGRAM} config"))
    if not name:
        return _list()
    host = _host(name)
    # What happens to be set in this shell is not what the host will start the server with; the location may well be.
    variable = "HOOPAI_LOCATION_ID"
    known = {} if found.get("shops_file") else {variable: os.environ.get(variable, "")}
    settings = read_settings(found, known)
    said_otherwise = _SAID_OTHERWISE if settings.transport == "stdio" else frozenset[str]()
    options = [
        word
        for name in type(settings).model_fields
        if name not in said_otherwise
        for word in _option(settings, name, found.get(name))
    ]
    if settings.transport == "stdio":
        entry = entry_to_start(settings, found["run"], options)
    elif host.remote:
        entry = _opened(settings)
    else:
        raise CommandError(
            f"{host.title} opens no address of this machine. Leave --transport out: it starts the server itself.",
            code=USAGE_ERROR,
        )
    return _show_link(host, entry) if found["link"] else _show(host, entry, options)


_SAID_OTHERWISE = frozenset({"transport", "host", "port", "location_id"})
"""Settings that a server which the host starts is told by a variable, or does not need."""


def _option(settings: "Settings", name: str, given: object) -> list[str]:
    """The option of a setting that was given, in the words in which the server reads it again."""
    from .settings import flag

    if not isinstance(given, str):
        return []
    value: object = getattr(settings, name)
    if value is True:
        return [flag(name)]
    return [f"{flag(name)}=false"] if value is False else [flag(name), given]


def _opened(settings: "Settings") -> "Entry":
    from .hosts import Entry

    name = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Entry(url=f"http://{name}:{settings.port}/mcp")


def entry_to_start(settings: "Settings", way: str, options: list[str]) -> "Entry":
    """How a host starts the server with these options, in one of the `WAYS`."""
    from .hosts import LOCATION_TO_FILL_IN, SECRET_TO_FILL_IN, TOKEN, TOKEN_TO_FILL_IN, Entry
    from .settings import variable

    sandbox = settings.sandbox
    variables: dict[str, str] = {}
    if not sandbox and settings.shops_file is None:
        if settings.client_id is not None:
            variables[variable("client_secret")] = SECRET_TO_FILL_IN
        elif settings.access_token_file is None:
            variables[TOKEN] = TOKEN_TO_FILL_IN
        variables[variable("location_id")] = settings.location_id or LOCATION_TO_FILL_IN
    package = f"{PROGRAM}[sandbox]"
    passed_on = [word for name in variables for word in ("-e", name)]
    before = {
        "installed": [],
        "uvx": ["--from", package, PROGRAM] if sandbox else [PROGRAM],
        "pipx": ["run", "--spec", package, PROGRAM] if sandbox else ["run", PROGRAM],
        # The journal of changes outlives the container in a volume.
        "docker": ["run", "-i", "--rm", "-v", f"{PROGRAM}:/data", *passed_on, PROGRAM],
    }[way]
    command = installed() if way == "installed" else way
    return Entry(command=command, arguments=(*before, *options), variables=variables)


def installed() -> str:
    """Where this program is: hosts with a window of their own seldom know the PATH of a shell."""
    beside = Path(sys.executable).with_name(PROGRAM + (".exe" if os.name == "nt" else ""))
    return str(beside) if beside.exists() else which(PROGRAM) or PROGRAM


def _host(name: str) -> "Host":
    from .hosts import HOSTS
    from .values import nearest

    if name in HOSTS:
        return HOSTS[name]
    meant = nearest(name.lower(), list(HOSTS))
    hint = f" Did you mean {meant}?" if meant else ""
    raise CommandError(f"there is no such host.{hint} Known: {', '.join(HOSTS)}", code=USAGE_ERROR)


def _list() -> int:
    from .hosts import HOSTS

    for host in HOSTS.values():
        sys.stdout.write(f"{host.name:<16} {host.title}\n")
    say(f"print the configuration for one of them: {PROGRAM} config HOST")
    return 0


def _show(host: "Host", entry: "Entry", options: list[str]) -> int:
    from .hosts import LOCATION_TO_FILL_IN, SECRET_TO_FILL_IN, TOKEN, TOKEN_TO_FILL_IN

    text = host.configure(entry)
    say(f"for {host.place}:")
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    if entry.url:
        say(f"start the server first: {shlex.join([PROGRAM, *options])}")
    if blanks := [
        blank for blank in (TOKEN_TO_FILL_IN, SECRET_TO_FILL_IN, LOCATION_TO_FILL_IN) if blank in text
    ]:
        say(f"put your own in place of {' and '.join(blanks)}; with --sandbox none is needed.")
    if TOKEN in entry.variables and TOKEN_TO_FILL_IN not in text:
        say("the host asks for the token when it first starts the server.")
    if link := host.link(entry):
        say(f"or open this link: {link}")
    return 0


def _show_link(host: "Host", entry: "Entry") -> int:
    link = host.link(entry)
    if link is None:
        raise CommandError(f"{host.title} has no link for this; leave --link out.", code=USAGE_ERROR)
    sys.stdout.write(f"{link}\n")
    return 0
