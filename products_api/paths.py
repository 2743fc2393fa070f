"""Paths in which an id is always exactly one segment.

An id comes from a model's argument and, unescaped, `../x` would make DELETE /products/{id} delete
something else altogether. So each id is checked, then percent-encoded whole. The checks refuse more
than encoding would need (`%2e%2e`, `a/b`, spaces), because proxies and frameworks on the way may
decode twice.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from .errors import InvalidIdentifierError
from .operations import Operation

LONGEST_IDENTIFIER = 128

_KINDS = {
    "productId": "product id",
    "priceId": "price id",
    "storeId": "store id",
    "collectionId": "collection id",
    "reviewId": "review id",
}

# GET /products/{productId} takes a slug as well and shares its namespace with other routes, so a
# product with one of these slugs cannot be reached by it.
_RESERVED = {
    "productId": frozenset({"inventory", "collections", "reviews", "store", "bulk-update"}),
    "reviewId": frozenset({"count", "bulk-update"}),
}


def fill(operation: Operation, ids: Mapping[str, str]) -> str:
    """The operation's path with each placeholder replaced by its id, checked and percent-encoded.

    Raises:
        InvalidIdentifierError: an id that is empty, overlong, reserved, or not one plain segment.
    """
    path = operation.path
    for placeholder, value in ids.items():
        kind = _KINDS[placeholder]
        check_identifier(operation, kind, value)
        # Routes are commonly matched without regard to case.
        if value.lower() in _RESERVED.get(placeholder, frozenset()):
            raise InvalidIdentifierError(
                operation, kind, f"{value!r} is a part of the API's own addresses, not a {kind}"
            )
        path = path.replace(f"{{{placeholder}}}", quote(value, safe=""))
    return path


def check_identifier(operation: Operation, kind: str, value: str) -> None:
    """Refuse what cannot be an id or slug.

    Raises:
        InvalidIdentifierError: with the reason in words.
    """
    reason = fault_in(value)
    if reason:
        raise InvalidIdentifierError(operation, kind, reason)


def comma_joined(operation: Operation, kind: str, values: Sequence[str] | None) -> str | None:
    """Ids in the one comma-separated string that some parameters want; None for None.

    Raises:
        InvalidIdentifierError: an id is no id, or has a comma and would count as two.
    """
    if values is None:
        return None
    for value in values:
        check_identifier(operation, kind, value)
        if "," in value:
            raise InvalidIdentifierError(operation, kind, "it contains a comma")
    return ",".join(values)


def fault_in(value: str) -> str | None:
    """Why a text cannot be an id or slug; None when it can."""
    if not value:
        return "it is empty"
    if len(value) > LONGEST_IDENTIFIER:
        return f"it is longer than {LONGEST_IDENTIFIER} characters"
    if not value.strip("."):
        return "it consists of dots only"
    for character in "/\\%?#":
        if character in value:
            return f"it contains {character!r}"
    # What cannot be printed: all other spaces and separators; control, invisible, surrogate and unassigned characters.
    if " " in value or not value.isprintable():
        return "it contains a space or an invisible character"
    return None
