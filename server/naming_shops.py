"""What clients are shown of several shops: an argument for each tool and prompt, addresses, and instructions.

Nothing of this is used, or imported, where a server has one shop.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp_types import (
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    GetPromptResult,
    Prompt,
    PromptArgument,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
)

from ..tools.addresses import EACH_SHOP, LOCATION, SCHEME
from ..tools.results import as_text
from .completing import completed
from .shops import OpenShop, Shops, UnknownShopError, listed

_ARGUMENT = {"description": "the shop, by name or location id", "type": "string"}
_RESULT = {"description": "the shop this is of", "type": "string"}
_MOST_COMPLETED = 100
_PRIVATE = frozenset({"tools/list", "prompts/list", "resources/list", "server/discover"})
"""What is not the same for callers who may use different shops."""


def with_location(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The definition of a tool that works on one of several shops."""
    given, told = definition["inputSchema"], definition["outputSchema"]
    return {
        **definition,
        "inputSchema": {
            **given,
            "properties": {LOCATION: _ARGUMENT, **given["properties"]},
            "required": [LOCATION, *given.get("required", ())],
        },
        "outputSchema": {**told, "properties": {"shop": _RESULT, **told["properties"]}},
    }


def of_shop(result: CallToolResult, shop: OpenShop) -> CallToolResult:
    """The result of a call with the name of its shop, which stands first."""
    content: dict[str, Any] = {"shop": shop.name, **(result.structured_content or {})}
    return result.model_copy(
        update={
            "structured_content": content,
            "content": [TextContent(type="text", text=as_text(content))],
        }
    )


def prompt_with_location(prompt: Prompt, *, required: bool) -> Prompt:
    """A prompt that is about one of several shops."""
    argument = PromptArgument(
        name=LOCATION, description="The shop, by name or location id.", required=required
    )
    return prompt.model_copy(update={"arguments": [argument, *(prompt.arguments or [])]})


def prompt_of_shop(result: GetPromptResult, shop: OpenShop) -> GetPromptResult:
    """A prompt that says which shop it is about."""
    first, *others = result.messages
    content = first.content
    if not isinstance(content, TextContent):  # pragma: no cover - every prompt begins with its instructions
        return result
    told = content.model_copy(update={"text": f"{_about(shop)}\n\n{content.text}"})
    return result.model_copy(update={"messages": [first.model_copy(update={"content": told}), *others]})


def _about(shop: OpenShop) -> str:
    return f'This is about the shop {shop.title}: give every call {LOCATION}="{shop.name}".'


GUIDE_NOTE = (
    f"Give every call the `{LOCATION}` of the one shop that this is done in; "
    "ids of one shop mean nothing in another."
)


def instructions(text: str, shops: Sequence[OpenShop]) -> str:
    """The instructions of a server for somebody who may use these shops."""
    _, _, rest = text.partition("\n")
    if not shops:
        return f"Product catalogs of HoopAI shops. There is none here that you may use.\n{rest}"
    if len(shops) == 1:
        return (
            f"The product catalog of the HoopAI shop {listed(shops)}: products, prices, stock, store, collections, "
            f"reviews. `{LOCATION}` may be left out.\n{rest}"
        )
    return (
        f"The product catalogs of {len(shops)} HoopAI shops: products, prices, stock, store, collections, reviews.\n"
        f"Every call names its shop in `{LOCATION}`, and every result and question says which `shop` it is of. Ids of "
        "one shop mean nothing in another. If the person has not said which shop they mean, ask; never guess, and "
        f"never change several shops when they spoke of one. Shops: {listed(shops)}.\n{rest}"
    )


def by_shops(shops: Shops, text: str) -> ServerMiddleware[Any]:
    """Middleware that shows each caller their shops and no others; `text` is what the instructions say anyway."""

    async def middleware(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        found = await call_next(ctx)
        if not isinstance(found, dict):
            return found
        result: dict[str, Any] = found
        if ctx.method in {"initialize", "server/discover"}:
            result = {**result, "instructions": instructions(text, shops.mine())}
        if ctx.method == "tools/list" and len(shops.mine()) == 1:
            result = {**result, "tools": [_optional(tool) for tool in result["tools"]]}
        if ctx.method in _PRIVATE and "cacheScope" in result:
            result = {**result, "cacheScope": "private"}
        return result

    return middleware


def _optional(tool: dict[str, Any]) -> dict[str, Any]:
    """The tool for a caller who may use one shop only."""
    schema = tool["inputSchema"]
    needed = [name for name in schema["required"] if name != LOCATION]
    kept = {key: value for key, value in schema.items() if key != "required"}
    return {**tool, "inputSchema": {**kept, **({"required": needed} if needed else {})}}


def shops_document(shops: Sequence[OpenShop]) -> str:
    """The list of shops as JSON."""
    items = [
        {
            key: value
            for key, value in (
                ("name", shop.name),
                ("title", shop.profile.title),
                ("location_id", shop.location_id),
                ("writing", "off" if shop.settings.read_only else ""),
            )
            if value
        }
        for shop in shops
    ]
    return as_text({"items": items, "total": len(items)})


async def completed_in_a_shop(
    ref: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    context: CompletionContext | None,
    *,
    shops: Shops,
    today: Callable[[], date],
) -> Completion:
    """What an argument may be completed to: a shop of the caller's, or something in the one that was chosen.

    Raises:
        MCPError: -32602 for a prompt, template or argument that does not exist.
    """
    if isinstance(ref, ResourceTemplateReference):
        own = ref.uri.removeprefix(EACH_SHOP)
        ref = ref if own == ref.uri else ref.model_copy(update={"uri": SCHEME + own})
    if argument.name == LOCATION:
        typed = argument.value.strip().casefold()
        names = [
            shop.name for shop in shops.mine() if typed in f"{shop.name} {shop.profile.title}".casefold()
        ]
        return Completion(
            values=names[:_MOST_COMPLETED], total=len(names), has_more=len(names) > _MOST_COMPLETED
        )
    chosen = (context.arguments if context else None) or {}
    try:
        shop = shops.named(chosen.get(LOCATION))
    except UnknownShopError:
        # Until one is chosen there is nothing to choose from; whether there is another one does not show.
        return Completion(values=[])
    return await completed(ref, argument, context, names=shop.names, today=today)
