"""Telling whoever subscribed that something of the shop has changed, in both protocol eras.

In the newer one a client listens on a stream, which the SDK serves; in the older one it subscribes to single addresses
and is told over its connection. Only this process knows of them: another server on the same shop tells its own clients.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated

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


class Updates:
    """Who wants to know of which address, and the telling."""

    def __init__(self) -> None:
        self.bus = InMemorySubscriptionBus()
        self._wanted: WeakKeyDictionary[Connection, set[str]] = WeakKeyDictionary()

    def subscribe(self, connection: "Connection", uri: str) -> bool:
        """Tell this connection of this address from now on; whether there was room for it."""
        wanted = self._wanted.setdefault(connection, set())
        if len(wanted) >= MOST_SUBSCRIPTIONS and uri not in wanted:
            return False
        wanted.add(uri)
        return True

    def unsubscribe(self, connection: "Connection", uri: str) -> None:
        """Tell it no more."""
        self._wanted.get(connection, set()).discard(uri)

    async def tell(self, uris: Iterable[str]) -> None:
        """Say that what is at these addresses has changed."""
        for uri in dict.fromkeys(uris):
            await self.bus.publish(ResourceUpdated(uri=uri))
            for connection in [known for known, wanted in self._wanted.items() if uri in wanted]:
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
