"""Answers that would be too large: what is read is refused in words, what was written is told all the same."""

import json
from typing import Any

import pytest
from mcp_types import CallToolResult, TextContent
from shop_session import ERAS, Era, shop_session

from hoopai_products_mcp.server.result_size import fitted

pytestmark = pytest.mark.anyio

SMALL: dict[str, Any] = {"max_result_bytes": 10_000}


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_read_is_asked_for_in_smaller_parts(era: Era) -> None:
    async with shop_session(era=era, settings=SMALL) as session:
        said = await session.refused("list_products", limit=100, detail="full")
        size, rest = said.removeprefix("The answer would have ").split(" bytes", 1)
        assert int(size.replace(",", "")) > 10_000
        assert rest == (
            ", and this server sends at most 10,000. Nothing was changed. Ask for less at once: a lower limit, a "
            "narrower search, or detail concise."
        )
        assert (await session.call("list_products", limit=3))["returned"] == 3


def test_what_was_written_is_told_with_its_long_texts_and_lists_cut() -> None:
    content = {
        "notes": ["One was missing."],
        "name": "Lamp",
        "description": "é" * 20_000,
        "prices": [{"id": str(number), "terms": "t" * 301} for number in range(50)],
        "change": {"id": "1", "approved_by": "person"},
    }
    whole = CallToolResult(
        content=[TextContent(type="text", text=json.dumps(content, ensure_ascii=False))],
        structured_content=content,
    )
    assert fitted(whole, most=100_000, reads=False) is whole
    told = fitted(whole, most=10_000, reads=False)
    expected = {
        "notes": [
            "This answer was too large to be sent whole: long texts and lists are cut here, not in the shop. Read it "
            "anew for the rest.",
            "One was missing.",
        ],
        "name": "Lamp",
        "description": "é" * 300 + "… [cut; 20,000 characters in all]",
        "prices": [
            {"id": str(number), "terms": "t" * 300 + "… [cut; 301 characters in all]"} for number in range(20)
        ],
        "change": {"id": "1", "approved_by": "person"},
    }
    assert told.structured_content == expected
    (block,) = told.content
    assert isinstance(block, TextContent)
    assert json.loads(block.text) == expected
