"""What the planners of single writes say for the guard: effects by field, the same twice, and at which cost."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from hoopai_products_mcp.guard.plan import Effect, Plan, Totals, from_plain, to_plain
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.exact_json import decode, encode
from hoopai_products_mcp.products_api.reading_memory import ReadingMemory, remembering
from hoopai_products_mcp.sandbox import prices, products
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.transport import SandboxTransport
from hoopai_products_mcp.tools import shapes
from hoopai_products_mcp.tools.images import product_images
from hoopai_products_mcp.tools.inventory import plan_update_inventory
from hoopai_products_mcp.tools.price_plans import plan_create_price, plan_delete_price, plan_update_price
from hoopai_products_mcp.tools.product_plans import (
    plan_create_product,
    plan_delete_product,
    plan_update_product,
)
from hoopai_products_mcp.tools.shop import Shop

pytestmark = pytest.mark.anyio

Planner = Callable[..., Awaitable[Plan]]
Doc = dict[str, Any]


@dataclass
class Planning:
    """A shop to plan in, and the sandbox behind it."""

    sandbox: Sandbox
    api: ProductsClient

    def shop(self) -> Shop:
        """The shop as a new call sees it."""

        async def report(done: float, total: float | None, message: str | None) -> None:
            del done, total, message

        return Shop(self.api, report)

    async def plan(self, planner: Planner, **arguments: Any) -> Plan:
        """Plan a call twice, each time as a call does, and hold the plans against each other and their JSON."""
        plans: list[Plan] = []
        for _ in range(2):
            self.sandbox.requests.clear()
            with remembering(ReadingMemory()):
                plans.append(await planner(self.shop(), **arguments))
        plan, again = plans
        assert plan == again
        assert plan.fingerprint == again.fingerprint
        read = decode(encode(to_plain(plan)))
        assert isinstance(read, dict)
        assert from_plain(read).fingerprint == plan.fingerprint
        assert all(line.startswith("GET ") for line in self.sandbox.requests.lines())
        return plan

    def cost(self) -> int:
        """How many requests the latest planning took."""
        return len(self.sandbox.requests.lines())

    def product(self, name: str) -> Doc:
        """A product as the shop holds it."""
        (found,) = [doc for doc in self.sandbox.dump()["products"] if doc["name"] == name]
        return found

    def price(self, product: str, name: str) -> Doc:
        """A price by the names of its product and its own."""
        product_id = self.product(product)["_id"]
        (found,) = [
            doc
            for doc in self.sandbox.dump()["prices"]
            if (doc["product"], doc["name"]) == (product_id, name)
        ]
        return found

    def change_product(self, product_id: str, **fields: Any) -> None:
        """Somebody changes a product."""
        with self.sandbox.database.transaction():
            database = self.sandbox.database
            products.change(database, products.find(database, product_id), fields)

    def change_price(self, price: Doc, **fields: Any) -> None:
        """Somebody changes a price."""
        with self.sandbox.database.transaction():
            prices.save(self.sandbox.database, price | fields)


@asynccontextmanager
async def planning() -> AsyncGenerator[Planning]:
    app = create_app(shop="demo", rate_limit=0)
    api = ProductsClient(
        base_url="http://sandbox.invalid",
        token=TOKEN,
        location_id=LOCATION_ID,
        transport=SandboxTransport(app),
    )
    try:
        yield Planning(sandbox_of(app), api)
    finally:
        await api.aclose()
        sandbox_of(app).close()


def by_field(plan: Plan) -> dict[str, tuple[Any, Any]]:
    """Before and after of each effect."""
    return {effect.field: (effect.before, effect.after) for effect in plan.effects}


SIZES = [
    shapes.Variant(name="Size", options=[shapes.VariantOption(name="S"), shapes.VariantOption(name="M")])
]


async def test_a_product_to_create_is_told_by_its_fields_without_ids_made_up_on_the_way() -> None:
    async with planning() as at:
        lantern = at.product("Pocket lantern")["_id"]
        plan = await at.plan(
            plan_create_product,
            name="Pocket lantern",
            product_type="PHYSICAL",
            variants=SIZES,
            medias=[shapes.Media(url="https://images.example.com/a.jpg")],
            label=shapes.Label(title="New"),
        )
        assert plan.effects == (
            Effect(
                kind="product",
                id=None,
                field="exists",
                before=[lantern],
                after={
                    "name": "Pocket lantern",
                    "variants": [{"name": "Size", "options": [{"name": "S"}, {"name": "M"}]}],
                    "label": {"title": "New"},
                    "product_type": "PHYSICAL",
                    "medias": [{"url": "https://images.example.com/a.jpg", "type": "image"}],
                    "is_label_enabled": True,
                },
                name="Pocket lantern",
            ),
        )
        assert not plan.asks
        assert plan.also == (f"Another product has this name already: id {lantern}.",)
        assert at.cost() == 1


async def test_the_holder_of_a_slug_costs_one_reading_more() -> None:
    async with planning() as at:
        plan = await at.plan(plan_create_product, name="Lamp", product_type="PHYSICAL", slug="pocket-lantern")
        assert plan.effects[0].before == []
        assert "has the same slug" in plan.also[0]
        assert at.cost() == 2


async def test_an_update_of_a_product_has_an_effect_for_each_field_set_or_emptied() -> None:
    async with planning() as at:
        doc = at.product("Pocket lantern")
        plan = await at.plan(
            plan_update_product,
            product_id="pocket-lantern",
            name="Lamp",
            seo=shapes.Seo(title="Lamp"),
            clear=["description", "label"],
        )
        assert by_field(plan) == {
            "name": ("Pocket lantern", "Lamp"),
            "seo": (doc["seo"], {**doc["seo"], "title": "Lamp"}),
            "description": (doc["description"], None),
            "is_label_enabled": (True, False),
        }
        assert {(effect.kind, effect.id, effect.name) for effect in plan.effects} == {
            ("product", doc["_id"], "Pocket lantern")
        }
        assert (plan.asks, plan.target, plan.things, plan.typed) == (False, "Pocket lantern", 1, None)
        assert at.cost() == 1


async def test_variants_to_replace_are_told_as_given_and_what_prices_lose_asks() -> None:
    async with planning() as at:
        doc = at.product("Pocket lantern")
        iron = shapes.Variant(name="Finish", options=[shapes.VariantOption(name="Iron")])
        plan = await at.plan(
            plan_update_product, product_id=doc["_id"], variants=[iron, *SIZES], available_in_store=False
        )
        before, after = by_field(plan)["variants"]
        assert before == doc["variants"]
        assert after == [
            {"name": "Finish", "options": [{"name": "Iron"}]},
            {"name": "Size", "options": [{"name": "S"}, {"name": "M"}]},
        ]
        assert by_field(plan)["available_in_store"] == (True, False)
        assert plan.asks
        assert plan.state["losing"] == ["Brass"]
        assert at.cost() == 2


async def test_the_image_of_a_product_to_delete_has_all_that_the_shop_tells_of_it() -> None:
    async with planning() as at:
        doc = at.product("Pocket lantern")
        plan = await at.plan(plan_delete_product, product_id=doc["_id"])
        (effect,) = plan.effects
        assert effect.deletes
        assert (effect.kind, effect.id, effect.name) == ("product", doc["_id"], "Pocket lantern")
        assert effect.before["product"]["collectionIds"] == doc["collectionIds"]
        assert [media["url"] for media in effect.before["product"]["medias"]] == [doc["image"]]
        assert [price["amount"] for price in effect.before["prices"]] == [Decimal("24.50"), Decimal("27.50")]
        assert {price["sku"] for price in effect.before["prices"]} == {"ML-012-01", "ML-012-02"}
        reviews = [item for item in at.sandbox.dump()["reviews"] if item["productId"] == doc["_id"]]
        stores = {review["storeId"] for review in reviews}
        shown = {
            item["store_id"]
            for item in at.sandbox.database.rows("select * from shown where product_id = ?", doc["_id"])
        }
        assert effect.before["stores"] == dict.fromkeys(sorted(stores & shown))
        assert f"Its {len(reviews)} reviews go with it and cannot come back." in plan.also
        assert plan.totals == Totals(things=1, stock_before=75, stock_after=0)
        assert plan.typed == "Pocket lantern"
        # The product, its prices, its reviews, and each store that these name.
        assert at.cost() == 3 + len(stores)


async def test_a_product_is_made_again_at_the_place_that_was_last_set_for_it() -> None:
    async with planning() as at:
        product_id = at.product("Pocket lantern")["_id"]
        shop = at.shop()

        async def places(store_id: str) -> dict[str, int]:
            return {product_id: 7, store_id: 1}

        shop.former_places = places
        read = await product_images(shop, [product_id])
        assert set(read.images[product_id]["stores"].values()) == {7}


async def test_the_images_of_many_products_cost_two_readings_each_and_one_for_each_store() -> None:
    async with planning() as at:
        some = [doc["_id"] for doc in at.sandbox.dump()["products"][:10]]
        read = await product_images(at.shop(), some)
        assert list(read.images) == some
        assert read.reviews is not None
        assert list(read.reviews) == some
        assert at.cost() == 2 * len(some) + 1 + 2
        assert read.also == (
            f"Their {sum(read.reviews.values())} reviews go with them and cannot come back.",
        )


async def test_a_price_to_create_is_told_with_those_of_its_name_within_its_product() -> None:
    async with planning() as at:
        iron = at.price("Pocket lantern", "Iron")
        plan = await at.plan(
            plan_create_price,
            product_id=iron["product"],
            name="Iron",
            amount=Decimal("27.50"),
            currency="usd",
            type="one_time",
            sku="X",
        )
        assert plan.effects == (
            Effect(
                kind="price",
                id=None,
                field="exists",
                before=[iron["_id"]],
                after={
                    "name": "Iron",
                    "currency": "USD",
                    "type": "one_time",
                    "amount": Decimal("27.50"),
                    "sku": "X",
                },
                within=iron["product"],
                name="Iron",
                currency="USD",
            ),
        )
        assert plan.action == f"Add the price “Iron”, 27.50 USD, to the product {iron['product']}"
        assert not plan.asks
        assert at.cost() == 1


async def test_an_update_of_a_price_has_the_amount_before_and_after_with_its_currency() -> None:
    async with planning() as at:
        iron = at.price("Pocket lantern", "Iron")
        plan = await at.plan(
            plan_update_price,
            product_id=iron["product"],
            price_id=iron["_id"],
            amount=Decimal("33"),
            sku="IRON",
            clear=["compare_at_price"],
        )
        assert by_field(plan) == {
            "amount": (Decimal("27.5"), Decimal("33")),
            "sku": (iron["sku"], "IRON"),
            "compare_at_price": (Decimal("32.5"), None),
        }
        assert {(effect.kind, effect.id, effect.within, effect.currency) for effect in plan.effects} == {
            ("price", iron["_id"], iron["product"], "USD")
        }
        assert plan.totals == Totals(things=1, largest_rise_percent=Decimal("20.0"))
        assert plan.shown() == [
            "Amount: 27.50 USD → 33.00 USD",
            "Was-price: 32.50 USD → nothing",
            f"Sku: “{iron['sku']}” → “IRON”",
        ]
        assert not plan.asks
        assert at.cost() == 1


async def test_a_subscription_that_is_charged_once_from_now_on_loses_its_interval_in_the_plan() -> None:
    async with planning() as at:
        honey = at.price("Honey of the month", "Honey of the month")
        plan = await at.plan(
            plan_update_price, product_id=honey["product"], price_id=honey["_id"], type="one_time"
        )
        assert by_field(plan) == {
            "type": ("recurring", "one_time"),
            "recurring": ({"interval": "month", "interval_count": 1}, None),
        }
        iron = at.price("Pocket lantern", "Iron")
        plan = await at.plan(
            plan_update_price, product_id=iron["product"], price_id=iron["_id"], type="one_time"
        )
        assert by_field(plan) == {"type": ("one_time", "one_time")}
        assert plan.items == ()


async def test_one_part_of_the_shipping_options_is_completed_by_the_other() -> None:
    async with planning() as at:
        iron = at.price("Pocket lantern", "Iron")
        size = {"height": 10, "width": 5, "length": 5, "unit": "cm"}
        at.change_price(iron, shippingOptions={"weight": {"value": 2, "unit": "kg"}, "dimensions": size})
        weight = shapes.ShippingOptions(weight=shapes.Weight(value=Decimal(3), unit="lb"))
        plan = await at.plan(
            plan_update_price, product_id=iron["product"], price_id=iron["_id"], shipping_options=weight
        )
        assert by_field(plan)["shipping_options"] == (
            {"weight": {"value": 2, "unit": "kg"}, "dimensions": size},
            {"weight": {"value": 3, "unit": "lb"}, "dimensions": size},
        )


async def test_the_image_of_a_price_to_delete_has_the_images_that_show_it() -> None:
    async with planning() as at:
        iron = at.price("Pocket lantern", "Iron")
        media = at.product("Pocket lantern")["medias"][0]
        own = {**media, "id": "own", "priceIds": [iron["_id"]]}
        at.change_product(iron["product"], medias=[media, own])
        plan = await at.plan(plan_delete_price, product_id=iron["product"], price_id=iron["_id"])
        (effect,) = plan.effects
        assert effect.deletes
        assert (effect.kind, effect.id, effect.within) == ("price", iron["_id"], iron["product"])
        assert effect.before["price"]["amount"] == Decimal("27.5")
        assert effect.before["price"]["shippingOptions"] == iron["shippingOptions"]
        assert [(item["id"], item["price_ids"]) for item in effect.before["medias"]] == [
            ("own", [iron["_id"]])
        ]
        assert plan.totals == Totals(things=1, stock_before=35, stock_after=0)
        assert (plan.target, plan.typed) == ("Iron", "Iron")
        assert at.cost() == 3


async def test_stock_to_set_has_an_effect_for_each_field_and_the_largest_change_first() -> None:
    async with planning() as at:
        brass, iron = at.price("Pocket lantern", "Brass"), at.price("Pocket lantern", "Iron")
        plan = await at.plan(
            plan_update_inventory,
            items=[
                shapes.StockLevel(price_id=brass["_id"], available_quantity=41),
                shapes.StockLevel(
                    price_id=iron["_id"], available_quantity=5, allow_out_of_stock_purchases=False
                ),
            ],
        )
        assert [
            (effect.kind, effect.within, effect.id, effect.field, effect.before, effect.after)
            for effect in plan.effects
        ] == [
            ("stock", brass["product"], brass["_id"], "available_quantity", 40, 41),
            ("stock", iron["product"], iron["_id"], "available_quantity", 35, 5),
            ("stock", iron["product"], iron["_id"], "allow_out_of_stock_purchases", True, False),
        ]
        assert plan.shown() == [
            "Pocket lantern: Iron [ML-012-02]: 35, sells on when sold out → 5, stops selling when sold out",
            "Pocket lantern: Brass [ML-012-01]: 40 → 41",
        ]
        assert plan.also == ("Stock in all: 75 → 46.",)
        assert plan.totals == Totals(things=2, stock_before=75, stock_after=46)
        assert plan.asks
        assert at.cost() == 1


async def test_the_stock_of_one_variant_is_planned_with_its_former_count_and_asks_nobody() -> None:
    async with planning() as at:
        brass = at.price("Pocket lantern", "Brass")
        level = shapes.StockLevel(price_id=brass["_id"], available_quantity=12)
        plan = await at.plan(plan_update_inventory, items=[level])
        assert by_field(plan) == {"available_quantity": (40, 12)}
        assert (plan.asks, plan.target) == (False, "Pocket lantern: Brass [ML-012-01]")
        at.change_price(brass, availableQuantity=39)
        assert (await at.plan(plan_update_inventory, items=[level])).fingerprint != plan.fingerprint
