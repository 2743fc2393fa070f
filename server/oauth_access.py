"""The access token of an OAuth login: renewed before it expires and when it was refused, by one task of one process.

A refresh token is good once, and the token endpoint takes few requests a minute. So whoever renews has taken the turn
in the store, the new pair is kept before it is used, and everybody else takes over what was kept.
"""

import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from ..products_api import errors
from ..products_api.credentials import Token
from ..products_api.oauth import OAuth, login_command, login_ended, not_logged_in
from ..products_api.operations import Operation

if TYPE_CHECKING:
    from ..guard.logins import Login, Logins
    from ..guard.store import Store
    from ..products_api.oauth import Grant

log = logging.getLogger("hoopai_products_mcp.server")

EARLY_SECONDS = 60.0
"""A token that expires this soon is renewed first: the request and a slow clock need some of it."""
TURN_SECONDS = 90.0
"""How long one process may take to renew before another tries; longer where a request may take longer."""
PATIENCE_SECONDS = 30.0
"""How long a call waits for somebody else's renewal, or for the token endpoint's limit."""
LOOK_SECONDS = 0.1
ENDED_SECONDS = 60.0
"""How long the platform is not asked again for a login that it has refused: it takes few requests, and the next login
needs one. Refused in passing, the login works again then."""
MOST_A_MINUTE = 5
"""What the platform says of its token endpoint."""

_LOGIN = Operation("oauth_token", "POST", "/oauth/token", 200, ())


@dataclass(frozen=True)
class _Failure:
    """That a token could not be got, and what to look at where the platform refuses it."""

    what: str
    check: str


_NOT_RENEWED = _Failure("The login could not be renewed", "Check that the base URL is the API's own address")
_SAID_AS_THEY_ARE = (
    errors.LoginEndedError,
    errors.MissingScopeError,
    errors.RateLimitedError,
    errors.ServerError,
    errors.RequestTimeoutError,
    errors.NotReachedError,
    errors.ConnectionLostError,
)

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class _Ended:
    """A login that the platform has refused, and until when it is not asked again."""

    grant: "Grant"
    error: errors.LoginEndedError
    until: float


class OAuthAccess:
    """The tokens of one app for one location, or of an agency from which the location's are got.

    `shop` is its name where there are several.
    """

    def __init__(
        self,
        oauth: OAuth,
        store: "Store",
        *,
        name: str,
        location_id: str,
        shop: str = "",
        clock: Callable[[], float] = time.time,
        sleep: Sleep | None = None,
    ) -> None:
        self._oauth = oauth
        self._store = store
        self._name = name
        self._location_id = location_id
        self._shop = shop
        self._clock = clock
        self._sleep = sleep or anyio.sleep
        self._holder = secrets.token_hex(8)
        self._turn = anyio.Lock()
        self._grant: Grant | None = None
        self._ended: _Ended | None = None
        self._unkept: dict[str, tuple[Login | None, Grant]] = {}

    async def token(self, operation: Operation) -> Token:
        """A token that is good for a while."""
        if self._unkept:
            await self._keep_the_rest()
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
        login = _grant_in(await self._kept(self._name))
        if login is None:
            raise not_logged_in(self._shop)
        if not login.is_agency:
            if login.location_id not in {None, self._location_id}:
                raise login_ended(f"It is for another location than {self._location_id}.", shop=self._shop)
            return await self._fresh(self._name, login, refused, operation, self._refreshed)
        name = f"{self._name} {self._location_id}"

        async def of_agency(former: "Login | None", operation: Operation, until: float) -> "Grant":
            self._refuse_ended(login)
            agency = await self._fresh(self._name, login, None, operation, self._refreshed)

            async def exchanged() -> "Grant":
                return await self._oauth.location_grant(agency, self._location_id)

            failure = _Failure(
                f"The login of the agency gives no token for location {self._location_id}",
                "Check that id, and that the app is let into that location",
            )
            await self._until_it_may_be_asked(operation, until)
            try:
                return await self._got_and_kept(name, former, exchanged, failure)
            except errors.BadTokenError as error:
                if error.status != HTTPStatus.UNAUTHORIZED:
                    raise
            agency = await self._fresh(self._name, agency, agency.access, operation, self._refreshed)
            await self._until_it_may_be_asked(operation, until)
            return await self._got_and_kept(name, former, exchanged, failure)

        return await self._fresh(name, _grant_in(await self._kept(name)), refused, operation, of_agency)

    async def _refreshed(self, former: "Login | None", operation: Operation, until: float) -> "Grant":
        """The next grant in place of a login's."""
        grant = _grant_in(former)
        if grant is None:
            raise not_logged_in(self._shop)
        self._refuse_ended(grant)
        await self._until_it_may_be_asked(operation, until)
        try:
            return await self._got_and_kept(
                self._name, former, lambda: self._oauth.refresh(grant), _NOT_RENEWED
            )
        except errors.LoginEndedError as error:
            self._ended = _Ended(grant, error, self._clock() + ENDED_SECONDS)
            raise

    async def _fresh(
        self,
        name: str,
        grant: "Grant | None",
        refused: Token | None,
        operation: Operation,
        renew: "Callable[[Login | None, Operation, float], Awaitable[Grant]]",
    ) -> "Grant":
        """The kept grant if it is good, else the one that this or another process renews it to.

        `renew` is given the login that is kept, and until when it may wait.
        """
        until = self._clock() + PATIENCE_SECONDS
        seconds = max(TURN_SECONDS, 2 * PATIENCE_SECONDS + self._oauth.timeout)
        while True:
            if grant is not None and grant.access != refused and not self._expires_soon(grant):
                return grant
            if await self._logins(lambda logins: logins.claim(name, self._holder, seconds)):
                break
            if self._clock() >= until:
                raise errors.RateLimitedError(
                    operation,
                    "Another process is renewing the login and has not come to an end.",
                    next_step="Try again in a minute.",
                    retryable=True,
                )
            await self._sleep(LOOK_SECONDS)
            grant = _grant_in(await self._kept(name))
        try:
            # Renewed by whoever had the turn just before?
            former = await self._kept(name)
            grant = _grant_in(former)
            if grant is not None and grant.access != refused and not self._expires_soon(grant):
                return grant
            return await renew(former, operation, until)
        finally:
            # A turn that cannot be given up ends by itself, and is no reason to lose what was got in it.
            with anyio.CancelScope(shield=True), contextlib.suppress(errors.BadTokenError):
                await self._logins(lambda logins: logins.release(name, self._holder))

    def _refuse_ended(self, grant: "Grant") -> None:
        """Refuse at once what the platform has refused a moment ago."""
        ended = self._ended
        if ended is not None and ended.grant == grant and self._clock() < ended.until:
            former = ended.error
            raise errors.LoginEndedError(
                _LOGIN,
                former.happened,
                next_step=former.next_step,
                status=former.status,
                messages=former.messages,
            )

    async def _got_and_kept(
        self, name: str, former: "Login | None", ask: "Callable[[], Awaitable[Grant]]", failure: "_Failure"
    ) -> "Grant":
        """A grant that is asked for and kept in place of the former one."""
        found: list[Grant] = []
        # Nothing may come between the new pair and its keeping: the former one is spent.
        with anyio.CancelScope(shield=True):
            try:
                fresh = await ask()
            except errors.ProductsApiError as error:
                raise self._in_other_words(error, failure) from None
            found.append(await self._keep(name, former, fresh))
        return found[0]

    async def _keep(self, name: str, former: "Login | None", fresh: "Grant") -> "Grant":
        body = to_plain(fresh)
        try:
            kept = await self._logins(lambda logins: logins.replace(name, former, body))
        except errors.BadTokenError:
            log.warning("A renewed login could not be kept yet: this is tried again with each call")
            self._unkept[name] = former, fresh
            return fresh
        self._unkept.pop(name, None)
        if kept:
            return fresh
        # Somebody has logged in or out meanwhile, and what they said counts.
        now = _grant_in(await self._kept(name))
        if now is None:
            raise not_logged_in(self._shop)
        return now

    async def _keep_the_rest(self) -> None:
        """Keep what could not be kept when it was got, if that is possible now."""
        async with self._turn:
            for name, (former, fresh) in list(self._unkept.items()):
                with contextlib.suppress(errors.BadTokenError):
                    await self._keep(name, former, fresh)

    def _in_other_words(self, error: errors.ProductsApiError, failure: "_Failure") -> errors.ProductsApiError:
        """An error of the token endpoint for whoever wanted something of the shop, of which nothing was changed."""
        advice = f"log in again: {login_command(self._shop)}"
        if isinstance(error, errors.LoginEndedError):
            happened, next_step = error.happened, advice[0].upper() + advice[1:]
        else:
            happened = f"{failure.what}. {error.happened}"
            if isinstance(error, errors.NotFoundError):
                happened = f"{failure.what}: the API answered that it is not there (status {error.status})."
            next_step = "Try again in a minute."
            if error.outcome == "unknown":
                next_step += f" If it is refused then, {advice}"
            elif isinstance(error, errors.MissingScopeError):
                next_step = f"Add the scope to the app and to HOOPAI_SCOPES, and {advice}"
            elif isinstance(error, errors.RefusedError) and not isinstance(error, errors.RateLimitedError):
                next_step = f"{failure.check}; then {advice}"
        # Whoever looks whether a thing of the shop is there must not take this for its absence.
        kind = type(error) if isinstance(error, _SAID_AS_THEY_ARE) else errors.BadTokenError
        return kind(
            _LOGIN,
            happened,
            next_step=next_step,
            status=error.status,
            trace_id=error.trace_id,
            messages=error.messages,
            retryable=isinstance(error, errors.RateLimitedError | errors.NotReachedError),
            wait_seconds=error.wait_seconds,
        )

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

    async def _kept(self, name: str) -> "Login | None":
        return await self._logins(lambda logins: logins.find(name))

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


def _grant_in(login: "Login | None") -> "Grant | None":
    return None if login is None else from_plain(login.body)


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
