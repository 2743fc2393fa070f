"""Callers over HTTP who may use some shops and not others: the others are to them as if there were none."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from issuer import issuing
from many_shops import BEDS, LAMPS, RUGS, SHOPS, VASES, Invented, marked_apps, shops_file
from mcp import MCPDeprecationWarning
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, TextResourceContents
from web_server import (
    ANN,
    BOB,
    ERAS,
    HEADERS,
    Era,
    call,
    connected,
    message,
    post,
    refused,
    served_shops,
)

from hoopai_products_mcp.server.identification import IdentificationError
from hoopai_products_mcp.server.settings import Settings
from hoopai_products_mcp.server.streamable_http import http_app

pytestmark = pytest.mark.anyio

CAT = "cat-has-an-invented-key-000000003"
DAN = "dan-has-an-invented-key-000000004"
KEYS = (
    f"ann={ANN} @{LAMPS.name} @{VASES.location_id}, bob={BOB} read @{RUGS.name},"
    f"cat={CAT} read write destructive, dan={DAN} @{BEDS.name}"
)


@asynccontextmanager
async def by_keys(folder: Path, **settings: Any) -> AsyncGenerator[str]:
    file = shops_file(folder)
    async with served_shops(file, marked_apps(), http_auth="key", http_keys=KEYS, **settings) as url:
        yield url


async def shops_of(client: Client) -> str:
    """What the resource of shops says."""
    (content,) = (await client.read_resource("hoopai://shops")).contents
    assert isinstance(content, TextResourceContents)
    return content.text


@pytest.mark.parametrize("era", ERAS)
async def test_a_key_opens_the_shops_that_stand_behind_it(era: Era, tmp_path: Path) -> None:
    async with by_keys(tmp_path) as url:
        async with connected(url, ANN, era=era) as client:
            for shop in (LAMPS, VASES):
                for location in (shop.name, shop.location_id):
                    found = await call(client, "list_products", location=location, limit=1)
                    assert found["shop"] == shop.name
            assert (await refused(client, "list_products")).startswith(
                "`location` is missing: say which shop. There are: north-lamps (Lumen Hall), north-vases"
            )
        async with connected(url, CAT, era=era) as client:
            for shop in SHOPS:
                assert (await call(client, "list_products", location=shop.name, limit=1))["shop"] == shop.name


@pytest.mark.parametrize("era", ERAS)
async def test_what_a_caller_may_not_use_is_as_what_there_is_not(era: Era, tmp_path: Path) -> None:
    async with by_keys(tmp_path) as url, connected(url, ANN, era=era) as client:

        async def said(word: str) -> list[str]:
            """What is said of a shop in every place that takes one."""
            told = [await refused(client, "list_products", location=word)]
            told.append(await refused(client, "delete_product", location=word, product_id="1"))
            for attempt in (
                client.read_resource(f"hoopai://shops/{word}/catalog"),
                client.get_prompt("catalog_health", {"location": word}),
            ):
                with pytest.raises(MCPError) as error:
                    await attempt
                told.append(f"{error.value.error.code} {error.value.error.message}")
            completion = await client.complete(
                PromptReference(type="ref/prompt", name="draft_product_description"),
                {"name": "product", "value": "moon"},
                context_arguments={"location": word},
            )
            told.append(completion.completion.model_dump_json())
            return [text.replace(word, "WORD") for text in told]

        unknown = await said("no-such-shop")
        for word in (RUGS.name, RUGS.location_id, BEDS.name, BEDS.location_id):
            assert await said(word) == unknown
        shown = str(
            [
                await shops_of(client),
                await client.list_tools(),
                await client.list_prompts(),
                await client.list_resources(),
                unknown,
            ]
        )
        for other in (RUGS, BEDS):
            assert not [word for word in other.words if word in shown]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_instructions_name_the_callers_shops(mode: Any, tmp_path: Path) -> None:
    async with by_keys(tmp_path) as url:
        async with connected(url, ANN, era=mode) as client:
            assert "Shops: north-lamps (Lumen Hall), north-vases (Urn & Ewer).\n" in (
                client.instructions or ""
            )
        async with connected(url, DAN, era=mode) as client:
            said = client.instructions or ""
            assert said.startswith("The product catalog of the HoopAI shop south-beds (Downy Deep): ")


@pytest.mark.parametrize("era", ERAS)
async def test_who_may_use_one_shop_need_not_name_it(era: Era, tmp_path: Path) -> None:
    async with by_keys(tmp_path) as url, connected(url, DAN, era=era) as client:
        assert (await call(client, "list_products", limit=1))["shop"] == BEDS.name
        assert (await call(client, "list_products", limit=1, location=BEDS.name))["shop"] == BEDS.name
        tools = (await client.list_tools()).tools
        assert all("location" in tool.input_schema["properties"] for tool in tools)
        assert not any("location" in tool.input_schema.get("required", ()) for tool in tools)
        prompts = (await client.list_prompts()).prompts
        assert not any(argument.required for prompt in prompts for argument in (prompt.arguments or [])[:1])
        found = await client.get_prompt("catalog_health")
        assert BEDS.mark in found.model_dump_json()


@pytest.mark.parametrize("era", ERAS)
async def test_rights_and_shops_of_a_key_both_count(era: Era, tmp_path: Path) -> None:
    async with by_keys(tmp_path) as url, connected(url, BOB, era=era) as client:
        assert (await call(client, "list_products", limit=1))["shop"] == RUGS.name
        assert "needs the rights" in await refused(
            client, "delete_product", location=RUGS.name, product_id="1"
        )


async def test_nobody_listens_to_a_shop_that_is_not_theirs(tmp_path: Path) -> None:
    async with by_keys(tmp_path) as url:
        async with connected(url, ANN) as client:
            for word in (RUGS.name, "no-such-shop"):
                with pytest.raises(MCPError, match=f"Unknown resource: hoopai://shops/{word}/catalog"):
                    async with client.listen(resource_subscriptions=[f"hoopai://shops/{word}/catalog"]):
                        pass
        async with connected(url, ANN, era="legacy") as client:

            async def subscribe(word: str) -> None:
                with pytest.warns(MCPDeprecationWarning):
                    await client.subscribe_resource(  # pyright: ignore[reportDeprecated]
                        f"hoopai://shops/{word}/catalog"
                    )

            await subscribe(LAMPS.name)
            for word in (RUGS.name, "no-such-shop"):
                with pytest.raises(MCPError, match=f"Unknown resource: hoopai://shops/{word}/catalog"):
                    await subscribe(word)


async def test_another_spelling_of_the_filter_listens_to_nothing(tmp_path: Path) -> None:
    # The models of the SDK know their fields by these names too; what is checked is the name in the protocol.
    asked = message(
        "subscriptions/listen",
        {"notifications": {"resource_subscriptions": [f"hoopai://shops/{RUGS.name}/catalog"]}},
    )
    headers = {
        **HEADERS,
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "subscriptions/listen",
        "Authorization": f"Bearer {ANN}",
    }
    async with (
        by_keys(tmp_path) as url,
        httpx.AsyncClient(headers=headers, timeout=30) as http,
        http.stream("POST", url, content=json.dumps(asked)) as answer,
    ):
        first = ""
        async for line in answer.aiter_lines():
            if "jsonrpc" in line:
                first = line
                break
    assert '"notifications":{}' in first


async def test_lists_that_name_shops_are_not_for_shared_caches(tmp_path: Path) -> None:
    async with by_keys(tmp_path) as url:
        for method in ("tools/list", "prompts/list", "resources/list", "server/discover"):
            answer = await post(url, method, Authorization=f"Bearer {ANN}")
            assert answer.json()["result"]["cacheScope"] == "private", method


@pytest.mark.parametrize("era", ERAS)
async def test_shops_of_a_key_change_with_its_file(era: Era, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"ann = {ANN} @{LAMPS.name}\n")
    async with (
        served_shops(shops_file(tmp_path), marked_apps(), http_auth="key", http_keys_file=keys) as url,
        connected(url, ANN, era=era) as client,
    ):
        assert (await call(client, "list_products", limit=1))["shop"] == LAMPS.name
        keys.write_text(f"ann = {ANN} @{RUGS.name}\n# changed\n")
        assert (await call(client, "list_products", limit=1))["shop"] == RUGS.name
        # A shop that there is not would open nothing, or by a slip everything: no key of the file counts.
        keys.write_text(f"ann = {ANN} @north-lamp\n# changed again\n")
        assert (await post(url, Authorization=f"Bearer {ANN}")).status_code == 401


@pytest.mark.parametrize("several", [True, False])
def test_a_key_for_a_shop_that_there_is_not_is_refused_at_start(several: bool, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"ann = {ANN} @{LAMPS.name} @lamp\n")
    more = {"shops_file": shops_file(tmp_path)} if several else {}
    settings = Settings.model_validate({"sandbox": True, "http_auth": "key", "http_keys_file": keys, **more})
    with pytest.raises(IdentificationError, match="limits a key to a shop that there is not") as error:
        http_app(settings, "http://127.0.0.1:8000")
    assert ("@north-lamps" in str(error.value)) is several
    assert ("there is no file of shops" in str(error.value)) is not several


@asynccontextmanager
async def by_tokens(
    folder: Path, locations: str, issuer: str, shops: tuple[Invented, ...] = SHOPS
) -> AsyncGenerator[str]:
    """A server that takes an issuer's tokens."""
    settings = {"http_auth": "oauth", "http_issuer": issuer, "http_locations": locations}
    async with served_shops(shops_file(folder, shops), marked_apps(shops), **settings) as url:
        yield url


ALL = "products:read products:write products:destructive"


@pytest.mark.parametrize(
    ("locations", "scope", "claims", "theirs"),
    [
        (
            "scope:shop:",
            f"{ALL} shop:north-lamps shop:{VASES.location_id} shop:elsewhere",
            {},
            (LAMPS, VASES),
        ),
        ("scope:shop:", ALL, {}, ()),
        ("claim:shops", ALL, {"shops": [RUGS.name, 7]}, (RUGS,)),
        ("claim:shops", ALL, {"shops": f"{RUGS.name} {BEDS.name}"}, (RUGS, BEDS)),
        ("claim:shops", f"{ALL} shop:north-lamps", {}, ()),
        # What this server calls it inside must not be what somebody outside can say.
        ("claim:shops", ALL, {"com.hoopai/shops": [LAMPS.name]}, ()),
        ("all", ALL, {}, SHOPS),
    ],
)
async def test_a_token_names_its_shops(
    locations: str, scope: str, claims: dict[str, Any], theirs: tuple[Invented, ...], tmp_path: Path
) -> None:
    with issuing() as issuer:
        async with (
            by_tokens(tmp_path, locations, issuer.url) as url,
            connected(url, issuer.token(url, scope, **claims)) as client,
        ):
            listed = await shops_of(client)
            assert [shop for shop in SHOPS if shop.name in listed] == list(theirs)
            for shop in SHOPS:
                if shop in theirs:
                    found = await call(client, "list_products", location=shop.name, limit=1)
                    assert found["shop"] == shop.name
                else:
                    said = await refused(client, "list_products", location=shop.name)
                    assert said.startswith("There is no shop")
            if not theirs:
                assert await refused(client, "list_products") == (
                    "There is no shop here that you may use. Ask whoever runs this server. Nothing was changed."
                )


async def test_the_only_shop_of_a_file_is_not_there_either_for_a_token_that_names_none(
    tmp_path: Path,
) -> None:
    with issuing() as issuer:
        async with by_tokens(tmp_path, "scope:shop:", issuer.url, (LAMPS,)) as url:
            names: list[list[str]] = []
            for scope in (f"{ALL} shop:{LAMPS.name}", ALL):
                async with connected(url, issuer.token(url, scope)) as client:
                    found = await client.complete(
                        PromptReference(type="ref/prompt", name="draft_product_description"),
                        {"name": "product", "value": "moon"},
                    )
                names.append(found.completion.values)
            assert all(LAMPS.mark in name for name in names[0])
            assert (len(names[0]) > 0, names[1]) == (True, [])
            async with (
                connected(url, issuer.token(url, f"{ALL} shop:{LAMPS.name}")) as client,
                client.listen(resource_subscriptions=["hoopai://catalog"]),
            ):
                pass
            async with connected(url, issuer.token(url, ALL)) as client:
                with pytest.raises(MCPError, match="There is no shop here that you may use"):
                    async with client.listen(resource_subscriptions=["hoopai://catalog"]):
                        pass
                with pytest.raises(MCPError, match="There is no shop here that you may use"):
                    await client.read_resource("hoopai://catalog")


@pytest.mark.parametrize("era", ERAS)
async def test_a_blank_location_of_a_prompt_is_one_that_was_left_out(era: Era, tmp_path: Path) -> None:
    async with by_keys(tmp_path) as url:
        # What a form sends for a field that nobody filled in.
        async with connected(url, DAN, era=era) as client:
            for blank in ("", "  "):
                found = await client.get_prompt("catalog_health", {"location": blank})
                assert BEDS.mark in found.model_dump_json()
        async with connected(url, ANN, era=era) as client:
            found = await client.get_prompt("catalog_health", {"location": f" {LAMPS.name} "})
            assert LAMPS.mark in found.model_dump_json()
            with pytest.raises(MCPError, match="`location` is missing: say which shop"):
                await client.get_prompt("catalog_health", {"location": ""})
