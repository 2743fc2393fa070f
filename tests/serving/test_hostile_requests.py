"""Requests made to get past the gate or to trouble it: odd tokens, others' sessions, streams, headers."""

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx
import jwt
import pytest
from issuer import RSA, Issuer
from jwt.algorithms import RSAAlgorithm
from web_server import (
    ANN,
    BOB,
    HEADERS,
    KEYS,
    call,
    connected,
    first_product,
    message,
    post,
    refused,
    served,
    visible_product,
)

from hoopai_products_mcp.server.exports import MOST_BYTES
from hoopai_products_mcp.server.logs import JsonLines, Lines

pytestmark = pytest.mark.anyio


async def test_a_token_made_to_break_the_reader_is_only_refused(issuer: Issuer) -> None:
    async with served(http_auth="oauth", http_issuer=issuer.url) as server:
        good = issuer.token(server.url)
        _, body, signature = good.split(".")
        claims = jwt.decode(good, options={"verify_signature": False})

        def headed(header: bytes) -> str:
            encoded = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
            return f"{encoded}.{body}.{signature}"

        def with_header(**header: Any) -> str:
            return jwt.encode(claims, RSA, "RS256", headers=header)

        public = RSA.public_key()
        own = json.loads(RSAAlgorithm.to_jwk(public))
        bad = {
            "a header too deep to be read": headed(b"[" * 40_000),
            "a header within a header": headed(b'{"a":' * 8_000),
            "a header of no text": headed(b"\xff\xfe"),
            "a list as algorithm": headed(b'{"alg":["RS256"],"kid":"rsa"}'),
            "an object as key id": headed(b'{"alg":"RS256","kid":{}}'),
            "a path as key id": with_header(kid="../../keys"),
            "an address as key id": with_header(kid="http://evil.example.com/keys"),
            "a long key id": with_header(kid="x" * 30_000),
            "a key of its own": with_header(kid="mine", jwk=own),
            "an address of keys": with_header(kid="mine", jku="http://evil.example.com/keys"),
            "an extension that has to be understood": with_header(kid="rsa", crit=["exp2"], exp2=1),
            "an endless expiry": issuer.token(server.url, exp=float("inf")),
            "an expiry in words": issuer.token(server.url, exp="tomorrow"),
            "made in the future": issuer.token(server.url, iat=9_999_999_999),
            "an audience of numbers": issuer.token([1, 2]),
            "a subject that is a number": issuer.token(server.url, sub=7),
            "a subject with a line break": issuer.token(server.url, sub="ann\nlocal"),
            "a subject that turns text around": issuer.token(server.url, sub="ann\u202elocal"),
        }
        statuses = {
            why: (await post(server.url, Authorization=f"Bearer {token}")).status_code
            for why, token in bad.items()
        }
        assert statuses == dict.fromkeys(bad, 401)
        assert (await post(server.url, Authorization=f"Bearer {good}")).status_code == 200


async def test_of_two_tokens_none_counts() -> None:
    async with served(**KEYS) as server, httpx.AsyncClient(headers=HEADERS) as http:
        for pair in ([ANN, "x"], ["x", ANN], [ANN, BOB], [ANN, ANN]):
            headers = [("Authorization", f"Bearer {key}") for key in pair]
            assert (await http.post(server.url, content="{}", headers=headers)).status_code == 401


INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "clientInfo": {"name": "test", "version": "1"},
        "capabilities": {},
    },
}


async def test_a_session_of_another_cannot_be_listened_to_or_ended() -> None:
    async with served(**KEYS) as server, httpx.AsyncClient(headers=HEADERS, timeout=30) as http:
        mine, theirs = ({"Authorization": f"Bearer {key}"} for key in (ANN, BOB))
        session = (await http.post(server.url, json=INITIALIZE, headers=mine)).headers["mcp-session-id"]
        named = {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
        for method in ("GET", "DELETE"):
            assert (await http.request(method, server.url, headers={**named, **theirs})).status_code == 404
        listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        assert (await http.post(server.url, json=listing, headers={**named, **mine})).status_code == 200


async def test_a_session_gives_the_rights_of_the_token_that_is_sent_now(issuer: Issuer) -> None:
    async with (
        served(http_auth="oauth", http_issuer=issuer.url, confirmation="off") as server,
        httpx.AsyncClient(headers=HEADERS, timeout=30) as http,
    ):
        everything, reading, writing = (
            {"Authorization": f"Bearer {issuer.token(server.url, scope)}"}
            for scope in (
                "products:read products:write products:destructive",
                "products:read",
                "products:read products:write",
            )
        )
        async with connected(server.url, everything["Authorization"].removeprefix("Bearer ")) as client:
            product = await visible_product(client)
        session = (await http.post(server.url, json=INITIALIZE, headers=everything)).headers["mcp-session-id"]
        named = {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}

        async def sent(method: str, who: dict[str, str], **params: Any) -> httpx.Response:
            asked = {"jsonrpc": "2.0", "id": 2, "method": method, "params": params}
            return await http.post(server.url, json=asked, headers={**named, **who})

        listed = (await sent("tools/list", reading)).text
        assert "list_products" in listed
        assert "delete_product" not in listed
        assert "delete_product" in (await sent("tools/list", everything)).text
        hiding = {"product_id": product, "available_in_store": False}
        said = (await sent("tools/call", writing, name="update_product", arguments=hiding)).text
        assert "needs the scope `products:destructive`" in said
        assert server.writes() == []


async def test_a_batch_of_calls_gives_no_right() -> None:
    async with (
        served(http_auth="key", http_keys=f"ann={ANN},bob={BOB} read", confirmation="off") as server,
        httpx.AsyncClient(headers=HEADERS) as http,
    ):
        async with connected(server.url, ANN) as client:
            product = (await first_product(client))["id"]
        deleting = {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {"name": "delete_product", "arguments": {"product_id": product}},
        }
        twice = json.dumps(deleting).replace(
            '"method": "tools/call"', '"method": "tools/call", "method":"tools/list"'
        )
        for body in (json.dumps([deleting]), json.dumps(deleting), twice, "\ufeff" + json.dumps(deleting)):
            for version in ("2025-03-26", "2025-11-25", "2026-07-28"):
                await http.post(
                    server.url,
                    content=body,
                    headers={"Authorization": f"Bearer {BOB}", "MCP-Protocol-Version": version},
                )
        assert server.writes() == []


async def test_a_program_that_a_proxy_brings_from_elsewhere_is_not_let_in_unasked() -> None:
    async with served() as server, httpx.AsyncClient() as http:
        for header in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"):
            answer = await post(server.url, None, None, **{header: "for=203.0.113.9"})
            assert answer.status_code == 403
            assert answer.json()["error"]["message"] == (
                "A proxy has handed this request on, and this server does not ask callers who they are: it is for the "
                "programs of its own machine. Set HOOPAI_HTTP_AUTH to key or oauth. Nothing was done."
            )
        assert (await post(server.url)).status_code == 200
        assert (
            await http.get(f"{server.address}/healthz", headers={"X-Forwarded-For": "203.0.113.9"})
        ).text == "ok"
    async with served(**KEYS) as server:
        let_in = await post(server.url, Authorization=f"Bearer {ANN}", X_Forwarded_For="203.0.113.9")
        assert let_in.status_code == 200


@asynccontextmanager
async def listening(url: str, token: str = "") -> AsyncGenerator[AsyncIterator[bytes]]:
    """What a listener is sent."""
    asked = message(
        "subscriptions/listen", {"notifications": {"resourceSubscriptions": ["hoopai://catalog"]}}
    )
    named = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"}
    who = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx.AsyncClient(headers={**HEADERS, **named, **who}, timeout=30) as http,
        http.stream("POST", url, json=asked) as answer,
    ):
        assert answer.status_code == 200
        yield answer.aiter_bytes()


async def test_a_listener_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async with served(http_stop_seconds=1) as server, listening(server.url) as pieces:
        assert b"acknowledged" in await anext(pieces)
        server.server.should_exit = True
        async for _ in pieces:
            pass
    assert [record.getMessage() for record in caplog.records if "cut off" in record.getMessage()] == []


async def raw(address: str, *pieces: bytes) -> anyio.abc.SocketStream:
    """A connection on which these were sent."""
    host, port = address.removeprefix("http://").split(":")
    stream = await anyio.connect_tcp(host, int(port))
    for piece in pieces:
        await stream.send(piece)
    return stream


def head(address: str, **headers: str) -> bytes:
    host = address.removeprefix("http://")
    named = {"Host": host, "Content-Type": "application/json", "Accept": HEADERS["Accept"], **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    return "\r\n".join(["POST /mcp HTTP/1.1", *lines, "", ""]).encode()


async def test_a_request_whose_body_comes_after_the_end_was_told_is_not_begun() -> None:
    body = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_products"}}
    ).encode()
    async with served(**KEYS) as server:
        # The answer to this is sent when the body begins to be read, by when the gate has let the caller in.
        asked = head(
            server.address,
            Authorization=f"Bearer {ANN}",
            Content_Length=str(len(body)),
            Expect="100-continue",
        )
        async with await raw(server.address, asked) as stream:
            assert (await stream.receive()).startswith(b"HTTP/1.1 100")
            server.made.under_way.ending = True
            await stream.send(body)
            assert (await stream.receive()).startswith(b"HTTP/1.1 503")


async def test_a_request_that_does_not_arrive_is_given_up() -> None:
    async with served(**KEYS) as server:
        (endpoint,) = (route for route in server.made.app.routes if getattr(route, "path", "") == "/mcp")
        endpoint.app._body_seconds = 0.05  # pyright: ignore
        asked = head(server.address, Authorization=f"Bearer {ANN}", Content_Length="100")
        async with await raw(server.address, asked, b"{") as stream:
            answer = await stream.receive()
            assert answer.startswith(b"HTTP/1.1 408")
            assert b"did not arrive within 0.05 s. Nothing was done" in answer


async def test_listening_counts_as_a_request() -> None:
    async with served(**KEYS, http_rate=1) as server, httpx.AsyncClient(headers=HEADERS) as http:
        ann = {"Authorization": f"Bearer {ANN}"}
        session = (await http.post(server.url, json=INITIALIZE, headers=ann)).headers["mcp-session-id"]
        more = {**ann, "Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
        assert (await http.get(server.url, headers=more)).status_code == 429


async def test_what_a_stranger_sends_stays_within_its_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    odd = "x\x85fake\x9b31m\xa0"
    async with served(**KEYS) as server, httpx.AsyncClient(headers=HEADERS) as http:
        for header in ("Host", "Origin", "Mcp-Session-Id"):
            await http.post(
                server.url,
                content="{}",
                headers=[
                    (b"Authorization", f"Bearer {ANN}".encode()),
                    (header.encode(), odd.encode("latin-1")),
                ],
            )
    written = [formatter.format(record) for formatter in (Lines(), JsonLines()) for record in caplog.records]
    assert any("fake" in line for line in written)
    for line in written:
        assert len(line.splitlines()) == 1
        assert line.isprintable()


async def test_a_stream_ends_with_the_token_that_opened_it(issuer: Issuer) -> None:
    async with served(http_auth="oauth", http_issuer=issuer.url) as server:
        token = issuer.token(server.url, exp=int(time.time()) + 2)
        async with listening(server.url, token) as pieces, asyncio.timeout(30):
            async for _ in pieces:
                pass
        fresh = issuer.token(server.url)
        async with listening(server.url, fresh) as pieces:
            assert b"acknowledged" in await anext(pieces)


async def test_exports_of_callers_do_not_fill_the_disk(tmp_path: Path) -> None:
    async with served(**KEYS, export_dir=tmp_path) as server, connected(server.url, BOB) as client:
        assert (await call(client, "export_catalog", file="first.csv"))["file"] == "first.csv"
        with (tmp_path / "large").open("wb") as file:
            file.truncate(MOST_BYTES)
        said = await refused(client, "export_catalog", file="second.csv")
        assert said.startswith(
            "“second.csv” could not be written: the server's folder for files holds 1000.0 MB or more, "
        )
        assert said.endswith(
            "Nothing was changed. Tell the person: whoever runs this server can take files away."
        )
    assert names_in(tmp_path) == ["first.csv", "large"]


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())
