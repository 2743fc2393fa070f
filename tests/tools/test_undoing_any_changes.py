"""Whatever is done to a shop, one change after the other, is taken back from the last one to the first."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError
from undo_shop import Doc, Done, shelves_alike, undo_shop

from hoopai_products_mcp.sandbox.identity import ONLINE_STORE_ID

pytestmark = pytest.mark.anyio

GOODS = 6
Step = tuple[str, int, int, Any]
STEPS = st.tuples(
    st.sampled_from(
        [
            "rename", "describe", "hide", "collect", "reprice", "was_price", "sku", "stock", "restock", "untrack",
            "sale", "currency", "show", "unshow", "new_product", "new_price", "delete_price", "delete_product",
            "delete_all", "new_collection", "fill_collection", "delete_collection",
        ]
    ),
    st.integers(0, GOODS - 1),
    st.integers(0, 3),
    st.sampled_from(["Moth", "Lantern", "Dusk"]),
)  # fmt: skip


Call = tuple[str, dict[str, Any]]


def call_of(dump: Doc, step: Step) -> Call | None:
    """The call that a step is in the shop as it is now; None where there is nothing to do it to."""
    kind, place, number, word = step
    goods, groups = dump["products"], dump["collections"]
    calls = _making(groups, goods, number, word)
    if groups:
        calls |= _of_collection(groups[place % len(groups)]["_id"], goods[number:])
    if goods:
        own = goods[place % len(goods)]["_id"]
        several = [item["_id"] for item in goods[place:]] or [own]
        prices = [price["_id"] for price in dump["prices"] if price["product"] == own]
        calls |= _of_product(own, several, [item["_id"] for item in groups[:number]], number, word)
        if prices:
            calls |= _of_prices(own, prices, number)
    return calls.get(kind)


def _making(groups: list[Doc], goods: list[Doc], number: int, word: str) -> dict[str, Call]:
    slug = f"{word.lower()}-{len(groups)}-{number}"
    members = [item["_id"] for item in goods[:2]]
    return {
        "new_product": ("create_product", {"name": word, "product_type": "DIGITAL"}),
        "new_collection": ("create_collection", {"name": word, "slug": slug, "product_ids": members}),
    }


def _of_collection(own: str, members: list[Doc]) -> dict[str, Call]:
    ids = [item["_id"] for item in members]
    return {
        "fill_collection": ("update_collection", {"collection_id": own, "product_ids": ids}),
        "delete_collection": ("delete_collection", {"collection_id": own}),
    }


def _of_product(own: str, several: list[str], groups: list[str], number: int, word: str) -> dict[str, Call]:
    store = {"store_id": ONLINE_STORE_ID, "product_ids": several}
    amount = {"name": word, "amount": number + 1, "currency": "USD"}
    return {
        "rename": ("update_product", {"product_id": own, "name": word}),
        "describe": ("update_product", {"product_id": own, "seo": {"title": word}, "clear": ["description"]}),
        "hide": ("bulk_set_availability", {"product_ids": several, "available_in_store": number % 2 == 0}),
        "collect": ("update_product", {"product_id": own, "collection_ids": groups}),
        "show": ("set_store_visibility", store | {"action": "include"}),
        "unshow": ("set_store_visibility", store | {"action": "exclude"}),
        "new_price": ("create_price", {"product_id": own, **amount}),
        "delete_product": ("delete_product", {"product_id": own}),
        "delete_all": ("bulk_delete_products", {"product_ids": several}),
    }


def _of_prices(product_id: str, prices: list[str], number: int) -> dict[str, Call]:
    first = {"product_id": product_id, "price_id": prices[number % len(prices)]}
    items = [{"price_id": key, "available_quantity": number} for key in prices]
    fall = {"type": "REDUCE_BY_PERCENTAGE", "value": 10}
    return {
        "reprice": ("update_price", first | {"amount": number + 0.5}),
        "was_price": ("update_price", first | {"compare_at_price": number + 9}),
        "sku": ("update_price", first | {"clear": ["sku"]}),
        "stock": ("update_inventory", {"items": items}),
        "restock": ("bulk_update_inventory", {"price_ids": prices, "add_quantity": number + 1}),
        "untrack": ("bulk_update_inventory", {"price_ids": prices, "track_inventory": number % 2 == 0}),
        "sale": ("bulk_change_prices", {"product_ids": [product_id], "price": fall}),
        "currency": ("bulk_change_currency", {"product_ids": [product_id], "currency": "EUR"}),
        "delete_price": ("delete_price", first),
    }


@settings(max_examples=25)
@given(steps=st.lists(STEPS, min_size=1, max_size=5))
async def test_changes_taken_back_in_turn_leave_the_shop_as_it_was(steps: list[Step]) -> None:
    async with undo_shop(GOODS) as shop:
        before = shop.dump()
        done: list[Done] = []
        for step in steps:
            if (call := call_of(shop.dump(), step)) is not None:
                at = shop.dump()
                name, arguments = call
                try:
                    change = await shop.do(name, **arguments)
                except ToolError:
                    # A step that does not fit the shop, such as the stock of what is not tracked.
                    assert shop.dump() == at
                    continue
                if shelves_alike(at, shop.dump()):
                    done.append(change)
        new_ids: dict[str, str] = {}
        for change in reversed(done):
            result, _ = await shop.undo(change, already_made=new_ids)
            assert result.complete, (result.error, result.differing)
            new_ids = {former: result.new_ids.get(new, new) for former, new in new_ids.items()} | dict(
                result.new_ids
            )
        assert shelves_alike(before, shop.dump(), new_ids) == {}
