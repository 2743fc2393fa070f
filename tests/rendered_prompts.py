"""Prompts as a client gets them, taken apart; and what to fill into each on a shop."""

import json
import warnings
from dataclasses import dataclass
from typing import Any

from mcp.client import Client
from mcp_types import EmbeddedResource, GetPromptResult, ResourceLink, TextContent, TextResourceContents
from shop_session import ShopSession

with warnings.catch_warnings():
    # It reads its vocabulary by a function that Python's own library calls deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from bpe_openai import get_encoding

TOKENS = get_encoding("o200k_base")


@dataclass(frozen=True)
class Rendered:
    """The instructions, the documents by address, and the addresses that are only named."""

    said: str
    documents: dict[str, str]
    links: dict[str, str]

    @property
    def tokens(self) -> int:
        """What a model reads of it."""
        texts = [self.said, *self.links.items(), *self.documents.items()]
        return sum(len(TOKENS.encode_ordinary(text)) for part in texts for text in _flat(part))

    def only(self) -> dict[str, Any]:
        """The content of the only document."""
        (text,) = self.documents.values()
        return json.loads(text)

    def content(self, uri: str) -> dict[str, Any]:
        """The content of one document."""
        return json.loads(self.documents[uri])


def _flat(part: str | tuple[str, str]) -> tuple[str, ...]:
    return (part,) if isinstance(part, str) else part


async def render(client: Client, name: str, **arguments: str) -> Rendered:
    """One prompt."""
    return taken_apart(await client.get_prompt(name, arguments))


def taken_apart(result: GetPromptResult) -> Rendered:
    """The messages of a prompt: one text, then documents, then links."""
    contents = [message.content for message in result.messages]
    assert {message.role for message in result.messages} == {"user"}
    said = contents[0]
    assert isinstance(said, TextContent)
    documents: dict[str, str] = {}
    links: dict[str, str] = {}
    for content in contents[1:]:
        if isinstance(content, EmbeddedResource):
            assert not links
            assert isinstance(content.resource, TextResourceContents)
            assert content.resource.mime_type == "application/json"
            documents[content.resource.uri] = content.resource.text
        else:
            assert isinstance(content, ResourceLink)
            links[content.uri] = content.name
    return Rendered(said.text, documents, links)


def fillings(session: ShopSession) -> dict[str, dict[str, str]]:
    """Something to fill in for every prompt that can be rendered on this shop."""
    shop = session.sandbox.dump()
    free: dict[str, dict[str, str]] = {
        "triage_reviews": {},
        "launch_product": {"idea": "An owl lantern in two sizes", "price": "24.50 USD"},
        "plan_sale": {"search": "e", "discount": "20 %"},
        "reprice": {"price_list": "ML-001-01;30\nStorm lantern;70 USD\nItem 00004;3\nObey;5\nnothing"},
        "restock_report": {"threshold": "10"},
        "seo_refresh": {},
        "catalog_health": {},
        "build_collection": {"theme": "Gifts for gardeners, lanterns, items for the evening"},
        "import_check": {"since": "2020-01-01"},
        "end_of_season": {"search": "e", "discount": "30 %"},
    }
    if shop["products"]:
        free["draft_product_description"] = {"product": shop["products"][0]["_id"], "tone": "warm"}
    if shop["reviews"]:
        free["reply_to_review"] = {"review": shop["reviews"][0]["_id"]}
    return free
