"""Renewals that go wrong: answers that fail, a store that does not keep, and somebody who logs in or out meanwhile."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from logged_in import NAME, REDIRECT, Kind, Logins, logins

from hoopai_products_mcp.guard.store import OpenStore
from hoopai_products_mcp.products_api import models as wire
from hoopai_products_mcp.products_api.errors import (
    BadTokenError,
    LoginEndedError,
    MissingScopeError,
    NotFoundError,
    ProductsApiError,
)
from hoopai_products_mcp.sandbox.identity import LOCATION_ID
from hoopai_products_mcp.sandbox.oauth import LIFETIME_SECONDS
from hoopai_products_mcp.sandbox.transport import SandboxTransport
from hoopai_products_mcp.server.oauth_access import TURN_SECONDS, from_plain, to_plain

pytestmark = pytest.mark.anyio

DAY = LIFETIME_SECONDS
KITE = wire.NewProduct(name="Night kite", product_type="PHYSICAL")


class Meanwhile(httpx.AsyncBaseTransport):
    """The platform, and something that happens once, between its answer to a path and whoever gets it."""

    def __init__(self, at: Logins, path: str, happens: Callable[[], Awaitable[None]]) -> None:
        self._platform = SandboxTransport(at.app)
        self._path = path
        self._happens: Callable[[], Awaitable[None]] | None = happens

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._platform.handle_async_request(request)
        if request.url.path == self._path and self._happens is not None:
            happens, self._happens = self._happens, None
            await happens()
        return answer


def lost(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("")


def late(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("")


def answering(status: int, text: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, text=text)


@pytest.mark.parametrize("kind", ["Location", "Company"])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lost, "Try again in a minute. If it is refused then, log in again: hoopai-products-mcp login"),
        (late, "Try again in a minute. If it is refused then, log in again: hoopai-products-mcp login"),
        (
            answering(503, "<html>"),
            "Try again in a minute. If it is refused then, log in",
        ),
        (
            answering(404, '{"message": "Not Found"}'),
            "Check that the base URL is the API's own",
        ),
        (answering(429, '{"message": "Too Many"}'), "Try again in a minute."),
    ],
)
async def test_a_renewal_that_fails_says_that_nothing_was_changed(
    kind: Kind, answer: Callable[[httpx.Request], httpx.Response], said: str, tmp_path: Path
) -> None:
    async with logins(tmp_path) as at:
        await at.log_in(kind)
        at.clock.now += DAY
        oauth = at.oauth(transport=httpx.MockTransport(answer))
        async with at.client(oauth=oauth) as client:
            with pytest.raises(ProductsApiError) as raised:
                await client.create_product(product=KITE)
        # Whoever looks for a product must not take this for its absence.
        assert not isinstance(raised.value, NotFoundError)
        assert raised.value.outcome == "not_done"
        assert str(raised.value).startswith("The login could not be renewed")
        assert f"Nothing was changed. {said}" in str(raised.value)
        assert len(at.sandbox.requests) == 0


@pytest.mark.parametrize(
    ("status", "message", "kind", "said"),
    [
        (
            400,
            "Location not found",
            BadTokenError,
            "Check that id, and that the app is let into that location; then",
        ),
        (404, "Not Found", BadTokenError, "Check that id, and that the app is let into that location; then"),
        (
            401,
            "The token does not have access to the scope",
            MissingScopeError,
            "HOOPAI_SCOPES, and log in again",
        ),
    ],
)
async def test_an_agency_that_gets_no_token_for_a_location_is_told_what_to_look_at(
    status: int, message: str, kind: type[Exception], said: str, tmp_path: Path
) -> None:
    async with logins(tmp_path) as at:
        await at.log_in("Company")
        refusing = httpx.MockTransport(lambda _: httpx.Response(status, json={"message": message}))
        async with at.client(oauth=at.oauth(transport=refusing)) as client:
            with pytest.raises(kind) as raised:
                await client.list_products(limit=1, offset=0)
        assert str(raised.value).startswith(
            f"The login of the agency gives no token for location {LOCATION_ID}"
        )
        assert said in str(raised.value)


async def test_a_pair_that_cannot_be_kept_is_used_and_kept_later(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.clock.now += DAY

        def move(old: str, new: str) -> None:
            with sqlite3.connect(tmp_path / "guard.sqlite") as database:
                database.execute(f"alter table {old} rename to {new}")
            database.close()

        async def break_the_store() -> None:
            move("guard_logins", "away")

        oauth = at.oauth(transport=Meanwhile(at, "/oauth/token", break_the_store))
        async with at.client(oauth=oauth) as client:
            for _ in range(2):
                assert (await client.list_products(limit=1, offset=0)).items
            move("away", "guard_logins")
            assert (await client.list_products(limit=1, offset=0)).items
        async with at.client() as another:
            assert (await another.list_products(limit=1, offset=0)).items
        assert at.sandbox.tokens.refreshed == 1


async def test_a_pair_that_was_lost_with_its_process_ends_the_login_in_words(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.clock.now += DAY
        store = at.store()
        await store.use(lambda opened: opened.logins.claim(NAME, "a process that is killed", TURN_SECONDS))
        login = await store.use(lambda opened: opened.logins.find(NAME))
        assert login is not None
        await at.oauth().refresh(from_plain(login.body))
        at.clock.now += TURN_SECONDS
        async with at.client() as client:
            for _ in range(3):
                with pytest.raises(LoginEndedError) as raised:
                    await client.create_product(product=KITE)
                assert "Nothing was changed. Log in again: hoopai-products-mcp login" in str(raised.value)
        assert len(at.sandbox.requests) == 0
        assert at.token_requests() == 0
        await at.log_in()
        async with at.client() as client:
            assert (await client.list_products(limit=1, offset=0)).items


async def test_a_login_during_a_renewal_is_the_one_that_counts(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.clock.now += DAY
        again: list[str] = []

        async def log_in_again() -> None:
            grant = await at.oauth().exchange(await at.code(), redirect_uri=REDIRECT)
            body = to_plain(grant)
            again.append(grant.access.reveal())
            await at.store().use(lambda opened: opened.logins.keep(NAME, body))

        oauth = at.oauth(transport=Meanwhile(at, "/oauth/token", log_in_again))
        async with at.client(oauth=oauth) as client:
            assert (await client.list_products(limit=1, offset=0)).items
        assert [await at.kept()] == again


async def test_a_logout_during_a_renewal_stays_one(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.clock.now += DAY

        async def log_out() -> None:
            await at.store().use(lambda opened: opened.logins.forget(NAME))

        oauth = at.oauth(transport=Meanwhile(at, "/oauth/token", log_out))
        async with at.client(oauth=oauth) as client:
            with pytest.raises(LoginEndedError, match="Nobody has logged in for this shop yet"):
                await client.list_products(limit=1, offset=0)
        assert await at.store().use(lambda opened: opened.logins.find(NAME)) is None
        assert len(at.sandbox.requests) == 0


async def test_an_agency_whose_login_ended_is_told_so_each_time_and_a_new_login_counts_at_once(
    tmp_path: Path,
) -> None:
    async with logins(tmp_path) as at:
        await at.log_in("Company")
        at.sandbox.tokens.revoke()
        async with at.client() as client:
            for _ in range(8):
                with pytest.raises(LoginEndedError, match="The login at the platform does not work any more"):
                    await client.list_products(limit=1, offset=0)
            await at.log_in("Company")
            assert (await client.list_products(limit=1, offset=0)).items


async def test_tokens_of_locations_go_with_the_login_that_gave_them(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        kept = (
            NAME,
            f"{NAME} loc1",
            f"{NAME} loc2",
            f"{NAME} for agency north",
            f"{NAME} for agency north loc1",
        )

        def forget(opened: OpenStore) -> list[str]:
            book = opened.logins
            for name in kept:
                book.keep(name, {"name": name})
            book.forget_got_with(NAME)
            return [name for name in kept if book.find(name)]

        assert await at.store().use(forget) == [kept[0], *kept[3:]]
