"""Money keeps every digit on its way in, through the database and out."""

from decimal import Decimal

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sandbox_api import ALT, HERE, connected

from hoopai_products_mcp.sandbox.app import create_app
from hoopai_products_mcp.sandbox.exact_json import NotJsonError, decode, encode, plain_number

amounts = st.decimals(min_value=0, max_value=10**12, places=3)

BODY = HERE | {"name": "Plain", "type": "one_time", "currency": "USD"}


@settings(max_examples=60)
@given(amount=amounts, compare=amounts, fee=amounts)
@example(amount=Decimal("99.99"), compare=Decimal("0.1"), fee=Decimal("1200"))
@example(amount=Decimal("999999999999.999"), compare=Decimal("0"), fee=Decimal("0.003"))
def test_what_is_put_comes_back_digit_for_digit(amount: Decimal, compare: Decimal, fee: Decimal) -> None:
    async def there_and_back() -> None:
        async with connected(create_app(shop="empty", rate_limit=0)) as api:
            product = await api.product()
            price = await api.price(product["_id"])
            path = f"/products/{product['_id']}/price/{price['_id']}"
            money = {"amount": amount, "compareAtPrice": compare, "setupFee": fee}
            written = (await api.put(path, BODY | money)).body
            read = (await api.get(path, HERE)).body
            edited = {"_id": price["_id"], "amount": compare}
            await api.post(
                "/products/bulk-update/edit",
                ALT | {"products": [{"_id": product["_id"], "prices": [edited]}]},
            )
            again = (await api.get(path, HERE)).body
        assert [written[key] for key in money] == [read[key] for key in money] == [amount, compare, fee]
        assert again["amount"] == compare

    anyio.run(there_and_back)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (Decimal("99.99"), b"99.99"),
        (Decimal("1200.00"), b"1200"),
        (Decimal("1E+3"), b"1000"),
        (Decimal("0.00"), b"0"),
        (Decimal("-3.50"), b"-3.5"),
        (5, b"5"),
    ],
)
def test_numbers_are_written_plainly(number: Decimal | int, written: bytes) -> None:
    assert encode(plain_number(number)) == written


def test_integers_beyond_64_bits_are_written_too() -> None:
    value = {"a": [2**70, {"b": -(2**64)}, "text", 1]}
    assert decode(encode(value)) == value


@pytest.mark.parametrize("text", [b"", b"NaN", b"Infinity", b"{'a': 1}", b'"\\ud800"', b"\xc3\x28"])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(NotJsonError):
        decode(text)
