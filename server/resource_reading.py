"""Reading a resource by its address: found in the shop, cut to a size that a conversation bears."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError
from mcp.shared.uri_template import UriTemplate

from ..products_api.errors import InvalidArgumentError, NotFoundError, ProductsApiError
from ..products_api.reading_memory import ReadingMemory, remembering
from ..prompts.arguments import checked, find
from ..prompts.documents import Document
from ..prompts.errors import PromptError
from ..prompts.rendering import guide
from ..prompts.template import Argument, Kind, Template
from ..tools.shop import Shop
from ..tools.text import visible
from . import thing_documents as things
from .catalog_document import catalog_document
from .choosing import Chosen, choose, find_review
from .exports import read_export
from .plans import read_plan
from .prompting import quiet, today_utc
from .reports import REPORTS
from .resource_list import READABLE, Readable

if TYPE_CHECKING:
    from ..guard.store import Store
    from ..products_api.client import ProductsClient
    from ..tools.file_folder import FileFolder
    from .shop_names import ShopNames

ROOM = 12_000
"""Tokens that a resource costs at most."""
LONGEST_URI = 2000
_KINDS = {
    "product": Kind.PRODUCT,
    "collection": Kind.COLLECTION,
    "store": Kind.STORE,
    "search": Kind.TEXT,
    "status": Kind.STATUS,
    "since": Kind.DAY,
    "until": Kind.DAY,
    "threshold": Kind.NUMBER,
    "theme": Kind.TEXT,
    "idea": Kind.TEXT,
}
_NEEDED = {"siblings": ("product",), "similar": ("idea",), "candidates": ("theme",)}


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """What resources are read from: one shop. Where there are several, `title` is how a person knows it, and
    `guide_note` what guides say of that."""

    api: "Callable[[], ProductsClient]"
    names: "ShopNames"
    store: "Store"
    location: Callable[[], str]
    caller: Callable[[], str]
    files: "Callable[[], FileFolder]"
    offered: Callable[[], Collection[str]]
    title: str = ""
    guide_note: str = ""


async def read(uri: str, shelf: Shelf, asked: str) -> ReadResourceContents:
    """What is at an address, which was asked for as `asked`.

    Raises:
        ResourceNotFoundError: nothing is; the text names the address.
        ResourceError: it could not be read.
    """
    match = matched(uri)
    if match is None:
        raise ResourceNotFoundError(f"Unknown resource: {asked[:LONGEST_URI]}")
    found, variables = match
    if found.name == "export":
        content, mime_type = read_export(shelf.files(), variables["file"])
        return ReadResourceContents(content=content, mime_type=mime_type)
    try:
        text = await _text(found, variables, shelf)
    except (NotFoundError, InvalidArgumentError, PromptError, ToolError) as error:
        raise ResourceNotFoundError(f"Unknown resource: {asked[:LONGEST_URI]} ({error})") from None
    except ProductsApiError as error:
        raise ResourceError(f"{asked[:LONGEST_URI]} could not be read. {error}") from None
    return ReadResourceContents(content=text, mime_type=found.mime_type)


def matched(uri: str) -> tuple[Readable, Mapping[str, str]] | None:
    """The resource or template of an address, and the values of its variables; None where there is none."""
    if len(uri) <= LONGEST_URI:
        for item in READABLE:
            if item.uri == uri:
                return item, {}
            variables = _parsed(item.uri).match(uri) if item.is_template else None
            if variables is not None and _asks_for_nothing_else(uri, item.uri):
                return item, {name: visible(str(value)) for name, value in variables.items()}
    return None


def _asks_for_nothing_else(uri: str, template: str) -> bool:
    """Whether the query has only what the template knows: a filter that is overlooked gives the wrong things."""
    asked = {name for name, _ in parse_qsl(uri.partition("?")[2], keep_blank_values=True)}
    return asked <= _parsed(template).query_variable_names


@cache
def _parsed(template: str) -> UriTemplate:
    return UriTemplate.parse(template)


async def _text(found: Readable, variables: Mapping[str, str], shelf: Shelf) -> str:
    if found.name == "guide":
        return guide(find(variables["topic"]), shelf.offered(), shelf.guide_note)
    if found.name == "plan":
        return await read_plan(
            shelf.store, shelf.location(), variables["plan_id"], shelf.caller(), shop=shelf.title
        )
    shop = Shop(shelf.api(), quiet)
    with remembering(ReadingMemory()):
        document = await _document(found, variables, shop, shelf)
        if shelf.title:
            document = replace(document, head={"shop": shelf.title, **document.head})
        return document.within(ROOM)


async def _document(found: Readable, variables: Mapping[str, str], shop: Shop, shelf: Shelf) -> Document:
    chosen = Chosen(shop=shop, names=shelf.names, today=today_utc())
    by_id: Mapping[str, Callable[[Shop, str], Awaitable[Document]]] = {
        "product": things.product_document,
        "prices": things.prices_document,
        "collection": things.collection_document,
        "store": things.store_document,
        "review": _review,
    }
    match found.name:
        case "catalog":
            return await catalog_document(chosen)
        case "collections":
            return await things.collections_document(shop)
        case "report":
            return await _report(dict(variables), shop, shelf)
        case kind:
            (thing_id,) = variables.values()
            return await by_id[kind](shop, thing_id)


async def _review(shop: Shop, review_id: str) -> Document:
    return things.review_document(await find_review(shop, review_id))


async def _report(variables: dict[str, str], shop: Shop, shelf: Shelf) -> Document:
    name = variables.pop("report")
    if name == "price_list":
        raise PromptError("it is made from a pasted list: pick the prompt reprice")
    if name not in REPORTS:
        raise PromptError(f"there are: {', '.join(known for known in REPORTS if known != 'price_list')}")
    template = Template(
        name=name,
        title="",
        description="",
        documents=(),
        reads=(),
        tools=(),
        one_of=_NEEDED.get(name, ()),
        arguments={
            key: Argument(name=key, description="", kind=kind, required=False, suggest=())
            for key, kind in _KINDS.items()
        },
        text="",
    )
    today = today_utc()
    given = checked(template, variables, today=today)
    chosen = await choose(template.arguments, given, shop=shop, names=shelf.names, today=today)
    return await REPORTS[name](chosen)
