from typing import Any

import pytest
import shelves
from shop_session import ERAS, Era, ShopSession, closed, no, shop_session, unticked, yes

pytestmark = pytest.mark.anyio

LOCATION = "sbxLocation000000001"
PLACE = {"altId": LOCATION, "altType": "location"}


def ids(session: ShopSession, *names: str) -> list[str]:
    return [shelves.product(session, name)["_id"] for name in names]


@pytest.mark.parametrize("era", ERAS)
async def test_a_rise_asks_with_every_amount_the_sum_and_the_move_and_reads_it_back(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        product_ids = ids(session, "Pocket lantern", "Moon garden seed box")
        done = await session.call(
            "bulk_change_prices",
            product_ids=product_ids,
            price={"type": "INCREASE_BY_PERCENTAGE", "value": 10},
        )
        assert done == {"done": True, "products": 2, "prices": 3}
        (question,) = session.questions
        lines = question.splitlines()
        assert lines[:6] == [
            "Change 3 prices of 2 products: price up by 10 %",
            "• Pocket lantern: Brass: 24.50 USD → 26.95 USD",
            "• Pocket lantern: Iron: 27.50 USD → 30.25 USD",
            "• Moon garden seed box: Moon garden seed box: 29.00 USD → 31.90 USD",
            "Sum in USD: 81.00 USD → 89.10 USD.",
            "Every amount moves by +10.0 %.",
        ]
        assert lines[-1].startswith("To go ahead, ")
        assert shelves.body(session) == PLACE | {
            "type": "bulk-update-price",
            "productIds": product_ids,
            "price": {"type": "INCREASE_BY_PERCENTAGE", "value": 10},
        }
        now = [float(doc["amount"]) for doc in shelves.prices_of(session, "Pocket lantern")]
        assert now == [26.95, 30.25]


@pytest.mark.parametrize(
    ("change", "rule", "after"),
    [
        ({"type": "INCREASE_BY_AMOUNT", "value": 1.25}, "price up by 1.25", (25.75, 28.75)),
        ({"type": "REDUCE_BY_AMOUNT", "value": 4.5}, "price down by 4.5", (20, 23)),
        ({"type": "SET_NEW_PRICE", "value": 20}, "price set to 20", (20, 20)),
        ({"type": "REDUCE_BY_PERCENTAGE", "value": 33.3}, "price down by 33.3 %", (16.34, 18.34)),
        (
            {"type": "REDUCE_BY_PERCENTAGE", "value": 33.3, "round_to_whole": True},
            "price down by 33.3 %, rounded to whole numbers",
            (16, 18),
        ),
        ({"type": "REDUCE_BY_PERCENTAGE", "value": 100}, "price down by 100 %", (0, 0)),
    ],
)
async def test_each_way_to_move_a_price_does_what_the_question_said(
    change: dict[str, Any], rule: str, after: tuple[float, float]
) -> None:
    async with shop_session(yes) as session:
        done = await session.call(
            "bulk_change_prices", product_ids=ids(session, "Pocket lantern"), price=change
        )
        assert done == {"done": True, "products": 1, "prices": 2}
        lines = session.questions[0].splitlines()
        assert lines[0] == f"Change 2 prices of 1 product: {rule}"
        moves = [
            f"• Pocket lantern: Brass: 24.50 USD → {after[0]:.2f} USD",
            f"• Pocket lantern: Iron: 27.50 USD → {after[1]:.2f} USD",
        ]
        # The one that moves further comes first.
        assert lines[1:3] == (moves[::-1] if change["type"] == "SET_NEW_PRICE" else moves)
        now = tuple(float(doc["amount"]) for doc in shelves.prices_of(session, "Pocket lantern"))
        assert now == after


async def test_was_prices_move_beside_prices_and_those_without_one_are_counted() -> None:
    async with shop_session(yes) as session:
        product_ids = ids(session, "Pocket lantern", "Wick trimmer")
        done = await session.call(
            "bulk_change_prices",
            product_ids=product_ids,
            price={"type": "REDUCE_BY_AMOUNT", "value": 1},
            compare_at_price={"type": "INCREASE_BY_AMOUNT", "value": 1},
        )
        assert done == {"done": True, "products": 2, "prices": 3}
        lines = session.questions[0].splitlines()
        assert lines[:8] == [
            "Change 3 prices of 2 products: price down by 1, was-price up by 1",
            "• Wick trimmer: Wick trimmer: 16.75 USD → 15.75 USD",
            "• Pocket lantern: Brass: 24.50 USD → 23.50 USD",
            "• Pocket lantern: Iron: 27.50 USD → 26.50 USD",
            "• Pocket lantern: Brass, was-price: 29.50 USD → 30.50 USD",
            "• Pocket lantern: Iron, was-price: 32.50 USD → 33.50 USD",
            "Sum in USD: 68.75 USD → 65.75 USD.",
            "Amounts move by -6.0 % to -3.6 %.",
        ]
        assert lines[8].startswith("Without a was-price to move: 1 price;")
        assert shelves.price(session, "Wick trimmer", "Wick trimmer").get("compareAtPrice") is None


async def test_amounts_that_are_there_already_are_counted_and_read_back() -> None:
    async with shop_session(yes) as session:
        done = await session.call(
            "bulk_change_prices",
            product_ids=ids(session, "Pocket lantern"),
            price={"type": "SET_NEW_PRICE", "value": 24.5},
        )
        assert done == {"done": True, "products": 1, "prices": 2}
        assert session.questions[0].splitlines()[:5] == [
            "Change 1 price of 1 product: price set to 24.5",
            "• Pocket lantern: Iron: 27.50 USD → 24.50 USD",
            "Sum in USD: 52.00 USD → 49.00 USD.",
            "Every amount moves by -10.9 %.",
            "Not moved, for it is there already: 1 amount.",
        ]


async def test_a_was_price_can_be_set_where_there_was_none() -> None:
    async with shop_session(yes) as session:
        done = await session.call(
            "bulk_change_prices",
            product_ids=ids(session, "Wick trimmer"),
            compare_at_price={"type": "SET_NEW_PRICE", "value": 20},
        )
        assert done == {"done": True, "products": 1, "prices": 1}
        assert "• Wick trimmer: Wick trimmer, was-price: nothing → 20.00 USD" in session.questions[0]
        assert shelves.price(session, "Wick trimmer", "Wick trimmer")["compareAtPrice"] == 20


async def test_only_prices_that_will_change_are_counted() -> None:
    async with shop_session(yes) as session:
        change = {"type": "REDUCE_BY_AMOUNT", "value": 1}
        done = await session.call(
            "bulk_change_prices",
            product_ids=ids(session, "Pocket lantern", "Wick trimmer"),
            compare_at_price=change,
        )
        assert done["prices"] == 2
        said = await session.refused(
            "bulk_change_prices", product_ids=ids(session, "Wick trimmer"), compare_at_price=change
        )
        assert said == (
            "No price has a was-price to move, of 1. Nothing was changed. SET_NEW_PRICE gives them one."
        )
        assert len(session.writes()) == 1


async def test_more_than_ten_amounts_are_counted_and_still_part_of_the_plan() -> None:
    async with shop_session(yes) as session:
        tee = ids(session, "Dusk tee")
        await session.call(
            "bulk_change_prices", product_ids=tee, price={"type": "INCREASE_BY_AMOUNT", "value": 1}
        )
        lines = session.questions[0].splitlines()
        assert len([line for line in lines if line.startswith("• Dusk tee")]) == 10
        assert "• and 2 more" in lines


async def test_sums_are_apart_by_currency_with_its_digits() -> None:
    async with shop_session(yes) as session:
        done = await session.call(
            "bulk_change_prices",
            product_ids=ids(session, "Gift card"),
            price={"type": "INCREASE_BY_PERCENTAGE", "value": 0.5},
        )
        assert done["done"] is True
        lines = session.questions[0].splitlines()
        assert "• Gift card: Gift card, Japan: 3,000 JPY → 3,015 JPY" in lines
        assert "• Gift card: Gift card, Kuwait: 7.750 KWD → 7.789 KWD" in lines
        assert "Sum in JPY: 3,000 JPY → 3,015 JPY." in lines
        assert "Sum in KWD: 7.750 KWD → 7.789 KWD." in lines
        assert "Sum in USD: 175.00 USD → 175.88 USD." in lines
        assert (
            "Rounded to the digits of the currency: 2 amounts. That is what this server expects of the API; the result "
            "tells what came."
        ) in lines


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "Pocket lantern",
            {"price": {"type": "REDUCE_BY_AMOUNT", "value": 25}},
            "Pocket lantern: Brass would fall below zero (-0.50 USD). Nothing was changed.",
        ),
        (
            "Pocket lantern",
            {"compare_at_price": {"type": "REDUCE_BY_PERCENTAGE", "value": 101}},
            "Pocket lantern: Brass, was-price would fall below zero (-0.30 USD). Nothing was changed.",
        ),
        (
            "Pocket lantern",
            {"price": {"type": "INCREASE_BY_AMOUNT", "value": 1_000_000_000_000}},
            "Pocket lantern: Brass would rise above 1,000,000,000,000.00 USD, more than a price can be.",
        ),
        (
            "Solstice hamper",
            {"price": {"type": "SET_NEW_PRICE", "value": 1}},
            "“Solstice hamper” has no price to change. Nothing was changed. Leave it out.",
        ),
        (
            "Pocket lantern",
            {"price": {"type": "SET_NEW_PRICE", "value": 19.999}},
            "Pocket lantern: Brass: 19.999 has more decimals than USD has (2). Nothing was changed.",
        ),
        ("Pocket lantern", {}, "The call names no field to change. Nothing was changed."),
    ],
)
async def test_a_change_that_cannot_be_is_refused_before_anybody_is_asked(
    name: str, change: dict[str, Any], said: str
) -> None:
    async with shop_session(yes) as session:
        still = shelves.untouched(session)
        refused = await session.refused("bulk_change_prices", product_ids=ids(session, name), **change)
        assert refused.startswith(said)
        assert session.questions == []
        assert session.writes() == []
        assert still()


@pytest.mark.parametrize(
    "tool", ["bulk_change_prices", "bulk_change_currency", "bulk_set_availability", "bulk_delete_products"]
)
async def test_unknown_and_repeated_products_are_refused_by_name(tool: str) -> None:
    arguments: dict[str, dict[str, Any]] = {
        "bulk_change_prices": {"price": {"type": "SET_NEW_PRICE", "value": 1}},
        "bulk_change_currency": {"currency": "EUR"},
        "bulk_set_availability": {"available_in_store": False},
        "bulk_delete_products": {},
    }
    async with shop_session(yes) as session:
        still = shelves.untouched(session)
        (known,) = ids(session, "Pocket lantern")
        said = await session.refused(tool, product_ids=[known, "none", "nowhere"], **arguments[tool])
        assert said == (
            "No product of this shop has the id none, nowhere. Nothing was changed. Take ids from list_products."
        )
        said = await session.refused(tool, product_ids=[known, known], **arguments[tool])
        assert said == f"`product_ids` has {known} more than once. Nothing was changed. Name each once."
        assert session.questions == []
        assert still()


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", [no, unticked, closed])
async def test_without_a_yes_no_price_moves(era: Era, answer: Any) -> None:
    async with shop_session(answer, era=era) as session:
        still = shelves.untouched(session)
        said = await session.refused(
            "bulk_change_prices",
            product_ids=ids(session, "Pocket lantern"),
            price={"type": "SET_NEW_PRICE", "value": 1},
        )
        assert "Nothing was changed." in said
        assert session.writes() == []
        assert still()


async def test_with_confirmation_off_prices_move_unasked() -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        done = await session.call(
            "bulk_change_prices",
            product_ids=ids(session, "Pocket lantern"),
            price={"type": "SET_NEW_PRICE", "value": 1},
        )
        assert done == {"done": True, "products": 1, "prices": 2}


@pytest.mark.parametrize("era", ERAS)
async def test_an_amount_beyond_the_tenth_changed_meanwhile_is_asked_anew(era: Era) -> None:
    sessions: list[ShopSession] = []

    def meddle(question: str) -> Any:
        (session,) = sessions
        if len(session.questions) > 1:
            return no(question)
        shelves.change_price(session, shelves.prices_of(session, "Dusk tee")[-1]["_id"], amount=20)
        return yes(question)

    async with shop_session(meddle, era=era) as session:
        sessions.append(session)
        last = shelves.prices_of(session, "Dusk tee")[-1]
        said = await session.refused(
            "bulk_change_prices",
            product_ids=ids(session, "Dusk tee"),
            price={"type": "REDUCE_BY_AMOUNT", "value": 1},
        )
        assert said.startswith("Not confirmed: the answer was no. Nothing was changed.")
        first, second = session.questions
        assert last["name"] not in first
        assert f"• price Dusk tee: {last['name']}, amount: was {last['amount']}, is 20 now" in (
            second.splitlines()
        )
        assert session.writes() == []


async def test_a_price_that_reads_back_otherwise_is_told_with_both_amounts() -> None:
    async with shop_session(yes, era="legacy") as session:
        (product_id,) = ids(session, "Pocket lantern")
        brass = shelves.price(session, "Pocket lantern", "Brass")

        def meddle() -> None:
            shelves.change_price(session, brass["_id"], amount=1)

        # Two plans, before and after the question, read the prices before the result does.
        shelves.just_before(session, f"GET /products/{product_id}/price", meddle, skip=2)
        done = await session.call(
            "bulk_change_prices",
            product_ids=[product_id],
            price={"type": "INCREASE_BY_AMOUNT", "value": 1},
        )
        assert done == {
            "done": False,
            "products": 1,
            "prices": 2,
            "differing": [
                {
                    "id": brass["_id"],
                    "name": "Brass",
                    "expected": {"amount": 25.5},
                    "found": {"amount": 1},
                }
            ],
        }


@pytest.mark.parametrize("era", ERAS)
async def test_a_new_currency_warns_that_nothing_is_converted(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        product_ids = ids(session, "Pocket lantern")
        done = await session.call("bulk_change_currency", product_ids=product_ids, currency="jpy")
        assert done == {"done": True, "products": 1, "prices": 2}
        assert session.questions[0].splitlines()[:5] == [
            "Switch 2 prices of 1 product to JPY",
            "• Pocket lantern: Brass: 24.50 USD → 24.5 JPY",
            "• Pocket lantern: Iron: 27.50 USD → 27.5 JPY",
            "Every amount keeps its number: nothing is converted.",
            "More decimals than JPY has (0): 2 amounts.",
        ]
        assert shelves.body(session) == PLACE | {
            "type": "bulk-update-currency",
            "productIds": product_ids,
            "currency": "JPY",
        }
        after = shelves.prices_of(session, "Pocket lantern")
        assert [(float(doc["amount"]), doc["currency"]) for doc in after] == [(24.5, "JPY"), (27.5, "JPY")]


async def test_prices_that_have_the_currency_already_are_counted() -> None:
    async with shop_session(yes) as session:
        done = await session.call(
            "bulk_change_currency", product_ids=ids(session, "Gift card"), currency="USD"
        )
        assert done["done"] is True
        others = [doc for doc in shelves.prices_of(session, "Gift card") if doc["currency"] != "USD"]
        assert others == []
        assert f"In USD already: {len(shelves.prices_of(session, 'Gift card')) - done['prices']} prices." in (
            session.questions[0].splitlines()
        )


async def test_products_without_prices_have_no_currency_to_switch() -> None:
    async with shop_session(yes) as session:
        said = await session.refused(
            "bulk_change_currency", product_ids=ids(session, "Solstice hamper"), currency="EUR"
        )
        assert said == "The products have no price to switch. Nothing was changed."
        assert session.questions == []


async def test_a_product_of_which_nothing_moves_is_not_sent() -> None:
    async with shop_session(yes) as session:
        lantern, seeds, tea = (
            shelves.product(session, name)["_id"]
            for name in ("Pocket lantern", "Moonflower seeds", "Twilight tea")
        )
        for product_id, fields in ((lantern, {"compareAtPrice": 90}), (tea, {"compareAtPrice": 50})):
            for price in session.dump()["prices"]:
                if price["product"] == product_id:
                    shelves.change_price(session, price["_id"], **fields)
        done = await session.call(
            "bulk_change_prices",
            product_ids=[lantern, seeds, tea],
            compare_at_price={"type": "SET_NEW_PRICE", "value": 50},
            price={"type": "INCREASE_BY_AMOUNT", "value": 0},
        )
        assert done["done"] is True
        assert shelves.body(session)["productIds"] == [lantern, seeds]
