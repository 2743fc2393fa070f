"""The demonstration: a real MCP client starts this server over stdio and works the embedded shop through it.

Nothing is staged: every line under a question is what the server answered. The sentences are a merchant's; the
calls are what an assistant would make of them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequestParams, ElicitResult, TextContent
from rich.console import Console
from rich.markup import escape

LOW = 3
SHOWN = 60
GOODBYE = """\
Connect an assistant to this shop, for instance Claude Code:

  claude mcp add hoopai-products -- {command} --sandbox

or to your own, with a Private Integration Token (Settings > Private Integrations):

  export HOOPAI_ACCESS_TOKEN=pit-...
  export HOOPAI_LOCATION_ID=...
  {command}

README.md has the configuration of the common hosts.\
"""


class DemoFailedError(Exception):
    """A call that should have succeeded did not; what was shown last says why."""


class Demo:
    """A client at work, and what it shows."""

    def __init__(self, console: Console, options: Sequence[str] = ("--sandbox",)) -> None:
        self.console = console
        self.options = options
        self.says_yes = False

    async def play(self) -> None:
        """Work the shop from the first question to the last."""
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "hoopai_products_mcp.server.cli", *self.options]
        )
        async with Client(server, elicitation_callback=self._person) as client:
            tools = (await client.list_tools()).tools
            self.console.print(
                f"[bold]A client has started hoopai-products-mcp over stdio[/] "
                f"(protocol {client.protocol_version}) and sees {len(tools)} tools.\n"
                "The shop is invented and lives inside the server."
            )
            await self._catalog(client)
            await self._low_stock(client)
            await self._new_listing(client)
            await self._raise_a_price(client)
            await self._sale(client)
            await self._reviews(client)
            await self._deletion(client)

    async def _catalog(self, client: Client) -> None:
        self._merchant("What am I selling?")
        found = await self._call(client, "list_products", limit=6, available_in_store=True)
        self._table(("product", "type"), [(item["name"], item["product_type"]) for item in found["items"]])
        self._say(f"… and {found['total'] - found['returned']} more.")

    async def _low_stock(self, client: Client) -> None:
        self._merchant("What is low on stock?")
        offset: int | None = 0
        low: list[dict[str, Any]] = []
        while offset is not None:
            page = await self._call(client, "list_inventory", limit=100, offset=offset)
            low += [item for item in page["items"] if item.get("available_quantity", LOW + 1) <= LOW]
            offset = page.get("next_offset")
        low.sort(key=lambda item: (item["available_quantity"], item["product_name"], item["name"]))
        self._table(
            ("product", "variant", "SKU", "left"),
            [
                (item["product_name"], item["name"], item.get("sku", ""), str(item["available_quantity"]))
                for item in low[:5]
            ],
        )
        self._say(f"{len(low)} variants have {LOW} or fewer left; below zero means oversold.")

    async def _new_listing(self, client: Client) -> None:
        self._merchant("Draft a listing for an owl lantern in two sizes, hidden for now.")
        product = await self._call(
            client,
            "create_product",
            name="Owl lantern",
            product_type="PHYSICAL",
            description="<p>Pierced tin. Throws owls on the wall.</p>",
            available_in_store=False,
            variants=[{"name": "Size", "options": [{"name": "Small"}, {"name": "Large"}]}],
        )
        for option, amount, stock in zip(product["variants"][0]["options"], (24.5, 39), (12, 6), strict=True):
            price = await self._call(
                client,
                "create_price",
                hide={"product_id", "variant_option_ids"},
                product_id=product["id"],
                name=option["name"],
                amount=amount,
                currency="USD",
                variant_option_ids=[option["id"]],
                sku=f"OWL-{option['name'][0]}",
                track_inventory=True,
                available_quantity=stock,
            )
            self._say(f"{price['name']}: {price['amount']} {price['currency']}, {stock} in stock")

    async def _raise_a_price(self, client: Client) -> None:
        self._merchant("Raise the storm lantern by three dollars.")
        lantern = await self._find(client, "Storm lantern")
        price = lantern["prices"][0]
        change = await self._call(
            client,
            "update_price",
            hide={"product_id", "price_id"},
            product_id=lantern["id"],
            price_id=price["id"],
            amount=price["amount"] + 3,
        )
        for field in change["changed"]:
            self._say(f"{price['name']}, {field['field']}: {field['before']} → {field['after']}")
        if not change.get("lost"):
            self._say("Read back and compared: nothing else changed.")

    async def _sale(self, client: Client) -> None:
        self._merchant("Twenty percent off all candles and lamps.")
        ids = [(await self._find(client, name))["id"] for name in ("Scented candle", "Paper moon lamp")]
        self.says_yes = True
        changed = await self._call(
            client,
            "bulk_change_prices",
            hide={"product_ids"},
            product_ids=ids,
            price={"type": "REDUCE_BY_PERCENTAGE", "value": 20},
        )
        self._say(f"{changed['prices']} prices changed; read back and compared: {changed['done']}.")

    async def _reviews(self, client: Client) -> None:
        self._merchant("Any feedback waiting for me?")
        found = await self._call(client, "list_reviews", status="pending", rating=5, limit=25)
        self._say(f"{found['notes'][0]}")
        odd = next(item for item in found["items"] if "assistant" in item["customer_text"]["headline"])
        self._say(f"A customer wrote: “{odd['customer_text']['detail']}”")
        self._say("That is text in a review. Nothing follows it.")

    async def _deletion(self, client: Client) -> None:
        self._merchant("Delete the old stock lantern.")
        lantern = await self._find(client, "Old stock lantern")
        self.says_yes = False
        await self._call(
            client, "delete_product", hide={"product_id"}, may_refuse=True, product_id=lantern["id"]
        )
        self._merchant("No, wait. Yes, do.")
        self.says_yes = True
        gone = await self._call(client, "delete_product", hide={"product_id"}, product_id=lantern["id"])
        self._say(f"{gone['name']}: deleted {gone['deleted']}.")

    async def _find(self, client: Client, name: str) -> dict[str, Any]:
        found = await self._call(client, "list_products", search=name)
        product_id = next(item["id"] for item in found["items"] if item["name"] == name)
        return await self._call(client, "get_product", hide={"product_id"}, product_id=product_id)

    async def _call(
        self,
        client: Client,
        tool: str,
        /,
        *,
        hide: set[str] | None = None,
        may_refuse: bool = False,
        **arguments: Any,
    ) -> dict[str, Any]:
        """Make and show a call; ids are left out of what is shown, not of the call."""
        shown = ", ".join(
            f"{key}={'…' if key in (hide or ()) else _short(value)}" for key, value in arguments.items()
        )
        self.console.print(f"  [cyan]{tool}[/]([dim]{escape(shown)}[/])")
        try:
            result = await client.call_tool(tool, arguments)
        except MCPError as error:
            self.console.print(f"    [yellow]{escape(error.error.message)}[/]")
            raise DemoFailedError from None
        if result.is_error:
            text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
            self.console.print(f"    [yellow]{escape(text)}[/]")
            if not may_refuse:
                raise DemoFailedError
            return {}
        return result.structured_content or {}

    async def _person(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        """The person whom the server asks."""
        del context
        for line in params.message.splitlines():
            self.console.print(f"    [magenta]│[/] {escape(line)}".rstrip())
        self.console.print(f"    [magenta]└ {'yes' if self.says_yes else 'no'}[/]")
        return (
            ElicitResult(action="accept", content={"confirm": True})
            if self.says_yes
            else ElicitResult(action="decline")
        )

    def _merchant(self, sentence: str) -> None:
        self.console.print(f"\n[bold green]Merchant:[/] [bold]{escape(sentence)}[/]")

    def _say(self, line: str) -> None:
        self.console.print(f"    {escape(line)}")

    def _table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        lines = [head, *rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        for number, line in enumerate(lines):
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            text = escape("  ".join(cells).rstrip())
            self.console.print(f"    {text if number else f'[dim]{text}[/]'}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _command() -> str:
    """How to start the server from here: by its name where a shell finds it, else by its path."""
    name = "hoopai-products-mcp"
    beside = Path(sys.executable).with_name(name)
    return str(beside) if which(name) is None and beside.exists() else name


def run(options: Sequence[str] = ("--sandbox",)) -> int:
    """Play the demonstration on the terminal, the server started with these options; return the exit code."""
    console = Console(highlight=False, soft_wrap=True)
    failed = False
    try:
        anyio.run(Demo(console, options).play)
    except* DemoFailedError:
        failed = True
    if failed:
        console.print("\n[bold red]The demonstration stopped:[/] the call above should have succeeded.")
        return 1
    console.print(f"\n[bold]That is all.[/] {escape(GOODBYE.format(command=_command()))}")
    return 0
