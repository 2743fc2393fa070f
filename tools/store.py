"""Tools for the online store: which products it shows, and in which order."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Annotated, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from ..guard.plan import Effect, Plan, PlanItem
from ..guard.question import NOTHING_CHANGED
from ..products_api import models as wire
from ..products_api.errors import NotFoundError, ProductsApiError
from . import shapes, views
from .fields import BulkIds, Ids, StoreId, Text
from .records import Risk, Toolset, tool
from .shop import PAGE, Shop, refuse_repeated
from .text import counted, one_line

UNDOCUMENTED = (
    "The API documents neither how an order is written down (productId and displayPriority are the likeliest) nor "
    "whether low or high numbers come first, and the order cannot be read back: look at the store afterwards."
)
LONGEST_NAME = 500
Action = Literal["include", "exclude"]


@contextmanager
def _naming(store_id: str) -> Generator[None]:
    """Say of a store that is not found where its id can be: no list of this API has it."""
    try:
        yield
    except NotFoundError:
        raise ToolError(
            f"No store of this location has the id {store_id}. {NOTHING_CHANGED} It is the id of the store's site, "
            "which no list gives: take it from the web app or from a review of that store, or ask the merchant."
        ) from None


async def _refuse_unknown(shop: Shop, store_id: str) -> None:
    """Refuse a store that does not exist before a person is asked about it.

    Raises:
        ToolError: there is no such store.
    """
    with _naming(store_id):
        try:
            await shop.api.get_store_stats(store_id=store_id)
        except NotFoundError:
            raise
        except ProductsApiError:
            # It cannot be told beforehand; the write will tell.
            return


@tool(
    operation="GET /products/store/{storeId}/stats",
    title="Count a store's products",
    toolset=Toolset.STORE,
    risk=Risk.READ,
    open_world=False,
)
async def get_store_stats(
    shop: Shop,
    *,
    store_id: StoreId,
    search: Annotated[Text | None, Field(description="part of the product name")] = None,
    collection_ids: Ids | None = None,
) -> views.StoreStats:
    """Count how many products an online store shows (visible) and how many are hidden from it."""
    with _naming(store_id):
        stats = await shop.api.get_store_stats(
            store_id=store_id, search=search, collection_ids=collection_ids
        )
    return views.StoreStats.model_validate(stats.model_dump(include=set(type(stats).model_fields)))


async def plan_set_store_visibility(
    shop: Shop, *, store_id: str, product_ids: list[str], action: Action
) -> Plan:
    """Products that appear or vanish; showing a single one needs nobody's consent."""
    found = await shop.products(product_ids)
    await _refuse_unknown(shop, store_id)
    shown = await _shown(shop, store_id, product_ids)
    show = action == "include"
    return Plan(
        action=f"{'Show' if show else 'Hide'} {counted(len(found), 'product')} in the store {store_id}",
        items=tuple(
            PlanItem(
                label=shop.named(product),
                before=_seen(key in shown),
                after=_seen(show),
                weight=int((key in shown) is not show),
            )
            for key, product in found.items()
        ),
        effects=tuple(
            Effect(
                kind="store",
                id=key,
                field="shown",
                before=key in shown,
                after=show,
                within=store_id,
                name=product.name or "",
            )
            for key, product in found.items()
        ),
        asks=not show or len(product_ids) > 1,
        target=_only_name(found),
    )


def _seen(shown: bool) -> str:
    return "shown" if shown else "hidden"


def _only_name(products: Mapping[str, wire.Product]) -> str | None:
    """The name of the product that a plan is about, if it is about a single one."""
    names = [one_line(product.name or "", LONGEST_NAME) for product in products.values()]
    return (names[0] or None) if len(names) == 1 else None


async def _shown(shop: Shop, store_id: str, product_ids: list[str]) -> set[str]:
    shown: set[str] = set()
    for start in range(0, len(product_ids), PAGE):
        part = product_ids[start : start + PAGE]
        listed = shop.api.iterate_products(product_ids=part, store_id=store_id, included_in_store=True)
        shown |= {product.id async for product in listed}
    return shown & set(product_ids)


@tool(
    operation="POST /products/store/{storeId}",
    title="Show or hide products in a store",
    toolset=Toolset.STORE,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_set_store_visibility,
)
async def set_store_visibility(
    shop: Shop, plan: Plan, *, store_id: StoreId, product_ids: BulkIds, action: Action
) -> views.BulkChanged:
    """Show products in one online store, shop front or site (include), or hide them from it (exclude)."""
    del plan
    with _naming(store_id):
        await shop.api.set_store_visibility(store_id=store_id, action=action, product_ids=product_ids)

    async def compare() -> list[views.BulkItem]:
        shown = await _shown(shop, store_id, product_ids)
        wrong = [key for key in product_ids if (key in shown) is (action == "exclude")]
        return [
            views.BulkItem(id=key, expected=action, found="exclude" if action == "include" else "include")
            for key in wrong
        ]

    differing = await shop.check(compare)
    return views.BulkChanged(done=differing == [], products=len(product_ids), differing=differing or None)


async def plan_set_display_priority(
    shop: Shop, *, store_id: str, products: list[shapes.DisplayPlace]
) -> Plan:
    """The places that products get, and those they had as far as this server set them."""
    refuse_repeated("products", [place.product_id for place in products])
    found = await shop.products([place.product_id for place in products])
    await _refuse_unknown(shop, store_id)
    former: Mapping[str, int] = {}
    if shop.former_places is not None:
        former = await shop.former_places(store_id)
    unknown = [place for place in products if place.product_id not in former]
    return Plan(
        action=f"Set the display order of {counted(len(products), 'product')} in the store {store_id}",
        items=tuple(
            _place_item(shop.named(found[place.product_id]), former.get(place.product_id), place.priority)
            for place in products
        ),
        also=(UNDOCUMENTED,),
        lasting=_lasting(len(unknown), len(products)),
        effects=tuple(
            Effect(
                kind="order",
                id=place.product_id,
                field="priority",
                before=former.get(place.product_id),
                after=place.priority,
                within=store_id,
                name=found[place.product_id].name or "",
            )
            for place in products
        ),
        target=_only_name(found),
    )


def _place_item(named: str, former: int | None, priority: int) -> PlanItem:
    if former is None:
        return PlanItem(label=f"{named} gets the number {priority}")
    return PlanItem(
        label=f"{named}, its number", before=str(former), after=str(priority), weight=abs(priority - former)
    )


def _lasting(unknown: int, products: int) -> str | None:
    if not unknown:
        return None
    if unknown == products:
        return "the API does not tell the present order, so it cannot be put back by itself."
    return (
        f"the API does not tell the present order, and the former number of {counted(unknown, 'product')} is not "
        "known here, so that cannot be put back."
    )


@tool(
    operation="POST /products/store/{storeId}/priority",
    title="Order products in a store",
    toolset=Toolset.STORE,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_set_display_priority,
)
async def set_display_priority(
    shop: Shop,
    plan: Plan,
    *,
    store_id: StoreId,
    products: Annotated[list[shapes.DisplayPlace], Field(min_length=1, max_length=100)],
) -> views.Ordered:
    """Sort the storefront: put, pin or feature products first or higher in an online store's display order."""
    del plan
    places = [
        wire.DisplayPriority(product_id=place.product_id, display_priority=place.priority)
        for place in products
    ]
    with _naming(store_id):
        await shop.api.set_display_priority(store_id=store_id, products=places)
    shop.note(f"The API accepted the order. {UNDOCUMENTED}")
    return views.Ordered(accepted=True, products=len(products))
