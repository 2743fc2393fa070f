"""Money is never a float: what is written is what is read."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoopai_products_mcp.products_api.exact_json import decode, encode
from hoopai_products_mcp.products_api.models import NewPrice, Price

FRACTIONS = st.decimals(allow_nan=False, allow_infinity=False, places=4) | st.decimals(
    min_value=0, max_value=10**12, places=2
)
DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=("Cs",)))
    | FRACTIONS,
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), inner)
    ),
    max_leaves=20,
)


@given(FRACTIONS)
def test_a_decimal_comes_back_identical_from_json(number: Decimal) -> None:
    read = decode(encode(number))
    assert isinstance(read, Decimal)
    assert read.as_tuple() == number.as_tuple()
    assert b"e" not in encode(number).lower()


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_finite_decimal_keeps_its_value(number: Decimal) -> None:
    read = decode(encode(number))
    assert isinstance(read, (int, Decimal))
    assert Decimal(read) == number


@given(DOCUMENTS)
def test_any_document_comes_back_equal(document: Any) -> None:
    assert decode(encode(document)) == document


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_an_amount_passes_through_request_and_answer_unchanged(amount: Decimal) -> None:
    sent = encode(NewPrice(name="n", type="one_time", currency="USD", amount=amount).wire() | {"_id": "r1"})
    read = Price.model_validate(decode(sent)).amount
    assert read is not None
    assert (read, str(read)) == (amount, str(amount))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Decimal("1E+2"), b"100"),
        (Decimal("1E-8"), b"0.00000001"),
        (Decimal("10.00"), b"10.00"),
        (Decimal("-0.5"), b"-0.5"),
        (Decimal("1E+60"), b"1E+60"),
        (2**70, b"1180591620717411303424"),
        (0.1, b"0.1"),
        (True, b"true"),
    ],
)
def test_a_number_is_written_in_plain_digits(number: object, text: bytes) -> None:
    assert encode(number) == text


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan")])
def test_what_is_no_number_is_not_written_as_one(value: object) -> None:
    with pytest.raises(ValueError, match="JSON has no form for a number that is not finite"):
        encode({"amount": value})


def test_what_has_no_place_in_a_request_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no exact JSON form"):
        encode([object()])


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"a": 1', b"NaN", b'"\xff"', b"[" * 100_000])
def test_what_is_not_json_is_said_without_quoting_it(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not JSON$") as caught:
        decode(content)
    assert caught.value.__context__ is None
