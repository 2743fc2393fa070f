"""What stands before the webhooks: names of the server, size, time, the end, and a line of the log for each."""

import base64
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from web_server import KEYS, Served, served

from hoopai_products_mcp.sandbox.identity import LOCATION_ID
from hoopai_products_mcp.server.logs import REQUESTS, JsonLines
from hoopai_products_mcp.server.webhooks import LARGEST_EVENT

pytestmark = pytest.mark.anyio

KEY = Ed25519PrivateKey.generate()


def event(number: int, **more: Any) -> bytes:
    told = {"webhookId": f"w{number}", "timestamp": datetime.now(UTC).isoformat(), "_id": "p1", **more}
    return json.dumps({"locationId": LOCATION_ID, **told}).encode()


def signed(body: bytes, **headers: str) -> dict[str, str]:
    return {"x-ghl-signature": base64.b64encode(KEY.sign(body)).decode(), **headers}


@asynccontextmanager
async def hooked(folder: Path, **settings: Any) -> AsyncGenerator[tuple[Served, httpx.AsyncClient]]:
    path = folder / "keys.pem"
    path.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    async with (
        served(**KEYS, webhook_keys=path, data_dir=folder, **settings) as server,
        httpx.AsyncClient(base_url=server.address, timeout=30) as http,
    ):
        yield server, http


@pytest.mark.parametrize(
    ("host", "status"),
    [(None, 204), ("mcp.example.com", 204), ("hooks.example.com", 204), ("shop.example.com", 421)],
)
async def test_events_come_to_a_name_of_the_server(host: str | None, status: int, tmp_path: Path) -> None:
    names = {"public_url": "https://mcp.example.com/mcp", "allowed_hosts": "hooks.example.com"}
    async with hooked(tmp_path, **names) as (_, http):
        body = event(1)
        # The platform comes through a proxy, and needs no key.
        headers = signed(body, X_Forwarded_For="203.0.113.9", **({"Host": host} if host else {}))
        answer = await http.post("/webhooks", content=body, headers=headers)
        assert answer.status_code == status
        if status == 421:
            assert "HOOPAI_ALLOWED_HOSTS" in answer.json()["error"]["message"]


async def test_an_event_from_a_page_in_a_browser_is_refused(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (_, http):
        body = event(1)
        headers = signed(body, Origin="https://shop.example.com")
        assert (await http.post("/webhooks", content=body, headers=headers)).status_code == 403


async def test_an_event_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (server, _):
        host, port = server.address.removeprefix("http://").split(":")
        with anyio.fail_after(20):
            stream = await anyio.connect_tcp(host, int(port))
        async with stream:
            head = f"POST /webhooks HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {LARGEST_EVENT + 1}\r\n\r\n"
            await stream.send(head.encode())
            with anyio.fail_after(20):
                assert (await stream.receive()).startswith(b"HTTP/1.1 413")
    async with hooked(tmp_path, http_max_bytes=10_000) as (_, http):
        body = event(1, description="x" * 10_000)
        assert (await http.post("/webhooks", content=body, headers=signed(body))).status_code == 413


async def test_an_event_has_an_id_and_a_line_without_its_contents(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=REQUESTS)
    async with hooked(tmp_path) as (_, http):
        body = event(1, name="a-secret-name", method="tools/call")
        answers = [
            await http.post("/webhooks", content=body, headers=headers) for headers in (signed(body), {})
        ]
    assert [answer.status_code for answer in answers] == [204, 401]
    assert all(len(answer.headers["x-request-id"]) == 16 for answer in answers)
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records if record.name == REQUESTS]
    assert [(line["caller"], line["status"], "method" in line) for line in lines] == [
        ("webhooks", 204, False),
        ("webhooks", 401, False),
    ]
    assert "a-secret-name" not in str(lines)


async def test_a_server_that_is_ending_has_the_platform_come_again(tmp_path: Path) -> None:
    async with hooked(tmp_path) as (server, http):
        server.made.under_way.ending = True
        body = event(1)
        answer = await http.post("/webhooks", content=body, headers=signed(body))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
