"""The OAuth scopes that each tool needs, by the operations of the API that stand behind it."""

from ..products_api.operations import (
    COLLECTIONS_READ,
    OPERATIONS,
    PRICES_READ,
    PRICES_WRITE,
    PRODUCTS_READ,
    PRODUCTS_WRITE,
)
from .changes import JOURNAL
from .records import Risk, ToolRecord
from .workflows import WALK

_BY_OPERATION = {operation.name: operation.scopes for operation in OPERATIONS.values()}
_READING = (PRODUCTS_READ, PRICES_READ, COLLECTIONS_READ)


def needed_scopes(record: ToolRecord) -> tuple[str, ...]:
    """What a token needs for every call of a tool to work, sorted.

    A write reads before and after. Undoing needs what the change needed, whatever that was; its own needs are those of
    reading.
    """
    if record.operation == JOURNAL:
        found = _READING if record.undoes else ()
    elif record.operation == WALK:
        found = _READING if record.risk is Risk.READ else (*_READING, PRODUCTS_WRITE, PRICES_WRITE)
    else:
        scopes = _BY_OPERATION.get(record.operation, ())
        found = (*scopes, *(scope.replace(".write", ".readonly") for scope in scopes))
    return tuple(sorted(set(found)))
