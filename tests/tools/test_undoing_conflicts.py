"""What somebody changed since is never overwritten unasked; what cannot be known is never guessed."""

from decimal import Decimal
from typing import Any

import pytest
from mcp.server.mcpserver.exceptions import ToolError
from undo_shop import Done, UndoShop, collection, effect, prices_of, product, shelves_alike, undo_shop

from hoopai_products_mcp.guard.plan import Plan
from hoopai_products_mcp.products_api import models as wire
from hoopai_products_mcp.products_api.errors import MissingScopeError
from hoopai_products_mcp.sandbox.faults import FaultKind
from hoopai_products_mcp.sandbox.identity import ONLINE_STORE_ID
from hoopai_products_mcp.tools.carrying_out import carry_out
from hoopai_products_mcp.tools.effects import changes
from hoopai_products_mcp.tools.renaming import new_ids_of
from hoopai_products_mcp.tools.undoing import NothingToUndoError, plan_undo

pytestmark = pytest.mark.anyio

LANTERN = "Storm lantern"


async def two_amounts(shop: UndoShop) -> tuple[Done, list[dict[str, Any]]]:
    """Two prices set to 10 by a bulk edit."""
    product_id = product(shop, LANTERN)["_id"]
    prices = prices_of(shop, product_id)[:2]
    edits = [{"price_id": price["_id"], "amount": 10} for price in prices]
    done = await shop.do("bulk_edit_products", products=[{"product_id": product_id, "prices": edits}])
    return done, prices


async def set_price(shop: UndoShop, price: dict[str, Any], **fields: Any) -> None:
    await shop.api.update_price(
        product_id=price["product"], price_id=price["_id"], changes=wire.PriceChanges(**fields)
    )


def amounts(shop: UndoShop, prices: list[dict[str, Any]]) -> list[Any]:
    now = {price["_id"]: price["amount"] for price in shop.dump()["prices"]}
    return [now[price["_id"]] for price in prices]


async def test_a_conflict_stops_the_whole_and_names_what_was_changed() -> None:
    async with undo_shop() as shop:
        done, (first, second) = await two_amounts(shop)
        await set_price(shop, first, amount=12)
        before = shop.dump()
        with pytest.raises(ToolError) as refused:
            await shop.undo(done)
        text = str(refused.value)
        assert "amount: the change made it 10.00 USD, it is 12.00 USD now" in text
        assert "Nothing was changed." in text
        assert "on_conflict skip" in text
        assert text.count("the change made it") == 1
        assert shop.dump() == before
        assert amounts(shop, [second]) == [10]


async def test_a_conflict_that_is_skipped_stays_and_the_rest_is_set_back() -> None:
    async with undo_shop() as shop:
        done, prices = await two_amounts(shop)
        await set_price(shop, prices[0], amount=12)
        plan = await plan_undo(shop.shop(), done.plan.effects, on_conflict="skip")
        assert any(line.startswith("Left as it is, for it was changed since") for line in plan.also)
        await shop.undo(done, on_conflict="skip")
        assert amounts(shop, prices) == [12, prices[1]["amount"]]


async def test_a_conflict_that_is_overwritten_says_so_in_its_item() -> None:
    async with undo_shop() as shop:
        done, prices = await two_amounts(shop)
        await set_price(shop, prices[0], amount=12)
        plan = await plan_undo(shop.shop(), done.plan.effects, on_conflict="overwrite")
        (item,) = [item for item in plan.items if "changed since; overwritten" in item.label]
        assert (item.before, item.after) == ("12.00 USD", "64.00 USD")
        await shop.undo(done, on_conflict="overwrite")
        assert amounts(shop, prices) == [price["amount"] for price in prices]


async def test_sales_since_a_restock_are_kept_when_it_is_overwritten() -> None:
    async with undo_shop() as shop:
        (price, *_) = prices_of(shop, product(shop, LANTERN)["_id"])
        done = await shop.do("bulk_update_inventory", price_ids=[price["_id"]], add_quantity=50)
        await shop.api.update_inventory(
            items=[
                wire.InventoryUpdate(
                    price_id=price["_id"], available_quantity=price["availableQuantity"] + 46
                )
            ]
        )
        with pytest.raises(ToolError, match="stock: the change made it 71, it is 67 now"):
            await shop.undo(done)
        plan = await plan_undo(shop.shop(), done.plan.effects, on_conflict="overwrite")
        assert "50 taken off again" in plan.items[0].label
        await shop.undo(done, on_conflict="overwrite")
        (now, *_) = prices_of(shop, price["product"])
        assert now["availableQuantity"] == price["availableQuantity"] - 4


async def test_what_the_api_made_of_a_change_is_no_conflict() -> None:
    async with undo_shop() as shop:
        done, prices = await two_amounts(shop)
        await set_price(shop, prices[0], amount="9.99")
        (changed,) = [item for item in done.plan.effects if item.id == prices[0]["_id"]]
        observed = {**done.observed, changed.key: Decimal("9.99")}
        plan = await plan_undo(shop.shop(), done.plan.effects, observed=observed)
        assert len(plan.effects) == 2


async def test_what_is_as_before_already_is_counted_and_left_alone() -> None:
    async with undo_shop() as shop:
        done, prices = await two_amounts(shop)
        await set_price(shop, prices[0], amount=prices[0]["amount"])
        plan = await plan_undo(shop.shop(), done.plan.effects)
        assert [effect.id for effect in plan.effects] == [prices[1]["_id"]]
        assert "As before already: 1 field." in plan.also
        await shop.undo(done)
        with pytest.raises(NothingToUndoError, match="There is nothing to undo"):
            await shop.undo(done)


async def test_a_thing_that_is_gone_is_a_conflict_that_cannot_be_overwritten() -> None:
    async with undo_shop() as shop:
        done, prices = await two_amounts(shop)
        await shop.api.delete_price(product_id=prices[0]["product"], price_id=prices[0]["_id"])
        with pytest.raises(ToolError, match="it is gone now"):
            await shop.undo(done)
        result, _ = await shop.undo(done, on_conflict="overwrite")
        assert result.complete
        assert amounts(shop, prices[1:]) == [prices[1]["amount"]]


async def test_a_product_made_since_and_changed_since_is_not_deleted_unasked() -> None:
    async with undo_shop() as shop:
        done = await shop.do("create_product", name="Night cap", product_type="PHYSICAL")
        (made,) = done.created
        await shop.api.update_product(product_id=made.id, changes=wire.ProductChanges(product_type="DIGITAL"))
        with pytest.raises(ToolError, match="product type: the change made it “PHYSICAL”"):
            await shop.undo(done)
        await shop.undo(done, on_conflict="overwrite")
        assert made.id not in {item["_id"] for item in shop.dump()["products"]}


async def test_the_prices_that_go_with_a_product_are_named() -> None:
    async with undo_shop() as shop:
        done = await shop.do("create_product", name="Night cap", product_type="PHYSICAL")
        await shop.do("create_price", product_id=done.created[0].id, name="One", amount=5, currency="USD")
        plan = await plan_undo(shop.shop(), done.plan.effects, created=done.created)
        assert "1 price of “Night cap”, with the stock, go with it." in plan.also
        assert plan.effects[0].deletes


async def test_a_product_whose_id_was_never_told_is_known_by_its_looks() -> None:
    async with undo_shop() as shop:
        done = await shop.do("create_product", name="Night cap", product_type="PHYSICAL")
        plan = await plan_undo(shop.shop(), done.plan.effects)
        assert plan.effects[0].id == done.created[0].id
        assert any("known by its looks alone" in line for line in plan.also)
        await shop.api.create_product(product=wire.NewProduct(name="Night cap", product_type="PHYSICAL"))
        with pytest.raises(ToolError, match="Several new ones look like"):
            await plan_undo(shop.shop(), done.plan.effects)


async def test_a_deleted_review_cannot_come_back() -> None:
    async with undo_shop() as shop:
        review = shop.dump()["reviews"][0]
        done = await shop.do("delete_review", review_id=review["_id"], product_id=review["productId"])
        with pytest.raises(
            ToolError, match=r"cannot be undone: no operation creates a review.*The journal keeps"
        ):
            await shop.undo(done)


async def test_what_cannot_be_read_is_not_undone() -> None:
    async with undo_shop() as shop:
        done, _ = await two_amounts(shop)
        shop.sandbox.faults.add(FaultKind.SERVER_ERROR, operation="list-prices-for-product")
        with pytest.raises(ToolError, match="cannot be read now"):
            await shop.undo(done)


async def test_places_in_a_display_order_come_back_where_they_are_known() -> None:
    async with undo_shop() as shop:
        ids = [doc["_id"] for doc in shop.dump()["products"][:2]]
        before = shop.dump()
        known = effect("order", ids[0], "priority", 0, 7, within=ONLINE_STORE_ID, name="One")
        unknown = effect("order", ids[1], "priority", None, 8, within=ONLINE_STORE_ID, name="Two")
        await shop.api.set_display_priority(
            store_id=ONLINE_STORE_ID,
            products=[wire.DisplayPriority(product_id=ids[0], display_priority=7)],
        )
        done = await shop.kept(Plan(action="Order", effects=(known, unknown)))
        plan = await plan_undo(shop.shop(), done.plan.effects)
        assert plan.lasting == "the former place of “Two” in the display order is not known."
        result, _ = await shop.undo(done)
        assert result.complete
        assert shop.dump()["stores"] == before["stores"]


async def test_a_product_made_again_keeps_stores_images_of_its_prices_and_collections() -> None:
    async with undo_shop() as shop:
        reviewed = next(
            review["productId"] for review in shop.dump()["reviews"] if review["storeId"] == ONLINE_STORE_ID
        )
        (price, *_) = prices_of(shop, reviewed)
        media = wire.MediaInput(
            id="m1", url="https://images.example.com/m1.jpg", type="image", price_ids=[price["_id"]]
        )
        await shop.api.update_product(product_id=reviewed, changes=wire.ProductChanges(medias=[media]))
        before = shop.dump()
        done = await shop.do("delete_product", product_id=reviewed)
        result, _ = await shop.undo(done)
        assert shelves_alike(before, shop.dump(), result.new_ids) == {}
        (again,) = [item for item in shop.dump()["products"] if item["_id"] == result.new_ids[reviewed]]
        assert again["medias"][0]["priceIds"] == [result.new_ids[price["_id"]]]
        (online,) = [store for store in shop.dump()["stores"] if store["id"] == ONLINE_STORE_ID]
        assert again["_id"] in {item["productId"] for item in online["products"]}


async def test_a_price_made_again_gets_its_images_back() -> None:
    async with undo_shop() as shop:
        (price, *_) = prices_of(shop, product(shop, LANTERN)["_id"])
        media = wire.MediaInput(
            id="m1", url="https://images.example.com/m1.jpg", type="image", price_ids=[price["_id"]]
        )
        await shop.api.update_product(
            product_id=price["product"], changes=wire.ProductChanges(medias=[media])
        )
        before = shop.dump()
        done = await shop.do("delete_price", product_id=price["product"], price_id=price["_id"])
        result, _ = await shop.undo(done)
        assert shelves_alike(before, shop.dump(), result.new_ids) == {}


@pytest.mark.parametrize("fault", [FaultKind.SERVER_ERROR, FaultKind.DROP_AFTER])
async def test_an_undoing_that_fails_midway_says_so_and_goes_on_when_called_again(fault: FaultKind) -> None:
    async with undo_shop() as shop:
        before = shop.dump()
        product_id = product(shop, LANTERN)["_id"]
        done = await shop.do("delete_product", product_id=product_id)
        shop.sandbox.faults.add(fault, operation="create-price-for-product", skip=1)
        result, tried = await shop.undo(done)
        assert not result.complete
        assert result.error is not None
        assert result.outcomes[0].became == "unknown"
        assert result.outcomes[0].new_id is not None
        made = new_ids_of(tried.plan.effects, tried.created)
        assert made == result.new_ids
        result, _ = await shop.undo(done, already_made=made)
        assert result.complete
        assert len([item for item in shop.dump()["products"] if item["name"] == LANTERN]) == 1
        assert shelves_alike(before, shop.dump(), result.new_ids) == {}
        with pytest.raises(NothingToUndoError):
            await shop.undo(done, already_made=result.new_ids)


async def test_a_change_of_a_thing_made_again_is_taken_back_on_the_new_one() -> None:
    async with undo_shop() as shop:
        before = shop.dump()
        changed, _ = await two_amounts(shop)
        deleted = await shop.do("delete_product", product_id=product(shop, LANTERN)["_id"])
        again, _ = await shop.undo(deleted)
        result, _ = await shop.undo(changed, already_made=again.new_ids)
        assert result.complete
        assert shelves_alike(before, shop.dump(), again.new_ids) == {}


async def test_a_price_cannot_be_made_again_without_its_product() -> None:
    async with undo_shop() as shop:
        (price, *_) = prices_of(shop, product(shop, LANTERN)["_id"])
        done = await shop.do("delete_price", product_id=price["product"], price_id=price["_id"])
        await shop.api.delete_product(product_id=price["product"])
        with pytest.raises(ToolError, match="Undo the deletion of the product first"):
            await shop.undo(done)


async def test_a_collection_made_again_has_its_former_id_where_the_api_allows_it() -> None:
    async with undo_shop() as shop:
        before = collection(shop, "wear-after-dark")
        done = await shop.do("delete_collection", collection_id=before["_id"])
        result, _ = await shop.undo(done)
        assert result.new_ids == {before["_id"]: before["_id"]}
        assert collection(shop, "wear-after-dark")["productIds"] == before["productIds"]


async def test_collections_are_named_to_the_person_who_is_asked() -> None:
    async with undo_shop() as shop:
        group = collection(shop, "midwinter")["_id"]
        goods = product(shop, LANTERN)["_id"]
        done = await shop.do("update_product", product_id=goods, collection_ids=[group])
        (item,) = (await plan_undo(shop.shop(), done.plan.effects)).items
        assert (item.before, item.after) == ("“Midwinter”", "“Lanterns and light”")


async def test_tracking_of_stock_is_switched_by_the_bulk_edit_where_its_own_route_is_missing() -> None:
    async with undo_shop() as shop:
        before = shop.dump()
        ids = [price["_id"] for price in prices_of(shop, product(shop, LANTERN)["_id"])]
        done = await shop.do("bulk_update_inventory", price_ids=ids, track_inventory=False)
        shop.sandbox.faults.add(FaultKind.ROUTE_MISSING, "POST /products/bulk-update/inventory", count=None)
        result, _ = await shop.undo(done)
        assert result.complete
        assert shelves_alike(before, shop.dump()) == {}


async def test_a_lost_answer_is_said_to_be_unclear_and_what_follows_is_not_tried() -> None:
    async with undo_shop() as shop:
        goods = [doc["_id"] for doc in shop.dump()["products"][:2]]
        effects = tuple(effect("product", key, "name", "Old", "New", name="Old") for key in goods)
        for key in goods:
            await shop.api.update_product(product_id=key, changes=wire.ProductChanges(name="New"))
        plan = await plan_undo(shop.shop(), effects)
        shop.sandbox.faults.add(FaultKind.DROP_BEFORE, "update-product-by-id")
        at_work = shop.shop()
        result = await carry_out(at_work, plan)
        assert at_work.unclear
        assert [outcome.became for outcome in result.outcomes] == ["unknown", "not_done"]
        assert result.error is not None
        assert "It is not known whether the change was made." in result.error


async def test_a_refusal_before_anything_was_done_is_an_error() -> None:
    async with undo_shop() as shop:
        done, _ = await two_amounts(shop)
        plan = await plan_undo(shop.shop(), done.plan.effects)
        shop.sandbox.faults.add(FaultKind.SCOPE_MISSING, "update-price-by-id-for-product")
        with pytest.raises(MissingScopeError):
            await carry_out(shop.shop(), plan)


async def test_the_same_undoing_makes_the_same_plan() -> None:
    async with undo_shop() as shop:
        done = await shop.do("delete_product", product_id=product(shop, LANTERN)["_id"])
        plans = [await plan_undo(shop.shop(), done.plan.effects) for _ in range(2)]
        assert plans[0].fingerprint == plans[1].fingerprint
        assert plans[0].asks
        assert plans[0].target == LANTERN


async def test_what_was_made_again_and_deleted_again_is_made_once_more() -> None:
    async with undo_shop() as shop:
        before = shop.dump()
        done = await shop.do("delete_product", product_id=product(shop, LANTERN)["_id"])
        first, _ = await shop.undo(done)
        await shop.api.delete_product(product_id=product(shop, LANTERN)["_id"])
        second, _ = await shop.undo(done, already_made=first.new_ids)
        assert second.complete
        assert first.new_ids.keys() == second.new_ids.keys()
        assert set(first.new_ids.values()).isdisjoint(second.new_ids.values())
        assert shelves_alike(before, shop.dump(), second.new_ids) == {}


async def test_a_thing_of_which_too_little_is_kept_is_not_made_again() -> None:
    async with undo_shop() as shop:
        image: dict[str, Any] = {"product": {"_id": "1" * 24, "name": "Lost"}, "prices": [], "stores": {}}
        deletion = effect("product", "1" * 24, "exists", image, None, name="Lost")
        with pytest.raises(ToolError, match=r"lacks what the API wants \(productType\)") as refused:
            await plan_undo(shop.shop(), [deletion])
        assert "Nothing was changed." in str(refused.value)


async def test_answers_that_cannot_be_sent_again_are_left_and_said_to_be() -> None:
    async with undo_shop() as shop:
        review = next(item for item in shop.dump()["reviews"] if item["status"] == "pending")
        answer = {"headline": "", "comment": "Thanks.", "user": {"name": "M", "email": "m@example.com"}}
        await shop.api.update_review(
            review_id=review["_id"],
            update=wire.ReviewUpdate(
                product_id=review["productId"],
                status="approved",
                reply=[wire.ReviewReplyInput.model_validate(answer)],
            ),
        )
        about = {"within": review["productId"], "name": "Jar"}
        effects = [
            effect("review", review["_id"], "status", "pending", "approved", **about),
            effect("review", review["_id"], "replies", [{"comment": "Unsigned."}], [answer], **about),
        ]
        plan = await plan_undo(shop.shop(), effects)
        assert [item.field for item in plan.effects] == ["status"]
        assert plan.lasting is not None
        assert "cannot be sent again" in plan.lasting
        result = await carry_out(shop.shop(), plan)
        assert result.complete


async def test_only_the_answers_of_a_review_come_back_with_its_present_status() -> None:
    async with undo_shop() as shop:
        review = next(item for item in shop.dump()["reviews"] if item["reply"])
        before = shop.dump()
        former = (await shop.api.list_reviews(product_ids=[review["productId"]])).items
        (told,) = [item for item in former if item.id == review["_id"]]
        await shop.api.update_review(
            review_id=review["_id"],
            update=wire.ReviewUpdate(product_id=review["productId"], status="approved", reply=[]),
        )
        asked = effect(
            "review", told.id, "replies", changes("review", told, told.id, {"replies": []})[0].before, [],
            within=review["productId"],
        )  # fmt: skip
        result = await carry_out(shop.shop(), await plan_undo(shop.shop(), [asked]))
        assert result.complete
        assert shelves_alike(before, shop.dump()) == {}
