"""The tools in full, for docs/tools.md: from the definitions that clients are shown."""

from collections.abc import Iterator, Mapping
from typing import Any

from hoopai_products_mcp.tools.records import GUARD_ARGUMENTS
from hoopai_products_mcp.tools.registration import definitions

Json = Mapping[str, Any]

_RISKS = {
    "read": "only reads",
    "create": "adds one thing",
    "update": "overwrites one thing; the journal can put it back",
    "destructive": "deletes, hides, rejects or changes many things at once",
}


def overview() -> Iterator[str]:
    """One line for each toolset, with links to its tools."""
    by_toolset: dict[str, list[str]] = {}
    for tool in definitions():
        by_toolset.setdefault(tool["toolset"], []).append(f"[`{tool['name']}`](#{tool['name']})")
    yield "| toolset | tools |"
    yield "| --- | --- |"
    for toolset, names in by_toolset.items():
        yield f"| `{toolset}` | {', '.join(names)} |"


def details() -> Iterator[str]:
    """A section for each tool, under its toolset."""
    toolset = ""
    for tool in definitions():
        if tool["toolset"] != toolset:
            yield from ([""] if toolset else [])
            toolset = tool["toolset"]
            yield f"## {toolset.capitalize()}"
        yield from ("", f"### {tool['name']}", "", tool["description"], "")
        yield from _facts(tool)
        yield from _arguments(tool["inputSchema"])
        yield from _results(tool["outputSchema"])


def _facts(tool: Json) -> Iterator[str]:
    operation = tool["_meta"]["com.hoopai/operation"]
    shown = f"`{operation}`" if "/" in operation else operation
    asked = "some or all of its calls ask a person first" if tool["asks"] else "asks nobody"
    hints = tool["annotations"]
    again = (
        "Repeating a call changes nothing more."
        if hints["idempotentHint"] and not hints["readOnlyHint"]
        else ""
    )
    yield f"*{tool['title']}* · {shown} · {_RISKS[tool['risk']]} · {asked}. {again}".rstrip()


def _arguments(schema: Json) -> Iterator[str]:
    required = set(schema.get("required", ()))
    properties: Json = schema.get("properties", {})
    own = {name: said for name, said in properties.items() if name not in GUARD_ARGUMENTS}
    if own:
        yield from ("", "| argument | takes | |", "| --- | --- | --- |")
    for name, said in own.items():
        needed = "required" if name in required else _default(said)
        notes = "; ".join(part for part in (needed, _cell(said.get("description", ""))) if part)
        yield f"| `{name}` | {kind(said)} | {notes} |"
    if len(own) < len(properties):
        also = " and ".join(f"`{name}`" for name in GUARD_ARGUMENTS)
        yield from ("", f"And {also}, as [every tool that writes](#what-every-tool-has-in-common).")


def _default(said: Json) -> str:
    return (
        f"`{said['default']}` unless said".replace("True", "true").replace("False", "false")
        if "default" in said
        else ""
    )


def _results(schema: Json) -> Iterator[str]:
    fields = [name for name in schema.get("properties", {}) if name != "notes"]
    if fields:
        yield from ("", f"Answers {', '.join(f'`{name}`' for name in fields)}.")


def kind(said: Json) -> str:
    """What a schema takes, in words."""
    if "enum" in said:
        return ", ".join(f"`{choice}`" for choice in said["enum"])
    if said.get("type") == "array":
        return f"list of {kind(said['items'])}" if "items" in said else "list"
    if said.get("type") == "object":
        members = ", ".join(f"`{name}`" for name in said.get("properties", {}))
        return f"object: {members}" if members else "object"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return words[said["type"]] + _range(said)


def _range(said: Json) -> str:
    low, high = said.get("minimum"), said.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    return f", from {low}" if low is not None else f", up to {high}" if high is not None else ""


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
