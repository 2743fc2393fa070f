"""Schemas that every client can take in: strict languages, code generators and models' own dialects of JSON Schema."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from mcp.client import Client

from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.settings import Settings

pytestmark = pytest.mark.anyio

LONGEST_DESCRIPTION = 1024
"""Characters; where the tightest host cuts, or refuses the tool."""
UNDERSTOOD = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "default", "description"}
    | {
        "minimum",
        "maximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "pattern",
        "format",
    }
)
"""Keywords that all dialects share. No union, reference, condition, constant or title is among them."""
TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean"})


def nodes(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside a schema by its path, whatever keyword it stands under."""
    if isinstance(schema, list):
        for number, below in enumerate(cast("list[Any]", schema)):
            yield from nodes(below, f"{path}[{number}]")
    if not isinstance(schema, dict):
        return
    node = cast("dict[str, Any]", schema)
    yield path, node
    for keyword, value in node.items():
        if keyword == "properties":
            for name, below in value.items():
                yield from nodes(below, f"{path}.{name}")
        elif keyword not in {"default", "enum"}:
            yield from nodes(value, f"{path}[{keyword}]")


async def schemas() -> list[tuple[str, dict[str, Any]]]:
    """Every schema of every tool, as a client is sent it."""
    async with Client(build_server(Settings())) as client:
        tools = (await client.list_tools()).tools
    assert tools
    return [
        found
        for tool in tools
        for kind, schema in (("in", tool.input_schema), ("out", tool.output_schema))
        for found in nodes(schema, f"{tool.name} {kind}")
    ]


async def test_schemas_use_only_the_words_that_all_dialects_share() -> None:
    assert {path: words for path, schema in await schemas() if (words := schema.keys() - UNDERSTOOD)} == {}


async def test_every_value_has_one_type_and_it_is_not_null() -> None:
    untyped = {
        path: schema.get("type")
        for path, schema in await schemas()
        if not isinstance(schema.get("type"), str) or schema["type"] not in TYPES
    }
    assert untyped == {}


async def test_no_default_and_no_choice_is_null() -> None:
    found = {
        path
        for path, schema in await schemas()
        if schema.get("default", ...) is None or None in schema.get("enum", ())
    }
    assert found == set()


async def test_choices_are_words() -> None:
    """Dialects of models take no numbers in an enumeration."""
    odd = {
        path
        for path, schema in await schemas()
        if "enum" in schema and not all(isinstance(choice, str) for choice in schema["enum"])
    }
    assert odd == set()


async def test_no_description_is_cut_by_a_host() -> None:
    async with Client(build_server(Settings())) as client:
        tools = (await client.list_tools()).tools
    texts = [(tool.name, tool.description or "") for tool in tools]
    texts += [(path, schema["description"]) for path, schema in await schemas() if "description" in schema]
    assert {path: len(text) for path, text in texts if len(text) >= LONGEST_DESCRIPTION} == {}


async def test_what_is_required_is_described() -> None:
    missing = {
        path
        for path, schema in await schemas()
        if set(schema.get("required", ())) - schema.get("properties", {}).keys()
    }
    assert missing == set()
