"""Products as they are read, created and changed."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from .model_base import Body, OptionalWireId, Record, WireId
from .resending import Members, Part

ProductType = Literal["DIGITAL", "PHYSICAL", "SERVICE", "PHYSICAL/DIGITAL"]


class Seo(Record):
    """How search engines present a product or a collection."""

    title: str | None = None
    description: str | None = None


class Label(Record):
    """A badge on a product, with the ISO times between which it shows."""

    title: str | None = None
    start_date: str | None = None
    end_date: str | None = None


class VariantOption(Record):
    """One value of a variant, such as Red; prices point at its id."""

    id: OptionalWireId = None
    name: str | None = None


class Variant(Record):
    """One way a product varies, such as Colour."""

    id: OptionalWireId = None
    name: str | None = None
    options: list[VariantOption] | None = None


class Media(Record):
    """An image or video. `price_ids` ties it to variants: documented as a list, exampled as one text."""

    id: OptionalWireId = None
    title: str | None = None
    url: str | None = None
    type: str | None = None
    is_featured: bool | None = None
    price_ids: Any = None


class Product(Record):
    """A product. It has no price and no stock of its own: those are on its prices.

    A list leaves out `medias` and usually `collection_ids`; read the product by its id for them.
    None means "not told", which is not the same as an empty list. `taxes` holds ids, or objects when
    the list was asked to expand them.
    """

    id: WireId
    location_id: str | None = None
    name: str | None = None
    product_type: str | None = None
    description: str | None = None
    image: str | None = None
    statement_descriptor: str | None = None
    available_in_store: bool | None = None
    medias: list[Media] | None = None
    variants: list[Variant] | None = None
    collection_ids: list[str] | None = None
    is_taxes_enabled: bool | None = None
    taxes: list[Any] | None = None
    automatic_tax_category_id: str | None = None
    tax_inclusive: bool | None = None
    is_label_enabled: bool | None = None
    label: Label | None = None
    slug: str | None = None
    seo: Seo | None = None
    user_id: str | None = None
    is_featured: bool | None = None
    created_at: str | None = None
    updated_at: str | None = None


class SeoInput(Body):
    """Search engine texts to set."""

    title: str | None = None
    description: str | None = None


class LabelInput(Body):
    """A badge to set; the dates are ISO times."""

    title: str = Field(min_length=1)
    start_date: str | None = None
    end_date: str | None = None


class VariantOptionInput(Body):
    """One value of a variant; the caller makes up the id."""

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)


class VariantInput(Body):
    """One way a product varies; the caller makes up the ids."""

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    options: list[VariantOptionInput]


class MediaInput(Body):
    """An image or video by its address. `price_ids` ties it to those prices (variants)."""

    id: str = Field(min_length=1)
    url: str = Field(min_length=1)
    type: Literal["image", "video"]
    title: str | None = None
    is_featured: bool | None = None
    price_ids: list[str] | None = None


class _ProductFields(Body):
    """The optional fields that creating and changing share. Lists replace what was there as a whole."""

    description: str | None = None
    image: str | None = None
    statement_descriptor: str | None = None
    available_in_store: bool | None = None
    medias: list[MediaInput] | None = None
    variants: list[VariantInput] | None = None
    collection_ids: list[str] | None = None
    is_taxes_enabled: bool | None = None
    taxes: list[str] | None = None
    automatic_tax_category_id: str | None = None
    is_label_enabled: bool | None = None
    label: LabelInput | None = None
    slug: str | None = None
    seo: SeoInput | None = None
    tax_inclusive: bool | None = None


class NewProduct(_ProductFields):
    """A product to create. To be sold it needs at least one price, made by a call of its own."""

    name: str = Field(min_length=1)
    product_type: ProductType


class ProductChanges(_ProductFields):
    """Changes to one product: what is set is changed, what is left out stays.

    None is sent as null, which nothing documents and the API may refuse. A text is emptied with an empty one, a
    list with an empty one, a label by switching it off.

    `prices` is documented as the product's prices without saying what the texts mean.
    """

    never_null: ClassVar[frozenset[str]] = frozenset({"name", "product_type"})

    name: str | None = Field(default=None, min_length=1)
    product_type: ProductType | None = None
    prices: list[str] | None = None


PRODUCT_WIRE_FIELDS: dict[str, None] = {
    field.alias or name: None for name, field in ProductChanges.model_fields.items() if name != "prices"
}
"""Wire names of what a product update can set."""

MERGED_OBJECTS: Members = {"seo": Part({"title": None, "description": None})}
"""Wire names of the objects whose parts an update may set alone. A label is none of them: the dates of a former
badge are not meant for a new one."""
