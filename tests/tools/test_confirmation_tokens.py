"""Where a client cannot ask: the plan, a token for it, and what a token is not good for."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
import shelves
from mcp_types import CallToolResult
from shop_session import ERAS, Era, ShopSession, no, shop_session, text_of, wanted, yes
from side_by_side import Arguments, content_of, journaled, server_on

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of

pytestmark = pytest.mark.anyio

BULK = "POST /products/bulk-update"
ANOTHER = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def lantern(session: ShopSession) -> str:
    return shelves.product(session, "Pocket lantern")["_id"]


def levels(session: ShopSession, *counts: int) -> Arguments:
    """A stocktake of so many variants."""
    tracked = [price["_id"] for price in session.sandbox.dump()["prices"] if price.get("trackInventory")]
    return {
        "items": [
            {"price_id": key, "available_quantity": count}
            for key, count in zip(tracked, counts, strict=False)
        ]
    }


async def token_for(session: ShopSession, name: str, arguments: Arguments) -> str:
    """The token that a call answers with."""
    content = content_of(await session.result(name, **arguments))
    assert content["status"] == "confirmation_required"
    return content["confirmation_token"]


@pytest.mark.parametrize("era", ERAS)
async def test_the_plan_comes_first_and_the_token_does_it(era: Era) -> None:
    async with shop_session(era=era) as session:
        key = lantern(session)
        content = content_of(await session.result("delete_product", product_id=key))
        assert list(content) == ["status", "next_step", "plan", "confirmation_token"]
        assert content["status"] == "confirmation_required"
        assert content["plan"]["action"].startswith("Delete ")
        assert content["plan"]["cannot_be_undone"]
        assert content["plan"]["totals"]["things"] == 1
        assert content["next_step"] == (
            "Nothing was changed. Show the person this whole plan and ask them. To agree, they answer with: "
            "Pocket lantern. Only after their own yes make the same call again with this confirmation_token, within "
            "10 minutes. Never answer for them."
        )
        assert session.writes() == []
        done = await session.call(
            "delete_product", product_id=key, confirmation_token=content["confirmation_token"]
        )
        assert done["deleted"] is True
        assert session.writes() == [f"DELETE /products/{key}"]
        assert session.changes[0]["approved_by"] == "confirmation_token"
        assert await journaled(session) == 1


async def test_a_plan_that_takes_a_tick_wants_no_certain_words() -> None:
    async with shop_session() as session:
        content = content_of(await session.result("update_inventory", **levels(session, 1, 2)))
        assert "To agree, they answer with" not in content["next_step"]
        content = content_of(await session.result("update_inventory", **levels(session, *range(25))))
        assert "To agree, they answer with: 25." in content["next_step"]


USED = (
    "This plan was answered before, and an answer counts once. Nothing was changed by this call; list_changes shows "
    "what the first one did. To ask anew, call again."
)


@pytest.mark.parametrize("era", ERAS)
async def test_a_token_does_one_deed(era: Era) -> None:
    async with shop_session(era=era) as session:
        arguments = levels(session, 5, 6)
        token = await token_for(session, "update_inventory", arguments)
        assert (await session.call("update_inventory", **arguments, confirmation_token=token))["done"]
        for _ in range(2):
            assert await session.refused("update_inventory", **arguments, confirmation_token=token) == USED
        assert len(session.writes()) == 1


async def test_of_two_tokens_for_one_plan_one_does_the_deed() -> None:
    async with shop_session() as session:
        arguments = levels(session, 5, 6)
        tokens = [await token_for(session, "update_inventory", arguments) for _ in range(2)]
        said: list[CallToolResult] = []

        async def use(token: str) -> None:
            said.append(await session.result("update_inventory", **arguments, confirmation_token=token))

        async with anyio.create_task_group() as tasks:
            for token in tokens:
                tasks.start_soon(use, token)
        assert sorted(bool(result.is_error) for result in said) == [False, True]
        assert len(session.writes()) == 1


async def test_a_token_used_at_once_in_two_servers_of_one_store_does_one_deed(tmp_path: Path) -> None:
    app = create_app(rate_limit=0)
    settings = {"data_dir": tmp_path}
    async with server_on(app, settings=settings) as one, server_on(app, settings=settings) as other:
        arguments = levels(one, 5, 6)
        token = await token_for(one, "update_inventory", arguments)
        errors: list[bool] = []

        async def use(session: ShopSession) -> None:
            result = await session.result("update_inventory", **arguments, confirmation_token=token)
            errors.append(bool(result.is_error))

        async with anyio.create_task_group() as tasks:
            for session in (one, other, one, other):
                tasks.start_soon(use, session)
        assert sorted(errors) == [False, True, True, True]
        assert len(one.writes()) == 1
    sandbox_of(app).close()


async def test_a_token_outlives_its_server(tmp_path: Path) -> None:
    app = create_app(rate_limit=0)
    settings = {"data_dir": tmp_path}
    async with server_on(app, settings=settings) as session:
        arguments = levels(session, 5, 6)
        token = await token_for(session, "update_inventory", arguments)
    async with server_on(app, settings=settings) as session:
        assert (await session.call("update_inventory", **arguments, confirmation_token=token))["done"]
    async with server_on(app, settings=settings) as session:
        assert await session.refused("update_inventory", **arguments, confirmation_token=token) == USED
        assert len(session.writes()) == 1
    sandbox_of(app).close()


async def test_a_token_that_is_too_old_does_nothing() -> None:
    async with shop_session(lifetime_seconds=0) as session:
        arguments = levels(session, 5, 6)
        token = await token_for(session, "update_inventory", arguments)
        said = await session.refused("update_inventory", **arguments, confirmation_token=token)
        assert said == (
            "Not confirmed: the answer came too late, or never. Nothing was changed. Call again to ask anew."
        )
        assert session.writes() == []


async def test_a_token_altered_or_made_up_does_nothing() -> None:
    async with shop_session() as session:
        arguments = levels(session, 5, 6)
        token = await token_for(session, "update_inventory", arguments)
        plan_id = content_of(await session.result("update_inventory", **arguments))["plan"]["id"]
        wrong = [
            token[:place] + ANOTHER[(ANOTHER.find(token[place]) + 1) % len(ANOTHER)] + token[place + 1 :]
            for place in (8, 20, 25, 40, 60, len(token) - 10, len(token) - 1)
        ]
        wrong += [
            "",
            "yes",
            "approved: yes",
            "confirm-",
            plan_id,
            f"confirm-{plan_id}",
            token[:-4],
            token + "AAAA",
        ]
        for text in wrong:
            said = await session.refused("update_inventory", **arguments, confirmation_token=text)
            assert said == (
                "Not confirmed: this server did not give out that confirmation_token, or it was altered. Nothing was "
                "changed. Call without it to get the plan and a new one."
            )
        assert session.writes() == []
        # All that was of no effect on the token itself.
        assert (await session.call("update_inventory", **arguments, confirmation_token=token))["done"]


def given_for(what: str) -> str:
    return (
        f"Not confirmed: that confirmation_token was given for {what}. Nothing was changed. Call without it to get the "
        "plan of this call and a token of its own."
    )


async def test_a_token_is_for_one_tool_and_all_of_its_arguments() -> None:
    async with shop_session(settings={"confirm_writes": "all"}) as session:
        both = {
            "product_id": lantern(session),
            "price_id": shelves.price(session, "Pocket lantern", "Brass")["_id"],
        }
        two = levels(session, 5, 6)
        other_amount = {"items": [two["items"][0], two["items"][1] | {"available_quantity": 7}]}
        other_order = {"items": list(reversed(two["items"]))}
        more = {"items": [two["items"][0], two["items"][1] | {"allow_out_of_stock_purchases": True}]}
        edit = {
            "products": [
                {"product_id": both["product_id"], "prices": [{"price_id": both["price_id"], "amount": 9}]}
            ]
        }
        dearer = json.loads(json.dumps(edit).replace("9}", "90}"))
        calls: list[tuple[str, Arguments, str, Arguments, str]] = [
            ("update_inventory", two, "update_inventory", other_amount, "other arguments"),
            ("update_inventory", two, "update_inventory", other_order, "other arguments"),
            ("update_inventory", two, "update_inventory", more, "other arguments"),
            ("bulk_edit_products", edit, "bulk_edit_products", dearer, "other arguments"),
            (
                "delete_product",
                {"product_id": both["product_id"]},
                "bulk_delete_products",
                {"product_ids": [both["product_id"]]},
                "another tool (delete_product)",
            ),
            ("update_price", both | {"amount": 1}, "delete_price", both, "another tool (update_price)"),
            (
                "update_price",
                both | {"amount": 1},
                "update_price",
                both | {"amount": 1.01},
                "other arguments",
            ),
            (
                "update_price",
                both | {"amount": 1},
                "update_price",
                both | {"amount": 1, "name": "B"},
                "other arguments",
            ),
        ]
        for name, arguments, other_name, others, what in calls:
            token = await token_for(session, name, arguments)
            said = await session.refused(other_name, **others, confirmation_token=token)
            assert said == given_for(what)
        assert session.writes() == []


@pytest.mark.parametrize(
    ("mine", "others", "words"),
    [
        ({}, {"base_url": "https://other.example.com"}, given_for("another shop")),
        ({}, {"elsewhere": "yes"}, given_for("another shop")),
        ({"caller": "ann"}, {"caller": "bob"}, given_for("another caller")),
        ({"caller": "ann"}, {}, given_for("another caller")),
        (
            {},
            {"data_dir": "another store"},
            "Not confirmed: this server did not give out that confirmation_token",
        ),
    ],
)
async def test_a_token_is_for_one_shop_one_caller_and_one_store(
    mine: dict[str, Any], others: dict[str, Any], words: str, tmp_path: Path
) -> None:
    app, elsewhere = create_app(rate_limit=0), create_app(rate_limit=0, location_id="sbxLocation000000002")

    def server(given: dict[str, Any]) -> Any:
        given = dict(given)
        caller = given.pop("caller", None)
        chosen = elsewhere if given.pop("elsewhere", None) else app
        folder = tmp_path / given.pop("data_dir", "store")
        return server_on(
            chosen, caller=caller, settings={"data_dir": folder, "confirm_writes": "all", **given}
        )

    async with server(mine) as one, server(others) as other:
        token = await token_for(one, "create_collection", {"name": "Lamps"})
        said = await other.refused("create_collection", name="Lamps", confirmation_token=token)
        assert said.startswith(words)
        assert one.writes() + other.writes() == []
        await one.call("create_collection", name="Lamps", confirmation_token=token)
    sandbox_of(app).close()
    sandbox_of(elsewhere).close()


@pytest.mark.parametrize("era", ERAS)
async def test_a_token_spares_no_question_where_the_client_can_ask(era: Era, tmp_path: Path) -> None:
    app = create_app(rate_limit=0)
    settings = {"data_dir": tmp_path}
    async with server_on(app, settings=settings) as session:
        arguments = levels(session, 5, 6)
        token = await token_for(session, "update_inventory", arguments)
    async with server_on(app, no, era=era, settings=settings) as session:
        said = await session.refused("update_inventory", **arguments, confirmation_token=token)
        assert said.startswith("Not confirmed: the answer was no. Nothing was changed.")
        assert len(session.questions) == 1
    async with server_on(app, settings=settings) as session:
        # The no was to this very plan.
        assert await session.refused("update_inventory", **arguments, confirmation_token=token) == USED
        assert session.writes() == []
    sandbox_of(app).close()


async def test_a_stale_token_says_what_changed_and_brings_a_fresh_one_that_works() -> None:
    async with shop_session() as session:
        arguments = levels(session, 5, 6)
        token = await token_for(session, "update_inventory", arguments)
        sold = arguments["items"][1]["price_id"]
        name = shelves.price_by_id(session, sold)
        shelves.change_price(session, sold, availableQuantity=(name["availableQuantity"] or 0) + 3)
        result = await session.result("update_inventory", **arguments, confirmation_token=token)
        content = content_of(result)
        assert content["status"] == "confirmation_required"
        (line,) = content["changed_since_approval"]
        assert "available_quantity: was " in line
        assert session.writes() == []
        assert await session.refused("update_inventory", **arguments, confirmation_token=token) == USED
        fresh = content["confirmation_token"]
        assert (await session.call("update_inventory", **arguments, confirmation_token=fresh))["done"]
        assert len(session.writes()) == 1


async def test_the_way_arguments_are_written_makes_no_other_payload() -> None:
    async with shop_session() as session:
        arguments = levels(session, 5, 6)
        token = await token_for(session, "update_inventory", {"items": json.dumps(arguments["items"])})
        turned = {"items": [dict(reversed(list(item.items()))) for item in arguments["items"]]}
        done = await session.call("update_inventory", **turned, confirmation_token=token, dry_run=False)
        assert done["done"] is True


async def test_a_dry_run_with_a_token_leaves_the_token_good() -> None:
    async with shop_session() as session:
        arguments = levels(session, 5, 6)
        token = await token_for(session, "update_inventory", arguments)
        looked = await session.call("update_inventory", **arguments, confirmation_token=token, dry_run=True)
        assert looked["status"] == "dry_run"
        assert "confirmation_token" not in looked
        assert session.writes() == []
        assert (await session.call("update_inventory", **arguments, confirmation_token=token))["done"]


@pytest.mark.parametrize("era", ERAS)
async def test_where_a_person_has_to_approve_no_token_does(era: Era, tmp_path: Path) -> None:
    app = create_app(rate_limit=0)
    async with server_on(app, era=era, settings={"data_dir": tmp_path}) as session:
        arguments = levels(session, 5, 6)
        token = await token_for(session, "update_inventory", arguments)
    async with server_on(app, era=era, settings={"data_dir": tmp_path, "confirmation": "human"}) as session:
        result = await session.result("update_inventory", **arguments, confirmation_token=token)
        content = content_of(result)
        assert content["status"] == "waiting_for_approval"
        assert "A confirmation_token does not do on this server." in content["next_step"]
        assert "confirmation_token" not in content
        assert session.writes() == []
    sandbox_of(app).close()


async def test_the_text_of_a_preview_says_the_same_as_its_structure() -> None:
    async with shop_session() as session:
        result = await session.result("delete_product", product_id=lantern(session))
        assert not result.is_error
        assert json.loads(text_of(result)) == content_of(result)


def test_the_person_of_the_tests_types_what_a_question_wants() -> None:
    asked = "Delete it\n\nTo go ahead, type: Lamp"
    assert wanted(asked) == "Lamp"
    assert yes(asked).content == {"typed": "Lamp"}
