"""The tool calls that a text suggests, such as `update_price(product_id, price_id)`, read from its Markdown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CODE = re.compile(r"`([^`]+)`")
_CALL = re.compile(r"([a-z_]+)\((.*)\)", re.DOTALL)
_OPEN, _CLOSE = "([{", ")]}"

Names = dict[str, "Names"]
"""Names of arguments, with the names inside of those that are objects."""


@dataclass(frozen=True)
class SuggestedCall:
    """A tool with the arguments that a text gives it."""

    tool: str
    arguments: Names
    values: dict[str, str]


def code_in(text: str) -> list[str]:
    """What stands between backticks."""
    return [" ".join(code.split()) for code in _CODE.findall(text)]


def calls_in(codes: list[str]) -> Iterator[SuggestedCall]:
    """The calls among them."""
    for code in codes:
        if call := _CALL.fullmatch(code):
            yield SuggestedCall(call[1], _names(call[2]), _values(call[2]))


def _names(inside: str) -> Names:
    found: Names = {}
    for part in _parts(inside):
        name, _, value = part.partition("=")
        value = value.strip().removeprefix("[").removesuffix("]").strip()
        found[name.strip()] = _names(value[1:-1]) if value.startswith("{") else {}
    return found


def _values(inside: str) -> dict[str, str]:
    """The values that are written out, as JSON."""
    pairs = (part.partition("=") for part in _parts(inside))
    return {
        name.strip(): value.strip()
        for name, _, value in pairs
        if value and not value.strip().startswith("[{")
    }


def _parts(text: str) -> Iterator[str]:
    """The parts between commas that are in no brackets."""
    depth, start = 0, 0
    for place, char in enumerate(f"{text},"):
        depth += (char in _OPEN) - (char in _CLOSE)
        if char == "," and not depth:
            if part := text[start:place].strip():
                yield part
            start = place + 1
