"""Serving over streamable HTTP at /mcp, to programs on this machine."""

import sys
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

_SECONDS_TO_FINISH = 3  # for calls that are under way at Ctrl-C; open event streams would never finish


def serve(server: MCPServer[None], host: str, port: int) -> None:
    """Serve until Ctrl-C, saying on stderr where.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """
    shown = f"[{host}]" if ":" in host else host
    app = server.streamable_http_app(transport_security=_security(shown))
    # Without a configuration of its own for logging, uvicorn would write every request to stdout.
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=_SECONDS_TO_FINISH
    )
    # asyncio sends small packets at once only on a socket that says it is TCP; otherwise each answer waits 40 ms.
    with socket(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM, IPPROTO_TCP) as listening:
        listening.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
        sys.stderr.write(f"Serving MCP at http://{shown}:{listening.getsockname()[1]}/mcp; Ctrl-C ends it.\n")
        sys.stderr.flush()
        uvicorn.Server(config).run(sockets=[listening])


def _security(host: str) -> TransportSecuritySettings:
    """Checks on every request, so that a web page in this machine's browser cannot reach the server."""
    names = sorted({host, "127.0.0.1", "localhost", "[::1]"})
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*names, *(f"{name}:*" for name in names)],
        allowed_origins=[*(f"http://{name}" for name in names), *(f"http://{name}:*" for name in names)],
    )
