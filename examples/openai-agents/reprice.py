"""Change a price with an agent of the OpenAI Agents SDK, which cannot pass a server's question on to a person.

So the two-step road is taken: the tool answers with a plan and a token, the agent shows the plan, and calls again with
the token after the person's own yes. The model is scripted, so that this runs without an account: leave `model` out
for a real one.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, Usage, set_tracing_disabled
from agents.mcp import MCPServerStdio
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

# An invented shop, and a question before every write.
SERVER = {"command": "hoopai-products-mcp", "args": ["--sandbox", "--confirm-writes", "all"]}


class ScriptedModel(Model):
    """What a model would do next, seeing what the tools have answered and the person has said so far."""

    async def get_response(
        self, system_instructions: str | None, input: str | list[Any], *args: Any, **kwargs: Any
    ) -> ModelResponse:
        items = input if isinstance(input, list) else [{"role": "user", "content": input}]
        asked = {item["call_id"]: item["name"] for item in items if item.get("type") == "function_call"}
        seen = {
            asked[item["call_id"]]: json.loads(text_of(item["output"]))
            for item in items
            if item.get("type") == "function_call_output"
        }
        said = [item["content"] for item in items if item.get("role") == "user"]
        output = next_step(seen, yes=said[-1] == "Yes, do.")
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        raise NotImplementedError
        yield


def next_step(seen: dict[str, Any], *, yes: bool) -> ResponseFunctionToolCall | ResponseOutputMessage:
    if "list_changes" in seen:
        change, last = seen["update_price"]["changed"][0], seen["list_changes"]["items"][0]
        return say(
            f"The storm lantern costs {change['after']} now, instead of {change['before']}."
            f" The journal has it: {last['tool']}, {last['outcome']}, approved by {last['approved_by']}."
        )
    update = seen.get("update_price")
    if update and "changed" in update:
        return call("list_changes", limit=1)
    if update and not yes:
        plan = update["plan"]
        return say(f"{plan['items'][0]}. Shall I?")
    if "get_product" in seen:
        product = seen["get_product"]
        price = product["prices"][0]
        token = {"confirmation_token": update["confirmation_token"]} if update else {}
        return call(
            "update_price",
            product_id=product["id"],
            price_id=price["id"],
            amount=price["amount"] + 3,
            **token,
        )
    if "list_products" in seen:
        return call("get_product", product_id=seen["list_products"]["items"][0]["id"])
    return call("list_products", search="Storm lantern")


def call(tool: str, **arguments: Any) -> ResponseFunctionToolCall:
    """A call of a tool, as a model asks for it."""
    print(f"  {tool}({', '.join(arguments)})")
    call_id = f"{tool}-{len(arguments)}"
    return ResponseFunctionToolCall(
        type="function_call", call_id=call_id, name=tool, arguments=json.dumps(arguments)
    )


def say(text: str) -> ResponseOutputMessage:
    content = ResponseOutputText(type="output_text", text=text, annotations=[])
    return ResponseOutputMessage(
        id="message", type="message", role="assistant", status="completed", content=[content]
    )


def text_of(output: Any) -> str:
    """The text of a tool's answer, which comes as one string or in parts."""
    return output if isinstance(output, str) else "".join(part["text"] for part in output)


async def main() -> None:
    async with MCPServerStdio(params=SERVER, cache_tools_list=True) as shop:
        agent = Agent("Shopkeeper", model=ScriptedModel(), mcp_servers=[shop])
        answer = await Runner.run(agent, "Raise the storm lantern by three dollars.")
        print(answer.final_output)
        # This person always agrees; show a real one the plan, and pass on what they really say.
        print("Yes, do.")
        conversation = [*answer.to_input_list(), {"role": "user", "content": "Yes, do."}]
        answer = await Runner.run(agent, conversation)
        print(answer.final_output)


set_tracing_disabled(True)
asyncio.run(main())
