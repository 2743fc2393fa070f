from decimal import Decimal
from typing import Any

import pytest
import shelves
from odd_api import answers, receives, without
from shop_session import ERAS, Era, ShopSession, closed, no, shop_session, yes

pytestmark = pytest.mark.anyio

PLACE = {"altId": "sbxLocation000000001", "altType": "location"}
ROUTE = "POST /products/bulk-update/edit"


@pytest.mark.parametrize("era", ERAS)
async def test_each_product_and_price_is_edited_in_its_own_way_after_a_yes(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        lantern = shelves.product(session, "Pocket lantern")
        tea = shelves.product(session, "Twilight tea")
        brass = shelves.price(session, "Pocket lantern", "Brass")
        done = await session.call(
            "bulk_edit_products",
            products=[
                {
                    "product_id": lantern["_id"],
                    "name": "Pocket lamp",
                    "seo": {"title": "Lamp"},
                    "image": "",
                    "taxes": ["t1", "t2"],
                    "prices": [{"price_id": brass["_id"], "amount": 25.95, "sku": "LAMP-B"}],
                },
                {"product_id": tea["_id"], "available_in_store": False, "label": {"title": "Autumn"}},
            ],
        )
        assert done == {"done": True, "products_done": [lantern["_id"], tea["_id"]]}
        assert session.questions[0].splitlines()[:11] == [
            "Edit 2 products, 8 fields in all",
            "• Pocket lantern: Brass, amount: 24.50 USD → 25.95 USD",
            "• Twilight tea, available_in_store: yes → no",
            "• Pocket lantern, name: “Pocket lantern” → “Pocket lamp”",
            f"• Pocket lantern, image: “{lantern['image']}” → nothing",
            "• Pocket lantern, seo: title Pocket lantern | Moth & Lantern, description Folds flat, burns four hours. "
            "→ title Lamp, description Folds flat, burns four hours.",
            "• Pocket lantern, taxes: 1 item → 2 items",
            "• Pocket lantern: Brass, sku: “ML-012-01” → “LAMP-B”",
            "• Twilight tea, label: nothing → title Autumn",
            "Sum in USD: 24.50 USD → 25.95 USD.",
            "Hidden from customers: 1 product.",
        ]
        assert shelves.body(session) == PLACE | {
            "products": [
                {
                    "_id": lantern["_id"],
                    "name": "Pocket lamp",
                    "seo": {"title": "Lamp", "description": "Folds flat, burns four hours."},
                    "image": "",
                    "taxes": [{"_id": "t1"}, {"_id": "t2"}],
                    "isTaxesEnabled": True,
                    "prices": [{"_id": brass["_id"], "amount": Decimal("25.95"), "sku": "LAMP-B"}],
                },
                {
                    "_id": tea["_id"],
                    "availableInStore": False,
                    "label": {"title": "Autumn"},
                    "isLabelEnabled": True,
                },
            ]
        }
        assert shelves.differences(brass, shelves.price_by_id(session, brass["_id"])).keys() == {
            "amount",
            "sku",
        }
        assert shelves.differences(tea, shelves.product(session, "Twilight tea")) == {
            "availableInStore": False,
            "label": {"title": "Autumn"},
            "isLabelEnabled": True,
        }


async def test_every_field_of_a_price_can_be_edited_and_the_rest_of_its_shipping_stays() -> None:
    async with shop_session(yes) as session:
        lantern = shelves.product(session, "Pocket lantern")
        brass = shelves.price(session, "Pocket lantern", "Brass")
        size = {"height": 10, "width": 5, "length": 5, "unit": "cm"}
        done = await session.call(
            "bulk_edit_products",
            products=[
                {
                    "product_id": lantern["_id"],
                    "medias": [{"url": "https://images.example.com/a.jpg", "is_featured": True}],
                    "prices": [
                        {
                            "price_id": brass["_id"],
                            "currency": "eur",
                            "available_quantity": 7,
                            "setup_fee": 1.5,
                            "trial_period": 3,
                            "recurring": {"interval": "month"},
                            "shipping_options": {"dimensions": size},
                        }
                    ],
                }
            ],
        )
        assert done["done"] is True
        assert session.questions[0].splitlines()[1:4] == [
            "• Pocket lantern: Brass, currency: “USD” → “EUR”",
            "• Pocket lantern: Brass, setup_fee: nothing → 1.50 EUR",
            "• Pocket lantern: Brass, available_quantity: 40 → 7",
        ]
        assert session.questions[0].splitlines()[8:10] == [
            "Sum in USD: 24.50 USD → 0.00 USD.",
            "Sum in EUR: 0.00 EUR → 24.50 EUR.",
        ]
        assert (
            "• Pocket lantern: Brass, shipping_options: weight (value 1.00, unit kg) → "
            "weight (value 1.00, unit kg), dimensions (height 10, width 5, length 5, unit cm)"
        ) in session.questions[0].splitlines()
        after = shelves.price_by_id(session, brass["_id"])
        assert shelves.differences(brass, after) == {
            "currency": "EUR",
            "availableQuantity": 7,
            "setupFee": Decimal("1.5"),
            "trialPeriod": 3,
            "recurring": {"interval": "month", "intervalCount": 1},
            "shippingOptions": {"weight": brass["shippingOptions"]["weight"], "dimensions": size},
        }
        (media,) = shelves.product(session, "Pocket lantern")["medias"]
        assert media == {
            "id": media["id"],
            "url": "https://images.example.com/a.jpg",
            "type": "image",
            "isFeatured": True,
        }


async def test_more_than_thirty_entities_are_sent_in_parts_and_the_question_says_so() -> None:
    async with shop_session(yes) as session:
        names = ("Dusk tee", "Garden smock", "Bench blanket")
        edits = [
            {
                "product_id": shelves.product(session, name)["_id"],
                "description": "New text",
                "prices": [
                    {"price_id": doc["_id"], "available_quantity": 123}
                    for doc in shelves.prices_of(session, name)
                ],
            }
            for name in names
        ]
        entities = sum(1 + len(edit["prices"]) for edit in edits)
        assert entities > 30
        done = await session.call("bulk_edit_products", products=edits)
        assert done == {"done": True, "products_done": [edit["product_id"] for edit in edits]}
        assert f"Sent in parts of at most 30 products and prices; here {entities}." in session.questions[0]
        assert session.writes() == [ROUTE, ROUTE]
        for name in names:
            assert all(doc["availableQuantity"] == 123 for doc in shelves.prices_of(session, name))


def _many(session: ShopSession, count: int = 61) -> list[dict[str, Any]]:
    docs = session.sandbox.dump()["products"][:count]
    return [{"product_id": doc["_id"], "description": f"New {number}"} for number, doc in enumerate(docs)]


async def test_a_part_that_is_refused_leaves_the_earlier_ones_done_and_the_later_ones_untried() -> None:
    async with shop_session(yes, shop=70) as session:
        edits = _many(session)
        session.sandbox.faults.add("scope_missing", ROUTE, skip=1)
        done = await session.call("bulk_edit_products", products=edits)
        keys = [edit["product_id"] for edit in edits]
        assert done["done"] is False
        assert done["products_done"] == keys[:30]
        assert done["products_failed"] == keys[30:60]
        assert done["products_not_tried"] == keys[60:]
        assert "products_unknown" not in done
        assert "differing" not in done
        assert done["error"].startswith("The access token lacks the scope")
        assert done["notes"] == [
            "To go on, call again with the same products: what is already done is skipped."
        ]
        now = [doc["description"] == f"New {n}" for n, doc in enumerate(session.sandbox.dump()["products"])]
        assert now == [True] * 30 + [False] * 40


LOST = "The API's answer to a part was lost (The connection broke after POST /products/bulk-update/edit was sent "


@pytest.mark.parametrize("applied", [True, False])
async def test_a_part_whose_answer_was_lost_is_read_back(applied: bool) -> None:
    async with shop_session(yes, shop=70) as session:
        edits = _many(session)
        session.sandbox.faults.add("drop_after" if applied else "drop_before", ROUTE, skip=1)
        done = await session.call("bulk_edit_products", products=edits)
        keys = [edit["product_id"] for edit in edits]
        assert done["done"] is False
        assert done["products_done"] == (keys[:60] if applied else keys[:30])
        assert done.get("products_unknown") == (None if applied else keys[30:60])
        assert done["products_not_tried"] == keys[60:]
        assert "products_failed" not in done
        assert [item["id"] for item in done.get("differing", [])] == ([] if applied else keys[30:60])
        found = (
            "Read back from the shop: that part was done."
            if applied
            else "It is not known whether the products in products_unknown were changed; `differing` shows what of "
            "them does not read as asked."
        )
        assert done["notes"] == [
            f"{LOST}(RemoteProtocolError)). {found}",
            "To go on, call again with the same products: what is already done is skipped.",
            f"Looked at once more: {60 if applied else 30} of 61 changes were made, the others not.",
        ]
        assert session.changes[0].keys() == {"id", "approved_by"}
        assert await journal_says(session) == ("done", 60 if applied else 30, 61)


async def test_a_last_part_whose_answer_was_lost_is_done_when_it_reads_so() -> None:
    async with shop_session(yes, shop=70) as session:
        edits = _many(session)
        session.sandbox.faults.add("drop_after", ROUTE, skip=2)
        done = await session.call("bulk_edit_products", products=edits)
        assert done == {
            "notes": [
                f"{LOST}(RemoteProtocolError)). Read back from the shop: that part was done.",
                "Looked at once more: all of it was done.",
            ],
            "done": True,
            "products_done": [edit["product_id"] for edit in edits],
        }
        assert await journal_says(session) == ("done", None, None)


async def test_a_part_that_was_given_up_may_still_come_so_it_is_unknown() -> None:
    async with shop_session(yes, shop=70) as session:
        edits = _many(session)
        keys = [edit["product_id"] for edit in edits]
        session.sandbox.faults.add("latency", ROUTE, skip=1, seconds=60, applied=False)
        done = await session.call("bulk_edit_products", products=edits)
        assert done["products_unknown"] == keys[30:60]
        (change,) = session.changes
        assert change["outcome"] == "unknown"
        assert done["notes"][-1] == (
            "Looked at once more: 30 of 61 changes are there so far, but the API may still be at it. "
            f"get_change {change['id']} reads the shop again later."
        )
        assert await journal_says(session) == ("unknown", 30, 61)


async def journal_says(session: ShopSession) -> tuple[str, int | None, int | None]:
    """The outcome of the only change, and how much of it was done where that is not all."""
    (change,) = (await session.call("list_changes"))["items"]
    return change["outcome"], change.get("applied"), change.get("of")


def _sent(session: ShopSession) -> list[str]:
    """The products of all bulk edits so far, those of the refused ones too."""
    bodies = [received.body for received in session.sandbox.requests if received.method == "POST"]
    return [edit["_id"] for body in bodies for edit in body["products"]]


@pytest.mark.parametrize(
    ("fault", "already"), [("scope_missing", 30), ("drop_before", 30), ("drop_after", 60)]
)
async def test_the_same_call_again_does_only_what_is_left(fault: str, already: int) -> None:
    async with shop_session(yes, shop=70) as session:
        edits = _many(session)
        keys = [edit["product_id"] for edit in edits]
        session.sandbox.faults.add(fault, ROUTE, skip=1)
        half = await session.call("bulk_edit_products", products=edits)
        assert half["done"] is False
        session.sandbox.requests.clear()
        done = await session.call("bulk_edit_products", products=edits)
        assert done == {
            "notes": [f"As asked already, and not sent again: {already} products."],
            "done": True,
            "products_done": keys,
        }
        assert _sent(session) == keys[already:]
        assert session.questions[-1].startswith(f"Edit {61 - already} product")
        asked = len(session.questions)
        done = await session.call("bulk_edit_products", products=edits)
        assert done == {
            "notes": ["Everything is as asked already, so nothing was sent."],
            "done": True,
            "products_done": keys,
        }
        assert _sent(session) == keys[already:]
        assert len(session.questions) == asked


async def test_everything_an_edit_can_set_counts_as_done_when_it_reads_so() -> None:
    async with shop_session(yes) as session:
        edit: dict[str, Any] = {**_objects(session), "collection_ids": [], "description": ""}
        for _ in range(2):
            done = await session.call("bulk_edit_products", products=[edit])
            assert (done["done"], done["products_done"]) == (True, [edit["product_id"]])
        assert session.writes() == [ROUTE]


async def test_a_badge_with_more_to_it_than_was_given_is_another_one() -> None:
    async with shop_session(yes) as session:
        lantern = shelves.product(session, "Pocket lantern")["_id"]
        shelves.change_product(
            session,
            lantern,
            label={"title": "Autumn", "endDate": "2026-11-30T00:00:00.000Z"},
            isLabelEnabled=True,
        )
        edit = {"product_id": lantern, "label": {"title": "Autumn"}}
        done = await session.call("bulk_edit_products", products=[edit])
        assert done == {"done": True, "products_done": [lantern]}
        assert shelves.product(session, "Pocket lantern")["label"] == {"title": "Autumn"}


async def test_a_badge_that_is_only_switched_off_is_switched_on_with_it() -> None:
    async with shop_session(yes) as session:
        lantern = shelves.product(session, "Pocket lantern")["_id"]
        shelves.change_product(session, lantern, label={"title": "Autumn"}, isLabelEnabled=False)
        edit = {"product_id": lantern, "label": {"title": "Autumn"}}
        await session.call("bulk_edit_products", products=[edit])
        assert session.questions[0].splitlines()[:2] == [
            "Edit 1 product, 1 field in all",
            "• Pocket lantern, is_label_enabled: no → yes",
        ]
        assert shelves.body(session)["products"] == [
            {"_id": lantern, "label": {"title": "Autumn"}, "isLabelEnabled": True}
        ]


async def test_a_product_whose_prices_fill_several_calls_is_done_only_when_all_are() -> None:
    async with shop_session(yes, shop="empty") as session:
        made = await session.call("create_product", name="Many", product_type="DIGITAL")
        for number in range(40):
            await session.call(
                "create_price", product_id=made["id"], name=f"P{number}", amount=1, currency="USD"
            )
        prices = [{"price_id": doc["_id"], "amount": 2} for doc in session.sandbox.dump()["prices"]]
        session.sandbox.faults.add("scope_missing", ROUTE, skip=1)
        edit = {"product_id": made["id"], "prices": prices}
        done = await session.call("bulk_edit_products", products=[edit])
        assert (done["done"], done["products_done"], done["products_failed"]) == (False, [], [made["id"]])
        session.sandbox.requests.clear()
        done = await session.call("bulk_edit_products", products=[edit])
        assert done == {"done": True, "products_done": [made["id"]]}
        # Twenty-nine prices went with the first part.
        (product,) = shelves.body(session)["products"]
        assert [price["_id"] for price in product["prices"]] == [price["price_id"] for price in prices[29:]]


async def test_a_first_part_that_is_refused_is_an_error_that_changed_nothing() -> None:
    async with shop_session(yes) as session:
        still = shelves.untouched(session)
        session.sandbox.faults.add("scope_missing", ROUTE)
        said = await session.refused("bulk_edit_products", products=_many(session, 2))
        assert "Nothing was changed." in said
        assert still()


@pytest.mark.parametrize("field", ["product", "price"])
async def test_what_does_not_read_back_as_edited_is_told_by_field(field: str) -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        lantern = shelves.product(session, "Pocket lantern")
        brass = shelves.price(session, "Pocket lantern", "Brass")

        def meddle() -> None:
            if field == "product":
                shelves.change_product(session, lantern["_id"], name="Mine")
            else:
                shelves.change_price(session, brass["_id"], amount=1)

        shelves.just_before(session, f"GET /products/{lantern['_id']}", meddle, skip=1)
        done = await session.call(
            "bulk_edit_products",
            products=[
                {
                    "product_id": lantern["_id"],
                    "name": "Lamp",
                    "prices": [{"price_id": brass["_id"], "amount": 2, "sku": "S"}],
                }
            ],
        )
        assert done["done"] is False
        assert done["products_done"] == [lantern["_id"]]
        differing = {
            "product": {
                "id": lantern["_id"],
                "name": "Mine",
                "expected": {"name": "Lamp"},
                "found": {"name": "Mine"},
            },
            "price": {
                "id": brass["_id"],
                "name": "Brass",
                "expected": {"amount": 2},
                "found": {"amount": 1},
            },
        }
        assert done["differing"] == [differing[field]]


async def test_a_product_deleted_before_the_reading_back_is_told() -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        lantern = shelves.product(session, "Pocket lantern")["_id"]
        shelves.just_before(
            session, f"GET /products/{lantern}", lambda: shelves.delete_product(session, lantern), skip=1
        )
        done = await session.call("bulk_edit_products", products=[{"product_id": lantern, "name": "Lamp"}])
        assert done == {
            "done": False,
            "products_done": [lantern],
            "differing": [{"id": lantern, "expected": {"name": "Lamp"}, "found": {"name": None}}],
        }


async def test_edits_that_name_what_is_not_there_or_nothing_are_refused() -> None:
    async with shop_session(yes) as session:
        still = shelves.untouched(session)
        lantern = shelves.product(session, "Pocket lantern")["_id"]
        tea = shelves.prices_of(session, "Twilight tea")[0]["_id"]
        brass = shelves.price(session, "Pocket lantern", "Brass")["_id"]
        lists: list[list[dict[str, Any]]] = [
            [{"product_id": lantern, "name": "A"}, {"product_id": "none", "name": "B"}],
            [{"product_id": lantern, "name": "A"}, {"product_id": lantern, "name": "B"}],
            [{"product_id": lantern}],
            [{"product_id": lantern, "prices": [{"price_id": tea, "amount": 1}]}],
            [{"product_id": lantern, "prices": [{"price_id": brass}]}],
            [{"product_id": lantern, "prices": [{"price_id": brass, "amount": 1}] * 2}],
        ]
        refused = [await session.refused("bulk_edit_products", products=edits) for edits in lists]
        assert refused == [
            "No product of this shop has the id none. Nothing was changed. Take ids from list_products.",
            f"`products` has {lantern} more than once. Nothing was changed. Name each once.",
            f"`products` names {lantern} and gives it no field to change. Nothing was changed.",
            f"“Pocket lantern” has no price {tea}. Nothing was changed. Take price ids from list_prices.",
            f"`prices` names {brass} and gives it no field to change. Nothing was changed.",
            f"`prices` has {brass} more than once. Nothing was changed. Name each once.",
        ]
        assert session.questions == []
        assert session.writes() == []
        assert still()


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", [no, closed])
async def test_without_a_yes_nothing_is_edited(era: Era, answer: Any) -> None:
    async with shop_session(answer, era=era) as session:
        still = shelves.untouched(session)
        said = await session.refused("bulk_edit_products", products=_many(session, 3))
        assert "Nothing was changed." in said
        assert still()


@pytest.mark.parametrize("era", ERAS)
async def test_a_product_edited_while_the_question_is_open_is_asked_about_anew(era: Era) -> None:
    sessions: list[ShopSession] = []

    def meddle(question: str) -> Any:
        (session,) = sessions
        if len(session.questions) > 1:
            return no(question)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        shelves.change_product(session, product_id, seo={"title": "Mine", "description": "Mine too"})
        return yes(question)

    async with shop_session(meddle, era=era) as session:
        sessions.append(session)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        said = await session.refused(
            "bulk_edit_products", products=[{"product_id": product_id, "seo": {"title": "Lamp"}}]
        )
        assert said.startswith("Not confirmed: the answer was no. Nothing was changed.")
        assert len(session.questions) == 2
        assert (
            "• Pocket lantern, seo: title Mine, description Mine too → title Lamp, description Mine too"
            in session.questions[1].splitlines()
        )
        assert session.writes() == []


def _objects(session: ShopSession) -> dict[str, Any]:
    """An edit of everything in a product that is not plain."""
    brass = shelves.price(session, "Pocket lantern", "Brass")
    return {
        "product_id": brass["product"],
        "seo": {"title": "Lamp"},
        "collection_ids": [shelves.collection(session, "midwinter")["_id"]],
        "medias": [{"url": "https://images.example.com/new.jpg"}],
        "label": {"title": "Autumn"},
        "taxes": ["t1"],
        "prices": [
            {
                "price_id": brass["_id"],
                "recurring": {"interval": "month"},
                "shipping_options": {"weight": {"value": 3, "unit": "lb"}},
            }
        ],
    }


async def test_objects_and_lists_that_the_api_drops_are_told() -> None:
    forgetful = receives(
        "POST /products/bulk-update/edit",
        without("seo", "collectionIds", "medias", "label", "taxes", "recurring", "shippingOptions"),
    )
    async with shop_session(yes, between=forgetful) as session:
        # Without its label or taxes the sandbox would refuse the switches.
        edit = _objects(session) | {"is_label_enabled": False, "is_taxes_enabled": False}
        done = await session.call("bulk_edit_products", products=[edit])
        assert done["done"] is False
        of_product, of_price = done["differing"]
        assert of_product["expected"].keys() == {"seo", "collection_ids", "medias", "label", "taxes"}
        assert of_product["found"]["seo"] == shelves.product(session, "Pocket lantern")["seo"]
        assert of_price["expected"] == {
            "recurring": {"interval": "month", "intervalCount": 1},
            "shipping_options": {"weight": {"value": 3, "unit": "lb"}},
        }
        assert "lost" not in done


async def test_objects_and_lists_to_which_the_api_adds_are_as_asked() -> None:
    def more(product: Any) -> Any:
        label = {**product["label"], "_id": "l1"}
        medias = [{**media, "_id": media["id"], "createdAt": "today"} for media in product["medias"]]
        taxes = [{"_id": tax, "name": "Sales tax"} for tax in product["taxes"]]
        return {**product, "label": label, "medias": medias, "taxes": taxes}

    generous = answers("GET /products/[0-9a-f]{24}", more)
    async with shop_session(yes, between=generous) as session:
        edit = _objects(session)
        done = await session.call("bulk_edit_products", products=[edit])
        assert done == {"done": True, "products_done": [edit["product_id"]]}


async def test_a_product_that_the_api_skips_is_told_by_the_count_and_by_its_fields() -> None:
    def first_alone(body: Any) -> Any:
        return {**body, "products": body["products"][:1]}

    async with shop_session(yes, between=receives("POST /products/bulk-update/edit", first_alone)) as session:
        edits = _many(session, 2)
        done = await session.call("bulk_edit_products", products=edits)
        assert done["done"] is False
        assert done["notes"] == [
            "The API says that it updated 1 of 2 products; `differing` shows what does not read as asked."
        ]
        assert [item["id"] for item in done["differing"]] == [edits[1]["product_id"]]


async def test_a_count_that_is_missing_says_nothing() -> None:
    silent = answers("POST /products/bulk-update/edit", without("updatedCount"))
    async with shop_session(yes, between=silent) as session:
        assert (await session.call("bulk_edit_products", products=_many(session, 2)))["done"] is True


async def test_what_an_edit_did_not_name_and_the_api_lost_is_told() -> None:
    def harmful(body: Any) -> Any:
        (product,) = body["products"]
        (price,) = product["prices"]
        return {
            **body,
            "products": [
                {**product, "description": "", "prices": [{**price, "trackInventory": False, "sku": ""}]}
            ],
        }

    async with shop_session(yes, between=receives("POST /products/bulk-update/edit", harmful)) as session:
        lantern = shelves.product(session, "Pocket lantern")
        brass = shelves.price(session, "Pocket lantern", "Brass")
        done = await session.call(
            "bulk_edit_products",
            products=[
                {"product_id": lantern["_id"], "prices": [{"price_id": brass["_id"], "amount": 25}]},
            ],
        )
        assert done == {
            "done": False,
            "products_done": [lantern["_id"]],
            "lost": [
                {
                    "id": lantern["_id"],
                    "name": "Pocket lantern",
                    "expected": {"description": lantern["description"]},
                    "found": {"description": ""},
                },
                {
                    "id": brass["_id"],
                    "name": "Brass",
                    "expected": {"track_inventory": True, "sku": "ML-012-01"},
                    "found": {"track_inventory": False, "sku": ""},
                },
            ],
        }


async def test_a_picture_that_is_there_already_keeps_its_id_and_what_the_edit_leaves_out() -> None:
    async with shop_session(yes) as session:
        lantern = shelves.product(session, "Pocket lantern")
        brass = shelves.price(session, "Pocket lantern", "Brass")["_id"]
        old = lantern["medias"][0] | {"title": "Front", "isFeatured": True, "priceIds": [brass]}
        shelves.change_product(session, lantern["_id"], medias=[old])
        new = {"url": "https://images.example.com/new.jpg"}
        for tool, arguments in (
            (
                "bulk_edit_products",
                {"products": [{"product_id": lantern["_id"], "medias": [old_url(old), new]}]},
            ),
            ("update_product", {"product_id": lantern["_id"], "medias": [new, old_url(old)]}),
        ):
            await session.call(tool, **arguments)
            medias = shelves.product(session, "Pocket lantern")["medias"]
            assert [media for media in medias if media["url"] == old["url"]] == [old]
            assert len(medias) == 2
        featured = new | {"is_featured": True}
        renamed = {"id": old["id"], "url": old["url"], "title": "Back"}
        await session.call("update_product", product_id=lantern["_id"], medias=[renamed, featured])
        first, second = shelves.product(session, "Pocket lantern")["medias"]
        del old["isFeatured"]
        assert first == old | {"title": "Back"}
        assert second["isFeatured"] is True


def old_url(media: dict[str, Any]) -> dict[str, Any]:
    return {"url": media["url"]}


@pytest.mark.parametrize(
    ("told", "sent"), [("p1", ["p1"]), ([["p1"], ["p2"]], ["p1", "p2"]), (None, None), ({"a": 1}, None)]
)
async def test_the_prices_of_a_picture_are_sent_as_a_list_however_they_are_told(told: Any, sent: Any) -> None:
    def shaped(product: Any) -> Any:
        return {**product, "medias": [{**product["medias"][0], "priceIds": told}]}

    async with shop_session(yes, between=answers("GET /products/[0-9a-f]{24}", shaped)) as session:
        lantern = shelves.product(session, "Pocket lantern")
        await session.call(
            "update_product", product_id=lantern["_id"], medias=[old_url(lantern["medias"][0])]
        )
        (media,) = shelves.body(session)["medias"]
        assert media.get("priceIds") == sent


async def test_an_amount_with_more_decimals_than_its_currency_has_is_not_edited() -> None:
    async with shop_session(yes) as session:
        brass = shelves.price(session, "Pocket lantern", "Brass")
        for change, said in (
            ({"amount": 19.999}, "amount: 19.999 has more decimals than USD has (2)."),
            ({"setup_fee": 5.5, "currency": "jpy"}, "setup_fee: 5.5 has more decimals than JPY has (0)."),
        ):
            edit = {"product_id": brass["product"], "prices": [{"price_id": brass["_id"], **change}]}
            refused = await session.refused("bulk_edit_products", products=[edit])
            assert (
                refused == f"Pocket lantern: Brass, {said} Nothing was changed. Amounts are in major units."
            )
        assert session.questions == []
        assert session.writes() == []
