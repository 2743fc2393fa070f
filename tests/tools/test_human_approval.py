"""Where a person has to approve outside the conversation."""

from pathlib import Path

import anyio
import pytest
import shelves
from mcp_types import CallToolResult
from shop_session import ERAS, Era, ShopSession, shop_session
from side_by_side import Arguments, content_of, journaled, server_on

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of

pytestmark = pytest.mark.anyio

HUMAN = {"confirmation": "human"}


def levels(session: ShopSession) -> Arguments:
    tracked = [price["_id"] for price in session.sandbox.dump()["prices"] if price.get("trackInventory")]
    return {"items": [{"price_id": key, "available_quantity": 77} for key in tracked[:2]]}


async def waiting(session: ShopSession, arguments: Arguments) -> str:
    """The id of the plan that a call has wait for a person."""
    content = content_of(await session.result("update_inventory", **arguments))
    assert content["status"] == "waiting_for_approval"
    return content["plan"]["id"]


async def decide(session: ShopSession, plan_id: str, *, approve: bool = True) -> None:
    assert await session.store.use(lambda store: store.ledger.decide(plan_id, approve=approve, by="ann"))


@pytest.mark.parametrize("era", ERAS)
async def test_it_waits_for_a_person_and_runs_once_when_they_have_approved(era: Era) -> None:
    async with shop_session(era=era, settings=HUMAN) as session:
        arguments = levels(session)
        content = content_of(await session.result("update_inventory", **arguments))
        plan_id = content["plan"]["id"]
        assert content["next_step"] == (
            "Nothing was changed. Tell the person: it waits for them to approve it in a terminal with "
            f"`hoopai-products-mcp approvals approve {plan_id}`. Once they have, make the same call again."
        )
        assert "confirmation_token" not in content
        assert [await waiting(session, arguments) for _ in range(2)] == [plan_id, plan_id]
        assert session.writes() == []
        await decide(session, plan_id)
        assert (await session.call("update_inventory", **arguments))["done"]
        assert session.changes[0]["approved_by"] == "human_approval"
        change = await session.store.use(lambda store: store.journal.find(session.changes[0]["id"]))
        assert change is not None
        assert change.road == "human_approval by ann"
        assert await waiting(session, arguments) != plan_id
        assert len(session.writes()) == 1


async def test_of_equal_calls_at_once_one_has_the_approval() -> None:
    async with shop_session(settings=HUMAN) as session:
        arguments = levels(session)
        await decide(session, await waiting(session, arguments))
        results: list[CallToolResult] = []

        async def send() -> None:
            results.append(await session.result("update_inventory", **arguments))

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(send)
        statuses = [content_of(result).get("status") for result in results]
        assert statuses.count("waiting_for_approval") == 3
        assert len(session.writes()) == 1
        assert await journaled(session) == 1


async def test_other_arguments_wait_for_their_own_approval() -> None:
    async with shop_session(settings=HUMAN) as session:
        arguments = levels(session)
        await decide(session, await waiting(session, arguments))
        other = {"items": [arguments["items"][0], arguments["items"][1] | {"available_quantity": 78}]}
        await waiting(session, other)
        assert session.writes() == []


async def test_a_rejected_change_is_not_asked_for_again_at_once() -> None:
    async with shop_session(settings=HUMAN) as session:
        arguments = levels(session)
        await decide(session, await waiting(session, arguments), approve=False)
        for _ in range(2):
            said = await session.refused("update_inventory", **arguments)
            assert said == (
                "Not done: a person rejected this change. Nothing was changed. Ask them what they want instead."
            )
        assert session.writes() == []


async def test_an_approval_of_what_changed_meanwhile_does_not_count() -> None:
    async with shop_session(settings=HUMAN) as session:
        arguments = levels(session)
        plan_id = await waiting(session, arguments)
        await decide(session, plan_id)
        shelves.change_price(session, arguments["items"][0]["price_id"], availableQuantity=1234)
        content = content_of(await session.result("update_inventory", **arguments))
        assert content["status"] == "waiting_for_approval"
        assert content["plan"]["id"] != plan_id
        (line,) = content["changed_since_approval"]
        assert line.endswith("is 1234 now")
        assert session.writes() == []
        await decide(session, content["plan"]["id"])
        assert (await session.call("update_inventory", **arguments))["done"]
        assert len(session.writes()) == 1


async def test_what_changes_while_it_waits_is_another_plan_to_approve() -> None:
    async with shop_session(settings=HUMAN) as session:
        arguments = levels(session)
        plan_id = await waiting(session, arguments)
        shelves.change_price(session, arguments["items"][0]["price_id"], availableQuantity=1234)
        assert await waiting(session, arguments) != plan_id
        await decide(session, plan_id)
        # The person approved the older of the two.
        await waiting(session, arguments)
        assert session.writes() == []


async def test_an_approval_that_came_too_late_is_none() -> None:
    async with shop_session(settings=HUMAN) as session:
        arguments = levels(session)
        plan_id = await waiting(session, arguments)
        database = (await session.store.use(lambda store: store)).database
        with database.transaction() as connection:
            connection.exec_driver_sql("update guard_plans set expires = 1")
        assert not await session.store.use(lambda store: store.ledger.decide(plan_id, approve=True, by="ann"))
        assert await waiting(session, arguments) != plan_id
        assert session.writes() == []


async def test_an_approval_is_for_one_caller_and_one_shop(tmp_path: Path) -> None:
    app = create_app(rate_limit=0)
    settings = {**HUMAN, "data_dir": tmp_path}
    async with (
        server_on(app, caller="ann", settings=settings) as ann,
        server_on(app, caller="bob", settings=settings) as bob,
        server_on(app, caller="ann", settings={**settings, "base_url": "https://other.example.com"}) as other,
    ):
        arguments = levels(ann)
        await decide(ann, await waiting(ann, arguments))
        await waiting(bob, arguments)
        await waiting(other, arguments)
        assert ann.writes() == []
        assert (await ann.call("update_inventory", **arguments))["done"]
    sandbox_of(app).close()


async def test_an_approval_outlives_the_server(tmp_path: Path) -> None:
    app = create_app(rate_limit=0)
    settings = {**HUMAN, "data_dir": tmp_path}
    async with server_on(app, settings=settings) as session:
        arguments = levels(session)
        plan_id = await waiting(session, arguments)
    async with server_on(app, settings=settings) as session:
        assert await waiting(session, arguments) == plan_id
        await decide(session, plan_id)
    async with server_on(app, settings=settings) as session:
        assert (await session.call("update_inventory", **arguments))["done"]
        assert len(session.writes()) == 1
    sandbox_of(app).close()
