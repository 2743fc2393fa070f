import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any, TypeVar

import anyio
import pytest
import shelves
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from shop_session import ShopSession, shop_session, text_of, yes

T = TypeVar("T")


def run_in_a_shop(
    act: Callable[[ShopSession], Coroutine[Any, Any, T]], *, answer: Any = None, shop: Any = "empty"
) -> T:
    """A session of its own for each example: one that fails leaves nothing behind for the next."""

    async def whole() -> T:
        async with shop_session(answer, shop=shop) as session:
            return await act(session)

    return anyio.run(whole)


def decimals(largest: int, places: st.SearchStrategy[int]) -> st.SearchStrategy[Decimal]:
    """Numbers of at most so many units of their last place."""
    return st.builds(Decimal.scaleb, st.integers(0, largest).map(Decimal), places.map(int.__neg__))


amounts = decimals(10**12, st.integers(0, 4)) | decimals(10**15 - 1, st.just(3))


@hypothesis_settings(max_examples=25)
@given(st.lists(amounts, min_size=1, max_size=8))
@example([Decimal("0.99"), Decimal("19.99"), Decimal("99.99"), Decimal("0.1"), Decimal("0.0001")])
@example([Decimal("99999999999.9999"), Decimal("999999999999.999"), Decimal("1E+12"), Decimal(0)])
def test_an_amount_of_up_to_fifteen_digits_is_stored_and_told_to_the_digit(numbers: list[Decimal]) -> None:
    async def act(session: ShopSession) -> None:
        made = await session.call("create_product", name="Tea", product_type="PHYSICAL")
        for number in numbers:
            # As a client sends it: the JSON number that the digits spell.
            result = await session.result(
                "create_price",
                product_id=made["id"],
                name="P",
                amount=json.loads(f"{number:f}"),
                currency="CLF",
            )
            assert not result.is_error, text_of(result)
            assert result.structured_content is not None
            exact = json.loads(text_of(result), parse_float=Decimal)
            assert exact["amount"] == number
            assert Decimal(repr(result.structured_content["amount"])) == number
            stored = shelves.price_by_id(session, result.structured_content["id"])
            assert Decimal(stored["amount"]) == number
            found = await session.result(
                "get_price", product_id=made["id"], price_id=result.structured_content["id"]
            )
            assert json.loads(text_of(found), parse_float=Decimal)["amount"] == number

    run_in_a_shop(act)


@pytest.mark.anyio
async def test_an_amount_written_as_text_is_read_as_its_digits() -> None:
    async with shop_session(shop="empty") as session:
        made = await session.call("create_product", name="Tea", product_type="PHYSICAL")
        price = await session.call(
            "create_price", product_id=made["id"], name="P", amount="19.99", currency="USD"
        )
        assert price["amount"] == 19.99


@pytest.mark.anyio
@pytest.mark.parametrize("amount", [1234567890123456, "NaN", "Infinity", 1e300, 0.1 + 0.2])
async def test_what_is_no_exact_amount_is_refused_before_any_request(amount: Any) -> None:
    async with shop_session(shop="empty") as session:
        said = await session.refused("create_price", product_id="p1", name="P", amount=amount, currency="USD")
        assert "`amount` takes a number" in said
        assert session.sent() == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [
        ("JPY", 1200, "1,200 JPY"),
        ("KWD", 7.75, "7.750 KWD"),
        ("USD", 1234567.5, "1,234,567.50 USD"),
        ("CLF", 1.5, "1.5000 CLF"),
        ("USD", 0.005, "0.005 USD"),
        ("JPY", 99.5, "99.5 JPY"),
        ("XYZ", 100, "100.00 XYZ"),
    ],
)
async def test_a_question_writes_an_amount_with_the_digits_of_its_currency(
    currency: str, amount: float, shown: str
) -> None:
    async with shop_session(yes, shop="empty") as session:
        made = await session.call("create_product", name="Tea", product_type="PHYSICAL")
        price = await session.call(
            "create_price", product_id=made["id"], name="One", amount=1, currency=currency
        )
        # More digits than this server would send may be there already.
        shelves.change_price(session, price["id"], amount=Decimal(str(amount)))
        await session.call("delete_price", product_id=made["id"], price_id=price["id"])
        assert f"• One: {shown}" in session.questions[0].splitlines()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("field", "amount", "currency", "digits"),
    [
        ("amount", 5.55, "JPY", 0),
        ("amount", 19.999, "usd", 2),
        ("compare_at_price", 1.2345, "KWD", 3),
        ("setup_fee", 0.5, "XOF", 0),
    ],
)
async def test_more_decimals_than_a_currency_has_are_refused(
    field: str, amount: float, currency: str, digits: int
) -> None:
    async with shop_session() as session:
        price = shelves.price(session, "Pocket lantern", "Brass")
        shelves.change_price(session, price["_id"], currency=currency.upper())
        said = (
            f"`{field}`: {amount} has more decimals than {currency.upper()} has ({digits}). Nothing was changed. "
            "Amounts are in major units."
        )
        given_price = {"name": "P", "amount": 1, "currency": currency} | {field: amount}
        assert await session.refused("create_price", product_id=price["product"], **given_price) == said
        update = {"product_id": price["product"], "price_id": price["_id"], field: amount}
        assert await session.refused("update_price", **update) == said
        assert await session.refused("update_price", **update, currency=currency) == said
        assert session.writes() == []


@pytest.mark.anyio
@pytest.mark.parametrize("currency", ["ISK", "UGX", "XPF", "IQD", "LYD", "CLF", "UYW"])
async def test_a_bulk_change_rounds_to_the_digits_of_rarer_currencies(currency: str) -> None:
    async with shop_session(yes) as session:
        price = shelves.price(session, "Wick trimmer", "Wick trimmer")
        shelves.change_price(session, price["_id"], amount=1001, currency=currency)
        rise = {"type": "INCREASE_BY_PERCENTAGE", "value": 0.333333}
        done = await session.call("bulk_change_prices", product_ids=[price["product"]], price=rise)
        assert done == {"done": True, "products": 1, "prices": 1}
        assert "Rounded to the digits of the currency: 1 amount." in session.questions[0]


kinds = st.sampled_from(
    [
        "INCREASE_BY_AMOUNT",
        "REDUCE_BY_AMOUNT",
        "SET_NEW_PRICE",
        "INCREASE_BY_PERCENTAGE",
        "REDUCE_BY_PERCENTAGE",
    ]
)
adjustments = st.fixed_dictionaries(
    {
        "type": kinds,
        "value": decimals(20_000, st.just(2)).map(float),
    },
    optional={"round_to_whole": st.booleans()},
)
priced = st.lists(
    st.sampled_from([("USD", 2), ("JPY", 0), ("KWD", 3)]).flatmap(
        lambda unit: st.tuples(
            st.just(unit[0]),
            decimals(10**8, st.just(unit[1])),
            st.none() | decimals(10**8, st.just(unit[1])),
        )
    ),
    min_size=1,
    max_size=4,
)


@hypothesis_settings(max_examples=40)
@given(priced, st.none() | adjustments, st.none() | adjustments)
def test_a_bulk_price_change_does_what_its_question_said(
    goods: list[tuple[str, Decimal, Decimal | None]],
    price: dict[str, Any] | None,
    compare_at: dict[str, Any] | None,
) -> None:
    asked = {
        key: value for key, value in (("price", price), ("compare_at_price", compare_at)) if value is not None
    }

    async def act(session: ShopSession) -> None:
        made = await session.call("create_product", name="Tea", product_type="PHYSICAL")
        for number, (currency, amount, former) in enumerate(goods):
            was = {} if former is None else {"compare_at_price": str(former)}
            await session.call(
                "create_price",
                product_id=made["id"],
                name=f"P{number}",
                amount=str(amount),
                currency=currency,
                **was,
            )
        before = session.sandbox.dump()
        session.sandbox.requests.clear()
        result = await session.result("bulk_change_prices", product_ids=[made["id"]], **asked)
        if result.is_error:
            assert "Nothing was changed." in text_of(result)
            assert session.writes() == []
            assert session.sandbox.dump() == before
            return
        assert result.structured_content is not None
        assert result.structured_content["done"] is True
        told = {line for asked in session.questions for line in asked.splitlines()}
        moved: set[str] = set()
        for was, now in zip(before["prices"], session.sandbox.dump()["prices"], strict=True):
            for key, label, rule in (
                ("amount", f"Tea: {was['name']}", price),
                ("compareAtPrice", f"Tea: {was['name']}, was-price", compare_at),
            ):
                if was.get(key) != now.get(key):
                    assert rule is not None
                    moved.add(f"• {label}: {_spelled(was, key)} → {_spelled(now, key)}")
                elif rule is not None and was.get(key) is not None:
                    assert _moves_less_than_a_digit(Decimal(was[key]), rule, was["currency"])
        assert moved == {line for line in told if line.startswith("• ")}
        # What is as asked already is neither asked about nor sent.
        assert len(session.questions) == bool(moved)
        assert session.writes() == ["POST /products/bulk-update"] * bool(moved)

    run_in_a_shop(act, answer=yes)


PLACES = {"USD": 2, "JPY": 0, "KWD": 3}


def _spelled(doc: dict[str, Any], key: str) -> str:
    if doc.get(key) is None:
        return "nothing"
    return f"{doc[key]:,.{PLACES[doc['currency']]}f} {doc['currency']}"


def _moves_less_than_a_digit(amount: Decimal, rule: dict[str, Any], currency: str) -> bool:
    """Whether a rule leaves an amount where it is, once it is rounded."""
    value = Decimal(str(rule["value"]))
    sign = -1 if rule["type"].startswith("REDUCE") else 1
    if rule["type"] == "SET_NEW_PRICE":
        new = value
    elif rule["type"].endswith("PERCENTAGE"):
        new = amount * (100 + sign * value) / 100
    else:
        new = amount + sign * value
    places = 0 if rule.get("round_to_whole") else PLACES[currency]
    return abs(new - amount) <= Decimal("0.5").scaleb(-places) and amount == round(amount, places)
