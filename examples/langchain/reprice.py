"""Change a price with a LangChain agent, and let a person confirm it.

The model is scripted, so that this runs without an account: put a real one in its place, such as
`create_agent("anthropic:claude-sonnet-5", tools)`.
"""

import asyncio
import json
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_mcp_adapters.callbacks import CallbackContext, Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp.types import ElicitRequestParams, ElicitResult

# An invented shop, and a question before every write.
SERVER = {
    "transport": "stdio",
    "command": "hoopai-products-mcp",
    "args": ["--sandbox", "--confirm-writes", "all"],
}


async def ask_person(_: Any, params: ElicitRequestParams, context: CallbackContext) -> ElicitResult:
    """Put the server's question to whoever sits here. This one always ticks the box; a real one must ask."""
    print(f"  asked: {params.message.splitlines()[1]}")
    return ElicitResult(action="accept", content={"confirm": True})


class ScriptedModel(BaseChatModel):
    """What a model would do next, seeing what the tools have answered so far."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> "ScriptedModel":
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        seen = {
            message.name: json.loads(text_of(message))
            for message in messages
            if isinstance(message, ToolMessage)
        }
        return ChatResult(generations=[ChatGeneration(message=next_step(seen))])


def next_step(seen: dict[str | None, Any]) -> AIMessage:
    if "list_changes" in seen:
        change, last = seen["update_price"]["changed"][0], seen["list_changes"]["items"][0]
        return AIMessage(
            f"The storm lantern costs {change['after']} now, instead of {change['before']}."
            f" The journal has it: {last['tool']}, {last['outcome']}, approved by {last['approved_by']}."
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


def call(tool: str, **arguments: Any) -> AIMessage:
    """A call of a tool, as a model asks for it."""
    print(f"  {tool}({', '.join(arguments)})")
    return AIMessage("", tool_calls=[{"name": tool, "args": arguments, "id": tool}])


def text_of(message: ToolMessage) -> str:
    """The text of a tool's answer, which comes as one string or in parts."""
    content = message.content
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


async def main() -> None:
    client = MultiServerMCPClient({"shop": SERVER}, callbacks=Callbacks(on_elicitation=ask_person))
    # One session for the whole conversation: without it, every call would start a server of its own.
    async with client.session("shop") as session:
        tools = await load_mcp_tools(session)
        agent = create_agent(ScriptedModel(), tools)
        question = {"messages": [("user", "Raise the storm lantern by three dollars.")]}
        answer = await agent.ainvoke(question)
    print(answer["messages"][-1].content)


asyncio.run(main())
