"""Prices as they are read, created and changed. An amount is in major units: 19.99 means 19.99."""

from decimal import Decimal
from typing import Any, ClassVar, Literal

from pydantic import Field

from .model_base import Body, Money, OptionalWireId, Record, WireId
from .resending import Members, Part

PriceType = Literal["one_time", "recurring"]


class Recurring(Record):
    """How often a recurring price is charged: every `interval_count` intervals."""

    interval: str | None = None
    interval_count: int | Decimal | None = None


class Weight(Record):
    """A weight; `unit` is kg, lb, g or oz."""

    value: Decimal | None = None
    unit: str | None = None


class Dimensions(Record):
    """Size of the parcel; `unit` is cm, in or m."""

    height: Decimal | None = None
    width: Decimal | None = None
    length: Decimal | None = None
    unit: str | None = None


class ShippingOptions(Record):
    """What shipping is computed from."""

    weight: Weight | None = None
    dimensions: Dimensions | None = None


class MembershipOffer(Record):
    """A membership granted with the price."""

    id: OptionalWireId = None
    label: str | None = None
    value: str | None = None


class Price(Record):
    """A price, which is also the variant and the stock keeping unit.

    The official description leaves out `sku`, `shipping_options`, `description`, `trial_period`,
    `total_cycles`, `setup_fee`, `is_digital_product` and `digital_delivery`, though some of them arrive.
    """

    id: WireId
    product_id: str | None = Field(default=None, validation_alias="product", serialization_alias="product")
    location_id: str | None = None
    user_id: str | None = None
    name: str | None = None
    type: str | None = None
    currency: str | None = None
    amount: Decimal | None = None
    compare_at_price: Decimal | None = None
    recurring: Recurring | None = None
    description: str | None = None
    membership_offers: list[MembershipOffer] | None = None
    trial_period: int | Decimal | None = None
    total_cycles: int | Decimal | None = None
    setup_fee: Decimal | None = None
    variant_option_ids: list[str] | None = None
    meta: dict[str, Any] | None = None
    track_inventory: bool | None = None
    available_quantity: int | Decimal | None = None
    allow_out_of_stock_purchases: bool | None = None
    sku: str | None = None
    shipping_options: ShippingOptions | None = None
    is_digital_product: bool | None = None
    digital_delivery: list[str] | None = None
    created_at: str | None = None
    updated_at: str | None = None


class RecurringInput(Body):
    """Charge every `interval_count` intervals."""

    interval: Literal["day", "week", "month", "year"]
    interval_count: int = Field(ge=1)


class WeightInput(Body):
    """A weight to ship."""

    value: Decimal = Field(ge=0)
    unit: Literal["kg", "lb", "g", "oz"]


class DimensionsInput(Body):
    """The size of the parcel."""

    height: Decimal = Field(ge=0)
    width: Decimal = Field(ge=0)
    length: Decimal = Field(ge=0)
    unit: Literal["cm", "in", "m"]


class ShippingOptionsInput(Body):
    """What shipping is computed from."""

    weight: WeightInput | None = None
    dimensions: DimensionsInput | None = None


class MembershipOfferInput(Body):
    """A membership granted with the price."""

    id: str = Field(validation_alias="_id", serialization_alias="_id", min_length=1)
    label: str
    value: str


class PriceMetaInput(Body):
    """Where an imported price comes from. The documentation wants all three, so leave it out otherwise."""

    source: Literal["stripe", "woocommerce", "shopify"]
    stripe_price_id: str
    internal_source: Literal["agency_plan", "funnel", "membership", "communities", "gokollab", "calendar"]
    source_id: str | None = None


class _PriceFields(Body):
    """The optional fields that creating and changing share."""

    recurring: RecurringInput | None = None
    description: str | None = None
    membership_offers: list[MembershipOfferInput] | None = None
    trial_period: int | None = Field(default=None, ge=0)
    total_cycles: int | None = Field(default=None, ge=1)
    setup_fee: Money | None = None
    variant_option_ids: list[str] | None = None
    compare_at_price: Money | None = None
    user_id: str | None = None
    meta: PriceMetaInput | None = None
    track_inventory: bool | None = None
    available_quantity: int | None = None
    allow_out_of_stock_purchases: bool | None = None
    sku: str | None = None
    shipping_options: ShippingOptionsInput | None = None
    is_digital_product: bool | None = None
    digital_delivery: list[str] | None = None


class NewPrice(_PriceFields):
    """A price to create; `recurring` belongs to the type of that name."""

    name: str = Field(min_length=1)
    type: PriceType
    currency: str = Field(min_length=1)
    amount: Money


class PriceChanges(_PriceFields):
    """Changes to one price: what is set is changed, None clears, what is left out stays.

    The update replaces the price, so None clears by not being sent, inside objects too.
    """

    never_null: ClassVar[frozenset[str]] = frozenset({"name", "type", "currency", "amount"})

    name: str | None = Field(default=None, min_length=1)
    type: PriceType | None = None
    currency: str | None = Field(default=None, min_length=1)
    amount: Money | None = None


PRICE_WIRE_FIELDS: Members = {
    "name": None,
    "type": None,
    "currency": None,
    "amount": None,
    "recurring": Part({"interval": None, "intervalCount": None}, frozenset({"interval", "intervalCount"})),
    "description": None,
    "membershipOffers": Part(
        {"_id": None, "label": None, "value": None}, frozenset({"_id", "label", "value"})
    ),
    "trialPeriod": None,
    "totalCycles": None,
    "setupFee": None,
    "variantOptionIds": None,
    "compareAtPrice": None,
    "userId": None,
    "meta": Part(
        {"source": None, "sourceId": None, "stripePriceId": None, "internalSource": None},
        frozenset({"source", "stripePriceId", "internalSource"}),
    ),
    "trackInventory": None,
    "availableQuantity": None,
    "allowOutOfStockPurchases": None,
    "sku": None,
    "shippingOptions": Part(
        {
            "weight": Part({"value": None, "unit": None}, frozenset({"value", "unit"})),
            "dimensions": Part(
                {"height": None, "width": None, "length": None, "unit": None},
                frozenset({"height", "width", "length", "unit"}),
            ),
        }
    ),
    "isDigitalProduct": None,
    "digitalDelivery": None,
}
"""Wire names of what a price update can set, with the parts of its objects."""

PRICE_FIELDS_PERHAPS_HIDDEN = (
    "sku",
    "shippingOptions",
    "description",
    "trialPeriod",
    "totalCycles",
    "setupFee",
    "isDigitalProduct",
    "digitalDelivery",
)
"""Wire names of what the official description lets an update set and does not list among what is read."""
