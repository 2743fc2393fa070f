"""Confirmation tokens: the second step where a client cannot put a question to a person.

A token names one plan and carries a digest of all that it is bound to, under authenticated encryption (AES-256-GCM).
That it is used once is the ledger's part. It is short, for a model has to repeat it letter by letter.
"""

import base64
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..products_api.exact_json import encode

_PREFIX = "confirm-"
_PURPOSE = b"hoopai-products-mcp confirmation token 1"
_NONCE = 12
_DIGEST = 16
_TAG = 16


class InvalidTokenError(Exception):
    """The text is no token that this server's store has sealed, or is bound to another plan or call."""


def binding_digest(*parts: str) -> bytes:
    """One digest for everything that a token is bound to; the order of the parts counts."""
    return hashlib.sha256(encode(list(parts))).digest()[:_DIGEST]


def seal(keys: Sequence[bytes], plan_id: str, digest: bytes) -> str:
    """A token for a plan; `keys[0]` seals."""
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(_key(keys[0])).encrypt(nonce, digest + plan_id.encode(), _PURPOSE)
    return _PREFIX + _written(nonce + sealed)


def unseal(keys: Sequence[bytes], token: str) -> tuple[str, bytes]:
    """The id of the plan and the digest of what the token is bound to; every key may have sealed it.

    Raises:
        InvalidTokenError: it was altered, or made up, or sealed elsewhere.
    """
    text = token.strip().removeprefix(_PREFIX)
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise InvalidTokenError from None
    # Several texts decode to the same bytes; only the one that was given out counts.
    if len(raw) <= _NONCE + _TAG + _DIGEST or _written(raw) != text:
        raise InvalidTokenError
    for key in keys:
        try:
            opened = AESGCM(_key(key)).decrypt(raw[:_NONCE], raw[_NONCE:], _PURPOSE)
        except InvalidTag:
            continue
        return opened[_DIGEST:].decode(), opened[:_DIGEST]
    raise InvalidTokenError


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _key(secret: bytes) -> bytes:
    """A key for this purpose alone, so that nothing sealed for another opens as a token."""
    return hashlib.sha256(_PURPOSE + secret).digest()
