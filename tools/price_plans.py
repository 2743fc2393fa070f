"""What a write to one price would do, computed from the present state."""

from collections.abc import Mapping
from typing import Any, Literal

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.plan import Plan, PlanItem
from ..guard.question import NOTHING_CHANGED
from ..products_api import models as wire
from . import sending, shapes
from .effects import as_told, changes, creation, deletion, kept_amount
from .field_words import field_items
from .money import MONEY, amount_text, refuse_fractions, stock_and_price
from .shop import Shop, some_of
from .text import counted, quoted

Clearable = Literal[
    "compare_at_price",
    "sku",
    "description",
    "recurring",
    "trial_period",
    "total_cycles",
    "setup_fee",
    "available_quantity",
    "shipping_options",
]


async def plan_create_price(
    shop: Shop,
    *,
    product_id: str,
    name: str,
    currency: str,
    type: str = "one_time",
    recurring: shapes.Recurring | None = None,
    **others: Any,
) -> Plan:
    """A price more, and which ones of the product have its name already; nobody is asked."""
    sending.refuse_wrong_terms(type, recurring)
    fields = sending.given(name=name, currency=currency.upper(), type=type, recurring=recurring, **others)
    for field in MONEY:
        refuse_fractions(f"`{field}`", fields.get(field), fields["currency"])
    alike = [price.id for price in await shop.prices_of(product_id) if price.name == name]
    has = "Another price" if len(alike) == 1 else f"{len(alike)} other prices"
    notes = [f"{has} of this product had this name already: id {some_of(alike)}."] if alike else []
    amount = amount_text(fields.get("amount"), fields["currency"])
    return Plan(
        action=f"Add the price {quoted(name)}, {amount}, to the product {product_id}",
        also=tuple(notes),
        effects=(creation("price", fields, alike=alike, name=name, within=product_id),),
        asks=False,
        target=name,
        state={"notes": notes},
    )


def with_terms(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with what changes along with a price's type: one that is charged once has no interval."""
    once = fields.get("type") == "one_time" and fields.get("recurring") is None
    return {**fields, "recurring": None} if once else dict(fields)


async def plan_update_price(
    shop: Shop,
    *,
    product_id: str,
    price_id: str,
    currency: str | None = None,
    clear: list[Clearable] | None = None,
    **others: Any,
) -> Plan:
    """Every field before and after; nobody is asked."""
    fields = sending.given(**others, currency=currency.upper() if currency else None)
    fields |= sending.cleared(clear, fields)
    sending.refuse_no_change(fields)
    price = await _own_price(shop, product_id, price_id)
    _refuse_misfits(price, fields)
    after = with_terms(fields)
    if price.recurring is None and "recurring" not in fields:
        after.pop("recurring", None)
    if fields.get("shipping_options") is not None:
        kept = sending.known_members(price.shipping_options)
        after["shipping_options"] = {**kept, **fields["shipping_options"]}
    effects = changes("price", price, price.id, after, within=product_id)
    if "amount" not in after:
        switches = (effect for effect in effects if effect.field == "currency")
        effects += tuple(kept for switch in switches for kept in kept_amount(switch, price.amount))
    return Plan(
        action=f"Change the price {quoted(price.name or price.id)} of the product {product_id}",
        items=field_items(effects),
        effects=effects,
        asks=False,
        target=price.name,
    )


async def _own_price(shop: Shop, product_id: str, price_id: str) -> wire.Price:
    """A price of this very product, so that nothing is done to another one than is named.

    Raises:
        ToolError: it says that it belongs to another product.
    """
    price = await shop.api.get_price(product_id=product_id, price_id=price_id)
    if price.product_id not in {None, product_id}:
        raise ToolError(
            f"The price {price_id} is of the product {price.product_id}, not of {product_id}. {NOTHING_CHANGED} "
            "Name its own."
        )
    return price


def _refuse_misfits(price: wire.Price, fields: Mapping[str, Any]) -> None:
    """Refuse type and interval, or amounts and currency, that would not fit each other.

    Raises:
        ToolError: they do not.
    """
    for name in MONEY:
        refuse_fractions(f"`{name}`", fields.get(name), fields.get("currency", price.currency))
    asked = with_terms(fields)
    if asked.keys() & {"type", "recurring"}:
        sending.refuse_wrong_terms(asked.get("type", price.type), asked.get("recurring", price.recurring))


async def plan_delete_price(shop: Shop, *, product_id: str, price_id: str) -> Plan:
    """What goes with a price."""
    price = await _own_price(shop, product_id, price_id)
    product = await shop.api.get_product(product_id=product_id)
    others = sum(other.id != price.id for other in await shop.prices_of(product.id))
    medias = [
        sending.known_members(media)
        for media in product.medias or ()
        if price.id in set(sending.texts(media.price_ids))
    ]
    also = [
        f"The product keeps {counted(others, 'other price')}."
        if others
        else "It is the product's only price: without one it cannot be bought."
    ]
    if medias:
        also.append(f"{counted(len(medias), 'image')} of the product shown for it will belong to no variant.")
    return Plan(
        action=f"Delete the price {quoted(price.name or price.id)} of {shop.named(product)}",
        items=(PlanItem(label=stock_and_price(price)),),
        also=tuple(also),
        lasting="made again it has a new id, so links and orders that name this one do not find it.",
        effects=(
            deletion(
                "price",
                price.id,
                {"price": as_told(price), "medias": medias},
                name=price.name or price.id,
                within=product.id,
            ),
        ),
        target=price.name,
        state={"name": price.name},
    )
