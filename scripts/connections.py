"""What hosts are told of the server, for the documentation: as `hoopai-products-mcp config` prints it."""

import shlex
from collections.abc import Iterator

from hoopai_products_mcp.server.config_command import entry_to_start
from hoopai_products_mcp.server.hosts import HOSTS, Entry, Host
from hoopai_products_mcp.server.settings import Settings

PROGRAM = "hoopai-products-mcp"
PORT = 8000


def started(way: str = "installed", *, sandbox: bool = False) -> Entry:
    """A server that the host starts; an installed one by its name, where a page cannot know its path."""
    options = ["--sandbox"] if sandbox else []
    entry = entry_to_start(Settings(sandbox=sandbox), way, options)
    if way != "installed":
        return entry
    return Entry(command=PROGRAM, arguments=entry.arguments, variables=entry.variables)


def block(host: Host, entry: Entry) -> Iterator[str]:
    """A configuration, fenced."""
    yield from (f"```{host.language}", *host.configure(entry).splitlines(), "```")


def hosts() -> Iterator[str]:
    """A section for each host."""
    for number, host in enumerate(HOSTS.values()):
        yield from ([""] if number else [])
        yield from (f"### {host.title}", "", f"In {host.place}:", "")
        yield from block(host, started())
        if host.link(started("uvx")):
            yield from ("", f"`{PROGRAM} config {host.name} --run uvx --link` prints a link that does it.")


def addresses() -> Iterator[str]:
    """What each host that opens an address of this machine is told."""
    entry = Entry(url=f"http://127.0.0.1:{PORT}/mcp")
    for number, host in enumerate(host for host in HOSTS.values() if host.remote):
        yield from ([""] if number else [])
        yield from (f"{host.title}, in {host.place}:", "")
        yield from block(host, entry)


def short() -> Iterator[str]:
    """The two configurations that most people need."""
    yield from ("**Claude Code**", "")
    yield from block(HOSTS["claude-code"], started())
    yield from (
        "",
        f"**Claude Desktop** ({HOSTS['claude-desktop'].place}), and with the same keys most others:",
        "",
    )
    yield from block(HOSTS["claude-desktop"], started())


def fetched() -> Iterator[str]:
    """The command lines of the programs that fetch the server."""
    yield "```sh"
    for way in ("uvx", "pipx"):
        for sandbox in (False, True):
            yield shlex.join(started(way, sandbox=sandbox).line)
    yield "```"


def contained() -> Iterator[str]:
    """The command line of a container."""
    yield from ("```sh", f"docker build -f deploy/Dockerfile -t {PROGRAM} .")
    yield from (shlex.join(started("docker").line), "```")
