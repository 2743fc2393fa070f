"""How large an answer may be: what is read is asked for in smaller parts, what was written is told in fewer words."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent

LONGEST_TEXT = 300
MOST_ITEMS = 20
"""What is left of a long text and a long list where the whole of an answer is too large."""

_CUT = (
    "This answer was too large to be sent whole: long texts and lists are cut here, not in the shop. Read it anew for "
    "the rest."
)


def fitted(result: CallToolResult, *, most: int, reads: bool) -> CallToolResult:
    """The result, with no more than so many bytes of text. `reads` is whether its tool changes nothing.

    Raises:
        ToolError: what was read is larger; a part of it might be taken for the whole, and written back.
    """
    size = sum(len(block.text.encode()) for block in result.content if isinstance(block, TextContent))
    if size <= most or result.is_error or result.structured_content is None:
        return result
    if reads:
        raise ToolError(
            f"The answer would have {size:,} bytes, and this server sends at most {most:,}. Nothing was changed. Ask "
            "for less at once: a lower limit, a narrower search, or detail concise."
        )
    content = cast("dict[str, Any]", _cut(result.structured_content))
    content = {"notes": [_CUT, *content.pop("notes", [])], **content}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=content)


def _cut(value: object) -> object:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"{value[:LONGEST_TEXT]}… [cut; {len(value):,} characters in all]"
    if isinstance(value, Mapping):
        return {key: _cut(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [_cut(item) for item in cast("Sequence[Any]", value)[:MOST_ITEMS]]
    return value
