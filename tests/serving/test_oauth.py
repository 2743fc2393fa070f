"""Tokens of an authorization server: which are taken, what is told to callers without one, and what they may do."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from issuer import RSA, Issuer, issuing, rsa_key
from mcp.shared.exceptions import MCPError
from web_server import (
    ERAS,
    Era,
    Served,
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

pytestmark = pytest.mark.anyio

ALL = "products:read products:write products:destructive"


@asynccontextmanager
async def guarded(issuer: Issuer, **settings: Any) -> AsyncGenerator[Served]:
    async with served(http_auth="oauth", http_issuer=issuer.url, **settings) as server:
        yield server


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("kid", ["rsa", "ec"])
async def test_a_token_lets_its_subject_in_and_the_journal_names_them(
    issuer: Issuer, era: Era, kid: str, tmp_path: Path
) -> None:
    asked: list[str] = []
    async with guarded(issuer, data_dir=tmp_path) as server:
        token = issuer.token(server.url, kid=kid)
        async with connected(server.url, token, era=era, asked=asked) as client:
            product = await first_product(client)
            await call(client, "delete_product", product_id=product["id"])
        assert {headers["authorization"] for headers in server.upstream} == {f"Bearer {TOKEN}"}
        assert token not in str(server.upstream)
    assert len(asked) == 1
    assert journaled(f"sqlite:///{tmp_path}/guard.sqlite") == [
        ("ann@example.com via assistant", "person", "done")
    ]


async def test_a_token_that_is_not_for_this_server_is_not_taken(issuer: Issuer) -> None:
    now = int(time.time())
    async with guarded(issuer) as server:
        good = issuer.token(server.url)
        header, body, signature = good.split(".")
        other = rsa_key()
        bad = {
            "another audience": issuer.token("https://other.example.com/mcp"),
            "a longer audience": issuer.token(f"{server.url}/more"),
            "its address without the path": issuer.token(server.address),
            "no audience": issuer.token(server.url, leave_out="aud"),
            "an empty audience": issuer.token([]),
            "another issuer": issuer.token(server.url, iss="https://login.example.com"),
            "an issuer with a slash": issuer.token(server.url, iss=f"{issuer.url}/"),
            "no issuer": issuer.token(server.url, leave_out="iss"),
            "expired": issuer.token(server.url, exp=now - 1),
            "never expiring": issuer.token(server.url, leave_out="exp"),
            "not valid yet": issuer.token(server.url, nbf=now + 300),
            "no subject": issuer.token(server.url, leave_out="sub"),
            "a subject that looks like two": issuer.token(server.url, sub="ann via x"),
            "a client that looks like two": issuer.token(server.url, client_id="x via y"),
            "another key": issuer.token(server.url, signed_with=other),
            "an unknown key": issuer.token(server.url, kid="new", signed_with=other),
            "no signature": jwt.encode(jwt.decode(good, options={"verify_signature": False}), "", "none"),
            "an algorithm with a shared secret": issuer.token(
                server.url, signed_with="x" * 64, algorithm="HS256"
            ),
            "another algorithm than the key's": issuer.token(
                server.url, kid="ec", signed_with=RSA, algorithm="RS256"
            ),
            "an altered body": f"{header}.{body[:-4]}AAAA.{signature}",
            "no token": "x.y.z",
            "no key id": jwt.encode(jwt.decode(good, options={"verify_signature": False}), RSA, "RS256"),
        }
        statuses = {
            why: (await post(server.url, Authorization=f"Bearer {token}")).status_code
            for why, token in bad.items()
        }
        assert statuses == dict.fromkeys(bad, 401)
        for taken in (
            good,
            issuer.token([server.url, "https://x"]),
            issuer.token(f"{server.url}/"),
            issuer.token(server.url, scope="", scp=["products:read"]),
        ):
            assert (await post(server.url, Authorization=f"Bearer {taken}")).status_code == 200


async def test_a_caller_without_a_token_is_told_where_to_get_one(issuer: Issuer) -> None:
    async with guarded(issuer) as server, httpx.AsyncClient() as http:
        answer = await post(server.url)
        metadata_url = f"{server.address}/.well-known/oauth-protected-resource/mcp"
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == (
            f'Bearer realm="hoopai-products-mcp", scope="{ALL}", resource_metadata="{metadata_url}"'
        )
        assert (await http.get(metadata_url)).json() == {
            "resource": server.url,
            "authorization_servers": [issuer.url],
            "scopes_supported": ALL.split(),
            "bearer_methods_supported": ["header"],
            "resource_name": "HoopAI Products",
        }
    async with guarded(issuer, read_only=True) as server:
        assert 'scope="products:read", ' in (await post(server.url)).headers["www-authenticate"]


async def test_a_token_without_a_scope_is_answered_403_with_the_scopes_that_are_needed(
    issuer: Issuer,
) -> None:
    deleting = {"name": "delete_product", "arguments": {"product_id": "any"}}
    async with guarded(issuer) as server:

        async def answer(scope: str, method: str, params: dict[str, Any] | None = None) -> httpx.Response:
            return await post(
                server.url, method, params, Authorization=f"Bearer {issuer.token(server.url, scope)}"
            )

        nothing = await answer("openid", "tools/list")
        reading = await answer("products:read", "tools/call", deleting)
        writing = await answer("products:read products:write", "tools/call", deleting)
        assert [nothing.status_code, reading.status_code, writing.status_code] == [403, 403, 403]
        challenges = [each.headers["www-authenticate"] for each in (nothing, reading, writing)]
        start = 'Bearer realm="hoopai-products-mcp", error="insufficient_scope", scope='
        assert challenges[0].startswith(f'{start}"products:read", resource_metadata="http')
        assert challenges[1].startswith(f'{start}"{ALL}", ')
        assert challenges[2].startswith(f'{start}"{ALL}", ')
        assert writing.json() == {
            "jsonrpc": "2.0",
            "id": 7,
            "error": {
                "code": -32600,
                "message": "Refused: this needs the scope `products:destructive`, which the caller does not have. "
                "Nothing was changed. No other call gets past that: tell the person, who can ask whoever runs this "
                "server.",
            },
        }
        assert server.upstream == []


@pytest.mark.parametrize("era", ERAS)
async def test_scopes_of_other_names_give_their_rights_and_no_more(issuer: Issuer, era: Era) -> None:
    scopes = "read=catalog.read write=catalog.write destructive=catalog.all"
    async with guarded(issuer, http_scopes=scopes) as server:
        token = issuer.token(server.url, "catalog.read catalog.write products:destructive")
        async with connected(server.url, token, era=era) as client:
            offered = {tool.name for tool in (await client.list_tools()).tools}
            assert "update_price" in offered
            assert "delete_price" not in offered
            product = await first_product(client)
            with pytest.raises(MCPError, match=r"needs the scope `catalog\.all`"):
                await client.call_tool("delete_product", {"product_id": product["id"]})
            # What is asked about of a tool that else asks nobody shows only in its plan.
            hiding = {"product_id": await visible_product(client), "available_in_store": False}
            said = await refused(client, "update_product", **hiding)
            assert "needs the scope `catalog.all`" in said
        assert server.writes() == []


async def test_two_subjects_of_one_client_and_two_clients_of_one_subject_are_others(issuer: Issuer) -> None:
    async with guarded(issuer) as server:
        tokens = [
            issuer.token(server.url, sub=sub, client_id=client)
            for sub, client in (("ann", "one"), ("bob", "one"), ("ann", "two"))
        ]
        async with connected(server.url, tokens[0]) as client:
            product = (await first_product(client))["id"]
            shown = await call(client, "delete_product", product_id=product)
        given = {"product_id": product, "confirmation_token": shown["confirmation_token"]}
        for other in tokens[1:]:
            async with connected(server.url, other) as client:
                assert "given for another caller" in await refused(client, "delete_product", **given)
        assert server.writes() == []
        # A newer token of the same caller is the same caller.
        fresh = issuer.token(server.url, sub="ann", client_id="one", jti="2")
        async with connected(server.url, fresh) as client:
            assert (await call(client, "delete_product", **given))["deleted"] is True


async def test_the_keys_are_asked_for_once_and_not_for_every_stranger(issuer: Issuer) -> None:
    async with guarded(issuer) as server:
        for number in range(5):
            stranger = issuer.token(server.url, kid=f"made-up-{number}", signed_with=RSA)
            assert (await post(server.url, Authorization=f"Bearer {stranger}")).status_code == 401
            assert (
                await post(server.url, Authorization=f"Bearer {issuer.token(server.url)}")
            ).status_code == 200
    assert issuer.asked.count("/keys") == 1


async def test_where_the_keys_are_can_be_set(issuer: Issuer) -> None:
    root = issuer.url
    issuer.metadata = {}
    async with guarded(issuer, http_jwks_url=f"{root}/keys") as server:
        assert (await post(server.url, Authorization=f"Bearer {issuer.token(server.url)}")).status_code == 200
    assert issuer.asked == ["/keys"]


async def test_metadata_of_another_issuer_is_not_believed(issuer: Issuer) -> None:
    issuer.metadata["issuer"] = "https://login.example.com"
    async with guarded(issuer) as server:
        assert (await post(server.url, Authorization=f"Bearer {issuer.token(server.url)}")).status_code == 401
    assert "/keys" not in issuer.asked


async def test_an_issuer_with_a_path_and_a_slash_is_known_by_its_whole_name() -> None:
    with issuing("/tenant/") as issuer:
        async with guarded(issuer) as server:
            token = issuer.token(server.url)
            assert (await post(server.url, Authorization=f"Bearer {token}")).status_code == 200


async def test_an_issuer_that_is_down_lets_nobody_in_and_is_left_alone_a_while(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.up = False
    async with guarded(issuer) as server:
        token = issuer.token(server.url)
        for _ in range(3):
            assert (await post(server.url, Authorization=f"Bearer {token}")).status_code == 401
    assert len(issuer.asked) == 2
    assert [record.getMessage() for record in caplog.records if "issuer" in record.getMessage()] == [
        "Nobody can be let in: the issuer's keys cannot be had. The issuer's metadata names none; "
        "HOOPAI_HTTP_JWKS_URL can."
    ]
