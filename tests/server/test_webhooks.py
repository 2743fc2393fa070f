"""Webhooks of the platform: only what it signed, once and while fresh, and then subscribers hear of it."""

import base64
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mcp.client import Client
from mcp.shared.subscriptions import ResourceUpdated
from starlette.applications import Starlette

from hoopai_products_mcp.sandbox.identity import LOCATION_ID
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.command_parser import CommandError
from hoopai_products_mcp.server.settings import Settings
from hoopai_products_mcp.server.streamable_http import http_app
from hoopai_products_mcp.server.webhooks import LARGEST_EVENT, MOST_REMEMBERED, Keys, Webhooks

pytestmark = pytest.mark.anyio

ED25519 = Ed25519PrivateKey.generate()
RSA = generate_private_key(65537, 2048)
NOW = datetime(2026, 5, 31, 12, tzinfo=UTC)
PRODUCT = {"_id": "p1", "locationId": LOCATION_ID, "name": "Lamp", "productType": "PHYSICAL"}
PRICE = {"_id": "q1", "product": "p1", "locationId": LOCATION_ID, "type": "one_time", "amount": 5}
TOUCHED = ["hoopai://products/p1", "hoopai://products/p1/prices", "hoopai://catalog"]


def pem(*keys: Any) -> bytes:
    return b"\n".join(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in keys
    )


def keys_of(tmp_path: Path, *keys: Any) -> Keys:
    path = tmp_path / "keys.pem"
    path.write_bytes(b"# From the platform's documentation.\n" + pem(*keys))
    return Keys.read(path)


def newer(body: bytes, key: Ed25519PrivateKey = ED25519) -> dict[str, str]:
    return {"x-ghl-signature": base64.b64encode(key.sign(body)).decode()}


def older(body: bytes, key: RSAPrivateKey = RSA) -> dict[str, str]:
    return {"x-wh-signature": base64.b64encode(key.sign(body, PKCS1v15(), SHA256())).decode()}


def event(thing: dict[str, Any] = PRODUCT, **more: Any) -> bytes:
    return json.dumps({"webhookId": "w1", "timestamp": "2026-05-31T11:58:00.000Z", **thing, **more}).encode()


@dataclass
class Platform:
    """Posts events to one server, whose time stands still unless it is moved."""

    http: httpx.AsyncClient
    told: list[str] = field(default_factory=list[str])
    now: float = NOW.timestamp()

    async def post(self, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
        answer = await self.http.post(
            "/webhooks", content=body, headers=newer(body) if headers is None else headers
        )
        return answer.status_code, answer.json()["error"] if answer.content else ""


@asynccontextmanager
async def platform(keys: Keys, *, most_remembered: int = MOST_REMEMBERED) -> AsyncGenerator[Platform]:
    async def changed(uris: Iterable[str], location_id: str) -> None:
        assert location_id == LOCATION_ID
        found.told.extend(uris)

    hooks = Webhooks(
        keys,
        shops={LOCATION_ID: ""},
        changed=changed,
        clock=lambda: found.now,
        most_remembered=most_remembered,
    )
    app = Starlette(routes=hooks.routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        found = Platform(http)
        yield found


UNSIGNED = (401, "The event has no signature of the platform.")


async def test_an_event_of_a_product_or_a_price_is_told_with_either_signature(tmp_path: Path) -> None:
    async with platform(keys_of(tmp_path, ED25519, RSA)) as shop:
        assert await shop.post(event()) == (204, "")
        assert shop.told == TOUCHED
        body = event(PRICE, webhookId="w2")
        assert await shop.post(body, older(body)) == (204, "")
        body = event(PRICE, webhookId="w3")
        assert await shop.post(body, newer(body) | older(body)) == (204, "")
    assert shop.told == TOUCHED * 3


async def test_what_the_platform_has_not_signed_is_refused(tmp_path: Path) -> None:
    body, stranger, other = event(), Ed25519PrivateKey.generate(), generate_private_key(65537, 2048)
    async with platform(keys_of(tmp_path, ED25519, RSA)) as shop:
        for headers in (
            {},
            newer(body, stranger),
            older(body, other),
            newer(event(webhookId="w2")),
            older(event(webhookId="w2")),
            {"x-ghl-signature": ""},
            {"x-ghl-signature": "not base64!"},
            {"x-ghl-signature": newer(body)["x-ghl-signature"][:-8]},
            {"x-wh-signature": newer(body)["x-ghl-signature"]},
            # One that is wrong is not made good by another.
            newer(body, stranger) | older(body),
        ):
            assert await shop.post(body, headers) == UNSIGNED
        assert await shop.post(body + b" ", newer(body)) == UNSIGNED
        assert shop.told == []
        assert await shop.post(body) == (204, "")


async def test_a_signature_whose_key_was_not_given_does_not_count(tmp_path: Path) -> None:
    body = event()
    async with platform(keys_of(tmp_path, ED25519)) as shop:
        assert await shop.post(body, older(body)) == UNSIGNED
    async with platform(keys_of(tmp_path, RSA)) as shop:
        assert await shop.post(body, newer(body)) == UNSIGNED
        assert await shop.post(body, newer(body) | older(body)) == (204, "")


async def test_an_event_counts_once_and_for_five_minutes(tmp_path: Path) -> None:
    old = (400, "The event is more than five minutes old, or of the future.")
    async with platform(keys_of(tmp_path, ED25519)) as shop:
        assert await shop.post(event()) == (204, "")
        assert await shop.post(event()) == (409, "The event was here before.")
        assert await shop.post(event(PRICE)) == (409, "The event was here before.")
        assert await shop.post(event(webhookId="w2", timestamp="2026-05-31T11:54:59Z")) == old
        assert await shop.post(event(webhookId="w2", timestamp="2026-05-31T12:05:01Z")) == old
        assert await shop.post(event(webhookId="w2", timestamp="2026-05-31T12:04:59")) == (204, "")
        shop.now += 9 * 60
        assert await shop.post(event(webhookId="w2", timestamp="2026-05-31T12:04:59")) == (
            409,
            "The event was here before.",
        )
    assert shop.told == TOUCHED * 2


async def test_what_cannot_be_dated_or_told_from_a_repeated_one_is_refused(tmp_path: Path) -> None:
    undated = (400, "The event has no timestamp in ISO 8601, so its age cannot be told.")
    async with platform(keys_of(tmp_path, ED25519)) as shop:
        for timestamp in (None, "", "yesterday", 1780228680, True):
            assert await shop.post(event(timestamp=timestamp)) == undated
        for webhook_id in (None, "", 7):
            assert (await shop.post(event(webhookId=webhook_id)))[0] == 400
        for body in (b"", b"[]", b"{", b"null", b'"x"', b"\xff"):
            assert await shop.post(body) == (400, "The event is not a JSON object.")
        assert await shop.post(b" " * (LARGEST_EVENT + 1)) == (413, "The event is too long.")
        assert (await shop.http.get("/webhooks")).status_code == 405
    assert shop.told == []


async def test_events_of_other_locations_and_other_things_are_taken_and_tell_nobody(tmp_path: Path) -> None:
    async with platform(keys_of(tmp_path, ED25519)) as shop:
        assert await shop.post(event(locationId="elsewhere")) == (204, "")
        body = json.dumps(
            {"webhookId": "w2", "timestamp": "2026-05-31T12:00:00Z", "type": "INSTALL"}
        ).encode()
        assert await shop.post(body) == (204, "")
        assert await shop.post(event({"locationId": LOCATION_ID, "_id": ["x"]}, webhookId="w3")) == (204, "")
    assert shop.told == []


async def test_a_flood_of_events_is_refused_until_the_first_are_old(tmp_path: Path) -> None:
    async with platform(keys_of(tmp_path, ED25519), most_remembered=3) as shop:
        for number in range(3):
            assert await shop.post(event(webhookId=f"w{number}")) == (204, "")
        assert await shop.post(event(webhookId="w3")) == (503, "Too many events within ten minutes.")
        shop.now += 10 * 60 + 1
        assert await shop.post(event(webhookId="w3", timestamp="2026-05-31T12:10:00Z")) == (204, "")


def refusal(path: Path) -> str:
    with pytest.raises(CommandError) as caught:
        Keys.read(path)
    return str(caught.value)


def test_a_file_without_usable_keys_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "keys.pem"
    assert refusal(path) == "the file of webhook keys cannot be read: No such file or directory."
    path.write_text("nothing")
    assert "has no public key" in refusal(path)
    for content in (
        pem(elliptic_key(SECP256R1())),
        pem(ED25519, generate_private_key(65537, 1024)),
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
    ):
        path.write_bytes(content)
        assert (
            refusal(path)
            == "the file of webhook keys has a key that is neither Ed25519 nor RSA of 2,048 bits."
        )


async def test_a_server_over_http_takes_events_and_its_listeners_hear_of_them(tmp_path: Path) -> None:
    path = tmp_path / "keys.pem"
    path.write_bytes(pem(ED25519))
    settings = Settings.model_validate({"sandbox": True, "transport": "http", "webhook_keys": path})
    app = http_app(settings, "http://127.0.0.1:8000").app
    body = event(timestamp=datetime.now(UTC).isoformat())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000"
    ) as http:
        assert (await http.post("/webhooks", content=body, headers=newer(body))).status_code == 204
        assert (await http.post("/webhooks", content=body, headers=newer(body))).status_code == 409
    bare = http_app(Settings(sandbox=True, transport="http"), "http://127.0.0.1:8000").app
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(bare), base_url="http://127.0.0.1:8000"
    ) as http:
        assert (await http.post("/webhooks", content=body)).status_code == 404


async def test_an_event_is_of_the_shop_of_its_location(tmp_path: Path) -> None:
    told: list[tuple[str, list[str]]] = []

    async def changed(uris: Iterable[str], location_id: str) -> None:
        told.append((location_id, list(uris)))

    shops = {LOCATION_ID: "lamps", "loc2": "vases"}
    hooks = Webhooks(keys_of(tmp_path, ED25519), shops=shops, changed=changed, clock=NOW.timestamp)
    app = Starlette(routes=hooks.routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        for place in (LOCATION_ID, "loc2", "loc3"):
            body = event({**PRICE, "locationId": place, "webhookId": f"of {place}"})
            assert (await http.post("/webhooks", content=body, headers=newer(body))).status_code == 204
    assert [place for place, _ in told] == [LOCATION_ID, "loc2"]
    for (_, uris), name in zip(told, shops.values(), strict=True):
        assert uris == [uri.replace("hoopai://", f"hoopai://shops/{name}/") for uri in TOUCHED]


async def test_a_listener_hears_of_an_event(tmp_path: Path) -> None:
    server = build_server(Settings(sandbox=True))
    hooks = Webhooks(
        keys_of(tmp_path, ED25519), shops={LOCATION_ID: ""}, changed=server.changed, clock=NOW.timestamp
    )
    app = Starlette(routes=hooks.routes())
    body = event(PRICE)
    with anyio.fail_after(20):
        async with (
            Client(server) as client,
            client.listen(resource_subscriptions=[TOUCHED[1]]) as stream,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http,
        ):
            assert (await http.post("/webhooks", content=body, headers=newer(body))).status_code == 204
            heard = await anext(aiter(stream))
    assert heard == ResourceUpdated(uri=TOUCHED[1])
