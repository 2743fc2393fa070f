"""Amounts in words: major units, with the digits that their currency has."""

from decimal import ROUND_HALF_UP, Decimal

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.question import NOTHING_CHANGED
from ..products_api.models import Price

MONEY = ("amount", "compare_at_price", "setup_fee")
"""The fields of a price that are amounts."""
_DIGITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
"""Decimal digits of the currencies that do not have two (ISO 4217)."""


def digits(currency: str | None) -> int:
    """How many decimal digits amounts of the currency have."""
    return _DIGITS.get((currency or "").upper(), 2)


def rounded(amount: Decimal, currency: str | None, *, whole: bool = False) -> Decimal:
    """The amount with its currency's digits, or none; halves go up."""
    return amount.quantize(Decimal(1).scaleb(0 if whole else -digits(currency)), rounding=ROUND_HALF_UP)


def refuse_fractions(name: str, amount: Decimal | None, currency: str | None) -> None:
    """Refuse an amount with more decimals than its currency has: nobody knows what the API would make of it.

    Raises:
        ToolError: it has.
    """
    if amount is not None and currency and amount != rounded(amount, currency):
        raise ToolError(
            f"{name}: {amount:f} has more decimals than {currency} has ({digits(currency)}). {NOTHING_CHANGED} "
            "Amounts are in major units."
        )


def amount_text(amount: Decimal | None, currency: str | None) -> str:
    """An amount for a person, such as `1,299.00 USD`. Digits beyond the currency's are shown, never dropped."""
    if amount is None:
        return "no amount"
    places = max(digits(currency), -int(amount.normalize().as_tuple().exponent))
    return f"{amount:,.{places}f} {currency or ''}".rstrip()


def stock_and_price(price: Price) -> str:
    """A price in a line: name, amount, and what is left."""
    stock = ""
    if price.available_quantity is not None:
        stock = f", {price.available_quantity} in stock"
    return f"{price.name or price.id}: {amount_text(price.amount, price.currency)}{stock}"
