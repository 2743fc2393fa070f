"""Telling whoever subscribed that something of the shop has changed, in both protocol eras.

In the newer one a client listens on a stream, which the SDK serves; in the older one it subscribes to single addresses
and is told over its connection. What other processes change is told here as well (`other_processes.py`). Whether
somebody may still hear of a shop is looked at each time: a key may have been taken away since.
"""

import logging
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import anyio
import anyio.lowlevel
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.subscriptions import ResourceUpdated, ServerEvent

from .callers import name_of
from .resource_uris import (
    catalog_uri,
    collection_uri,
    collections_uri,
    prices_uri,
    product_uri,
    review_uri,
    store_uri,
)

if TYPE_CHECKING:
    from mcp.server.connection import Connection

    from ..guard.plan import Effect

log = logging.getLogger("hoopai_products_mcp.updates")

MOST_SUBSCRIPTIONS = 500
"""Addresses that one connection may subscribe to."""

Listener = Callable[[ServerEvent], None]


class MayHear(Protocol):
    """Whether who subscribed with a token may still hear of a shop of one of these names or ids."""

    async def __call__(self, token: AccessToken | None, *names: str) -> bool:
        """Look now."""
        ...


class Bus:
    """Who listens in the newer era, each with the token that it was let in with. The SDK subscribes them."""

    def __init__(self) -> None:
        self._listeners: dict[object, tuple[Listener, AccessToken | None]] = {}

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell this listener from now on; what ends it."""
        place = object()
        self._listeners[place] = listener, get_access_token()

        def unsubscribe() -> None:
            self._listeners.pop(place, None)

        return unsubscribe

    async def publish(self, event: ServerEvent) -> None:
        """Tell everybody."""

        async def may_hear(_: AccessToken | None) -> bool:
            return True

        await self.publish_to(event, may_hear)

    async def publish_to(
        self, event: ServerEvent, may_hear: Callable[[AccessToken | None], Awaitable[bool]]
    ) -> None:
        """Tell those who may hear of it."""
        for listener, token in list(self._listeners.values()):
            if await may_hear(token):
                listener(event)
        # So that streams take what they were told before there is more than they have room for.
        await anyio.lowlevel.checkpoint()


@dataclass
class _Subscriber:
    """What a connection of the older era wants to know, and the token that it came with last."""

    token: AccessToken | None
    uris: set[str] = field(default_factory=set[str])


class Updates:
    """Who wants to know of which address, and the telling."""

    def __init__(self, may_hear: MayHear) -> None:
        self.bus = Bus()
        self._may_hear = may_hear
        self._streams: dict[object, frozenset[str]] = {}
        self._subscribers: WeakKeyDictionary[Connection, _Subscriber] = WeakKeyDictionary()
        self._somebody = anyio.Event()

    @property
    def wanted(self) -> bool:
        """Whether anybody is subscribed to anything."""
        return bool(self._streams) or any(subscriber.uris for subscriber in self._subscribers.values())

    @property
    def addresses(self) -> set[str]:
        """What somebody is subscribed to."""
        subscribers = [subscriber.uris for subscriber in self._subscribers.values()]
        return set[str]().union(*self._streams.values(), *subscribers)

    async def somebody(self) -> None:
        """Wait until somebody is subscribed."""
        while not self.wanted:
            self._somebody = anyio.Event()
            await self._somebody.wait()

    @contextmanager
    def listening(self, uris: Iterable[str]) -> Generator[None]:
        """In this block somebody listens in the newer era."""
        place = object()
        self._streams[place] = frozenset(uris)
        self._somebody.set()
        try:
            yield
        finally:
            del self._streams[place]

    def subscribe(self, connection: "Connection", uri: str) -> bool:
        """Tell this connection of this address from now on; whether there was room for it."""
        subscriber = self._subscribers.get(connection)
        if subscriber is None:
            subscriber = self._subscribers[connection] = _Subscriber(get_access_token())
            connection.exit_stack.callback(self._subscribers.pop, connection, None)
        if len(subscriber.uris) >= MOST_SUBSCRIPTIONS and uri not in subscriber.uris:
            return False
        subscriber.uris.add(uri)
        self._somebody.set()
        return True

    def unsubscribe(self, connection: "Connection", uri: str) -> None:
        """Tell it no more."""
        if (subscriber := self._subscribers.get(connection)) is not None:
            subscriber.uris.discard(uri)

    def renew(self, session_id: str, token: AccessToken) -> None:
        """The caller of a session has come with this token: what it is good for counts from now on."""
        for connection, subscriber in self._subscribers.items():
            known = subscriber.token
            # Whether the session is theirs is looked at later.
            if connection.session_id == session_id and known is not None and name_of(known) == name_of(token):
                subscriber.token = token

    async def tell(self, uris: Iterable[str], *shop: str) -> None:
        """Say that what is at these addresses of a shop has changed; its name and id say who may hear of it."""
        found: dict[str, bool] = {}

        async def may_hear(token: AccessToken | None) -> bool:
            word = "" if token is None else token.token
            if word not in found:
                found[word] = await self._may_hear(token, *shop)
            return found[word]

        for uri in dict.fromkeys(uris):
            await self.bus.publish_to(ResourceUpdated(uri=uri), may_hear)
            for connection, subscriber in list(self._subscribers.items()):
                if uri not in subscriber.uris:
                    continue
                if not await may_hear(subscriber.token):
                    subscriber.uris.discard(uri)
                    continue
                try:
                    await connection.notify("notifications/resources/updated", {"uri": uri})
                except Exception:
                    # A client that is gone must not keep the others, or the write itself, from going on.
                    log.warning("A client could not be told of %s", uri)


def changed_by(effects: "Iterable[Effect]", created: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """The addresses of what a write has touched: by its effects, and by the things it made."""
    uris: dict[str, None] = {}
    for effect in effects:
        if effect.id is not None:
            uris |= dict.fromkeys(about(effect.kind, effect.id, effect.within))
        elif effect.within is not None:
            uris |= dict.fromkeys(about(effect.kind, None, effect.within))
    for thing in created:
        uris |= dict.fromkeys(about(thing["kind"], thing["id"], thing.get("within")))
    return list(uris)


def about(kind: str, thing_id: str | None, within: str | None) -> list[str]:
    """The addresses that show a thing; `within` is the product of a price, stock or review, or the store."""
    found: list[str] = []
    match kind:
        case "product":
            found = [product_uri(thing_id), prices_uri(thing_id)] if thing_id else []
        case "price" | "stock":
            found = [product_uri(within), prices_uri(within)] if within else []
        case "collection":
            found = [collections_uri(), *([collection_uri(thing_id)] if thing_id else [])]
        case "store" | "order":
            found = [store_uri(within)] if within else []
        case "review":
            found = [review_uri(thing_id)] if thing_id else []
        case _:
            return []
    return [*found, catalog_uri()]
