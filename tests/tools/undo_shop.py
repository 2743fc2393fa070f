"""A shop on the sandbox without a server, for doing a change and taking it back, and for comparing the whole shop."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any, Protocol, cast

from hoopai_products_mcp.guard.plan import Effect, Plan, from_plain, to_plain
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.exact_json import decode, encode
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import BASE_URL, LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.seed import ShopChoice
from hoopai_products_mcp.sandbox.transport import SandboxTransport
from hoopai_products_mcp.tools.alikeness import is_nothing
from hoopai_products_mcp.tools.arguments import portable_schema, read_arguments
from hoopai_products_mcp.tools.carrying_out import UndoResult, carry_out
from hoopai_products_mcp.tools.deriving import arguments_of
from hoopai_products_mcp.tools.observing import observe
from hoopai_products_mcp.tools.records import GUARD_ARGUMENTS
from hoopai_products_mcp.tools.renaming import renamed
from hoopai_products_mcp.tools.shop import Created, Shop
from hoopai_products_mcp.tools.undoing import plan_undo

Doc = dict[str, Any]


async def no_report(done: float, total: float | None, message: str | None) -> None: ...


async def no_wait(seconds: float) -> None: ...


@dataclass(frozen=True)
class Done:
    """A change that was done, as a journal keeps it."""

    plan: Plan
    created: tuple[Created, ...]
    observed: Mapping[Any, Any]


class AnyShop(Protocol):
    """Whatever tells the whole shop behind it."""

    def dump(self) -> Doc:
        """The shop as data."""
        ...


@dataclass
class UndoShop:
    """The shop, and the sandbox behind it. Every call works with a `Shop` of its own, as the server's calls do."""

    api: ProductsClient
    sandbox: Sandbox

    def shop(self) -> Shop:
        return Shop(self.api, no_report)

    async def do(self, name: str, /, **arguments: Any) -> Done:
        """Do what a tool does, and keep what a journal keeps of it."""
        from hoopai_products_mcp.tools.catalog import RECORDS

        (record,) = [record for record in RECORDS if record.name == name]
        read, _ = read_arguments(arguments_of(record), portable_schema(arguments_of(record)), arguments)
        given = {key: value for key, value in read.items() if key not in GUARD_ARGUMENTS}
        planner = cast("Any", record.plan)
        wanted = signature(planner).parameters
        shop = self.shop()
        plan = await planner(
            shop, **{key: given[key] for key in given if key in wanted or "others" in wanted}
        )
        await record.handler(shop, plan, **given)
        return await self.kept(plan, shop.created)

    async def kept(self, plan: Plan, created: Sequence[Created] = ()) -> Done:
        """A change as it comes out of a journal, which keeps JSON."""
        plain = cast("dict[str, Any]", decode(encode(to_plain(plan))))
        again = from_plain(plain)
        assert again.fingerprint == plan.fingerprint
        observation = await observe(self.shop(), again.effects)
        return Done(again, tuple(created), observation.values)

    async def undo(self, done: Done, **options: Any) -> tuple[UndoResult, Done]:
        """Take a change back; what came of it, and the undoing as a change of its own."""
        plan = await plan_undo(
            self.shop(), done.plan.effects, created=done.created, observed=done.observed, **options
        )
        shop = self.shop()
        result = await carry_out(shop, plan)
        return result, await self.kept(plan, shop.created)

    def dump(self) -> Doc:
        return self.sandbox.dump()

    def requests(self) -> list[str]:
        """The requests since this was asked last."""
        lines = self.sandbox.requests.lines()
        self.sandbox.requests.clear()
        return lines


@asynccontextmanager
async def undo_shop(shop: ShopChoice = "demo") -> AsyncGenerator[UndoShop]:
    app = create_app(shop=shop, rate_limit=0)
    async with ProductsClient(
        base_url=BASE_URL,
        token=TOKEN,
        location_id=LOCATION_ID,
        transport=SandboxTransport(app),
        sleep=no_wait,
        timeout=5,
    ) as api:
        yield UndoShop(api, sandbox_of(app))
    assert sandbox_of(app).violations == []


def effect(kind: Any, thing_id: str | None, field: str, before: Any, after: Any, **others: Any) -> Effect:
    return Effect(kind=kind, id=thing_id, field=field, before=before, after=after, **others)


def product(shop: AnyShop, name: str) -> Doc:
    (found,) = [doc for doc in shop.dump()["products"] if doc["name"] == name]
    return found


def prices_of(shop: AnyShop, product_id: str) -> list[Doc]:
    return [doc for doc in shop.dump()["prices"] if doc["product"] == product_id]


def collection(shop: AnyShop, slug: str) -> Doc:
    (found,) = [doc for doc in shop.dump()["collections"] if doc["slug"] == slug]
    return found


_TIMES = frozenset({"createdAt", "updatedAt"})
# Where it stands among others is not restored: no reading tells it, or no request sets it.
_PLACES = frozenset({"priority", "isFeatured"})


def shelves_alike(before: Doc, after: Doc, new_ids: Mapping[str, str] | None = None) -> Doc:
    """What differs between two dumps: former ids are followed to their new ones; times, places and the order of
    lists aside. Of products that were made again, reviews and stores are not compared: the former are gone, and not
    every one of the latter can be known."""
    ids = new_ids or {}
    again = {*ids, *ids.values()}
    one, other = _by_id(renamed(_known(before, again), ids)), _by_id(_known(after, again))
    return {
        key: (one.get(key), other.get(key))
        for key in one.keys() | other.keys()
        if one.get(key) != other.get(key)
    }


def _known(dump: Doc, again: set[str]) -> Doc:
    stores = [
        {**store, "products": [item for item in store["products"] if item["productId"] not in again]}
        for store in dump["stores"]
    ]
    reviews = [item for item in dump["reviews"] if item["productId"] not in again]
    return {**dump, "stores": stores, "reviews": reviews}


def _by_id(dump: Doc) -> Doc:
    return {doc.get("_id", doc.get("id")): _bare(doc) for docs in dump.values() for doc in docs}


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        members = cast("Doc", value)
        if members.get("type") == "smart":
            # Its rules fill it, which the sandbox does not evaluate.
            members = {**members, "productIds": None}
        if "label" in members and not members.get("isLabelEnabled"):
            # No request takes a badge away, but it does not show.
            members = {**members, "label": None}
        return {
            key: _bare(item)
            for key, item in members.items()
            if key not in _TIMES | _PLACES and not is_nothing(item)
        }
    if isinstance(value, list):
        return sorted((_bare(item) for item in cast("list[Any]", value)), key=repr)
    return value
