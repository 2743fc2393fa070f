"""Who subscribed to a resource hears of it when a write through this server changes it, and of nothing else."""

import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
import shelves
from mcp import MCPDeprecationWarning
from mcp.client import Client
from mcp.client.session import IncomingMessage
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import INVALID_PARAMS, ResourceUpdatedNotification
from shop_session import ShopSession, shop_session, yes

from hoopai_products_mcp.guard.plan import Effect
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.faults import Fault, FaultKind
from hoopai_products_mcp.sandbox.identity import ONLINE_STORE_ID
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.connection import Connection
from hoopai_products_mcp.server.settings import Settings
from hoopai_products_mcp.server.updates import changed_by

pytestmark = pytest.mark.anyio

CATALOG = "hoopai://catalog"


async def heard(session: ShopSession, uris: list[str], act: Any, expected: int) -> list[str]:
    """What a listener to these addresses hears while somebody acts."""
    found: list[str] = []
    with anyio.fail_after(20):
        async with session.client.listen(resource_subscriptions=uris) as stream:
            await act()
            while len(found) < expected:
                event = await anext(aiter(stream))
                assert isinstance(event, ResourceUpdated)
                found.append(event.uri)
    return found


async def test_a_listener_hears_of_the_product_and_the_catalog_and_not_of_others() -> None:
    async with shop_session() as session:
        lantern, other = shelves.product(session, "Storm lantern"), shelves.product(session, "Dusk tee")
        price = shelves.price(session, "Storm lantern", "Brass / 24 cm")
        mine, its_prices = f"hoopai://products/{lantern['_id']}", f"hoopai://products/{lantern['_id']}/prices"

        async def act() -> None:
            await session.call("update_product", product_id=other["_id"], description="Softer.")
            await session.call("update_price", product_id=lantern["_id"], price_id=price["_id"], amount=65)

        found = await heard(session, [mine, its_prices, CATALOG], act, 4)
    assert sorted(found) == sorted([CATALOG, mine, its_prices, CATALOG])


async def test_a_listener_hears_of_collections_stores_and_reviews() -> None:
    async with shop_session(yes) as session:
        tee = shelves.product(session, "Dusk tee")
        group = shelves.collection(session, "midwinter")
        review = next(review for review in session.sandbox.dump()["reviews"] if review["status"] == "pending")
        uris = [
            "hoopai://collections",
            f"hoopai://collections/{group['_id']}",
            f"hoopai://stores/{ONLINE_STORE_ID}",
            f"hoopai://reviews/{review['_id']}",
        ]

        async def act() -> None:
            await session.call("update_collection", collection_id=group["_id"], name="Deep winter")
            await session.call(
                "set_store_visibility", store_id=ONLINE_STORE_ID, product_ids=[tee["_id"]], action="exclude"
            )
            await session.call(
                "update_review", review_id=review["_id"], product_id=review["productId"], status="approved"
            )

        found = await heard(session, uris, act, 4)
    assert sorted(found) == sorted(uris)


async def test_a_write_whose_answer_was_lost_is_told_of_and_one_that_was_refused_is_not() -> None:
    async with shop_session() as session:
        lantern = shelves.product(session, "Storm lantern")
        price = shelves.price(session, "Storm lantern", "Brass / 24 cm")
        ids = {"product_id": lantern["_id"], "price_id": price["_id"]}
        mine = f"hoopai://products/{lantern['_id']}"

        async def act() -> None:
            await session.refused("update_price", product_id=lantern["_id"], price_id="none", amount=1)
            await session.call("update_price", **ids, amount=66, dry_run=True)
            session.sandbox.faults.add(
                Fault(FaultKind.DROP_AFTER, "PUT /products/{productId}/price/{priceId}")
            )
            await session.call("update_price", **ids, amount=66)

        assert await heard(session, [mine], act, 1) == [mine]


@dataclass
class Heard:
    """A client of the older era, and what it was told."""

    client: Client
    uris: list[str] = field(default_factory=list[str])

    async def subscribe(self, uri: str) -> None:
        """Subscribe as that era does."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            await self.client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]

    async def unsubscribe(self, uri: str) -> None:
        """End it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            await self.client.unsubscribe_resource(uri)  # pyright: ignore[reportDeprecated]


@asynccontextmanager
async def older_clients(count: int) -> AsyncGenerator[tuple[list[Heard], ProductsClient]]:
    """Clients of the older era on one server, and the shop behind it."""
    app = create_app(rate_limit=0)
    settings = Settings(sandbox=True)
    connection = Connection(settings, sandbox_app=app)
    server = build_server(settings, connection=connection)
    async with anyio.create_task_group() as tasks:
        clients: list[Heard] = []
        ready = [anyio.Event() for _ in range(count)]
        done = anyio.Event()

        async def one(place: int) -> None:
            told: list[str] = []

            async def message(message: IncomingMessage) -> None:
                if isinstance(message, ResourceUpdatedNotification):
                    told.append(str(message.params.uri))

            async with Client(server, mode="legacy", message_handler=message) as client:
                clients.append(Heard(client, told))
                ready[place].set()
                await done.wait()

        for place in range(count):
            tasks.start_soon(one, place)
            await ready[place].wait()
        try:
            yield clients, connection.client
        finally:
            done.set()
    sandbox_of(app).close()


async def eventually(condition: Any) -> None:
    """Wait until something is so; fails after a while."""
    with anyio.fail_after(20):
        while not condition():
            await anyio.lowlevel.checkpoint()


async def test_older_clients_hear_of_what_they_subscribed_to_until_they_end_it() -> None:
    async with older_clients(2) as ((first, second), api):
        page = await api.list_products(search="Storm lantern")
        lantern = page.items[0].id
        uri = f"hoopai://products/{lantern}"
        await first.subscribe(uri)
        await second.subscribe(CATALOG)
        await second.client.call_tool("update_product", {"product_id": lantern, "description": "One."})
        await eventually(lambda: first.uris and second.uris)
        assert (first.uris, second.uris) == ([uri], [CATALOG])
        await first.unsubscribe(uri)
        await second.client.call_tool("update_product", {"product_id": lantern, "description": "Two."})
        await eventually(lambda: len(second.uris) > 1)
        assert (first.uris, second.uris) == ([uri], [CATALOG, CATALOG])


async def test_an_older_client_cannot_subscribe_to_what_is_no_resource() -> None:
    async with older_clients(1) as ((only,), _):
        capabilities = only.client.server_capabilities
        assert capabilities.resources is not None
        assert capabilities.resources.subscribe is True
        with pytest.raises(MCPError) as caught:
            await only.subscribe("hoopai://nothing")
        assert caught.value.error.code == INVALID_PARAMS
        assert caught.value.error.data == {"uri": "hoopai://nothing"}


def test_every_kind_of_effect_has_its_addresses() -> None:
    def one(kind: Any, id: str | None, within: str | None = None) -> list[str]:
        return changed_by([Effect(kind=kind, id=id, field="x", within=within)])

    assert one("product", "p") == ["hoopai://products/p", "hoopai://products/p/prices", CATALOG]
    assert one("price", "q", "p") == one("stock", "q", "p") == one("price", None, "p") == one("product", "p")
    assert one("collection", "c") == ["hoopai://collections", "hoopai://collections/c", CATALOG]
    assert one("collection", None) == []
    assert one("store", "p", "s") == one("order", "p", "s") == ["hoopai://stores/s", CATALOG]
    assert one("review", "r", "p") == ["hoopai://reviews/r", CATALOG]
    made = [{"kind": "collection", "id": "c"}, {"kind": "price", "id": "q", "within": "p"}]
    assert changed_by([], made) == [*one("collection", "c")[:2], CATALOG, *one("product", "p")[:2]]
