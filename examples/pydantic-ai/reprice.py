"""Change a price with a pydantic-ai agent, and let a person confirm it.

The model is scripted, so that this runs without an account: put the name of a real one in its place, such as
`Agent("anthropic:claude-sonnet-5", toolsets=[shop])`.
"""

import asyncio
import warnings
from typing import Any

from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent, ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.function import AgentInfo, FunctionModel

# It says so of the newest revision of MCP, in which a question is an answer to the call. The handler is called all
# the same.
warnings.filterwarnings("ignore", message="`elicitation_handler` will never be called")

# An invented shop, and a question before every write.
SERVER = StdioTransport("hoopai-products-mcp", ["--sandbox", "--confirm-writes", "all"])


async def ask_person(message: str, response_type: Any, params: Any, context: Any) -> ElicitResult[Any]:
    """Put the server's question to whoever sits here. This one always ticks the box; a real one must ask."""
    print(f"  asked: {message.splitlines()[1]}")
    return ElicitResult(action="accept", content={"confirm": True})


def scripted(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """What a model would do next, seeing what the tools have answered so far."""
    seen: dict[str, Any] = {
        part.tool_name: part.content
        for message in messages
        for part in message.parts
        if isinstance(part, ToolReturnPart)
    }
    if "list_changes" in seen:
        change, last = seen["update_price"]["changed"][0], seen["list_changes"]["items"][0]
        return ModelResponse(
            [
                TextPart(
                    f"The storm lantern costs {change['after']} now, instead of {change['before']}."
                    f" The journal has it: {last['tool']}, {last['outcome']}, approved by {last['approved_by']}."
                )
            ]
        )
    if "update_price" in seen:
        return call("list_changes", limit=1)
    if "get_product" in seen:
        product = seen["get_product"]
        price = product["prices"][0]
        return call(
            "update_price", product_id=product["id"], price_id=price["id"], amount=price["amount"] + 3
        )
    if "list_products" in seen:
        return call("get_product", product_id=seen["list_products"]["items"][0]["id"])
    return call("list_products", search="Storm lantern")


def call(tool: str, **arguments: Any) -> ModelResponse:
    """A call of a tool, as a model asks for it."""
    print(f"  {tool}({', '.join(arguments)})")
    return ModelResponse([ToolCallPart(tool, arguments)])


async def main() -> None:
    shop = MCPToolset(SERVER, elicitation_handler=ask_person, include_instructions=True)
    agent = Agent(FunctionModel(scripted), toolsets=[shop])
    async with agent:
        answer = await agent.run("Raise the storm lantern by three dollars.")
    print(answer.output)


asyncio.run(main())
