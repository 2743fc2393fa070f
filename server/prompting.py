"""Prompts for whoever picks one: listed from their templates, rendered with what the shop holds now."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, GetPromptResult, Prompt, PromptArgument

from ..products_api.errors import ProductsApiError
from ..products_api.reading_memory import ReadingMemory, remembering
from ..prompts.arguments import checked, find
from ..prompts.errors import PromptError
from ..prompts.rendering import render
from ..prompts.template import templates
from ..tools.shop import Shop
from ..tools.text import visible
from .choosing import choose
from .reports import document

if TYPE_CHECKING:
    from ..products_api.client import ProductsClient
    from .shop_names import ShopNames


def listed() -> list[Prompt]:
    """All prompts."""
    return [
        Prompt(
            name=template.name,
            title=template.title,
            description=template.description,
            arguments=[
                PromptArgument(
                    name=argument.name, description=argument.description, required=argument.required
                )
                for argument in template.arguments.values()
            ],
        )
        for template in templates().values()
    ]


async def rendered(
    name: str,
    arguments: Mapping[str, str],
    *,
    api: "Callable[[], ProductsClient]",
    names: "ShopNames",
    offered: Collection[str],
) -> GetPromptResult:
    """A prompt with the shop's data.

    Raises:
        MCPError: -32602 for a prompt or an argument that does not fit; -32603 where the shop could not be read.
    """
    today = today_utc()
    try:
        template = find(name)
        given = checked(template, {key: visible(value) for key, value in arguments.items()}, today=today)
        shop = Shop(api(), quiet)
        # Several documents look at the same things; what one has read, the next need not ask for.
        with remembering(ReadingMemory()):
            chosen = await choose(template.arguments, given, shop=shop, names=names, today=today)
            documents = [await document(kind, chosen) for kind in template.documents]
    except PromptError as error:
        raise MCPError(code=INVALID_PARAMS, message=str(error)) from None
    except ProductsApiError as error:
        raise MCPError(code=INTERNAL_ERROR, message=f"The shop could not be read. {error}") from None
    return GetPromptResult(
        description=template.description,
        messages=render(template, chosen.shown(), documents, offered=offered),
    )


def today_utc() -> date:
    """Today, as the API counts days."""
    return datetime.now(UTC).date()


async def quiet(done: float, total: float | None, message: str | None) -> None:
    """Report to nobody: reading a prompt or a resource has no progress to show."""
    del done, total, message
