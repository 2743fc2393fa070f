"""What a prompt holds: the instructions, what was chosen, and the shop as it is now."""

import json
from decimal import Decimal
from typing import Any

import pytest
import shelves
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS
from rendered_prompts import fillings, render, taken_apart
from shop_session import ERAS, Era, ShopSession, shop_session

from hoopai_products_mcp.prompts.template import templates
from hoopai_products_mcp.sandbox.faults import Fault, FaultKind

pytestmark = pytest.mark.anyio


async def refused(session: ShopSession, name: str, /, **arguments: str) -> str:
    """What a prompt that does not fit answers; it reads nothing of the shop for it unless a name is looked up."""
    with pytest.raises(MCPError) as caught:
        await session.client.get_prompt(name, arguments)
    assert caught.value.error.code == INVALID_PARAMS
    return caught.value.error.message


@pytest.mark.parametrize("era", ERAS)
async def test_the_menu_lists_all_prompts_with_their_arguments(era: Era) -> None:
    async with shop_session(era=era) as session:
        listed = (await session.client.list_prompts()).prompts
        assert session.sent() == []
    assert [
        (
            prompt.name,
            prompt.title,
            prompt.description,
            [(a.name, a.description, a.required) for a in prompt.arguments or ()],
        )
        for prompt in listed
    ] == [
        (t.name, t.title, t.description, [(a.name, a.description, a.required) for a in t.arguments.values()])
        for t in templates().values()
    ]


@pytest.mark.parametrize("era", ERAS)
async def test_a_description_is_drafted_from_the_product_and_the_listings_beside_it(era: Era) -> None:
    async with shop_session(era=era) as session:
        lantern = shelves.product(session, "Storm lantern")
        found = await render(
            session.client, "draft_product_description", product="Storm lantern", tone="plain"
        )
        prices = shelves.prices_of(session, "Storm lantern")
    product_uri = f"hoopai://products/{lantern['_id']}"
    siblings_uri = f"hoopai://reports/siblings?product={lantern['_id']}"
    assert found.said.startswith(
        "# Draft a product description\n\nThe merchant chose:\n"
        f'- product: "Storm lantern ({lantern["_id"]})"\n- tone: "plain"\n\nWrite a new description'
    )
    assert list(found.documents) == [product_uri, siblings_uri]
    product = found.content(product_uri)
    assert product["name"] == "Storm lantern"
    assert product["description"] == lantern["description"]
    assert [price["id"] for price in product["prices"]] == [price["_id"] for price in prices]
    assert [price["amount"] for price in product["prices"]] == [price["amount"] for price in prices]
    siblings = found.content(siblings_uri)["items"]
    assert len(siblings) == 8
    assert lantern["_id"] not in {sibling["id"] for sibling in siblings}
    assert all(sibling["description"] and "<" not in sibling["description"] for sibling in siblings)
    assert set(found.links) <= {
        f"hoopai://collections/{collection}" for collection in product["collection_ids"]
    }


async def test_reviews_that_wait_come_with_their_products_names_and_the_counts() -> None:
    async with shop_session() as session:
        found = (await render(session.client, "triage_reviews")).only()
        shop = session.sandbox.dump()
    names = {product["_id"]: product["name"] for product in shop["products"]}
    waiting = [review for review in shop["reviews"] if review["status"] == "pending"]
    assert found["counts"] == {"approved": 69, "pending": 29, "rejected": 22}
    assert found["total"] == len(waiting) == 29
    assert {item["id"] for item in found["items"]} == {review["_id"] for review in waiting}
    for item in found["items"]:
        assert item["status"] == "pending"
        assert item["product_name"] == names[item["product_id"]]
        assert "email" not in item["customer_text"]
    assert [item["created_at"] for item in found["items"]] == sorted(
        (item["created_at"] for item in found["items"]), reverse=True
    )


async def test_reviews_are_narrowed_to_a_product_a_store_a_period_and_a_status() -> None:
    async with shop_session() as session:
        reviews = session.sandbox.dump()["reviews"]
        one = next(review for review in reviews if review["status"] == "approved")
        found = await render(
            session.client,
            "triage_reviews",
            product=one["productId"],
            store=one["storeId"],
            status="Approved",
            since="2026-03-01",
            until="2026-12-31",
        )
    expected = {
        review["_id"]
        for review in reviews
        if (review["productId"], review["storeId"], review["status"])
        == (one["productId"], one["storeId"], "approved")
    }
    assert {item["id"] for item in found.only()["items"]} == expected
    (uri,) = found.documents
    assert uri == (
        f"hoopai://reports/reviews?product={one['productId']}&store={one['storeId']}&status=approved"
        "&since=2026-03-01&until=2026-12-31"
    )


async def test_the_last_day_of_a_period_belongs_to_it() -> None:
    async with shop_session() as session:
        review = session.sandbox.dump()["reviews"][40]
        day = review["createdAt"][:10]
        found = await render(session.client, "triage_reviews", since=day, until=day, status=review["status"])
    assert review["_id"] in {item["id"] for item in found.only()["items"]}


async def test_a_reply_has_the_review_its_earlier_answers_and_the_product() -> None:
    async with shop_session() as session:
        review = next(review for review in session.sandbox.dump()["reviews"] if review["reply"])
        found = await render(session.client, "reply_to_review", review=review["_id"], offer="a refund")
    content = found.content(f"hoopai://reviews/{review['_id']}")
    assert content["customer_text"]["headline"] == review["headline"]
    assert content["replies"] == [
        {
            "headline": review["reply"][0]["headline"],
            "comment": review["reply"][0]["comment"],
            "author": review["reply"][0]["user"]["name"],
        }
    ]
    assert found.content(f"hoopai://products/{review['productId']}")["id"] == review["productId"]


async def test_a_launch_shows_what_is_like_the_idea() -> None:
    async with shop_session() as session:
        found = await render(session.client, "launch_product", idea="A paper lantern for the garden")
    similar = found.content("hoopai://reports/similar?idea=A%20paper%20lantern%20for%20the%20garden")
    assert similar["items"]
    for item in similar["items"]:
        assert item["words"]
        assert {"slug", "description", "variants", "prices"} <= item.keys()
    assert "hoopai://collections" in found.documents
    assert found.content("hoopai://catalog")["counts"]["products"] == 60


async def test_a_sale_has_every_product_of_the_collection_with_its_prices() -> None:
    async with shop_session() as session:
        group = shelves.collection(session, "tea-and-honey")
        found = await render(
            session.client, "plan_sale", collection="Tea and honey", discount="-15 percent", ends="2026-12-24"
        )
        shop = session.sandbox.dump()
    assert '- collection: "Tea and honey (' in found.said
    assert '- discount: "15 %"' in found.said
    content = found.content(f"hoopai://reports/selection?collection={group['_id']}")
    amounts = {price["_id"]: price["amount"] for price in shop["prices"]}
    assert content["total"] == len(content["items"]) > 5
    for item in content["items"]:
        assert {price["id"] for price in item["prices"]} == {
            price["_id"] for price in shop["prices"] if price["product"] == item["id"]
        }
        assert all(Decimal(str(price["amount"])) == amounts[price["id"]] for price in item["prices"])
    assert found.links == {f"hoopai://collections/{group['_id']}": "The collection"}


async def test_a_restock_report_tells_the_levels_apart() -> None:
    async with shop_session() as session:
        found = (await render(session.client, "restock_report", threshold="3")).only()
        shop = session.sandbox.dump()
    tracked = {price["_id"]: price for price in shop["prices"] if price.get("trackInventory")}
    levels: dict[str, set[str]] = {}
    for item in found["items"]:
        levels.setdefault(item["level"], set()).add(item["price_id"])

    def ids(**wanted: bool) -> set[str]:
        return {
            key
            for key, price in tracked.items()
            for left, sells_on in [(price["availableQuantity"], bool(price.get("allowOutOfStockPurchases")))]
            if (left < 0, left == 0, 0 < left <= 3, sells_on)
            == (
                wanted.get("below", False),
                wanted.get("zero", False),
                wanted.get("few", False),
                wanted.get("on", False),
            )
        }

    assert levels["oversold"] == ids(below=True, on=True)
    assert levels["sold_out"] == ids(zero=True)
    assert levels["low"] == ids(few=True)
    assert levels["sells_on"] == ids(zero=True, on=True) | ids(few=True, on=True)
    assert found["levels"] == {
        **{name: len(found) for name, found in levels.items()},
        "enough": found["levels"]["enough"],
    }
    assert sum(found["levels"].values()) == found["variants_looked_at"] == len(tracked)


async def test_search_texts_are_judged_and_a_slug_in_use_twice_is_seen() -> None:
    long = "x" * 71
    async with shop_session() as session:
        first = shelves.product(session, "Dusk tee")
        second = shelves.product(session, "Moth socks")
        shelves.change_product(session, first["_id"], seo={"title": long, "description": "y" * 161})
        shelves.change_product(session, second["_id"], seo={"title": long.upper(), "description": ""})
        found = (await render(session.client, "seo_refresh", search="s")).only()
        clash = (await render(session.client, "seo_refresh", search="Moonflower")).only()
    problems = {item["product_id"]: set(item["problems"]) for item in found["items"]}
    assert problems[second["_id"]] == {"seo_title_long", "seo_description_missing", "seo_title_duplicate"}
    assert problems[first["_id"]] == {"seo_title_long", "seo_description_long", "seo_title_duplicate"}
    assert [set(item["problems"]) for item in clash["items"]] == [{"slug_clash"}] * 2
    assert clash["slug_clashes"][0]["slug"] == "moonflower-seeds"


async def test_the_health_of_a_catalog_is_told_by_kinds_with_examples() -> None:
    async with shop_session() as session:
        hat = shelves.product(session, "Moon almanac")
        shelves.change_product(
            session, hat["_id"], isLabelEnabled=True, label={"title": "New", "endDate": "2020-01-01"}
        )
        found = await render(session.client, "catalog_health")
    health = found.content("hoopai://reports/health")
    kinds = {finding["kind"]: finding for finding in health["findings"]}
    assert health["checked"] == {"closely": 30, "in_lists": 60}
    assert {kind: finding["count"] for kind, finding in kinds.items()} == {
        "collection_missing": 4,
        "hidden": 3,
        "image_missing": 2,
        "slug_clash": 2,
        "price_missing": 1,
        "price_zero": 1,
        "sku_missing": 1,
        "badge_over": 1,
    }
    assert kinds["badge_over"]["examples"] == [{"product_id": hat["_id"], "name": "Moon almanac"}]
    assert found.content("hoopai://catalog")["needs_attention"]["badge_over"] == 1


async def test_candidates_of_a_collection_share_words_with_its_theme() -> None:
    async with shop_session() as session:
        found = await render(session.client, "build_collection", theme="Teas and honeys for the evening")
    items = next(json.loads(text) for uri, text in found.documents.items() if "candidates" in uri)["items"]
    names = [item["name"] for item in items]
    assert {"Twilight tea", "Heather honey", "Songs for Slow Evenings"} <= set(names)
    assert all(item["words"] for item in items)


async def test_an_import_is_looked_through_from_its_day_on() -> None:
    async with shop_session() as session:
        made = await session.call("create_product", name="Imported lamp", product_type="PHYSICAL")
        again = await session.call("create_product", name="imported  LAMP", product_type="PHYSICAL")
        found = (await render(session.client, "import_check", since="1 day")).only()
    assert found["new_products"] == found["total"] == 2
    assert {item["product_id"] for item in found["items"]} == {made["id"], again["id"]}
    assert set(found["items"][0]["problems"]) == {
        *(
            "hidden",
            "description_missing",
            "slug_missing",
            "image_missing",
            "collection_missing",
            "price_missing",
        ),
        *("seo_title_missing", "seo_description_missing"),
    }
    assert found["names_twice"] == [{"text": "imported lamp", "product_ids": [again["id"], made["id"]]}]


async def test_a_price_list_is_matched_line_by_line() -> None:
    lines = [
        "SKU;Name;Price",
        "ML-011-01;;70.00 USD",
        ";Heather honey;11.40",
        "ml-001-01;;4,95",
        ";Pocket lantren;5",
        ";Oak table;99",
        ";Garden plan by post;1,400",
        ";Dusk tee;30 EUR",
    ]
    async with shop_session() as session:
        found = await render(session.client, "reprice", price_list="\n".join(lines))
        honey = shelves.product(session, "Heather honey")
        lantern = shelves.price(session, "Storm lantern", "Brass / 24 cm")
        pocket = shelves.product(session, "Pocket lantern")
    assert '- price_list: "8 pasted lines"' in found.said
    rows = {row["line"]: row for row in found.only()["items"]}
    assert {number: row["match"] for number, row in rows.items()} == {
        2: "sku", 3: "name", 4: "sku", 5: "similar", 6: "none", 7: "name", 8: "name"
    }  # fmt: skip
    assert rows[2]["prices"] == [
        {
            "price_id": lantern["_id"],
            "name": "Brass / 24 cm",
            "amount": 64,
            "currency": "USD",
            "sku": "ML-011-01",
            "change_percent": 9.4,
        }
    ]
    assert rows[3]["product_id"] == honey["_id"]
    assert rows[3]["prices"][0]["as_it_is"] is True
    assert len(rows[3]["prices"]) == 3
    assert rows[4]["new"] == 4.95
    assert rows[5]["perhaps"][0] == {"product_id": pocket["_id"], "name": "Pocket lantern"}
    assert rows[7]["unclear"] == "1,400 could be two numbers"
    assert "new" not in rows[7]
    assert {price["doubt"] for price in rows[8]["prices"]} == {"another currency"}


async def test_a_completion_of_a_name_with_its_id_is_understood() -> None:
    async with shop_session() as session:
        (first, second) = [
            product for product in session.sandbox.dump()["products"] if product["slug"] == "moonflower-seeds"
        ]
        for product in (first, second):
            typed = f"{product['name']} ({product['_id']})"
            found = await render(session.client, "draft_product_description", product=typed)
            assert f"hoopai://products/{product['_id']}" in found.documents


async def test_a_name_is_no_ones_until_it_is_clear_whose() -> None:
    async with shop_session() as session:
        lamp = await session.call("create_product", name="Twin", product_type="PHYSICAL")
        other = await session.call("create_product", name="twin ", product_type="PHYSICAL")
        lantern = shelves.product(session, "Storm lantern")
        tricky = await session.call(
            "create_product", name=f"Fake ({lantern['_id']})", product_type="PHYSICAL"
        )
        assert await refused(session, "draft_product_description", product="Twin") == (
            "`product`: 2 products are called “Twin”. Give one with its id: "
            f"twin ({other['id']}); Twin ({lamp['id']})"
        )
        assert await refused(session, "draft_product_description", product="Storm lantren") == (
            f"`product`: no product is called “Storm lantren”. Did you mean: Storm lantern ({lantern['_id']})?"
        )
        found = await render(session.client, "draft_product_description", product=f"Fake ({lantern['_id']})")
        assert f"hoopai://products/{tricky['id']}" in found.documents
        assert "no collection is called" in await refused(
            session, "plan_sale", collection="Teas", discount="5 %"
        )
        assert await refused(session, "triage_reviews", store="nowhere") == (
            "`store`: no store has the id “nowhere”. It is the id of the store's site, which a review of the store "
            "names"
        )
        assert await refused(session, "triage_reviews", status="waiting") == (
            "`status`: no review has the status “waiting”; there are: approved, pending, rejected"
        )
        assert await refused(session, "reply_to_review", review="made-up") == (
            "`review`: no review of this shop has the id “made-up”. Take it from list_reviews"
        )


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("plan_sales", {}, "Unknown prompt: 'plan_sales'. Did you mean plan_sale?"),
        (
            "nothing like it",
            {},
            "Unknown prompt: 'nothing like it'. There are: draft_product_description, triage_reviews,",
        ),
        (
            "draft_product_description",
            {},
            "draft_product_description: `product` is missing: the product, by name or id.",
        ),
        ("draft_product_description", {"product": "  "}, "`product` is missing"),
        (
            "draft_product_description",
            {"produkt": "x", "zzz": "y"},
            "draft_product_description: `produkt` is no argument, did you mean `product`? `zzz` is no argument; it "
            "takes `product`, `audience`, `tone`, `length`, `language`. `product` is missing: the product, by name or "
            "id.",
        ),
        ("catalog_health", {"x": "1"}, "`x` is no argument; it takes `collection`."),
        ("plan_sale", {"discount": "20 %"}, "Fill in `collection` or `search`: at least one is needed."),
        ("plan_sale", {"search": "a"}, "`discount` is missing"),
        (
            "plan_sale",
            {"search": "a", "discount": "20"},
            "`discount` must be a percentage such as 20 %, or an amount",
        ),
        (
            "plan_sale",
            {"search": "a", "discount": "120 %"},
            "`discount` must be more than 0 % and less than 100 %.",
        ),
        ("plan_sale", {"search": "a", "discount": "0 USD"}, "`discount` must be a percentage"),
        ("plan_sale", {"search": "a", "discount": "1,000 USD"}, "`discount` must be a percentage"),
        (
            "plan_sale",
            {"search": "a", "discount": "5 %", "ends": "soon"},
            "`ends` must be a date such as 2026-05-31.",
        ),
        (
            "restock_report",
            {"threshold": "-1"},
            "`threshold` must be a whole number from 0 to 1000000, such as 5.",
        ),
        ("restock_report", {"threshold": "five"}, "`threshold` must be a whole number"),
        (
            "import_check",
            {"since": "yesterday"},
            "`since` must be a date such as 2026-05-31, or a number of days back",
        ),
        ("import_check", {"since": "9999 days"}, "`since` must be a date"),
        ("launch_product", {"idea": "x" * 501}, "`idea` is 501 characters long; 500 are allowed."),
        (
            "reprice",
            {"price_list": "x" * 20_001},
            "`price_list` is 20001 characters long; 20000 are allowed.",
        ),
    ],
)
async def test_what_does_not_fit_is_refused_in_words_before_anything_is_read(
    era: Era, name: str, arguments: dict[str, str], words: str
) -> None:
    async with shop_session(era=era) as session:
        assert words in await refused(session, name, **arguments)
        assert session.sent() == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_shop_that_cannot_be_read_is_said_so(era: Era) -> None:
    async with shop_session(era=era) as session:
        session.sandbox.faults.add(Fault(FaultKind.SERVER_ERROR, count=None))
        with pytest.raises(MCPError) as caught:
            await session.client.get_prompt("triage_reviews", {})
    assert caught.value.error.code == INTERNAL_ERROR
    assert caught.value.error.message.startswith("The shop could not be read. ")
    assert session.sandbox.token not in caught.value.error.message


async def test_what_the_token_may_not_read_is_named_and_the_rest_is_there() -> None:
    async with shop_session() as session:
        session.sandbox.faults.add(
            Fault(FaultKind.SCOPE_MISSING, "GET /products/{productId}/price", count=None)
        )
        session.sandbox.faults.add(Fault(FaultKind.SCOPE_MISSING, "GET /products/inventory", count=None))
        session.sandbox.faults.add(
            Fault(FaultKind.ROUTE_UNSUPPORTED, "GET /products/collections", count=None)
        )
        found = await render(session.client, "catalog_health")
        sale = await render(session.client, "plan_sale", search="tee", discount="5 %")
    catalog = found.content("hoopai://catalog")
    assert catalog["counts"] == {"products": 60, "on_sale": 57, "hidden": 3}
    assert "stock" not in catalog
    assert "prices" not in catalog
    assert sum(note.startswith("The ") for note in catalog["notes"]) == 3
    assert "prices" not in sale.only()["items"][0]
    assert sale.only()["notes"][1] == "The prices could not be read: the token lacks the scope."


async def test_a_server_that_only_reads_says_what_it_cannot_do() -> None:
    async with shop_session(settings={"read_only": True}) as session:
        found = await render(session.client, "restock_report")
    assert (
        "This server does not offer `update_inventory`, `bulk_update_inventory`: prepare that part"
        in found.said
    )


@pytest.mark.parametrize("era", ERAS)
async def test_every_prompt_renders_in_both_eras(era: Era) -> None:
    async with shop_session(era=era) as session:
        for name, arguments in fillings(session).items():
            result = await session.client.get_prompt(name, arguments)
            assert result.description == templates()[name].description
            assert taken_apart(result).documents
        assert session.writes() == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_guide_is_the_same_for_clients_without_prompts(era: Era) -> None:
    async with shop_session(era=era) as session:
        listed = {tool.name: tool for tool in (await session.client.list_tools()).tools}
        topics = listed["get_guide"].input_schema["properties"]["topic"]["enum"]
        for topic in topics:
            found = await session.call("get_guide", topic=topic)
            read = await session.client.read_resource(f"hoopai://guides/{topic}")
            content: Any = read.contents[0]
            assert found == {"topic": topic, "title": templates()[topic].title, "guide": content.text}
            assert templates()[topic].text in content.text
        assert session.sent() == []
    assert topics == list(templates())
