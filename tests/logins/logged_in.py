"""A shop on the sandbox, an app that was let in, and clients that work with its login."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from starlette.applications import Starlette

from hoopai_products_mcp.guard.store import Store
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.credentials import Token
from hoopai_products_mcp.products_api.oauth import SCOPES, OAuth, authorize_url
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import API_VERSION, BASE_URL, LOCATION_ID
from hoopai_products_mcp.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from hoopai_products_mcp.sandbox.transport import SandboxTransport
from hoopai_products_mcp.server.oauth_access import OAuthAccess, login_name, to_plain

REDIRECT = "http://127.0.0.1:8910/callback"
NAME = login_name(BASE_URL, CLIENT_ID)
Kind = Literal["Location", "Company"]


@dataclass
class Clock:
    """A clock that only moves when somebody waits, or moves it."""

    now: float = 1_800_000_000.0
    waits: list[float] = field(default_factory=list[float])

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def browse(address: str, kind: Kind = "Location") -> str:
    """What a person does in the browser: let the app in; the address that the browser is sent back to."""
    query = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
    given = {key: query[key] for key in ("redirect_uri", "scope", "state")}
    return f"/oauth/install?{urlencode({**given, 'user_type': kind})}"


@dataclass
class Logins:
    """The sandbox, and what it takes to work on it with a login."""

    app: Starlette
    clock: Clock
    folder: Path
    exits: AsyncExitStack

    @property
    def sandbox(self) -> Sandbox:
        return sandbox_of(self.app)

    def oauth(
        self, *, secret: str = CLIENT_SECRET, transport: httpx.AsyncBaseTransport | None = None
    ) -> OAuth:
        return OAuth(
            base_url=BASE_URL,
            client_id=CLIENT_ID,
            client_secret=Token(secret),
            api_version=API_VERSION,
            timeout=5,
            transport=transport or SandboxTransport(self.app),
            clock=self.clock,
        )

    async def code(self, kind: Kind = "Location", scopes: str = " ".join(SCOPES)) -> Token:
        address = authorize_url(
            f"{BASE_URL}/oauth/chooselocation",
            client_id=CLIENT_ID,
            redirect_uri=REDIRECT,
            scopes=scopes,
            state="state",
        )
        async with httpx.AsyncClient(transport=SandboxTransport(self.app), base_url=BASE_URL) as browser:
            page = await browser.get(address)
            assert page.status_code == 200
            back = await browser.get(browse(address, kind))
        return Token(parse_qs(urlsplit(back.headers["location"]).query)["code"][0])

    async def log_in(self, kind: Kind = "Location", scopes: str = " ".join(SCOPES)) -> None:
        """Let the app in, and keep the login."""
        grant = await self.oauth().exchange(await self.code(kind, scopes), redirect_uri=REDIRECT)
        body = to_plain(grant)
        store = self.store()
        await store.use(lambda opened: opened.logins.keep(NAME, body))
        # What the exchange cost of the minute's requests is another matter.
        self.sandbox.tokens.recent.clear()

    def store(self) -> Store:
        """The store as one more process opens it."""
        store = Store(f"sqlite:///{self.folder / 'guard.sqlite'}", clock=self.clock)
        self.exits.callback(store.close)
        return store

    def client(
        self, *, oauth: OAuth | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> ProductsClient:
        """A client as one more process has it."""
        access = OAuthAccess(
            oauth or self.oauth(),
            self.store(),
            name=NAME,
            location_id=LOCATION_ID,
            clock=self.clock,
            sleep=self.clock.sleep,
        )
        return ProductsClient(
            base_url=BASE_URL,
            token=access,
            location_id=LOCATION_ID,
            transport=transport or SandboxTransport(self.app),
            sleep=self.clock.sleep,
        )

    async def kept(self) -> str:
        """The access token that is kept."""
        login = await self.store().use(lambda opened: opened.logins.find(NAME))
        assert login is not None
        return login.body["access"]

    def token_requests(self) -> int:
        return sum(line.startswith("POST /oauth/token") for line in self.sandbox.requests.lines())


@asynccontextmanager
async def logins(folder: Path) -> AsyncGenerator[Logins]:
    from datetime import UTC, datetime

    clock = Clock()
    app = create_app(rate_limit=0, clock=lambda: datetime.fromtimestamp(clock.now, UTC))
    async with AsyncExitStack() as exits:
        yield Logins(app, clock, folder, exits)
    assert sandbox_of(app).violations == []
    sandbox_of(app).close()
