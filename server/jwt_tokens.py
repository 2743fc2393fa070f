"""Tokens of an OAuth 2.1 authorization server: JWTs for this very server, checked with the issuer's published keys."""

import logging
from typing import Any, cast

import jwt
from mcp.server.auth.provider import AccessToken

from .http_values import SHOPS_CLAIM, Scopes, TokenShops
from .issuer_keys import IssuerKeys

log = logging.getLogger("hoopai_products_mcp.server")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those in which only the issuer can sign. With a shared secret, or none, whoever checks could make tokens as well."""
LEEWAY_SECONDS = 10
"""How far the issuer's clock may be ahead of ours."""
_LONGEST_NAME = 256
_NEEDED = ("exp", "iss", "aud", "sub")


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
        self._keys = IssuerKeys(issuer, jwks_url)

    async def verify_token(self, token: str) -> AccessToken | None:
        """The caller that a token is for, or None for one that is not good here."""
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS or not isinstance(header.get("kid"), str):
                return None
            key = await self._keys.find(header["kid"])
            if key is None:
                log.info("A token was refused: the issuer has no key for it")
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
