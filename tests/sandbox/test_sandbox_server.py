"""The sandbox on a real socket."""

import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from sandbox_api import HEADERS, HERE, TODAY
from starlette.applications import Starlette

from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, ONLINE_STORE_ID, TOKEN
from hoopai_products_mcp.sandbox.server import running_server

pytestmark = pytest.mark.anyio

NEW = HERE | {"name": "Box", "productType": "DIGITAL"}


async def test_a_shop_on_a_socket_answers_as_the_one_in_process(app: Starlette) -> None:
    async with running_server(app) as url, httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
        created = await client.post("/products/", json=NEW)
        missing = await client.get("/products/a%2Fb", params=HERE)
        empty = await client.post(
            f"/products/store/{ONLINE_STORE_ID}/priority",
            json={"altId": LOCATION_ID, "altType": "location", "products": []},
        )
    assert (created.status_code, created.json()["createdAt"]) == (201, TODAY)
    assert (missing.status_code, empty.status_code, empty.content) == (404, 200, b"")


@pytest.mark.parametrize(("kind", "left"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_dropped_connection_is_a_closed_socket(
    app: Starlette, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, kind: str, left: int
) -> None:
    sandbox.faults.add(kind, "create-product")
    async with running_server(app) as url, httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.post("/products/", json=NEW)
        assert len(sandbox.dump()["products"]) == left
        assert (await client.get("/products/", params=HERE)).status_code == 200
    assert caplog.records == []


@pytest.mark.parametrize(("applied", "left"), [(True, 1), (False, 0)])
async def test_a_client_that_gives_up_waiting_leaves(
    app: Starlette, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, applied: bool, left: int
) -> None:
    sandbox.faults.add("latency", seconds=3600, applied=applied)
    async with running_server(app) as url, httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/products/", json=NEW, timeout=httpx.Timeout(10, read=0.5))
        assert (await client.get("/products/", params=HERE)).json()["total"] == [{"total": left}]
    assert caplog.records == []


async def test_a_port_that_is_taken_is_an_error(app: Starlette) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            async with running_server(app, port=taken.getsockname()[1]):
                pass


async def test_the_server_listens_on_ipv6_too(app: Starlette) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with (
        running_server(app, host="::1") as url,
        httpx.AsyncClient(base_url=url, headers=HEADERS) as client,
    ):
        assert url.startswith("http://[::1]:")
        assert (await client.get("/products/", params=HERE)).status_code == 200


def test_serve_says_where_it_is_and_stops_when_interrupted() -> None:
    code = "from hoopai_products_mcp.sandbox.server import serve; serve(port=0, shop='empty')"
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert server.stdout is not None
    with server.stdout as lines:
        first = lines.readline()
        address = re.fullmatch(r"The sandbox shop is open at (http://127\.0\.0\.1:\d+)\n", first)
        assert address is not None, first
        told = [lines.readline() for _ in range(5)]
        assert told == [
            f"  token     {TOKEN}\n",
            f"  location  {LOCATION_ID}\n",
            "  stores    sbxStoreOnline000001, sbxStoreMarket000002\n",
            "  data      in memory, gone when this ends\n",
            "Stop it with Ctrl-C.\n",
        ]
        response = httpx.get(f"{address[1]}/products/", params=HERE, headers=HEADERS)
        assert response.json() == {"products": [], "total": [{"total": 0}]}
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=10) == 0
