"""Plans of changes to collections, stores and reviews: every effect, nothing else, and at what price in requests."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import pytest
from mcp.server.mcpserver.exceptions import ToolError

from hoopai_products_mcp.guard.plan import Effect, Plan, from_plain, to_plain
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.exact_json import decode, encode
from hoopai_products_mcp.products_api.models import Review
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.database import json_text
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, MARKET_STORE_ID, ONLINE_STORE_ID, TOKEN
from hoopai_products_mcp.sandbox.transport import SandboxTransport
from hoopai_products_mcp.tools import shapes
from hoopai_products_mcp.tools.collection_plans import (
    collection_before,
    plan_create_collection,
    plan_delete_collection,
    plan_update_collection,
)
from hoopai_products_mcp.tools.effects import as_told
from hoopai_products_mcp.tools.review_plans import (
    plan_bulk_update_reviews,
    plan_delete_review,
    plan_update_review,
    review_before,
    without_contact,
)
from hoopai_products_mcp.tools.shop import Shop
from hoopai_products_mcp.tools.store import plan_set_display_priority, plan_set_store_visibility

pytestmark = pytest.mark.anyio

Doc = dict[str, Any]
NEW: Doc = dict.fromkeys(("slug", "type", "product_ids", "rules", "image", "seo"))
CHANGE: Doc = dict.fromkeys(("name", "slug", "product_ids", "rules", "image", "seo"))
REPLY = shapes.Reply(headline="Hello", comment="We are sorry.", name="Moth & Lantern", email="hi@example.com")
SENT_REPLY = {
    "headline": "Hello",
    "comment": "We are sorry.",
    "user": {"name": "Moth & Lantern", "email": "hi@example.com"},
}


@dataclass
class Planning:
    """A shop to plan in, and the sandbox behind it."""

    api: ProductsClient
    sandbox: Sandbox
    former_places: Mapping[str, int] | None = None

    def shop(self) -> Shop:
        """The shop as a new call sees it."""

        async def report(done: float, total: float | None, message: str | None) -> None:
            del done, total, message

        async def places(store_id: str) -> Mapping[str, int]:
            assert store_id == ONLINE_STORE_ID
            return self.former_places or {}

        shop = Shop(self.api, report)
        shop.former_places = None if self.former_places is None else places
        return shop

    async def plan(
        self, planner: Callable[..., Awaitable[Plan]], /, *, requests: int, **arguments: Any
    ) -> Plan:
        """The plan, which two calls make alike with so many requests each, and which can be stored."""
        before = len(self.sandbox.requests)
        plan = await planner(self.shop(), **arguments)
        sent = self.sandbox.requests.lines()[before:]
        assert len(sent) == requests, sent
        assert all(line.startswith("GET ") for line in sent)
        assert (await planner(self.shop(), **arguments)).fingerprint == plan.fingerprint
        stored = from_plain(cast("Doc", decode(encode(to_plain(plan)))))
        assert stored == plan
        assert stored.fingerprint == plan.fingerprint
        return plan

    def collection(self, wanted: str) -> Doc:
        """The first collection of this type with products in it."""
        held = self.sandbox.dump()["collections"]
        return next(item for item in held if item["type"] == wanted and item["productIds"])

    def products(self) -> dict[str, str]:
        """Names by id."""
        return {item["_id"]: item["name"] for item in self.sandbox.dump()["products"]}

    def outside(self, held: Doc) -> str:
        """A product that is not in this collection."""
        return next(key for key in self.products() if key not in held["productIds"])

    def reviews(self, status: str) -> list[Doc]:
        """The reviews of this status."""
        return [item for item in self.sandbox.dump()["reviews"] if item["status"] == status]

    def rewrite(self, review: Doc, **fields: Any) -> None:
        """The shop holds it otherwise from now on."""
        database = self.sandbox.database
        with database.transaction():
            changed = {**review, **fields}
            database.run(
                "update reviews set product_id = ?, doc = ? where id = ?",
                changed["productId"],
                json_text(changed),
                review["_id"],
            )

    def shown(self, store_id: str) -> list[str]:
        """Ids of the products that a store shows."""
        (store,) = [store for store in self.sandbox.dump()["stores"] if store["id"] == store_id]
        return [item["productId"] for item in store["products"]]


@asynccontextmanager
async def planning(former_places: Mapping[str, int] | None = None) -> AsyncGenerator[Planning]:
    app = create_app(rate_limit=0)
    api = ProductsClient(
        base_url="http://sandbox.invalid",
        token=TOKEN,
        location_id=LOCATION_ID,
        transport=SandboxTransport(app),
    )
    try:
        async with api:
            yield Planning(api, sandbox_of(app), former_places)
    finally:
        sandbox_of(app).close()


def about(review: Doc) -> Doc:
    return {"review_id": review["_id"], "product_id": review["productId"]}


def reference(review: Doc) -> shapes.ReviewRef:
    return shapes.ReviewRef(**about(review), store_id=review["storeId"])


async def test_a_new_collection_is_planned_with_what_it_will_have_and_those_that_look_like_it() -> None:
    async with planning() as at:
        held = at.collection("manual")
        last, first = sorted(at.products(), reverse=True)[:2]
        plan = await at.plan(
            plan_create_collection,
            requests=2,
            **NEW | {"slug": "new-one", "product_ids": [last, first], "seo": shapes.Seo(title="New")},
            name=held["name"],
        )
        assert plan.effects == (
            Effect(
                kind="collection",
                id=None,
                field="exists",
                before=[held["_id"]],
                after={
                    "name": held["name"],
                    "slug": "new-one",
                    "type": "manual",
                    "seo": {"title": "New"},
                    "members": [first, last],
                },
                name=held["name"],
            ),
        )
        assert (plan.asks, plan.typed, plan.lasting, plan.target) == (False, None, None, held["name"])
        assert plan.describe().splitlines() == [
            f"Create the collection “{held['name']}”",
            "• slug new-one",
            "• type manual",
            '• seo {"title": "New"}',
            f"• in: “{at.products()[last]}”",
            f"• in: “{at.products()[first]}”",
            "With this name or slug there is already: 1 collection.",
        ]


async def test_a_collection_of_the_same_slug_looks_like_a_new_one_too() -> None:
    async with planning() as at:
        held = at.collection("smart")
        plan = await at.plan(plan_create_collection, requests=1, **NEW | {"slug": held["slug"]}, name="Other")
        assert plan.effects[0].before == [held["_id"]]
        alone = await at.plan(plan_create_collection, requests=1, **NEW, name="Other")
        assert (alone.effects[0].before, alone.also) == ([], ())
        assert alone.effects[0].after == {"name": "Other", "slug": "other"}


async def test_the_numbers_of_new_rules_are_planned_by_exactly_their_digits() -> None:
    rules = shapes.Rules(conditions=[{"field": "price", "below": 19.99, "deep": [0.1, {"n": 3}]}])
    async with planning() as at:
        plan = await at.plan(plan_create_collection, requests=1, **NEW | {"rules": rules}, name="Cheap")
        assert plan.effects[0].after == {
            "name": "Cheap",
            "slug": "cheap",
            "type": "smart",
            "rules": {
                "logic": "AND",
                "conditions": [
                    {"field": "price", "below": Decimal("19.99"), "deep": [Decimal("0.1"), {"n": 3}]}
                ],
            },
        }


async def test_each_field_of_a_collection_is_planned_before_and_after_and_asks_nobody() -> None:
    async with planning() as at:
        held = at.collection("manual")
        asked = {"name": "Renamed", "slug": "renamed", "image": "https://x.example/a.jpg"}
        plan = await at.plan(
            plan_update_collection,
            requests=1,
            collection_id=held["_id"],
            **CHANGE | asked | {"seo": shapes.Seo(title="New")},
        )
        assert {effect.key[2:]: (effect.before, effect.after) for effect in plan.effects} == {
            (held["_id"], "name"): (held["name"], "Renamed"),
            (held["_id"], "slug"): (held["slug"], "renamed"),
            (held["_id"], "image"): (held.get("image"), "https://x.example/a.jpg"),
            (held["_id"], "seo"): (held["seo"], {"title": "New"}),
        }
        assert {(effect.kind, effect.within, effect.name) for effect in plan.effects} == {
            ("collection", None, held["name"])
        }
        assert (plan.asks, plan.typed, plan.things, plan.target) == (False, None, 1, held["name"])
        assert plan.also == ("Links to its former address may break.",)
        assert f'• seo: {{"title": "{held["seo"]["title"]}"}} → {{"title": "New"}}' in plan.describe()
        before = collection_before(plan)
        assert (before.id, before.name, before.seo and before.seo.title) == (
            held["_id"],
            held["name"],
            held["seo"]["title"],
        )


async def test_the_members_of_a_collection_are_planned_in_their_order_and_those_that_leave_come_first() -> (
    None
):
    async with planning() as at:
        held, coming = at.collection("manual"), at.outside(at.collection("manual"))
        wanted = [coming, *held["productIds"][1:]]
        plan = await at.plan(
            plan_update_collection, requests=3, collection_id=held["_id"], **CHANGE | {"product_ids": wanted}
        )
        assert plan.effects == (
            Effect(
                kind="collection",
                id=held["_id"],
                field="members",
                before=held["productIds"],
                after=wanted,
                name=held["name"],
            ),
        )
        assert (plan.asks, plan.lasting) == (True, None)
        assert plan.shown() == [
            f"out: “{at.products()[held['productIds'][0]]}”",
            f"in: “{at.products()[coming]}”",
        ]


async def test_new_rules_are_planned_with_the_old_ones_and_come_first() -> None:
    rules = shapes.Rules(logic="OR", conditions=[{"field": "price", "below": 0.3}])
    async with planning() as at:
        held = at.collection("smart")
        plan = await at.plan(
            plan_update_collection,
            requests=1,
            collection_id=held["_id"],
            **CHANGE | {"name": "New", "rules": rules},
        )
        effects = {effect.field: effect for effect in plan.effects}
        assert effects.keys() == {"rules", "name"}
        assert effects["rules"].before == held["rules"]
        assert effects["rules"].after == {
            "logic": "OR",
            "conditions": [{"field": "price", "below": Decimal("0.3")}],
        }
        assert plan.asks is True
        assert plan.shown()[0].startswith("rules: ")


async def test_a_collection_that_goes_is_planned_with_all_it_takes_to_make_it_again() -> None:
    async with planning() as at:
        held = at.collection("manual")
        plan = await at.plan(plan_delete_collection, requests=2, collection_id=held["_id"])
        (effect,) = plan.effects
        assert (effect.kind, effect.id, effect.field, effect.after) == (
            "collection",
            held["_id"],
            "exists",
            None,
        )
        assert effect.before["members"] == held["productIds"]
        told = {key: value for key, value in held.items() if key != "productIds"}
        assert effect.before["collection"] == told
        assert plan.lasting == "a collection made again has a new id, so links to this one break."
        assert plan.also == (
            f"Its {len(held['productIds'])} product(s) stay in the catalog and lose this collection.",
        )
        assert (plan.asks, plan.typed) == (True, held["name"])


@pytest.mark.parametrize(("action", "asks"), [("include", False), ("exclude", True)])
async def test_one_product_in_a_store_is_planned_and_asks_only_if_it_goes(action: str, asks: bool) -> None:
    async with planning() as at:
        product = at.shown(MARKET_STORE_ID)[0]
        plan = await at.plan(
            plan_set_store_visibility,
            requests=3,
            store_id=MARKET_STORE_ID,
            product_ids=[product],
            action=action,
        )
        assert plan.effects == (
            Effect(
                kind="store",
                id=product,
                field="shown",
                before=True,
                after=action == "include",
                within=MARKET_STORE_ID,
                name=at.products()[product],
            ),
        )
        assert (plan.asks, plan.typed, plan.target) == (asks, None, at.products()[product])


async def test_products_that_a_store_will_show_are_planned_with_those_that_change_first() -> None:
    async with planning() as at:
        shown = at.shown(MARKET_STORE_ID)
        hidden = [key for key in at.products() if key not in shown]
        wanted = [*shown[:3], *hidden[:20]]
        plan = await at.plan(
            plan_set_store_visibility,
            requests=3,
            store_id=MARKET_STORE_ID,
            product_ids=wanted,
            action="include",
        )
        assert [(effect.id, effect.before, effect.after) for effect in plan.effects] == [
            (key, key in shown, True) for key in wanted
        ]
        assert plan.shown() == [f"“{at.products()[key]}”: hidden → shown" for key in hidden[:10]]
        assert (plan.asks, plan.typed, plan.target) == (True, "23", None)


async def test_an_order_whose_former_places_are_not_known_cannot_be_undone() -> None:
    for known in (None, dict[str, int]()):
        async with planning(known) as at:
            first, second = at.shown(ONLINE_STORE_ID)[:2]
            places = [shapes.DisplayPlace(product_id=first, priority=2)]
            plan = await at.plan(
                plan_set_display_priority, requests=2, store_id=ONLINE_STORE_ID, products=places
            )
            assert plan.effects == (
                Effect(
                    kind="order",
                    id=first,
                    field="priority",
                    before=None,
                    after=2,
                    within=ONLINE_STORE_ID,
                    name=at.products()[first],
                ),
            )
            assert plan.lasting is not None
            assert plan.typed == at.products()[first]
            places.append(shapes.DisplayPlace(product_id=second, priority=1))
            plan = await at.plan(
                plan_set_display_priority, requests=2, store_id=ONLINE_STORE_ID, products=places
            )
            assert (plan.typed, plan.target) == ("2", None)


async def test_an_order_whose_former_places_are_known_shows_them_and_can_be_undone() -> None:
    async with planning() as at:
        first, second = at.shown(ONLINE_STORE_ID)[:2]
        places = [
            shapes.DisplayPlace(product_id=first, priority=2),
            shapes.DisplayPlace(product_id=second, priority=1),
        ]
        at.former_places = {first: 3, second: 9, "other": 4}
        plan = await at.plan(plan_set_display_priority, requests=2, store_id=ONLINE_STORE_ID, products=places)
        assert [(effect.id, effect.before, effect.after) for effect in plan.effects] == [
            (first, 3, 2),
            (second, 9, 1),
        ]
        assert plan.shown() == [
            f"“{at.products()[second]}”, its number: 9 → 1",
            f"“{at.products()[first]}”, its number: 3 → 2",
        ]
        assert (plan.lasting, plan.typed, plan.asks) == (None, None, True)
        at.former_places = {first: 3}
        plan = await at.plan(plan_set_display_priority, requests=2, store_id=ONLINE_STORE_ID, products=places)
        assert plan.lasting == (
            "the API does not tell the present order, and the former number of 1 product is not known here, so that "
            "cannot be put back."
        )


@pytest.mark.parametrize(
    ("given", "after", "asks", "requests"),
    [("Approved", "approved", False, 1), ("REJECTED", "rejected", True, 2), ("odd", "odd", True, 2)],
)
async def test_the_status_of_a_review_is_planned_as_the_shop_spells_it(
    given: str, after: str, asks: bool, requests: int
) -> None:
    async with planning() as at:
        review = at.reviews("pending")[0]
        plan = await at.plan(plan_update_review, requests=requests, **about(review), status=given, reply=None)
        assert plan.effects == (
            Effect(
                kind="review",
                id=review["_id"],
                field="status",
                before="pending",
                after=after,
                within=review["productId"],
            ),
        )
        assert (plan.asks, plan.typed, plan.target) == (asks, None, None)
        before = review_before(plan)
        assert (before.status, before.headline, before.replies) == ("pending", review["headline"], None)


async def test_an_answer_is_planned_after_the_earlier_ones() -> None:
    whole: Doc = {
        "headline": "Thanks",
        "comment": "Thank you.",
        "user": {"name": "Shop", "email": "shop@example.com", "isCustomer": False},
    }
    unsigned: Doc = {"headline": "", "comment": "Thanks!", "user": {"name": "Shop", "email": ""}}
    kept = {**whole, "user": {"name": "Shop", "email": "shop@example.com", "is_customer": False}}
    async with planning() as at:
        review = next(item for item in at.reviews("approved") if not item["reply"])
        first = await at.plan(plan_update_review, requests=1, **about(review), status=None, reply=REPLY)
        assert [(effect.field, effect.before, effect.after) for effect in first.effects] == [
            ("replies", [], [SENT_REPLY])
        ]
        assert (first.asks, first.state["status"]) == (False, "approved")
        at.rewrite(review, reply=[whole, unsigned])
        plan = await at.plan(plan_update_review, requests=1, **about(review), status="approved", reply=REPLY)
        assert [(effect.field, effect.before, effect.after) for effect in plan.effects] == [
            ("status", "approved", "approved"),
            ("replies", [kept, unsigned], [kept, SENT_REPLY]),
        ]
        assert plan.asks is True
        assert [reply.comment for reply in review_before(plan).replies or ()] == ["Thank you.", "Thanks!"]


async def test_an_update_of_a_review_keeps_nothing_of_how_to_reach_its_customer() -> None:
    async with planning() as at:
        review = at.reviews("pending")[0]
        plan = await at.plan(plan_update_review, requests=2, **about(review), status="rejected", reply=None)
        assert review["user"]["email"] not in encode(to_plain(plan)).decode()


async def test_a_review_that_goes_is_kept_without_what_reaches_its_customer() -> None:
    async with planning() as at:
        review = at.reviews("rejected")[0]
        author = {**review["user"], "phone": "+1 555 0100"}
        at.rewrite(review, user=author, contact={"Mobile": "+1 555 0101", "by": [{"eMail": "a@b.example"}]})
        plan = await at.plan(plan_delete_review, requests=2, **about(review))
        (effect,) = plan.effects
        product = at.products()[review["productId"]]
        assert (effect.kind, effect.id, effect.field, effect.within, effect.name, effect.after) == (
            "review",
            review["_id"],
            "exists",
            review["productId"],
            product,
            None,
        )
        kept = {name: author[name] for name in ("name", "isCustomer")}
        assert effect.before == {"review": {**review, "user": kept, "contact": {"by": [{}]}}}
        written = encode(to_plain(plan)).decode()
        for secret in (author["email"], "555", "a@b.example"):
            assert secret not in written
        assert (plan.asks, plan.target, plan.typed) == (True, product, product)
        assert plan.lasting == "nothing can create a review, so this one never comes back."


async def test_a_review_of_a_product_that_is_gone_can_still_be_deleted() -> None:
    async with planning() as at:
        at.rewrite(at.reviews("rejected")[0], productId="gone")
        review = at.reviews("rejected")[0]
        plan = await at.plan(plan_delete_review, requests=2, **about(review))
        assert (plan.effects[0].name, plan.target, plan.typed) == ("", None, review["_id"])
        assert plan.action == "Delete a review of “gone”"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"user": {"name": "jane@example.com", "isCustomer": True}}, {"user": {"isCustomer": True}}),
        ({"customerEmail": "x", "customer_phone": 1, "whatsappNumber": "2"}, {}),
        (
            {"unreadable": {"user": "mailto:j@x.example"}, "tags": ["j@x.example", "a"]},
            {"unreadable": {}, "tags": ["a"]},
        ),
        ({"detail": "Write to j@x.example, please"}, {"detail": "Write to j@x.example, please"}),
    ],
)
def test_contact_is_left_out_wherever_it_stands_and_words_are_kept(told: Doc, kept: Doc) -> None:
    assert without_contact(told) == kept


def test_contact_of_a_review_of_another_shape_is_left_out() -> None:
    told = {"_id": "r", "customer": {"name": "Jane", "email": "j@x.example", "phone": "1"}, "comment": "Good"}
    assert without_contact(as_told(Review.model_validate(told))) == {
        "_id": "r",
        "user": {"name": "Jane"},
        "detail": "Good",
    }


async def test_many_reviews_are_planned_one_by_one_and_more_than_twenty_want_their_number() -> None:
    async with planning() as at:
        few = [at.reviews("rejected")[0], *at.reviews("pending")[:2]]
        plan = await at.plan(
            plan_bulk_update_reviews,
            requests=2,
            reviews=[reference(review) for review in few],
            status="Rejected",
        )
        assert plan.effects == tuple(
            Effect(
                kind="review",
                id=review["_id"],
                field="status",
                before=review["status"],
                after="rejected",
                within=review["productId"],
            )
            for review in few
        )
        assert (plan.asks, plan.typed, plan.state) == (True, None, {"status": "rejected"})
        assert [line.rpartition(": ")[2] for line in plan.shown()] == [
            "pending → rejected",
            "pending → rejected",
            "rejected → rejected",
        ]
        many = at.reviews("pending")[:21]
        plan = await at.plan(
            plan_bulk_update_reviews,
            requests=1,
            reviews=[reference(review) for review in many],
            status="approved",
        )
        assert plan.typed == "21"


async def test_a_review_named_with_the_product_of_another_is_not_found_among_many() -> None:
    async with planning() as at:
        first = at.reviews("pending")[0]
        second = next(item for item in at.reviews("pending") if item["productId"] != first["productId"])
        crossed = [
            reference({**first, "productId": second["productId"]}),
            reference({**second, "productId": first["productId"]}),
        ]
        with pytest.raises(ToolError, match="of the product named with it"):
            await plan_bulk_update_reviews(at.shop(), reviews=crossed, status="approved")
