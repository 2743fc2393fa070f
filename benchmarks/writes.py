"""What guard and journal add to a write, and what a price change of 200 products takes, in time and in requests.

All of it is in one process with the sandbox, so that no network is in any number.
"""

import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import cycle
from pathlib import Path

from latency import Request, medians
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult
from startup import text_of
from subjects import Call
from table import Expectation, Measure

from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.models import BulkPriceChange, PriceChanges
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.connection import Connection
from hoopai_products_mcp.server.settings import Settings

PRODUCTS = 200
CHANGES = 5
"""How often the price change is measured."""
_GENERATED = 2 * PRODUCTS
"""Every other product that the sandbox generates has one price; the others have two."""
_PAGE = 100

LIMIT = 100
INTERVAL_SECONDS = 1.0
"""The API takes 100 requests in 10 seconds. Here it is a tenth of that, for the sake of those who wait."""

FILE, MEMORY, ALONE = "SQLite file", "in memory", "client method"
COLUMNS = (f"store: {FILE}", f"store: {MEMORY}", f"{ALONE} alone")

# The names of what is measured.
_UPDATE, _READING, _UNASKED, _ASKED = "update", "reading", "unasked", "asked"

By = dict[str, dict[str, float]]


@dataclass
class Writes:
    """What was found, by measure and column: milliseconds (medians) and requests; and the seconds at the limit."""

    milliseconds: By = field(default_factory=By)
    requests: By = field(default_factory=By)
    limited_seconds: float = 0.0


@dataclass(frozen=True)
class Shop:
    """The shop that all of it works on: products with a single price each, and one price."""

    connection: Connection
    sandbox: Sandbox
    folder: Path
    product_ids: list[str]
    price: Mapping[str, str]

    @property
    def api(self) -> ProductsClient:
        """The client, without a server around it."""
        return self.connection.client


async def measure() -> Writes:
    """Measure everything."""
    writes = Writes()
    async with _shop(rate_limit=0) as shop:
        await _single(shop, writes)
        await _many(shop, writes)
    async with _shop(rate_limit=LIMIT) as shop, _server(shop, FILE) as client:
        started = time.perf_counter()
        await text_of(client, next(_sales(shop)))
        writes.limited_seconds = time.perf_counter() - started
    return writes


async def added(stores: Mapping[str, Mapping[str, str]]) -> dict[str, float]:
    """What guard and journal add to a write in milliseconds, by store; `stores` are the settings of each."""
    writes = Writes()
    async with _shop(rate_limit=0) as shop:
        await _single(shop, writes, stores)
    return {store: _added(writes, store) for store in stores}


def _added(writes: Writes, store: str) -> float:
    own, protocol = writes.milliseconds[_UPDATE], writes.milliseconds[_READING]
    return (own[store] - own[ALONE]) - (protocol[store] - protocol[ALONE])


async def _single(shop: Shop, writes: Writes, stores: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """One price changed, and one price read: by servers with either store, and by the client method alone."""
    amounts = cycle(range(10, 20))
    stores = stores or {FILE: {}, MEMORY: {}}

    def change(client: Client) -> Request:
        return lambda: text_of(client, Call("update_price", {**shop.price, "amount": next(amounts)}))

    def read(client: Client) -> Request:
        return lambda: text_of(client, Call("get_price", shop.price))

    async with AsyncExitStack() as stack:
        clients = {
            store: await stack.enter_async_context(_server(shop, store, more=more))
            for store, more in stores.items()
        }
        requests: dict[tuple[str, str], Request] = {
            **{(_UPDATE, store): change(client) for store, client in clients.items()},
            **{(_READING, store): read(client) for store, client in clients.items()},
            (_UPDATE, ALONE): lambda: shop.api.update_price(
                product_id=shop.price["product_id"],
                price_id=shop.price["price_id"],
                changes=PriceChanges(amount=Decimal(next(amounts))),
            ),
            (_READING, ALONE): lambda: shop.api.get_price(
                product_id=shop.price["product_id"], price_id=shop.price["price_id"]
            ),
        }
        await _measure(shop, requests, writes)


async def _many(shop: Shop, writes: Writes) -> None:
    """Many prices moved: by servers that do not ask, by servers that ask a person, and by the client method alone."""
    sales = _sales(shop)

    def move(client: Client) -> Request:
        return lambda: text_of(client, next(sales))

    async with AsyncExitStack() as stack:
        requests: dict[tuple[str, str], Request] = {
            (name, store): move(await stack.enter_async_context(_server(shop, store, asks=name == _ASKED)))
            for name in (_UNASKED, _ASKED)
            for store in (FILE, MEMORY)
        }
        requests[_UNASKED, ALONE] = lambda: shop.api.bulk_update(
            change=BulkPriceChange.model_validate(next(sales).arguments)
        )
        await _measure(shop, requests, writes, rounds=CHANGES)


async def _measure(
    shop: Shop, requests: Mapping[tuple[str, str], Request], writes: Writes, *, rounds: int | None = None
) -> None:
    for (name, column), request in requests.items():
        shop.sandbox.requests.clear()
        await request()
        writes.requests.setdefault(name, {})[column] = len(shop.sandbox.requests)
    for (name, column), taken in (await medians(requests, rounds=rounds)).items():
        writes.milliseconds.setdefault(name, {})[column] = taken


def _sales(shop: Shop) -> Iterator[Call]:
    """A tenth up, a tenth down, and so on: every call moves every price."""
    for kind in cycle(("INCREASE_BY_PERCENTAGE", "REDUCE_BY_PERCENTAGE")):
        change = {"type": kind, "value": 10}
        yield Call("bulk_change_prices", {"product_ids": shop.product_ids, "price": change})


@asynccontextmanager
async def _shop(*, rate_limit: int) -> AsyncGenerator[Shop]:
    app = create_app(shop=_GENERATED, rate_limit=rate_limit, rate_interval_seconds=INTERVAL_SECONDS)
    sandbox = sandbox_of(app)
    prices = sandbox.dump()["prices"]
    count = Counter(price["product"] for price in prices)
    single = [price for price in prices if count[price["product"]] == 1][:PRODUCTS]
    connection = Connection(Settings(sandbox=True), sandbox_app=app)
    # In the environment's own folder: on a disk, where a temporary one may be in memory.
    with tempfile.TemporaryDirectory(dir=sys.prefix) as folder:
        try:
            yield Shop(
                connection=connection,
                sandbox=sandbox,
                folder=Path(folder),
                product_ids=[price["product"] for price in single],
                price={"product_id": single[0]["product"], "price_id": single[0]["_id"]},
            )
        finally:
            await connection.aclose()
            sandbox.close()


@asynccontextmanager
async def _server(
    shop: Shop, store: str, *, asks: bool = False, more: Mapping[str, str] | None = None
) -> AsyncGenerator[Client]:
    """A client of a server with a store of its own; `asks` has it ask a person, who agrees at once, `more` are
    further settings."""
    # Of the user's own folder nothing may count, no policy either.
    policy = shop.folder / "policy.toml"
    policy.touch()
    settings = Settings.model_validate(
        {
            "sandbox": True,
            "confirmation": "ask" if asks else "off",
            "policy_file": str(policy),
            **(
                {"data_dir": str(shop.folder / ("asking" if asks else "not asking"))} if store == FILE else {}
            ),
            **(more or {}),
        }
    )

    async def agree(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        del context, params
        return ElicitResult(action="accept", content={"typed": str(PRODUCTS)})

    server = build_server(settings, connection=_Kept(shop.connection, settings))
    async with Client(server, elicitation_callback=agree if asks else None) as client:
        yield client


class _Kept(Connection):
    """A connection that several servers share, so that the first to end does not close it."""

    def __init__(self, shared: Connection, settings: Settings) -> None:
        super().__init__(settings)
        self._shared = shared

    @property
    def client(self) -> ProductsClient:
        return self._shared.client


def measures(writes: Writes) -> list[Measure]:
    """The lines of the table."""
    pages = math.ceil(PRODUCTS / _PAGE)
    planning = pages + PRODUCTS
    unasked = planning + 1 + PRODUCTS
    seconds = (unasked - 1) // LIMIT * INTERVAL_SECONDS
    own, protocol = writes.milliseconds[_UPDATE], writes.milliseconds[_READING]

    def line(
        name: str, found: Mapping[str, float], at_most: Expectation | None = None, digits: int = 0
    ) -> Measure:
        values = [found.get(column) for column in (FILE, MEMORY, ALONE)]
        return Measure(name, values, digits=digits, expected=[at_most] if at_most else [])

    change = f"price change of {PRODUCTS} products"
    return [
        line("update_price, API calls", writes.requests[_UPDATE], Expectation(3, "read, write, read")),
        line("update_price, ms", own, digits=2),
        line("get_price, ms", protocol, digits=2),
        Measure(
            "added to a write by guard and journal, ms",
            [_added(writes, FILE), _added(writes, MEMORY), None],
            digits=2,
            expected=[Expectation(10.0, "a tenth of a request")],
        ),
        line(f"{change}, API calls", writes.requests[_UNASKED], Expectation(unasked, "the fewest")),
        line(
            "… with a person's yes, API calls",
            writes.requests[_ASKED],
            Expectation(unasked + planning, "the fewest"),
        ),
        line(f"{change}, ms", writes.milliseconds[_UNASKED]),
        line("… with a person's yes, ms", writes.milliseconds[_ASKED]),
        Measure(
            f"… at {LIMIT} API calls in {INTERVAL_SECONDS:g} s, s",
            [writes.limited_seconds, None, None],
            digits=1,
            expected=[Expectation(1.25 * seconds, f"1.25 x {seconds:g}, the limit")],
        ),
    ]


NOTES = f"""\
How writes were measured
  Shop      The sandbox in the same process, without a network: {PRODUCTS} products with one price each, among others.
            Default policy. The sandbox's own work is in every number.
  Columns   The whole server, called by the SDK's client in memory: its store a SQLite file in a data folder (every
            commit synchronous), or in memory. And the method of our API client that the tool calls, by itself: no
            protocol, no validation, no plan, no policy, no approval, no journal, no reading back by the guard.
            That of `update_price` reads, writes and reads back too; that of the price change sends its one request.
  Added     The time of update_price less that of its client method, less the same difference of get_price: what the
            protocol takes is taken out that way, and what is left is plan, policy, journal and outcome.
  Fewest    Names in pages of {_PAGE}, and the prices of each product, before and after: the API lists prices by product
            only. Before the deed all is read anew if a person was asked, since a yes counts for what was shown.
  Times     Medians of {CHANGES} price changes, of more of the single calls; all in turn. At the limit: once."""
