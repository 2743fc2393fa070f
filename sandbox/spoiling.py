"""Right answers of which something is lost: the second half, or all that is said of things but their ids."""

from typing import Any, Final, cast

from .exact_json import decode, encode
from .faults import FaultKind

SPOILING: Final = frozenset({FaultKind.TRUNCATED, FaultKind.NULLS, FaultKind.FIELDS_MISSING})
_IDS: Final = frozenset({"_id", "id"})


def spoilt(body: bytes, kind: FaultKind) -> bytes:
    """What is left of the JSON of an answer; an empty answer stays empty."""
    if kind is FaultKind.TRUNCATED:
        return body[: len(body) // 2]
    return encode(_spoilt(decode(body), nulls=kind is FaultKind.NULLS)) if body else body


def _spoilt(value: Any, *, nulls: bool) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        kept = [
            key for key, inner in fields.items() if nulls or key in _IDS or isinstance(inner, dict | list)
        ]
        return {key: fields[key] if key in _IDS else _spoilt(fields[key], nulls=nulls) for key in kept}
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [_spoilt(each, nulls=nulls) for each in items if nulls or isinstance(each, dict | list)]
    return None
