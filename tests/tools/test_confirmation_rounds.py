"""Questions as rounds of a call: an answer counts once, for its own question, wherever it is sent."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp_types import CallToolResult, ElicitResult, InputRequiredResult, InputResponses
from shop_session import Answer, ShopSession, closed, no, shop_session, text_of, unticked, yes
from side_by_side import journaled, opened, question_of, round_of, server_on

from hoopai_products_mcp.guard import question
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.identity import ONLINE_STORE_ID

pytestmark = pytest.mark.anyio

ORDER = f"POST /products/store/{ONLINE_STORE_ID}/priority"


async def a_collection(session: ShopSession) -> str:
    """The id of a collection with one product."""
    (product,) = (await session.call("list_products", limit=1))["items"]
    made = await session.call("create_collection", name="Fleeting", product_ids=[product["id"]])
    session.sandbox.requests.clear()
    return made["id"]


def hiding(session: ShopSession) -> dict[str, Any]:
    """A call that asks for a tick."""
    ids = [product["_id"] for product in session.sandbox.dump()["products"][:3]]
    return {"product_ids": ids, "available_in_store": False}


def ordering(session: ShopSession) -> dict[str, Any]:
    """A write whose plan looks the same after it is done."""
    product = session.sandbox.dump()["products"][0]["_id"]
    return {"store_id": ONLINE_STORE_ID, "products": [{"product_id": product, "priority": 3}]}


def answers(content: dict[str, Any] | None) -> Answer:
    return lambda _: ElicitResult(action="accept", content=content)


async def test_an_answer_sent_twice_does_the_deed_once() -> None:
    async with shop_session(yes) as session:
        arguments = ordering(session)
        state, answer = await question_of(session, "set_display_priority", arguments)
        done = await round_of(session, "set_display_priority", arguments, state, answer)
        assert isinstance(done, CallToolResult)
        assert not done.is_error
        for _ in range(2):
            again = await round_of(session, "set_display_priority", arguments, state, answer)
            assert isinstance(again, CallToolResult)
            assert again.is_error
            assert text_of(again) == (
                "This plan was answered before, and an answer counts once. Nothing was changed by this call; "
                "list_changes shows what the first one did. To ask anew, call again."
            )
        assert session.writes() == [ORDER]


@pytest.mark.parametrize("first", [no, closed, unticked, answers(None)])
async def test_after_a_no_the_same_question_takes_no_yes(first: Answer) -> None:
    async with shop_session(yes) as session:
        arguments = hiding(session)
        state, answer = await question_of(session, "bulk_set_availability", arguments, first)
        refused = await round_of(session, "bulk_set_availability", arguments, state, answer)
        assert isinstance(refused, CallToolResult)
        late: InputResponses = {
            key: ElicitResult(action="accept", content={"confirm": True}) for key in answer
        }
        again = await round_of(session, "bulk_set_availability", arguments, state, late)
        assert isinstance(again, CallToolResult)
        assert "an answer counts once. Nothing was changed by this call" in text_of(again)
        assert session.writes() == []


async def test_of_equal_answers_under_way_at_once_one_counts() -> None:
    async with shop_session(yes) as session:
        arguments = ordering(session)
        state, answer = await question_of(session, "set_display_priority", arguments)
        refused: list[bool] = []

        async def send() -> None:
            result = await round_of(session, "set_display_priority", arguments, state, answer)
            assert isinstance(result, CallToolResult)
            refused.append(bool(result.is_error))

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(send)
        assert sorted(refused) == [False, True, True, True]
        assert session.writes() == [ORDER]


async def test_each_question_wants_its_own_answer() -> None:
    async with shop_session(yes) as session:
        arguments = ordering(session)
        for _ in range(2):
            state, answer = await question_of(session, "set_display_priority", arguments)
            await round_of(session, "set_display_priority", arguments, state, answer)
        assert session.writes() == [ORDER, ORDER]


async def test_one_plan_asked_about_twice_is_done_once() -> None:
    async with shop_session(yes) as session:
        arguments = ordering(session)
        asked = [await question_of(session, "set_display_priority", arguments) for _ in range(2)]
        results = [
            await round_of(session, "set_display_priority", arguments, *question) for question in asked
        ]
        assert [isinstance(result, CallToolResult) and result.is_error for result in results] == [False, True]
        assert session.writes() == [ORDER]


async def test_a_state_counts_for_the_tool_and_arguments_it_was_made_for() -> None:
    async with shop_session(yes) as session:
        arguments = ordering(session)
        other = arguments | {"products": [arguments["products"][0] | {"priority": 4}]}
        key = await a_collection(session)
        for name, changed, altered in (
            ("set_display_priority", other, False),
            ("delete_collection", {"collection_id": key}, False),
            ("set_display_priority", arguments, True),
        ):
            state, answer = await question_of(session, "set_display_priority", arguments)
            shown = state[:-9] + ("A" if state[-9] != "A" else "B") + state[-8:] if altered else state
            refused = await round_of(session, name, changed, shown, answer)
            assert isinstance(refused, CallToolResult)
            assert refused.is_error
            assert text_of(refused) == (
                "This answer does not count: it was altered, or belongs to another call, or its question is forgotten. "
                "Nothing was changed. Make the call again, without the old state, to ask anew."
            )
        assert session.writes() == []


async def test_an_answer_that_nobody_asked_for_is_asked_for() -> None:
    async with shop_session(yes) as session:
        arguments = ordering(session)
        state, answer = await question_of(session, "set_display_priority", arguments)
        again = await round_of(session, "set_display_priority", arguments, None, answer)
        assert isinstance(again, InputRequiredResult)
        without = await round_of(session, "set_display_priority", arguments, state, None)
        assert isinstance(without, CallToolResult)
        assert text_of(without) == question.MALFORMED
        elsewhere: InputResponses = {"another key": ElicitResult(action="accept", content={"confirm": True})}
        again = await round_of(session, "set_display_priority", arguments)
        state, _ = opened(again)
        wrong = await round_of(session, "set_display_priority", arguments, state, elsewhere)
        assert isinstance(wrong, CallToolResult)
        assert text_of(wrong) == question.MALFORMED
        assert session.writes() == []


async def test_a_question_of_one_server_is_answered_at_another_of_the_same_store_once(tmp_path: Path) -> None:
    app = create_app(rate_limit=0)
    settings = {"data_dir": tmp_path}
    async with (
        server_on(app, yes, settings=settings) as one,
        server_on(app, yes, settings=settings) as other,
    ):
        arguments = ordering(one)
        state, answer = await question_of(one, "set_display_priority", arguments)
        refused: list[bool] = []

        async def send(session: ShopSession) -> None:
            result = await round_of(session, "set_display_priority", arguments, state, answer)
            assert isinstance(result, CallToolResult)
            refused.append(bool(result.is_error))

        async with anyio.create_task_group() as tasks:
            for session in (one, other, one, other):
                tasks.start_soon(send, session)
        assert sorted(refused) == [False, True, True, True]
        assert one.writes() == [ORDER]
        assert await journaled(other) == 1
    sandbox_of(app).close()


async def test_a_question_outlives_its_server(tmp_path: Path) -> None:
    app = create_app(rate_limit=0)
    settings = {"data_dir": tmp_path}
    async with server_on(app, yes, settings=settings) as session:
        arguments = hiding(session)
        asked = await question_of(session, "bulk_set_availability", arguments)
    async with server_on(app, yes, settings=settings) as session:
        done = await round_of(session, "bulk_set_availability", arguments, *asked)
        assert isinstance(done, CallToolResult)
        assert not done.is_error
        assert session.writes() == ["POST /products/bulk-update"]
    sandbox_of(app).close()


@pytest.mark.parametrize(
    ("mine", "others"),
    [
        ({}, {"base_url": "https://other.example.com"}),
        ({}, {"confirm_writes": "all", "api": "another location"}),
        ({"caller": "ann"}, {"caller": "bob"}),
        ({"caller": "ann"}, {}),
        ({}, {"data_dir": "another store"}),
    ],
)
async def test_a_state_counts_for_one_shop_one_caller_and_one_store(
    mine: dict[str, Any], others: dict[str, Any], tmp_path: Path
) -> None:
    app, elsewhere = create_app(rate_limit=0), create_app(rate_limit=0, location_id="sbxLocation000000002")

    def server(given: dict[str, Any]) -> Any:
        given = dict(given)
        caller = given.pop("caller", None)
        chosen = elsewhere if given.pop("api", None) else app
        folder = tmp_path / given.pop("data_dir", "store")
        return server_on(
            chosen, yes, caller=caller, settings={"data_dir": folder, "confirm_writes": "all", **given}
        )

    arguments = {"name": "Lamps"}
    async with server(mine) as one, server(others) as other:
        state, answer = await question_of(one, "create_collection", arguments)
        refused = await round_of(other, "create_collection", arguments, state, answer)
        assert isinstance(refused, CallToolResult)
        assert refused.is_error
        assert "Nothing was changed." in text_of(refused)
        assert one.writes() + other.writes() == []
        done = await round_of(one, "create_collection", arguments, state, answer)
        assert isinstance(done, CallToolResult)
        assert not done.is_error
    sandbox_of(app).close()
    sandbox_of(elsewhere).close()
