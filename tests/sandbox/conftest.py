"""An empty shop and the demo shop, each with a client that reaches it in process."""

from collections.abc import AsyncGenerator

import pytest
from sandbox_api import Api, clock, connected
from starlette.applications import Starlette

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox


@pytest.fixture
def app() -> Starlette:
    return create_app(shop="empty", rate_limit=0, clock=clock)


@pytest.fixture
def sandbox(app: Starlette) -> Sandbox:
    return sandbox_of(app)


@pytest.fixture
async def api(app: Starlette) -> AsyncGenerator[Api]:
    """The empty shop."""
    async with connected(app) as connection:
        yield connection
    assert sandbox_of(app).violations == []


@pytest.fixture
async def demo() -> AsyncGenerator[Api]:
    """The demo shop."""
    app = create_app(rate_limit=0, clock=clock)
    async with connected(app) as connection:
        yield connection
    assert sandbox_of(app).violations == []
