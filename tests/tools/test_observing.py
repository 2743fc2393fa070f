"""What became of a plan, read back from the shop: each kind of effect, few requests, and no guess."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from undo_shop import UndoShop, collection, effect, prices_of, product, undo_shop

from hoopai_products_mcp.guard.plan import Effect
from hoopai_products_mcp.products_api import models as wire
from hoopai_products_mcp.sandbox.faults import FaultKind
from hoopai_products_mcp.sandbox.identity import MARKET_STORE_ID, ONLINE_STORE_ID
from hoopai_products_mcp.tools.alikeness import is_nothing, same, shows
from hoopai_products_mcp.tools.observing import GONE, THERE, Unread, observe
from hoopai_products_mcp.tools.settling import Settlement, judge, settle
from hoopai_products_mcp.tools.shop import Created

pytestmark = pytest.mark.anyio

LANTERN = "Storm lantern"


async def found(shop: UndoShop, *effects: Effect) -> list[Any]:
    return list((await observe(shop.shop(), effects)).found)


async def settled(shop: UndoShop, effects: Sequence[Effect], *created: Created) -> Settlement:
    return settle(effects, await observe(shop.shop(), effects), created)


async def test_every_kind_of_effect_is_read_as_plain_data() -> None:
    async with undo_shop() as shop:
        goods = product(shop, LANTERN)
        (price, *_) = prices_of(shop, goods["_id"])
        group = collection(shop, "lanterns-and-light")
        review = next(item for item in shop.dump()["reviews"] if item["reply"])
        shop.requests()
        values = await found(
            shop,
            effect("product", goods["_id"], "name", None, None),
            effect("product", goods["_id"], "seo", None, None),
            effect("product", goods["_id"], "variants", None, None),
            effect("price", price["_id"], "amount", None, None, within=goods["_id"]),
            effect("stock", price["_id"], "available_quantity", None, None, within=goods["_id"]),
            effect("stock", price["_id"], "available_quantity", None, None),
            effect("collection", group["_id"], "name", None, None),
            effect("collection", group["_id"], "members", None, None),
            effect("store", goods["_id"], "shown", None, None, within=ONLINE_STORE_ID),
            effect("store", goods["_id"], "shown", None, None, within=MARKET_STORE_ID),
            effect("review", review["_id"], "status", None, None, within=review["productId"]),
            effect("review", review["_id"], "replies", None, None, within=review["productId"]),
        )
        market = {item["productId"] for item in shop.dump()["stores"][0]["products"]}
        assert values == [
            LANTERN,
            goods["seo"],
            goods["variants"],
            Decimal(price["amount"]),
            price["availableQuantity"],
            price["availableQuantity"],
            group["name"],
            group["productIds"],
            True,
            goods["_id"] in market,
            review["status"],
            [
                {
                    "headline": review["reply"][0]["headline"],
                    "comment": review["reply"][0]["comment"],
                    "user": {"name": "Moth & Lantern", "email": "hello@example.com", "is_customer": False},
                }
            ],
        ]
        assert len(shop.requests()) == 9


async def test_many_effects_take_few_requests() -> None:
    async with undo_shop(150) as shop:
        ids = [doc["_id"] for doc in shop.dump()["products"]]
        shop.requests()
        await found(shop, *(effect("product", key, "available_in_store", True, False) for key in ids))
        assert len(shop.requests()) == 2
        await found(
            shop, *(effect("store", key, "shown", True, False, within=ONLINE_STORE_ID) for key in ids)
        )
        assert len(shop.requests()) <= 6


async def test_what_does_not_exist_is_gone() -> None:
    missing = "0" * 24
    async with undo_shop() as shop:
        goods = product(shop, LANTERN)["_id"]
        values = await found(
            shop,
            effect("product", missing, "name", "a", "b"),
            effect("product", missing, "exists", {}, None),
            effect("price", missing, "amount", 1, 2, within=goods),
            effect("price", missing, "amount", 1, 2, within=missing),
            effect("price", missing, "exists", {}, None, within=goods),
            effect("collection", missing, "members", [], []),
            effect("store", missing, "shown", True, False, within=ONLINE_STORE_ID),
            effect("review", missing, "status", "a", "b", within=goods),
        )
        assert values == [GONE] * len(values)


async def test_what_cannot_be_read_says_why() -> None:
    async with undo_shop() as shop:
        goods = product(shop, LANTERN)["_id"]
        for operation in ("list-prices-for-product", "get-product-collection", "get-product-reviews"):
            shop.sandbox.faults.add(FaultKind.SERVER_ERROR, operation)
        values = await found(
            shop,
            effect("price", "1" * 24, "amount", 1, 2, within=goods),
            effect("collection", "1" * 24, "name", 1, 2),
            effect("review", "1" * 24, "status", 1, 2, within=goods),
            effect("stock", "1" * 24, "available_quantity", 1, 2),
            effect("order", goods, "priority", 1, 2, within=ONLINE_STORE_ID),
        )
        assert all(isinstance(value, Unread) and value.why for value in values)


async def test_a_creation_without_an_answer_is_found_by_what_is_new_and_alike() -> None:
    async with undo_shop() as shop:
        asked = {"name": "Night cap", "product_type": "PHYSICAL", "seo": {"title": "Cap"}}
        old = await shop.api.create_product(product=wire.NewProduct.model_validate(asked))
        making = effect("product", None, "exists", [old.id], asked, name="Night cap")
        assert (await settled(shop, [making])).outcome == "not_done"
        await shop.api.create_product(product=wire.NewProduct(name="Night cap", product_type="PHYSICAL"))
        assert (await settled(shop, [making])).outcome == "not_done"
        new = await shop.api.create_product(product=wire.NewProduct.model_validate(asked))
        settlement = await settled(shop, [making])
        assert (settlement.outcome, settlement.created) == ("done", (Created("product", new.id),))
        another = await shop.api.create_product(product=wire.NewProduct.model_validate(asked))
        settlement = await settled(shop, [making])
        assert settlement.outcome == "unknown"
        assert settlement.why is not None
        assert new.id in settlement.why
        assert another.id in settlement.why
        settlement = await settled(shop, [making], Created("product", new.id))
        assert (settlement.outcome, settlement.created) == ("done", (Created("product", new.id),))


async def test_a_plan_that_was_done_in_part_says_how_far() -> None:
    async with undo_shop() as shop:
        prices = prices_of(shop, product(shop, LANTERN)["_id"])
        effects = [
            effect("price", price["_id"], "amount", price["amount"], 10, within=price["product"])
            for price in prices
        ]
        assert (await settled(shop, effects)).outcome == "not_done"
        await shop.api.update_price(
            product_id=prices[0]["product"],
            price_id=prices[0]["_id"],
            changes=wire.PriceChanges(amount=Decimal(10)),
        )
        settlement = await settled(shop, effects)
        assert (settlement.outcome, settlement.applied, settlement.of) == ("done", 1, len(prices))


async def test_what_is_neither_as_before_nor_as_asked_leaves_the_outcome_unknown() -> None:
    async with undo_shop() as shop:
        goods = product(shop, LANTERN)["_id"]
        settlement = await settled(shop, [effect("product", goods, "name", "Old", "New", name="Old")])
        assert settlement.outcome == "unknown"
        assert settlement.why == f"“Old”, name is neither as before nor as asked: “{LANTERN}”"
        assert len(settlement.otherwise) == 1


async def test_a_deletion_is_done_when_the_thing_is_gone() -> None:
    async with undo_shop() as shop:
        goods = product(shop, LANTERN)["_id"]
        deletion = effect("product", goods, "exists", {"product": {}}, None)
        assert await found(shop, deletion) == [THERE]
        assert (await settled(shop, [deletion])).outcome == "not_done"
        await shop.api.delete_product(product_id=goods)
        assert (await settled(shop, [deletion])).outcome == "done"


async def test_a_plan_that_changes_nothing_is_done() -> None:
    async with undo_shop() as shop:
        goods = product(shop, LANTERN)["_id"]
        settlement = await settled(shop, [effect("product", goods, "name", LANTERN, LANTERN)])
        assert (settlement.outcome, settlement.of) == ("done", 0)


@pytest.mark.parametrize(
    ("before", "after", "value", "verdict"),
    [
        ("a", "b", "b", "as_after"),
        ("a", "b", "a", "as_before"),
        ("a", "b", "c", "otherwise"),
        ("a", "b", GONE, "otherwise"),
        ("a", "b", Unread("down"), "unknown"),
        (Decimal("5.00"), 6, Decimal("6.0"), "as_after"),
        (5, None, None, "as_after"),
        (None, "b", "", "as_before"),
        ("a", None, "", "as_after"),
        (["x", "y"], ["y", "x", "z"], ["x", "y", "z"], "as_after"),
        ({"title": "a"}, {"title": "b"}, {"title": "b", "description": "c"}, "as_after"),
        ([{"name": "S"}], [{"name": "M"}], [{"id": "1", "name": "M"}], "as_after"),
        (None, True, False, "as_before"),
        # What was asked was there before: it is as after.
        ({"title": "a", "description": "c"}, {"title": "a"}, {"title": "a", "description": "c"}, "as_after"),
    ],
)
def test_a_value_is_judged_by_what_it_says(before: Any, after: Any, value: Any, verdict: str) -> None:
    assert judge(effect("product", "1", "any", before, after), value) == verdict


def test_an_order_of_members_counts_only_where_nothing_else_changes() -> None:
    reordered = effect("collection", "1", "members", ["a", "b"], ["b", "a"])
    assert judge(reordered, ["b", "a"]) == "as_after"
    assert judge(reordered, ["a", "b"]) == "as_before"
    filled = effect("collection", "1", "members", ["a"], ["b", "a"])
    assert judge(filled, ["a", "b"]) == "as_after"


def test_what_says_nothing_is_the_same_in_all_its_spellings() -> None:
    assert all(map(is_nothing, (None, "", [], {}, False, {"title": "", "description": None})))
    assert not any(map(is_nothing, (0, "0", [None], True, {"title": "a"})))
    assert same({"title": "a"}, {"title": "a", "description": ""})
    assert not same({"title": "a"}, {"title": "a", "description": "b"})
    assert shows({"title": "a", "description": "b"}, {"title": "a"})
    assert not shows({"title": "a"}, {"title": "a", "description": "b"})
