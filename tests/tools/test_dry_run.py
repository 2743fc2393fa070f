"""A dry run says what a call would do and does nothing; the whole plan can be read as a resource."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from every_write import CALLS
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, TextResourceContents
from shop_session import ERAS, Era, ShopSession, shop_session, text_of, yes
from side_by_side import content_of, journaled, server_on
from whole_jobs import add_product

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.tools.catalog import RECORDS

with warnings.catch_warnings():
    # It reads its vocabulary by a function that Python's own library calls deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from bpe_openai import get_encoding

pytestmark = pytest.mark.anyio

TOKENS = get_encoding("o200k_base")
MOST_TOKENS = 1_200
"""What the preview of a change of 200 products may cost a model."""


def cost(text: str) -> int:
    return len(list(TOKENS.encode(text)))


async def plan_at(session: ShopSession, uri: str) -> dict[str, Any]:
    (content,) = (await session.client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    return json.loads(content.text)


def test_every_tool_that_writes_is_tried() -> None:
    assert {record.name for record in RECORDS if not record.read_only} - {"undo_change"} == set(CALLS)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", CALLS)
async def test_a_dry_run_plans_and_writes_nothing(name: str, era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        before = session.sandbox.dump()
        arguments = CALLS[name](session)
        content = content_of(await session.result(name, **arguments | {"dry_run": True}))
        assert content["status"] == "dry_run"
        assert content["next_step"].startswith("Nothing was changed.")
        assert content["plan"]["action"]
        assert content["plan"]["totals"]["things"] >= 1
        assert not {"confirmation_token", "change"} & set(content)
        assert session.questions == []
        assert session.writes() == []
        assert session.sandbox.dump() == before
        assert await journaled(session) == 0
        whole = await plan_at(session, f"hoopai://plans/{content['plan']['id']}")
        assert (whole["tool"], whole["status"]) == (name, "open")
        assert whole["action"] == content["plan"]["action"]
        # What was planned is what the same call does.
        done = await session.result(name, **arguments)
        assert not done.is_error, text_of(done)
        assert len(session.writes()) >= 1


async def test_a_plan_kept_by_a_dry_run_is_no_approval() -> None:
    async with shop_session(settings={"confirmation": "human"}) as session:
        arguments = CALLS["delete_product"](session)
        content = content_of(await session.result("delete_product", **arguments, dry_run=True))
        assert not await session.store.use(
            lambda store: store.ledger.decide(content["plan"]["id"], approve=True, by="ann")
        )
        waits = content_of(await session.result("delete_product", **arguments))
        assert waits["status"] == "waiting_for_approval"
        assert session.writes() == []


async def test_a_dry_run_says_what_the_policy_refuses(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[calls]\nmax_items = 2\n")
    async with shop_session(yes, settings={"policy_file": policy}) as session:
        ids = [product["_id"] for product in session.sandbox.dump()["products"][:3]]
        content = content_of(
            await session.result(
                "bulk_set_availability", product_ids=ids, available_in_store=False, dry_run=True
            )
        )
        (refused,) = content["refused_by_policy"]
        assert "calls.max_items = 2" in refused
        said = await session.refused("bulk_set_availability", product_ids=ids, available_in_store=False)
        assert refused in said
        assert session.writes() == []


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("bulk_change_prices", {"price": {"type": "INCREASE_BY_PERCENTAGE", "value": 7}}),
        ("bulk_change_currency", {"currency": "EUR"}),
        ("bulk_delete_products", {}),
        ("bulk_set_availability", {"available_in_store": False}),
    ],
)
async def test_the_preview_of_a_change_of_two_hundred_products_is_short(
    name: str, more: dict[str, Any]
) -> None:
    async with shop_session(shop=200) as session:
        ids = [product["_id"] for product in session.sandbox.dump()["products"]]
        assert len(ids) == 200
        result = await session.result(name, product_ids=ids, **more, dry_run=True)
        content = content_of(result)
        assert cost(text_of(result)) <= MOST_TOKENS
        assert len(content["plan"]["items"]) == 10
        whole = await plan_at(session, content["plan"]["whole_plan"])
        assert len(whole["items"]) == content["plan"]["more_items"] + 10
        assert whole["items"][:10] == content["plan"]["items"]


@pytest.mark.parametrize("era", ERAS)
async def test_an_unknown_plan_is_not_found(era: Era) -> None:
    async with shop_session(era=era) as session:
        for plan_id in ("plan_abcdefghijkl", "x", "%00", "..%2F..%2Fetc", "plan_%F0%9F%92%A1"):
            with pytest.raises(MCPError) as refused:
                await session.client.read_resource(f"hoopai://plans/{plan_id}")
            assert refused.value.code == INVALID_PARAMS


async def test_a_plan_of_another_location_is_not_readable(tmp_path: Path) -> None:
    app, elsewhere = create_app(rate_limit=0), create_app(rate_limit=0, location_id="sbxLocation000000002")
    settings = {"data_dir": tmp_path}
    async with server_on(app, settings=settings) as one, server_on(elsewhere, settings=settings) as other:
        content = content_of(await one.result("create_collection", name="Lamps", dry_run=True))
        uri = f"hoopai://plans/{content['plan']['id']}"
        assert (await plan_at(one, uri))["action"] == content["plan"]["action"]
        with pytest.raises(MCPError) as refused:
            await other.client.read_resource(uri)
        assert refused.value.code == INVALID_PARAMS
    sandbox_of(app).close()
    sandbox_of(elsewhere).close()


async def test_a_plan_says_what_became_of_it() -> None:
    async with shop_session() as session:
        arguments = CALLS["delete_product"](session)
        content = content_of(await session.result("delete_product", **arguments))
        uri = f"hoopai://plans/{content['plan']['id']}"
        assert (await plan_at(session, uri))["status"] == "open"
        await session.call("delete_product", **arguments, confirmation_token=content["confirmation_token"])
        assert (await plan_at(session, uri))["status"] == "spent"


async def test_texts_that_look_the_same_in_a_few_words_are_said_to_differ() -> None:
    long = "A mug " * 40
    async with shop_session() as session:
        mug = add_product(session, "Mug")
        await session.call("update_product", product_id=mug, description=f"{long}for tea")
        ending = await session.call(
            "update_product", product_id=mug, description=f"{long}for soup", dry_run=True
        )
        other = await session.call("update_product", product_id=mug, description="For soup", dry_run=True)
    (item,) = ending["plan"]["items"]
    assert item.endswith("…” (not the same: they differ in what is cut off here, or cannot be seen)")
    assert "not the same" not in other["plan"]["items"][0]
