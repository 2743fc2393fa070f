"""The sandbox on a real socket, where a dropped connection really is one."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import create_app, sandbox_of
from .exchange import exchange_of
from .identity import MARKET_STORE_ID, ONLINE_STORE_ID
from .seed import ShopChoice


class _DroppingProtocol(H11Protocol):
    """HTTP/1.1 that closes the socket without an answer when the sandbox asks for it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            exchange = exchange_of(scope)
            await inner(scope, receive, send)
            if exchange.dropped:
                self.transport.abort()
                # uvicorn would answer 500 for an app that sent nothing, until it has seen the socket close.
                while not self.cycle.disconnected:  # noqa: ASYNC110 - there is no event for it
                    await asyncio.sleep(0)

        self.app = app


def _listen(host: str, port: int) -> socket:
    # Named as TCP, or asyncio leaves the delay of small packets on, which costs each answer 40 ms.
    listening = socket(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM, IPPROTO_TCP)
    listening.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # before anybody is told the address, so that a client at once is not refused
    except OSError:
        listening.close()
        raise
    return listening


def _address(listening: socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: Starlette) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=_DroppingProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        loop="asyncio",
    )
    return uvicorn.Server(config)


@asynccontextmanager
async def running_server(app: Starlette, *, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str]:
    """Serve an app made by `create_app` from the running event loop; gives its base address.

    Port 0 takes a free one. The server is gone when the block ends.
    """
    listening = _listen(host, port)
    server = _server(app)
    serving = asyncio.create_task(_serve_quietly(server, listening))
    try:
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0)
        yield _address(listening)
    finally:
        server.should_exit = True
        server.force_exit = True
        await serving
        listening.close()


async def _serve_quietly(server: uvicorn.Server, listening: socket) -> None:
    # Inside another program, that program's signal handlers stay in place.
    await server._serve([listening])  # pyright: ignore[reportPrivateUsage]


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    data: Path | None = None,
    shop: ShopChoice = "demo",
    rate_limit: int = 100,
) -> None:
    """Serve a sandbox until interrupted, and print where it is and how to reach its shop."""
    app = create_app(data=data, shop=shop, rate_limit=rate_limit)
    sandbox = sandbox_of(app)
    with _listen(host, port) as listening:
        sys.stdout.write(
            f"The sandbox shop is open at {_address(listening)}\n"
            f"  token     {sandbox.token}\n"
            f"  location  {sandbox.location_id}\n"
            f"  stores    {ONLINE_STORE_ID}, {MARKET_STORE_ID}\n"
            f"  data      {data or 'in memory, gone when this ends'}\n"
            "Stop it with Ctrl-C.\n"
        )
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            _server(app).run(sockets=[listening])
    sandbox.close()
