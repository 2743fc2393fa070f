"""What an online store shows of the catalog.

A store id is the id of the store's site, which this API does not list.
"""

from pydantic import Field

from .model_base import Body, Record


class StoreStats(Record):
    """How many products a store shows and hides."""

    total_products: int | None = None
    included_in_store: int | None = None
    excluded_from_store: int | None = None


class DisplayPriority(Body):
    """A product's place in a store. The documentation does not name these keys; they are the likeliest."""

    product_id: str = Field(min_length=1)
    display_priority: int
