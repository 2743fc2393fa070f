"""Taking a change back costs nobody anything: not what others added since, and nothing is made twice."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import shelves
from changes_to_make import LANTERN, TEE, Change, delete_a_product
from other_api import Carry
from roads import made, undone
from shop_session import ShopSession, shop_session, yes
from side_by_side import server_on
from undo_shop import prices_of, product, shelves_alike

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.identity import ONLINE_STORE_ID

pytestmark = pytest.mark.anyio


def id_of(session: ShopSession, name: str = LANTERN) -> str:
    key: str = shelves.product(session, name)["_id"]
    return key


def edit_of(field: str, value: Any) -> Change:
    return lambda shop: (
        "bulk_edit_products",
        {"products": [{"product_id": product(shop, LANTERN)["_id"], field: value}]},
    )


def weigh(shop: Any) -> Any:
    price = prices_of(shop, product(shop, LANTERN)["_id"])[0]
    edit = {"price_id": price["_id"], "shipping_options": {"weight": {"value": 3, "unit": "kg"}}}
    return "bulk_edit_products", {"products": [{"product_id": price["product"], "prices": [edit]}]}


def field_of(name: str) -> Callable[[ShopSession], Any]:
    return lambda session: shelves.product(session, LANTERN).get(name)


def parcel(session: ShopSession) -> Any:
    return shelves.prices_of(session, LANTERN)[0]["shippingOptions"]


SIZE = {"height": 1, "width": 2, "length": 3, "unit": "cm"}
IN_PART: dict[str, tuple[Change, Callable[[ShopSession], Any], Callable[[Any], Any]]] = {
    "seo": (
        edit_of("seo", {"description": "Brass."}),
        field_of("seo"),
        lambda now: now | {"title": "By hand"},
    ),
    "shipping_options": (weigh, parcel, lambda now: now | {"dimensions": SIZE}),
    "medias": (
        edit_of("medias", [{"url": "https://images.example.com/new.jpg"}]),
        field_of("medias"),
        lambda now: [now[0] | {"title": "By hand"}],
    ),
    "label": (
        edit_of("label", {"title": "New"}),
        field_of("label"),
        lambda now: now | {"endDate": "2027-01-01T00:00:00Z"},
    ),
}
"""A change that gives an object in part; the object; and what somebody adds to it afterwards."""


def write(session: ShopSession, field: str, value: Any) -> None:
    """Somebody else sets the field."""
    if field == "shipping_options":
        shelves.change_price(session, shelves.prices_of(session, LANTERN)[0]["_id"], shippingOptions=value)
    else:
        shelves.change_product(session, id_of(session), **{field: value})


@pytest.mark.parametrize("field", IN_PART)
async def test_what_somebody_added_to_an_object_since_is_a_conflict(field: str) -> None:
    change, now, addition = IN_PART[field]
    async with shop_session(yes) as session:
        shelves.change_product(session, id_of(session), label={"title": "Old"}, isLabelEnabled=True)
        change_id = await made(session, change(session))
        write(session, field, addition(now(session)))
        before = session.dump()
        said = await session.refused("undo_change", change_id=change_id)
        assert said.startswith("Somebody changed this since: ")
        assert session.dump() == before


@pytest.mark.parametrize("field", IN_PART)
async def test_an_object_to_which_nobody_added_is_set_back(field: str) -> None:
    change, *_ = IN_PART[field]
    async with shop_session(yes) as session:
        shelves.change_product(session, id_of(session), label={"title": "Old"}, isLabelEnabled=True)
        before = session.dump()
        await undone(session, await made(session, change(session)))
        assert shelves_alike(before, session.dump()) == {}


async def test_an_assignment_that_replaces_touches_only_products_that_move_and_is_taken_back_whole() -> None:
    sessions: list[ShopSession] = []

    async def replaces(request: httpx.Request, carry: Carry) -> httpx.Response:
        response = await carry(request)
        if request.url.path == "/products/bulk-update":
            asked = json.loads(request.content)
            for product_id in asked["productIds"]:
                shelves.change_product(sessions[0], product_id, collectionIds=asked["collectionIds"])
        return response

    async with shop_session(yes, between=replaces) as session:
        sessions.append(session)
        winter, tea = (shelves.collection(session, slug)["_id"] for slug in ("midwinter", "tea-and-honey"))
        shelves.change_product(session, id_of(session), collectionIds=[winter, tea])
        before = session.dump()
        change_id = await made(
            session,
            (
                "bulk_assign_collections",
                {"product_ids": [id_of(session), id_of(session, TEE)], "collection_ids": [winter]},
            ),
        )
        assert shelves.product(session, LANTERN)["collectionIds"] == [winter, tea]
        assert shelves.product(session, TEE)["collectionIds"] == [winter]
        await undone(session, change_id)
        assert shelves_alike(before, session.dump()) == {}


@pytest.mark.parametrize("found", [True, False])
async def test_what_an_undoing_of_unknown_outcome_made_again_is_not_made_twice(found: bool) -> None:
    """`found`: the product that was made again shows when it is looked for."""
    sessions: list[ShopSession] = []
    state = {"cut": False, "down": False}

    async def between(request: httpx.Request, carry: Carry) -> httpx.Response:
        if state["down"]:
            raise httpx.ConnectError("no route")
        if state["cut"] and request.method == "POST":
            if found:
                await carry(request)
            state["down"] = True
            raise httpx.ReadError("cut")
        return await carry(request)

    async with shop_session(yes, between=between) as session:
        sessions.append(session)
        before = session.dump()
        change_id = await made(session, delete_a_product(session))
        state["cut"] = True
        undo = await session.call("undo_change", change_id=change_id)
        assert undo["done"] is False
        assert (await listed(session))[0]["outcome"] == "unknown"
        state.update(cut=False, down=False)
        again = await undone(session, change_id)
        assert shelves_alike(before, session.dump(), again["new_ids"]) == {}
        assert [doc["name"] for doc in session.dump()["products"]].count(LANTERN) == 1


async def listed(session: ShopSession) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await session.result("list_changes")).structured_content["items"]  # pyright: ignore[reportOptionalSubscript]
    return found


async def test_what_was_changed_at_another_address_is_neither_settled_nor_taken_back(tmp_path: Path) -> None:
    """A shop to try things on may have the location of the real one."""
    here, there = create_app(rate_limit=0), create_app(rate_limit=0)
    settings = {"data_dir": tmp_path, "confirmation": "off"}
    elsewhere = {**settings, "base_url": "https://try.example.com"}
    async with (
        server_on(here, settings=settings) as session,
        server_on(there, settings=elsewhere) as other,
    ):
        change_id = await made(other, ("update_product", {"product_id": id_of(other), "name": "Lamp"}))
        places = {
            "store_id": ONLINE_STORE_ID,
            "products": [{"product_id": id_of(other, "Lamp"), "priority": 4}],
        }
        await made(other, ("set_display_priority", places))
        other.sandbox.faults.add("drop_after", "PUT /products/{productId}")
        # Read for the plan, and by nobody afterwards.
        other.sandbox.faults.add("server_error", "GET /products/{productId}", skip=1, count=None)
        other.sandbox.faults.add("server_error", "GET /products/", count=None)
        await other.refused("update_product", product_id=id_of(other, "Lamp"), name="Lamps")
        lost = (await listed(session))[0]
        assert lost["outcome"] == "unknown"

        await made(session, ("update_product", {"product_id": id_of(session, TEE), "name": "Tee"}))
        await undone(session, (await listed(session))[0]["id"])
        for key in (change_id, lost["id"]):
            entry = await session.call("get_change", change_id=key)
            assert (entry["can_be_undone"], entry["why_not"]) == (
                False,
                "It was made at another address of the API than this server works on.",
            )
            assert "another address of the API" in await session.refused("undo_change", change_id=key)
        assert [item["outcome"] for item in await listed(session)][2] == "unknown"
        plan = (await session.call("set_display_priority", **places | {"dry_run": True}))["plan"]
        assert plan["items"] == ["“Storm lantern” gets the number 4"]
    for app in (here, there):
        sandbox_of(app).close()
