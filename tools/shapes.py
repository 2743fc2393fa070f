"""Objects that tools take inside their arguments."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .fields import (
    Currency,
    Cycles,
    Id,
    IsoTime,
    LongText,
    Measure,
    MediaType,
    Money,
    Name,
    Place,
    Quantity,
    Text,
    TrialDays,
)


class Shape(BaseModel):
    """An object of an argument: no other members than the named ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Seo(Shape):
    """What search engines show."""

    title: Text | None = None
    description: Text | None = None


class Label(Shape):
    """A badge such as Sale, and when it shows."""

    title: Name
    start_date: IsoTime | None = None
    end_date: IsoTime | None = None


class VariantOption(Shape):
    """One choice, such as Red."""

    name: Name
    id: Id | None = None


class Variant(Shape):
    """What the buyer chooses, such as Colour."""

    name: Name
    options: Annotated[list[VariantOption], Field(min_length=1)]
    id: Id | None = None


class Media(Shape):
    """An image or video."""

    url: Name
    type: MediaType = "image"
    id: Id | None = None
    title: Text | None = None
    is_featured: bool | None = None
    price_ids: Annotated[list[Id] | None, Field(description="variants it shows")] = None


class Recurring(Shape):
    """How often a recurring price is charged."""

    interval: Literal["day", "week", "month", "year"]
    interval_count: Annotated[int, Field(ge=1, le=10**6)] = 1


class Weight(Shape):
    """A shipping weight."""

    value: Measure
    unit: Literal["kg", "lb", "g", "oz"]


class Dimensions(Shape):
    """A parcel's size."""

    height: Measure
    width: Measure
    length: Measure
    unit: Literal["cm", "in", "m"]


class ShippingOptions(Shape):
    """What shipping is computed from."""

    weight: Weight | None = None
    dimensions: Dimensions | None = None


class MembershipOffer(Shape):
    """A membership granted with a price."""

    id: Id
    label: Text
    value: Text


class PriceAdjustment(Shape):
    """How prices move."""

    type: Literal[
        "INCREASE_BY_AMOUNT",
        "REDUCE_BY_AMOUNT",
        "SET_NEW_PRICE",
        "INCREASE_BY_PERCENTAGE",
        "REDUCE_BY_PERCENTAGE",
    ]
    value: Annotated[Money, Field(description="major units, or percent")]
    round_to_whole: bool | None = None


class StockLevel(Shape):
    """Stock of one variant."""

    price_id: Id
    available_quantity: Quantity | None = None
    allow_out_of_stock_purchases: bool | None = None


class PriceEdit(Shape):
    """Fields of one price to set."""

    price_id: Id
    name: Name | None = None
    amount: Money | None = None
    currency: Currency | None = None
    compare_at_price: Money | None = None
    available_quantity: Quantity | None = None
    track_inventory: bool | None = None
    allow_out_of_stock_purchases: bool | None = None
    sku: Text | None = None
    trial_period: TrialDays | None = None
    total_cycles: Cycles | None = None
    setup_fee: Money | None = None
    shipping_options: ShippingOptions | None = None
    recurring: Recurring | None = None


class ProductEdit(Shape):
    """Fields of one product, and of its prices, to set."""

    product_id: Id
    name: Name | None = None
    description: LongText | None = None
    image: Text | None = None
    available_in_store: bool | None = None
    collection_ids: list[Id] | None = None
    slug: Name | None = None
    seo: Seo | None = None
    label: Label | None = None
    is_label_enabled: bool | None = None
    medias: list[Media] | None = None
    is_taxes_enabled: bool | None = None
    taxes: list[Id] | None = None
    automatic_tax_category_id: Id | None = None
    tax_inclusive: bool | None = None
    prices: Annotated[list[PriceEdit], Field(min_length=1)] | None = None


class DisplayPlace(Shape):
    """Where a product stands in a store."""

    product_id: Id
    priority: Annotated[Place, Field(description="likely 1 is first")]


class Rules(Shape):
    """What a smart collection gathers."""

    logic: Literal["AND", "OR"] = "AND"
    conditions: list[dict[str, Any]]


class Reply(Shape):
    """An answer to a review, and who signs it."""

    headline: Annotated[str, Field(max_length=200)] = ""
    comment: Annotated[str, Field(min_length=1, max_length=5000)]
    name: Annotated[str, Field(min_length=1, max_length=100, description="who signs")]
    email: Annotated[
        str,
        Field(min_length=3, max_length=254, description="the shop's own: ask the merchant, never invent it"),
    ]


class ReviewRef(Shape):
    """A review as list_reviews names it."""

    review_id: Id
    product_id: Id
    store_id: Id
