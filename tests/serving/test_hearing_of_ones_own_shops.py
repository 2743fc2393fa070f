"""Who is subscribed hears of the shops that are theirs at that moment, from whichever process the news come."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from issuer import Issuer
from listeners import Ears
from many_shops import LAMPS, VASES, Invented, marked_apps, shops_file
from mcp import MCPDeprecationWarning
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from web_server import ANN, BOB, ERAS, Era, call, connected, served, served_shops
from workers import Worker, started

pytestmark = pytest.mark.anyio

CAT = "cat-has-an-invented-key-000000003"
BOTH = (LAMPS, VASES)


def catalog(shop: Invented) -> str:
    return f"hoopai://shops/{shop.name}/catalog"


async def write(client: Client, shop: Invented) -> None:
    """Change something in a shop."""
    await call(client, "create_product", location=shop.name, name="Lamp", product_type="PHYSICAL")


@asynccontextmanager
async def listener(url: str, key: str, *uris: str, era: Era) -> AsyncGenerator[Ears]:
    with Ears(era) as ears:
        async with connected(url, key, era=era, ears=ears) as client, ears.subscribed(client, *uris):
            yield ears


@asynccontextmanager
async def team(folder: Path, keys: str) -> AsyncGenerator[tuple[Worker, Worker, Path]]:
    """Two workers on embedded shops that both have, and their file of keys."""
    file = folder / "keys"
    file.write_text(keys)
    environment = {
        "HOOPAI_SANDBOX": "true",
        "HOOPAI_SHOPS_FILE": str(shops_file(folder, BOTH)),
        "HOOPAI_DATA_DIR": str(folder / "data"),
        "HOOPAI_HTTP_AUTH": "key",
        "HOOPAI_HTTP_KEYS_FILE": str(file),
        "HOOPAI_HTTP_RATE": "0",
    }
    async with started(2, environment) as (one, other):
        yield one, other, file


@pytest.mark.parametrize("era", ERAS)
async def test_a_shop_that_is_taken_away_from_a_key_is_not_heard_of_any_more(
    era: Era, tmp_path: Path
) -> None:
    kept = f"bob = {BOB} read @{LAMPS.name} @{VASES.name}\ncat = {CAT}\n"
    whole = f"ann = {ANN} @{LAMPS.name} @{VASES.name}\n{kept}"
    async with (
        team(tmp_path, whole) as (one, other, keys),
        connected(one.url, CAT) as here,
        connected(other.url, CAT) as there,
        listener(one.url, ANN, catalog(LAMPS), catalog(VASES), era=era) as ann,
        listener(one.url, BOB, catalog(LAMPS), catalog(VASES), era=era) as bob,
    ):
        for client in (here, there):
            await write(client, LAMPS)
            await ann.heard(catalog(LAMPS))
            await bob.heard(catalog(LAMPS))
        keys.write_text(f"ann = {ANN} @{VASES.name}\n{kept}")
        for client in (here, there):
            await write(client, LAMPS)
            await bob.heard(catalog(LAMPS))
            await write(client, VASES)
            await bob.heard(catalog(VASES))
            # Had she been told of the first she would have heard of it before.
            await ann.heard(catalog(VASES))
        keys.write_text(f"# nobody is called ann\n{kept}")
        for client in (here, there):
            await write(client, VASES)
            await bob.heard(catalog(VASES))
        ann.nothing_else()
        keys.write_text(f"{whole}# again\n")
        for client in (here, there):
            await write(client, VASES)
            await bob.heard(catalog(VASES))
            if era == "legacy":
                # What was dropped stays dropped until she subscribes anew.
                ann.nothing_else()
            else:
                await ann.heard(catalog(VASES))


@pytest.mark.parametrize("era", ERAS)
async def test_either_name_of_a_shop_hears_of_what_another_process_changes_there(
    era: Era, tmp_path: Path
) -> None:
    by_id = f"hoopai://shops/{LAMPS.location_id}/catalog"
    async with (
        team(tmp_path, f"ann = {ANN} @{LAMPS.location_id}\ncat = {CAT}\n") as (one, other, _),
        connected(other.url, CAT) as there,
        listener(one.url, ANN, by_id, catalog(LAMPS), era=era) as ann,
    ):
        await write(there, VASES)
        await write(there, LAMPS)
        await ann.heard(by_id, catalog(LAMPS))


async def test_a_newer_token_of_a_session_says_which_shops_are_heard_of(
    tmp_path: Path, issuer: Issuer
) -> None:
    settings = {"http_auth": "oauth", "http_issuer": issuer.url, "http_locations": "claim:shops"}
    async with served_shops(shops_file(tmp_path, BOTH), marked_apps(BOTH), **settings) as url:
        scopes = "products:read products:write products:destructive"
        all_shops = issuer.token(url, scopes, shops=[LAMPS.name, VASES.name])
        fewer = issuer.token(url, scopes, shops=[VASES.name])
        with Ears("legacy") as ears:
            async with (
                httpx2.AsyncClient(headers={"Authorization": f"Bearer {all_shops}"}, timeout=30) as http,
                Client(
                    streamable_http_client(url, http_client=http), mode="legacy", message_handler=ears.message
                ) as ann,
                connected(url, all_shops) as writer,
                ears.subscribed(ann, catalog(LAMPS), catalog(VASES)),
            ):
                await write(writer, LAMPS)
                await ears.heard(catalog(LAMPS))
                http.headers["Authorization"] = f"Bearer {fewer}"
                await ann.list_tools()
                await write(writer, LAMPS)
                await write(writer, VASES)
                await ears.heard(catalog(VASES))


async def test_nobody_is_promised_news_over_a_session_that_there_is_not() -> None:
    async with served(http_sessions=False) as server, connected(server.url, era="legacy") as client:
        with pytest.warns(MCPDeprecationWarning), pytest.raises(MCPError, match="keeps no sessions"):
            await client.subscribe_resource("hoopai://catalog")  # pyright: ignore[reportDeprecated]
