"""Writes that nobody saw the end of: a killed process, a store that takes no outcome, a call that is cancelled."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from time import time
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx
import pytest
from every_write import CALLS
from mcp_types import CallToolResult
from other_api import Carry
from shop_processes import Gate, killed, shop_on_a_socket
from shop_session import ERAS, Era, ShopSession, shop_session, yes
from side_by_side import server_on
from undo_shop import shelves_alike

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Change, Intent, Journal
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.tools.catalog import RECORDS

pytestmark = pytest.mark.anyio

ROUTES = {record.name: record.operation for record in RECORDS}
NOTHING = "Nothing was changed."
LONG = 0.5
"""Seconds in which any reading of the store is over."""


async def changes(session: ShopSession) -> list[dict[str, Any]]:
    """The journal, the oldest first."""
    return (await session.call("list_changes", limit=100))["items"][::-1]


async def outcomes(session: ShopSession) -> list[str]:
    return [item["outcome"] for item in await changes(session)]


# A store that does not take the outcome


@contextmanager
def full(folder: Path) -> Generator[None]:
    """A disk on which the journal finds no more room."""
    with closing(sqlite3.connect(folder / "guard.sqlite", isolation_level=None)) as store:
        store.execute(
            "CREATE TRIGGER full BEFORE INSERT ON guard_events "
            "BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
    try:
        yield
    finally:
        with closing(sqlite3.connect(folder / "guard.sqlite", isolation_level=None)) as store:
            store.execute("DROP TRIGGER full")


class Full:
    """An API during whose next write the disk of the journal fills up, until it is told to `end`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._full: Any = None
        self.next = True

    async def __call__(self, request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method != "GET" and self.next:
            self.next = False
            self._full = full(self._folder)
            self._full.__enter__()
        return await carry(request)

    def end(self) -> None:
        self._full.__exit__(None, None, None)


@pytest.mark.parametrize("era", ERAS)
async def test_an_outcome_that_the_store_does_not_take_is_written_down_later(
    era: Era, tmp_path: Path
) -> None:
    api = Full(tmp_path)
    async with shop_session(yes, era=era, settings={"data_dir": tmp_path}, between=api) as session:
        done = await session.call("delete_product", **CALLS["delete_product"](session))
        assert done["deleted"] is True
        assert done["notes"] == [
            "The journal could not take down the outcome; that is tried again as long as this server runs."
        ]
        change_id = session.changes[0]["id"]
        # As long as it is full, nothing else is written to the shop, and nothing is made up of this change.
        said = await session.refused("update_review", **CALLS["update_review"](session))
        assert said.startswith("Not done: the record of changes does not work")
        assert NOTHING in said
        assert await outcomes(session) == ["under_way"]
        found = await session.call("get_change", change_id=change_id)
        assert (found["can_be_undone"], found["why_not"]) == (
            False, "It is still under way, or what became of it could not be written down yet."
        )  # fmt: skip
        api.end()
        assert await outcomes(session) == ["done"]
        found = await session.call("get_change", change_id=change_id)
        assert found["can_be_undone"] is True
        assert found["result"] == {key: done[key] for key in done if key != "notes"}
        assert len(session.writes()) == 1


def kept(folder: Path) -> list[str | None]:
    """The outcomes in the journal, the oldest first, as anybody else finds them."""
    database = Database.open(f"sqlite:///{folder / 'guard.sqlite'}")
    found, _ = Journal(database).list(location=None)
    database.close()
    return [change.outcome.outcome if change.outcome else None for change in reversed(found)]


async def test_an_outcome_is_written_down_later_without_another_call(tmp_path: Path) -> None:
    api = Full(tmp_path)
    async with shop_session(yes, settings={"data_dir": tmp_path}, between=api) as session:
        await session.call("delete_product", **CALLS["delete_product"](session))
        assert kept(tmp_path) == [None]
        api.end()
        with anyio.fail_after(30):
            while kept(tmp_path) == [None]:
                await anyio.lowlevel.checkpoint()
        assert kept(tmp_path) == ["done"]


async def test_a_server_that_stops_tries_once_more_to_write_an_outcome_down(tmp_path: Path) -> None:
    api = Full(tmp_path)
    async with shop_session(yes, settings={"data_dir": tmp_path}, between=api) as session:
        for name in ("delete_product", "create_product"):
            await session.call(name, **CALLS[name](session))
            assert kept(tmp_path)[-1] is None
            api.end()
            api.next = True
    assert kept(tmp_path) == ["done", "done"]


async def test_calls_that_come_at_once_write_what_is_left_down_once(tmp_path: Path) -> None:
    api = Full(tmp_path)
    async with shop_session(yes, settings={"data_dir": tmp_path}, between=api) as session:
        await session.call("update_product", **CALLS["update_product"](session))
        api.end()
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(changes, session)
        assert await outcomes(session) == ["done"]
        # One that is written down stands in nobody's way.
        api.next = True
        await session.call("create_product", **CALLS["create_product"](session))
        assert await outcomes(session) == ["done", "under_way"]
        api.end()
        assert await outcomes(session) == ["done", "done"]
        proof = await session.store.use(lambda store: store.journal.verify())
        assert (proof.events, proof.fault) == (4, None)


async def test_what_a_process_could_not_write_down_before_it_ended_is_found_in_the_shop(
    tmp_path: Path,
) -> None:
    app = create_app(rate_limit=0)
    api = Full(tmp_path)
    settings = {"data_dir": tmp_path}
    async with server_on(app, settings=settings, between=api) as session:
        await session.call("create_product", **CALLS["create_product"](session))
    api.end()
    async with server_on(app, yes, settings=settings) as session:
        (change,) = await changes(session)
        (lamp,) = [doc["_id"] for doc in session.dump()["products"] if doc["name"] == "Lamp"]
        assert change["outcome"] == "done"
        found = await session.call("get_change", change_id=change["id"])
        assert [item["id"] for item in found["created"]] == [lamp]
        assert (await session.call("undo_change", change_id=change["id"]))["done"] is True
        assert "Lamp" not in {doc["name"] for doc in session.dump()["products"]}
    sandbox_of(app).close()


# A call that is cancelled


class Held:
    """An API that keeps its first write waiting until it is released, before or after it did it."""

    def __init__(self, *, applied: bool) -> None:
        self._applied = applied
        self.reached = anyio.Event()
        self.release = anyio.Event()

    async def __call__(self, request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method == "GET" or self.reached.is_set():
            return await carry(request)
        response = await carry(request) if self._applied else None
        self.reached.set()
        await self.release.wait()
        return response or await carry(request)


async def settled(session: ShopSession) -> str:
    """The outcome of the newest change, once there is one."""
    with anyio.fail_after(20):
        while (outcome := (await outcomes(session))[-1]) == "under_way":
            await anyio.lowlevel.checkpoint()
        return outcome


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", ["create_product", "bulk_update_inventory", "delete_product"])
@pytest.mark.parametrize("applied", [True, False])
async def test_a_cancelled_write_is_looked_after(tool: str, applied: bool, era: Era) -> None:
    held = Held(applied=applied)
    async with shop_session(era=era, settings={"confirmation": "off"}, between=held) as session:
        before = session.dump()
        arguments = CALLS[tool](session)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: session.result(tool, **arguments))
            await held.reached.wait()
            assert await outcomes(session) == ["under_way"]
            tasks.cancel_scope.cancel()
        assert await settled(session) == ("done" if applied else "unknown")
        assert (session.dump() != before) is applied
        (change,) = await changes(session)
        found = await session.call("get_change", change_id=change["id"])
        if applied:
            assert found["can_be_undone"] is True
        else:
            assert "the API may still be at it" in found["why"]
        assert len(session.writes()) == (1 if applied else 0)


@pytest.mark.parametrize("tool", ["create_price", "undo_change"])
@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_is_cancelled_before_it_is_sent_leaves_nothing_open(
    era: Era, tool: str, tmp_path: Path
) -> None:
    async with shop_session(era=era, settings={"data_dir": tmp_path, "confirmation": "off"}) as session:
        arguments = CALLS["create_price"](session)
        await session.call("update_product", **CALLS["update_product"](session))
        if tool == "undo_change":
            arguments = {"change_id": session.changes[0]["id"]}
        before = len(session.sandbox.requests.lines())
        await session.call(tool, **arguments, dry_run=True)
        planned = len(session.sandbox.requests.lines())
        planned += planned - before
        busy = sqlite3.connect(tmp_path / "guard.sqlite", isolation_level=None)
        busy.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: session.result(tool, **arguments))
            with anyio.fail_after(10):
                # Readings of the store are over at once: a thread that goes on waits to write down what it is about
                # to do.
                free = anyio.current_time()
                while len(session.sandbox.requests.lines()) < planned or anyio.current_time() - free < LONG:
                    if not anyio.to_thread.current_default_thread_limiter().borrowed_tokens:
                        free = anyio.current_time()
                    await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
            busy.execute("COMMIT")
        busy.close()
        with anyio.fail_after(20):
            while await outcomes(session) != ["done", "not_done"]:
                await anyio.lowlevel.checkpoint()
        assert len(session.writes()) == 1


# A write under way in another live process


@pytest.mark.parametrize("era", ERAS)
async def test_what_another_process_is_at_stays_under_way(era: Era, tmp_path: Path) -> None:
    app = create_app(rate_limit=0)
    held = Held(applied=True)
    settings = {"data_dir": tmp_path, "confirmation": "off"}
    results: list[CallToolResult] = []
    async with (
        server_on(app, era=era, settings=settings, between=held) as one,
        server_on(app, era=era, settings=settings) as other,
    ):
        arguments = CALLS["bulk_update_inventory"](one)

        async def write() -> None:
            results.append(await one.result("bulk_update_inventory", **arguments))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            await held.reached.wait()
            # The other process looks back, writes, looks the change up, and tries to take it back.
            (change,) = await changes(other)
            assert change["outcome"] == "under_way"
            assert await changes(one) == [change]
            await other.call("create_product", **CALLS["create_product"](other))
            found = await other.call("get_change", change_id=change["id"])
            assert (found["outcome"], found["can_be_undone"]) == ("under_way", False)
            said = await other.refused("undo_change", change_id=change["id"])
            assert said.startswith("It cannot be undone. It is still under way")
            assert NOTHING in said
            assert await outcomes(other) == ["under_way", "done"]
            assert [
                item["id"] for item in (await other.call("list_changes", outcome="unknown"))["items"]
            ] == [change["id"]]
            held.release.set()
        (done,) = results
        assert not done.is_error
        for session in (one, other):
            assert await outcomes(session) == ["done", "done"]
        kept, _ = await other.store.use(lambda store: store.journal.list(location=None))
        # By whoever was at it, and by nobody else.
        assert [change.settled for change in kept] == [False, False]
    sandbox_of(app).close()


# A process that is killed between intent and outcome


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("tool", ["create_product", "bulk_change_prices"])
async def test_what_a_killed_process_left_open_is_settled_by_the_next(
    tool: str, applied: bool, tmp_path: Path
) -> None:
    gate = Gate()
    async with shop_on_a_socket(tmp_path / "data", sleep=gate) as shop:
        before = shop.dump()
        shop.sandbox.faults.add("latency", ROUTES[tool], seconds=20, applied=applied)
        await killed(shop, gate, tool, CALLS[tool])
        assert shop.journaled() == [("not_needed" if tool == "create_product" else "person", None)]
        assert (shop.dump() != before) is applied
        async with shop.process(yes) as session:
            if applied:
                # By its first look at the journal,
                (change,) = await changes(session)
            else:
                # or by its first write.
                await session.call("update_review", **CALLS["update_review"](session))
                change, _ = await changes(session)
            assert (change["tool"], change["outcome"]) == (tool, "done" if applied else "not_done")
            found = await session.call("get_change", change_id=change["id"])
            assert found["can_be_undone"] is applied
            if applied:
                assert (await session.call("undo_change", change_id=change["id"]))["done"] is True
                assert shelves_alike(before, shop.dump()) == {}
        writes = [line for line in shop.writes() if line.startswith(ROUTES[tool])]
        assert len(writes) == 1


async def test_an_edit_whose_process_was_killed_midway_is_counted_and_goes_on_in_the_next(
    tmp_path: Path,
) -> None:
    gate = Gate()
    route = ROUTES["bulk_edit_products"]
    async with shop_on_a_socket(tmp_path / "data", shop=70, sleep=gate) as shop:
        before = shop.dump()
        keys = [doc["_id"] for doc in before["products"][:61]]
        edits = [{"product_id": key, "description": f"New {number}"} for number, key in enumerate(keys)]
        shop.sandbox.faults.add("latency", route, skip=1, seconds=20)
        await killed(shop, gate, "bulk_edit_products", lambda _: {"products": edits})
        async with shop.process(yes) as session:
            (change,) = await changes(session)
            assert (change["outcome"], change["applied"], change["of"]) == ("done", 60, 61)
            done = await session.call("bulk_edit_products", products=edits)
            assert (done["done"], done["products_done"]) == (True, keys)
            assert session.questions[-1].startswith("Edit 1 product")
            bodies = [received.body for received in shop.sandbox.requests if received.method == "POST"]
            assert [len(body["products"]) for body in bodies] == [30, 30, 1]
            for item in await changes(session):
                assert (await session.call("undo_change", change_id=item["id"]))["done"] is True
        assert shelves_alike(before, shop.dump()) == {}


def begun(folder: Path, change: Change, *, seconds: float, ended: bool = True) -> str:
    """The same change in another store, begun so long ago by a process that is gone, and ended there; its id."""
    folder.mkdir(exist_ok=True)
    database = Database.open(f"sqlite:///{folder / 'guard.sqlite'}")
    journal = Journal(database, lambda: time() - seconds)
    change_id = journal.begin(Intent(**{each.name: getattr(change, each.name) for each in fields(Intent)}))
    if ended:
        assert change.outcome is not None
        journal.end(change_id, change.outcome)
    database.close()
    return change_id


@pytest.mark.parametrize(("minutes", "settled"), [(11, True), (9, False)])
async def test_what_another_process_left_open_is_settled_by_one_that_is_running(
    minutes: int, settled: bool, tmp_path: Path
) -> None:
    async with shop_session(settings={"data_dir": tmp_path}, look_seconds=0) as session:
        await session.call("update_product", **CALLS["update_product"](session))
        (change,) = await session.store.use(lambda store: store.journal.list(location=None)[0])
        left = begun(tmp_path, change, seconds=minutes * 60, ended=False)
        await session.call("update_review", **CALLS["update_review"](session))
        found = await session.store.use(lambda store: store.journal.find(left))
        assert found is not None
        assert (found.outcome and found.outcome.outcome) == ("done" if settled else None)


@pytest.mark.parametrize(("hours", "at_start"), [(1, True), (30, False)])
async def test_what_stayed_unknown_for_long_is_looked_at_on_demand_only(
    hours: int, at_start: bool, tmp_path: Path
) -> None:
    async with shop_session() as session:
        session.sandbox.faults.add("server_error", ROUTES["update_product"], applied=True)
        session.sandbox.faults.add("server_error", skip=1, count=None)
        await session.refused("update_product", **CALLS["update_product"](session))
        (change,) = await session.store.use(lambda store: store.journal.list(location=None)[0])
    assert change.outcome is not None
    assert change.outcome.outcome == "unknown"
    settings = {"data_dir": tmp_path / "older"}
    earlier = begun(tmp_path / "older", change, seconds=hours * 3600)
    async with shop_session(settings=settings) as session:
        assert await outcomes(session) == ["not_done" if at_start else "unknown"]
        assert bool(session.sent()) is at_start
        assert (await session.call("get_change", change_id=earlier))["outcome"] == "not_done"
