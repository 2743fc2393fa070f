"""What the rows of one product come to: changes of what there is, prices more, a product more, or problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from ..products_api.models import Product
from . import shapes
from .import_fields import Collections, unknown_collections
from .import_rows import Group, Problem

_STOCK: Final = frozenset({"available_quantity", "track_inventory", "allow_out_of_stock_purchases"})


@dataclass(frozen=True)
class NewPrice:
    """A price to create, from one row. `options` are the names of its options, in the order of the variants."""

    row: int
    fields: dict[str, Any]
    options: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What the rows of one product come to. Where there is a problem, nothing of the product is done.

    edit: fields of the product and its prices that are to change. creation: fields of a product to create, with
    `variants` without ids. new_prices: of the one or the other.
    """

    group: Group
    product: Product | None = None
    edit: shapes.ProductEdit | None = None
    creation: dict[str, Any] | None = None
    new_prices: list[NewPrice] = field(default_factory=list[NewPrice])
    problems: list[Problem] = field(default_factory=list[Problem])

    @property
    def things(self) -> int:
        """How many things it changes or creates, as the policy of the shop counts them."""
        if self.problems:
            return 0
        if self.creation is not None:
            return 1
        return len(self.new_prices) + (_things(self.edit) if self.edit else 0)

    def error(self, row: int, why: str) -> None:
        """Say what is wrong with a row, for which its product is left out."""
        self.problems.append(Problem(row, why))

    def conflict(self, row: int, why: str) -> None:
        """Say what a row is at odds with, for which its product is left out."""
        self.problems.append(Problem(row, why, "conflict"))


def _things(edit: shapes.ProductEdit) -> int:
    own = bool(edit.model_dump(exclude_none=True, exclude={"product_id", "prices"}))
    of_prices = 0
    for price in edit.prices or ():
        names = set(price.model_dump(exclude_none=True, exclude={"price_id"}))
        # A price and its stock are two things.
        of_prices += bool(names & _STOCK) + bool(names - _STOCK)
    return own + of_prices


@dataclass(frozen=True)
class Surroundings:
    """What the rows are held against besides their product: the shop's collections, what files call them by id, and
    the currency of amounts without one."""

    collections: Collections
    collection_names: Mapping[str, str]
    currency: str | None = None

    def collection_ids(self, outcome: Outcome, names: object, present: Sequence[str]) -> list[str] | None:
        """The ids of the collections that a cell names; None where it names none."""
        if not isinstance(names, tuple):
            return None
        ids, unknown = self.collections.ids_of(cast("tuple[str, ...]", names), present)
        if unknown:
            outcome.error(outcome.group.first_row, unknown_collections(unknown))
        return ids
