"""The access token of an OAuth login: renewed before it expires and when it was refused, by one task of one process.

A refresh token is good once, and the token endpoint takes few requests a minute. So whoever renews has taken the turn
in the store, the new pair is kept before it is used, and everybody else takes over what was kept.
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from ..products_api import errors
from ..products_api.credentials import Token
from ..products_api.oauth import OAuth, login_ended, not_logged_in
from ..products_api.operations import Operation

if TYPE_CHECKING:
    from ..guard.logins import Logins
    from ..guard.store import Store
    from ..products_api.oauth import Grant

EARLY_SECONDS = 60.0
"""A token that expires this soon is renewed first: the request and a slow clock need some of it."""
TURN_SECONDS = 90.0
"""How long one process may take to renew before another tries: longer than any request to the token endpoint."""
PATIENCE_SECONDS = 30.0
"""How long a call waits for somebody else's renewal, or for the token endpoint's limit."""
LOOK_SECONDS = 0.1
ENDED_SECONDS = 60.0
"""How long the platform is not asked again for a login that it has refused: it takes few requests, and the next login
needs one. Refused in passing, the login works again then."""
MOST_A_MINUTE = 5
"""What the platform says of its token endpoint."""

_LOGIN = Operation("oauth_token", "POST", "/oauth/token", 200, ())

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class _Ended:
    """A login that the platform has refused, and until when it is not asked again."""

    grant: "Grant | None"
    error: errors.LoginEndedError
    until: float


class OAuthAccess:
    """The tokens of one app for one location, or of an agency from which the location's are got."""

    def __init__(
        self,
        oauth: OAuth,
        store: "Store",
        *,
        name: str,
        location_id: str,
        clock: Callable[[], float] = time.time,
        sleep: Sleep | None = None,
    ) -> None:
        self._oauth = oauth
        self._store = store
        self._name = name
        self._location_id = location_id
        self._clock = clock
        self._sleep = sleep or anyio.sleep
        self._holder = secrets.token_hex(8)
        self._turn = anyio.Lock()
        self._grant: Grant | None = None
        self._ended: dict[str, _Ended] = {}

    async def token(self, operation: Operation) -> Token:
        """A token that is good for a while."""
        grant = self._grant
        if grant is None or self._expires_soon(grant):
            grant = await self._renewed(None, operation)
        return grant.access

    async def renewed(self, refused: Token, operation: Operation) -> Token | None:
        """Another token than the one that was refused."""
        return (await self._renewed(refused, operation)).access

    def _expires_soon(self, grant: "Grant") -> bool:
        return grant.expires - self._clock() < EARLY_SECONDS

    async def _renewed(self, refused: Token | None, operation: Operation) -> "Grant":
        """The grant of the location that is not the refused one, got anew if need be."""
        async with self._turn:
            # Whoever waited for the turn finds what was done in it.
            grant = self._grant
            if grant is None or grant.access == refused or self._expires_soon(grant):
                self._grant = grant = await self._of_location(refused, operation)
            return grant

    async def _of_location(self, refused: Token | None, operation: Operation) -> "Grant":
        login = await self._kept(self._name)
        if login is None:
            raise not_logged_in()
        if not login.is_agency:
            if login.location_id not in {None, self._location_id}:
                raise login_ended("It is for another location than HOOPAI_LOCATION_ID.")
            return await self._fresh(self._name, login, refused, operation, self._oauth.refresh)
        name = f"{self._name} {self._location_id}"

        async def of_agency(_: "Grant | None") -> "Grant":
            agency = await self._fresh(self._name, login, None, operation, self._oauth.refresh)
            try:
                return await self._oauth.location_grant(agency, self._location_id)
            except errors.BadTokenError:
                agency = await self._fresh(self._name, agency, agency.access, operation, self._oauth.refresh)
                return await self._oauth.location_grant(agency, self._location_id)

        return await self._fresh(name, await self._kept(name), refused, operation, of_agency)

    async def _fresh(
        self,
        name: str,
        grant: "Grant | None",
        refused: Token | None,
        operation: Operation,
        renew: "Callable[[Any], Awaitable[Grant]]",
    ) -> "Grant":
        """The kept grant if it is good, else the one that this or another process renews it to."""
        until = self._clock() + PATIENCE_SECONDS
        while True:
            if grant is not None and grant.access != refused and not self._expires_soon(grant):
                return grant
            if await self._logins(lambda logins: logins.claim(name, self._holder, TURN_SECONDS)):
                break
            if self._clock() >= until:
                raise errors.RateLimitedError(
                    operation,
                    "Another process is renewing the login and has not come to an end.",
                    next_step="Try again in a minute.",
                    retryable=True,
                )
            await self._sleep(LOOK_SECONDS)
            grant = await self._kept(name)
        try:
            # Renewed by whoever had the turn just before?
            grant = await self._kept(name)
            if grant is not None and grant.access != refused and not self._expires_soon(grant):
                return grant
            self._refuse_ended(name, grant)
            await self._until_it_may_be_asked(operation, until)
            try:
                return await self._renewed_and_kept(name, grant, renew)
            except errors.LoginEndedError as error:
                self._ended[name] = _Ended(grant, error, self._clock() + ENDED_SECONDS)
                raise
        finally:
            with anyio.CancelScope(shield=True):
                await self._logins(lambda logins: logins.release(name, self._holder))

    def _refuse_ended(self, name: str, grant: "Grant | None") -> None:
        """Refuse at once what the platform has refused a moment ago."""
        ended = self._ended.get(name)
        if ended is not None and ended.grant == grant and self._clock() < ended.until:
            former = ended.error
            raise errors.LoginEndedError(
                _LOGIN,
                former.happened,
                next_step=former.next_step,
                status=former.status,
                messages=former.messages,
            )

    async def _renewed_and_kept(
        self, name: str, grant: "Grant | None", renew: "Callable[[Any], Awaitable[Grant]]"
    ) -> "Grant":
        fresh: list[Grant] = []
        # Nothing may come between the new pair and its keeping: the former one is spent.
        with anyio.CancelScope(shield=True):
            fresh.append(await renew(grant))
            body = to_plain(fresh[0])
            await self._logins(lambda logins: logins.keep(name, body))
        return fresh[0]

    async def _until_it_may_be_asked(self, operation: Operation, until: float) -> None:
        while wait := await self._logins(lambda logins: logins.may_ask(self._name, most=MOST_A_MINUTE)):
            if self._clock() + wait > until:
                raise errors.RateLimitedError(
                    operation,
                    f"The platform takes {MOST_A_MINUTE} requests for tokens a minute, and they are used up.",
                    next_step=f"Try again in {wait:.0f} seconds.",
                    retryable=True,
                    wait_seconds=wait,
                )
            await self._sleep(wait)

    async def _kept(self, name: str) -> "Grant | None":
        login = await self._logins(lambda logins: logins.find(name))
        return None if login is None else from_plain(login.body)

    async def _logins(self, work: "Callable[[Logins], T]") -> T:
        from ..guard.database import StoreError

        try:
            return await self._store.use(lambda store: work(store.logins))
        except StoreError as error:
            said = str(error)
        raise errors.BadTokenError(
            _LOGIN, f"The login cannot be used, for the place where it is kept does not work. {said}"
        )


def login_name(base_url: str, client_id: str, login: str = "") -> str:
    """Under which name the login of an app is kept; `login` tells several of one app apart."""
    return f"{client_id} at {base_url}" + (f" for {login}" if login else "")


def granted_scopes(logins: "Logins", name: str, location_id: str) -> frozenset[str]:
    """The scopes that the platform told when it let an app into a location; none where it did not."""
    kept = logins.find(f"{name} {location_id}") or logins.find(name)
    return frozenset() if kept is None else frozenset(from_plain(kept.body).scope.split())


def to_plain(grant: "Grant") -> dict[str, Any]:
    """A grant as the store keeps it; it holds the tokens."""
    return {
        "access": grant.access.reveal(),
        "refresh": None if grant.refresh is None else grant.refresh.reveal(),
        "expires": grant.expires,
        "scope": grant.scope,
        "user_type": grant.user_type,
        "location_id": grant.location_id,
        "company_id": grant.company_id,
    }


def from_plain(body: dict[str, Any]) -> "Grant":
    """The grant that `to_plain` wrote."""
    from ..products_api.oauth import Grant

    return Grant(
        access=Token(body["access"]),
        refresh=None if body["refresh"] is None else Token(body["refresh"]),
        expires=float(body["expires"]),
        scope=body["scope"],
        user_type=body["user_type"],
        location_id=body["location_id"],
        company_id=body["company_id"],
    )
