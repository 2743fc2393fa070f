"""The limits of a shop as real calls meet them: no tool has a way past one that another tool keeps to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shelves
from roads import agreed, made
from shop_session import ShopSession, shop_session, text_of, yes

from hoopai_products_mcp.sandbox.identity import ONLINE_STORE_ID

pytestmark = pytest.mark.anyio

LANTERN = "Storm lantern"
Arguments = Callable[[str, str, str], dict[str, Any]]


@pytest.fixture
def under(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """The settings of a server with such a policy."""

    def settings(policy: str) -> dict[str, str]:
        path = tmp_path / "policy.toml"
        path.write_text(policy, encoding="utf-8")
        return {"policy_file": str(path)}

    return settings


async def refusal(session: ShopSession, name: str, arguments: dict[str, Any]) -> str:
    """What the policy says of a call; the shop must not be touched."""
    still = shelves.untouched(session)
    result = await session.result(name, **arguments)
    assert result.is_error, result.structured_content
    assert still()
    assert session.questions == []
    said = text_of(result)
    assert said.startswith("Refused by this shop's policy. Nothing was changed.\n")
    return said


TOUCHING: dict[str, Arguments] = {
    "update_product": lambda product, _, __: {"product_id": product, "name": "Lamp"},
    "delete_product": lambda product, _, __: {"product_id": product},
    "create_price": lambda product, _, __: {
        "product_id": product, "name": "x", "amount": 1, "currency": "USD",
    },
    "update_price": lambda product, price, _: {"product_id": product, "price_id": price, "amount": 1},
    "delete_price": lambda product, price, _: {"product_id": product, "price_id": price},
    "update_inventory": lambda _, price, __: {"items": [{"price_id": price, "available_quantity": 1}]},
    "bulk_update_inventory": lambda _, price, __: {"price_ids": [price], "add_quantity": 1},
    "bulk_change_prices": lambda product, _, __: {
        "product_ids": [product], "price": {"type": "SET_NEW_PRICE", "value": 1},
    },
    "bulk_change_currency": lambda product, _, __: {"product_ids": [product], "currency": "EUR"},
    "bulk_set_availability": lambda product, _, __: {"product_ids": [product], "available_in_store": False},
    "bulk_assign_collections": lambda product, _, group: {
        "product_ids": [product], "collection_ids": [group],
    },
    "bulk_delete_products": lambda product, _, __: {"product_ids": [product]},
    "bulk_edit_products": lambda product, price, _: {
        "products": [{"product_id": product, "prices": [{"price_id": price, "sku": "x"}]}]
    },
    "set_store_visibility": lambda product, _, __: {
        "store_id": ONLINE_STORE_ID, "product_ids": [product], "action": "exclude",
    },
    "set_display_priority": lambda product, _, __: {
        "store_id": ONLINE_STORE_ID, "products": [{"product_id": product, "priority": 1}],
    },
    "create_collection": lambda product, _, __: {"name": "Lamps", "product_ids": [product]},
    "update_collection": lambda product, _, group: {"collection_id": group, "product_ids": [product]},
}  # fmt: skip
"""A call of each tool that can touch a product, its prices, its stock or where it stands."""


@pytest.mark.parametrize("pattern", ["storm lantern", "*lantern", "Storm*"])
@pytest.mark.parametrize("tool", TOUCHING)
async def test_the_name_of_a_product_protects_all_that_is_its(
    tool: str, pattern: str, under: Callable[[str], dict[str, str]]
) -> None:
    async with shop_session(yes, settings=under(f'[protected]\nnames = ["{pattern}"]\n')) as session:
        price = shelves.prices_of(session, LANTERN)[0]
        group = shelves.collection(session, "midwinter")
        arguments = TOUCHING[tool](price["product"], price["_id"], group["_id"])
        said = await refusal(session, tool, arguments)
        assert f'protected.names has "{pattern}" in policy.toml.' in said


@pytest.mark.parametrize(
    "tool", ["update_product", "create_product", "bulk_assign_collections", "update_collection"]
)
async def test_the_name_of_a_collection_protects_what_is_in_it(
    tool: str, under: Callable[[str], dict[str, str]]
) -> None:
    async with shop_session(yes, settings=under('[protected]\nnames = ["midwinter"]\n')) as session:
        product = shelves.product(session, LANTERN)["_id"]
        group = shelves.collection(session, "midwinter")["_id"]
        arguments: dict[str, Any] = {
            "update_product": {"product_id": product, "collection_ids": [group]},
            "create_product": {"name": "Lamp", "product_type": "PHYSICAL", "collection_ids": [group]},
            "bulk_assign_collections": {"product_ids": [product], "collection_ids": [group]},
            "update_collection": {"collection_id": group, "product_ids": [product]},
        }[tool]
        assert "protected.names" in await refusal(session, tool, arguments)


async def test_other_products_and_their_prices_are_free(under: Callable[[str], dict[str, str]]) -> None:
    async with shop_session(yes, settings=under('[protected]\nnames = ["storm lantern"]\n')) as session:
        price = shelves.prices_of(session, "Pocket lantern")[0]
        await session.call("update_price", product_id=price["product"], price_id=price["_id"], amount=1)
        assert shelves.price_by_id(session, price["_id"])["amount"] == 1


async def test_without_patterns_nothing_is_read_for_them(under: Callable[[str], dict[str, str]]) -> None:
    async with shop_session(yes, settings=under('[protected]\nproducts = ["none"]\n')) as session:
        price = shelves.prices_of(session, LANTERN)[0]
        await session.call("update_price", product_id=price["product"], price_id=price["_id"], amount=1)
        assert [line.split()[0] for line in session.sent()] == ["GET", "PUT", "GET"]


async def test_a_new_currency_alone_keeps_to_its_limits(under: Callable[[str], dict[str, str]]) -> None:
    async with shop_session(yes, settings=under("[prices.highest]\nEUR = 5\n")) as session:
        price = shelves.prices_of(session, LANTERN)[0]
        about = {"product_id": price["product"], "price_id": price["_id"]}
        said = await refusal(session, "update_price", {**about, "currency": "EUR"})
        assert said.splitlines()[1] == (
            f"• Too high for price “{price['name']}” (64 → 64 EUR): prices.highest.EUR = 5 in policy.toml."
        )
        await session.call("update_price", **about, currency="EUR", amount=5)
        assert shelves.price_by_id(session, price["_id"])["currency"] == "EUR"


@pytest.mark.parametrize("tool", ["update_price", "bulk_change_currency"])
async def test_a_currency_set_back_keeps_to_its_limits(tool: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.touch()
    async with shop_session(yes, settings={"policy_file": str(policy)}) as session:
        price = shelves.prices_of(session, "Pocket lantern")[0]
        about: dict[str, Any] = {
            "update_price": {"product_id": price["product"], "price_id": price["_id"]},
            "bulk_change_currency": {"product_ids": [price["product"]]},
        }[tool]
        change_id = await made(session, (tool, {**about, "currency": "EUR"}))
        policy.write_text("[prices.highest]\nUSD = 5\n")
        said = await session.refused("undo_change", change_id=change_id)
        assert "(24.5 → 24.5 USD)" in said
        assert "prices.highest.USD = 5 in policy.toml." in said
        policy.write_text("[prices.highest]\nEUR = 5\n")
        await agreed(session, "undo_change", change_id=change_id)
        assert shelves.price_by_id(session, price["_id"])["currency"] == "USD"


async def test_products_that_enter_or_leave_a_collection_count_as_things(
    under: Callable[[str], dict[str, str]],
) -> None:
    async with shop_session(yes, shop=30, settings=under("[calls]\nmax_items = 25\n")) as session:
        products = [doc["_id"] for doc in session.dump()["products"]]
        too_many = "26 things are too many for one call: calls.max_items = 25 in policy.toml."
        new = {"name": "New", "slug": "new"}
        said = await refusal(session, "create_collection", {**new, "product_ids": products[:25]})
        assert too_many in said
        group = (await session.call("create_collection", **new, product_ids=products[:24]))["id"]
        said = await refusal(
            session,
            "update_collection",
            {"collection_id": group, "product_ids": [*products[23:30], *products[:0]]},
        )
        assert "29 things" in said
        await session.call("update_collection", collection_id=group, product_ids=products[22:24])
        # More than twenty are not agreed to with a tick.
        assert session.questions[-1].splitlines()[-1] == "To go ahead, type: 22"


async def test_only_calls_that_have_to_be_agreed_to_count_as_destructive(
    under: Callable[[str], dict[str, str]],
) -> None:
    async with shop_session(yes, settings=under("[calls]\nmax_destructive_per_hour = 1\n")) as session:
        products = [doc["_id"] for doc in session.dump()["products"]]
        for product_id in products[:3]:
            await session.call("update_product", product_id=product_id, description="New.")
        await session.call("delete_product", product_id=products[0])
        assert "destructive call number 2 within an hour" in await session.refused(
            "delete_product", product_id=products[1]
        )
        await session.call("update_product", product_id=products[1], description="Newer.")


async def test_a_price_is_one_thing_whatever_of_it_is_edited() -> None:
    async with shop_session() as session:
        price = shelves.prices_of(session, LANTERN)[0]
        edit = {"price_id": price["_id"], "amount": 5, "available_quantity": 1}
        plan = (
            await session.call(
                "bulk_edit_products", products=[{"product_id": price["product"], "prices": [edit]}]
            )
        )["plan"]
        assert plan["totals"]["things"] == 1


async def test_a_price_of_another_product_than_the_named_one_is_not_touched() -> None:
    """An API that looks at the id of the price alone would let a call touch what it does not name."""
    sessions: list[ShopSession] = []

    async def by_price_alone(request: Any, carry: Any) -> Any:
        import httpx

        price = shelves.prices_of(sessions[0], LANTERN)[0]
        url = str(request.url).replace(
            shelves.product(sessions[0], "Pocket lantern")["_id"], price["product"]
        )
        body = request.content or None
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        return await carry(
            httpx.Request(request.method, url, headers=headers, content=body, extensions=request.extensions)
        )

    async with shop_session(yes, between=by_price_alone) as session:
        sessions.append(session)
        still = shelves.untouched(session)
        price = shelves.prices_of(session, LANTERN)[0]
        other = shelves.product(session, "Pocket lantern")["_id"]
        for tool, more in (("update_price", {"amount": 1}), ("delete_price", {})):
            said = await session.refused(tool, product_id=other, price_id=price["_id"], **more)
            assert said == (
                f"The price {price['_id']} is of the product {price['product']}, not of {other}. Nothing was changed. "
                "Name its own."
            )
        assert still()
