"""The states of calls that wait for a person's answer, sealed under the keys of the store.

Every process that shares the store can open them. That an answer counts once is the ledger's part, and so is how long
it counts: a state that is too old reaches the guard, which says so in words.
"""

import hashlib
from typing import TYPE_CHECKING

from mcp.server.request_state import (
    AESGCMRequestStateCodec,
    InvalidRequestState,
    RequestStateSecurity,
)

if TYPE_CHECKING:
    from ..guard.store import Store

_PURPOSE = b"hoopai-products-mcp request state 1"
_KEY_BYTES = 32
LIFETIME_SECONDS = 7 * 24 * 3600.0
"""How long a state opens at all; the plan it names expires much sooner."""


class StoreKeyCodec:
    """A codec whose keys are read from the store when the first state is sealed or opened, and followed there."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._keys: tuple[bytes, ...] = ()
        self._codec = AESGCMRequestStateCodec([bytes(_KEY_BYTES)])

    def seal(self, payload: bytes) -> str:
        """A token for the payload."""
        return self._with(self._store.open().keys.known()).seal(payload)

    def unseal(self, token: str) -> bytes:
        """The payload of a token.

        Raises:
            InvalidRequestState: the token was altered, or no process that shares the store has made it.
        """
        try:
            keys = self._store.open().keys
            codec = self._with(keys.known())
            try:
                return codec.unseal(token)
            except InvalidRequestState:
                # Perhaps another process has sealed it with a key that is newer than those known here.
                if not (others := keys.others()):
                    raise
        except InvalidRequestState:
            raise
        except Exception as error:
            raise InvalidRequestState("the store does not work") from error
        return self._with(others).unseal(token)

    def _with(self, keys: tuple[bytes, ...]) -> AESGCMRequestStateCodec:
        if keys != self._keys:
            self._codec = AESGCMRequestStateCodec([hashlib.sha256(_PURPOSE + key).digest() for key in keys])
            self._keys = keys
        return self._codec


def round_states(store: "Store") -> RequestStateSecurity:
    """How the server protects the states it hands out."""
    return RequestStateSecurity(codec=StoreKeyCodec(store), ttl=LIFETIME_SECONDS)
