"""Tools for the jobs that no operation of the API does: each walks as much of the catalog as it needs, at the API's
rate, reports progress and can be cancelled at any moment."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from . import workflow_views as views
from .auditing import audit
from .columns import Area
from .exporting import export
from .fields import Ids, Limit, Offset, Quantity
from .file_folder import FileFolder
from .records import Risk, Toolset, tool
from .row_writers import FileFormat
from .shop import Shop
from .stock_levels import By, all_levels, levels_of, report, tracked_levels

WALK = "many operations of the API"
ALL_AREAS: tuple[Area, ...] = ("prices", "seo", "collections")
Areas = Annotated[
    list[Area], Field(max_length=3, description="default all; prices and seo: a request per product")
]
Most = Annotated[int, Field(ge=1, le=10**6), WithJsonSchema({"type": "integer", "description": "products"})]
FileName = Annotated[str, Field(min_length=1, max_length=200), WithJsonSchema({"type": "string"})]


def folder_of(shop: Shop) -> FileFolder:
    """The folder for files."""
    if shop.files is None:
        raise RuntimeError("a call has no folder for files")
    return shop.files


@tool(operation=WALK, title="Audit the catalog", toolset=Toolset.WORKFLOWS, risk=Risk.READ, open_world=False)
async def audit_catalog(
    shop: Shop,
    *,
    include: Areas | None = None,
    examples: Annotated[int, Field(ge=0, le=20)] = 3,
    limit: Most | None = None,
    offset: Offset = 0,
) -> views.Audit:
    """Check the health of the whole catalog: what has no image, price, SKU, SEO or collection, or shares one, slug
    clashes, zero and odd prices, compare-at below price, oversold, variants without a price, badges that are over."""
    return await audit(
        shop,
        areas=ALL_AREAS if include is None else list(dict.fromkeys(include)),
        examples=examples,
        offset=offset,
        limit=limit,
    )


@tool(operation=WALK, title="Find low stock", toolset=Toolset.WORKFLOWS, risk=Risk.READ, open_world=False)
async def low_stock(
    shop: Shop,
    *,
    threshold: Quantity = 5,
    by: By = "sku",
    product_ids: Ids | None = None,
    untracked: Annotated[bool, Field(description="also what is not tracked; a request per product")] = False,
    limit: Limit = 50,
) -> views.LowStock:
    """What to reorder: everything in the shop that is oversold, sold out or has at most `threshold` left, lowest
    first, by variant or summed by product."""
    if product_ids is not None:
        levels = levels_of(shop, product_ids)
    elif untracked:
        levels = all_levels(shop)
    else:
        levels = tracked_levels(shop)
        shop.note("What is not tracked has no stock to run out and is not counted; untracked: true does.")
    found = await report(levels, threshold, limit, by)
    return found.result(told_untracked=untracked or product_ids is not None)


@tool(operation=WALK, title="Export the catalog", toolset=Toolset.WORKFLOWS, risk=Risk.READ, open_world=False)
async def export_catalog(
    shop: Shop,
    *,
    format: FileFormat | None = None,
    file: FileName | None = None,
    include: Areas | None = None,
    limit: Most | None = None,
    offset: Offset = 0,
) -> views.Exported:
    """Save or back up the catalog as a spreadsheet (xlsx), CSV or JSON lines: a row for each product and each of its
    prices, that import_products reads back."""
    return await export(
        shop,
        folder_of(shop),
        file=file,
        file_format=format,
        areas=ALL_AREAS if include is None else include,
        offset=offset,
        limit=limit,
    )
