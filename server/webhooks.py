"""Webhooks of the platform: what changes a product or a price elsewhere becomes an update for subscribers here.

Nothing is taken from an event but which product it is about; whoever is told reads the shop anew. An event counts only
with a signature of the platform, once, and for five minutes. The platform documents six events (ProductCreate,
ProductUpdate, ProductDelete, and the same of Price), two signatures of the body (`x-ghl-signature`, Ed25519, and the
older `x-wh-signature`, RSA with SHA-256, both base64), and a `timestamp` and `webhookId` in every event. It does not
document where the name of the event stands, so the events are told apart by what they are about.
"""

import base64
import binascii
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..products_api.exact_json import decode
from ..tools.addresses import in_shop
from .command_parser import CommandError
from .event_book import LIFETIME_SECONDS
from .updates import about

PATH = "/webhooks"
LARGEST_EVENT = 1_000_000
"""Bytes. A product's description may be long; an event that is longer is none of a product."""
MOST_REMEMBERED = 10_000
"""Events within ten minutes, as far above what one shop makes as the API's allowance lets it change."""
_SMALLEST_RSA_KEY = 2048
_LARGEST_KEY_FILE = 100_000
_HERE_BEFORE = "The event was here before."
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)
_ED25519_HEADER, _RSA_HEADER = "x-ghl-signature", "x-wh-signature"


class RefusedError(Exception):
    """An event that does not count. Nobody was told of anything."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Keys:
    """The platform's public keys."""

    ed25519: tuple[Ed25519PublicKey, ...]
    rsa: tuple[RSAPublicKey, ...]

    @classmethod
    def read(cls, path: Path) -> "Keys":
        """The keys in a PEM file.

        Raises:
            CommandError: the file cannot be read, or has no key or another one than these two.
        """
        try:
            written = path.read_bytes()[:_LARGEST_KEY_FILE]
        except OSError as error:
            raise CommandError(f"the file of webhook keys cannot be read: {error.strerror}.") from None
        ed25519: list[Ed25519PublicKey] = []
        rsa: list[RSAPublicKey] = []
        for block in _PEM.findall(written):
            try:
                key = load_pem_public_key(block)
            except ValueError:
                key = None
            if isinstance(key, Ed25519PublicKey):
                ed25519.append(key)
            elif isinstance(key, RSAPublicKey) and key.key_size >= _SMALLEST_RSA_KEY:
                rsa.append(key)
            else:
                raise CommandError(
                    "the file of webhook keys has a key that is neither Ed25519 nor RSA of 2,048 bits."
                )
        if not ed25519 and not rsa:
            raise CommandError("the file of webhook keys has no public key (-----BEGIN PUBLIC KEY-----).")
        return cls(tuple(ed25519), tuple(rsa))

    def check(self, body: bytes, *, newer: str | None, older: str | None) -> None:
        """See that one of the keys has signed the body.

        The older signature counts only where the newer is not sent: one that is wrong is not made good by another.

        Raises:
            RefusedError: none has.
        """
        if newer is not None and self.ed25519:
            signed = any(_is_by_ed25519(key, newer, body) for key in self.ed25519)
        else:
            signed = older is not None and any(_is_by_rsa(key, older, body) for key in self.rsa)
        if not signed:
            raise RefusedError(401, "The event has no signature of the platform.")


def _is_by_ed25519(key: Ed25519PublicKey, signature: str, body: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), body)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _is_by_rsa(key: RSAPublicKey, signature: str, body: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), body, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


class Webhooks:
    """Receives events for the shops of a server.

    `shops` are their names by location id; a name is empty where there is one shop. `changed` is told the addresses of
    what an event is about, and its location. `is_new` is told of each event, with the addresses as they are where
    there is one shop, and says whether no other process had it before; None where there is no other.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        shops: Mapping[str, str],
        changed: Callable[[Iterable[str], str], Awaitable[None]],
        is_new: Callable[[str, str, list[str]], Awaitable[bool]] | None = None,
        clock: Callable[[], float] = time.time,
        most_remembered: int = MOST_REMEMBERED,
    ) -> None:
        self._keys = keys
        self._shops = shops
        self._changed = changed
        self._is_new = is_new
        self._clock = clock
        self._most_remembered = most_remembered
        self._seen: dict[str, float] = {}

    def routes(self) -> list[Route]:
        """Where events are posted to."""
        return [Route(PATH, self.receive, methods=["POST"])]

    async def receive(self, request: Request) -> Response:
        """Take one event."""
        try:
            body = await _body(request)
            self._keys.check(
                body, newer=request.headers.get(_ED25519_HEADER), older=request.headers.get(_RSA_HEADER)
            )
            event = _event(body)
            location = await self._count(event)
        except RefusedError as error:
            return JSONResponse({"error": str(error)}, status_code=error.status)
        if location is not None:
            with in_shop(self._shops[location]):
                await self._changed(_addresses(event), location)
        return Response(status_code=204)

    async def _count(self, event: dict[str, Any]) -> str | None:
        """Count an event, once; the location of the shop here that it is of, if there is one."""
        event_id = self._remember(event)
        named = event.get("locationId")
        location = named if isinstance(named, str) and named in self._shops else None
        # Of other locations too: it must not count again at another process.
        addresses = [] if location is None else _addresses(event)
        if self._is_new is not None and not await self._is_new(event_id, location or "", addresses):
            raise RefusedError(409, _HERE_BEFORE)
        return location

    def _remember(self, event: dict[str, Any]) -> str:
        """The id of an event. What is old, or was here before, is refused."""
        now = self._clock()
        if abs(now - _moment(event.get("timestamp"))) > LIFETIME_SECONDS:
            raise RefusedError(400, "The event is more than five minutes old, or of the future.")
        event_id = event.get("webhookId")
        if not isinstance(event_id, str) or not event_id:
            raise RefusedError(400, "The event has no webhookId, so it cannot be told from a repeated one.")
        # As long as one may come again: it may have been five minutes ahead when it came first.
        self._seen = {key: at for key, at in self._seen.items() if now - at <= 2 * LIFETIME_SECONDS}
        if event_id in self._seen:
            raise RefusedError(409, _HERE_BEFORE)
        if len(self._seen) >= self._most_remembered:
            raise RefusedError(503, "Too many events within ten minutes.")
        self._seen[event_id] = now
        return event_id


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_EVENT:
            raise RefusedError(413, "The event is too long.")
    return body


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = decode(body)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise RefusedError(400, "The event is not a JSON object.")
    return cast("dict[str, Any]", event)


def _moment(timestamp: object) -> float:
    try:
        moment = datetime.fromisoformat(str(timestamp))
    except ValueError:
        raise RefusedError(
            400, "The event has no timestamp in ISO 8601, so its age cannot be told."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _addresses(event: dict[str, Any]) -> list[str]:
    """The addresses of what an event is about: a price names its product, a product only itself."""
    thing_id, product_id = event.get("_id"), event.get("product")
    if isinstance(product_id, str) and product_id:
        return about("price", None, product_id)
    return about("product", thing_id, None) if isinstance(thing_id, str) and thing_id else []
