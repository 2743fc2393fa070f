"""The published keys of an issuer of tokens: kept, asked for anew, and not asked for because strangers want it so."""

import logging
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import jwt

log = logging.getLogger("hoopai_products_mcp.server")

FETCH_SECONDS = 5.0
"""For each step of asking; the whole may take twice as long."""
PAUSE_SECONDS = 5.0
"""After a failure the issuer is left alone for so long: a stranger's requests must not become as many of ours."""
AGAIN_SECONDS = 30.0
"""So often a key that is not known makes us ask, at most."""
KEPT_SECONDS = 3600.0
"""How long keys count before they are asked for again: a key that the issuer has withdrawn ends then."""
OUTAGE_SECONDS = 4 * 3600.0
"""How long they count while the issuer cannot be reached."""
_AT_ONCE = 4


class UnknownIssuerError(Exception):
    """The issuer does not say where its keys are."""


class IssuerKeys:
    """The keys of one issuer by their ids. `url` is where they are; None asks the issuer."""

    def __init__(self, issuer: str, url: str | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._set_url = url
        self._url = url
        self._clock = clock
        self._known: dict[str, jwt.PyJWK] = {}
        self._since = 0.0
        self._again_at = -1.0
        self._asking = anyio.Lock()
        self._limit = anyio.CapacityLimiter(_AT_ONCE)

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """The key of that id, if the issuer has it.

        Whoever has a key that is known waits for nobody, unless they are the first to find that it is old.
        """
        if self._is_due(kid) and not (self._asking.locked() and kid in self._known):
            async with self._asking:
                if self._is_due(kid):
                    await self._ask()
        return self._known.get(kid) if self._clock() - self._since < OUTAGE_SECONDS else None

    def _is_due(self, kid: str) -> bool:
        now = self._clock()
        return now >= self._again_at and (kid not in self._known or now - self._since >= KEPT_SECONDS)

    async def _ask(self) -> None:
        try:
            with anyio.fail_after(2 * FETCH_SECONDS):
                # A thread that an issuer keeps waiting byte by byte is left behind; there are few of them.
                known = await anyio.to_thread.run_sync(
                    self._published, abandon_on_cancel=True, limiter=self._limit
                )
        except Exception as error:
            # Whatever an issuer's document makes of the library that reads it: nothing is raised to strangers.
            self._again_at = self._clock() + PAUSE_SECONDS
            self._url = self._set_url
            so = "Those known before count for some hours" if self._known else "Nobody can be let in"
            log.warning("%s: the issuer's keys cannot be had. %s", so, error or type(error).__name__)
            return
        self._known, self._since = known, self._clock()
        self._again_at = self._since + AGAIN_SECONDS

    def _published(self) -> dict[str, jwt.PyJWK]:
        self._url = url = self._url or _jwks_url(self._issuer)
        keys = jwt.PyJWKSet.from_dict(_fetched(url)).keys
        return {key.key_id: key for key in keys if key.key_id and key.public_key_use in {"sig", None}}


def _fetched(url: str) -> dict[str, object]:
    """The JSON object at an address; redirects are not followed."""
    return jwt.PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_SECONDS).fetch_data()


def _jwks_url(issuer: str) -> str:
    """Where the issuer says its keys are (RFC 8414, and OpenID Connect Discovery 1.0).

    Raises:
        UnknownIssuerError: it does not say.
    """
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    root = f"{parts.scheme}://{parts.netloc}"
    for url in (
        f"{root}/.well-known/oauth-authorization-server{path}",
        f"{root}{path}/.well-known/openid-configuration",
    ):
        try:
            found = _fetched(url)
        except (jwt.PyJWKClientError, ValueError, OSError):
            continue
        where = found.get("jwks_uri")
        # Whoever answers for another issuer (RFC 8414, 3.3), or without encryption, is not asked for keys.
        same_scheme = isinstance(where, str) and urlsplit(where).scheme in {"https", parts.scheme}
        if same_scheme and found.get("issuer") == issuer:
            return cast("str", where)
    raise UnknownIssuerError("The issuer's metadata names none; HOOPAI_HTTP_JWKS_URL can.")
