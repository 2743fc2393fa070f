"""Static keys: who is let in, who is told what, and what belongs to whom."""

import logging
import os
from pathlib import Path
from typing import Any, cast

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent
from web_server import (
    ANN,
    BOB,
    ERAS,
    KEYS,
    Era,
    call,
    connected,
    first_product,
    journaled,
    post,
    refused,
    served,
    visible_product,
)

from hoopai_products_mcp.sandbox.identity import TOKEN
from hoopai_products_mcp.server.identification import IdentificationError
from hoopai_products_mcp.server.key_tokens import LARGEST_FILE
from hoopai_products_mcp.server.settings import Settings
from hoopai_products_mcp.server.streamable_http import http_app

pytestmark = pytest.mark.anyio

READS = "a-key-that-only-reads-000000000003"
WRITES = "a-key-that-also-writes-0000000000004"
SOME: dict[str, Any] = {
    "http_auth": "key",
    "http_keys": f"reader={READS} read, writer={WRITES} read write, ann={ANN}",
}


@pytest.mark.parametrize("era", ERAS)
async def test_a_key_is_a_caller_in_the_journal(era: Era, tmp_path: Path) -> None:
    asked: list[str] = []
    async with (
        served(**KEYS, data_dir=tmp_path) as server,
        connected(server.url, ANN, era=era, asked=asked) as client,
    ):
        product = await first_product(client)
        done = await call(client, "delete_product", product_id=product["id"])
        assert done["change"]["approved_by"] == "person"
    assert len(asked) == 1
    assert journaled(f"sqlite:///{tmp_path}/guard.sqlite") == [("ann", "person", "done")]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("token", "words"),
    [
        (
            None,
            "This server has to know who is calling: send `Authorization: Bearer` with a key. Nothing was done.",
        ),
        (
            ANN[:-1],
            "The key was not taken: it is wrong, expired or for another server. Nothing was done.",
        ),
    ],
)
async def test_without_a_key_nothing_is_answered(era: Era, token: str | None, words: str) -> None:
    async with served(**KEYS) as server:
        with pytest.raises((MCPError, ExceptionGroup)) as caught:
            async with connected(server.url, token, era=era) as client:
                await client.list_tools()
        assert words in "".join(str(error) for error in leaves(caught.value))
        assert server.upstream == []


def leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        inner = cast("tuple[BaseException, ...]", error.exceptions)
        return [leaf for each in inner for leaf in leaves(each)]
    return [error]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        f"Basic {ANN}",
        f"Bearer {ANN} {BOB}",
        f"Bearer {ANN}x",
        "Bearer ann",
        f"Bearer {TOKEN}",
    ],
)
async def test_what_is_no_key_is_answered_401_with_what_to_send(header: str) -> None:
    async with served(**KEYS) as server:
        answer = await post(server.url, Authorization=header)
        assert answer.status_code == 401
        expected = 'Bearer realm="hoopai-products-mcp", error="invalid_token"'
        assert answer.headers["www-authenticate"] == expected
        error = answer.json()["error"]
        assert error["message"] == (
            "The key was not taken: it is wrong, expired or for another server. Nothing was done."
        )
        assert ANN not in answer.text


@pytest.mark.parametrize(
    "path", ["/mcp", "/mcp/", "/mcp%0A", "/mcp?x=1", "//mcp", "/./mcp", "/MCP", "/mcp/../mcp"]
)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_no_path_and_no_method_leads_past_the_gate(path: str, method: str) -> None:
    async with served(**KEYS) as server:
        connection = HTTPConnection(*server.address.removeprefix("http://").split(":"))
        status = await connection.status(method, path)
        assert status in {401, 404, 307}
        assert status == 401 or path not in {"/mcp", "/mcp?x=1"}
        assert server.upstream == []


class HTTPConnection:
    """Sends a path as it is written."""

    def __init__(self, host: str, port: str) -> None:
        self._address = host, int(port)

    async def status(self, method: str, path: str) -> int:
        import anyio

        async with await anyio.connect_tcp(*self._address) as stream:
            head = f"{method} {path} HTTP/1.1\r\nHost: {self._address[0]}:{self._address[1]}\r\n"
            more = "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
            await stream.send(f"{head}{more}".encode())
            answer = await stream.receive()
        return int(answer.split(b" ")[1])


@pytest.mark.parametrize("era", ERAS)
async def test_a_token_and_a_plan_are_good_for_their_own_caller_alone(era: Era) -> None:
    async with (
        served(**KEYS) as server,
        connected(server.url, ANN, era=era) as ann,
        connected(server.url, BOB, era=era) as bob,
    ):
        product = (await first_product(ann))["id"]
        shown = await call(ann, "delete_product", product_id=product)
        token, plan = shown["confirmation_token"], f"hoopai://plans/{shown['plan']['id']}"
        said = await refused(bob, "delete_product", product_id=product, confirmation_token=token)
        assert said.startswith("Not confirmed: that confirmation_token was given for another caller.")
        assert len((await ann.read_resource(plan)).contents) == 1
        with pytest.raises(MCPError, match="There is no plan"):
            await bob.read_resource(plan)
        assert server.writes() == []
        done = await call(ann, "delete_product", product_id=product, confirmation_token=token)
        assert done["deleted"] is True


async def test_a_round_that_one_caller_began_another_cannot_end() -> None:
    capabilities: dict[str, Any] = {
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}
    }
    async with served(**KEYS) as server:
        async with connected(server.url, ANN) as client:
            product = await first_product(client)
        params: dict[str, Any] = {"name": "delete_product", "arguments": {"product_id": product["id"]}}
        asked = (await post_with(server.url, params, capabilities, ANN))["result"]
        (question,) = asked["inputRequests"]
        answer = {"action": "accept", "content": {"typed": product["name"]}}
        more = {**params, "requestState": asked["requestState"], "inputResponses": {question: answer}}
        stolen = (await post_with(server.url, more, capabilities, BOB))["result"]
        assert stolen["isError"] is True
        assert stolen["content"][0]["text"].startswith("This answer does not count: ")
        assert server.writes() == []
        assert (await post_with(server.url, more, capabilities, ANN))["result"]["structuredContent"][
            "deleted"
        ]


async def post_with(url: str, params: dict[str, Any], meta: dict[str, Any], key: str) -> dict[str, Any]:
    import httpx
    from web_server import HEADERS, message

    whole = message("tools/call", params)
    whole["params"]["_meta"] |= meta
    named = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": params["name"]}
    async with httpx.AsyncClient(headers={**HEADERS, **named}, timeout=30) as http:
        answer = await http.post(url, json=whole, headers={"Authorization": f"Bearer {key}"})
    return answer.json()


async def test_a_session_belongs_to_the_caller_that_opened_it() -> None:
    import httpx
    from web_server import HEADERS

    hello: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "clientInfo": {"name": "test", "version": "1"},
            "capabilities": {},
        },
    }
    async with served(**KEYS) as server, httpx.AsyncClient(headers=HEADERS, timeout=30) as http:
        mine, theirs = ({"Authorization": f"Bearer {key}"} for key in (ANN, BOB))
        session = (await http.post(server.url, json=hello, headers=mine)).headers["mcp-session-id"]
        listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        named = {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
        statuses = [
            (await http.post(server.url, json=listing, headers={**named, **who})).status_code
            for who in (mine, theirs, {})
        ]
        assert statuses == [200, 404, 401]


@pytest.mark.parametrize("era", ERAS)
async def test_each_caller_is_offered_what_they_may_call(era: Era) -> None:
    async with served(**SOME) as server:
        names: list[set[str]] = []
        for key in (READS, WRITES, ANN):
            async with connected(server.url, key, era=era) as client:
                names.append({tool.name for tool in (await client.list_tools()).tools})
    reads, writes, everything = names
    assert reads < writes < everything
    assert len(everything) > 40
    assert writes - reads == {
        "create_product",
        "update_product",
        "create_price",
        "update_price",
        "create_collection",
    }
    assert {"list_products", "get_change"} < reads
    assert {"delete_product", "undo_change", "bulk_change_prices"} <= everything - writes


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_beyond_a_callers_rights_says_which_and_changes_nothing(era: Era) -> None:
    async with served(**SOME, confirmation="off") as server:
        async with connected(server.url, READS, era=era) as client:
            product = await first_product(client)
            assert await refused(client, "create_collection", name="Lamps") == (
                "Refused: this needs the right `write`, which the caller does not have. Nothing was changed. No other "
                "call gets past that: tell the person, who can ask whoever runs this server."
            )
            assert "the rights `write` and `destructive`" in await refused(
                client, "delete_product", product_id=product["id"]
            )
        async with connected(server.url, WRITES, era=era) as client:
            assert "the right `destructive`" in await refused(
                client, "delete_product", product_id=product["id"]
            )
            assert server.writes() == []
            await call(client, "update_product", product_id=product["id"], description="Longer than before.")
            # Hiding is what a person is asked about, of a tool that else asks nobody.
            hiding = {"product_id": await visible_product(client), "available_in_store": False}
            assert "the right `destructive`" in await refused(client, "update_product", **hiding)
            dry = await call(client, "update_product", **hiding, dry_run=True)
            assert "the right `destructive`" in str(dry)
        assert len(server.writes()) == 1


async def test_a_key_never_reaches_the_api() -> None:
    async with served(**KEYS) as server, connected(server.url, ANN) as client:
        await first_product(client)
        assert {headers["authorization"] for headers in server.upstream} == {f"Bearer {TOKEN}"}
        assert ANN not in str(server.upstream)


async def test_keys_in_a_file_count_as_soon_as_they_are_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# the team\nann = {ANN}\n\nbob = {BOB} read\n")
    async with served(http_auth="key", http_keys_file=file) as server:

        async def statuses() -> list[int]:
            return [(await post(server.url, Authorization=f"Bearer {key}")).status_code for key in (ANN, BOB)]

        def write(text: str) -> None:
            new = tmp_path / "new"
            new.write_text(text)
            os.replace(new, file)

        assert await statuses() == [200, 200]
        write(f"ann = {ANN}\n")
        assert await statuses() == [200, 401]
        with caplog.at_level(logging.WARNING):
            write(f"ann = {ANN}\nbob = short\n")
            assert await statuses() == [401, 401]
        (said,) = [record.getMessage() for record in caplog.records if "keys" in record.getMessage()]
        assert said == (
            "The file of keys has as its second entry a key that can be guessed: at least 24 random characters are "
            "needed: none of its keys counts until that is put right"
        )
        file.unlink()
        assert await statuses() == [401, 401]
        write(f"ann = {ANN}\nbob = {BOB}\n")
        assert await statuses() == [200, 200]


@pytest.mark.parametrize("era", ERAS)
async def test_a_prompt_tells_a_caller_what_they_may_not_have_done(era: Era) -> None:
    async with served(**SOME) as server:
        texts: dict[str, str] = {}
        for token in (READS, WRITES, ANN):
            async with connected(server.url, token, era=era) as client:
                found = await client.get_prompt("plan_sale", {"search": "lantern", "discount": "10 %"})
                guide = await call(client, "get_guide", topic="plan_sale")
            said = found.messages[0].content
            assert isinstance(said, TextContent)
            texts[token] = said.text
            assert ("does not offer" in guide["guide"]) is ("does not offer" in said.text)
    assert (
        "This server does not offer `bulk_edit_products`, `bulk_change_prices`, `undo_change`" in texts[READS]
    )
    assert "This server does not offer" in texts[WRITES]
    assert "This server does not offer" not in texts[ANN]


@pytest.mark.parametrize("line", [f"ann = {READS}", f"reader = {ANN}"])
async def test_a_name_or_a_key_of_both_places_is_refused_in_words(line: str, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{line} read\n")
    more: dict[str, Any] = {"http_auth": "key", "http_keys": f"ann={ANN}", "http_keys_file": file}
    settings = Settings.model_validate({"sandbox": True, **more})
    with pytest.raises(IdentificationError) as error:
        http_app(settings, "http://127.0.0.1:8000")
    assert str(error.value) == (
        "the file that HOOPAI_HTTP_KEYS_FILE names has a name or a key that HOOPAI_HTTP_KEYS has too; each caller has "
        "one of its own"
    )


async def test_a_name_of_both_places_that_comes_later_counts_in_neither_file_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"bob = {BOB}\n")
    async with served(http_auth="key", http_keys=f"ann={ANN}", http_keys_file=file) as server:

        async def statuses() -> list[int]:
            return [
                (await post(server.url, Authorization=f"Bearer {key}")).status_code
                for key in (ANN, BOB, READS)
            ]

        assert await statuses() == [200, 200, 401]
        file.write_text(f"bob = {BOB}\nann = {READS}\n")
        with caplog.at_level(logging.WARNING):
            assert await statuses() == [200, 401, 401]
    assert "has a name or a key that HOOPAI_HTTP_KEYS has too" in caplog.text


def test_a_shop_that_there_is_not_is_said_of_the_place_that_names_it() -> None:
    settings = Settings.model_validate(
        {"sandbox": True, "http_auth": "key", "http_keys": f"ann={ANN} @lamps"}
    )
    with pytest.raises(
        IdentificationError, match=r"^HOOPAI_HTTP_KEYS limits a key to a shop that there is not"
    ):
        http_app(settings, "http://127.0.0.1:8000")


def test_a_file_of_keys_that_is_too_long_is_not_read_in_part(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    # What is left of a key's line where it is cut off could be a key with all rights.
    file.write_text("#" * (LARGEST_FILE - len(READS) - 10) + f"\nann = {READS} read\n")
    settings = Settings.model_validate({"sandbox": True, "http_auth": "key", "http_keys_file": file})
    with pytest.raises(IdentificationError, match="is longer than 1000000 bytes"):
        http_app(settings, "http://127.0.0.1:8000")
