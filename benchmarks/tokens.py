"""What a model reads, in tokens of o200k_base."""

import json
from collections.abc import Sequence

import bpe_openai
from mcp_types import Tool

_ENCODING = bpe_openai.get_encoding("o200k_base")


def tokens(text: str) -> int:
    """How many tokens a text is."""
    return len(_ENCODING.encode_ordinary(text))


def model_view(tools: Sequence[Tool]) -> str:
    """The definitions as hosts give them to a model: name, description and input schema, in compact JSON."""
    seen = [
        {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
        for tool in tools
    ]
    return compact(seen)


def wire_bytes(tools: Sequence[Tool]) -> int:
    """The size of the definitions as the server sends them, with all there is."""
    sent = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    return len(compact(sent).encode())


def compact(value: object) -> str:
    """JSON without a space too many."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
