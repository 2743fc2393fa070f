"""Processes, clients, tokens and clocks on a bad day."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio
import httpx
import httpx2
from deeds import deeds
from judge import Verdict
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestParams, ElicitResult
from merchants import four_kinds
from processes import COMMAND, KEYS, own_environment
from scenarios import scenario
from shop_session import ERAS, Era
from world import Break, World, world

from hoopai_products_mcp.guard.store import Store
from hoopai_products_mcp.products_api.credentials import Token
from hoopai_products_mcp.products_api.errors import RateLimitedError
from hoopai_products_mcp.products_api.oauth import SCOPES, OAuth
from hoopai_products_mcp.sandbox.identity import API_VERSION
from hoopai_products_mcp.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from hoopai_products_mcp.server.oauth_access import login_name, to_plain

SLOW_SECONDS = 0.4
"""How long the API takes for a write, so that a kill finds one under way."""
KILLS = 4
VANISHING = 8
SECONDS_TO_NOTICE = 20.0
HOUR, DAY = 3600.0, 86400.0


@scenario("kill -9 between intent and outcome", short=True)
async def killed() -> Verdict:
    """The server is killed whenever a few more writes have arrived, before the API did them or after, and started
    again."""
    async with world(products=180) as made:
        verdict = Verdict()
        for applied in (True, False):

            async def slow(applied: bool = applied) -> None:
                for method in ("POST /products/", "PUT /products/{productId}", "DELETE /products/{productId}",
                               "POST /products/bulk-update", "POST /products/bulk-update/edit"):  # fmt: skip
                    await made.shop.break_(
                        "latency", method, seconds=SLOW_SECONDS, count=None, applied=applied
                    )

            merchants = four_kinds(made.server.url)
            for merchant in merchants:
                merchant.ready = lambda: up(made)
            verdict.add(await made.round(merchants, slow, meanwhile=lambda: _kill_while(made)))
        return await made.ended(verdict)


async def up(made: World) -> None:
    """Wait until the server is there again."""
    async with asyncio.timeout(60):
        while not (made.server.runs and await made.server.healthy()):
            await asyncio.sleep(0.05)


async def _kill_while(made: World) -> None:
    seen = 0
    for _ in range(KILLS):
        try:
            async with asyncio.timeout(15):
                while (writes := _writes(await made.shop.requests())) <= seen + 1:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return  # the merchants are done
        seen = writes
        await made.server.end(signal.SIGKILL)
        made.harmed += 1
        await made.server.start()


def _writes(requests: list[dict[str, Any]]) -> int:
    return sum(sent["method"] != "GET" for sent in requests)


@scenario("clients vanish while asked", short=True)
async def vanished() -> Verdict:
    """Clients of both eras are gone while a person is asked, without a word: nothing is done. A session of the older
    era is kept, since its client may come back; once it is ended, nothing is left."""
    async with world(products=220) as made:
        await made.shop.forget()
        wanted = [deed for _ in range(VANISHING) for deed in deeds(made.shelf) if deed.agreed]
        wanted = [deed for deed in wanted if deed.undoes is None]
        sessions: set[str] = set()
        async with anyio.create_task_group() as tasks:
            for number, deed in enumerate(wanted):
                deed.called = True
                tasks.start_soon(
                    _vanish, made.server.url, ERAS[number % 2], deed.tool, deed.arguments, sessions
                )
        verdict = await made.judged(wanted, [])
        verdict.faults, verdict.calls = len(wanted), len(wanted)
        if verdict.writes:
            verdict.unapproved.append("something was written of what nobody agreed to")
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEYS['person-0']}"}) as http:
            for session in sessions:
                await http.delete(made.server.url, headers={"Mcp-Session-Id": session})
        return await made.ended(verdict)


async def _vanish(url: str, era: Era, tool: str, arguments: dict[str, Any], sessions: set[str]) -> None:
    asked = anyio.Event()

    async def gone(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        del context, params
        asked.set()
        await anyio.sleep_forever()
        raise AssertionError("nobody wakes it")

    async def note(response: httpx2.Response) -> None:
        if session := response.headers.get("mcp-session-id"):
            sessions.add(session)

    key = {"Authorization": f"Bearer {KEYS['person-0']}"}
    async with httpx2.AsyncClient(headers=key, event_hooks={"response": [note]}) as http:
        # It does not say good-bye to its session either.
        transport = streamable_http_client(url, http_client=http, terminate_on_close=False)
        async with anyio.create_task_group() as tasks:

            async def talk() -> None:
                async with Client(transport, mode=era, elicitation_callback=gone) as client:
                    await client.call_tool(tool, arguments)

            tasks.start_soon(talk)
            with anyio.fail_after(60):
                await asked.wait()
            tasks.cancel_scope.cancel()


@scenario("pipe closed while asked")
async def pipe_closed() -> Verdict:
    """The host of a stdio server ends while a person is asked: the server ends, and nothing is done."""
    async with world(products=120) as made:
        await made.shop.forget()
        wanted = [deed for deed in deeds(made.shelf) if deed.agreed and deed.undoes is None]
        verdict = Verdict()
        for deed in wanted:
            deed.called = True
            process = await asyncio.create_subprocess_exec(
                COMMAND,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=own_environment() | made.server.variables,
            )
            heard = await _ask_by_hand(process, deed.tool, deed.arguments)
            assert process.stdin is not None
            process.stdin.close()
            try:
                async with asyncio.timeout(SECONDS_TO_NOTICE):
                    _, said = await process.communicate()
            except TimeoutError:
                process.kill()
                verdict.left.append(
                    f"a stdio server whose host is gone is still there after {SECONDS_TO_NOTICE} s"
                )
                continue
            made.heard += [heard, said.decode()]
            if "Traceback" in said.decode():
                verdict.wrong.append(f"a stdio server ends with a traceback: {said.decode()[-1000:]}")
        judged = await made.judged(wanted, [])
        judged.faults = judged.calls = len(wanted)
        judged.add(verdict)
        return await made.ended(judged)


async def _ask_by_hand(process: asyncio.subprocess.Process, tool: str, arguments: dict[str, Any]) -> str:
    """Speak the older protocol as far as the question; all that the server said."""
    assert process.stdin is not None
    assert process.stdout is not None

    def say(message: dict[str, Any]) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    hello: dict[str, Any] = {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
             "clientInfo": {"name": "bad-day", "version": "1"}}  # fmt: skip
    say({"id": 1, "method": "initialize", "params": hello})
    heard = ""
    async with asyncio.timeout(SECONDS_TO_NOTICE):
        while line := (await process.stdout.readline()).decode():
            heard += line
            message = json.loads(line)
            if message.get("id") == 1:
                say({"method": "notifications/initialized"})
                say({"id": 2, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
            elif message.get("method") == "elicitation/create":
                return heard
    raise AssertionError(f"the server asked nothing: {heard}")


@scenario("clock jumps")
async def clock_jumps() -> Verdict:
    """The server's clock is set a day ahead and two days back while people are asked. (Its wall clock: time that
    passes is told by another, which no operating system sets.)"""
    async with world(products=400) as made:
        verdict = Verdict()
        for jumps in ((DAY, 0.0), (-DAY, HOUR), (0.0, -2 * DAY, 2 * DAY)):
            verdict.add(await made.round(four_kinds(made.server.url), meanwhile=_jumping(made, jumps)))
        return await made.ended(verdict)


def _jumping(made: World, jumps: tuple[float, ...]) -> Break:
    async def jump() -> None:
        for number, ahead in enumerate(jumps):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    while _writes(await made.shop.requests()) < 3 * (number + 1):
                        await asyncio.sleep(0.01)
            await made.server.move_clock(made.ahead + ahead)
            made.harmed += 1
        made.ahead += jumps[-1]

    return jump


@scenario("login expires in mid-run", short=True)
async def expired() -> Verdict:
    """The access token of an OAuth login stops being good at any moment, three times: it is renewed once each time."""
    return await _logged_in(lambda made: _between_writes(made, 3, lambda: made.shop.age_tokens(DAY)))


@scenario("login revoked in mid-run")
async def revoked() -> Verdict:
    """The app is thrown out while it works: what was not sent yet is refused in words."""
    return await _logged_in(
        lambda made: _between_writes(made, 1, made.shop.revoke_tokens), again=True, may_be_unknown=True
    )


async def _between_writes(made: World, times: int, act: Callable[[], Awaitable[None]]) -> None:
    for number in range(times):
        async with asyncio.timeout(60):
            while _writes(await made.shop.requests()) < 3 * (number + 1):
                await asyncio.sleep(0.01)
        await act()
        made.harmed += 1


async def _log_in(made: World) -> bool:
    """Let the app in, as a person and `hoopai-products-mcp login` do; whether the platform took it now."""
    back = "http://127.0.0.1:8910/callback"
    oauth = OAuth(
        base_url=made.shop.url,
        client_id=CLIENT_ID,
        client_secret=Token(CLIENT_SECRET),
        api_version=API_VERSION,
        timeout=20,
    )
    query = {"redirect_uri": back, "scope": " ".join(SCOPES), "state": "s", "user_type": "Location"}
    async with httpx.AsyncClient(base_url=made.shop.url) as browser:
        page = await browser.get(f"/oauth/install?{urlencode(query)}")
    code = parse_qs(urlsplit(page.headers["location"]).query)["code"][0]
    try:
        body = to_plain(await oauth.exchange(Token(code), redirect_uri=back))
    except RateLimitedError:
        return False
    finally:
        await oauth.aclose()
    store = Store(made.store_url)
    name = login_name(made.shop.url, CLIENT_ID)
    await store.use(lambda opened: opened.logins.keep(name, body))
    store.close()
    return True


async def _logged_in(
    meanwhile: Callable[[World], Coroutine[Any, Any, None]],
    *,
    again: bool = False,
    may_be_unknown: bool = False,
) -> Verdict:
    async with world(products=180, login=True, warm=False) as made:
        assert await _log_in(made)
        if again:
            # Without a login nothing can be found out either; after the next one it can. The minute's requests for
            # tokens may be used up at first.
            async def mend() -> None:
                async with asyncio.timeout(100):
                    while not await _log_in(made):
                        await asyncio.sleep(5)
        else:

            async def mend() -> None:
                return

        verdict = await made.round(
            four_kinds(made.server.url), meanwhile=lambda: meanwhile(made), mends=mend,
            may_be_unknown=may_be_unknown,
        )  # fmt: skip
        return await made.ended(verdict)
