"""The approval ladder over real pipes and sockets, with processes that share a shop and a store."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult
from shop_processes import COMMAND, Shop, http_process, shop_on_a_socket
from shop_session import ERAS, Answer, Era, ShopSession, no, text_of, unticked, wanted, yes
from side_by_side import content_of, question_of, round_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncGenerator[Shop]:
    async with shop_on_a_socket(tmp_path / "data") as found:
        yield found


def first_product(shop: Shop) -> str:
    return shop.sandbox.dump()["products"][0]["_id"]


def levels(shop: Shop, count: int) -> dict[str, Any]:
    ids = [price["_id"] for price in shop.sandbox.dump()["prices"] if price.get("trackInventory")][:count]
    return {"items": [{"price_id": key, "available_quantity": 77} for key in ids]}


@pytest.mark.parametrize("era", ERAS)
async def test_over_a_pipe_a_typed_name_does_it_and_the_journal_says_so(shop: Shop, era: Era) -> None:
    key = first_product(shop)
    async with shop.process(yes, era=era) as session:
        done = await session.call("delete_product", product_id=key)
        assert done["deleted"] is True
        assert wanted(session.questions[0]) is not None
    assert shop.writes() == [f"DELETE /products/{key}"]
    assert shop.journaled() == [("person", "done")]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", [no, unticked])
async def test_over_a_pipe_whatever_is_no_yes_changes_nothing(shop: Shop, era: Era, answer: Answer) -> None:
    async with shop.process(answer, era=era) as session:
        said = await session.refused("update_inventory", **levels(shop, 25))
        assert said.startswith("Not confirmed: ")
        assert "Nothing was changed." in said
    assert shop.writes() == []
    assert shop.journaled() == []


@pytest.mark.parametrize("era", ERAS)
async def test_over_a_pipe_a_client_that_goes_away_leaves_the_shop_as_it_was(shop: Shop, era: Era) -> None:
    before = shop.sandbox.dump()
    asked = anyio.Event()
    command = StdioServerParameters(command=COMMAND, args=[], env=shop.environment())

    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        del context, params
        asked.set()
        await anyio.sleep_forever()
        raise AssertionError

    async def ask() -> None:
        async with Client(command, mode=era, elicitation_callback=never) as client:
            await client.call_tool("delete_product", {"product_id": first_product(shop)})

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await asked.wait()
        tasks.cancel_scope.cancel()
    assert shop.sandbox.dump() == before
    assert shop.journaled() == []


async def test_a_token_given_out_by_one_process_is_used_up_in_two_others_once(shop: Shop) -> None:
    arguments = levels(shop, 2)
    async with shop.process() as session:
        content = content_of(await session.result("update_inventory", **arguments))
        assert content["status"] == "confirmation_required"
    results: list[CallToolResult] = []
    ready = [anyio.Event(), anyio.Event()]

    async def use(mine: anyio.Event, others: anyio.Event, era: Era) -> None:
        async with shop.process(era=era) as session:
            await session.call("list_products", limit=1)
            mine.set()
            await others.wait()
            token = content["confirmation_token"]
            results.append(await session.result("update_inventory", **arguments, confirmation_token=token))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(use, ready[0], ready[1], "2026-07-28")
        tasks.start_soon(use, ready[1], ready[0], "legacy")
    assert sorted(bool(result.is_error) for result in results) == [False, True]
    (refused,) = [text_of(result) for result in results if result.is_error]
    assert "an answer counts once. Nothing was changed by this call" in refused
    assert shop.writes() == ["POST /products/inventory"]
    assert shop.journaled() == [("confirmation_token", "done")]


async def test_a_question_put_by_one_process_is_answered_at_another_once(shop: Shop) -> None:
    arguments = levels(shop, 25)
    async with shop.process(yes) as session:
        asked = await question_of(session, "update_inventory", arguments)
    async with shop.process(yes) as one, shop.process(yes) as other:
        results: list[Any] = []

        async def send(session: ShopSession) -> None:
            results.append(await round_of(session, "update_inventory", arguments, *asked))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send, one)
            tasks.start_soon(send, other)
    assert sorted(bool(result.is_error) for result in results) == [False, True]
    assert shop.writes() == ["POST /products/inventory"]
    assert shop.journaled() == [("person", "done")]


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_approves_beside_the_process_that_waits(shop: Shop, era: Era) -> None:
    arguments = levels(shop, 2)
    async with shop.process(era=era, HOOPAI_CONFIRMATION="human") as session:
        content = content_of(await session.result("update_inventory", **arguments))
        plan_id = content["plan"]["id"]
        assert f"approvals approve {plan_id}" in content["next_step"]
        assert await session.store.use(lambda store: store.ledger.decide(plan_id, approve=True, by="ann"))
        assert (await session.call("update_inventory", **arguments))["done"] is True
        again = content_of(await session.result("update_inventory", **arguments))
        assert again["status"] == "waiting_for_approval"
        session.store.close()
    assert shop.writes() == ["POST /products/inventory"]
    assert shop.journaled() == [("human_approval by ann", "done")]


@pytest.mark.parametrize("era", ERAS)
async def test_over_a_pipe_a_dry_run_can_be_read_in_full_and_does_nothing(shop: Shop, era: Era) -> None:
    async with shop.process(era=era) as session:
        content = content_of(await session.result("update_inventory", **levels(shop, 25), dry_run=True))
        assert content["status"] == "dry_run"
        whole = await session.client.read_resource(content["plan"]["whole_plan"])
        assert len(whole.contents) == 1
    assert shop.writes() == []


@pytest.mark.parametrize("era", ERAS)
async def test_over_http_a_person_types_the_number(shop: Shop, era: Era) -> None:
    async with http_process(shop) as url:
        async with shop.web(url, yes, era=era) as session:
            assert (await session.call("update_inventory", **levels(shop, 25)))["done"] is True
            assert wanted(session.questions[0]) == "25"
        async with shop.web(url, no, era=era) as session:
            assert "the answer was no" in await session.refused("update_inventory", **levels(shop, 24))
    assert shop.writes() == ["POST /products/inventory"]
    assert shop.journaled() == [("person", "done")]


async def test_two_http_servers_of_one_store_take_a_state_and_a_token_once(shop: Shop) -> None:
    arguments, others = levels(shop, 2), levels(shop, 3)
    async with http_process(shop) as first, http_process(shop) as second:
        async with shop.web(first, yes) as session:
            asked = await question_of(session, "update_inventory", arguments)
        async with shop.web(first) as session:
            token = content_of(await session.result("update_inventory", **others))["confirmation_token"]
        async with shop.web(first, yes) as one, shop.web(second, yes) as other:
            results: list[Any] = []

            async def send(session: ShopSession) -> None:
                results.append(await round_of(session, "update_inventory", arguments, *asked))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(send, one)
                tasks.start_soon(send, other)
        assert sorted(bool(result.is_error) for result in results) == [False, True]
        async with shop.web(second) as session:
            # The shop is another one than when the token was given out.
            stale = content_of(await session.result("update_inventory", **others, confirmation_token=token))
            assert stale["changed_since_approval"]
            fresh = stale["confirmation_token"]
            assert (await session.call("update_inventory", **others, confirmation_token=fresh))[
                "done"
            ] is True
    assert shop.writes() == ["POST /products/inventory"] * 2
    assert shop.journaled() == [("person", "done"), ("confirmation_token", "done")]
