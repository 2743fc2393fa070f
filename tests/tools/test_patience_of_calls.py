"""What a call is told when the API's limit or the API itself would keep it waiting."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import anyio
import pytest
import shelves
from mcp.client import Client
from other_api import Held
from shop_session import Era, shop_session, text_of
from side_by_side import Calls

from hoopai_products_mcp.products_api.urgency import seconds_left
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.faults import FaultKind
from hoopai_products_mcp.sandbox.time_lapse import TimeLapseLoop
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.connection import Connection
from hoopai_products_mcp.server.settings import Settings
from hoopai_products_mcp.tools.patience import Patience

ERAS: tuple[Era, ...] = ("2026-07-28", "legacy")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")


@asynccontextmanager
async def limited(
    era: Era = "2026-07-28", *, limit: int = 3, seconds: float = 2.0, patience: int = 1
) -> AsyncGenerator[tuple[Client, Sandbox]]:
    """A client of a server that works on a shop with this limit."""
    app = create_app(rate_limit=limit, rate_interval_seconds=seconds)
    settings = Settings.model_validate({"sandbox": True, "patience": patience})
    server = build_server(settings, connection=Connection(settings, sandbox_app=app))
    async with Client(server, mode=era) as client:
        yield client, sandbox_of(app)
    sandbox_of(app).close()


async def listed(client: Client, **more: Any) -> str:
    """The words of an error, or "listed"."""
    result = await client.call_tool("list_products", {"limit": 1}, **more)
    return text_of(result) if result.is_error else "listed"


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_a_wait_beyond_the_patience_is_told_with_the_time_to_try_again(era: Era) -> None:
    async with limited(era) as (client, sandbox):
        while (said := await listed(client)) == "listed":
            assert len(sandbox.requests.lines()) <= 3
        sent = sandbox.requests.lines()
        change = {"product_id": "65f0c0ffee0000000000dead", "name": "Lamp"}
        refused = text_of(await client.call_tool("update_product", change))
    assert MOMENT.sub("<time>", said) == (
        "GET /products/ was not sent: the 3 requests in 2 seconds are used up, and there is no time to wait for "
        "more. Try again at <time>."
    )
    found = MOMENT.search(said)
    assert found
    assert datetime.fromisoformat(found[0]).tzinfo is not None
    assert "Nothing was changed." in refused
    assert sandbox.requests.lines() == sent


@pytest.mark.anyio
async def test_whoever_hears_of_progress_waits() -> None:
    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del progress, total, message

    # In memory a client of the newer era is called back without having asked; `tests/serving` has it on a socket.
    async with limited("legacy") as (client, _):
        for _ in range(7):
            assert await listed(client, progress_callback=hear) == "listed"


@pytest.mark.anyio
async def test_a_whole_job_waits() -> None:
    async with limited(limit=20, seconds=1.0) as (client, sandbox):
        result = await client.call_tool("audit_catalog", {})
        assert not result.is_error
        assert len(sandbox.requests.lines()) > 40
        assert all(received.status == 200 for received in sandbox.requests)


@pytest.mark.anyio
async def test_without_a_bound_everybody_waits() -> None:
    async with limited(patience=0) as (client, sandbox):
        for _ in range(7):
            assert await listed(client) == "listed"
        assert all(received.status == 200 for received in sandbox.requests)


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_an_api_that_is_down_is_told_at_once(era: Era) -> None:
    async with limited(era, limit=0) as (client, sandbox):
        sandbox.faults.add(FaultKind.SERVER_ERROR, count=None)
        for _ in range(5):
            assert "was not sent" not in await listed(client)
        said = await listed(client)
        assert len(sandbox.requests.lines()) == 5
        change = {"product_id": "65f0c0ffee0000000000dead", "name": "Lamp"}
        refused = text_of(await client.call_tool("update_product", change))
        assert len(sandbox.requests.lines()) == 5
    assert MOMENT.sub("<time>", said) == (
        "GET /products/ was not sent: the API has failed 5 times in a row since <time>. It answered GET /products/ "
        "with 500. The first call from <time> on tries it again."
    )
    assert "Nothing was changed." in refused


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_a_write_that_another_call_holds_up_ends_with_the_patience(era: Era) -> None:
    held, calls = Held(), Calls()
    async with (
        shop_session(era=era, settings={"patience": 4}, between=held) as session,
        anyio.create_task_group() as tasks,
    ):
        # So that opening the store takes nothing of the patience.
        assert (await session.call("list_changes"))["items"] == []
        price = shelves.price(session, "Gift card", "Gift card")
        about = {"product_id": price["product"], "price_id": price["_id"]}
        tasks.start_soon(calls.make, "first", session, "update_price", {**about, "amount": 26})
        await held.reach()
        assert await session.refused("update_price", **about, sku="GC-26") == (
            "Not done: another call of this server is changing the same thing, and has not ended in the time that an "
            "assistant waits. Nothing was changed. list_changes says what is under way; when it has ended, call again."
        )
        (change,) = (await session.call("list_changes"))["items"]
        held.release.set()
        assert not (await calls.ended("first")).is_error
        assert shelves.differences(price, shelves.price_by_id(session, price["_id"])) == {"amount": 26}
        assert change["tool"] == "update_price"
        again = await session.call("update_price", **about, sku="GC-26")
        assert again["changed"] == [{"field": "sku", "before": price["sku"], "after": "GC-26"}]


@pytest.mark.anyio
async def test_a_write_that_was_agreed_to_and_is_held_up_needs_another_yes() -> None:
    held, calls = Held(), Calls()
    async with (
        shop_session(settings={"patience": 4}, between=held) as session,
        anyio.create_task_group() as tasks,
    ):
        product = shelves.product(session, "Storm lantern")["_id"]
        token = (await session.call("delete_product", product_id=product))["confirmation_token"]
        change = {"product_id": product, "description": "Brighter."}
        tasks.start_soon(calls.make, "first", session, "update_product", change)
        await held.reach()
        said = await session.refused("delete_product", product_id=product, confirmation_token=token)
        assert said.endswith(
            "when it has ended, call again, without a confirmation_token: the yes to this plan is used up, and the "
            "next one needs its own."
        )
        held.release.set()
        assert not (await calls.ended("first")).is_error
        again = (await session.call("delete_product", product_id=product))["confirmation_token"]
        done = await session.call("delete_product", product_id=product, confirmation_token=again)
        assert done["deleted"] is True


def test_the_time_in_which_a_person_thinks_is_not_counted() -> None:
    left: list[float] = []

    async def main() -> None:
        patience = Patience(55)
        with patience.at_work():
            await anyio.sleep(20)
        await anyio.sleep(600)
        with patience.at_work():
            left.append(seconds_left())

    anyio.run(main, backend_options={"loop_factory": TimeLapseLoop})
    assert left == [35]
