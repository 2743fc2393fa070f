"""Tools for the jobs that no operation of the API does: each walks as much of the catalog as it needs, at the API's
rate, reports progress and can be cancelled at any moment."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from ..guard.plan import Plan
from . import workflow_views as views
from .auditing import audit
from .columns import Area
from .exporting import export
from .fields import Currency, Ids, Limit, Offset, Quantity, Text
from .file_folder import FileFolder
from .import_plans import plan_import
from .importing import carry_out_import
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
    """Check the whole shop for problems and mistakes, a health check of the catalog: what has no image, price, SKU,
    description, SEO or collection, duplicates, slug clashes, zero and odd prices, was-price below price, oversold
    stock, variants nobody can buy, badges that are over."""
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
    """What is running low, sold out or oversold in the whole shop and has to be reordered or restocked: all with at
    most `threshold` left, lowest first, by variant (sku) or summed by product."""
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
    """Download, save or back up all products and prices as a spreadsheet (Excel, xlsx), CSV or JSON lines file: a
    row for each product and each of its prices, that import_products reads back."""
    return await export(
        shop,
        folder_of(shop),
        file=file,
        file_format=format,
        areas=ALL_AREAS if include is None else include,
        offset=offset,
        limit=limit,
    )


Source = Annotated[str, Field(min_length=1, max_length=1_000_000), WithJsonSchema({"type": "string"})]


async def plan_import_products(
    shop: Shop,
    *,
    file: str | None = None,
    content: str | None = None,
    format: FileFormat | None = None,
    rows: str | None = None,
    currency: str | None = None,
) -> Plan:
    """Every product and price that would be created or changed, and the rows that are left out."""
    return await plan_import(
        shop,
        folder_of(shop),
        file=file,
        content=content,
        table_format=format,
        rows=rows,
        currency=currency.upper() if currency else None,
    )


@tool(
    operation=WALK,
    title="Import products",
    toolset=Toolset.WORKFLOWS,
    risk=Risk.DESTRUCTIVE,
    idempotent=True,
    open_world=False,
    plan=plan_import_products,
    previews=True,
)
async def import_products(
    shop: Shop,
    plan: Plan,
    *,
    file: FileName | None = None,
    content: Annotated[Source | None, Field(description="rows as CSV or JSON instead of a file")] = None,
    format: FileFormat | None = None,
    rows: Annotated[Text | None, Field(description="e.g. 2-200")] = None,
    currency: Annotated[Currency | None, Field(description="of amounts without one")] = None,
) -> views.Imported:
    """Upload a file: a price list, supplier's sheet, Shopify CSV or export. Rows matched by SKU, handle, then title
    update what exists and create the rest; columns such as Title, SKU, Price, Currency, Stock. Shows it first; the
    same call again does what is left."""
    del file, content, format, rows, currency  # the plan says what they come to
    return await carry_out_import(shop, plan)
