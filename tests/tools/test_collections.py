"""Collections: reading, making, changing and deleting them, with the ways around missing routes."""

import json
import re
from typing import Any

import httpx
import pytest
from claims import claimed
from odd_api import answers, ignores, refuses, without
from other_api import Carry, rewritten
from shelves import body, collection, just_before, untouched
from shop_session import ERAS, Era, ShopSession, no, shop_session, yes

from hoopai_products_mcp.sandbox.database import json_text
from hoopai_products_mcp.sandbox.identity import LOCATION_ID
from hoopai_products_mcp.tools.collection_plans import slug_of

pytestmark = pytest.mark.anyio

ALT = {"altId": LOCATION_ID, "altType": "location"}
ONE_FROM_LIST = "Read from the list of collections: this account cannot read one alone."
RULES_NOTE = (
    "The API does not document how the conditions of a rule are spelled: check with list_collection_products that "
    "it holds what it should."
)
STILL_THERE = "The API accepted the deletion, but it is still there when read. Look again in a while."
PRODUCTS_FROM_LIST = (
    "This account does not have GET /products/collections/{collectionId}/products, so the products were found "
    "with GET /products/ by their collection id. Products that a smart collection gathers by rule may be missing."
)


def kind(session: ShopSession, wanted: str) -> dict[str, Any]:
    """The first collection of this type with products in it."""
    return next(
        item
        for item in session.sandbox.dump()["collections"]
        if item["type"] == wanted and item["productIds"]
    )


def names(session: ShopSession) -> dict[str, str]:
    return {item["_id"]: item["name"] for item in session.sandbox.dump()["products"]}


async def test_the_list_is_short_unless_asked_and_goes_on_where_it_stopped() -> None:
    async with shop_session() as session:
        held = session.sandbox.dump()["collections"]
        whole = await session.call("list_collections")
        assert whole == {
            "items": [
                {"id": c["_id"], "name": c["name"], "slug": c["slug"], "type": c["type"]} for c in held
            ],
            "returned": len(held),
            "total": len(held),
        }
        found: list[dict[str, Any]] = []
        offset: int | None = 0
        while offset is not None:
            page = await session.call("list_collections", limit=2, offset=offset)
            found += page["items"]
            offset = page.get("next_offset")
        assert found == whole["items"]
        by_name = await session.call(
            "list_collections", name=held[1]["name"], collection_ids=[held[1]["_id"]]
        )
        assert [item["id"] for item in by_name["items"]] == [held[1]["_id"]]
        assert session.sandbox.requests[-1].query == [
            ("altId", LOCATION_ID),
            ("altType", "location"),
            ("limit", "25"),
            ("offset", "0"),
            ("collectionIds", held[1]["_id"]),
            ("name", held[1]["name"]),
        ]


async def test_one_collection_is_shown_with_all_it_has() -> None:
    async with shop_session() as session:
        smart = kind(session, "smart")
        assert await session.call("get_collection", collection_id=smart["_id"]) == {
            "id": smart["_id"],
            "name": smart["name"],
            "slug": smart["slug"],
            "type": "smart",
            "image": smart["image"],
            "seo": smart["seo"],
            "rules": smart["rules"],
            "created_at": smart["createdAt"],
        }
        # This one route takes no altType.
        assert session.sandbox.requests[-1].query == [("altId", LOCATION_ID)]


@pytest.mark.parametrize("fault", ["route_unsupported", "route_missing"])
async def test_without_the_route_for_one_collection_the_list_tells_the_same(fault: str) -> None:
    async with shop_session() as session:
        key = kind(session, "manual")["_id"]
        plainly = await session.call("get_collection", collection_id=key)
        session.sandbox.faults.add(fault, "get-product-collection-id", count=None)
        assert await session.call("get_collection", collection_id=key) == {
            "notes": [ONE_FROM_LIST],
            **plainly,
        }
        assert await session.refused("get_collection", collection_id="nowhere") == (
            "No collection of this shop has the id nowhere. Nothing was changed. Take ids from list_collections."
        )


async def test_a_collection_that_is_not_there_is_said_to_be_missing() -> None:
    async with shop_session(yes) as session:
        for tool in ("get_collection", "delete_collection"):
            said = await session.refused(tool, collection_id="nowhere")
            assert said.startswith(
                "There is no such collection in this location (GET /products/collections/{collectionId})."
            )
        said = await session.refused("list_collection_products", collection_id="nowhere")
        assert said.startswith("There is no collection nowhere in this location. Take the id from the list")
        assert session.questions == []
        assert session.writes() == []


async def test_products_of_a_collection_come_page_by_page_in_their_order() -> None:
    async with shop_session() as session:
        held = kind(session, "manual")
        found: list[str] = []
        offset: int | None = 0
        while offset is not None:
            page = await session.call(
                "list_collection_products", collection_id=held["_id"], limit=2, offset=offset
            )
            assert page["total"] == len(held["productIds"])
            found += [item["id"] for item in page["items"]]
            offset = page.get("next_offset")
        assert found == held["productIds"]
        full = await session.call(
            "list_collection_products", collection_id=held["_id"], limit=1, detail="full"
        )
        assert "description" in full["items"][0]
        assert full["notes"] == [
            "A list has no images, collections or SEO of a product; get_product has them."
        ]


@pytest.mark.parametrize("fault", ["route_unsupported", "route_missing"])
async def test_without_the_route_for_its_products_they_are_found_by_its_id_and_that_is_noted(
    fault: str,
) -> None:
    async with shop_session() as session:
        held = kind(session, "manual")
        session.sandbox.faults.add(fault, "list-collection-products", count=None)
        page = await session.call("list_collection_products", collection_id=held["_id"], limit=100)
        assert page["notes"] == [PRODUCTS_FROM_LIST]
        assert {item["id"] for item in page["items"]} == set(held["productIds"])


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Summer Sale!", "summer-sale"),
        ("  Größe & Länge ", "groe-lange"),
        ("—", ""),
        ("日本", ""),
        ("A" * 300, "a" * 200),
    ],
)
def test_a_slug_is_made_from_the_letters_and_digits_of_a_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


async def test_a_collection_is_made_with_a_slug_of_its_name_and_filled_by_hand() -> None:
    async with shop_session() as session:
        products = list(names(session))[:2]
        made = await session.call(
            "create_collection",
            name="Été à Paris",
            product_ids=products,
            seo={"title": "Summer"},
            image="https://x.example/a.jpg",
        )
        assert body(session) == {
            **ALT,
            "name": "Été à Paris",
            "slug": "ete-a-paris",
            "type": "manual",
            "productIds": products,
            "seo": {"title": "Summer"},
            "image": "https://x.example/a.jpg",
        }
        held = collection(session, "ete-a-paris")
        assert held["productIds"] == products
        assert made == {
            "id": held["_id"],
            "name": "Été à Paris",
            "slug": "ete-a-paris",
            "type": "manual",
            "image": "https://x.example/a.jpg",
            "seo": {"title": "Summer"},
            "created_at": held["createdAt"],
        }


async def test_a_smart_collection_is_made_of_rules_as_they_are_given() -> None:
    rules = {
        "conditions": [{"field": "price", "operator": "less_than", "value": 19.99, "nested": {"a": [1]}}]
    }
    async with shop_session() as session:
        made = await session.call("create_collection", name="Cheap", slug="under-20", rules=rules)
        assert (made["notes"], made.get("not_applied")) == ([RULES_NOTE], None)
        assert made["rules"] == {"logic": "AND", **rules}
        assert (made["type"], made["slug"]) == ("smart", "under-20")
        plain = await session.call("create_collection", name="Empty")
        assert session.sandbox.requests[-2].body == {**ALT, "name": "Empty", "slug": "empty"}
        assert plain["type"] == "manual"


async def test_a_collection_that_was_not_filled_as_asked_says_so() -> None:
    async with shop_session() as session:
        first, second = list(names(session))[:2]
        made = await session.call(
            "create_collection", name="Cheap", type="smart", product_ids=[first, second]
        )
        assert made["not_applied"] == [{"field": "product_ids", "expected": [first, second], "found": []}]
        session.sandbox.faults.add("server_error", "list-collection-products", count=None)
        (note,) = (await session.call("create_collection", name="Other", product_ids=[first]))["notes"]
        assert note.startswith("The API accepted the change; reading it back failed, so it was not checked.")


async def test_a_collection_that_reads_back_otherwise_than_it_was_made_says_so() -> None:
    # An API of the older description: it takes the newer fields and keeps none of them.
    forgetful = answers("GET /products/collections/[^/]+", without("rules", "type", "seo"))
    async with shop_session(between=forgetful) as session:
        rules = {"logic": "AND", "conditions": [{"field": "price", "below": 20}]}
        made = await session.call("create_collection", name="Cheap", rules=rules, seo={"title": "Cheap"})
        assert made["not_applied"] == [
            {"field": "seo", "expected": {"title": "Cheap"}},
            {"field": "rules", "expected": rules},
        ]
        explicit = await session.call("create_collection", name="Dear", type="smart")
        assert explicit["not_applied"] == [{"field": "type", "expected": "smart"}]


async def test_a_collection_that_cannot_be_read_back_is_shown_as_it_was_answered() -> None:
    async with shop_session() as session:
        session.sandbox.faults.add("server_error", "get-product-collection-id", count=None)
        made = await session.call("create_collection", name="New", type="smart")
        assert made["notes"][0].startswith("The API accepted the change; reading it back failed")
        assert (made["name"], made["type"], "not_applied" in made) == ("New", "smart", False)


@pytest.mark.parametrize(
    ("line", "tool", "arguments", "sent", "named"),
    [
        ("POST .*", "create_collection", {"name": "A", "product_ids": []}, "productIds", "`product_ids`"),
        (
            "POST .*",
            "create_collection",
            {"name": "A", "rules": {"conditions": []}},
            "type",
            "`type`",
        ),
        ("PUT .*", "update_collection", {"product_ids": []}, "productIds", "`product_ids`"),
    ],
)
async def test_an_account_without_a_field_is_told_the_way_round(
    line: str, tool: str, arguments: dict[str, Any], sent: str, named: str
) -> None:
    message = f"property {sent} should not exist"
    async with shop_session(yes, between=refuses(line, 422, message)) as session:
        about = {} if tool == "create_collection" else {"collection_id": kind(session, "manual")["_id"]}
        said = await session.refused(tool, **about, **arguments)
        assert said.endswith(
            f"The API says: '{message}'. Nothing was changed. This account does not know {named} of a collection: "
            "leave `product_ids`, `rules` and `type` out, then put products in with bulk_assign_collections. Rules "
            "are made in the web app."
        )


WRONG_NEW: list[tuple[dict[str, Any], str]] = [
    (
        {"name": "日本"},
        "The name has no letters or digits to make a slug from. Nothing was changed. Give `slug`.",
    ),
    (
        {"name": "A", "type": "manual", "rules": {"conditions": []}},
        "`rules` go with type smart, not manual. Nothing was changed.",
    ),
    (
        {"name": "A", "product_ids": ["nowhere"]},
        "No product of this shop has the id nowhere. Nothing was changed. Take ids from list_products.",
    ),
    (
        {"name": "A", "product_ids": ["a", "a"]},
        "`product_ids` has a more than once. Nothing was changed. Name each once.",
    ),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG_NEW)
async def test_a_collection_that_cannot_be_is_refused_before_it_is_made(
    arguments: dict[str, Any], words: str
) -> None:
    async with shop_session() as session:
        assert await session.refused("create_collection", **arguments) == words
        assert session.writes() == []


async def test_a_slug_that_is_taken_is_told_in_the_words_of_the_api() -> None:
    async with shop_session() as session:
        taken = kind(session, "manual")["slug"]
        said = await session.refused("create_collection", name="A", slug=taken)
        assert "The API says: 'slug already exists'. Nothing was changed. Correct these fields" in said


@pytest.mark.parametrize("era", ERAS)
async def test_renaming_asks_nobody_keeps_the_rest_and_is_read_back(era: Era) -> None:
    async with shop_session(era=era) as session:
        held = kind(session, "manual")
        done = await session.call(
            "update_collection", collection_id=held["_id"], name="New name", seo={"title": "New"}
        )
        seo = {"title": "New", "description": held["seo"]["description"]}
        assert done == {
            "done": True,
            "collection_id": held["_id"],
            "changed": [
                {"field": "name", "before": held["name"], "after": "New name"},
                {"field": "seo", "before": held["seo"], "after": seo},
            ],
        }
        assert body(session) == {**ALT, "name": "New name", "seo": seo}
        after = kind(session, "manual")
        assert after == {**held, "name": "New name", "seo": seo}


async def test_rules_are_read_back_digit_by_digit() -> None:
    async with shop_session(yes) as session:
        held = kind(session, "smart")
        rules = {
            "logic": "OR",
            "conditions": [{"field": "price", "below": 0.1, "deep": {"list": [0.3, "x"]}}],
        }
        done = await session.call("update_collection", collection_id=held["_id"], rules=rules)
        assert (done["notes"], done["done"]) == ([RULES_NOTE], True)
        assert done["changed"] == [{"field": "rules", "before": held["rules"], "after": rules}]


@pytest.mark.parametrize("era", ERAS)
async def test_replacing_the_products_asks_with_who_comes_and_who_goes(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        held, called = kind(session, "manual"), names(session)
        coming = next(key for key in called if key not in held["productIds"])
        wanted = [*held["productIds"][1:], coming]
        done = await session.call("update_collection", collection_id=held["_id"], product_ids=wanted)
        assert done == {"done": True, "collection_id": held["_id"], "changed": []}
        assert session.questions[0].splitlines()[:3] == [
            f"Change the products of the collection “{held['name']}”: 1 come in, 1 leave",
            f"• out: “{called[held['productIds'][0]]}”",
            f"• in: “{called[coming]}”",
        ]
        assert kind(session, "manual")["productIds"] == wanted
        assert body(session) == {**ALT, "productIds": wanted}


@pytest.mark.parametrize("era", ERAS)
async def test_new_rules_ask_with_the_old_ones(era: Era) -> None:
    new = {"logic": "OR", "conditions": [{"field": "price", "below": 20.5, "name": "x” \n y"}]}
    async with shop_session(no, era=era) as session:
        held = kind(session, "smart")
        await session.refused("update_collection", collection_id=held["_id"], rules=new, name="New")
        before, after = (json.dumps(rules, ensure_ascii=False) for rules in (held["rules"], new))
        assert session.questions[0].splitlines()[:4] == [
            f"Change the rules by which the collection “{held['name']}” chooses its products. "
            f"Change name of the collection “{held['name']}”",
            f"• rules: {before} → {after}",
            f"• name: {held['name']} → New",
            "Which products come in or leave by that cannot be told beforehand.",
        ]
        assert session.writes() == []


async def test_rules_have_no_place_in_a_collection_by_hand() -> None:
    rules = {"conditions": [{"field": "price"}]}
    async with shop_session(yes) as session:
        held = kind(session, "manual")
        assert await session.refused("update_collection", collection_id=held["_id"], rules=rules) == (
            f"The collection “{held['name']}” is a manual one: its products are chosen by hand, and rules have no "
            "place in it. Nothing was changed. Give `product_ids`, or make a smart collection with "
            "create_collection."
        )
        assert (session.questions, session.writes()) == ([], [])


async def test_rules_and_products_together_are_one_question() -> None:
    # An API that does not tell which kind a collection is, nor its rules.
    untold = answers("GET /products/collections/[^/]+", without("type", "rules"))
    rules: dict[str, Any] = {"conditions": []}
    async with shop_session(yes, between=untold) as session:
        held = kind(session, "smart")
        done = await session.call(
            "update_collection", collection_id=held["_id"], rules=rules, product_ids=held["productIds"]
        )
        assert session.questions[0].splitlines()[:3] == [
            f"Change the products of the collection “{held['name']}”: 0 come in, 0 leave. Change the rules by "
            f"which the collection “{held['name']}” chooses its products",
            '• rules: nothing → {"logic": "AND", "conditions": []}',
            "Which products come in or leave by that cannot be told beforehand.",
        ]
        assert done["not_applied"] == [{"field": "rules", "expected": {"logic": "AND", "conditions": []}}]


async def test_what_an_update_loses_besides_is_reported() -> None:
    # An API that replaces the whole collection by what is sent.
    async def replaces(request: httpx.Request, carry: Carry) -> httpx.Response:
        answer = await carry(request)
        replaced = request.method == "GET" and any(line.startswith("PUT ") for line in session.sent())
        return await rewritten(answer, without("image", "description")) if replaced else answer

    async with shop_session(between=replaces) as session:
        held = kind(session, "smart")
        done = await session.call("update_collection", collection_id=held["_id"], name="New")
        assert done["done"] is False
        assert done["lost"] == [
            {"field": "image", "expected": held["image"]},
            {"field": "seo", "expected": held["seo"], "found": {"title": held["seo"]["title"]}},
        ]
        assert "not_applied" not in done


@pytest.mark.parametrize("own_route", [True, False])
async def test_products_are_read_to_the_end_of_an_api_that_ignores_the_offset(own_route: bool) -> None:
    async def forgets(request: httpx.Request, carry: Carry) -> httpx.Response:
        first = re.sub(r"offset=\d+", "offset=0", str(request.url))
        own = request.url.path.endswith("/products")
        if request.method == "GET" and (own or not own_route):
            request = httpx.Request("GET", first, headers=request.headers, extensions=request.extensions)
        return await carry(request)

    async with shop_session(yes, shop=150, between=forgets) as session:
        products = list(names(session))
        if own_route:
            made = await session.call("create_collection", name="All", product_ids=products)
            assert "not_applied" not in made
            assert "gave the same page again" in made["notes"][0]
            kept = await session.call("update_collection", collection_id=made["id"], product_ids=products[:1])
            assert "0 come in, 149 leave" in session.questions[0]
            assert kept["done"] is True
        else:
            said = await session.refused("list_collection_products", collection_id="nowhere")
            assert "There is no collection nowhere" in said
            made = await session.call("create_collection", name="All", type="manual")
            with session.sandbox.database.transaction():
                session.sandbox.database.run_many(
                    "insert into members (collection_id, product_id, position, smart) values (?, ?, ?, 0)",
                    [(made["id"], key, place) for place, key in enumerate(products)],
                )
            said = await session.refused("delete_collection", collection_id=made["id"])
            assert "answered with the same page again for another offset. Nothing was changed." in said
            assert (session.questions, len(session.writes())) == ([], 1)


@pytest.mark.parametrize("fault", [None, "route_missing"])
@pytest.mark.parametrize("lazy", [True, False])
async def test_a_deleted_collection_that_is_still_there_is_not_called_deleted(
    fault: str | None, lazy: bool
) -> None:
    async with shop_session(yes, between=ignores("DELETE .*", None) if lazy else None) as session:
        held = kind(session, "manual")
        if fault:
            session.sandbox.faults.add(fault, "get-product-collection-id", count=None)
        done = await session.call("delete_collection", collection_id=held["_id"])
        assert done.get("notes", []) == [ONE_FROM_LIST] * bool(fault) + [STILL_THERE] * lazy
        assert (done["deleted"], done["name"]) == (not lazy, held["name"])


@pytest.mark.parametrize("era", ERAS)
async def test_without_a_yes_the_products_stay(era: Era) -> None:
    async with shop_session(no, era=era) as session:
        held = kind(session, "manual")
        await session.refused("update_collection", collection_id=held["_id"], product_ids=[])
        assert session.questions[0].startswith(
            f"Change the products of the collection “{held['name']}”: 0 come in, {len(held['productIds'])} leave"
        )
        assert session.writes() == []


async def test_a_smart_collection_that_keeps_to_its_rules_is_not_called_done() -> None:
    async with shop_session(yes) as session:
        held = kind(session, "smart")
        done = await session.call("update_collection", collection_id=held["_id"], product_ids=[])
        assert "It is a smart collection: its rules choose its products" in session.questions[0]
        assert done == {
            "done": False,
            "collection_id": held["_id"],
            "changed": [],
            "not_applied": [{"field": "product_ids", "expected": [], "found": held["productIds"]}],
        }


async def test_what_reads_back_otherwise_is_named() -> None:
    async with shop_session() as session:
        held = kind(session, "manual")

        def rename() -> None:
            database = session.sandbox.database
            with database.transaction():
                doc = json_text({**held, "name": "Somebody's"})
                database.run("update collections set doc = ? where id = ?", doc, held["_id"])

        just_before(session, f"GET /products/collections/{held['_id']}", rename, skip=1)
        done = await session.call("update_collection", collection_id=held["_id"], name="Mine")
        assert done["done"] is False
        assert done["not_applied"] == [{"field": "name", "expected": "Mine", "found": "Somebody's"}]


async def test_an_update_that_could_not_be_read_back_is_not_called_done() -> None:
    async with shop_session() as session:
        held = kind(session, "manual")
        session.sandbox.faults.add("server_error", "get-product-collection-id", skip=1)
        done = await session.call("update_collection", collection_id=held["_id"], name="New name")
        assert done == {
            "notes": [
                "The API accepted the change; reading it back failed, so it was not checked. The API failed on GET "
                "/products/collections/{collectionId} (status 500). The API says: 'Internal server error'. Try again."
            ],
            "done": False,
            "collection_id": held["_id"],
            "changed": [],
        }


async def test_an_update_works_without_the_routes_that_some_accounts_lack() -> None:
    async with shop_session(yes) as session:
        held = kind(session, "manual")
        session.sandbox.faults.add("route_unsupported", "get-product-collection-id", count=None)
        session.sandbox.faults.add("route_missing", "list-collection-products", count=None)
        kept = held["productIds"][1:]
        done = await session.call("update_collection", collection_id=held["_id"], product_ids=kept)
        assert done["notes"] == [ONE_FROM_LIST, PRODUCTS_FROM_LIST]
        assert done["done"] is True


WRONG_CHANGES: list[tuple[dict[str, Any], str]] = [
    ({}, "The call names no field to change. Nothing was changed. Give at least one."),
    (
        {"product_ids": ["nowhere"]},
        "No product of this shop has the id nowhere. Nothing was changed. Take ids from list_products.",
    ),
    ({"product_ids": ["a", "a"]}, "`product_ids` has a more than once. Nothing was changed. Name each once."),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG_CHANGES)
async def test_a_change_that_makes_no_sense_is_refused_before_anybody_is_asked(
    arguments: dict[str, Any], words: str
) -> None:
    async with shop_session(yes) as session:
        key = kind(session, "manual")["_id"]
        assert await session.refused("update_collection", collection_id=key, **arguments) == words
        assert session.questions == []
        assert session.writes() == []


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("rate_limited", "not_done"),
        ("server_error", "not_done"),
        ("drop_after", "done"),
        ("drop_before", "not_done"),
        ("html", "not_done"),
        ("route_unsupported", "not_done"),
    ],
)
@pytest.mark.parametrize(
    ("operation", "tool", "arguments"),
    [
        ("create-product-collection", "create_collection", {"name": "New"}),
        ("update-product-collection", "update_collection", {"name": "New"}),
        ("delete-product-collection", "delete_collection", {}),
    ],
)
async def test_a_write_that_meets_a_fault_is_sent_once_and_called_what_became_of_it(
    fault: str, outcome: str, operation: str, tool: str, arguments: dict[str, Any]
) -> None:
    async with shop_session(yes) as session:
        session.sandbox.rate.limit, session.sandbox.rate.interval_seconds = 1000, 60
        session.sandbox.faults.add(fault, operation, count=None)
        about = {} if tool == "create_collection" else {"collection_id": kind(session, "manual")["_id"]}
        still = untouched(session)
        assert await claimed(session, tool, **about, **arguments) == outcome
        assert still() is (outcome != "done")
        assert len(session.writes()) == 1


async def test_a_reading_that_fails_before_a_write_says_that_nothing_was_changed() -> None:
    async with shop_session(yes) as session:
        key = kind(session, "manual")["_id"]
        for tool, arguments in (("delete_collection", {}), ("update_collection", {"name": "New"})):
            session.sandbox.faults.add("server_error", "get-product-collection-id")
            said = await session.refused(tool, collection_id=key, **arguments)
            assert "The API says: 'Internal server error'. Nothing was changed. Try again." in said
        assert session.writes() == []
