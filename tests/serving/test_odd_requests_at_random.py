"""Whatever is sent to the endpoint over a socket, it answers with a refusal or a result: no 5xx, nobody left waiting,
no fault in the log, and whoever comes next is served."""

import json
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import given, settings
from hypothesis import strategies as st
from web_server import ANN, HEADERS, message, served

SECONDS = 10
"""Longer than any answer takes; whoever waits longer waits for ever."""
MAX_BYTES = 20_000


@dataclass(frozen=True)
class Running:
    """The server, and the faults that it has logged."""

    url: str
    faults: list[str]


class Faults(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(self.format(record))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    faults: list[str] = []
    handler = Faults(faults)
    logging.getLogger().addHandler(handler)
    made = served(http_auth="key", http_keys=f"ann={ANN}", http_rate="0", http_max_bytes=str(MAX_BYTES))
    try:
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(made) as server:
            yield Running(server.url, faults)
    finally:
        logging.getLogger().removeHandler(handler)


def messages() -> st.SearchStrategy[bytes]:
    """Bodies: messages of the protocol, whole and spoilt, and what is none."""
    values: st.SearchStrategy[Any] = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )
    methods = st.sampled_from(
        ["tools/list", "tools/call", "initialize", "ping", "resources/read", "prompts/get", "completion/complete",
         "notifications/cancelled", "subscriptions/listen", "server/discover", "nothing/such", "", "\u0000"]
    )  # fmt: skip
    names = st.sampled_from(["list_products", "delete_product", "get_guide", "no_such_tool", "", "x" * 300])
    calls: st.SearchStrategy[Any] = st.fixed_dictionaries({"name": names, "arguments": values})
    params: st.SearchStrategy[Any] = st.one_of(values, calls)

    def sound(method: str, given: Any) -> bytes:
        made = message(method)
        made["params"] |= given if isinstance(given, dict) else {"odd": given}
        return json.dumps(made).encode()

    spoilt = st.fixed_dictionaries(
        {},
        optional={
            "jsonrpc": st.sampled_from(["2.0", "1.0", 2, None]),
            "id": values,
            "method": methods | values,
            "params": params,
            "result": values,
        },
    )
    return st.one_of(
        st.builds(sound, methods, params),
        spoilt.map(lambda found: json.dumps(found).encode()),
        st.lists(spoilt, max_size=3).map(lambda found: json.dumps(found).encode()),
        st.binary(max_size=200),
        st.sampled_from(
            [b"", b"{", b"[" * 5_000, b'{"a":' * 2_000, b"\xff\xfe", b"NaN", b"1" * 5_000, b'{"id":1e999}',
             b"x" * (MAX_BYTES + 1), b'"\\ud800"', b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}']
        ),
    )  # fmt: skip


HEADER_VALUES = {
    b"Content-Type": [b"application/json", b"text/plain", b"application/json; charset=utf-16", b"", b"\xff"],
    b"Accept": [b"application/json, text/event-stream", b"*/*", b"text/html", b""],
    b"MCP-Protocol-Version": [b"2026-07-28", b"2025-11-25", b"1999-01-01", b"", b"\xe2\x80\xae"],
    b"Mcp-Method": [b"tools/list", b"tools/call", b"ping", b"=?base64?!!?=", b"\xff\xff"],
    b"Mcp-Name": [b"list_products", b"delete_product", b"=?base64?bGlzdA==?=", b"\xff"],
    b"Mcp-Session-Id": [b"none-such", b"", b"x" * 5_000, b"\xc3\xa9"],
    b"Last-Event-ID": [b"0", b"none-such", b"\xff"],
    b"Origin": [b"http://127.0.0.1", b"https://evil.example", b"null"],
    b"X-Request-Id": [b"a" * 500, b"\xff", b"fine"],
    b"Expect": [b"100-continue", b"nothing"],
    b"Cookie": [b"a=b; " * 100],
    b"X-Odd": [b"\x01", b"a" * 9_000],
}
EXTRA = st.lists(
    st.sampled_from(sorted(HEADER_VALUES)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(HEADER_VALUES[name]))
    ),
    max_size=4,
)
USUAL = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


@dataclass(frozen=True)
class Request:
    """One request as bytes. `whole` is whether all of it that was announced is sent."""

    content: bytes
    whole: bool


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Requests, of which most reach the endpoint."""
    post = draw(st.integers(0, 3)) > 0
    method = (
        b"POST"
        if post
        else draw(st.sampled_from([b"GET", b"DELETE", b"PUT", b"HEAD", b"OPTIONS", b"BREW", b"post"]))
    )
    path = draw(
        st.sampled_from(
            [b"/mcp"] * 6 + [b"/mcp/", b"//mcp", b"/mcp?a=%ff", b"/%6dcp", b"/healthz", b"/\xff", b"*"]
        )
    )
    host = draw(st.sampled_from([b"127.0.0.1"] * 6 + [b"evil.example", b"", b"a b"]))
    key = draw(st.sampled_from([f"Bearer {ANN}".encode()] * 6 + [b"Bearer", b"Basic eDp5", b"Bearer \xff"]))
    body = draw(messages())
    headers = [
        (b"Host", host),
        (b"Authorization", key),
        *(USUAL if draw(st.booleans()) else []),
        *draw(EXTRA),
    ]
    whole = True
    match draw(st.sampled_from(["length", "length", "length", "chunks", "cut", "short", "odd"])):
        case "chunks" | "cut" as kind:
            headers.append((b"Transfer-Encoding", b"chunked"))
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
            if kind == "cut":
                body, whole = body[: len(body) // 2], False
        case "short":
            headers.append((b"Content-Length", b"%d" % (len(body) + 50)))
            whole = False
        case "odd":
            odd = draw(st.sampled_from([b"-1", b"x", b"1" * 30, b"", b"5, 5", b"+3"]))
            headers.append((b"Content-Length", odd))
            whole = False
        case _:
            headers.append((b"Content-Length", b"%d" % len(body)))
    version = draw(st.sampled_from([b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/9.9", b"SPDY"]))
    whole = whole and version == b"HTTP/1.1"
    head = b"".join(b"%s: %s\r\n" % pair for pair in headers)
    return Request(b"%s %s %s\r\n%s\r\n%s" % (method, path, version, head, body), whole)


def answer_to(url: str, request: Request) -> bytes:
    """The first bytes of the answer; none if the server only closes the connection.

    Raises:
        TimeoutError: it does neither.
    """
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=SECONDS) as connection:
        try:
            connection.sendall(request.content)
            # Whoever sends no more than that has said all: what is still missing will not come.
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            # It has read enough to refuse it, and closed while the rest was on its way.
            return b""


@settings(max_examples=400)
@given(request=requests())
def test_whatever_is_sent_is_answered_and_no_fault(running: Running, request: Request) -> None:
    answer = answer_to(running.url, request)
    if answer:
        status = int(answer.split(b" ", 2)[1])
        assert status < 500, answer
        assert b"Traceback" not in answer
        assert ANN.encode() not in answer
    assert running.faults == []


def test_whoever_comes_next_is_served(running: Running) -> None:
    key = {"Authorization": f"Bearer {ANN}", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}
    found = httpx.post(running.url, headers=HEADERS | key, json=message("tools/list"), timeout=SECONDS)
    assert found.status_code == 200
    assert found.json()["result"]["tools"]
