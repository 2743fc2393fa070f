"""The keys of an issuer while it is down, slow, or answers nonsense, and while strangers ask for keys it never had."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
from issuer import Issuer
from web_server import post, served

from hoopai_products_mcp.server.issuer_keys import (
    AGAIN_SECONDS,
    KEPT_SECONDS,
    OUTAGE_SECONDS,
    PAUSE_SECONDS,
    IssuerKeys,
)

pytestmark = pytest.mark.anyio


class Hours:
    """A clock that goes on when it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_keys_that_are_known_count_while_the_issuer_is_down_and_strangers_knock(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Hours()
    keys = IssuerKeys(issuer.url, None, clock=clock)
    assert await keys.find("rsa")
    issuer.up = False
    clock.now += AGAIN_SECONDS
    assert await keys.find("made-up") is None
    assert await keys.find("rsa")
    clock.now += KEPT_SECONDS
    assert await keys.find("rsa")
    clock.now += OUTAGE_SECONDS - KEPT_SECONDS - AGAIN_SECONDS - 1
    assert await keys.find("rsa")
    clock.now += 1
    assert await keys.find("rsa") is None
    issuer.up = True
    clock.now += PAUSE_SECONDS
    assert await keys.find("rsa")
    assert {record.getMessage().partition(":")[0] for record in caplog.records} == {
        "Those known before count for some hours"
    }


async def test_a_key_that_the_issuer_has_withdrawn_ends_and_a_new_one_begins(issuer: Issuer) -> None:
    clock = Hours()
    keys = IssuerKeys(issuer.url, None, clock=clock)
    assert await keys.find("rsa")
    issuer.keys["new"] = issuer.keys.pop("rsa")
    assert await keys.find("new") is None
    clock.now += AGAIN_SECONDS
    assert await keys.find("new")
    assert await keys.find("rsa") is None


async def test_strangers_do_not_make_it_ask_more_often(issuer: Issuer) -> None:
    clock = Hours()
    keys = IssuerKeys(issuer.url, f"{issuer.url}/keys", clock=clock)
    for number in range(20):
        assert await keys.find(f"made-up-{number}") is None
    clock.now += AGAIN_SECONDS
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(keys.find, f"more-{number}")
    assert issuer.asked == ["/keys", "/keys"]


@contextmanager
def slow(issuer: Issuer) -> Generator[threading.Event]:
    """The issuer answers nobody until this ends; the event says that somebody waits."""
    waits, ended = threading.Event(), threading.Event()

    def wait() -> dict[str, object]:
        waits.set()
        ended.wait(30)
        return {"keys": []}

    issuer.jwks = wait  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield waits
    finally:
        ended.set()


async def test_whoever_has_a_known_key_does_not_wait_for_what_a_stranger_asked(issuer: Issuer) -> None:
    clock = Hours()
    keys = IssuerKeys(issuer.url, f"{issuer.url}/keys", clock=clock)
    assert await keys.find("rsa")
    clock.now += KEPT_SECONDS
    with slow(issuer) as waits:
        async with anyio.create_task_group() as group:
            group.start_soon(keys.find, "made-up")
            await anyio.to_thread.run_sync(waits.wait)
            with anyio.fail_after(3):
                assert await keys.find("rsa")
            group.cancel_scope.cancel()


NONSENSE: list[Any] = [
    {"keys": []},
    {"keys": "none"},
    {"keys": [7]},
    {"keys": [{"kty": "RSA", "kid": "rsa", "n": 7, "e": []}]},
    {"keys": [{"kty": "oct", "kid": "rsa", "k": "eA"}]},
    "<html>",
]


@pytest.mark.parametrize("answer", NONSENSE)
async def test_an_issuer_that_publishes_nonsense_is_left_alone_a_while(
    issuer: Issuer, answer: object
) -> None:
    issuer.jwks = lambda: answer  # pyright: ignore[reportAttributeAccessIssue]
    async with served(http_auth="oauth", http_issuer=issuer.url) as server:
        token = issuer.token(server.url)
        for _ in range(3):
            assert (await post(server.url, Authorization=f"Bearer {token}")).status_code == 401
    assert issuer.asked.count("/keys") == 1
