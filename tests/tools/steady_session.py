"""One session that stays open while a property is tried on many examples."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp_types import CallToolResult
from shop_session import Answer, ShopSession, shop_session

from hoopai_products_mcp.sandbox.seed import ShopChoice


@dataclass
class SteadySession:
    """A session for code that is not asynchronous. `fresh` brings the shop back to its first day."""

    portal: BlockingPortal
    session: ShopSession

    def result(self, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
        """Call a tool."""
        return self.portal.call(partial(self.session.result, name, **arguments))

    def fresh(self) -> None:
        """The shop as it was on its first day, and nothing logged."""
        self.session.sandbox.reset()


@contextmanager
def steady_session(
    answer: Answer | None = None, *, settings: Mapping[str, Any] | None = None, shop: ShopChoice = "demo"
) -> Generator[SteadySession]:
    """A session in an event loop of its own."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(shop_session(answer, settings=settings, shop=shop)) as session,
    ):
        yield SteadySession(portal, session)
