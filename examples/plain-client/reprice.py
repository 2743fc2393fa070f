"""Change a price through a plain MCP client, once with a person who can be asked and once without.

Run it where `hoopai-products-mcp` is installed with its sandbox: `python reprice.py`.
"""

import asyncio
from typing import Any

from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult, ElicitRequestFormParams, ElicitRequestParams, ElicitResult

# An invented shop, and a question before every write. For a real shop: no --sandbox, but HOOPAI_ACCESS_TOKEN and
# HOOPAI_LOCATION_ID in `env`.
SERVER = StdioServerParameters(command="hoopai-products-mcp", args=["--sandbox", "--confirm-writes", "all"])


async def ask_person(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    """Put the server's question to whoever sits here. This one always ticks the box; a real one must ask."""
    if not isinstance(params, ElicitRequestFormParams):
        return ElicitResult(action="cancel")
    print(f"  asked: {params.message.splitlines()[1]}")
    return ElicitResult(action="accept", content={"confirm": True})


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; what it answers as data. A refusal is an error, with words."""
    print(f"  {tool}({', '.join(arguments)})")
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    if result.is_error:
        raise RuntimeError(result.content)
    return result.structured_content or {}


async def reprice(client: Client) -> None:
    """Find the lantern, raise its price by three dollars, and look the change up."""
    found = await call(client, "list_products", search="Storm lantern")
    product = await call(client, "get_product", product_id=found["items"][0]["id"])
    price = product["prices"][0]
    change = {"product_id": product["id"], "price_id": price["id"], "amount": price["amount"] + 3}
    done = await call(client, "update_price", **change)
    if done.get("status") == "confirmation_required":
        # The client cannot ask, so the application does: it shows the whole plan, and sends the token only after a yes.
        print(f"  asked: {done['plan']['items'][0]}")
        done = await call(client, "update_price", **change, confirmation_token=done["confirmation_token"])
    (amount,) = done["changed"]
    print(f"  {price['name']}: {amount['before']} -> {amount['after']} {price['currency']}")
    changes = await call(client, "list_changes", limit=1)
    last = changes["items"][0]
    assert last["id"] == done["change"]["id"]
    print(f"  in the journal: {last['tool']}, {last['outcome']}, approved by {last['approved_by']}")


async def main() -> None:
    print("With a person to ask:")
    async with Client(SERVER, elicitation_callback=ask_person) as client:
        await reprice(client)
    print("Without one:")
    async with Client(SERVER) as client:
        await reprice(client)


asyncio.run(main())
