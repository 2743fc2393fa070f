"""JSON in which money stays exact.

Python's own decoder turns 19.99 into a binary float, and 19.99 * 100 is then not 1999. Here every
number with a fraction or an exponent becomes a Decimal, and a Decimal is written as a plain JSON
number; no float exists in between.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias, cast

import msgspec

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | Decimal | bool | None"

# Prices and quantities are far smaller; beyond this an exponent is the readable way.
_LONGEST_PLAIN_NUMBER = 40

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode(content: bytes) -> Json:
    """The value of a JSON text.

    Raises:
        ValueError: the content is not JSON.
    """
    try:
        return cast(Json, _decoder.decode(content))
    except (ValueError, RecursionError):
        # Not chained: the library's message quotes the content.
        pass
    raise ValueError("not JSON")


def encode(value: object) -> bytes:
    """Compact JSON of dicts, lists, texts, numbers, booleans and None.

    Raises:
        ValueError: a number that is not finite.
        TypeError: anything else that has no place in a request.
    """
    return _encoder.encode(_plain(value))


def _plain(value: object) -> object:
    match value:
        case None | bool() | str():
            return value
        case int():
            # The encoder itself stops at 64 bits.
            return msgspec.Raw(str(value).encode())
        case Decimal():
            return msgspec.Raw(_digits(value).encode())
        case float():
            # Only free-form parts of a request (the conditions of a collection) can still hold one;
            # its shortest text is the number the caller wrote.
            return msgspec.Raw(_digits(Decimal(repr(value))).encode())
        case Mapping():
            return {str(key): _plain(item) for key, item in cast(Mapping[object, object], value).items()}
        case Sequence():
            return [_plain(item) for item in cast(Sequence[object], value)]
        case _:
            raise TypeError(f"{type(value).__name__} has no exact JSON form")


def _digits(number: Decimal) -> str:
    if not number.is_finite():
        raise ValueError("JSON has no form for a number that is not finite")
    plain = abs(number.adjusted()) <= _LONGEST_PLAIN_NUMBER
    return format(number, "f") if plain else str(number)
