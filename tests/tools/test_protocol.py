"""What the protocol asks of every server, where the SDK leaves it to us."""

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, PaginatedRequestParams
from shop_session import ERAS, Era, shop_session

from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("era", ERAS)
async def test_an_unknown_tool_is_an_invalid_parameter_and_the_nearest_one_is_named(era: Era) -> None:
    async with shop_session(era=era) as session:
        with pytest.raises(MCPError) as caught:
            await session.result("list_product")
        assert caught.value.error.code == INVALID_PARAMS
        assert caught.value.error.message == "Unknown tool: 'list_product'. Did you mean list_products?"


@pytest.mark.parametrize("era", ERAS)
async def test_a_tool_that_this_server_does_not_offer_is_unknown(era: Era) -> None:
    async with shop_session(era=era, settings={"read_only": True}) as session:
        with pytest.raises(MCPError) as caught:
            await session.result("delete_product", product_id="0" * 24)
        assert caught.value.error.code == INVALID_PARAMS
        assert session.sent() == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_cursor_that_was_never_given_out_is_an_invalid_parameter(era: Era) -> None:
    async with shop_session(era=era) as session:
        for list_page in (
            session.client.session.list_tools,
            session.client.session.list_prompts,
            session.client.session.list_resources,
            session.client.session.list_resource_templates,
        ):
            with pytest.raises(MCPError) as caught:
                await list_page(params=PaginatedRequestParams(cursor="made-up"))
            assert caught.value.error.code == INVALID_PARAMS


async def test_the_revisions_that_are_served_are_all_named() -> None:
    async with shop_session(era="2026-07-28") as session:
        found = await session.client.session.send_discover("2026-07-28")
    assert found["supportedVersions"] == [
        "2026-07-28",
        "2025-11-25",
        "2025-06-18",
        "2025-03-26",
        "2024-11-05",
    ]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_settles_on_the_newest_revision_it_knows(mode: str) -> None:
    async with Client(build_server(Settings()), mode=mode) as client:
        assert client.protocol_version == {"auto": "2026-07-28", "legacy": "2025-11-25"}[mode]
