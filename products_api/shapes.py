"""The several shapes in which this API answers one and the same thing.

Records come bare or in an envelope, lists under varying keys, and the total of a list as a number
(prices, collections, reviews), an object (inventory) or a list with one object (products).
"""

from .exact_json import Json


def unwrap(value: Json, *envelopes: str) -> Json:
    """The record inside envelopes such as `{"product": {...}}` and `{"data": [{...}]}`, or the value itself."""
    value = _only_one(value)
    while isinstance(value, dict) and "_id" not in value:
        inside = (_only_one(value.get(key)) for key in envelopes)
        inner = next((item for item in inside if isinstance(item, dict)), None)
        if inner is None:
            break
        value = inner
    return value


def _only_one(value: Json) -> Json:
    """The only thing of a list of one: a record to be found by its id may come so."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def items_in(value: Json, *keys: str) -> list[Json] | None:
    """The list inside an answer, under the first of the keys that holds one; None when there is none."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        for key in keys:
            if key in value:
                found = value[key]
                return found if isinstance(found, list) else [] if found is None else None
    return None


def total_in(value: Json) -> int | None:
    """The total of a list from any of its shapes: 20, {"total": 20}, [{"total": 20}]; None when not told."""
    if isinstance(value, dict):
        return total_in(value.get("total"))
    if isinstance(value, list):
        return total_in(value[0]) if value else None
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = int(value)
    except ValueError:
        return None
    return number if number >= 0 else None
