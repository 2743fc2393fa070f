"""Who is answered at all, how much and how often, and what a supervisor is told."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from web_server import ANN, BOB, ERAS, KEYS, Era, connected, first_product, message, post, served

from hoopai_products_mcp.server.call_rate import CallRate
from hoopai_products_mcp.server.logs import REQUESTS, JsonLines

pytestmark = pytest.mark.anyio

AS_ANN: dict[str, Any] = {"Authorization": f"Bearer {ANN}"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "mcp.example.com"}, 200),
        ({"Host": "mcp.example.com:8443"}, 421),
        ({"Host": "other.example.com:8443"}, 200),
        ({"Host": "public.example.com"}, 200),
        ({"Host": "shop.example.com"}, 421),
        ({"Host": "mcp.example.com.evil.example"}, 421),
        ({"Origin": "https://app.example.com"}, 200),
        ({"Origin": "https://app.example.com:444"}, 403),
        ({"Origin": "http://app.example.com"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_only_names_and_pages_that_are_listed_are_answered(
    headers: dict[str, str], status: int
) -> None:
    async with served(
        **KEYS,
        allowed_hosts="mcp.example.com,other.example.com:8443",
        allowed_origins="https://app.example.com",
        public_url="https://public.example.com/mcp",
    ) as server:
        assert (await post(server.url, None, None, **(AS_ANN | headers))).status_code == status


async def test_a_listed_page_may_read_the_answers_and_no_other() -> None:
    async with (
        served(**KEYS, allowed_origins="https://app.example.com") as server,
        httpx.AsyncClient() as http,
    ):
        ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        answers = [
            await http.options(server.url, headers={**ask, "Origin": origin})
            for origin in ("https://app.example.com", "https://shop.example.com")
        ]
        assert [answer.headers.get("access-control-allow-origin") for answer in answers] == [
            "https://app.example.com",
            None,
        ]
        mine = await post(server.url, Origin="https://app.example.com")
        assert mine.status_code == 401
        assert mine.headers["access-control-allow-origin"] == "https://app.example.com"


@pytest.mark.parametrize("declared", [True, False])
async def test_a_request_that_is_too_large_is_refused_in_words(declared: bool) -> None:
    text = json.dumps(message("tools/list", {"x": "y" * 10_000})).encode()

    async def pieces() -> AsyncGenerator[bytes]:
        for start in range(0, len(text), 4096):
            yield text[start : start + 4096]

    async with served(**KEYS, http_max_bytes=10_000) as server, httpx.AsyncClient() as http:
        answer = await http.post(server.url, content=text if declared else pieces(), headers=AS_ANN)
        assert answer.status_code == 413
        assert answer.json()["error"]["message"] == (
            "The request is larger than 10000 bytes. Nothing was done; send less at once."
        )


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "many"])
async def test_a_length_that_is_none_does_not_trouble_the_server(length: str) -> None:
    import anyio

    async with served(**KEYS) as server:
        host, port = server.address.removeprefix("http://").split(":")
        async with await anyio.connect_tcp(host, int(port)) as stream:
            head = f"POST /mcp HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {ANN}\r\n"
            await stream.send(f"{head}Content-Length: {length}\r\n\r\n{{}}".encode())
            assert (await stream.receive())[9:12] in {b"400", b"413"}
        assert (await post(server.url, Authorization=AS_ANN["Authorization"])).status_code == 200


async def test_each_caller_has_a_rate_of_their_own() -> None:
    async with served(**KEYS, http_rate=3) as server:
        statuses = [
            (await post(server.url, Authorization=AS_ANN["Authorization"])).status_code for _ in range(4)
        ]
        assert statuses == [200, 200, 200, 429]
        refused = await post(server.url, Authorization=AS_ANN["Authorization"])
        wait = int(refused.headers["retry-after"])
        assert 10 <= wait <= 20
        assert refused.json() == {
            "jsonrpc": "2.0",
            "id": 7,
            "error": {
                "code": -32600,
                "message": f"Too many requests from ann: nothing was done. Try again in {wait} s.",
            },
        }
        assert (await post(server.url, Authorization=f"Bearer {BOB}")).status_code == 200


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_is_told_that_it_asks_too_often(era: Era) -> None:
    async with served(**KEYS, http_rate=8) as server, connected(server.url, ANN, era=era) as client:
        with pytest.raises(
            MCPError, match=r"Too many requests from ann: nothing was done\. Try again in \d s\."
        ):
            await call_often(client)


async def call_often(client: Client) -> None:
    for _ in range(9):
        await client.call_tool("list_products", {"limit": 1})


def test_a_rate_is_spread_over_its_minute() -> None:
    now = 0.0
    rate = CallRate(60, clock=lambda: now)
    assert [rate.wait("ann") for _ in range(61)] == [0] * 60 + [1]
    now = 2.0
    assert [rate.wait("ann") for _ in range(3)] == [0, 0, 1]
    now = 3600.0
    assert [rate.wait("ann") for _ in range(61)] == [0] * 60 + [1]
    assert {CallRate(0).wait("ann") for _ in range(1000)} == {0}


def test_callers_that_were_long_away_are_forgotten_and_lose_nothing() -> None:
    now = 0.0
    rate = CallRate(1, clock=lambda: now)
    for number in range(10_000):
        assert rate.wait(str(number)) == 0
    now = 59.0
    assert rate.wait("another") == 0
    assert rate.wait("0") == 1
    now = 61.0
    assert rate.wait("yet another") == 0
    assert rate.wait("0") == 0


async def test_health_is_told_to_anybody_and_asks_the_api_nothing(tmp_path: Path) -> None:
    async with served(**KEYS, data_dir=tmp_path) as server, httpx.AsyncClient() as http:
        for path, body in (("/healthz", "ok"), ("/readyz", "ready")):
            answer = await http.get(f"{server.address}{path}", headers={"Host": "10.0.0.7"})
            assert (answer.status_code, answer.text) == (200, body)
        assert server.upstream == []


async def test_a_store_that_does_not_work_is_not_ready_and_says_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "guard.sqlite").write_text("Dear customer,\n" * 1000)
    async with served(**KEYS, data_dir=tmp_path) as server, httpx.AsyncClient() as http:
        answer = await http.get(f"{server.address}/readyz")
        assert (answer.status_code, answer.text) == (503, "not ready")
        assert (await http.get(f"{server.address}/healthz")).status_code == 200
    assert any(record.getMessage().startswith("Not ready: ") for record in caplog.records)


async def test_each_request_has_an_id_and_a_line_without_its_contents(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger=REQUESTS)
    async with served(**KEYS) as server:
        async with connected(server.url, ANN) as client:
            await first_product(client)
        caplog.clear()
        call = {"name": "list_products", "arguments": {"search": "a-secret-search"}}
        answer = await post(server.url, "tools/call", call, **AS_ANN, X_Request_Id="from-the-proxy-1")
        refused = await post(server.url, X_Request_Id="not fit\tfor a log")
    assert answer.headers["x-request-id"] == "from-the-proxy-1"
    made = refused.headers["x-request-id"]
    assert made.isalnum()
    assert len(made) == 16
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records if record.name == REQUESTS]
    for line in lines:
        assert line.pop("time").endswith("Z")
        assert line.pop("ms") >= 0
        line.pop("request_id", None)
    usual = {"level": "info", "logger": REQUESTS, "message": "request", "http_method": "POST"}
    assert lines == [
        {**usual, "caller": "ann", "method": "tools/call", "tool": "list_products", "status": 200},
        {**usual, "caller": "local", "status": 401},
    ]


async def test_many_who_ask_whether_it_is_ready_cost_one_look(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "guard.sqlite").write_text("Dear customer,\n" * 1000)
    async with served(**KEYS, data_dir=tmp_path) as server, httpx.AsyncClient() as http:
        answers = await asyncio.gather(*(http.get(f"{server.address}/readyz") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {503}
    assert len([record for record in caplog.records if record.getMessage().startswith("Not ready: ")]) < 5
