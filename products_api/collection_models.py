"""Collections as they are read, created and changed."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from .model_base import Body, Page, Record, WireId
from .product_models import Product, Seo, SeoInput

CollectionType = Literal["manual", "smart"]


class Rules(Record):
    """What puts products into a smart collection; how a condition is spelled is not documented."""

    logic: str | None = None
    conditions: list[Any] | None = None


class Collection(Record):
    """A collection. `type` and `rules` come from HoopAI's description alone and may be missing."""

    id: WireId
    location_id: str | None = Field(default=None, validation_alias="altId", serialization_alias="altId")
    name: str | None = None
    slug: str | None = None
    image: str | None = None
    seo: Seo | None = None
    type: str | None = None
    rules: Rules | None = None
    created_at: str | None = None
    updated_at: str | None = None


class RulesInput(Body):
    """Rules of a smart collection, passed through as given."""

    logic: str = Field(min_length=1)
    conditions: list[dict[str, Any]]


class NewCollection(Body):
    """A collection to create. A slug is required and unique, without spaces or special characters.

    `collection_id` lets the caller choose the id. `product_ids` fills a manual collection, `rules` a
    smart one; both are described by HoopAI alone.
    """

    name: str = Field(min_length=1)
    slug: str = Field(min_length=1)
    collection_id: str | None = None
    image: str | None = None
    seo: SeoInput | None = None
    type: CollectionType | None = None
    rules: RulesInput | None = None
    product_ids: list[str] | None = None


class CollectionChanges(Body):
    """Changes to one collection: what is set is changed, what is left out stays.

    None is sent as null, which nothing documents and the API may refuse. A text is emptied with an empty one.
    """

    never_null: ClassVar[frozenset[str]] = frozenset({"name", "slug", "type", "product_ids"})

    name: str | None = Field(default=None, min_length=1)
    slug: str | None = Field(default=None, min_length=1)
    image: str | None = None
    seo: SeoInput | None = None
    type: CollectionType | None = None
    rules: RulesInput | None = None
    product_ids: list[str] | None = None


@dataclass(frozen=True, slots=True)
class CollectionProducts(Page[Product]):
    """A page of a collection's products.

    `fallback` is None when the collection's own route answered; otherwise it says in words which
    documented way was used and what it may miss.
    """

    fallback: str | None


@dataclass(frozen=True, slots=True)
class CollectionMembers:
    """All products of a collection, with the `fallback` of `CollectionProducts`."""

    items: tuple[Product, ...]
    fallback: str | None
