import json
from typing import Any

import pytest
import shelves
from odd_api import answers, both, ignores, receives, without
from shop_session import ERAS, Era, ShopSession, no, shop_session, text_of, wanted, yes
from side_by_side import content_of, only_change

from hoopai_products_mcp.guard import question

pytestmark = pytest.mark.anyio

LOCATION = "sbxLocation000000001"


async def test_a_list_of_prices_shows_what_customers_pay_and_what_is_left() -> None:
    async with shop_session() as session:
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        brass, iron = shelves.prices_of(session, "Pocket lantern")
        result = await session.result("list_prices", product_id=product_id)
        assert result.structured_content == {
            "items": [
                {
                    "id": brass["_id"],
                    "name": "Brass",
                    "type": "one_time",
                    "currency": "USD",
                    "amount": 24.5,
                    "compare_at_price": 29.5,
                    "sku": "ML-012-01",
                    "track_inventory": True,
                    "available_quantity": 40,
                },
                {
                    "id": iron["_id"],
                    "name": "Iron",
                    "type": "one_time",
                    "currency": "USD",
                    "amount": 27.5,
                    "compare_at_price": 32.5,
                    "sku": "ML-012-02",
                    "track_inventory": True,
                    "available_quantity": 35,
                },
            ],
            "returned": 2,
            "total": 2,
        }
        assert json.loads(text_of(result)) == result.structured_content
        (request,) = session.sandbox.requests
        assert request.line == f"GET /products/{product_id}/price"
        assert request.query == [("locationId", LOCATION), ("limit", "25"), ("offset", "0")]


async def test_following_next_offset_gives_every_price_once() -> None:
    async with shop_session() as session:
        product_id = shelves.product(session, "Dusk tee")["_id"]
        seen: list[str] = []
        offset: int | None = 0
        while offset is not None:
            page = await session.call("list_prices", product_id=product_id, limit=5, offset=offset)
            seen += [item["id"] for item in page["items"]]
            offset = page.get("next_offset")
        assert seen == [doc["_id"] for doc in shelves.prices_of(session, "Dusk tee")]
        assert len(seen) == 12


async def test_chosen_prices_are_asked_for_in_one_text() -> None:
    async with shop_session() as session:
        product_id = shelves.product(session, "Dusk tee")["_id"]
        some = [doc["_id"] for doc in shelves.prices_of(session, "Dusk tee")[3:5]]
        page = await session.call("list_prices", product_id=product_id, price_ids=some)
        assert [item["id"] for item in page["items"]] == some
        assert ("ids", ",".join(some)) in session.sandbox.requests[0].query


async def test_full_detail_of_a_list_is_what_one_price_shows() -> None:
    async with shop_session() as session:
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        brass = shelves.price(session, "Pocket lantern", "Brass")
        page = await session.call("list_prices", product_id=product_id, detail="full")
        result = await session.result("get_price", product_id=product_id, price_id=brass["_id"])
        assert json.loads(text_of(result)) == result.structured_content
        assert page["items"][0] == result.structured_content
        assert result.structured_content == {
            "id": brass["_id"],
            "product_id": product_id,
            "name": "Brass",
            "type": "one_time",
            "currency": "USD",
            "amount": 24.5,
            "compare_at_price": 29.5,
            "sku": "ML-012-01",
            "track_inventory": True,
            "available_quantity": 40,
            "allow_out_of_stock_purchases": True,
            "variant_option_ids": brass["variantOptionIds"],
            "membership_offers": [],
            "shipping_options": {"weight": {"value": 1, "unit": "kg"}},
            "created_at": brass["createdAt"],
            "updated_at": brass["updatedAt"],
        }
        assert session.sent()[-1] == f"GET /products/{product_id}/price/{brass['_id']}"


async def test_a_price_of_another_product_is_not_found() -> None:
    async with shop_session() as session:
        product_id = shelves.product(session, "Dusk tee")["_id"]
        other = shelves.price(session, "Pocket lantern", "Brass")["_id"]
        said = await session.refused("get_price", product_id=product_id, price_id=other)
        assert "There is no such " in said
        assert "Price not found" in said


async def test_a_new_price_is_sent_as_given_and_nothing_else() -> None:
    async with shop_session() as session:
        product_id = shelves.product(session, "Solstice hamper")["_id"]
        result = await session.result(
            "create_price",
            product_id=product_id,
            name="Monthly",
            amount=19.99,
            currency="usd",
            type="recurring",
            recurring={"interval": "month"},
            variant_option_ids=["o1"],
            compare_at_price=24.5,
            sku="HAMPER-M",
            track_inventory=True,
            available_quantity=5,
            allow_out_of_stock_purchases=False,
            description="Every month",
            trial_period=7,
            total_cycles=12,
            setup_fee=4.95,
            shipping_options={"weight": {"value": 1.25, "unit": "kg"}},
            membership_offers=[{"id": "m1", "label": "Club", "value": "club"}],
            is_digital_product=False,
            digital_delivery=["https://example.com/a.pdf"],
        )
        made = result.structured_content
        assert made is not None
        assert json.loads(text_of(result)) == made
        assert json.loads(json.dumps(shelves.body(session), default=float)) == {
            "locationId": LOCATION,
            "name": "Monthly",
            "amount": 19.99,
            "currency": "USD",
            "type": "recurring",
            "recurring": {"interval": "month", "intervalCount": 1},
            "variantOptionIds": ["o1"],
            "compareAtPrice": 24.5,
            "sku": "HAMPER-M",
            "trackInventory": True,
            "availableQuantity": 5,
            "allowOutOfStockPurchases": False,
            "description": "Every month",
            "trialPeriod": 7,
            "totalCycles": 12,
            "setupFee": 4.95,
            "shippingOptions": {"weight": {"value": 1.25, "unit": "kg"}},
            "membershipOffers": [{"_id": "m1", "label": "Club", "value": "club"}],
            "isDigitalProduct": False,
            "digitalDelivery": ["https://example.com/a.pdf"],
        }
        (doc,) = shelves.prices_of(session, "Solstice hamper")
        assert made["id"] == doc["_id"]
        assert (made["amount"], made["recurring"]) == (19.99, {"interval": "month", "interval_count": 1})
        path = f"/products/{product_id}/price"
        assert session.sent() == [f"GET {path}", f"POST {path}"]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (
            {"type": "recurring"},
            'A price of type recurring needs `recurring`, such as {"interval": "month"}. Nothing was changed.',
        ),
        (
            {"recurring": {"interval": "month"}},
            "`recurring` goes with type recurring, not one_time. Nothing was changed.",
        ),
    ],
)
async def test_terms_that_do_not_fit_the_type_are_refused(terms: dict[str, Any], said: str) -> None:
    async with shop_session() as session:
        refused = await session.refused(
            "create_price", product_id="p1", name="Plan", amount=1, currency="USD", **terms
        )
        assert refused == said
        assert session.sent() == []


async def test_a_negative_amount_or_a_currency_in_words_is_refused() -> None:
    async with shop_session() as session:
        said = await session.refused("create_price", product_id="p1", name="P", amount=-1, currency="dollars")
        assert "`amount` takes a number from 0" in said
        assert "`currency` takes a currency code such as USD" in said
        assert session.sent() == []


async def test_an_update_keeps_every_field_that_it_does_not_name() -> None:
    async with shop_session() as session:
        price_id = shelves.price(session, "Storm lantern", "Brass / 24 cm")["_id"]
        shelves.change_price(
            session,
            price_id,
            description="The small one",
            setupFee=2,
            isDigitalProduct=False,
            digitalDelivery=["https://example.com/manual.pdf"],
            membershipOffers=[{"_id": "m1", "label": "Club", "value": "club"}],
            shippingOptions={
                "weight": {"value": 2, "unit": "kg"},
                "dimensions": {"height": 24, "width": 12, "length": 12, "unit": "cm"},
            },
        )
        before = shelves.price_by_id(session, price_id)
        for key in ("sku", "trackInventory", "availableQuantity", "variantOptionIds"):
            assert before[key]
        result = await session.result(
            "update_price", product_id=before["product"], price_id=price_id, amount=66.6
        )
        assert result.structured_content is not None
        assert json.loads(text_of(result)) == result.structured_content
        assert result.structured_content["changed"] == [{"field": "amount", "before": 64, "after": 66.6}]
        assert "lost" not in result.structured_content
        after = shelves.price_by_id(session, price_id)
        assert float(after["amount"]) == 66.6
        assert shelves.differences(before, after).keys() == {"amount"}
        path = f"/products/{before['product']}/price/{price_id}"
        assert session.sent()[-2:] == [f"PUT {path}", f"GET {path}"]
        assert set(session.sent()) == {f"GET {path}", f"PUT {path}"}


async def test_one_part_of_the_shipping_options_keeps_the_other() -> None:
    async with shop_session() as session:
        price_id = shelves.price(session, "Pocket lantern", "Brass")["_id"]
        size = {"height": 10, "width": 5, "length": 5, "unit": "cm"}
        shelves.change_price(
            session, price_id, shippingOptions={"weight": {"value": 2, "unit": "kg"}, "dimensions": size}
        )
        product_id = shelves.price_by_id(session, price_id)["product"]
        weight = {"value": 3, "unit": "lb"}
        await session.call(
            "update_price", product_id=product_id, price_id=price_id, shipping_options={"weight": weight}
        )
        assert shelves.price_by_id(session, price_id)["shippingOptions"] == {
            "weight": weight,
            "dimensions": size,
        }


@pytest.mark.parametrize(
    ("field", "wire"),
    [
        ("compare_at_price", "compareAtPrice"),
        ("sku", "sku"),
        ("description", "description"),
        ("trial_period", "trialPeriod"),
        ("total_cycles", "totalCycles"),
        ("setup_fee", "setupFee"),
        ("available_quantity", "availableQuantity"),
        ("shipping_options", "shippingOptions"),
    ],
)
async def test_a_cleared_field_is_empty_and_the_rest_stays(field: str, wire: str) -> None:
    async with shop_session() as session:
        price_id = shelves.price(session, "Pocket lantern", "Brass")["_id"]
        shelves.change_price(session, price_id, description="Shiny", trialPeriod=7, totalCycles=3, setupFee=2)
        before = shelves.price_by_id(session, price_id)
        done = await session.call(
            "update_price", product_id=before["product"], price_id=price_id, clear=[field]
        )
        assert shelves.differences(before, shelves.price_by_id(session, price_id)) == {wire: None}
        (change,) = done["changed"]
        assert change.keys() == {"field", "before"}
        assert "not_applied" not in done


async def test_a_plan_that_is_charged_once_from_now_on_loses_its_interval() -> None:
    async with shop_session() as session:
        before = shelves.price(session, "Honey of the month", "Honey of the month")
        await session.call(
            "update_price", product_id=before["product"], price_id=before["_id"], type="one_time"
        )
        assert shelves.differences(before, shelves.price_by_id(session, before["_id"])) == {
            "type": "one_time",
            "recurring": None,
        }


@pytest.mark.parametrize(
    ("name", "terms", "said"),
    [
        ("Wick trimmer", {"type": "recurring"}, "A price of type recurring needs `recurring`"),
        ("Honey of the month", {"clear": ["recurring"]}, "A price of type recurring needs `recurring`"),
        ("Wick trimmer", {"recurring": {"interval": "week"}}, "`recurring` goes with type recurring, not"),
        (
            "Honey of the month",
            {"type": "one_time", "recurring": {"interval": "week"}},
            "`recurring` goes with type recurring, not one_time.",
        ),
    ],
)
async def test_an_update_may_not_make_terms_that_do_not_fit(
    name: str, terms: dict[str, Any], said: str
) -> None:
    async with shop_session() as session:
        price = shelves.price(session, name, name)
        refused = await session.refused(
            "update_price", product_id=price["product"], price_id=price["_id"], **terms
        )
        assert refused.startswith(said)
        assert "Nothing was changed." in refused
        assert session.writes() == []


async def test_a_subscription_can_be_charged_at_another_interval() -> None:
    async with shop_session() as session:
        before = shelves.price(session, "Honey of the month", "Honey of the month")
        done = await session.call(
            "update_price",
            product_id=before["product"],
            price_id=before["_id"],
            recurring={"interval": "week", "interval_count": 2},
        )
        assert done["changed"] == [
            {
                "field": "recurring",
                "before": {"interval": "month", "interval_count": 1},
                "after": {"interval": "week", "interval_count": 2},
            }
        ]


async def test_a_field_cannot_be_set_and_cleared_at_once_and_nothing_is_no_change() -> None:
    async with shop_session() as session:
        said = await session.refused(
            "update_price", product_id="p1", price_id="x1", sku="A", clear=["sku", "description"]
        )
        assert said == "`clear` names sku, which the call also sets. Nothing was changed."
        said = await session.refused("update_price", product_id="p1", price_id="x1")
        assert said == "The call names no field to change. Nothing was changed. Give at least one."
        assert session.sent() == []


async def test_a_price_that_is_not_there_is_not_updated() -> None:
    async with shop_session() as session:
        product_id = shelves.product(session, "Dusk tee")["_id"]
        said = await session.refused("update_price", product_id=product_id, price_id="none", amount=1)
        assert "There is no such " in said
        assert "Nothing was changed." in said
        assert session.writes() == []


@pytest.mark.parametrize("era", ERAS)
async def test_deleting_a_price_asks_with_what_the_product_keeps(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        price = shelves.price(session, "Pocket lantern", "Iron")
        result = await session.result("delete_price", product_id=price["product"], price_id=price["_id"])
        content = content_of(result)
        assert json.loads(text_of(result)) == content
        change = content.pop("change")
        assert content == {"deleted": True, "id": price["_id"], "name": "Iron"}
        assert change == {"id": await only_change(session), "approved_by": "person"}
        (asked,) = session.questions
        assert asked.splitlines()[:4] == [
            "Delete the price “Iron” of “Pocket lantern”",
            "• Iron: 27.50 USD, 35 in stock",
            "The product keeps 1 other price.",
            "What cannot be undone: made again it has a new id, so links and orders that name this one do not "
            "find it.",
        ]
        assert wanted(asked) == "Iron"
        assert session.writes() == [f"DELETE /products/{price['product']}/price/{price['_id']}"]
        assert [doc["name"] for doc in shelves.prices_of(session, "Pocket lantern")] == ["Brass"]


async def test_deleting_the_only_price_says_that_nothing_is_left_to_buy() -> None:
    async with shop_session(no) as session:
        price = shelves.price(session, "Lantern patterns", "Lantern patterns")
        await session.refused("delete_price", product_id=price["product"], price_id=price["_id"])
        assert "It is the product's only price: without one it cannot be bought." in session.questions[0]
        assert session.writes() == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_price_changed_while_the_question_is_open_is_asked_about_anew(era: Era) -> None:
    sessions: list[ShopSession] = []

    def meddle(asked: str) -> Any:
        if len(sessions[0].questions) > 1:
            return no(asked)
        price = shelves.price(sessions[0], "Pocket lantern", "Iron")
        shelves.change_price(sessions[0], price["_id"], amount=99)
        return yes(asked)

    async with shop_session(meddle, era=era) as session:
        sessions.append(session)
        price = shelves.price(session, "Pocket lantern", "Iron")
        said = await session.refused("delete_price", product_id=price["product"], price_id=price["_id"])
        assert said == question.DECLINED
        _, second = session.questions
        front, changed, _, action, item = second.splitlines()[:5]
        assert front.startswith("The shop changed ")
        assert "Iron" in changed
        assert changed.endswith("amount: was 27.5, is 99 now")
        assert (action, item) == (
            "Delete the price “Iron” of “Pocket lantern”",
            "• Iron: 99.00 USD, 35 in stock",
        )
        assert session.writes() == []


async def test_with_confirmation_off_a_price_is_deleted_unasked() -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        price = shelves.price(session, "Pocket lantern", "Iron")
        gone = await session.call("delete_price", product_id=price["product"], price_id=price["_id"])
        assert gone["deleted"] is True


async def test_a_price_that_is_still_there_after_its_deletion_is_not_called_deleted() -> None:
    kept = ignores("DELETE /products/.*/price/.*", {"status": True})
    async with shop_session(yes, between=kept) as session:
        price = shelves.price(session, "Pocket lantern", "Iron")
        gone = await session.call("delete_price", product_id=price["product"], price_id=price["_id"])
        assert gone["deleted"] is False
        assert gone["notes"] == [
            "The API accepted the deletion, but it is still there when read. Look again in a while."
        ]


HIDDEN = (
    "sku",
    "shippingOptions",
    "description",
    "trialPeriod",
    "totalCycles",
    "setupFee",
    "isDigitalProduct",
    "digitalDelivery",
)
PRICE = "/products/[0-9a-f]{24}/price"


async def test_fields_that_an_update_may_have_emptied_unseen_are_named() -> None:
    async with shop_session(between=answers(f"(GET|PUT) {PRICE}/.*", without(*HIDDEN))) as session:
        price = shelves.price(session, "Pocket lantern", "Brass")
        done = await session.call(
            "update_price", product_id=price["product"], price_id=price["_id"], amount=25, sku="A"
        )
        assert done["notes"] == [
            "The API did not show shipping_options, description, trial_period, total_cycles, setup_fee, "
            "is_digital_product, digital_delivery on reading: what was set of them may have been emptied by this "
            "update. bulk_edit_products sends only what changes."
        ]


async def test_what_could_not_be_sent_again_is_named() -> None:
    async with shop_session() as session:
        price = shelves.price(session, "Pocket lantern", "Brass")
        shelves.change_price(session, price["_id"], meta={"source": "stripe"})
        done = await session.call(
            "update_price", product_id=price["product"], price_id=price["_id"], amount=25
        )
        assert "Incomplete on reading, so not sent again and perhaps lost: meta." in done["notes"]


async def test_stock_that_is_not_tracked_is_said_not_to_count() -> None:
    said = [
        "Its stock is not tracked (track_inventory), so available_quantity is not counted and list_inventory may "
        "leave it out."
    ]
    async with shop_session() as session:
        card = shelves.price(session, "Gift card", "Gift card")
        new = {"product_id": card["product"], "amount": 1, "currency": "USD"}
        here = {"product_id": card["product"], "price_id": card["_id"], "sku": "A"}
        made = await session.call("create_price", name="P", **new, available_quantity=5)
        assert made["notes"] == said
        assert "notes" not in await session.call("create_price", name="Q", **new)
        tracked = await session.call(
            "create_price", name="R", **new, available_quantity=5, track_inventory=True
        )
        assert "notes" not in tracked
        assert (await session.call("update_price", **here, available_quantity=5))["notes"] == said
        done = await session.call("update_price", **here, available_quantity=5, track_inventory=True)
        assert "notes" not in done


async def test_a_new_price_of_which_the_api_kept_less_is_told_field_by_field() -> None:
    forgetful = receives(f"POST {PRICE}", without("compareAtPrice", "sku"))
    empty = answers(f"GET {PRICE}/.*", lambda price: {"compareAtPrice": None, **price})
    async with shop_session(between=both(empty, forgetful)) as session:
        product_id = shelves.product(session, "Solstice hamper")["_id"]
        made = await session.call(
            "create_price",
            product_id=product_id,
            name="P",
            amount=1,
            currency="USD",
            compare_at_price=2,
            sku="A",
        )
        assert made["not_applied"] == [{"field": "compare_at_price", "expected": 2}]
        assert made["notes"] == [
            "Not everything was stored as given: see not_applied.",
            "Not checked, for the API does not show it: sku.",
        ]
        path = f"/products/{product_id}/price"
        assert session.sent() == [f"GET {path}", f"POST {path}", f"GET {path}/{made['id']}"]


async def test_what_only_the_answer_to_the_creation_leaves_out_is_read() -> None:
    async with shop_session(between=answers(f"POST {PRICE}", without(*HIDDEN))) as session:
        product_id = shelves.product(session, "Solstice hamper")["_id"]
        made = await session.call(
            "create_price", product_id=product_id, name="P", amount=1, currency="USD", sku="A", setup_fee=2
        )
        assert (made["sku"], made["setup_fee"]) == ("A", 2)
        assert "notes" not in made
        assert "not_applied" not in made


async def test_a_price_of_which_the_api_tells_no_amount_is_shown_without_one() -> None:
    async with shop_session(no, between=answers(f"GET {PRICE}/.*", without("amount"))) as session:
        price = shelves.price(session, "Pocket lantern", "Iron")
        await session.refused("delete_price", product_id=price["product"], price_id=price["_id"])
        assert "• Iron: no amount, 35 in stock" in session.questions[0].splitlines()


async def test_a_name_that_another_price_of_the_product_has_is_told_with_its_id() -> None:
    async with shop_session() as session:
        iron = shelves.price(session, "Pocket lantern", "Iron")
        made = await session.call(
            "create_price", product_id=iron["product"], name="Iron", amount=1, currency="USD"
        )
        assert made["notes"] == [f"Another price of this product had this name already: id {iron['_id']}."]


async def test_deleting_a_price_that_has_an_image_says_so() -> None:
    async with shop_session(no) as session:
        price = shelves.price(session, "Pocket lantern", "Iron")
        medias = shelves.product(session, "Pocket lantern")["medias"]
        shelves.change_product(session, price["product"], medias=[{**medias[0], "priceIds": [price["_id"]]}])
        await session.refused("delete_price", product_id=price["product"], price_id=price["_id"])
        assert "1 image of the product shown for it will belong to no variant." in session.questions[0]
