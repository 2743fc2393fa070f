"""A pasted price list is read for what it says, and where it could say two things, for none."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoopai_products_mcp.server.price_list import MOST_LINES, Line, read_lines


def only(text: str) -> Line:
    ((line,), beyond) = read_lines(text)
    assert beyond == 0
    return line


@pytest.mark.parametrize(
    ("text", "labels", "amount", "currency"),
    [
        ("Storm lantern 64", ["Storm lantern"], "64", None),
        ("Storm lantern - 64 USD", ["Storm lantern"], "64", "USD"),
        ("Paper moon lamp 30 cm   38", ["Paper moon lamp 30 cm"], "38", None),
        ("Heather honey: $11.40", ["Heather honey"], "11.40", "USD"),
        ("Gift card EUR 1.234,50", ["Gift card"], "1234.50", "EUR"),
        ("Gift card 1'234.50 CHF", ["Gift card"], "1234.50", "CHF"),
        ("Machine 1,234,567.89", ["Machine"], "1234567.89", None),
        ("ML-001-01 24,50€", ["ML-001-01"], "24.50", "EUR"),
        ("Lantern / Brass = 70", ["Lantern / Brass"], "70", None),
        ("Free thing 0", ["Free thing"], "0", None),
        ("Tea SET 12", ["Tea SET"], "12", None),
        ("10023;Tea;9,25", ["10023", "Tea"], "9.25", None),
        ('"Tea; black";9,25 EUR', ["Tea; black"], "9.25", "EUR"),
        ("ML-1\t\t19.90\tUSD", ["ML-1"], "19.90", "USD"),
        ("Moth socks,13.50,USD", ["Moth socks"], "13.50", "USD"),
    ],
)
def test_a_line_names_something_and_an_amount(
    text: str, labels: list[str], amount: str, currency: str | None
) -> None:
    line = only(text)
    assert (list(line.labels), line.amount, line.currency, line.unclear) == (
        labels,
        Decimal(amount),
        currency,
        None,
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Flask 1,234", "1,234 could be two numbers"),
        ("Flask 1.234", "1.234 could be two numbers"),
        ("Flask 24.9999", "24.9999 could be two numbers"),
        ("Flask -5.00", "the amount is negative"),
        ("A-1;-5.00", "the amount is negative"),
        ("Flask", "it has no amount at its end"),
        ("Flask,19,90", "it has 2 amounts"),
        ("123,456", "123,456 could be two numbers"),
        ("Lamp19,90", "19,90 could be one number"),
        ("A;12;24.50", "it has 2 amounts"),
        ("A;b", "it has no amount"),
    ],
)
def test_an_amount_that_is_not_clear_is_none(text: str, why: str) -> None:
    line = only(text)
    assert line.amount is None
    assert line.unclear == why


def test_headings_say_which_column_is_meant() -> None:
    lines, _ = read_lines("SKU,Old price,New price,Stock\nA-1,20.00,24.50,3\nA-2,1,2\n")
    assert [(line.number, line.labels, line.amount, line.unclear) for line in lines] == [
        (2, ("A-1",), Decimal("24.50"), None),
        (3, ("A-2",), None, "it has 2 amounts"),
    ]


def test_a_long_list_is_cut_and_the_rest_counted() -> None:
    lines, beyond = read_lines("\n\n".join(f"Item {number}: 5.00" for number in range(MOST_LINES + 30)))
    assert (len(lines), beyond) == (MOST_LINES, 30)
    assert lines[1].number == 3


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    lines, beyond = read_lines(text)
    assert beyond == 0
    assert all((line.amount is None) is (line.unclear is not None) for line in lines)


AMOUNTS = st.decimals(0, 999, places=2) | st.integers(0, 10**6).map(Decimal)


@given(AMOUNTS, st.sampled_from(["{}", "{} USD", "${}", "EUR {}"]), st.booleans())
def test_a_plain_amount_is_read_to_the_digit(amount: Decimal, form: str, comma: bool) -> None:
    written = str(amount).replace(".", ",") if comma else str(amount)
    assert only(f"Moss lamp  {form.format(written)}").amount == amount
    assert only(f"M-1\t{form.format(written)}").amount == amount
