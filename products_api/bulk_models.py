"""Changes to many products at once, and what came of them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from .errors import ProductsApiError
from .model_base import Body, Money
from .price_models import RecurringInput, ShippingOptionsInput
from .product_models import LabelInput, MediaInput, SeoInput

AdjustmentType = Literal[
    "INCREASE_BY_AMOUNT",
    "REDUCE_BY_AMOUNT",
    "SET_NEW_PRICE",
    "INCREASE_BY_PERCENTAGE",
    "REDUCE_BY_PERCENTAGE",
]


class PriceAdjustment(Body):
    """How every price of a product moves: an amount in major units, or a percentage, by its type."""

    type: AdjustmentType
    value: Decimal = Field(ge=0)
    round_to_whole: bool | None = None


class _BulkChange(Body):
    kind: ClassVar[str]

    product_ids: list[str] = Field(min_length=1)

    def wire(self) -> dict[str, Any]:
        """The fields that were set, with the type that the API tells the five changes apart by."""
        return {"type": self.kind} | super().wire()


class BulkPriceChange(_BulkChange):
    """Move the price, the compare-at price or both, of every price of the products."""

    kind = "bulk-update-price"
    never_null: ClassVar[frozenset[str]] = frozenset({"price", "compare_at_price"})

    price: PriceAdjustment | None = None
    compare_at_price: PriceAdjustment | None = None

    @model_validator(mode="after")
    def _has_something_to_do(self) -> Self:
        if self.price is None and self.compare_at_price is None:
            raise ValueError("give price, compare_at_price or both")
        return self


class BulkAvailability(_BulkChange):
    """Make the products available in the online store, or not."""

    kind = "bulk-update-availability"

    availability: bool


class BulkCollections(_BulkChange):
    """Put the products into collections. Whether this adds or replaces is not documented."""

    kind = "bulk-update-product-collection"

    collection_ids: list[str]


class BulkDelete(_BulkChange):
    """Delete the products. There is no way back."""

    kind = "bulk-delete-products"


class BulkCurrency(_BulkChange):
    """Change the currency of every price of the products; amounts are not converted."""

    kind = "bulk-update-currency"

    currency: str = Field(min_length=1)


BulkChange: TypeAlias = BulkPriceChange | BulkAvailability | BulkCollections | BulkDelete | BulkCurrency


class PriceEdit(Body):
    """Fields of one price to set in a bulk edit; what is left out stays, None is sent as null."""

    never_null: ClassVar[frozenset[str]] = frozenset({"name", "amount", "currency"})

    id: str = Field(validation_alias="_id", serialization_alias="_id", min_length=1)
    name: str | None = Field(default=None, min_length=1)
    amount: Money | None = None
    currency: str | None = Field(default=None, min_length=1)
    compare_at_price: Money | None = None
    available_quantity: int | None = None
    track_inventory: bool | None = None
    allow_out_of_stock_purchases: bool | None = None
    sku: str | None = None
    trial_period: int | None = Field(default=None, ge=0)
    total_cycles: int | None = Field(default=None, ge=1)
    setup_fee: Money | None = None
    shipping_options: ShippingOptionsInput | None = None
    recurring: RecurringInput | None = None


class ProductEdit(Body):
    """Fields of one product, and of its prices, to set in a bulk edit; what is left out stays, None is sent as null.

    Product type, variants and statement descriptor cannot be set here, nor a price's type. `taxes` are
    objects here, though ids everywhere else.
    """

    never_null: ClassVar[frozenset[str]] = frozenset({"name", "prices"})

    id: str = Field(validation_alias="_id", serialization_alias="_id", min_length=1)
    name: str | None = Field(default=None, min_length=1)
    description: str | None = None
    image: str | None = None
    available_in_store: bool | None = None
    prices: list[PriceEdit] | None = None
    collection_ids: list[str] | None = None
    is_label_enabled: bool | None = None
    is_taxes_enabled: bool | None = None
    seo: SeoInput | None = None
    slug: str | None = None
    automatic_tax_category_id: str | None = None
    tax_inclusive: bool | None = None
    taxes: list[dict[str, Any]] | None = None
    medias: list[MediaInput] | None = None
    label: LabelInput | None = None


@dataclass(frozen=True, slots=True)
class EditedProduct:
    """The part of one product that went into one call.

    `own_fields` is False for the further parts of a product whose prices filled more than one call.
    """

    product_id: str
    price_ids: tuple[str, ...]
    own_fields: bool


@dataclass(frozen=True, slots=True)
class BulkEditCall:
    """One of the calls that a bulk edit was cut into.

    `updated_count` is the API's own count of products. `error` belongs to a failed call; whether such a
    call changed anything is its `outcome`.
    """

    state: Literal["done", "failed", "not_tried"]
    products: tuple[EditedProduct, ...]
    updated_count: int | None = None
    error: ProductsApiError | None = None


@dataclass(frozen=True, slots=True)
class BulkEditResult:
    """What became of each call, in the order of the edits. After a failed call none is tried."""

    calls: tuple[BulkEditCall, ...]

    @property
    def complete(self) -> bool:
        """Whether every call was done."""
        return all(call.state == "done" for call in self.calls)

    @property
    def error(self) -> ProductsApiError | None:
        """Why it stopped, if it did."""
        return next((call.error for call in self.calls if call.error), None)

    @property
    def done(self) -> tuple[EditedProduct, ...]:
        """What the API accepted."""
        return self._in_state("done")

    @property
    def failed(self) -> tuple[EditedProduct, ...]:
        """What was in the call that failed."""
        return self._in_state("failed")

    @property
    def not_tried(self) -> tuple[EditedProduct, ...]:
        """What was never sent."""
        return self._in_state("not_tried")

    def _in_state(self, state: str) -> tuple[EditedProduct, ...]:
        return tuple(product for call in self.calls if call.state == state for product in call.products)
