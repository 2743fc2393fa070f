"""Stock as it is read and set. Stock belongs to a price: one per variant of a product."""

from decimal import Decimal
from typing import ClassVar

from pydantic import AliasChoices, Field

from .model_base import Body, Record


class InventoryItem(Record):
    """The stock of one price. Amount, currency and whether stock is tracked are on the price alone.

    The wire's `_id` is the price's id.
    """

    price_id: str = Field(validation_alias=AliasChoices("_id", "id", "priceId"), serialization_alias="_id")
    product_id: str | None = Field(default=None, validation_alias="product", serialization_alias="product")
    product_name: str | None = None
    name: str | None = None
    available_quantity: int | Decimal | None = None
    allow_out_of_stock_purchases: bool | None = None
    sku: str | None = None
    image: str | None = None
    updated_at: str | None = None


class InventoryUpdate(Body):
    """New stock of one price; `available_quantity` is absolute, not a difference."""

    never_null: ClassVar[frozenset[str]] = frozenset({"available_quantity", "allow_out_of_stock_purchases"})

    price_id: str = Field(min_length=1)
    available_quantity: int | None = None
    allow_out_of_stock_purchases: bool | None = None


class QuantityChange(Body):
    """A relative change of stock. `ADD_QUANTITY` is the only type any documentation shows."""

    type: str = Field(min_length=1)
    value: int


class BulkInventoryChange(Body):
    """One change of stock settings for many prices."""

    never_null: ClassVar[frozenset[str]] = frozenset(
        {"available_quantity", "allow_out_of_stock_purchases", "track_inventory"}
    )

    price_ids: list[str] = Field(min_length=1)
    available_quantity: QuantityChange | None = None
    allow_out_of_stock_purchases: bool | None = None
    track_inventory: bool | None = None


class BulkInventoryResult(Record):
    """What a bulk change of stock did.

    `updated_count` counts prices. `fallback` is None when the route itself did the work; otherwise it
    says in words which documented way was used and what could not be done by it.
    """

    updated_count: int | None = None
    fields_updated: list[str] | None = None
    message: str | None = None
    fallback: str | None = None
