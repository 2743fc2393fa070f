"""JSON in which a number keeps every digit it was written with: decimals become `Decimal`, never a float."""

from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

import msgspec

JsonObject: TypeAlias = dict[str, Any]

_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)
_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_LARGEST_NATIVE_INTEGER: Final = 2**63 - 1


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
    try:
        return _encoder.encode(value)
    except OverflowError:
        # msgspec writes integers of up to 64 bits; a free-form object may hold a larger one.
        return _encoder.encode(_with_decimal_integers(value))


def _with_decimal_integers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_decimal_integers(item) for key, item in cast("JsonObject", value).items()}
    if isinstance(value, list):
        return [_with_decimal_integers(item) for item in cast("list[Any]", value)]
    if isinstance(value, int) and abs(value) > _LARGEST_NATIVE_INTEGER:
        return Decimal(value)
    return value


def plain_number(value: Decimal | int) -> Decimal | int:
    """The same number without trailing zeros or an exponent: 1200.00 is 1200, 99.50 is 99.5."""
    number = Decimal(value).normalize() if value else Decimal(0)
    return int(number) if number == number.to_integral_value() else number
