"""The demonstration: a real MCP client starts this server over stdio and works an invented shop through it.

Nothing is staged: every line under a call is what the server answered. The sentences are a merchant's; the calls are
what an assistant would make of them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import which

import anyio
from mcp.client import Client
from mcp_types import Implementation

from . import demo_guard, demo_scenes
from .demo_assistant import Assistant, DemoFailedError, Person
from .demo_screen import Screen
from .demo_shop import open_shop

GOODBYE = """\
That is all.
The shop is gone, and with it the journal of what was changed. Connect an assistant to one like it,
for instance Claude Code:

  claude mcp add hoopai-products -- {command} --sandbox

or to your own, with a Private Integration Token (Settings > Private Integrations):

  export HOOPAI_ACCESS_TOKEN=pit-...
  export HOOPAI_LOCATION_ID=...
  {command}

README.md has the configuration of the common hosts, docs/safety.md what asks first and why."""


async def play(screen: Screen, options: Sequence[str] = ()) -> None:
    """Work the shop from the first question to the last, the server started with these options.

    Raises:
        DemoFailedError: the server did not answer as it should have.
    """
    person = Person(screen)
    itself = Implementation(name="demo", version="1")
    async with (
        open_shop() as place,
        Client(place.server(options), elicitation_callback=person.ask, client_info=itself) as client,
    ):
        tools = (await client.list_tools()).tools
        screen.title(
            "A client has started hoopai-products-mcp over stdio "
            f"(protocol {client.protocol_version}) and sees {len(tools)} tools.",
            "The shop is invented, and its API runs on this machine.",
        )
        assistant = Assistant(client, screen)
        await demo_scenes.catalog(assistant, screen)
        await demo_scenes.low_stock(assistant, screen)
        await demo_scenes.new_listing(assistant, screen)
        await demo_scenes.raise_a_price(assistant, screen)
        await demo_guard.sale(assistant, screen, person)
        await demo_scenes.reviews(assistant, screen)
        await demo_guard.forbidden(assistant, screen)
        await demo_guard.out_of_date(assistant, screen, person, place)


def run(options: Sequence[str] = ()) -> int:
    """Play the demonstration on the terminal, the server started with these options; return the exit code."""
    screen = Screen()
    failed = unread = False
    try:
        anyio.run(play, screen, options)
    except* DemoFailedError:
        failed = True
    except* BrokenPipeError:
        unread = True
    if unread:
        raise BrokenPipeError
    if failed:
        screen.failure("The demonstration stopped: the last call did not end as it should have.")
        return 1
    screen.farewell(GOODBYE.format(command=_command()))
    return 0


def _command() -> str:
    """How to start the server from here: by its name where a shell finds it, else by its path."""
    name = "hoopai-products-mcp"
    beside = Path(sys.executable).with_name(name)
    return str(beside) if which(name) is None and beside.exists() else name
