"""The prompts and the resources for the documentation: their tables, and each prompt rendered on the invented shop."""

import textwrap
import warnings
from collections.abc import Iterator
from functools import cache

import anyio
from mcp.client import Client
from mcp_types import EmbeddedResource, ResourceLink, TextContent, TextResourceContents

from hoopai_products_mcp.prompts.rendering import BUDGET
from hoopai_products_mcp.prompts.template import Template, templates
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.resource_list import READABLE
from hoopai_products_mcp.server.settings import Settings

with warnings.catch_warnings():
    # It reads its vocabulary by a function that Python's own library calls deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from bpe_openai import get_encoding

_TOKENS = get_encoding("o200k_base")
_SHOWN = 700
"""Characters shown of a document: enough to see what it is like."""
_REVIEW = "7df078f412d9cb9cbad791ca"
_EXAMPLES: dict[str, dict[str, str]] = {
    "draft_product_description": {"product": "Storm lantern", "tone": "warm", "audience": "gift givers"},
    "triage_reviews": {"since": "2026-05-01"},
    "reply_to_review": {"review": _REVIEW, "offer": "a discount on the next order"},
    "launch_product": {"idea": "A pierced tin lantern that throws owls on the wall", "price": "24.50 USD"},
    "plan_sale": {"collection": "Tea and honey", "discount": "20 %", "ends": "2026-12-24"},
    "reprice": {"price_list": "ML-011-01;70.00\nHeather honey;11.40\nPocket lantren;26\nFlask for two;1,234"},
    "restock_report": {"threshold": "3", "target": "20"},
    "seo_refresh": {"search": "Moonflower"},
    "catalog_health": {},
    "build_collection": {"theme": "Gifts for evenings with tea"},
    "import_check": {"source": "Shopify", "since": "2026-03-18"},
    "end_of_season": {"collection": "Moon garden seeds", "season": "summer", "discount": "30 %"},
}


def menu() -> Iterator[tuple[str, ...]]:
    """One row for each prompt: its name, what it prepares, what is filled in, where it leads to."""
    yield ("prompt", "what it prepares", "filled in", "leads to")
    for template in templates().values():
        yield (
            f"`{template.name}`",
            template.description,
            ", ".join(_argument(template, name) for name in template.arguments),
            ", ".join(f"`{tool}`" for tool in template.tools),
        )


def examples() -> Iterator[str]:
    """Each prompt: its arguments, and what a client gets on the invented shop."""
    for template in templates().values():
        yield from _section(template)


def resources() -> Iterator[tuple[str, ...]]:
    """One row for each resource and template."""
    yield ("address", "what it is", "type", "for whom", "priority")
    for item in READABLE:
        yield (
            f"`{item.uri}`",
            item.description,
            f"`{item.mime_type}`",
            ", ".join({"user": "people", "assistant": "assistants"}[reader] for reader in item.audience),
            f"{item.priority:g}",
        )


def _argument(template: Template, name: str) -> str:
    if template.arguments[name].required:
        return f"**{name}**"
    return f"*{name}*" if name in template.one_of else name


def _section(template: Template) -> Iterator[str]:
    yield from (f"## {template.title}", "", f"`{template.name}`. {template.description}", "")
    for argument in template.arguments.values():
        completes = f" Suggests {', '.join(argument.suggest[:3])} and the like." if argument.suggest else ""
        needed = " (needed)" if argument.required else ""
        yield f"- `{argument.name}`{needed}: {argument.description}.{completes}"
    filled = "; ".join(f"{name} = {value!r}" for name, value in _EXAMPLES[template.name].items())
    blocks = _rendered()[template.name]
    cost = sum(len(_TOKENS.encode_ordinary(text)) for _, text in blocks)
    yield from ("", f"Filled in with {filled or 'nothing'} on the invented shop, it costs {cost} tokens:", "")
    for kind, text in blocks:
        lines = text.splitlines() if kind == "markdown" else _beginning(text)
        yield from (f"```{kind}", *lines, "```", "")


def _beginning(text: str) -> Iterator[str]:
    """The first characters of a long text, in lines."""
    address, _, content = text.partition("\n")
    yield address
    shown = content[:_SHOWN]
    yield from textwrap.wrap(shown, 116, break_on_hyphens=False)
    if len(content) > len(shown):
        yield f"… and {len(content) - len(shown):,} characters more"


@cache
def _rendered() -> dict[str, list[tuple[str, str]]]:
    return anyio.run(_render)


async def _render() -> dict[str, list[tuple[str, str]]]:
    """The blocks of every prompt, in the order in which a client gets them."""
    found: dict[str, list[tuple[str, str]]] = {}
    async with Client(build_server(Settings(sandbox=True))) as client:
        for name in templates():
            messages = (await client.get_prompt(name, _EXAMPLES[name])).messages
            found[name] = [_block(message.content) for message in messages]
    return found


def _block(content: object) -> tuple[str, str]:
    match content:
        case TextContent():
            return "markdown", content.text
        case EmbeddedResource(resource=TextResourceContents() as resource):
            return "text", f"resource {resource.uri}\n{resource.text}"
        case ResourceLink():
            return "text", f"link {content.uri}\n{content.name}"
        case _:
            raise TypeError(f"a prompt has no {type(content).__name__}")


def budget() -> Iterator[str]:
    """The budget in a sentence."""
    yield f"No prompt costs more than {BUDGET:,} tokens (o200k_base), however large the shop is."
