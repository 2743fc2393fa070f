"""The catalog as rows: one for each product and one for each of its prices, under headings that merchants know.

Exporting writes what these functions say of a product, importing compares with the same, so that a file which nobody
has changed changes nothing. An empty cell says nothing of its field.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal, cast

from ..products_api.models import Price, Product

Value = str | Decimal | bool | tuple[str, ...]
Cells = dict[str, Value]
Area = Literal["prices", "seo", "collections"]

MOST_OPTIONS: Final = 3
"""How many of a product's variants (size, colour, …) have a column, as in other shops' files."""


class Kind(StrEnum):
    """What the cells of a column hold."""

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    SWITCH = "switch"
    NAMES = "names"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its key in rows of JSON, its heading, and under which other headings files are known to have it.

    `of` is whose row fills it. `area` is what an export has to take in for it, None where every one has it.
    """

    key: str
    heading: str
    kind: Kind = Kind.TEXT
    of: Literal["product", "price"]
    area: Area | None = None
    also: tuple[str, ...] = ()


def _product(key: str, heading: str, kind: Kind = Kind.TEXT, *also: str, area: Area | None = None) -> Column:
    return Column(key=key, heading=heading, kind=kind, of="product", area=area, also=also)


def _price(key: str, heading: str, kind: Kind = Kind.TEXT, *also: str) -> Column:
    return Column(key=key, heading=heading, kind=kind, of="price", area="prices", also=also)


_TEXT, _NUMBER, _SWITCH, _CHOICE = Kind.TEXT, Kind.NUMBER, Kind.SWITCH, Kind.CHOICE

COLUMNS: Final = (
    _product("product_id", "Product ID"),
    _product("slug", "Handle", _TEXT, "Slug", "URL handle"),
    _product("name", "Title", _TEXT, "Product name", "Product"),
    _product("product_type", "Product type", _CHOICE),
    _product("description", "Description", _TEXT, "Body (HTML)", "Body HTML"),
    _product("available_in_store", "Published", _SWITCH, "Available in store", "Visible"),
    _product("image", "Image", _TEXT, "Image Src", "Image URL"),
    _product(
        "collections", "Collections", Kind.NAMES, "Collection", "Category", "Categories", area="collections"
    ),
    _product("seo_title", "SEO title", area="seo"),
    _product("seo_description", "SEO description", _TEXT, "Meta description", area="seo"),
    _product("badge", "Badge", _TEXT, "Label"),
    _product("badge_from", "Badge from"),
    _product("badge_until", "Badge until"),
    *(
        _product(f"option{number}_name", f"Option{number} Name", _TEXT, f"Attribute {number} name")
        for number in range(1, MOST_OPTIONS + 1)
    ),
    _price("price_id", "Price ID"),
    _price("variant", "Variant", _TEXT, "Variant name", "Price name"),
    *(
        _price(f"option{number}_value", f"Option{number} Value", _TEXT, f"Attribute {number} value(s)")
        for number in range(1, MOST_OPTIONS + 1)
    ),
    _price("sku", "SKU", _TEXT, "Variant SKU"),
    _price("amount", "Price", _NUMBER, "Variant Price", "Regular price"),
    _price("compare_at_price", "Compare-at price", _NUMBER, "Variant Compare At Price"),
    _price("currency", "Currency", _CHOICE),
    _price("price_type", "Price type", _CHOICE),
    _price("interval", "Interval", _CHOICE),
    _price("interval_count", "Interval count", _NUMBER),
    _price("trial_period", "Trial days", _NUMBER),
    _price("total_cycles", "Charges", _NUMBER, "Total cycles"),
    _price("setup_fee", "Setup fee", _NUMBER),
    _price("track_inventory", "Track stock", _SWITCH, "Track inventory", "Variant Inventory Tracker"),
    _price("available_quantity", "Stock", _NUMBER, "Quantity", "Available quantity", "Variant Inventory Qty"),
    _price(
        "allow_out_of_stock_purchases",
        "Sell when sold out",
        _SWITCH,
        "Continue selling when out of stock",
        "Variant Inventory Policy",
        "Backorders allowed?",
    ),
    _price("weight", "Weight", _NUMBER),
    _price("weight_unit", "Weight unit", _CHOICE),
)
BY_KEY: Final = {column.key: column for column in COLUMNS}
KEEPING_TOGETHER: Final = ("product_id", "slug")
"""Product columns that the rows of prices repeat, so that they still belong together once somebody has sorted them."""


def folded(heading: str) -> str:
    """A heading without case, spaces and marks, as headings are compared."""
    return re.sub(r"[^a-z0-9]+", "", heading.casefold())


KNOWN_HEADINGS: Final = {
    folded(heading): column for column in COLUMNS for heading in (column.key, column.heading, *column.also)
}


def columns_of(areas: Iterable[Area]) -> tuple[Column, ...]:
    """The columns of an export that takes in these areas besides the products themselves."""
    return tuple(column for column in COLUMNS if column.area is None or column.area in set(areas))


def product_cells(product: Product, collection_names: Mapping[str, str]) -> Cells:
    """What the row of a product says; `collection_names` are by id."""
    label = product.label if product.label is not None and product.is_label_enabled is not False else None
    found: dict[str, object] = {
        "product_id": product.id,
        "slug": product.slug,
        "name": product.name,
        "product_type": product.product_type,
        "description": product.description,
        "available_in_store": product.available_in_store,
        "image": product.image,
        "collections": tuple(collection_names.get(key, key) for key in product.collection_ids or ()),
        "seo_title": product.seo.title if product.seo else None,
        "seo_description": product.seo.description if product.seo else None,
        "badge": label.title if label else None,
        "badge_from": label.start_date if label else None,
        "badge_until": label.end_date if label else None,
    }
    for number, variant in enumerate((product.variants or ())[:MOST_OPTIONS], start=1):
        found[f"option{number}_name"] = variant.name
    return _told(found)


def price_cells(product: Product, price: Price) -> Cells:
    """What the row of a price says."""
    recurring, shipping = price.recurring, price.shipping_options
    weight = shipping.weight if shipping else None
    found: dict[str, object] = {
        "product_id": product.id,
        "slug": product.slug,
        "price_id": price.id,
        "variant": price.name,
        "sku": price.sku,
        "amount": price.amount,
        "compare_at_price": price.compare_at_price,
        "currency": price.currency,
        "price_type": price.type,
        "interval": recurring.interval if recurring else None,
        "interval_count": recurring.interval_count if recurring else None,
        "trial_period": price.trial_period,
        "total_cycles": price.total_cycles,
        "setup_fee": price.setup_fee,
        "track_inventory": price.track_inventory,
        "available_quantity": price.available_quantity,
        "allow_out_of_stock_purchases": price.allow_out_of_stock_purchases,
        "weight": weight.value if weight else None,
        "weight_unit": weight.unit if weight else None,
    }
    for number, value in enumerate(option_values(product, price), start=1):
        found[f"option{number}_value"] = value
    return _told(found)


def option_values(product: Product, price: Price) -> list[str | None]:
    """The names of a price's options, in the order of the product's variants, as far as they have a column."""
    chosen = set(price.variant_option_ids or ())
    return [
        next((option.name for option in variant.options or () if option.id in chosen), None)
        for variant in (product.variants or ())[:MOST_OPTIONS]
    ]


def rows_of(
    product: Product, prices: Sequence[Price] | None, collection_names: Mapping[str, str]
) -> Iterable[Cells]:
    """The rows of a product: its own, and one for each price."""
    yield product_cells(product, collection_names)
    for price in prices or ():
        yield price_cells(product, price)


def _told(found: Mapping[str, object]) -> Cells:
    """The cells that say something. A text of nothing but space would not come back from a spreadsheet."""
    return {
        key: _value(value)
        for key, value in found.items()
        if value is not None and value != () and not (isinstance(value, str) and not value.strip())
    }


def _value(value: object) -> Value:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return cast("Value", value)


def in_words(value: Value) -> str:
    """A value as a cell of a text file."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case Decimal():
            return format(value, "f")
        case tuple():
            return ", ".join(value)
        case _:
            return value
