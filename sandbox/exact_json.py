"""JSON in which a number keeps every digit it was written with: decimals become `Decimal`, never a float."""

from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

JsonObject: TypeAlias = dict[str, Any]

_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


class NotJsonError(ValueError):
    """The bytes are not one JSON document in UTF-8."""


def decode(data: bytes | str) -> Any:
    """Read one JSON document. Raises `NotJsonError`, also for NaN, Infinity and half a surrogate pair."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJsonError(str(error)) from error


def encode(value: Any) -> bytes:
    """Write one JSON document, decimals as plain numbers."""
    return _encoder.encode(value)


def plain_number(value: Decimal | int) -> Decimal | int:
    """The same number without trailing zeros or an exponent: 1200.00 is 1200, 99.50 is 99.5."""
    number = Decimal(value).normalize() if value else Decimal(0)
    return int(number) if number == number.to_integral_value() else number
