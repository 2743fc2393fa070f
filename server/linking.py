"""Which resources the result of a tool speaks of.

They are named in the result's `_meta`, where programs find them, and not as content: a model pays some forty tokens for
a link to what it has just read, hosts that know text alone show it as noise, and clients of the oldest revision refuse
a result with such a block.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcp_types import CallToolResult

from .resource_uris import (
    collection_uri,
    collections_uri,
    guide_uri,
    prices_uri,
    product_uri,
    store_uri,
)

RESOURCES_KEY = "com.hoopai/resources"
MOST_LINKS = 20

Values = Mapping[str, Any]

_OF_READS: Mapping[str, Callable[[Values, Values], str]] = {
    "get_product": lambda _, content: product_uri(content["id"]),
    "list_prices": lambda arguments, _: prices_uri(arguments["product_id"]),
    "get_price": lambda arguments, _: prices_uri(arguments["product_id"]),
    "list_collections": lambda _, __: collections_uri(),
    "get_collection": lambda arguments, _: collection_uri(arguments["collection_id"]),
    "list_collection_products": lambda arguments, _: collection_uri(arguments["collection_id"]),
    "get_store_stats": lambda arguments, _: store_uri(arguments["store_id"]),
    "get_guide": lambda arguments, _: guide_uri(arguments["topic"]),
}


def linked(result: CallToolResult, tool: str, arguments: Values, touched: Sequence[str]) -> CallToolResult:
    """The result with the addresses of what it speaks of; `touched` are those that a write has changed."""
    uris = list(touched)
    content: Values = result.structured_content or {}
    if not result.is_error and tool in _OF_READS:
        uris.append(_OF_READS[tool](arguments, content))
    if not uris:
        return result
    return result.model_copy(update={"meta": {**(result.meta or {}), RESOURCES_KEY: uris[:MOST_LINKS]}})
