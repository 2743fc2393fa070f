"""What a tool gives back: structured content and the same as compact text.

Some hosts show a model only the text, others only the structured content; both say the same, in few tokens.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel

from .text import visible


def to_result(
    view: BaseModel | None,
    notes: Sequence[str] = (),
    *,
    change: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> CallToolResult:
    """The result of a call from its view or from `more` fields; `notes` about the call come first.

    `change` says of a write under which id the journal has it, and how it was approved.
    """
    content: dict[str, Any] = view.model_dump(mode="python", exclude_none=True) if view is not None else {}
    content |= more or {}
    if change:
        content["change"] = dict(change)
    if notes:
        # First, so that a warning about what follows is read before it.
        content = {"notes": list(notes), **content}
    content = cast("dict[str, Any]", plain(content))
    return CallToolResult(
        content=[TextContent(type="text", text=as_text(content))], structured_content=content
    )


def as_text(content: Mapping[str, Any]) -> str:
    """Structured content as the text of the same result."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def plain(value: object) -> object:
    """The value with nothing in it but what JSON has: exact decimal digits, and no invisible characters.

    Whatever a tool answers passes here, so no text reaches a model unseen by `visible`.
    """
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Decimal):
        return json_number(value)
    if isinstance(value, Mapping):
        return {visible(str(key)): plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in cast("Sequence[Any]", value)]
    if value is None or isinstance(value, int | float):
        return value
    return visible(str(value))


def json_number(number: Decimal) -> int | float | str:
    """The value whose JSON text is exactly this decimal: an int, a float that prints the same digits, or text.

    The SDK serialises structured content from Python numbers, which is the only reason for the float; one that
    would print other digits is never used.
    """
    if number == number.to_integral_value():
        return int(number)
    as_float = float(number)
    return as_float if Decimal(repr(as_float)) == number else format(number, "f")
