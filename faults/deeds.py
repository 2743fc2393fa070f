"""What the scripted merchants want done: each deed on things of its own, so that it can be found again from outside."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import count
from typing import Any

State = dict[str, Any]
"""The whole shop, as the sandbox tells it."""


class Told(StrEnum):
    """What a client was told of a deed."""

    NOTHING = "nothing"
    """It was not called, or its conversation broke off without an answer."""
    DONE = "done"
    PARTLY = "partly"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"
    SHOWN = "shown"
    """The plan with a token, which was not used."""
    UNWORDED = "unworded"
    """An error that does not say whether anything was changed."""


@dataclass
class Deed:
    """One call that writes.

    `sign` is a text that stands in the arguments in the journal, and in the path or the body of each request that it
    may send; `unsigned` is one that does not, where two deeds work on one thing. `there` counts how many of its `of`
    changes the shop shows. `agreed` is what the person will say; None where nobody has to be asked.
    """

    tool: str
    arguments: dict[str, Any]
    sign: str
    there: Callable[[State], int]
    of: int = 1
    agreed: bool | None = None
    unsigned: str | None = None
    undoes: "Deed | None" = None

    called: bool = False
    yes: int = 0
    """How often a person has agreed to it."""
    change_id: str | None = None
    told: Told = Told.NOTHING
    said: list[str] = field(default_factory=list[str])

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.tool} ({self.sign})"


_numbers = count(1)
_SIGN = "sign-"


class Shelf:
    """Things of the shop that no deed has been made of yet. `to_lose` are those of earlier shelves that were to be
    deleted, and may be there still: two such deeds could not be told apart in the journal."""

    def __init__(self, state: State, *, start: int = 0, to_lose: set[str] | None = None) -> None:
        products: list[dict[str, Any]] = state["products"]
        made = [product for product in products if product["name"].startswith(_SIGN)]
        stock = [product for product in products if not product["name"].startswith(_SIGN)]
        self._products = iter([*stock[start % len(stock) :], *stock[: start % len(stock)]])
        self._made = iter(made)
        self.to_lose = set[str]() if to_lose is None else to_lose

    def product(self) -> dict[str, Any]:
        """A product for one deed alone."""
        return next(self._products)

    def product_to_lose(self) -> dict[str, Any]:
        """One of those that merchants have made, as long as there are any: the stock lasts longer so."""
        while (product := next(self._made, None) or self.product())["_id"] in self.to_lose:
            continue
        self.to_lose.add(product["_id"])
        return product


def _sign() -> tuple[str, int]:
    """A text that nothing else says, and a number that nothing else has."""
    number = next(_numbers)
    return f"{_SIGN}{number:06d}-of-a-deed", number


def deeds(shelf: Shelf) -> list[Deed]:
    """One of each kind: unasked and asked, agreed to and not, single and bulk, and one that is taken back."""
    product = shelf.product()
    changed = _update(shelf, product)
    return [
        _update(shelf),
        _create(),
        _delete(shelf, agreed=True),
        _delete(shelf, agreed=False),
        _edit(shelf, agreed=True),
        _edit(shelf, agreed=False),
        _reprice(shelf, agreed=True),
        changed,
        _undo(changed, product),
    ]


def _described(product_ids: list[str], text: str) -> Callable[[State], int]:
    def there(state: State) -> int:
        return sum(
            product["_id"] in product_ids and product.get("description") == text
            for product in state["products"]
        )

    return there


def _update(shelf: Shelf, product: dict[str, Any] | None = None) -> Deed:
    product_id, sign = (product or shelf.product())["_id"], _sign()[0]
    arguments = {"product_id": product_id, "description": sign}
    return Deed("update_product", arguments, sign, _described([product_id], sign))


def _create() -> Deed:
    sign, _ = _sign()
    return Deed(
        "create_product",
        {"name": sign, "product_type": "PHYSICAL"},
        sign,
        lambda state: sum(product["name"] == sign for product in state["products"]),
    )


def _delete(shelf: Shelf, *, agreed: bool) -> Deed:
    product = shelf.product_to_lose()["_id"]
    return Deed(
        "delete_product",
        {"product_id": product},
        product,
        lambda state: int(all(found["_id"] != product for found in state["products"])),
        agreed=agreed,
    )


def _edit(shelf: Shelf, *, agreed: bool) -> Deed:
    products, sign = [shelf.product()["_id"] for _ in range(3)], _sign()[0]
    edits = [{"product_id": product, "description": sign} for product in products]
    return Deed(
        "bulk_edit_products", {"products": edits}, sign, _described(products, sign), of=3, agreed=agreed
    )


def _reprice(shelf: Shelf, *, agreed: bool) -> Deed:
    product = shelf.product()["_id"]
    amount = 5 + Decimal(_sign()[1]) / 100

    def there(state: State) -> int:
        own = [price for price in state["prices"] if price["product"] == product]
        return int(bool(own) and all(Decimal(str(price["amount"])) == amount for price in own))

    price = {"type": "SET_NEW_PRICE", "value": float(amount)}
    return Deed(
        "bulk_change_prices", {"product_ids": [product], "price": price}, product, there, agreed=agreed
    )


def _undo(changed: Deed, product: dict[str, Any]) -> Deed:
    product_id: str = product["_id"]
    return Deed(
        "undo_change",
        {},
        product_id,
        _described([product_id], product["description"]),
        agreed=True,
        unsigned=changed.sign,
        undoes=changed,
    )
