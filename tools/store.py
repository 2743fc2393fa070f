"""Tools for the online store: which products it shows, and in which order."""

from typing import Annotated, Literal

from pydantic import Field

from ..guard.plan import Plan, PlanItem
from ..products_api import models as wire
from . import shapes, views
from .fields import BulkIds, Id, Ids, Text
from .records import Risk, Toolset, tool
from .shop import PAGE, Shop, refuse_repeated

Action = Literal["include", "exclude"]


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
    store_id: Id,
    search: Annotated[Text | None, Field(description="part of the product name")] = None,
    collection_ids: Ids | None = None,
) -> views.StoreStats:
    """Count how many products an online store shows (visible) and how many are hidden from it."""
    stats = await shop.api.get_store_stats(store_id=store_id, search=search, collection_ids=collection_ids)
    return views.StoreStats.model_validate(stats.model_dump(include=set(type(stats).model_fields)))


async def plan_set_store_visibility(
    shop: Shop, *, store_id: str, product_ids: list[str], action: Action
) -> Plan | None:
    """Products that appear or vanish; showing a single one needs nobody's consent."""
    found = await shop.products(product_ids)
    if action == "include" and len(product_ids) == 1:
        return None
    shown = await _shown(shop, store_id, product_ids)
    after = "shown" if action == "include" else "hidden"
    return Plan(
        action=f"{'Show' if action == 'include' else 'Hide'} {len(found)} product(s) in the store {store_id}",
        items=tuple(
            PlanItem(label=shop.named(product), before="shown" if key in shown else "hidden", after=after)
            for key, product in found.items()
        ),
    )


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
    shop: Shop, plan: Plan | None, *, store_id: Id, product_ids: BulkIds, action: Action
) -> views.BulkChanged:
    """Show products in one online store, shop front or site (include), or hide them from it (exclude).
    Hiding, or showing several, asks a person first."""
    del plan
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
    """The places that products get."""
    refuse_repeated("products", [place.product_id for place in products])
    found = await shop.products([place.product_id for place in products])
    return Plan(
        action=f"Set the display order of {len(products)} product(s) in the store {store_id}",
        items=tuple(
            PlanItem(label=f"{shop.named(found[place.product_id])} to place {place.priority}")
            for place in products
        ),
        lasting="the API does not tell the present order, so it cannot be put back by itself.",
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
    store_id: Id,
    products: Annotated[list[shapes.DisplayPlace], Field(min_length=1, max_length=100)],
) -> views.Ordered:
    """Sort the storefront: put, pin or feature products first or higher in an online store's display order.
    A person is asked first."""
    del plan
    places = [
        wire.DisplayPriority(product_id=place.product_id, display_priority=place.priority)
        for place in products
    ]
    await shop.api.set_display_priority(store_id=store_id, products=places)
    shop.note(
        "The API accepted the order and offers no way to read it back. Its documentation leaves the item keys "
        "open, so look at the store once."
    )
    return views.Ordered(accepted=True, products=len(products))
