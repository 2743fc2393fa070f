"""A prompt never costs more than its budget, nor more requests than the API allows in one go."""

from collections.abc import Generator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rendered_prompts import TOKENS, fillings, render
from side_by_side import server_on
from starlette.applications import Starlette

from hoopai_products_mcp.prompts.budget import estimate
from hoopai_products_mcp.prompts.documents import Document, fitted
from hoopai_products_mcp.prompts.rendering import BUDGET
from hoopai_products_mcp.prompts.template import NAMES
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.seed import ShopChoice

pytestmark = pytest.mark.anyio

BURST = 100
"""Requests that the API answers in ten seconds."""
NEEDS_A_THING = {"draft_product_description", "reply_to_review"}


@pytest.fixture(scope="module", params=["demo", "empty", 5000])
def app(request: pytest.FixtureRequest) -> Generator[Starlette]:
    choice: ShopChoice = request.param
    app = create_app(shop=choice, rate_limit=0)
    yield app
    sandbox_of(app).close()


async def test_every_prompt_keeps_to_its_budget_on_every_shop(app: Starlette) -> None:
    async with server_on(app) as session:
        filled = fillings(session)
        assert filled.keys() >= set(NAMES) - NEEDS_A_THING
        for name, arguments in filled.items():
            before = len(session.sent())
            rendered = await render(session.client, name, **arguments)
            assert rendered.documents
            assert rendered.tokens <= BUDGET, name
            assert len(session.sent()) - before <= BURST, name
        assert session.writes() == []


async def test_a_large_catalog_fills_the_budget_well_and_says_where_the_rest_is() -> None:
    app = create_app(shop=150, rate_limit=0)
    async with server_on(app) as session:
        rendered = await render(session.client, "plan_sale", search="Item", discount="20 %")
    content = rendered.only()
    assert content["returned"] == len(content["items"])
    assert 20 <= content["returned"] <= 30
    assert content["total"] == 150
    assert content["rest"].startswith("list_products with the same collection or search and an offset")
    assert rendered.tokens > BUDGET / 3
    sandbox_of(app).close()


SCRIPTS = [
    "abc é",
    "!?&%$(){}",
    "0123456789",
    "äöüß",
    "где",
    "עברית",
    "العربية",
    "ไทย",
    "हिन्दी",
    "日本語",
    "中文字",
    "한국어",
    "Ꭰ",
    "🦉🏮",
    "ꙮ𒀀",
]
COSTLY = st.text(
    st.one_of(*map(st.sampled_from, SCRIPTS), st.characters(codec="utf-8", categories=["L", "N", "P", "S"]))
)


@given(st.lists(COSTLY, max_size=20).map(" ".join))
@example("bcdfghjk " * 50)
@example("lamatu riso pelubo " * 50)
@example("aBcDeFgH" * 50)
@example("66096e24e9f6c169d2ab523c" * 20)
@example("Aaa Aaa Aaa")
def test_an_estimate_is_never_below_what_a_text_costs(text: str) -> None:
    # Rare letters that happen to be merged over their borders may cost one token more than they do alone.
    assert estimate(text) * 1.1 + 2 >= len(TOKENS.encode_ordinary(text))


ROWS = st.lists(
    st.dictionaries(st.sampled_from("abc"), COSTLY | st.integers() | st.lists(COSTLY)), max_size=30
)


@given(st.lists(ROWS, min_size=1, max_size=4), st.integers(600, 4000))
def test_documents_share_a_room_and_never_leave_it(several: list[list[dict[str, object]]], room: int) -> None:
    documents = [
        Document(uri="hoopai://x", title="x", rows=rows, total=len(rows), rest="elsewhere")
        for rows in several
    ]
    texts = fitted(documents, room)
    assert sum(map(estimate, texts)) <= room
    assert len(texts) == len(documents)


def test_what_fits_is_shown_whole_whatever_stands_beside_it() -> None:
    small = Document(uri="hoopai://s", title="s", rows=[{"a": "word"}], total=1)
    large = Document(uri="hoopai://l", title="l", rows=[{"a": f"word {n}"} for n in range(1000)], total=1000)
    texts = fitted([large, small], 1000)
    assert texts[1] == small.whole()
    assert estimate(texts[0]) > 800
