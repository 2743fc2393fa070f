"""Serving over streamable HTTP at /mcp, to programs on this machine; with it the approval page, where there is one."""

import sys
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from typing import TYPE_CHECKING

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings

from .app import Connection, build_server
from .guarding import Guarding

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from .approval_page import ApprovalPage
    from .settings import Settings

_SECONDS_TO_FINISH = 3  # for calls that are under way at Ctrl-C; open event streams would never finish

_USUAL_PORT = 80


def serve(settings: "Settings") -> None:
    """Serve until Ctrl-C, saying on stderr where.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """
    host, port = settings.host, settings.port
    address = f"http://{_shown(host)}:{port}"
    # asyncio sends small packets at once only on a socket that says it is TCP; otherwise each answer waits 40 ms.
    with socket(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM, IPPROTO_TCP) as listening:
        listening.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
        app, page = http_app(settings, address)
        # Without a configuration of its own for logging, uvicorn would write every request to stdout.
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=_SECONDS_TO_FINISH
        )
        _tell(f"Serving MCP at {address}/mcp; Ctrl-C ends it.")
        if page is not None:
            _tell(f"What waits for your approval: {page.link(page_address(address))}")
        uvicorn.Server(config).run(sockets=[listening])


def http_app(settings: "Settings", address: str) -> "tuple[Starlette, ApprovalPage | None]":
    """What is served at an address such as `http://127.0.0.1:8000`, and its approval page, if it has one."""
    if settings.confirmation != "human":
        server = build_server(settings)
        return server.streamable_http_app(transport_security=_security(settings.host)), None
    from .approval_page import ApprovalPage

    guarding = Guarding(settings, page=page_address(address))
    connection = Connection(settings, store=guarding.store)
    server = build_server(settings, connection=connection, guarding=guarding)
    page = ApprovalPage(
        guarding.store,
        location=connection.location_id,
        hosts=frozenset(_with_port(name, settings.port) for name in _names(settings.host)),
        tell=_tell,
    )
    app = server.streamable_http_app(transport_security=_security(settings.host))
    app.router.routes.extend(page.routes())
    return app, page


def page_address(address: str) -> str:
    """Where the approval page is, without the key that opens it."""
    from .approval_page import PATH

    return address + PATH


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _names(host: str) -> list[str]:
    return sorted({_shown(host), "127.0.0.1", "localhost", "[::1]"})


def _with_port(name: str, port: int) -> str:
    """A host as a browser sends it, which leaves the port out where it is the usual one."""
    return name if port == _USUAL_PORT else f"{name}:{port}"


def _security(host: str) -> TransportSecuritySettings:
    """Checks on every request, so that a web page in this machine's browser cannot reach the server."""
    names = _names(host)
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*names, *(f"{name}:*" for name in names)],
        allowed_origins=[*(f"http://{name}" for name in names), *(f"http://{name}:*" for name in names)],
    )
