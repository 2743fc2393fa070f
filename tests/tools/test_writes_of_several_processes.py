"""Servers that share a store write to one shop at the same time: none undoes another, and limits hold for all of them
together."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import shelves
from other_api import Between, Carry, Held
from postgres import new_database
from postgres import running_server as running_postgres
from shop_processes import Gate, killed, shop_on_a_socket
from shop_session import ERAS, Era, ShopSession, text_of, yes
from side_by_side import Calls, server_on
from starlette.applications import Starlette

from hoopai_products_mcp.sandbox.app import create_app

pytestmark = pytest.mark.anyio

Arguments = dict[str, Any]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture(params=["file", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Arguments:
    """Settings of a store that several servers share."""
    if request.param == "postgres":
        return {"database_url": new_database(request.getfixturevalue("postgres")), "data_dir": tmp_path}
    return {"data_dir": tmp_path}


@asynccontextmanager
async def two_servers(
    app: Starlette,
    store: Arguments,
    between: Between,
    *,
    era: Era = "2026-07-28",
    waiting_seconds: float = 20,
) -> AsyncGenerator[tuple[ShopSession, ShopSession]]:
    """Two servers on one shop and one store; `between` stands between the first and the shop, and `waiting_seconds` is
    how long the other waits for it."""
    async with (
        server_on(app, era=era, settings=store, between=between) as one,
        server_on(app, era=era, settings=store, waiting_seconds=waiting_seconds) as other,
    ):
        yield one, other


def gift_card(session: ShopSession) -> tuple[Arguments, Arguments]:
    """A price, and the arguments that tell it."""
    price = shelves.price(session, "Gift card", "Gift card")
    return price, {"product_id": price["product"], "price_id": price["_id"]}


@pytest.mark.parametrize("era", ERAS)
async def test_changes_of_one_price_by_two_servers_at_once_both_stay(era: Era, store: Arguments) -> None:
    app, held, calls = create_app(rate_limit=0), Held(), Calls()
    async with two_servers(app, store, held, era=era) as (one, other), anyio.create_task_group() as tasks:
        before, about = gift_card(one)
        tasks.start_soon(calls.make, "one", one, "update_price", {**about, "amount": 26})
        await held.reach()
        tasks.start_soon(calls.make, "other", other, "update_price", {**about, "sku": "GC-26"})
        # A price is sent as a whole: what the other has read by now is about to be out of date.
        assert await calls.waits("other")
        held.release.set()
        assert not (await calls.ended("one")).is_error
        assert not (await calls.ended("other")).is_error
        now = shelves.price_by_id(one, before["_id"])
        assert shelves.differences(before, now) == {"amount": 26, "sku": "GC-26"}


async def test_a_change_of_something_else_waits_for_nobody(store: Arguments) -> None:
    app, held, calls = create_app(rate_limit=0), Held(), Calls()
    async with two_servers(app, store, held) as (one, other), anyio.create_task_group() as tasks:
        _, about = gift_card(one)
        tasks.start_soon(calls.make, "one", one, "update_price", {**about, "amount": 26})
        await held.reach()
        tin = shelves.price(one, "Moonflower seeds", "Tin")
        elsewhere = {"product_id": tin["product"], "price_id": tin["_id"], "sku": "TIN-26"}
        done = await other.call("update_price", **elsewhere)
        assert done["changed"] == [{"field": "sku", "before": tin["sku"], "after": "TIN-26"}]
        held.release.set()


async def test_a_plan_that_another_server_has_made_untrue_is_not_carried_out(store: Arguments) -> None:
    app, held, calls = create_app(rate_limit=0), Held(), Calls()
    async with two_servers(app, store, held) as (one, other), anyio.create_task_group() as tasks:
        before, about = gift_card(one)
        sale: Arguments = {
            "product_ids": [before["product"]],
            "price": {"type": "REDUCE_BY_PERCENTAGE", "value": 50},
        }
        token = (await other.call("bulk_change_prices", **sale))["confirmation_token"]
        tasks.start_soon(calls.make, "one", one, "update_price", {**about, "amount": 40})
        await held.reach()
        approved = {**sale, "confirmation_token": token}
        tasks.start_soon(calls.make, "other", other, "bulk_change_prices", approved)
        assert await calls.waits("other")
        held.release.set()
        refused = await calls.ended("other")
        assert refused.is_error
        assert text_of(refused).startswith(
            "Not done: another call may have changed this meanwhile. Nothing was changed by this call. Different "
            "now:\n• "
        )
        assert shelves.price_by_id(one, before["_id"])["amount"] == 40


async def test_a_product_is_deleted_with_the_prices_that_another_server_has_just_set(
    store: Arguments,
) -> None:
    app, held, calls = create_app(rate_limit=0), Held(), Calls()
    async with two_servers(app, {**store, "confirmation": "off"}, held) as (one, other):
        before, about = gift_card(one)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(calls.make, "one", one, "update_price", {**about, "amount": 26})
            await held.reach()
            gone = {"product_id": before["product"]}
            tasks.start_soon(calls.make, "other", other, "delete_product", gone)
            assert await calls.waits("other")
            held.release.set()
        assert [bool(result.is_error) for result in calls.results.values()] == [False, False]
        (change, _) = (await other.call("list_changes"))["items"]
        assert change["tool"] == "delete_product"
        # What is made again is what was deleted, not what was there when it was planned.
        undone = await other.call("undo_change", change_id=change["id"])
        new = undone["new_ids"][before["_id"]]
        assert shelves.price_by_id(one, new)["amount"] == 26


@pytest.mark.parametrize(("waiting_seconds", "patience"), [(0.3, 55), (600, 4)])
async def test_one_that_takes_too_long_is_not_waited_for_and_named(
    tmp_path: Path, waiting_seconds: float, patience: int
) -> None:
    app, held, calls = create_app(rate_limit=0), Held(), Calls()
    store: Arguments = {"data_dir": tmp_path, "patience": patience}
    async with (
        two_servers(app, store, held, waiting_seconds=waiting_seconds) as (one, other),
        anyio.create_task_group() as tasks,
    ):
        before, about = gift_card(one)
        for session in (one, other):
            # So that opening the store takes nothing of the patience.
            assert (await session.call("list_changes"))["items"] == []
        tasks.start_soon(calls.make, "one", one, "update_price", {**about, "amount": 26})
        await held.reach()
        said = await other.refused("update_price", **about, sku="GC-26")
        (change,) = (await other.call("list_changes"))["items"]
        assert said.startswith(
            f"Not done: another server process is changing the same thing (change {change['id']}, begun "
        )
        assert "Nothing was changed." in said
        assert said.endswith("in a minute, call again.")
        held.release.set()
        await calls.ended("one")
        assert shelves.differences(before, shelves.price_by_id(one, before["_id"])) == {"amount": 26}


async def test_others_that_are_faster_every_time_do_not_keep_a_call_for_good(tmp_path: Path) -> None:
    app, store = create_app(rate_limit=0), {"data_dir": tmp_path}
    written: list[str] = []

    async def changed_once_read(request: httpx.Request, carry: Carry) -> httpx.Response:
        answer = await carry(request)
        if request.method == "GET" and "/price" in request.url.path:
            written.append(f"GC-{len(written)}")
            await one.call("update_price", **about, sku=written[-1])
        return answer

    async with (
        server_on(app, settings=store) as one,
        server_on(app, settings=store, between=changed_once_read, waiting_seconds=0.3) as other,
    ):
        before, about = gift_card(one)
        with anyio.fail_after(20):
            said = await other.refused("update_price", **about, amount=26)
        assert said == (
            "Not done: other server processes keep changing the same thing. Nothing was changed by this call. "
            "list_changes says what they have done; in a minute, call again."
        )
        now = shelves.price_by_id(one, before["_id"])
        assert shelves.differences(before, now) == {"sku": written[-1]}


async def test_one_that_came_to_nothing_holds_nobody_up_and_changes_no_plan(store: Arguments) -> None:
    app, calls = create_app(rate_limit=0), Calls()
    held = Held()

    async def refuses(request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method == "GET":
            return await carry(request)
        held.reached.set()
        await held.release.wait()
        return httpx.Response(422, json={"message": "No."})

    async with two_servers(app, store, refuses) as (one, other), anyio.create_task_group() as tasks:
        before, about = gift_card(one)
        tasks.start_soon(calls.make, "one", one, "update_price", {**about, "amount": 26})
        await held.reach()
        tasks.start_soon(calls.make, "other", other, "update_price", {**about, "sku": "GC-26"})
        assert await calls.waits("other")
        held.release.set()
        assert (await calls.ended("one")).is_error
        assert not (await calls.ended("other")).is_error
        assert shelves.differences(before, shelves.price_by_id(one, before["_id"])) == {"sku": "GC-26"}


@pytest.mark.parametrize("era", ERAS)
async def test_destructive_calls_of_two_servers_are_counted_together(
    era: Era, store: Arguments, tmp_path: Path
) -> None:
    app, calls = create_app(rate_limit=0), Calls()
    policy = tmp_path / "policy.toml"
    policy.write_text("[calls]\nmax_destructive_per_hour = 2\n")
    location = {"policy_file": str(policy), **store}
    async with (
        server_on(app, yes, era=era, settings=location) as one,
        server_on(app, yes, era=era, settings=location) as other,
    ):
        products = [doc["_id"] for doc in one.dump()["products"]]
        async with anyio.create_task_group() as tasks:
            for number, product_id in enumerate(products[:8]):
                session = (one, other)[number % 2]
                tasks.start_soon(
                    calls.make, product_id, session, "delete_product", {"product_id": product_id}
                )
        done = [result for result in calls.results.values() if not result.is_error]
        refused = [text_of(result) for result in calls.results.values() if result.is_error]
        assert (len(done), len(refused)) == (2, 6)
        assert all("max_destructive_per_hour" in said for said in refused)
        assert len(one.dump()["products"]) == len(products) - 2


async def test_fields_that_many_server_processes_set_at_once_all_stay(tmp_path: Path) -> None:
    """Real processes, over pipes, with the store in a folder."""
    fields: Arguments = {"amount": 26, "sku": "GC-26", "description": "A present.", "setup_fee": 1}
    async with shop_on_a_socket(tmp_path) as shop:
        calls = Calls()
        async with (
            shop.process() as first,
            shop.process() as second,
            shop.process() as third,
            shop.process() as fourth,
        ):
            sessions = [first, second, third, fourth]
            before, about = gift_card(first)
            async with anyio.create_task_group() as tasks:
                for session, (key, value) in zip(sessions, fields.items(), strict=True):
                    tasks.start_soon(calls.make, key, session, "update_price", {**about, key: value})
            assert [text_of(result) for result in calls.results.values() if result.is_error] == []
            now = shelves.price_by_id(first, before["_id"])
        assert shelves.differences(before, now) == {
            "amount": 26,
            "sku": "GC-26",
            "description": "A present.",
            "setupFee": 1,
        }


async def test_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    gate = Gate()
    async with shop_on_a_socket(tmp_path / "data", sleep=gate) as shop, shop.process() as other:
        before, about = gift_card(other)
        await other.call("update_price", **about, sku="GC-26")
        shop.sandbox.faults.add(
            "latency", "PUT /products/{productId}/price/{priceId}", seconds=20, applied=False
        )
        await killed(shop, gate, "update_price", lambda session: gift_card(session)[1] | {"amount": 26})
        assert shop.journaled()[-1] == ("not_needed", None)
        with anyio.fail_after(10):
            await other.call("update_price", **about, description="A present.")
        now = shelves.price_by_id(other, before["_id"])
        assert shelves.differences(before, now) == {"sku": "GC-26", "description": "A present."}
