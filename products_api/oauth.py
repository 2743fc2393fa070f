"""OAuth 2.0 at the platform: from a code to tokens, from a refresh token to the next pair, from agency to location.

Access tokens live about a day. A refresh token is good once: each refresh gives a new pair, and the former one is
spent, so the new pair must be kept before anything else is done with it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from . import errors
from .credentials import Token
from .exact_json import decode
from .operations import (
    COLLECTIONS_READ,
    COLLECTIONS_WRITE,
    PRICES_READ,
    PRICES_WRITE,
    PRODUCTS_READ,
    PRODUCTS_WRITE,
    Operation,
)
from .refusals import error_of
from .replies import Reply

if TYPE_CHECKING:
    from .transport import AnyTransport, HttpTransport

DEFAULT_AUTHORIZE_URL: Final = "https://marketplace.gohighlevel.com/oauth/chooselocation"
"""The platform documents this address and, since May 2026, one with `/v2` before `/oauth`; white labels have hosts of
their own."""
SCOPES: Final = (
    PRODUCTS_READ,
    PRODUCTS_WRITE,
    PRICES_READ,
    PRICES_WRITE,
    COLLECTIONS_READ,
    COLLECTIONS_WRITE,
)
DEFAULT_LIFETIME_SECONDS: Final = 86_399
"""What the platform gives an access token; for an answer that does not say."""

_TOKEN = Operation("oauth_token", "POST", "/oauth/token", 200, ())
_LOCATION_TOKEN = Operation("oauth_location_token", "POST", "/oauth/locationToken", 200, ("oauth.write",))


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login gave.

    expires:
        of the access token, in seconds since 1970.
    refresh:
        None for the token of a location that was got from an agency's.
    user_type:
        `Location` or `Company`, which is an agency.
    """

    access: Token
    refresh: Token | None
    expires: float
    scope: str = ""
    user_type: str = "Location"
    location_id: str | None = None
    company_id: str | None = None

    @property
    def is_agency(self) -> bool:
        """Whether it is an agency's, from which tokens of its locations are got."""
        return self.user_type == "Company"


def authorize_url(base: str, *, client_id: str, redirect_uri: str, scopes: str, state: str) -> str:
    """The address at which a person lets the app in."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scopes,
        "state": state,
    }
    return f"{base}{'&' if '?' in base else '?'}{urlencode(query)}"


class OAuth:
    """The token endpoint, for one app."""

    def __init__(
        self,
        *,
        base_url: str,
        client_id: str,
        client_secret: Token,
        api_version: str,
        timeout: float,
        transport: "AnyTransport | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._api_version = api_version
        self._timeout = timeout
        self._given_transport = transport
        self._clock = clock
        self._transport: HttpTransport | None = None

    @property
    def timeout(self) -> float:
        """Seconds that one request may take."""
        return self._timeout

    async def aclose(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    async def exchange(self, code: Token, *, redirect_uri: str) -> Grant:
        """The first grant, for the code that came back from the person's browser.

        Raises:
            ProductsApiError: it was refused, or not answered.
        """
        fields = {"grant_type": "authorization_code", "redirect_uri": redirect_uri, "user_type": "Location"}
        return await self._granted(fields, {"code": code})

    async def refresh(self, grant: Grant) -> Grant:
        """The next grant in place of one; the former refresh token is spent with it.

        Raises:
            LoginEndedError: the refresh token is not good any more.
            ProductsApiError: it was not answered, or too many were asked for.
        """
        if grant.refresh is None:
            raise login_ended("It came without a refresh token.")
        fields = {"grant_type": "refresh_token", "user_type": grant.user_type}
        return await self._granted(fields, {"refresh_token": grant.refresh}, former=grant)

    async def location_grant(self, agency: Grant, location_id: str) -> Grant:
        """A grant for one location of an agency.

        Raises:
            ProductsApiError: the agency may not, or it was not answered.
        """
        fields = {"companyId": agency.company_id or "", "locationId": location_id}
        reply = await self._connections().send_form(
            _LOCATION_TOKEN, _LOCATION_TOKEN.path, fields, {}, agency.access
        )
        if not reply.succeeded:
            raise error_of(reply, _LOCATION_TOKEN)
        return self._read(reply, _LOCATION_TOKEN, None)

    async def _granted(
        self, fields: Mapping[str, str], secrets: Mapping[str, Token], *, former: Grant | None = None
    ) -> Grant:
        known = {**fields, "client_id": self._client_id}
        reply = await self._connections().send_form(
            _TOKEN, _TOKEN.path, known, {**secrets, "client_secret": self._client_secret}
        )
        if reply.succeeded:
            return self._read(reply, _TOKEN, former)
        error = error_of(reply, _TOKEN)
        if reply.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise login_ended(error.happened, status=reply.status, messages=error.messages)
        raise error

    def _read(self, reply: Reply, operation: Operation, former: Grant | None) -> Grant:
        told = _told(reply)
        access = told.get("access_token") or told.get("accessToken")
        if not isinstance(access, str) or Token(access).fault:
            raise errors.UnexpectedResponseError(
                operation,
                f"{operation.name} answered without a usable access token.",
                status=reply.status,
                outcome="unknown",
                next_step="Check that the base URL is the API's own address, then log in again.",
            )
        refresh = told.get("refresh_token") or told.get("refreshToken")
        lifetime = told.get("expires_in") or told.get("expiresIn")
        seconds = float(lifetime) if isinstance(lifetime, int | float | Decimal) else DEFAULT_LIFETIME_SECONDS
        return Grant(
            access=Token(access),
            refresh=Token(refresh)
            if isinstance(refresh, str) and refresh
            else former.refresh
            if former
            else None,
            expires=self._clock() + seconds,
            scope=str(told.get("scope") or (former.scope if former else "")),
            user_type=str(told.get("userType") or (former.user_type if former else "Location")),
            location_id=_text(told.get("locationId")) or (former.location_id if former else None),
            company_id=_text(told.get("companyId")) or (former.company_id if former else None),
        )

    def _connections(self) -> "HttpTransport":
        if self._transport is None:
            from .transport import HttpTransport

            self._transport = HttpTransport(
                base_url=self._base_url,
                headers={
                    "Version": self._api_version,
                    "Accept": "application/json",
                    "User-Agent": "hoopai-products-mcp",
                },
                timeout=self._timeout,
                transport=self._given_transport,
            )
        return self._transport


def login_command(shop: str = "") -> str:
    """What a person types to log in, for the shop of that name where there are several."""
    return "hoopai-products-mcp login" + (f" --shop {shop}" if shop else "")


def login_ended(
    why: str, *, shop: str = "", status: int | None = None, messages: tuple[str, ...] = ()
) -> errors.LoginEndedError:
    """The error of a login that cannot be used any more."""
    return errors.LoginEndedError(
        _TOKEN,
        f"The login at the platform does not work any more. {why}",
        next_step=f"Log in again: {login_command(shop)}",
        status=status,
        messages=messages,
    )


def not_logged_in(shop: str = "") -> errors.LoginEndedError:
    """The error of a server that nobody has logged in."""
    return errors.LoginEndedError(
        _TOKEN, "Nobody has logged in for this shop yet.", next_step=f"Log in: {login_command(shop)}"
    )


def _told(reply: Reply) -> dict[str, Any]:
    try:
        body = decode(reply.content)
    except ValueError:
        return {}
    return dict(body) if isinstance(body, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
