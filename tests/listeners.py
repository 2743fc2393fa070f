"""Clients that are subscribed to resources, in either era, and what they are told."""

import math
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal, Self

import anyio
from mcp import MCPDeprecationWarning
from mcp.client import Client
from mcp.client.session import IncomingMessage
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import ResourceUpdatedNotification

Era = Literal["legacy", "2026-07-28"]
HEARD_SECONDS = 30.0


class Ears:
    """What a client of an era is told, until somebody asks for it. `message` is for the client to be made with."""

    def __init__(self, era: Era) -> None:
        self._era = era
        self._put, self._get = anyio.create_memory_object_stream[str](math.inf)

    async def message(self, message: IncomingMessage) -> None:
        """Hear a notification of the older era."""
        # In the newer era the client gives it to its stream as well.
        if self._era == "legacy" and isinstance(message, ResourceUpdatedNotification):
            await self._put.send(str(message.params.uri))

    @asynccontextmanager
    async def subscribed(self, client: Client, *uris: str) -> AsyncGenerator[None]:
        """In this block the client is subscribed, as its era does it."""
        if self._era == "legacy":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MCPDeprecationWarning)
                for uri in uris:
                    await client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]
                yield
                for uri in uris:
                    await client.unsubscribe_resource(uri)  # pyright: ignore[reportDeprecated]
            return
        async with (
            client.listen(resource_subscriptions=list(uris)) as stream,
            anyio.create_task_group() as tasks,
        ):

            async def hear() -> None:
                async for event in stream:
                    assert isinstance(event, ResourceUpdated)
                    await self._put.send(event.uri)

            tasks.start_soon(hear)
            yield
            tasks.cancel_scope.cancel()

    async def heard(self, *uris: str) -> None:
        """Wait until it was told; it has to be of just these, in whichever order."""
        with anyio.fail_after(HEARD_SECONDS):
            found = [await self._get.receive() for _ in uris]
        assert sorted(found) == sorted(uris)
        self.nothing_else()

    async def hears(self, *uris: str) -> None:
        """Wait until it was told of each of these, whatever else it was told."""
        left = set(uris)
        with anyio.fail_after(HEARD_SECONDS):
            while left:
                left.discard(await self._get.receive())

    def nothing_else(self) -> None:
        """It was told of nothing more so far."""
        assert self._get.statistics().current_buffer_used == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._put.close()
        self._get.close()
