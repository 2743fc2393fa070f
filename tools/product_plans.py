"""What a write to one product would do, computed from the present state."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from ..guard.plan import Effect, Plan, PlanItem
from ..products_api import models as wire
from ..products_api.errors import ProductsApiError
from . import sending, shapes
from .effects import changes, creation, deletion, plain_value
from .field_words import field_items
from .images import product_images
from .money import stock_and_price
from .shop import PAGE, Shop, some_of
from .text import counted, quoted

Clearable = Literal[
    "description", "image", "seo", "label", "statement_descriptor", "automatic_tax_category_id"
]


async def plan_create_product(
    shop: Shop,
    *,
    name: str,
    variants: list[shapes.Variant] | None = None,
    slug: str | None = None,
    label: shapes.Label | None = None,
    taxes: list[str] | None = None,
    **others: Any,
) -> Plan:
    """A product more, and which ones have its name or slug already; nobody is asked."""
    sending.variants(variants)  # refuses names that prices could not tell apart
    fields = sending.given(name=name, variants=variants, slug=slug, label=label, taxes=taxes, **others)
    fields |= sending.switches(label, None, taxes, None)
    page = await shop.api.list_products(search=name, limit=PAGE, offset=0)
    alike = [product.id for product in page.items if product.name == name]
    notes = [f"{_more_of_this_name(len(alike))} this name already: id {some_of(alike)}."] if alike else []
    notes += await _shared_slug(shop, slug, None)
    return Plan(
        action=f"Create the product {quoted(name)}",
        also=tuple(notes),
        effects=(creation("product", fields, alike=alike, name=name),),
        asks=False,
        target=name,
        state={"notes": notes},
    )


def _more_of_this_name(count: int) -> str:
    return "Another product has" if count == 1 else f"{count} other products have"


async def _shared_slug(shop: Shop, slug: str | None, product_id: str | None) -> list[str]:
    """Which other product has the slug already, as far as that can be read: the API lets several share one."""
    if slug is None:
        return []
    try:
        holder = await shop.api.get_product(product_id=slug)
    except ProductsApiError:
        return []
    if holder.id == product_id:
        return []
    return [
        f"{shop.named(holder)} (id {holder.id}) has the same slug: its address opens only one of them, reportedly "
        "the older. Give one another slug."
    ]


async def plan_update_product(
    shop: Shop,
    *,
    product_id: str,
    variants: list[shapes.Variant] | None = None,
    medias: list[shapes.Media] | None = None,
    label: shapes.Label | None = None,
    is_label_enabled: bool | None = None,
    taxes: list[str] | None = None,
    is_taxes_enabled: bool | None = None,
    clear: list[Clearable] | None = None,
    **others: Any,
) -> Plan:
    """Every field before and after. Asks where customers would lose something: the product, or variants that prices
    are of."""
    fields = sending.given(**others, variants=variants, medias=medias, label=label, taxes=taxes)
    fields |= sending.switches(label, is_label_enabled, taxes, is_taxes_enabled)
    empty = emptied(clear, fields)
    sending.refuse_no_change(fields | empty)
    product = await shop.api.get_product(product_id=product_id)
    if "seo" in fields:
        fields["seo"] = {**sending.known_members(product.seo), **fields["seo"]}
    losing = await _losing_their_variant(shop, product, variants)
    hides = fields.get("available_in_store") is False and product.available_in_store is not False
    # A badge is emptied by its switch, a text by an empty one.
    after = fields | {name: value if isinstance(value, bool) else None for name, value in empty.items()}
    effects = _plain_variants(product, changes("product", product, product.id, after))
    actions = ["Hide"] if hides else []
    actions += [f"take the variants of {counted(len(losing), 'price')} from"] if losing else []
    action = " and ".join(actions or ["Update"])
    notes = await _shared_slug(shop, fields.get("slug"), product.id)
    also = ["These prices stay, without a variant; delete_price removes them."] if losing else []
    return Plan(
        action=f"{action[0].upper()}{action[1:]} the product {shop.named(product)} (id {product.id})",
        items=(
            *field_items(effects),
            *(PlanItem(label=f"Loses its variant: {stock_and_price(price)}", weight=4) for price in losing),
        ),
        also=(*also, *notes),
        effects=effects,
        asks=hides or bool(losing),
        target=product.name,
        state={
            "id": product.id,
            "losing": [price.name or price.id for price in losing],
            "notes": notes,
            "variants": None if variants is None else _variants_of(product),
            "medias": None if medias is None else plain_value(product.medias or []),
        },
    )


def _variants_of(product: wire.Product) -> list[dict[str, Any]]:
    return [
        sending.known_members(variant) | {"options": plain_value(variant.options or [])}
        for variant in product.variants or ()
    ]


def _plain_variants(product: wire.Product, effects: Sequence[Effect]) -> tuple[Effect, ...]:
    return tuple(
        replace(effect, before=_variants_of(product)) if effect.field == "variants" else effect
        for effect in effects
    )


async def _losing_their_variant(
    shop: Shop, product: wire.Product, variants: list[shapes.Variant] | None
) -> list[wire.Price]:
    """Prices that point at an option which the product would not have any more."""
    if variants is None:
        return []
    made = sending.variants(variants, product.variants) or ()
    kept = {option["id"] for variant in made for option in variant["options"]}
    gone = {option.id for variant in product.variants or () for option in variant.options or ()} - kept
    if not gone:
        return []
    return [price for price in await shop.prices_of(product.id) if gone & set(price.variant_option_ids or ())]


def emptied(clear: list[Clearable] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields to empty, in the types that the API documents for them, which are never null.

    Raises:
        ToolError: a field is to be both set and emptied.
    """
    on = {"label": True} if fields.get("is_label_enabled") else {}
    empty: dict[str, Any] = {}
    for name in sending.cleared(clear, {**fields, **on}):
        match name:
            case "label":
                # A badge cannot be without a title; it can be switched off.
                empty["is_label_enabled"] = False
            case "seo":
                empty["seo"] = {"title": "", "description": ""}
            case _:
                empty[name] = ""
    return empty


async def plan_delete_product(shop: Shop, *, product_id: str) -> Plan:
    """What goes with a product."""
    named = await shop.api.get_product(product_id=product_id)
    read = await product_images(shop, [named.id])
    product, prices = read.products[named.id], read.prices[named.id]
    goes = (
        f"Its {counted(len(prices), 'price')} and their stock are expected to go with it."
        if prices
        else "It has no price."
    )
    return Plan(
        action=f"Delete the product {shop.named(product)} (id {product.id})",
        items=tuple(
            PlanItem(label=stock_and_price(price), weight=price.available_quantity or 0) for price in prices
        ),
        also=(f"{goes} Collections and stores lose it.", *read.also),
        lasting="made again it has a new id, links to it and its reviews do not come back, and of the stores only "
        "those that its reviews name show it again.",
        effects=(deletion("product", product.id, read.images[product.id], name=product.name or product.id),),
        target=product.name,
        state={"id": product.id, "name": product.name},
    )
