"""What every tool must be, held over all of them at once."""

import json
import re
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from every_write import CALLS
from mcp.client import Client
from mcp_types import TextContent, Tool
from shop_session import ERAS, Era, ShopSession, shop_session

from hoopai_products_mcp.products_api.operations import OPERATIONS
from hoopai_products_mcp.server.app import INSTRUCTIONS, build_server
from hoopai_products_mcp.server.settings import Settings
from hoopai_products_mcp.tools.catalog import RECORDS
from hoopai_products_mcp.tools.deriving import derive
from hoopai_products_mcp.tools.records import GUARD_ARGUMENTS, Risk, ToolRecord, Toolset, summary, tool
from hoopai_products_mcp.tools.registration import definitions
from hoopai_products_mcp.tools.results import to_result
from hoopai_products_mcp.tools.views import View

with warnings.catch_warnings():
    # It reads its vocabulary by a function that Python's own library calls deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from bpe_openai import get_encoding

pytestmark = pytest.mark.anyio

OPERATION_OF = {
    "list_products": "GET /products/",
    "get_product": "GET /products/{productId}",
    "create_product": "POST /products/",
    "update_product": "PUT /products/{productId}",
    "delete_product": "DELETE /products/{productId}",
    "list_prices": "GET /products/{productId}/price",
    "get_price": "GET /products/{productId}/price/{priceId}",
    "create_price": "POST /products/{productId}/price",
    "update_price": "PUT /products/{productId}/price/{priceId}",
    "delete_price": "DELETE /products/{productId}/price/{priceId}",
    "list_inventory": "GET /products/inventory",
    "update_inventory": "POST /products/inventory",
    "get_store_stats": "GET /products/store/{storeId}/stats",
    "set_store_visibility": "POST /products/store/{storeId}",
    "set_display_priority": "POST /products/store/{storeId}/priority",
    "list_collections": "GET /products/collections",
    "get_collection": "GET /products/collections/{collectionId}",
    "list_collection_products": "GET /products/collections/{collectionId}/products",
    "create_collection": "POST /products/collections",
    "update_collection": "PUT /products/collections/{collectionId}",
    "delete_collection": "DELETE /products/collections/{collectionId}",
    "list_reviews": "GET /products/reviews",
    "count_reviews": "GET /products/reviews/count",
    "update_review": "PUT /products/reviews/{reviewId}",
    "delete_review": "DELETE /products/reviews/{reviewId}",
    "bulk_update_reviews": "POST /products/reviews/bulk-update",
    "bulk_change_prices": "POST /products/bulk-update",
    "bulk_set_availability": "POST /products/bulk-update",
    "bulk_assign_collections": "POST /products/bulk-update",
    "bulk_delete_products": "POST /products/bulk-update",
    "bulk_change_currency": "POST /products/bulk-update",
    "bulk_update_inventory": "POST /products/bulk-update/inventory",
    "bulk_edit_products": "POST /products/bulk-update/edit",
}

JOURNAL = "the journal of this server"
WITHOUT_OPERATION = {"list_changes": JOURNAL, "get_change": JOURNAL, "undo_change": JOURNAL} | {
    "get_guide": "the prompts of this server"
}
"""Tools for what was changed: they work on what this server has written down, not on an operation of the API."""
EVERY_TOOL = OPERATION_OF | WITHOUT_OPERATION

# name: (read only, destructive, idempotent, open world). Destructive is MCP's word for anything but adding.
# Review text comes from anybody on the internet, so reading it is the one open door.
HINTS = {
    "list_products": (True, False, True, False),
    "get_product": (True, False, True, False),
    "create_product": (False, False, False, False),
    "update_product": (False, True, True, False),
    "delete_product": (False, True, True, False),
    "list_prices": (True, False, True, False),
    "get_price": (True, False, True, False),
    "create_price": (False, False, False, False),
    "update_price": (False, True, True, False),
    "delete_price": (False, True, True, False),
    "list_inventory": (True, False, True, False),
    "update_inventory": (False, True, True, False),
    "get_store_stats": (True, False, True, False),
    "set_store_visibility": (False, True, True, False),
    "set_display_priority": (False, True, True, False),
    "list_collections": (True, False, True, False),
    "get_collection": (True, False, True, False),
    "list_collection_products": (True, False, True, False),
    "create_collection": (False, False, False, False),
    "update_collection": (False, True, True, False),
    "delete_collection": (False, True, True, False),
    "list_reviews": (True, False, True, True),
    "count_reviews": (True, False, True, False),
    "update_review": (False, True, False, False),
    "delete_review": (False, True, True, False),
    "bulk_update_reviews": (False, True, True, False),
    "bulk_change_prices": (False, True, False, False),
    "bulk_set_availability": (False, True, True, False),
    "bulk_assign_collections": (False, True, True, False),
    "bulk_delete_products": (False, True, True, False),
    "bulk_change_currency": (False, True, True, False),
    "bulk_update_inventory": (False, True, False, False),
    "bulk_edit_products": (False, True, True, False),
    "list_changes": (True, False, True, False),
    "get_change": (True, False, True, False),
    # The second undoing of a change is refused, unless the first was itself taken back in between.
    "undo_change": (False, True, False, False),
    "get_guide": (True, False, True, False),
}

DOES_NOT_ASK = {name for name, hints in HINTS.items() if hints[0]} | {
    "create_product",
    "create_price",
    "update_price",
    "create_collection",
}

ASKS_ABOUT: dict[str, Callable[[ShopSession], dict[str, Any]]] = {
    "update_product": lambda _: {"available_in_store": False},
    "update_collection": lambda session: {"product_ids": [session.sandbox.dump()["products"][0]["_id"]]},
    "update_inventory": lambda session: {
        "items": [
            {"price_id": price["_id"], "available_quantity": 1}
            for price in session.sandbox.dump()["prices"]
            if price["trackInventory"]
        ][:2]
    },
}
"""What makes a tool ask that does not ask about the plainest call of it."""

TOKENS = get_encoding("o200k_base")


JSON_TYPES = ("object", "array", "string", "number", "integer", "boolean")


def tokens(value: object) -> int:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return len(TOKENS.encode(text))


def schemas_in(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside a schema, by its path."""
    yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from schemas_in(below, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from schemas_in(schema[keyword], f"{path}[{keyword}]")


async def listed(**settings: Any) -> list[Tool]:
    async with shop_session(settings=settings) as session:
        return (await session.client.list_tools()).tools


async def test_there_is_a_tool_for_every_operation_and_for_the_journal_under_the_agreed_names() -> None:
    tools = await listed()
    assert {tool.name: (tool.meta or {})["com.hoopai/operation"] for tool in tools} == EVERY_TOOL
    assert list(EVERY_TOOL) == [tool.name for tool in tools]
    assert set(OPERATION_OF.values()) == {operation.name for operation in OPERATIONS.values()}


async def test_the_hints_of_each_tool_are_these() -> None:
    found: dict[str, tuple[bool | None, ...]] = {}
    for each in await listed():
        assert each.annotations is not None
        found[each.name] = (
            each.annotations.read_only_hint,
            each.annotations.destructive_hint,
            each.annotations.idempotent_hint,
            each.annotations.open_world_hint,
        )
    assert found == HINTS


def test_all_but_reading_adding_and_changing_a_price_can_ask() -> None:
    assert {record.name for record in RECORDS if not record.asks} == DOES_NOT_ASK


async def test_every_tool_is_named_and_described_for_a_merchants_assistant() -> None:
    titles: list[str] = []
    for each in await listed():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", each.name)
        assert each.title
        titles.append(each.title)
        assert each.description
        assert len(each.description) < 1024
        assert not re.match(r"(The|This|API|Endpoint|GET|POST|PUT|DELETE)\b", each.description)
        assert re.search(r"[.!]$", each.description)
    assert len(set(titles)) == len(titles)


def test_the_instructions_say_what_asks_and_how_it_goes_on() -> None:
    # Said once for all tools: a model pays for every word of every description.
    said = " ".join(INSTRUCTIONS.split())
    assert (
        "Deleting, hiding, rejecting, undoing, or changing several things at once asks a person first. "
        "status confirmation_required means: nothing was done; show the plan, ask, and only on their yes call again "
        "with confirmation_token. dry_run shows what a call would do."
    ) in said
    assert "undo_change takes back a `change`; list_changes finds it." in said


@pytest.mark.parametrize("name", CALLS)
async def test_what_can_ask_asks_and_what_cannot_is_done_at_once(name: str) -> None:
    async with shop_session() as session:
        arguments = CALLS[name](session)
        arguments |= ASKS_ABOUT[name](session) if name in ASKS_ABOUT else {}
        content = await session.call(name, **arguments)
        assert (content.get("status") == "confirmation_required") is (name not in DOES_NOT_ASK)
        assert (session.writes() == []) is (name not in DOES_NOT_ASK)


async def test_taking_a_change_back_asks_whatever_it_was() -> None:
    async with shop_session() as session:
        await session.call("create_collection", name="Lamps")
        session.sandbox.requests.clear()
        content = await session.call("undo_change", change_id=session.changes[0]["id"])
        assert content["status"] == "confirmation_required"
        assert session.writes() == []


async def test_every_write_takes_a_dry_run_and_a_token_and_no_reading_does() -> None:
    for each in await listed():
        known: dict[str, Any] = each.input_schema["properties"]
        guarded = {name: known.get(name) for name in GUARD_ARGUMENTS}
        writes = {"dry_run": {"type": "boolean"}, "confirmation_token": {"type": "string"}}
        assert guarded == (dict.fromkeys(GUARD_ARGUMENTS) if HINTS[each.name][0] else writes), each.name
        assert not set(GUARD_ARGUMENTS) & set(each.input_schema.get("required", ()))


async def test_input_schemas_are_plain_objects_that_every_client_reads() -> None:
    for each in await listed():
        assert each.input_schema["type"] == "object"
        assert each.input_schema["additionalProperties"] is False
        for path, schema in schemas_in(each.input_schema):
            where = f"{each.name}{path}"
            assert not schema.keys() & {"anyOf", "oneOf", "allOf", "$ref", "$defs", "title", "const"}, where
            assert isinstance(schema.get("type"), str) or path.endswith("[additionalProperties]"), where
            assert schema.get("default", ...) is not None, where


async def test_output_schemas_tolerate_what_the_api_leaves_out_or_adds() -> None:
    required: dict[bool, set[tuple[str, ...]]] = {True: set(), False: set()}
    for each in await listed():
        assert each.output_schema is not None
        assert each.output_schema["type"] == "object"
        # A write may answer with its plan, or with what was read back after a lost answer.
        assert ("required" in each.output_schema) <= HINTS[each.name][0], each.name
        for path, schema in schemas_in(each.output_schema):
            where = f"{each.name}{path}"
            assert not schema.keys() & {"anyOf", "oneOf", "allOf", "$ref", "$defs", "title", "enum"}, where
            # One type by its name, or any: neither a list of types nor null.
            assert schema.get("type", "object") in {*JSON_TYPES}, where
            assert schema.get("additionalProperties", True) is not False, where
            if path:
                required[each.name in OPERATION_OF].add(tuple(schema.get("required", ())))
    # Inside a result only what identifies a thing is promised; of the journal's own, what it never lacks.
    assert required == {
        True: {(), ("id",), ("field",), ("price_id",)},
        False: {
            (),
            ("id", "time", "tool", "action", "outcome", "approved_by"),
            ("thing", "outcome"),
        },
    }


def test_the_file_of_definitions_is_what_the_records_say() -> None:
    assert definitions() == json.loads(json.dumps(derive(RECORDS)))


async def test_definitions_and_instructions_keep_to_their_budgets() -> None:
    cost = {
        each.name: tokens(
            {"name": each.name, "description": each.description, "inputSchema": each.input_schema}
        )
        for each in await listed()
    }
    assert sum(cost[name] for name in OPERATION_OF) <= 7_000
    assert sum(cost.values()) <= 7_600
    assert tokens(INSTRUCTIONS) <= 250


async def test_a_concise_product_costs_few_tokens() -> None:
    async with shop_session(shop=120) as session:
        page = await session.call("list_products", limit=100)
    assert page["returned"] == 100
    assert tokens(page) / 100 <= 45


@pytest.mark.parametrize("era", ERAS)
async def test_the_list_is_the_same_for_every_call_and_every_caller(era: Era) -> None:
    async with shop_session(era=era) as first, shop_session(lambda _: pytest.fail("asked")) as second:
        before = (await first.client.list_tools()).tools
        await first.call("list_products")
        await first.refused("delete_product", product_id="none")
        assert (await first.client.list_tools()).tools == before
        assert (await second.client.list_tools()).tools == before


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_is_given_the_instructions_and_the_name(mode: str) -> None:
    async with Client(build_server(Settings()), mode=mode) as client:
        assert client.instructions == INSTRUCTIONS
        assert client.server_info is not None
        assert client.server_info.name == "hoopai-products-mcp"


async def test_toolsets_choose_groups_of_tools() -> None:
    assert [each.name for each in await listed(toolsets="store,inventory")] == [
        "list_inventory",
        "update_inventory",
        "get_store_stats",
        "set_store_visibility",
        "set_display_priority",
    ]
    by_toolset = [{each.name for each in await listed(toolsets=(name,))} for name in Toolset]
    assert all(by_toolset)
    assert sum(map(len, by_toolset)) == len(EVERY_TOOL)
    assert set().union(*by_toolset) == set(EVERY_TOOL)
    assert [each.name for each in await listed(toolsets="changes,guides")] == list(WITHOUT_OPERATION)
    assert len(EVERY_TOOL) == 37


async def test_read_only_offers_what_changes_nothing() -> None:
    offered = {each.name for each in await listed(read_only=True)}
    assert offered == {name for name, hints in HINTS.items() if hints[0]}


async def test_listing_needs_no_shop_and_a_call_without_one_gives_nothing_of_the_inside_away() -> None:
    async with Client(build_server(Settings())) as client:
        assert len((await client.list_tools()).tools) == len(EVERY_TOOL)
        result = await client.call_tool("list_products", {})
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    assert result.content[0].text == (
        "list_products failed because of a fault in this server. Nothing was changed. The server's log says more."
    )


def test_a_record_says_what_it_is_as_plain_data() -> None:
    (record,) = [record for record in RECORDS if record.name == "delete_review"]
    assert summary(record) == {
        "name": "delete_review",
        "title": "Delete a review",
        "description": record.description,
        "operation": "DELETE /products/reviews/{reviewId}",
        "toolset": "reviews",
        "risk": "destructive",
        "asks": True,
        "read_only": False,
        "destructive": True,
        "idempotent": True,
        "open_world": False,
    }


async def described() -> View:
    """Do something."""
    return View()


async def undescribed() -> View:
    return View()


async def planned() -> None:
    return None


def record_of(handler: Any, **facts: Any) -> ToolRecord:
    return tool(operation="GET /x", title="X", toolset=Toolset.STORE, **facts)(handler)


def test_forgetting_a_hint_is_safe() -> None:
    record = record_of(described, plan=planned)
    assert (record.read_only, record.destructive, record.idempotent, record.open_world) == (
        False,
        True,
        False,
        True,
    )


@pytest.mark.parametrize(
    ("handler", "facts", "words"),
    [
        (described, {}, "described writes and has no plan"),
        (described, {"risk": Risk.CREATE}, "described writes and has no plan"),
        (described, {"risk": Risk.READ, "plan": planned}, "described only reads and needs no plan"),
        (undescribed, {"risk": Risk.READ}, "undescribed has no description"),
    ],
)
def test_a_record_that_contradicts_itself_cannot_be_made(
    handler: Any, facts: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        record_of(handler, **facts)


def test_a_result_says_the_same_in_text_and_in_structure() -> None:
    class Thing(View):
        name: str = "Lampe “Ü”"
        price: Any = 0.1
        other: Any = ({"day": date(2026, 5, 31)}, Decimal("1E+3"), Decimal("0.1000000000000000055"))

    result = to_result(Thing(), ["read this first"])
    assert isinstance(result.content[0], TextContent)
    text = result.content[0].text
    assert text == (
        '{"notes":["read this first"],"name":"Lampe “Ü”","price":0.1,'
        '"other":[{"day":"2026-05-31"},1000,"0.1000000000000000055"]}'
    )
    assert result.structured_content == json.loads(text)
