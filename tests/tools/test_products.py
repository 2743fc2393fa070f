import json
from typing import Any

import pytest
import shelves
from odd_api import answers, receives, without
from shop_session import ERAS, Era, no, shop_session, text_of, yes
from side_by_side import content_of, only_change

from hoopai_products_mcp.guard import question

pytestmark = pytest.mark.anyio

LOCATION = "sbxLocation000000001"


async def test_a_list_shows_names_types_and_what_is_published_and_sends_one_request() -> None:
    async with shop_session() as session:
        result = await session.result("list_products", search="lantern", limit=2)
        assert result.structured_content == {
            "items": [
                {
                    "id": shelves.product(session, "Old stock lantern")["_id"],
                    "name": "Old stock lantern",
                    "product_type": "PHYSICAL",
                    "available_in_store": False,
                },
                {
                    "id": shelves.product(session, "Lantern patterns")["_id"],
                    "name": "Lantern patterns",
                    "product_type": "DIGITAL",
                    "available_in_store": True,
                },
            ],
            "returned": 2,
            "total": 8,
            "next_offset": 2,
        }
        assert json.loads(text_of(result)) == result.structured_content
        (request,) = session.sandbox.requests
        assert request.line == "GET /products/"
        assert request.query == [
            ("locationId", LOCATION),
            ("limit", "2"),
            ("offset", "0"),
            ("search", "lantern"),
        ]


async def test_following_next_offset_gives_every_product_once() -> None:
    async with shop_session() as session:
        seen: list[str] = []
        offset: int | None = 0
        while offset is not None:
            page = await session.call("list_products", limit=17, offset=offset)
            assert page["total"] == 60
            assert page["returned"] == len(page["items"])
            seen += [item["id"] for item in page["items"]]
            offset = page.get("next_offset")
        assert len(seen) == 60
        assert set(seen) == {doc["_id"] for doc in session.sandbox.dump()["products"]}
        assert len(session.sent()) == 4


async def test_every_filter_of_a_list_reaches_the_api_by_its_name() -> None:
    async with shop_session() as session:
        seeds = shelves.collection(session, "moon-garden-seeds")["_id"]
        store = session.sandbox.dump()["stores"][0]["id"]
        some = [doc["_id"] for doc in session.sandbox.dump()["products"][:2]]
        await session.call(
            "list_products",
            collection_ids=[seeds],
            collection_slug="moon-garden-seeds",
            product_ids=some,
            store_id=store,
            included_in_store=True,
            available_in_store=False,
            sort_order="asc",
            expand=["tax", "stripe"],
            limit=5,
            offset=0,
        )
        (request,) = session.sandbox.requests
        assert request.query == [
            ("locationId", LOCATION),
            ("limit", "5"),
            ("offset", "0"),
            ("collectionIds", seeds),
            ("collectionSlug", "moon-garden-seeds"),
            ("expand", "tax"),
            ("expand", "stripe"),
            ("productIds", some[0]),
            ("productIds", some[1]),
            ("storeId", store),
            ("includedInStore", "true"),
            ("availableInStore", "false"),
            ("sortOrder", "asc"),
        ]


async def test_in_which_store_has_to_be_said_to_ask_what_is_in_it() -> None:
    async with shop_session() as session:
        said = await session.refused("list_products", included_in_store=False)
        assert said == (
            "`included_in_store` says in which store: give `store_id` with it, or leave both out."
        )
        assert session.sent() == []


async def test_full_detail_adds_what_a_list_of_the_api_tells() -> None:
    async with shop_session() as session:
        page = await session.call("list_products", search="Pocket lantern", detail="full")
        doc = shelves.product(session, "Pocket lantern")
        assert page["notes"] == [
            "A list has no images, collections or SEO of a product; get_product has them."
        ]
        assert page["items"] == [
            {
                "id": doc["_id"],
                "name": "Pocket lantern",
                "product_type": "PHYSICAL",
                "available_in_store": True,
                "slug": "pocket-lantern",
                "description": "<p>Folds flat, burns four hours.</p>",
                "image": doc["image"],
                "variants": doc["variants"],
                "label": {"title": "Offer"},
                "is_label_enabled": True,
                "is_taxes_enabled": True,
                "taxes": doc["taxes"],
                "tax_inclusive": False,
                "is_featured": False,
                "created_at": doc["createdAt"],
                "updated_at": doc["updatedAt"],
            }
        ]


async def test_a_list_that_tells_more_or_nothing_needs_no_note() -> None:
    def more(answer: Any) -> Any:
        items: list[Any] = [{**item, "collectionIds": []} for item in answer["products"]]
        return {**answer, "products": items}

    async with shop_session(between=answers("GET /products/", more)) as session:
        for search in ("Pocket lantern", "no such thing"):
            assert "notes" not in await session.call("list_products", search=search, detail="full")


async def test_what_is_expanded_is_shown_without_asking_for_more_detail() -> None:
    async with shop_session() as session:
        page = await session.call("list_products", search="Pocket lantern", expand=["tax"])
        tax = shelves.product(session, "Pocket lantern")["taxes"][0]
        assert page["items"][0]["taxes"] == [{"_id": tax, "name": "Sales tax"}]


async def test_a_product_is_shown_without_prices_that_the_token_may_not_read() -> None:
    async with shop_session() as session:
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        session.sandbox.faults.add("scope_missing", "GET /products/{productId}/price")
        found = await session.call("get_product", product_id=product_id)
        assert found["name"] == "Pocket lantern"
        assert "prices" not in found
        (note,) = found["notes"]
        assert note.startswith("Its prices and stock are not here. The access token lacks the scope")


async def test_a_product_is_shown_with_all_its_prices() -> None:
    async with shop_session() as session:
        doc = shelves.product(session, "Pocket lantern")
        result = await session.result("get_product", product_id=doc["_id"])
        found = result.structured_content
        assert found is not None
        assert json.loads(text_of(result)) == found
        assert found["seo"] == doc["seo"]
        assert found["collection_ids"] == doc["collectionIds"]
        assert found["medias"] == [
            {
                "id": doc["medias"][0]["id"],
                "url": doc["image"],
                "type": "image",
                "title": "Pocket lantern",
                "is_featured": True,
            }
        ]
        assert found["prices_total"] == 2
        prices: list[dict[str, Any]] = found["prices"]
        assert [(price["name"], price["amount"], price["compare_at_price"]) for price in prices] == [
            ("Brass", 24.5, 29.5),
            ("Iron", 27.5, 32.5),
        ]
        assert session.sent() == [f"GET /products/{doc['_id']}", f"GET /products/{doc['_id']}/price"]


async def test_a_slug_finds_the_oldest_product_and_its_prices_are_asked_for_by_id() -> None:
    async with shop_session() as session:
        doc = shelves.product(session, "Pocket lantern")
        found = await session.call("get_product", product_id="pocket-lantern")
        assert found["id"] == doc["_id"]
        assert session.sent() == ["GET /products/pocket-lantern", f"GET /products/{doc['_id']}/price"]


async def test_a_product_with_more_than_a_page_of_prices_says_where_the_rest_is() -> None:
    async with shop_session(shop="empty") as session:
        made = await session.call("create_product", name="Many", product_type="DIGITAL")
        for number in range(101):
            await session.call(
                "create_price", product_id=made["id"], name=f"P{number}", amount=1, currency="USD"
            )
        found = await session.call("get_product", product_id=made["id"])
        assert len(found["prices"]) == 100
        assert found["prices_total"] == 101
        assert found["notes"] == ["Only the first 100 prices are here; list_prices has the rest."]


async def test_a_product_that_is_not_there_is_said_not_to_exist() -> None:
    async with shop_session() as session:
        said = await session.refused("get_product", product_id="000000000000000000000000")
        assert said.startswith("There is no such product in this location (GET /products/{productId}).")
        assert "Take the id from a list" in said


async def test_a_new_product_is_sent_as_given_and_nothing_else() -> None:
    async with shop_session(shop="empty") as session:
        result = await session.result(
            "create_product",
            name="Dawn tee",
            product_type="PHYSICAL",
            description="<p>Soft.</p>",
            available_in_store=True,
            image="https://images.example.com/dawn.jpg",
            medias=[{"url": "https://images.example.com/dawn.jpg"}],
            slug="dawn-tee",
            seo={"title": "Dawn tee"},
            label={"title": "New", "start_date": "2026-12-01"},
            statement_descriptor="DAWN",
            taxes=["tax1"],
            automatic_tax_category_id="txcd_1",
            tax_inclusive=True,
        )
        made = result.structured_content
        assert made is not None
        assert json.loads(text_of(result)) == made
        sent = shelves.body(session)
        (media,) = sent.pop("medias")
        assert media == {"id": media["id"], "url": "https://images.example.com/dawn.jpg", "type": "image"}
        assert len(media["id"]) == 11
        assert sent == {
            "locationId": LOCATION,
            "name": "Dawn tee",
            "productType": "PHYSICAL",
            "description": "<p>Soft.</p>",
            "availableInStore": True,
            "image": "https://images.example.com/dawn.jpg",
            "slug": "dawn-tee",
            "seo": {"title": "Dawn tee"},
            "label": {"title": "New", "startDate": "2026-12-01"},
            "isLabelEnabled": True,
            "statementDescriptor": "DAWN",
            "taxes": ["tax1"],
            "isTaxesEnabled": True,
            "automaticTaxCategoryId": "txcd_1",
            "taxInclusive": True,
        }
        doc = shelves.product(session, "Dawn tee")
        assert made["id"] == doc["_id"]
        assert made["notes"] == ["It has no price yet, so it cannot be bought: call create_price."]
        assert made["prices"] == []
        assert session.sent() == ["GET /products/", "GET /products/dawn-tee", "POST /products/"]


async def test_variants_of_a_new_product_get_ids_that_prices_can_point_at() -> None:
    async with shop_session(shop="empty") as session:
        made = await session.call(
            "create_product",
            name="Dawn tee",
            product_type="PHYSICAL",
            variants=[{"name": "Size", "options": [{"name": "S"}, {"name": "M"}]}],
        )
        (size,) = made["variants"]
        ids = {size["id"], *(option["id"] for option in size["options"])}
        assert len(ids) == 3
        await session.call(
            "create_price",
            product_id=made["id"],
            name="S",
            amount=20,
            currency="USD",
            variant_option_ids=[size["options"][0]["id"]],
        )
        found = await session.call("get_product", product_id=made["id"])
        assert found["prices"][0]["variant_option_ids"] == [size["options"][0]["id"]]


@pytest.mark.parametrize(
    ("variants", "what"),
    [
        ([{"name": "Size", "options": [{"name": "S"}]}] * 2, "variants"),
        ([{"name": "Size", "options": [{"name": "S"}, {"name": "S"}]}], "the options of Size"),
    ],
)
async def test_names_that_prices_could_not_tell_apart_are_refused(variants: Any, what: str) -> None:
    async with shop_session() as session:
        said = await session.refused("create_product", name="Tee", product_type="PHYSICAL", variants=variants)
        assert said == f"Two of {what} have the same name. Nothing was changed. Give each its own."
        assert session.sent() == []


async def test_an_update_changes_what_it_names_and_reports_before_and_after() -> None:
    async with shop_session() as session:
        before = shelves.product(session, "Pocket lantern")
        result = await session.result("update_product", product_id=before["_id"], name="Pocket lamp")
        content = content_of(result)
        assert json.loads(text_of(result)) == content
        assert content == {
            "product": {
                "id": before["_id"],
                "name": "Pocket lamp",
                "product_type": "PHYSICAL",
                "available_in_store": True,
            },
            "changed": [{"field": "name", "before": "Pocket lantern", "after": "Pocket lamp"}],
            "change": {"id": await only_change(session), "approved_by": "not_needed"},
        }
        assert shelves.body(session) == {
            "locationId": LOCATION,
            "name": "Pocket lamp",
            "productType": "PHYSICAL",
        }
        assert shelves.differences(before, shelves.product(session, "Pocket lamp")) == {"name": "Pocket lamp"}
        path = f"/products/{before['_id']}"
        assert session.sent()[-2:] == [f"PUT {path}", f"GET {path}"]
        assert set(session.sent()) == {f"GET {path}", f"PUT {path}"}


async def test_long_texts_are_cut_where_a_change_is_reported() -> None:
    async with shop_session() as session:
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        long = {"description": "d" * 300, "seo": {"title": "t" * 300}}
        done = await session.call("update_product", product_id=product_id, **long)
        description, seo = done["changed"]
        assert description["after"] == "d" * 199 + "…"
        assert seo["after"]["title"] == "t" * 199 + "…"
        assert (await session.call("get_product", product_id=product_id))["description"] == "d" * 300


async def test_one_text_for_search_engines_keeps_the_other() -> None:
    async with shop_session() as session:
        before = shelves.product(session, "Pocket lantern")
        await session.call("update_product", product_id=before["_id"], seo={"title": "Lamp"})
        assert shelves.product(session, "Pocket lantern")["seo"] == {
            "title": "Lamp",
            "description": "Folds flat, burns four hours.",
        }


@pytest.mark.parametrize(
    ("arguments", "after"),
    [
        ({"label": {"title": "Sale"}}, {"label": {"title": "Sale"}, "isLabelEnabled": True}),
        (
            {"label": {"title": "Sale"}, "is_label_enabled": False},
            {"label": {"title": "Sale"}, "isLabelEnabled": False},
        ),
        ({"taxes": ["t1"]}, {"taxes": ["t1"], "isTaxesEnabled": True}),
        ({"taxes": []}, {"taxes": [], "isTaxesEnabled": False}),
    ],
)
async def test_a_badge_and_taxes_are_switched_as_they_are_set(
    arguments: dict[str, Any], after: dict[str, Any]
) -> None:
    async with shop_session() as session:
        before = shelves.product(session, "Storm lantern")
        await session.call("update_product", product_id=before["_id"], **arguments)
        now = shelves.product(session, "Storm lantern")
        assert {key: now[key] for key in after} == after


async def test_variants_keep_the_ids_of_what_exists_by_name() -> None:
    async with shop_session(yes) as session:
        before = shelves.product(session, "Pocket lantern")
        await session.call(
            "update_product",
            product_id=before["_id"],
            variants=[
                {"name": "Finish", "options": [{"name": "Iron"}, {"name": "Copper"}]},
                {"name": "Size", "options": [{"name": "Small"}]},
            ],
        )
        finish, size = shelves.product(session, "Pocket lantern")["variants"]
        was = before["variants"][0]
        assert finish["id"] == was["id"]
        assert finish["options"][0] == {"id": was["options"][1]["id"], "name": "Iron"}
        new = {finish["options"][1]["id"], size["id"], size["options"][0]["id"]}
        assert len(new) == 3
        assert not new & {was["id"], *(option["id"] for option in was["options"])}


IRON = {"name": "Finish", "options": [{"name": "Iron"}]}


@pytest.mark.parametrize("era", ERAS)
async def test_hiding_a_product_and_dropping_options_that_have_prices_asks(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        done = await session.call(
            "update_product",
            product_id="pocket-lantern",
            variants=[IRON],
            available_in_store=False,
            name="Lamp",
            clear=["image"],
        )
        image = shelves.product(session, "Lamp")["medias"][0]["url"]
        assert session.questions[0].splitlines()[:7] == [
            f"Hide and take the variants of 1 price from the product “Pocket lantern” (id {product_id})",
            "• In the store: shown → hidden",
            "• Loses its variant: Brass: 24.50 USD, 40 in stock",
            "• Variants: Finish (Brass, Iron) → Finish (Iron)",
            "• Name: “Pocket lantern” → “Lamp”",
            f"• Image: “{image}” → nothing",
            "These prices stay, without a variant; delete_price removes them.",
        ]
        assert done["notes"] == ["1 price without a variant now: “Brass”. delete_price removes them."]
        assert done["product"]["available_in_store"] is False
        again = await session.call(
            "update_product", product_id=product_id, variants=[IRON], available_in_store=False
        )
        assert "notes" not in again
        assert len(session.questions) == 1
        assert session.writes() == [f"PUT /products/{product_id}"] * 2


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("change", [{"available_in_store": False}, {"variants": [IRON]}])
async def test_with_a_no_no_product_is_hidden_and_no_option_dropped(era: Era, change: dict[str, Any]) -> None:
    async with shop_session(no, era=era) as session:
        still = shelves.untouched(session)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        said = await session.refused("update_product", product_id=product_id, **change)
        assert said == question.DECLINED
        assert still()


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("change", "action", "items", "also"),
    [
        (
            {"available_in_store": False},
            "Hide the product “Pocket lantern” (id {})",
            ["In the store: shown → hidden"],
            None,
        ),
        (
            {"variants": [IRON]},
            "Take the variants of 1 price from the product “Pocket lantern” (id {})",
            [
                "Loses its variant: Brass: 24.50 USD, 40 in stock",
                "Variants: Finish (Brass, Iron) → Finish (Iron)",
            ],
            ["These prices stay, without a variant; delete_price removes them."],
        ),
    ],
)
async def test_where_nobody_can_be_asked_hiding_and_dropping_take_a_token(
    era: Era, change: dict[str, Any], action: str, items: list[str], also: list[str] | None
) -> None:
    async with shop_session(era=era) as session:
        still = shelves.untouched(session)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        content = await session.call("update_product", product_id=product_id, **change)
        assert content["status"] == "confirmation_required"
        plan = content["plan"]
        assert (plan["action"], plan["items"], plan.get("also")) == (action.format(product_id), items, also)
        assert "cannot_be_undone" not in plan
        assert still()
        assert session.writes() == []
        token = content["confirmation_token"]
        done = await session.call("update_product", product_id=product_id, **change, confirmation_token=token)
        assert session.changes[-1]["approved_by"] == "confirmation_token"
        assert [item["field"] for item in done["changed"]] == list(change)
        assert session.writes() == [f"PUT /products/{product_id}"]


async def test_a_product_of_which_the_api_does_not_say_whether_it_is_shown_asks_before_it_is_hidden() -> None:
    silent = answers("GET /products/[0-9a-f]+", without("availableInStore"))
    async with shop_session(no, between=silent) as session:
        product_id = shelves.product(session, "Old stock lantern")["_id"]
        await session.refused("update_product", product_id=product_id, available_in_store=False)
        assert "• In the store: unknown → hidden" in session.questions[0]


async def test_showing_a_product_or_adding_options_asks_nobody() -> None:
    async with shop_session() as session:
        product_id = shelves.product(session, "Old stock lantern")["_id"]
        await session.call("update_product", product_id=product_id, available_in_store=True)
        product = shelves.product(session, "Pocket lantern")
        more = [{"name": "Finish", "options": [{"name": name} for name in ("Brass", "Iron", "Copper")]}]
        await session.call("update_product", product_id=product["_id"], variants=more)
        (finish,) = shelves.product(session, "Pocket lantern")["variants"]
        assert finish["options"][:2] == product["variants"][0]["options"]


async def test_a_variant_renamed_by_its_id_keeps_the_ids_of_its_options() -> None:
    async with shop_session() as session:
        before = shelves.product(session, "Pocket lantern")
        (was,) = before["variants"]
        await session.call(
            "update_product",
            product_id=before["_id"],
            variants=[{"id": was["id"], "name": "Metal", "options": [{"name": "Brass"}, {"name": "Iron"}]}],
        )
        (now,) = shelves.product(session, "Pocket lantern")["variants"]
        assert now == was | {"name": "Metal"}


@pytest.mark.parametrize(
    ("field", "after"),
    [
        ("description", {"description": ""}),
        ("image", {"image": ""}),
        ("seo", {"seo": {"title": "", "description": ""}}),
        ("label", {"isLabelEnabled": False}),
        ("statement_descriptor", {"statementDescriptor": ""}),
        ("automatic_tax_category_id", {"automaticTaxCategoryId": ""}),
    ],
)
async def test_a_cleared_field_is_empty_and_the_rest_stays(field: str, after: dict[str, Any]) -> None:
    async with shop_session() as session:
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        shelves.change_product(
            session, product_id, statementDescriptor="POCKET", automaticTaxCategoryId="txcd_1"
        )
        before = shelves.product(session, "Pocket lantern")
        done = await session.call("update_product", product_id=product_id, clear=[field])
        assert shelves.differences(before, shelves.product(session, "Pocket lantern")) == after
        assert len(done["changed"]) == 1
        assert "not_applied" not in done
        assert "lost" not in done


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"description": "new", "clear": ["image", "description"]}, "description"),
        ({"label": {"title": "Sale"}, "clear": ["label"]}, "label"),
        ({"is_label_enabled": True, "clear": ["label"]}, "label"),
    ],
)
async def test_a_field_cannot_be_set_and_cleared_at_once(arguments: dict[str, Any], named: str) -> None:
    async with shop_session() as session:
        said = await session.refused("update_product", product_id="p1", **arguments)
        assert said == f"`clear` names {named}, which the call also sets. Nothing was changed."
        assert session.sent() == []


async def test_an_update_that_names_no_field_is_refused() -> None:
    async with shop_session() as session:
        said = await session.refused("update_product", product_id="p1")
        assert said == "The call names no field to change. Nothing was changed. Give at least one."
        assert session.sent() == []


async def test_a_contradiction_that_the_api_finds_is_told_in_its_words() -> None:
    async with shop_session() as session:
        still = shelves.untouched(session)
        product_id = shelves.product(session, "Gift card")["_id"]
        said = await session.refused("update_product", product_id=product_id, is_taxes_enabled=True)
        assert "taxes should not be empty when isTaxesEnabled is true" in said
        assert "Nothing was changed." in said
        assert still()


async def test_a_new_product_of_which_the_api_kept_less_is_told_field_by_field() -> None:
    async with shop_session(between=receives("POST /products/", without("seo", "medias"))) as session:
        made = await session.call(
            "create_product",
            name="Lamp",
            product_type="PHYSICAL",
            seo={"title": "Lamp"},
            medias=[{"url": "https://images.example.com/a.jpg"}],
        )
        (missing,) = made["not_applied"]
        assert (missing["field"], missing["found"]) == ("medias", [])
        assert missing["expected"][0]["url"] == "https://images.example.com/a.jpg"
        assert made["notes"] == [
            "Not everything was stored as given: see not_applied.",
            "Not checked, for the API does not show it: seo.",
            "It has no price yet, so it cannot be bought: call create_price.",
        ]
        assert session.sent() == ["GET /products/", "POST /products/", f"GET /products/{made['id']}"]


async def test_a_new_product_that_cannot_be_read_back_is_shown_as_answered() -> None:
    async with shop_session(between=answers("POST /products/", without("seo"))) as session:
        session.sandbox.faults.add("server_error", "GET /products/{productId}")
        made = await session.call("create_product", name="Lamp", product_type="PHYSICAL", seo={"title": "L"})
        assert made["name"] == "Lamp"
        assert "reading it back failed" in made["notes"][0]


async def test_a_slug_that_another_product_has_is_named() -> None:
    async with shop_session() as session:
        lantern = shelves.product(session, "Pocket lantern")["_id"]
        tea = shelves.product(session, "Twilight tea")
        said = (
            f"“Pocket lantern” (id {lantern}) has the same slug: its address opens only one of them, reportedly the "
            "older. Give one another slug."
        )
        made = await session.call(
            "create_product", name="Lamp", product_type="PHYSICAL", slug="pocket-lantern"
        )
        assert said in made["notes"]
        changed = await session.call("update_product", product_id=tea["_id"], slug="pocket-lantern")
        assert changed["notes"] == [said]
        own = await session.call("update_product", product_id=lantern, slug="pocket-lantern", name="Lamp")
        assert "notes" not in own
        new = await session.call("update_product", product_id=tea["_id"], slug="evening-tea")
        assert "notes" not in new


async def test_a_name_that_another_product_has_is_told_with_its_id() -> None:
    async with shop_session() as session:
        lantern = shelves.product(session, "Pocket lantern")["_id"]
        first = await session.call("create_product", name="Pocket lantern", product_type="PHYSICAL")
        assert f"Another product has this name already: id {lantern}." in first["notes"]
        second = await session.call("create_product", name="Pocket lantern", product_type="PHYSICAL")
        assert f"2 other products have this name already: id {first['id']}, {lantern}." in second["notes"]
        other = await session.call("create_product", name="Pocket lantern, small", product_type="PHYSICAL")
        assert len(other["notes"]) == 1
