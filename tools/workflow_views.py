"""What the tools of whole jobs give back."""

from decimal import Decimal

from pydantic import Field

from .views import Result, View


class LowItem(View):
    """One variant, or one product with what is left of all its variants."""

    product_id: str | None = None
    product_name: str | None = None
    price_id: str | None = None
    name: str | None = None
    sku: str | None = None
    available_quantity: Decimal | None = None
    variants: int | None = None
    low_variants: int | None = None
    sells_on: bool | None = Field(default=None, description="can be bought although sold out")


class LowStock(Result):
    """What is at or below the threshold, lowest first; how many there are of each kind."""

    items: list[LowItem]
    returned: int
    total: int
    oversold: int
    sold_out: int
    low: int
    enough: int
    unknown: int | None = Field(default=None, description="tracked, and the API told no quantity")
    untracked: int | None = None
    untracked_examples: list[LowItem] | None = None


class Example(View):
    """One place where something was found."""

    product_id: str | None = None
    product_name: str | None = None
    detail: str | None = None


class Finding(View):
    """Everything found of one kind."""

    kind: str | None = None
    count: int | None = None
    examples: list[Example] | None = None


class Audit(Result):
    """What an audit has found, by kind."""

    products: int
    prices: int | None = None
    hidden: int
    checked: list[str]
    findings: list[Finding]
    next_offset: int | None = None


class Exported(Result):
    """A file that was written."""

    file: str
    path: str | None = None
    uri: str
    products: int
    rows: int
    bytes: int
    next_offset: int | None = None


class ImportFailure(View):
    """A product of the file that was not, or not wholly, done."""

    rows: str | None = None
    name: str | None = None
    why: str | None = None


class Imported(Result):
    """What an import did. The same call again does only what is left."""

    done: bool
    products_created: int
    products_changed: int
    prices_created: int
    unchanged: int
    failed: list[ImportFailure] | None = None
    left_out: list[str] | None = Field(default=None, description="rows with conflicts or errors")
    more_left_out: int | None = None
    next_row: int | None = None
