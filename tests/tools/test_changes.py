"""The history of a shop through the tools: what was changed is listed and looked up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import shelves
from changes_to_make import Call, delete_a_product
from every_write import CALLS
from other_api import Carry
from roads import by_each_road, made, undone
from shop_session import ERAS, Era, ShopSession, shop_session, yes
from side_by_side import content_of, server_on

from hoopai_products_mcp.guard.store import OpenStore
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.server.export import export
from hoopai_products_mcp.server.kept import Kept

pytestmark = pytest.mark.anyio


async def listed(session: ShopSession, **narrowed: Any) -> list[dict[str, Any]]:
    return (await session.call("list_changes", **narrowed))["items"]


def rename(session: ShopSession, name: str = "Lamp") -> Call:
    key = shelves.product(session, "Pocket lantern")["_id"]
    return "update_product", {"product_id": key, "name": name}


# Looking changes up


@by_each_road
async def test_every_write_is_listed_with_what_it_did_and_how_it_was_allowed(era: Era, asks: bool) -> None:
    async with shop_session(yes if asks else None, era=era) as session:
        wanted: list[dict[str, Any]] = []
        for name, arguments in CALLS.items():
            session.sandbox.reset()
            asked = len(session.questions)
            content = content_of(await session.result(name, **arguments(session)))
            road = "person" if len(session.questions) > asked else "not_needed"
            if token := content.get("confirmation_token"):
                road = "confirmation_token"
                content = content_of(
                    await session.result(name, **arguments(session), confirmation_token=token)
                )
            assert content["change"]["approved_by"] == road
            wanted.append(
                {"id": content["change"]["id"], "tool": name, "outcome": "done", "approved_by": road}
            )
        items = await listed(session, limit=100)
        found = [{key: item[key] for key in ("id", "tool", "outcome", "approved_by")} for item in items]
        assert found == wanted[::-1]
        assert len({item["action"] for item in items}) >= len(items) - 2
        assert {item["approved_by"] for item in items} == {
            "not_needed", "person" if asks else "confirmation_token"
        }  # fmt: skip
        for item in items:
            assert item.keys() == {"id", "time", "tool", "action", "outcome", "approved_by"}
            told = datetime.fromisoformat(item["time"])
            assert timedelta() <= datetime.now(UTC) - told < timedelta(minutes=2)


@pytest.mark.parametrize("era", ERAS)
async def test_a_change_is_looked_up_with_before_and_after_and_what_was_answered(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        name, arguments = rename(session)
        change_id = await made(session, (name, arguments))
        found = await session.call("get_change", change_id=change_id)
        (item,) = await listed(session)
        plan = found.pop("plan")
        assert plan["items"] == ["Name: “Pocket lantern” → “Lamp”"]
        assert plan["totals"] == {"things": 1}
        result = found.pop("result")
        assert result["product"]["name"] == "Lamp"
        assert found == {
            **item,
            "arguments": arguments,
            "caller": "local",
            "client": found["client"],
            "can_be_undone": True,
        }
        assert found["client"].startswith("mcp")


async def test_changes_are_narrowed_by_tool_outcome_and_time() -> None:
    async with shop_session(yes) as session:
        assert (await session.call("list_changes")) == {"items": [], "returned": 0, "total": 0}
        first = await made(session, rename(session))
        second = await made(session, delete_a_product(session))
        session.sandbox.faults.add("server_error", "update-product-by-id", applied=False)
        said = await session.refused("update_product", **(await lamp(session)))
        assert "Nothing was changed." in said
        (third,) = [item["id"] for item in await listed(session) if item["id"] not in {first, second}]

        async def ids(**narrowed: Any) -> list[str]:
            return [item["id"] for item in await listed(session, **narrowed)]

        assert await ids() == [third, second, first]
        assert await ids(tool="delete_product") == [second]
        assert await ids(tool="update_product") == [third, first]
        assert await ids(tool="no_such_tool") == []
        assert await ids(outcome="done") == [second, first]
        assert await ids(outcome="not_done") == [third]
        assert await ids(outcome="unknown") == []
        assert await ids(tool="update_product", outcome="done") == [first]
        now = datetime.now(UTC)
        soon, lately = ((now + timedelta(hours=hours)).isoformat() for hours in (1, -1))
        assert await ids(since=soon) == []
        assert await ids(since=lately, until=soon) == [third, second, first]
        assert await ids(until=lately) == []
        # A date alone, or a time without its zone, is meant in UTC.
        assert await ids(since=(now - timedelta(days=1)).date().isoformat()) == [third, second, first]
        assert await ids(until=(now - timedelta(hours=1)).replace(tzinfo=None).isoformat()) == []


async def lamp(session: ShopSession) -> dict[str, Any]:
    return {"product_id": shelves.product(session, "Lamp")["_id"], "name": "Lantern"}


async def test_a_wrong_time_or_outcome_is_refused() -> None:
    async with shop_session(yes) as session:
        assert "ISO 8601" in await session.refused("list_changes", since="last week")
        assert "outcome" in await session.refused("list_changes", outcome="failed")


async def test_changes_come_in_pages_that_end() -> None:
    async with shop_session() as session:
        ids = [await made(session, rename(session, "Pocket lantern")) for _ in range(5)]
        found: list[str] = []
        offset: int | None = 0
        pages: list[tuple[int, int]] = []
        while offset is not None:
            page = await session.call("list_changes", limit=2, offset=offset)
            found += [item["id"] for item in page["items"]]
            pages.append((page["returned"], page["total"]))
            offset = page.get("next_offset")
        assert found == ids[::-1]
        assert pages == [(2, 5), (2, 5), (1, 5)]
        assert await session.call("list_changes", offset=5) == {"items": [], "returned": 0, "total": 5}


@by_each_road
async def test_a_change_that_is_not_there_is_said_not_to_be(era: Era, asks: bool) -> None:
    async with shop_session(yes if asks else None, era=era) as session:
        await made(session, rename(session))
        before = session.dump()
        for name in ("get_change", "undo_change"):
            for wrong in ("chg_nosuchchange", "chg_", "plan_abcdefghijkl"):
                said = await session.refused(name, change_id=wrong)
                assert said.startswith("No change of this shop has that id. Nothing was changed.")
                assert "list_changes" in said
        assert session.dump() == before
        assert len(await listed(session)) == 1


async def test_changes_of_another_shop_are_not_there(tmp_path: Path) -> None:
    here, there = create_app(rate_limit=0), create_app(rate_limit=0, location_id="sbxLocation000000002")
    settings = {"data_dir": tmp_path}
    async with server_on(here, settings=settings) as mine, server_on(there, yes, settings=settings) as theirs:
        change_id = await made(mine, rename(mine))
        before = theirs.dump()
        assert (await theirs.call("list_changes"))["total"] == 0
        for name in ("get_change", "undo_change"):
            assert "No change of this shop has that id." in await theirs.refused(name, change_id=change_id)
        own = await made(theirs, rename(theirs, "Theirs"))
        assert [item["id"] for item in await listed(theirs)] == [own]
        assert [item["id"] for item in await listed(mine)] == [change_id]
        assert (await undone(theirs, own))["done"] is True
        assert theirs.dump()["products"][0]["name"] == before["products"][0]["name"]
    for app in (here, there):
        sandbox_of(app).close()


async def test_what_never_reached_the_shop_was_not_done_and_is_not_looked_for() -> None:
    async def refused(request: httpx.Request, carry: Carry) -> httpx.Response:
        if request.method == "GET":
            return await carry(request)
        raise httpx.ConnectError("refused", request=request)

    async with shop_session(yes, between=refused) as session:
        for name in ("create_product", "bulk_change_prices", "delete_product"):
            session.sandbox.requests.clear()
            said = await session.refused(name, **CALLS[name](session))
            assert "could not be reached" in said
            assert said.count("Nothing was changed.") == 1
            (change, *_) = await listed(session)
            assert (change["tool"], change["outcome"]) == (name, "not_done")
            looked_up = await session.call("get_change", change_id=change["id"])
            assert (looked_up["why"], looked_up["why_not"]) == ("NotReachedError", "It was not done.")


# What is kept of reviews


def journal_of(folder: Path) -> bytes:
    """All that is on the disk of the store."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("guard.sqlite*")))


@by_each_road
async def test_a_deleted_review_never_comes_back_and_its_text_stays(
    era: Era, asks: bool, tmp_path: Path
) -> None:
    async with shop_session(yes if asks else None, era=era, settings={"data_dir": tmp_path}) as session:
        review = next(doc for doc in session.dump()["reviews"] if doc["reply"])
        arguments = {"review_id": review["_id"], "product_id": review["productId"]}
        change_id = await made(session, ("delete_review", arguments))
        if asks:
            assert "nothing can create a review, so this one never comes back" in session.questions[0]
        found = await session.call("get_change", change_id=change_id)
        assert found["can_be_undone"] is False
        assert found["why_not"].startswith("Nothing can create a review: a deleted one never comes back.")
        assert "changes export" in found["why_not"]
        for options in ({}, {"on_conflict": "overwrite"}, {"dry_run": True}):
            said = await session.refused("undo_change", change_id=change_id, **options)
            assert said.startswith("It cannot be undone. Nothing can create a review")
            assert "Nothing was changed." in said
        assert review["_id"] not in {doc["_id"] for doc in session.dump()["reviews"]}

        def exported(store: OpenStore) -> list[str]:
            kept = Kept(store.database, store.ledger, store.journal)
            for form in ("json", "csv"):
                export(kept, form=form, output=tmp_path / f"changes.{form}")
            return [(tmp_path / f"changes.{form}").read_text("utf-8") for form in ("json", "csv")]

        for text in await session.store.use(exported):
            assert "@" not in text
            for told in (review["headline"], review["detail"], review["reply"][0]["comment"]):
                assert told in text
    assert b"@example.com" not in journal_of(tmp_path)


async def test_how_to_reach_a_customer_is_in_no_journal(tmp_path: Path) -> None:
    async with shop_session(yes, settings={"data_dir": tmp_path}) as session:
        reviews = session.dump()["reviews"]
        customers = {review["user"]["email"].encode() for review in reviews}
        refs = [
            {"review_id": doc["_id"], "product_id": doc["productId"], "store_id": doc["storeId"]}
            for doc in reviews[:5]
        ]
        await session.call("bulk_update_reviews", reviews=refs, status="rejected")
        answer = {"comment": "Thank you.", "name": "Shop", "email": "hello@example.com"}
        for ref in refs[:2]:
            await session.call(
                "update_review", review_id=ref["review_id"], product_id=ref["product_id"], status="approved",
                reply=answer,
            )  # fmt: skip
        for change in await listed(session):
            assert (await session.call("undo_change", change_id=change["id"]))["done"] is True
        await session.call("delete_product", product_id=refs[0]["product_id"])
    kept = journal_of(tmp_path)
    assert b"Thank you." in kept
    assert [address for address in customers if address in kept] == []
