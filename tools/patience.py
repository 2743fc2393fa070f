"""How long whoever made a call waits for it: without the time in which a person thinks about a question."""

import math
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import anyio
from mcp.server.mcpserver import Context

from ..products_api.urgency import until


class Patience:
    """The patience with one call: so many seconds of work, 0 for any number."""

    def __init__(self, seconds: float) -> None:
        self._until = anyio.current_time() + seconds if seconds else math.inf
        self._paused_at: float | None = None

    @contextmanager
    def at_work(self) -> Generator[None]:
        """Work within; what is between two such times is not counted."""
        if self._paused_at is not None:
            self._until += anyio.current_time() - self._paused_at
        try:
            with until(self._until):
                yield
        finally:
            self._paused_at = anyio.current_time()


def hears_of_progress(context: Context[Any, Any]) -> bool:
    """Whether the caller asked for progress: then it is known there that something is going on, and waited for."""
    return "progress_token" in (context.request_context.meta or {})
