"""An OAuth login at work: renewed in time, once for everybody, and never used after it is spent."""

from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from logged_in import NAME, REDIRECT, logins

from hoopai_products_mcp.products_api import models as wire
from hoopai_products_mcp.products_api.credentials import Token
from hoopai_products_mcp.products_api.errors import (
    LoginEndedError,
    MissingScopeError,
    RateLimitedError,
    RouteUnavailableError,
)
from hoopai_products_mcp.sandbox.faults import FaultKind
from hoopai_products_mcp.sandbox.oauth import LIFETIME_SECONDS
from hoopai_products_mcp.sandbox.transport import SandboxTransport
from hoopai_products_mcp.server.oauth_access import ENDED_SECONDS, MOST_A_MINUTE

pytestmark = pytest.mark.anyio

DAY = LIFETIME_SECONDS


async def test_a_login_opens_the_shop_without_asking_for_another_token(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        async with at.client() as client:
            await client.list_products(limit=1, offset=0)
            await client.list_products(limit=1, offset=0)
        assert at.sandbox.tokens.refreshed == 0


async def test_a_token_about_to_expire_is_renewed_before_it_is_sent(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        async with at.client() as client:
            await client.list_products(limit=1, offset=0)
            first = await at.kept()
            at.clock.now += DAY - 30
            await client.list_products(limit=1, offset=0)
        assert at.sandbox.tokens.refreshed == 1
        assert await at.kept() != first
        assert [received.status for received in at.sandbox.requests] == [200, 200]


async def test_a_token_that_the_api_calls_expired_is_renewed_and_the_write_is_done_once(
    tmp_path: Path,
) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        before = len(at.sandbox.dump()["products"])
        async with at.client() as client:
            at.sandbox.tokens.age(DAY + 1)
            await client.create_product(product=wire.NewProduct(name="Night kite", product_type="PHYSICAL"))
        assert len(at.sandbox.dump()["products"]) == before + 1
        assert [received.status for received in at.sandbox.requests] == [401, 201]
        assert at.sandbox.tokens.refreshed == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [(FaultKind.ROUTE_UNSUPPORTED, RouteUnavailableError), (FaultKind.SCOPE_MISSING, MissingScopeError)],
)
async def test_a_401_about_something_else_renews_nothing(
    tmp_path: Path, fault: FaultKind, error: type[Exception]
) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.sandbox.faults.add(fault)
        async with at.client() as client:
            with pytest.raises(error):
                await client.list_products(limit=1, offset=0)
        assert at.sandbox.tokens.refreshed == 0
        assert len(at.sandbox.requests) == 1


async def test_a_scope_that_was_not_granted_is_named(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in(scopes="products.readonly")
        async with at.client() as client:
            await client.list_products(limit=1, offset=0)
            with pytest.raises(MissingScopeError, match=r"products/collection\.readonly"):
                await client.list_collections(limit=1, offset=0)


async def test_many_calls_at_once_renew_once(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.sandbox.tokens.age(DAY + 1)
        async with at.client() as client, anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(lambda: client.list_products(limit=1, offset=0))
        assert at.sandbox.tokens.refreshed == 1
        assert {received.status for received in at.sandbox.requests} == {200, 401}


async def test_several_openings_of_the_store_renew_once_between_them(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.clock.now += DAY
        clients = [at.client() for _ in range(4)]
        async with anyio.create_task_group() as tasks:
            for client in clients:
                tasks.start_soon(lambda client=client: client.list_products(limit=1, offset=0))
        for client in clients:
            await client.aclose()
        assert at.sandbox.tokens.refreshed == 1
        assert [received.status for received in at.sandbox.requests] == [200] * 4


async def test_the_new_pair_is_kept_before_it_is_used(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.clock.now += DAY
        kept: list[bool] = []
        original = SandboxTransport(at.app)

        class Watching(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                kept.append(request.headers["authorization"] == f"Bearer {await at.kept()}")
                return await original.handle_async_request(request)

        async with at.client(transport=Watching()) as client:
            await client.list_products(limit=1, offset=0)
        assert kept == [True]


async def test_a_call_that_is_cancelled_while_it_renews_loses_no_pair(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.clock.now += DAY
        reached = anyio.Event()
        sandbox = SandboxTransport(at.app)

        class Slow(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                answer = await sandbox.handle_async_request(request)
                reached.set()
                await anyio.lowlevel.checkpoint()
                return answer

        async with at.client(oauth=at.oauth(transport=Slow())) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: client.list_products(limit=1, offset=0))
                await reached.wait()
                tasks.cancel_scope.cancel()
            await client.list_products(limit=1, offset=0)
        assert at.sandbox.tokens.refreshed == 1


async def test_a_refused_renewal_says_how_to_log_in_again_and_is_not_repeated(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.sandbox.tokens.revoke()
        async with at.client() as client:
            with pytest.raises(LoginEndedError) as raised:
                await client.create_product(product=wire.NewProduct(name="Never", product_type="PHYSICAL"))
        assert "Log in again: hoopai-products-mcp login" in str(raised.value)
        assert "Nothing was changed." in str(raised.value)
        assert len(at.sandbox.requests) == 1


async def test_a_login_that_was_refused_is_not_tried_again_for_a_minute(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.sandbox.tokens.revoke()
        async with at.client() as client:
            said: set[str] = set()
            for _ in range(8):
                with pytest.raises(LoginEndedError) as raised:
                    await client.list_products(limit=1, offset=0)
                said.add(str(raised.value))
            assert len(said) == 1
            (first,) = at.sandbox.tokens.recent
            # The refusal may have been a passing one.
            at.clock.now += ENDED_SECONDS
            with pytest.raises(LoginEndedError):
                await client.list_products(limit=1, offset=0)
            assert at.sandbox.tokens.recent[-1] != first
            # Another login counts at once.
            await at.log_in()
            assert (await client.list_products(limit=1, offset=0)).items


async def test_without_a_login_it_is_said_how_to_log_in(tmp_path: Path) -> None:
    async with logins(tmp_path) as at, at.client() as client:
        with pytest.raises(LoginEndedError, match="Nobody has logged in for this shop yet"):
            await client.list_products(limit=1, offset=0)
        assert len(at.sandbox.requests) == 0


async def test_an_agency_login_opens_a_location_and_renews_both(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in("Company")
        async with at.client() as client:
            await client.list_products(limit=1, offset=0)
            assert at.sandbox.tokens.refreshed == 0
            at.clock.now += DAY
            await client.list_products(limit=1, offset=0)
            assert at.sandbox.tokens.refreshed == 1
            at.sandbox.tokens.age(DAY + 1)
            await client.list_products(limit=1, offset=0)
        assert at.sandbox.tokens.refreshed == 2


async def test_no_more_than_five_tokens_are_asked_for_in_a_minute(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        async with at.client() as client:
            for _ in range(MOST_A_MINUTE):
                at.sandbox.tokens.age(DAY + 1)
                await client.list_products(limit=1, offset=0)
            at.sandbox.tokens.age(DAY + 1)
            with pytest.raises(RateLimitedError, match="5 requests for tokens a minute") as raised:
                await client.list_products(limit=1, offset=0)
            assert raised.value.wait_seconds == 60.0
            assert at.sandbox.tokens.refreshed == MOST_A_MINUTE
            at.clock.now += 61
            await client.list_products(limit=1, offset=0)


async def test_whoever_died_while_renewing_is_not_waited_for_for_good(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:
        await at.log_in()
        at.clock.now += DAY
        await at.store().use(lambda store: store.logins.claim(NAME, "a process that is gone", 90.0))
        async with at.client() as client:
            with pytest.raises(RateLimitedError, match="Another process is renewing the login"):
                await client.list_products(limit=1, offset=0)
            assert at.sandbox.tokens.refreshed == 0
            at.clock.now += 61
            await client.list_products(limit=1, offset=0)
        assert at.sandbox.tokens.refreshed == 1


async def test_no_secret_is_in_what_an_error_says(tmp_path: Path) -> None:
    async with logins(tmp_path) as at:

        def echoing(request: httpx.Request) -> httpx.Response:
            return httpx.Response(400, json={"message": request.content.decode()})

        oauth = at.oauth(secret="canary-secret-3f9d", transport=httpx.MockTransport(echoing))
        with pytest.raises(LoginEndedError) as raised:
            await oauth.exchange(Token("canary-code-77"), redirect_uri=REDIRECT)
        told = " ".join([str(raised.value), repr(raised.value), *raised.value.messages])
        assert "canary" not in told
        assert "[hidden]" in " ".join(raised.value.messages)
        await oauth.aclose()


@pytest.mark.parametrize("body", [{}, {"access_token": ""}, {"access_token": "with space"}, [], "text"])
async def test_an_answer_without_a_token_is_no_login(tmp_path: Path, body: Any) -> None:
    async with logins(tmp_path) as at:
        oauth = at.oauth(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body)))
        with pytest.raises(Exception, match="without a usable access token"):
            await oauth.exchange(Token("code"), redirect_uri=REDIRECT)
        await oauth.aclose()
