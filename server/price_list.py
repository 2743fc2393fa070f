"""A price list as somebody pastes it: what each line names, and which amount it asks for.

Nothing is guessed: an amount that could be two numbers is none, and so is one of several.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

MOST_LINES = 200
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
_CODE = (
    "AED|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|KRW|KWD|MAD|MXN|MYR|NGN|"
    "NOK|NZD|PEN|PHP|PKR|PLN|RON|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR"
)
"""What is taken for a currency; three other capitals may as well be a part of a name."""
_UNIT = f"{_CODE}|[$€£¥₹]"
_MONEY = rf"(?:(?P<before>{_UNIT})\s?)?(?P<sign>-)?(?P<number>\d(?:[\d.,'\u00a0\u202f]*\d)?)(?:\s?(?P<after>{_UNIT}))?"
_CELL = re.compile(_MONEY)
_AT_THE_END = re.compile(rf"(?<![^\s:=])(?:{_MONEY})$")
_ENDS_IN_A_NUMBER_WITH_COMMAS = re.compile(rf"(?:^|[\s$€£¥₹])\d[\d,.']*,\d+(?:\.\d+)?\s?(?:{_UNIT})?$")
_PERHAPS_ONE_NUMBER = re.compile(r"\d+,\d{1,2}$")
"""Two cells of a table, or a decimal comma."""
_DELIMITERS = "\t;|"
_AROUND = " \t\"':;,=-–—"

_PLAIN = re.compile(r"\d+(?:[.,]\d{1,2})?")
_GROUPED = re.compile(
    r"(?P<whole>\d{1,3}(?P<group>[.,'\u00a0\u202f])\d{3}(?:(?P=group)\d{3})*)(?:(?!(?P=group))[.,](?P<rest>\d{1,2}))?"
)
_HALF_CLEAR = re.compile(r"\d{1,3}[.,]\d{3}")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line. `labels` are the texts that may name a product; `amount` is None where `unclear` says why."""

    number: int
    text: str
    labels: tuple[str, ...]
    amount: Decimal | None = None
    currency: str | None = None
    unclear: str | None = None


def read_lines(text: str) -> tuple[list[Line], int]:
    """The lines that say something, and how many there are beyond the first 200. A line of headings is left out."""
    said = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    shown = said[:MOST_LINES]
    delimiter = _delimiter([line for _, line in shown])
    if delimiter is None:
        lines = [_free(number, line) for number, line in shown]
    else:
        cells = [(number, line, _cells(line, delimiter)) for number, line in shown]
        headings = cells[0][2] if len(cells) > 1 and not any(map(_CELL.fullmatch, cells[0][2])) else []
        lines = [
            _delimited(number, line, found, _amount_column(headings) if len(found) == len(headings) else None)
            for number, line, found in cells[bool(headings) :]
        ]
    return lines, len(said) - len(shown)


def _delimiter(lines: Sequence[str]) -> str | None:
    """What stands between the cells of a table; None where the lines are no table."""
    for delimiter in _DELIMITERS:
        if sum(delimiter in line for line in lines) * 2 > len(lines):
            return delimiter
    if any(map(_ENDS_IN_A_NUMBER_WITH_COMMAS.search, lines)):
        return None
    tables = sum(any(map(_CELL.fullmatch, _cells(line, ",")[1:])) for line in lines)
    return "," if tables * 2 > len(lines) else None


def _cells(line: str, delimiter: str) -> list[str]:
    rows = list(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
    return [cell.strip() for cell in rows[0]] if rows else []


def _amount_column(headings: Sequence[str]) -> int | None:
    """Which column holds the new amounts, if the headings say it."""
    for word in ("new", "price", "amount"):
        columns = [place for place, heading in enumerate(headings) if word in heading.casefold()]
        if len(columns) == 1:
            return columns[0]
    return None


def _delimited(number: int, text: str, cells: Sequence[str], column: int | None) -> Line:
    # The first cell names the product, also where it looks like a number.
    money = [place for place, cell in enumerate(cells) if place and _CELL.fullmatch(cell)]
    labels = tuple(
        cell
        for place, cell in enumerate(cells)
        if cell and place not in money and not re.fullmatch(_CODE, cell)
    )
    if column in money:
        money = [column]
    if len(money) != 1:
        why = f"it has {len(money)} amounts" if money else "it has no amount"
        return Line(number=number, text=text, labels=labels, unclear=why)
    close = _PERHAPS_ONE_NUMBER.search(text)
    if close and money[0] == len(cells) - 1 and cells[-1].isdigit():
        return Line(number=number, text=text, labels=labels, unclear=f"{close[0]} could be one number")
    codes = [cell for cell in cells[1:] if re.fullmatch(_CODE, cell)]
    currency = codes[0] if len(codes) == 1 else None
    return _with_amount(number, text, labels, _CELL.fullmatch(cells[money[0]]), currency)


def _free(number: int, text: str) -> Line:
    found = _AT_THE_END.search(text)
    label = text[: found.start()] if found else text
    return _with_amount(number, text, (label.strip(_AROUND),), found, None)


def _with_amount(
    number: int, text: str, labels: tuple[str, ...], found: re.Match[str] | None, currency: str | None
) -> Line:
    if found is None:
        return Line(number=number, text=text, labels=labels, unclear="it has no amount at its end")
    unit = found["before"] or found["after"]
    amount = None if found["sign"] else _decimal(found["number"])
    why = "the amount is negative" if found["sign"] else f"{found['number']} could be two numbers"
    return Line(
        number=number,
        text=text,
        labels=labels,
        amount=amount,
        currency=_SIGNS.get(unit, unit) if unit else currency,
        unclear=why if amount is None else None,
    )


def _decimal(written: str) -> Decimal | None:
    """The number, where only one can be meant."""
    if _HALF_CLEAR.fullmatch(written):
        return None  # 1,234 and 1.234 are thousands to some, and decimals to others
    if _PLAIN.fullmatch(written):
        return Decimal(written.replace(",", "."))
    if grouped := _GROUPED.fullmatch(written):
        digits = re.sub(r"\D", "", grouped["whole"])
        return Decimal(f"{digits}.{grouped['rest']}" if grouped["rest"] else digits)
    return None
