"""Sessions of the older revisions: each caller has a share of them, and nobody can use up that of another."""

from typing import Any

import httpx
import pytest
from test_hostile_requests import INITIALIZE
from web_server import ANN, BOB, HEADERS, KEYS, call, connected, served

from hoopai_products_mcp.server.caller_sessions import MOST_OF_A_CALLER

pytestmark = pytest.mark.anyio

MANY: dict[str, Any] = {**KEYS, "http_rate": 0}
OLDER = {"MCP-Protocol-Version": "2025-11-25"}
LISTING = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


class Caller:
    """Opens sessions by hand and asks in them."""

    def __init__(self, http: httpx.AsyncClient, url: str, key: str) -> None:
        self._http = http
        self._url = url
        self._headers = {**HEADERS, "Authorization": f"Bearer {key}"}

    async def begin(self) -> httpx.Response:
        return await self._http.post(self._url, json=INITIALIZE, headers=self._headers)

    async def open(self) -> str:
        answer = await self.begin()
        assert answer.status_code == 200
        return answer.headers["mcp-session-id"]

    async def asks(self, session: str, method: str = "POST") -> httpx.Response:
        headers = {**self._headers, **OLDER, "Mcp-Session-Id": session}
        body = LISTING if method == "POST" else None
        return await self._http.request(method, self._url, headers=headers, json=body)

    def listens(self, session: str) -> Any:
        headers = {**self._headers, **OLDER, "Mcp-Session-Id": session}
        return self._http.stream("GET", self._url, headers=headers)


async def test_who_opens_more_than_their_share_ends_their_own_that_was_idle_longest() -> None:
    async with served(**MANY) as server, httpx.AsyncClient(timeout=30) as http:
        ann, bob = (Caller(http, server.url, key) for key in (ANN, BOB))
        of_bob = await bob.open()
        oldest, second, *_ = [await ann.open() for _ in range(MOST_OF_A_CALLER)]
        assert (await ann.asks(oldest)).status_code == 200
        newest = await ann.open()
        ended = await ann.asks(second)
        assert ended.status_code == 404
        assert ended.json() == {
            "jsonrpc": "2.0",
            "id": None,
            "error": {
                "code": -32600,
                "message": "This session was ended: ann has opened 200 others that were used since. Nothing was done; "
                "begin a new session.",
            },
        }
        # Whose it was is told to nobody else.
        assert "ann" not in (await bob.asks(second)).text
        statuses = [(await ann.asks(session)).status_code for session in (oldest, newest)]
        assert [*statuses, (await bob.asks(of_bob)).status_code] == [200, 200, 200]


async def test_a_session_that_is_listened_to_is_not_idle_and_when_all_are_no_other_is_opened() -> None:
    async with (
        served(**MANY) as server,
        httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None)) as http,
    ):
        ann, bob = (Caller(http, server.url, key) for key in (ANN, BOB))
        streams = [ann.listens(await ann.open()) for _ in range(MOST_OF_A_CALLER)]
        for stream in streams:
            assert (await stream.__aenter__()).status_code == 200
        refused = await ann.begin()
        assert (refused.status_code, refused.json()["error"]["message"]) == (
            503,
            "ann has 200 sessions open, and each is in use. Nothing was done; end one first, by a DELETE with its "
            "Mcp-Session-Id.",
        )
        await bob.open()
        # The newer era has no sessions.
        async with connected(server.url, ANN) as client:
            assert (await call(client, "list_products", limit=1))["returned"] == 1
        await streams[0].__aexit__(None, None, None)
        while (again := await ann.begin()).status_code == 503:
            pass
        assert again.status_code == 200
        for stream in streams[1:]:
            await stream.__aexit__(None, None, None)


async def test_a_session_that_was_ended_makes_room_and_a_request_that_opens_none_takes_none() -> None:
    async with served(**MANY) as server, httpx.AsyncClient(timeout=30) as http:
        ann = Caller(http, server.url, ANN)
        first, *others = [await ann.open() for _ in range(MOST_OF_A_CALLER)]
        assert (await ann.asks(others[-1], "DELETE")).status_code == 200
        await ann.open()
        for body in (LISTING, [INITIALIZE], {}):
            headers = {**HEADERS, "Authorization": f"Bearer {ANN}"}
            assert (await http.post(server.url, json=body, headers=headers)).status_code >= 400
        assert (await ann.asks(first)).status_code == 200
        assert (await ann.asks(others[-1])).status_code == 404
