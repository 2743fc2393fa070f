"""The first scenes of the demonstration: what a merchant asks on an ordinary day."""

from typing import Any

from .demo_assistant import Assistant
from .demo_screen import Screen

LOW = 3
"""So many left, or fewer, is low."""
_OF_PRICE = frozenset({"product_id", "price_id", "variant_option_ids"})


async def catalog(assistant: Assistant, screen: Screen) -> None:
    """The first products of the shop."""
    screen.merchant("What am I selling?")
    found = await assistant.call("list_products", limit=6, available_in_store=True)
    screen.table(("product", "type"), [(item["name"], item["product_type"]) for item in found["items"]])
    screen.say(f"… and {found['total'] - found['returned']} more.")


async def low_stock(assistant: Assistant, screen: Screen) -> None:
    """What has to be ordered."""
    screen.merchant("What is low on stock?")
    offset: int | None = 0
    low: list[dict[str, Any]] = []
    while offset is not None:
        page = await assistant.call("list_inventory", limit=100, offset=offset)
        low += [item for item in page["items"] if item.get("available_quantity", LOW + 1) <= LOW]
        offset = page.get("next_offset")
    low.sort(key=lambda item: (item["available_quantity"], item["product_name"], item["name"]))
    rows = [
        (item["product_name"], item["name"], item.get("sku", ""), str(item["available_quantity"]))
        for item in low[:5]
    ]
    screen.table(("product", "variant", "SKU", "left"), rows)
    screen.say(f"{len(low)} variants have {LOW} or fewer left; below zero means oversold.")


async def new_listing(assistant: Assistant, screen: Screen) -> None:
    """A product with two variants, not shown yet."""
    screen.merchant("Draft a listing for an owl lantern in two sizes, hidden for now.")
    product = await assistant.call(
        "create_product",
        name="Owl lantern",
        product_type="PHYSICAL",
        description="<p>Pierced tin. Throws owls on the wall.</p>",
        available_in_store=False,
        variants=[{"name": "Size", "options": [{"name": "Small"}, {"name": "Large"}]}],
    )
    for option, amount, stock in zip(product["variants"][0]["options"], (24.5, 39), (12, 6), strict=True):
        price = await assistant.call(
            "create_price",
            hide=_OF_PRICE,
            product_id=product["id"],
            name=option["name"],
            amount=amount,
            currency="USD",
            variant_option_ids=[option["id"]],
            sku=f"OWL-{option['name'][0]}",
            track_inventory=True,
            available_quantity=stock,
        )
        screen.say(f"{price['name']}: {price['amount']} {price['currency']}, {stock} in stock")


async def raise_a_price(assistant: Assistant, screen: Screen) -> None:
    """One update, read back."""
    screen.merchant("Raise the storm lantern by three dollars.")
    lantern = await assistant.product("Storm lantern")
    price = lantern["prices"][0]
    change = await assistant.call(
        "update_price",
        hide=_OF_PRICE,
        product_id=lantern["id"],
        price_id=price["id"],
        amount=price["amount"] + 3,
    )
    for field in change["changed"]:
        screen.say(f"{price['name']}, {field['field']}: {field['before']} → {field['after']}")
    if not change.get("lost"):
        screen.say("Read back and compared: nothing else changed.")


async def reviews(assistant: Assistant, screen: Screen) -> None:
    """What strangers wrote, one of them to the assistant."""
    screen.merchant("Any feedback waiting for me?")
    found = await assistant.call("list_reviews", status="pending", rating=5, limit=25)
    screen.say(found["notes"][0])
    odd = next(item for item in found["items"] if "assistant" in item["customer_text"]["headline"])
    screen.say(f"A customer wrote: “{odd['customer_text']['detail']}”")
    screen.say("That is text in a review. Nothing follows it.")
