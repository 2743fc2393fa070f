"""Serving over streamable HTTP at /mcp: the endpoint behind its gate, and what stands beside it.

`/healthz` answers 200 to anybody who can reach the port: the process is up and takes requests. `/readyz` does while it
can also take calls. Where a person approves, there is the approval page, for this machine alone.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from .app import build_server, offered_tools
from .call_rate import CallRate
from .caller_sessions import CallerSessions
from .connection import Connection
from .health import health_routes
from .http_gate import Gate
from .identification import identification_of
from .profiles import profiles_of
from .shops import open_shops
from .telemetry import telemetry_of
from .under_way import UnderWay
from .values import is_loopback

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from .approval_page import ApprovalPage
    from .open_telemetry import OpenTelemetry
    from .settings import Settings

PATH = "/mcp"
_SECONDS_FOR_STREAMS = (
    1  # what is left when nothing is under way any more; some clients never close a connection
)
_USUAL_PORT = 80
_EXPOSED_HEADERS = ["Mcp-Session-Id", "WWW-Authenticate", "Retry-After", "X-Request-Id"]


@dataclass(frozen=True)
class HttpApp:
    """What is served, its approval page if it has one, and what of it is under way."""

    app: "Starlette"
    page: "ApprovalPage | None"
    under_way: UnderWay


class Server(uvicorn.Server):
    """uvicorn, which sees calls through before it ends."""

    def __init__(self, config: uvicorn.Config, under_way: UnderWay, *, seconds: float) -> None:
        super().__init__(config)
        self._under_way = under_way
        self._seconds = seconds

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End: what is under way first. New calls are refused meanwhile, so that a proxy asks another server."""
        await self._under_way.end(self._seconds, lambda: self.force_exit)
        await super().shutdown(sockets)


def config_of(app: "Starlette") -> uvicorn.Config:
    """How uvicorn serves the app, whatever else is installed beside it."""
    return uvicorn.Config(
        app,
        # The parser that limits the size of headers; the other one that uvicorn takes where it finds it does not.
        http="h11",
        ws="none",
        proxy_headers=False,
        # Without a configuration of its own for logging, uvicorn would write every request to stdout.
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_SECONDS_FOR_STREAMS,
    )


def serve(settings: "Settings") -> None:
    """Serve until Ctrl-C or SIGTERM, saying on stderr where.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
        IdentificationError: callers cannot be known with what is set.
    """
    host, port = settings.host, settings.port
    address = f"http://{_shown(host)}:{port}"
    # asyncio sends small packets at once only on a socket that says it is TCP; otherwise each answer waits 40 ms.
    with socket(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM, IPPROTO_TCP) as listening:
        listening.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
        made = http_app(settings, address, telemetry=telemetry_of())
        _tell(f"Serving MCP at {address}{PATH}; Ctrl-C ends it.")
        if made.page is not None:
            _tell(f"What waits for your approval: {made.page.link(page_address(address))}")
        Server(config_of(made.app), made.under_way, seconds=settings.http_stop_seconds).run(
            sockets=[listening]
        )


def http_app(
    settings: "Settings",
    address: str,
    *,
    connection: Connection | None = None,
    sandbox_apps: "Mapping[str, Starlette] | None" = None,
    telemetry: "OpenTelemetry | None" = None,
) -> HttpApp:
    """What is served at an address such as `http://127.0.0.1:8000`.

    `connection` is what its tools work on, made from the settings unless given; of several shops, `sandbox_apps` are
    the embedded ones by name. `telemetry` measures it.

    Raises:
        IdentificationError: callers cannot be known with what is set.
        CommandError: the keys of webhooks cannot be read.
        SettingsError: there is a file of shops that cannot be used.
    """
    wanted = is_loopback(settings.host) and any(
        profile.settings.confirmation == "human" for profile in profiles_of(settings)
    )
    shops = open_shops(
        settings,
        connection=connection,
        page=page_address(address) if wanted else None,
        sandbox_apps=sandbox_apps,
        watch=telemetry,
    )
    names = {
        word for shop in shops.all if shop.profile.name for word in (shop.profile.name, shop.location_id)
    }
    known, published = identification_of(settings, offered_tools(settings, shops), shops=frozenset(names))
    standing = known.standing if known is not None else None
    server = build_server(settings, shops=shops, telemetry=telemetry, standing=standing)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=not settings.http_sessions,
        max_request_body_size=settings.http_max_bytes,
        transport_security=_security(settings),
    )
    under_way = UnderWay()
    # In place of the endpoint, not before it: whatever path leads to the endpoint leads through the gate.
    (endpoint,) = (route for route in app.router.routes if isinstance(route, Route))
    gate = Gate(
        CallerSessions(endpoint.endpoint) if settings.http_sessions else endpoint.endpoint,
        identification=known,
        rate=CallRate(settings.http_rate),
        under_way=under_way,
        max_bytes=settings.http_max_bytes,
        measure=telemetry.answered if telemetry is not None else None,
        renew=server.updates.renew,
    )
    app.router.routes[:] = [Route(PATH, endpoint=gate), *published, *health_routes(shops.store, under_way)]
    if settings.webhook_keys is not None:
        from .event_book import EventBook
        from .webhook_gate import WebhookGate
        from .webhooks import PATH as WEBHOOKS
        from .webhooks import Keys, Webhooks

        book = EventBook(shops.store) if shops.store.is_shared else None
        webhooks = Webhooks(
            Keys.read(settings.webhook_keys),
            shops={shop.location_id: shop.name for shop in shops.all},
            changed=server.changed,
            is_new=book.enter if book is not None else None,
        )
        (route,) = webhooks.routes()
        events = WebhookGate(
            route.app,
            security=_security(settings),
            under_way=under_way,
            max_bytes=settings.http_max_bytes,
        )
        app.router.routes.append(Route(WEBHOOKS, endpoint=events, methods=["POST"]))
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=_EXPOSED_HEADERS,
        )
    if not wanted:
        return HttpApp(app, None, under_way)
    from .approval_page import ApprovalPage

    page = ApprovalPage(
        shops.store,
        shops={shop.location_id: shop.title for shop in shops.all},
        hosts=frozenset(_with_port(name, settings.port) for name in _names(settings.host)),
        tell=_tell,
    )
    app.router.routes.extend(page.routes())
    return HttpApp(app, page, under_way)


def page_address(address: str) -> str:
    """Where the approval page is, without the key that opens it."""
    from .approval_page import PATH as APPROVALS

    return address + APPROVALS


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


def _security(settings: "Settings") -> TransportSecuritySettings:
    """Checks on every request, so that a web page in somebody's browser cannot reach the server."""
    names = _names(settings.host)
    public = urlsplit(settings.public_url).netloc if settings.public_url else ""
    named = [*settings.allowed_hosts, *([public] if public else [])]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*names, *(f"{name}:*" for name in names), *named],
        allowed_origins=[
            *(f"http://{name}" for name in names),
            *(f"http://{name}:*" for name in names),
            *settings.allowed_origins,
        ],
    )
