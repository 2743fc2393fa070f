from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import pytest

from hoopai_products_mcp.guard.plan import Effect, Plan, from_plain, to_plain
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.exact_json import decode, encode
from hoopai_products_mcp.products_api.reading_memory import ReadingMemory, remembering
from hoopai_products_mcp.sandbox import prices, products
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.seed import ShopChoice
from hoopai_products_mcp.sandbox.transport import SandboxTransport
from hoopai_products_mcp.tools import shapes
from hoopai_products_mcp.tools.bulk import (
    bulk_assign_collections,
    bulk_change_currency,
    bulk_change_prices,
    bulk_delete_products,
    bulk_edit_products,
    bulk_set_availability,
)
from hoopai_products_mcp.tools.bulk_inventory import bulk_update_inventory
from hoopai_products_mcp.tools.records import ToolRecord
from hoopai_products_mcp.tools.shop import Shop

pytestmark = pytest.mark.anyio

Doc = dict[str, Any]


@dataclass
class Bench:
    """A planner's view of a sandbox: the shop, what was reported, and what was requested."""

    shop: Shop
    sandbox: Sandbox
    reported: list[float] = field(default_factory=list[float])

    def doc(self, kind: str, **members: Any) -> Doc:
        """The one thing with these members, as the shop holds it."""
        (found,) = [doc for doc in self.sandbox.dump()[kind] if members.items() <= doc.items()]
        return cast("Doc", found)

    def prices_of(self, product_id: str) -> list[Doc]:
        """The prices of a product, as the shop holds them."""
        return [doc for doc in self.sandbox.dump()["prices"] if doc["product"] == product_id]

    def change_product(self, product_id: str, **fields: Any) -> None:
        """Somebody changes a product."""
        database = self.sandbox.database
        with database.transaction():
            products.change(database, products.find(database, product_id), fields)

    def change_price(self, price_id: str, **fields: Any) -> None:
        """Somebody changes a price."""
        database = self.sandbox.database
        with database.transaction():
            prices.save(database, self.doc("prices", _id=price_id) | fields)

    async def plan(self, record: ToolRecord, **arguments: Any) -> Plan:
        """The plan of a call, checked for what holds of every plan."""
        plan = await self._fresh(record, arguments)
        again = await self._fresh(record, arguments)
        assert again == plan
        assert again.fingerprint == plan.fingerprint
        kept = from_plain(cast("Mapping[str, Any]", decode(encode(to_plain(plan)))))
        assert kept == plan
        assert kept.fingerprint == plan.fingerprint
        return plan

    async def requests(self, record: ToolRecord, **arguments: Any) -> Counter[str]:
        """How many requests of each kind planning once takes, with what one call remembers."""
        self.sandbox.requests.clear()
        with remembering(ReadingMemory()):
            await self._fresh(record, arguments)
        return Counter(_kind(line) for line in self.sandbox.requests.lines())

    async def do(self, record: ToolRecord, plan: Plan, **arguments: Any) -> Doc:
        """Do what was planned."""
        done = await record.handler(self.shop, plan, **arguments)
        return done.model_dump(exclude_none=True)

    async def _fresh(self, record: ToolRecord, arguments: Mapping[str, Any]) -> Plan:
        assert record.plan is not None
        return await record.plan(self.shop, **arguments)


def _kind(line: str) -> str:
    """A request with its ids left out."""
    parts = line.split("/")
    return "/".join("…" if len(part) == 24 else part for part in parts)


@asynccontextmanager
async def bench(shop: ShopChoice = "demo") -> AsyncGenerator[Bench]:
    app = create_app(shop=shop, rate_limit=0)
    reported: list[float] = []

    async def report(done: float, total: float | None, message: str | None) -> None:
        assert total is not None
        assert done <= total
        assert message
        reported.append(done)

    client = ProductsClient(
        base_url="http://sandbox.invalid",
        token=TOKEN,
        location_id=LOCATION_ID,
        transport=SandboxTransport(app),
    )
    try:
        yield Bench(Shop(client, report), sandbox_of(app), reported)
    finally:
        await client.aclose()
        sandbox_of(app).close()


def effect(plan: Plan, thing_id: str, name: str) -> Effect:
    (found,) = [effect for effect in plan.effects if (effect.id, effect.field) == (thing_id, name)]
    return found


async def test_moving_prices_has_an_effect_for_each_amount_that_changes() -> None:
    async with bench() as b:
        lantern = b.doc("products", name="Pocket lantern")["_id"]
        brass, iron = b.prices_of(lantern)
        plan = await b.plan(
            bulk_change_prices,
            product_ids=[lantern],
            price=shapes.PriceAdjustment(type="SET_NEW_PRICE", value=Decimal("24.5")),
            compare_at_price=shapes.PriceAdjustment(type="INCREASE_BY_PERCENTAGE", value=Decimal(10)),
        )
        assert plan.effects == (
            Effect(
                kind="price",
                id=brass["_id"],
                field="compare_at_price",
                before=Decimal("29.5"),
                after=Decimal("32.45"),
                within=lantern,
                name="Pocket lantern: Brass",
                currency="USD",
            ),
            Effect(
                kind="price",
                id=iron["_id"],
                field="amount",
                before=Decimal("27.5"),
                after=Decimal("24.5"),
                within=lantern,
                name="Pocket lantern: Iron",
                currency="USD",
            ),
            Effect(
                kind="price",
                id=iron["_id"],
                field="compare_at_price",
                before=Decimal("32.5"),
                after=Decimal("35.75"),
                within=lantern,
                name="Pocket lantern: Iron",
                currency="USD",
            ),
        )
        assert plan.state == {"unchanged": {brass["_id"]: {"amount": Decimal("24.5")}}}
        assert plan.target == "Pocket lantern"
        assert [item.weight for item in plan.items] == [10, Decimal("10.91"), 10]
        assert plan.totals.largest_fall_percent == Decimal("-10.9")


async def test_an_amount_that_comes_from_nothing_is_read_first() -> None:
    async with bench() as b:
        lantern = b.doc("products", name="Pocket lantern")["_id"]
        brass, iron = b.prices_of(lantern)
        b.change_price(iron["_id"], amount=0)
        plan = await b.plan(
            bulk_change_prices,
            product_ids=[lantern],
            price=shapes.PriceAdjustment(type="INCREASE_BY_AMOUNT", value=Decimal(200)),
            compare_at_price=None,
        )
        assert [line.split(":")[1] for line in plan.shown()] == [" Iron", " Brass"]
        assert effect(plan, iron["_id"], "amount").before == 0
        assert effect(plan, brass["_id"], "amount").after == Decimal("224.5")


async def test_a_price_that_stays_is_watched_all_the_same() -> None:
    async with bench() as b:
        lantern = b.doc("products", name="Pocket lantern")["_id"]
        brass, iron = b.prices_of(lantern)
        arguments: Doc = {
            "product_ids": [lantern],
            "price": shapes.PriceAdjustment(type="SET_NEW_PRICE", value=Decimal("24.5")),
            "compare_at_price": None,
        }
        plan = await b.plan(bulk_change_prices, **arguments)
        assert [effect.id for effect in plan.effects] == [iron["_id"]]
        b.change_price(brass["_id"], amount=1)
        assert (await b.plan(bulk_change_prices, **arguments)).fingerprint != plan.fingerprint


async def test_a_new_currency_has_effects_for_it_and_for_the_amount_that_stays() -> None:
    async with bench() as b:
        card = b.doc("products", name="Gift card")["_id"]
        plan = await b.plan(bulk_change_currency, product_ids=[card], currency="usd")
        others = [doc for doc in b.prices_of(card) if doc["currency"] != "USD"]
        assert others
        assert len(plan.effects) == 2 * len(others)
        for doc in others:
            switched = effect(plan, doc["_id"], "currency")
            assert (switched.before, switched.after, switched.within) == (doc["currency"], "USD", card)
            kept = effect(plan, doc["_id"], "amount")
            assert (kept.before, kept.after, kept.currency) == (doc["amount"], doc["amount"], "USD")
        assert plan.things == len(others)
        assert plan.also[0] == "Every amount keeps its number: nothing is converted."
        assert plan.also[-1] == f"In USD already: {len(b.prices_of(card)) - len(others)} prices."


async def test_showing_and_hiding_have_effects_for_the_products_that_turn() -> None:
    async with bench() as b:
        shown, hidden = (
            b.doc("products", name=name)["_id"] for name in ("Pocket lantern", "Old stock lantern")
        )
        plan = await b.plan(bulk_set_availability, product_ids=[shown, hidden], available_in_store=False)
        assert plan.effects == (
            Effect(
                kind="product",
                id=shown,
                field="available_in_store",
                before=True,
                after=False,
                name="Pocket lantern",
            ),
        )
        assert (plan.asks, plan.target) == (True, None)
        plan = await b.plan(bulk_set_availability, product_ids=[hidden], available_in_store=False)
        assert (plan.effects, plan.asks, plan.target) == ((), False, "Old stock lantern")


async def test_an_assignment_adds_to_the_collections_without_doubles() -> None:
    async with bench() as b:
        lantern, tea = (b.doc("products", name=name) for name in ("Pocket lantern", "Twilight tea"))
        winter = b.doc("collections", slug="midwinter")["_id"]
        former = lantern["collectionIds"]
        b.change_product(tea["_id"], collectionIds=[winter])
        plan = await b.plan(
            bulk_assign_collections,
            product_ids=[lantern["_id"], tea["_id"]],
            collection_ids=[former[0], winter],
        )
        assert [(effect.id, effect.before, effect.after) for effect in plan.effects] == [
            (lantern["_id"], former, [*former, winter]),
            (tea["_id"], [winter], [winter, former[0]]),
        ]
        plan = await b.plan(bulk_assign_collections, product_ids=[tea["_id"]], collection_ids=[winter])
        assert (plan.effects, plan.asks) == ((), False)


async def test_a_product_in_no_collection_comes_from_none() -> None:
    async with bench() as b:
        tea = b.doc("products", name="Twilight tea")["_id"]
        winter = b.doc("collections", slug="midwinter")["_id"]
        b.change_product(tea, collectionIds=[])
        plan = await b.plan(bulk_assign_collections, product_ids=[tea], collection_ids=[winter])
        (joined,) = plan.effects
        assert (joined.before, joined.after) == ([], [winter])


async def test_a_deletion_keeps_what_it_takes_to_make_the_products_again() -> None:
    async with bench() as b:
        names = ("Pocket lantern", "Lantern patterns")
        docs = [b.doc("products", name=name) for name in names]
        plan = await b.plan(bulk_delete_products, product_ids=[doc["_id"] for doc in docs])
        assert [(effect.kind, effect.id, effect.name, effect.deletes) for effect in plan.effects] == [
            ("product", doc["_id"], doc["name"], True) for doc in docs
        ]
        for gone, doc in zip(plan.effects, docs, strict=True):
            assert gone.before["product"]["seo"] == doc["seo"]
            assert [price["_id"] for price in gone.before["prices"]] == [
                price["_id"] for price in b.prices_of(doc["_id"])
            ]
            assert gone.before["stores"]
        assert (plan.totals.stock_before, plan.totals.stock_after) == (75, 0)
        assert plan.typed == "2"
        assert plan.lasting is not None
        plan = await b.plan(bulk_delete_products, product_ids=[docs[0]["_id"]])
        assert plan.typed == "Pocket lantern"


async def test_added_stock_and_its_settings_have_an_effect_for_each_field_that_changes() -> None:
    async with bench() as b:
        lantern, card = (b.doc("products", name=name)["_id"] for name in ("Pocket lantern", "Gift card"))
        brass = b.prices_of(lantern)[0]["_id"]
        (untracked,) = [doc["_id"] for doc in b.prices_of(card) if doc["name"] == "Gift card 50"]
        plan = await b.plan(
            bulk_update_inventory,
            price_ids=[brass, untracked],
            add_quantity=5,
            track_inventory=True,
            allow_out_of_stock_purchases=None,
        )
        assert {(effect.kind, effect.within) for effect in plan.effects} == {
            ("stock", lantern),
            ("stock", card),
        }
        assert [(effect.id, effect.field, effect.before or 0, effect.after) for effect in plan.effects] == [
            (brass, "available_quantity", 40, 45),
            (untracked, "track_inventory", False, True),
            (untracked, "available_quantity", 0, 5),
        ]
        assert plan.also == ("Stock in all: 40 → 50.",)
        assert (plan.totals.stock_before, plan.totals.stock_after) == (40, 50)


async def test_settings_of_stock_that_are_so_already_are_no_effects() -> None:
    async with bench() as b:
        lantern = b.doc("products", name="Pocket lantern")["_id"]
        brass, iron = (doc["_id"] for doc in b.prices_of(lantern))
        b.change_price(brass, allowOutOfStockPurchases=True)
        b.change_price(iron, allowOutOfStockPurchases=False)
        plan = await b.plan(
            bulk_update_inventory,
            price_ids=[brass, iron],
            add_quantity=None,
            track_inventory=None,
            allow_out_of_stock_purchases=True,
        )
        assert [(effect.id, effect.before, effect.after) for effect in plan.effects] == [(iron, False, True)]
        assert plan.also == ("As asked already: 1 variant.",)


def _edit(b: Bench) -> shapes.ProductEdit:
    lantern = b.doc("products", name="Pocket lantern")["_id"]
    brass = b.prices_of(lantern)[0]["_id"]
    return shapes.ProductEdit.model_validate(
        {
            "product_id": lantern,
            "name": "Pocket lamp",
            "seo": {"title": "Lamp"},
            "label": {"title": "Autumn"},
            "taxes": ["t1"],
            "medias": [{"url": "https://images.example.com/new.jpg"}],
            "available_in_store": True,
            "prices": [
                {
                    "price_id": brass,
                    "amount": Decimal("24.50"),
                    "currency": "eur",
                    "available_quantity": 3,
                    "sku": "",
                    "shipping_options": {"weight": {"value": Decimal("0.5"), "unit": "kg"}},
                }
            ],
        }
    )


async def test_an_edit_has_an_effect_for_each_field_that_changes_as_it_was_given() -> None:
    async with bench() as b:
        edit = _edit(b)
        media = {"id": "m1", "url": "https://images.example.com/old.jpg", "type": "image"}
        b.change_product(
            edit.product_id,
            label={"title": "Offer"},
            isLabelEnabled=False,
            taxes=["t1"],
            isTaxesEnabled=True,
            medias=[media],
        )
        lantern = b.doc("products", name="Pocket lantern")
        brass = b.prices_of(lantern["_id"])[0]
        plan = await b.plan(bulk_edit_products, products=[edit])
        assert [(e.kind, e.field, e.before, e.after) for e in plan.effects] == [
            ("product", "name", "Pocket lantern", "Pocket lamp"),
            ("product", "seo", lantern["seo"], {"title": "Lamp"}),
            ("product", "label", {"title": "Offer"}, {"title": "Autumn"}),
            ("product", "medias", [media], [{"url": "https://images.example.com/new.jpg", "type": "image"}]),
            ("product", "is_label_enabled", False, True),
            ("price", "currency", "USD", "EUR"),
            ("stock", "available_quantity", 40, 3),
            ("price", "sku", "ML-012-01", ""),
            (
                "price",
                "shipping_options",
                {"weight": {"value": Decimal(1), "unit": "kg"}},
                {"weight": {"value": Decimal("0.5"), "unit": "kg"}},
            ),
            ("price", "amount", Decimal("24.5"), Decimal("24.5")),
        ]
        assert {e.within for e in plan.effects if e.kind == "product"} == {None}
        assert {(e.id, e.within) for e in plan.effects if e.kind != "product"} == {
            (brass["_id"], lantern["_id"])
        }
        assert effect(plan, brass["_id"], "amount").currency == "EUR"
        assert plan.target == "Pocket lantern"


async def test_an_edit_that_is_done_is_planned_as_nothing() -> None:
    async with bench() as b:
        edit = _edit(b)
        plan = await b.plan(bulk_edit_products, products=[edit])
        done = await b.do(bulk_edit_products, plan, products=[edit])
        assert done == {"done": True, "products_done": [edit.product_id]}
        plan = await b.plan(bulk_edit_products, products=[edit])
        assert (plan.effects, plan.asks, plan.items) == ((), False, ())
        assert plan.state == {"kept": {}, "before": {}}


@pytest.mark.parametrize("applied", [True, False])
async def test_a_half_done_edit_is_planned_again_as_its_rest(applied: bool) -> None:
    async with bench(70) as b:
        keys = [doc["_id"] for doc in b.sandbox.dump()["products"][:65]]
        edits = [
            shapes.ProductEdit(product_id=key, description=f"New {number}") for number, key in enumerate(keys)
        ]
        plan = await b.plan(bulk_edit_products, products=edits)
        assert [effect.id for effect in plan.effects] == keys
        fault = "drop_after" if applied else "drop_before"
        b.sandbox.faults.add(fault, "POST /products/bulk-update/edit", skip=1)
        assert not b.shop.unclear
        half = await b.do(bulk_edit_products, plan, products=edits)
        assert b.shop.unclear
        assert half["products_done"] == keys[: 60 if applied else 30]
        assert half.get("products_unknown") == (None if applied else keys[30:60])
        left = keys[60:] if applied else keys[30:]
        plan = await b.plan(bulk_edit_products, products=edits)
        assert [effect.id for effect in plan.effects] == left
        assert f"As asked already, and left alone: {65 - len(left)} products." in plan.also
        done = await b.do(bulk_edit_products, plan, products=edits)
        assert (done["done"], done["products_done"]) == (True, keys)


async def test_a_refused_part_leaves_nothing_unclear() -> None:
    async with bench(70) as b:
        keys = [doc["_id"] for doc in b.sandbox.dump()["products"][:40]]
        edits = [shapes.ProductEdit(product_id=key, description="New") for key in keys]
        plan = await b.plan(bulk_edit_products, products=edits)
        b.sandbox.faults.add("scope_missing", "POST /products/bulk-update/edit", skip=1)
        half = await b.do(bulk_edit_products, plan, products=edits)
        assert half["products_failed"] == keys[30:]
        assert not b.shop.unclear


PRICE = "GET /products/…/price"
PRODUCT = "GET /products/…"
PRODUCTS = "GET /products/"


async def test_planning_for_two_hundred_products_takes_their_prices_and_two_pages() -> None:
    async with bench(200) as b:
        keys = [doc["_id"] for doc in b.sandbox.dump()["products"]]
        rise = shapes.PriceAdjustment(type="INCREASE_BY_PERCENTAGE", value=Decimal(10))
        arguments: Doc = {"product_ids": keys, "price": rise, "compare_at_price": None}
        assert await b.requests(bulk_change_prices, **arguments) == {PRODUCTS: 2, PRICE: 200}
        assert b.reported == list(range(1, 201))
        assert await b.requests(bulk_change_currency, product_ids=keys, currency="EUR") == {
            PRODUCTS: 2,
            PRICE: 200,
        }
        hiding: Doc = {"product_ids": keys, "available_in_store": False}
        assert await b.requests(bulk_set_availability, **hiding) == {PRODUCTS: 2}


async def test_planning_reads_each_thing_that_only_its_own_page_shows_once() -> None:
    async with bench() as b:
        docs = b.sandbox.dump()["products"][:20]
        keys = [doc["_id"] for doc in docs]
        collections = [b.doc("collections", slug="midwinter")["_id"]]
        counts = await b.requests(bulk_assign_collections, product_ids=keys, collection_ids=collections)
        assert counts == {PRODUCT: 20, "GET /products/collections": 2}
        edits = [shapes.ProductEdit(product_id=key, name="New") for key in keys]
        assert await b.requests(bulk_edit_products, products=edits) == {PRODUCT: 20}
        priced = [key for key in keys if b.prices_of(key)]
        edits = [
            shapes.ProductEdit(
                product_id=key,
                prices=[shapes.PriceEdit(price_id=b.prices_of(key)[0]["_id"], sku="NEW")],
            )
            for key in priced
        ]
        assert await b.requests(bulk_edit_products, products=edits) == {
            PRODUCT: len(priced),
            PRICE: len(priced),
        }
        counts = await b.requests(bulk_delete_products, product_ids=keys)
        assert (counts[PRODUCT], counts[PRICE]) == (20, 20)
        assert sum(counts.values()) <= 20 + 20 + 5


async def test_planning_stock_reads_prices_only_where_tracking_is_asked_for() -> None:
    async with bench() as b:
        listed = [doc for doc in b.sandbox.dump()["prices"] if doc.get("trackInventory")][:20]
        arguments: Doc = {
            "price_ids": [doc["_id"] for doc in listed],
            "add_quantity": 1,
            "allow_out_of_stock_purchases": None,
        }
        counts = await b.requests(bulk_update_inventory, **arguments, track_inventory=None)
        assert counts.keys() == {"GET /products/inventory"}
        pages = counts["GET /products/inventory"]
        counts = await b.requests(bulk_update_inventory, **arguments, track_inventory=False)
        assert counts == {
            "GET /products/inventory": pages,
            PRICE: len({doc["product"] for doc in listed}),
        }


async def test_progress_grows_from_the_planning_over_the_deed_to_the_reading_back() -> None:
    async with bench(200) as b:
        keys = [doc["_id"] for doc in b.sandbox.dump()["products"]]
        rise = shapes.PriceAdjustment(type="INCREASE_BY_PERCENTAGE", value=Decimal(10))
        arguments: Doc = {"product_ids": keys, "price": rise, "compare_at_price": None}
        assert bulk_change_prices.plan is not None
        plan = await bulk_change_prices.plan(b.shop, **arguments)
        done = await b.do(bulk_change_prices, plan, **arguments)
        assert done["done"] is True
        assert b.reported == list(range(1, 401))
        assert b.shop.notes == []
