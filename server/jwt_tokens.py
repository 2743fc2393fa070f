"""Tokens of an OAuth 2.1 authorization server: JWTs for this very server, checked with the issuer's published keys."""

import logging
import time
from functools import cached_property
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import jwt
from mcp.server.auth.provider import AccessToken

from .http_values import SHOPS_CLAIM, Scopes, TokenShops

log = logging.getLogger("hoopai_products_mcp.server")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those in which only the issuer can sign. With a shared secret, or none, whoever checks could make tokens as well."""
LEEWAY_SECONDS = 10
"""How far the issuer's clock may be ahead of ours."""
FETCH_SECONDS = 5.0
PAUSE_SECONDS = 5.0
"""After a failure the issuer is left alone for so long: a stranger's requests must not become as many of ours."""
KEPT_SECONDS = 3600.0
"""How long keys are kept; one that is not among them is looked for at once, at most every 30 seconds."""
_AT_ONCE = 4
_LONGEST_NAME = 256
_NEEDED = ("exp", "iss", "aud", "sub")


class UnknownIssuerError(Exception):
    """The issuer does not say where its keys are."""


class JwtVerifier:
    """Lets in whoever has a JWT of the issuer for this server.

    resource:
        the address of this server, which has to be the token's audience.
    jwks_url:
        where the issuer's keys are; None asks the issuer.
    shops:
        how a token says which shops it is good for; None where there is one.
    """

    def __init__(
        self,
        *,
        issuer: str,
        resource: str,
        scopes: Scopes,
        jwks_url: str | None = None,
        shops: TokenShops | None = None,
    ) -> None:
        self._shops = shops
        self._issuer = issuer
        self._resource = resource
        self._scopes = scopes
        self._jwks_url = jwks_url
        self._limit = anyio.CapacityLimiter(_AT_ONCE)
        self._again_at = 0.0

    async def verify_token(self, token: str) -> AccessToken | None:
        """The caller that a token is for, or None for one that is not good here."""
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS or not isinstance(header.get("kid"), str):
                return None
            key = await anyio.to_thread.run_sync(self._key, header["kid"], limiter=self._limit)
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=[self._resource, f"{self._resource}/"],
                leeway=LEEWAY_SECONDS,
                options={"require": list(_NEEDED)},
            )
        except jwt.PyJWTError as error:
            log.info("A token was refused: %s", type(error).__name__)
            return None
        return self._caller(token, claims)

    def _caller(self, token: str, claims: dict[str, Any]) -> AccessToken | None:
        subject = claims["sub"]
        client = next((claims[name] for name in ("client_id", "azp", "cid") if claims.get(name)), "")
        if not (_is_name(subject) and (client == "" or _is_name(client))):
            log.warning("A token was refused: its subject or client cannot stand in the journal")
            return None
        return AccessToken(
            token=token,
            client_id=client,
            subject=subject,
            scopes=sorted(self._scopes.granted(_scopes_in(claims))),
            expires_at=int(claims["exp"]),
            resource=self._resource,
            claims={"iss": claims["iss"], **self._shops_in(claims)},
        )

    def _shops_in(self, claims: dict[str, Any]) -> dict[str, list[str]]:
        """The shops that a token names. One that names none is good for none."""
        if self._shops is None or self._shops.way == "all":
            return {}
        word = self._shops.word
        if self._shops.way == "claim":
            return {SHOPS_CLAIM: sorted(_texts(claims.get(word)))}
        named = (scope.removeprefix(word) for scope in _scopes_in(claims) if scope.startswith(word))
        return {SHOPS_CLAIM: sorted(named)}

    def _key(self, kid: str) -> jwt.PyJWK | None:
        """The issuer's key of that id."""
        if time.monotonic() < self._again_at:
            return None
        try:
            return self._keys.get_signing_key(kid)
        except (jwt.PyJWKClientConnectionError, UnknownIssuerError) as error:
            self._again_at = time.monotonic() + PAUSE_SECONDS
            log.warning("Nobody can be let in: the issuer's keys cannot be had. %s", error)
            return None
        except (jwt.PyJWTError, ValueError) as error:
            log.info("A token was refused: there is no key for it (%s)", type(error).__name__)
            return None

    @cached_property
    def _keys(self) -> jwt.PyJWKClient:
        url = self._jwks_url or _jwks_url(self._issuer)
        return jwt.PyJWKClient(url, lifespan=KEPT_SECONDS, timeout=FETCH_SECONDS)


def _is_name(value: object) -> bool:
    """Whether a claim can be part of a caller's name."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_NAME
        and value.isprintable()
        and not any(character.isspace() for character in value)
    )


def _scopes_in(claims: dict[str, Any]) -> frozenset[str]:
    """The scopes of a token: `scope` as RFC 9068 has it, or `scp`, as text or a list."""
    found: set[str] = set()
    for name in ("scope", "scp"):
        found |= _texts(claims.get(name))
    return frozenset(found)


def _texts(value: object) -> set[str]:
    """The words of a claim: text with spaces between, or a list."""
    if isinstance(value, str):
        return set(value.split())
    if isinstance(value, list):
        return {word for word in cast("list[object]", value) if isinstance(word, str)}
    return set()


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
            # Not keys yet, but what is wanted of the request is the same: no redirects, and a JSON object.
            found = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_SECONDS).fetch_data()
        except (jwt.PyJWKClientError, ValueError):
            continue
        where = found.get("jwks_uri")
        # Whoever answers for another issuer (RFC 8414, 3.3), or without encryption, is not asked for keys.
        same_scheme = isinstance(where, str) and urlsplit(where).scheme in {"https", parts.scheme}
        if same_scheme and found.get("issuer") == issuer:
            return cast("str", where)
    raise UnknownIssuerError("The issuer's metadata names none; HOOPAI_HTTP_JWKS_URL can.")
