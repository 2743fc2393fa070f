"""The scenes of the demonstration in which the guard shows itself: a sale and its end, a limit, a plan out of date."""

from typing import Any

from ..products_api import models as wire
from .demo_assistant import FEW_ITEMS, Assistant, Person
from .demo_screen import Screen
from .demo_shop import POLICY, Place

COLLECTION = "Lanterns and light"
_IDS = frozenset({"product_ids", "product_id", "collection_id", "change_id"})


async def sale(assistant: Assistant, screen: Screen, person: Person) -> None:
    """A bulk change from the first look at it to the time when it is taken back."""
    screen.merchant(f"What would twenty percent off “{COLLECTION}” come to?")
    groups = await assistant.call("list_collections", name=COLLECTION)
    collection_id = next(item["id"] for item in groups["items"] if item["name"] == COLLECTION)
    members = await assistant.call(
        "list_collection_products", hide=_IDS, collection_id=collection_id, limit=100
    )
    sale: dict[str, Any] = {
        "product_ids": [item["id"] for item in members["items"]],
        "price": {"type": "REDUCE_BY_PERCENTAGE", "value": 20},
    }
    preview = await assistant.call("bulk_change_prices", hide=_IDS, **sale, dry_run=True)
    plan = preview["plan"]
    screen.say(plan["action"], *plan["also"][:2], preview["next_step"])

    screen.merchant("Do it.")
    person.will(True)
    changed = await assistant.call("bulk_change_prices", hide=_IDS, **sale)
    screen.say(f"{changed['prices']} prices changed; read back and compared: {_yes(changed['done'])}.")

    screen.merchant("What was changed today, and can I go back?")
    history = await assistant.call("list_changes", limit=3)
    screen.table(
        ("change", "outcome", "approved by"),
        [(item["action"], item["outcome"], item["approved_by"]) for item in history["items"]],
    )
    details = await assistant.call("get_change", hide=_IDS, change_id=history["items"][0]["id"])
    screen.say(f"Can the first be undone? {_yes(details['can_be_undone'])}")

    screen.merchant("The sale is over.")
    person.will(True, items=FEW_ITEMS)
    undone = await assistant.call("undo_change", hide=_IDS, change_id=details["id"])
    screen.say(f"{undone['restored']} prices restored; read back and compared: {_yes(undone['done'])}.")


async def forbidden(assistant: Assistant, screen: Screen) -> None:
    """A limit that no conversation lifts."""
    screen.merchant("Delete the gift card, nobody buys it.")
    screen.aside("The operator of this shop has written a policy.toml:")
    screen.framed(POLICY)
    card = await assistant.product("Gift card")
    await assistant.call("delete_product", hide=_IDS, refused=True, product_id=card["id"])


async def out_of_date(assistant: Assistant, screen: Screen, person: Person, place: Place) -> None:
    """A yes to something that is not so any more."""
    screen.merchant("Then delete the old stock lantern.")
    lantern = await assistant.product("Old stock lantern")
    price_id: str = lantern["prices"][0]["id"]

    async def restock() -> None:
        screen.aside("While the question is open, a colleague counts six of them in the web app.")
        await place.colleague.update_inventory(
            items=[wire.InventoryUpdate(price_id=price_id, available_quantity=6)]
        )

    person.will(True, False, meanwhile=restock)
    await assistant.call("delete_product", hide=_IDS, refused=True, product_id=lantern["id"])


def _yes(value: bool) -> str:
    return "yes" if value else "no"
