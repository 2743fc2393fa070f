"""The addresses of what can be read of a shop."""

from collections.abc import Mapping
from urllib.parse import quote

from ..tools.addresses import SCHEME, address

GUIDES = f"{SCHEME}guides/"
"""Guides are of the server, not of a shop."""


def catalog_uri() -> str:
    """The shop in a page."""
    return address("catalog")


def collections_uri() -> str:
    """The list of collections."""
    return address("collections")


def product_uri(product_id: str) -> str:
    """A product."""
    return address(f"products/{_segment(product_id)}")


def prices_uri(product_id: str) -> str:
    """The prices of a product."""
    return f"{product_uri(product_id)}/prices"


def collection_uri(collection_id: str) -> str:
    """A collection."""
    return f"{collections_uri()}/{_segment(collection_id)}"


def review_uri(review_id: str) -> str:
    """A review."""
    return address(f"reviews/{_segment(review_id)}")


def store_uri(store_id: str) -> str:
    """A store."""
    return address(f"stores/{_segment(store_id)}")


def guide_uri(topic: str) -> str:
    """A guide."""
    return f"{GUIDES}{topic}"


def report_uri(report: str, arguments: Mapping[str, str]) -> str:
    """A report for some arguments."""
    query = "&".join(f"{name}={_segment(value)}" for name, value in arguments.items())
    return address(f"reports/{report}" + (f"?{query}" if query else ""))


def _segment(value: str) -> str:
    return quote(value, safe="")
