"""Request states that are good for one round.

From protocol revision 2026-07-28 on, a question ends the round, and the answer comes with a sealed state that the
client gives back. The SDK seals it to the tool, its arguments and the caller, but the same answer sent again would
do the deed again: that a state is used once is left to the server.
"""

import os
import time
from collections.abc import Callable
from hashlib import sha256

from mcp.server.request_state import (
    AESGCMRequestStateCodec,
    InvalidRequestState,
    RequestStateCodec,
    RequestStateSecurity,
)

LIFETIME_SECONDS = 600.0
"""How long a person has to answer; the shop is read again afterwards, whatever they say."""


class SingleUseCodec:
    """A codec that opens each token once.

    What was opened is remembered for as long as it would be valid, and only here: the key belongs to this process
    too, so no other can open the token.
    """

    def __init__(
        self,
        codec: RequestStateCodec,
        *,
        lifetime: float = LIFETIME_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._codec = codec
        self._lifetime = lifetime
        self._clock = clock
        self._opened: dict[bytes, float] = {}

    def seal(self, payload: bytes) -> str:
        """A token for the payload."""
        return self._codec.seal(payload)

    def unseal(self, token: str) -> bytes:
        """The payload of a token that was not opened before.

        Raises:
            InvalidRequestState: the token was opened before, or this process did not make it.
        """
        payload = self._codec.unseal(token)
        now = self._clock()
        for digest in [known for known, until in self._opened.items() if until < now]:
            del self._opened[digest]
        digest = sha256(token.encode()).digest()
        if digest in self._opened:
            raise InvalidRequestState("used before")
        self._opened[digest] = now + self._lifetime
        return payload


def single_use_states() -> RequestStateSecurity:
    """How the server protects the states it hands out: sealed under a key of this process, each good for once."""
    codec = SingleUseCodec(AESGCMRequestStateCodec([os.urandom(32)]))
    return RequestStateSecurity(codec=codec, ttl=LIFETIME_SECONDS)
