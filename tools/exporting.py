"""The catalog written to a file, product by product, so that one of any size takes the same memory."""

from collections.abc import Collection, Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import get_args
from urllib.parse import quote

from mcp.server.mcpserver.exceptions import ToolError

from ..guard.question import NOTHING_CHANGED
from ..products_api.models import Collection as ShopCollection
from ..products_api.models import Page
from .addresses import address
from .columns import Area, columns_of, rows_of
from .file_folder import FileFolder, checked_name
from .row_writers import FileFormat, row_writer
from .shop import Shop
from .text import counted
from .walking import Walk, steadily
from .workflow_views import Exported

FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)


async def export(
    shop: Shop,
    folder: FileFolder,
    *,
    file: str | None,
    file_format: FileFormat | None,
    areas: Collection[Area],
    offset: int,
    limit: int | None,
) -> Exported:
    """Write a part of the catalog, or all of it, to a new file of the folder.

    Raises:
        ToolError: the name is no name, or taken; or the file cannot be written.
        ProductsApiError: the catalog cannot be read; no file was left behind.
    """
    chosen = file_format or named_format(file) or "csv"
    name = _name(file, chosen)
    folder.refuse_taken(name)
    names = names_of(await all_collections(shop) if "collections" in areas else ())
    needed = {"seo": "seo", "collections": "collection_ids"}
    walk = Walk(
        fields=frozenset(needed[area] for area in areas if area in needed),
        prices="prices" in areas,
        offset=offset,
        limit=limit,
    )
    products = rows = 0
    with folder.writing(name) as out:
        with row_writer(chosen, out, columns_of(areas), shop.note) as writer:
            async with aclosing(walk.through(shop, "exporting")) as pages:
                async for page in pages:
                    products += len(page)
                    for walked in page:
                        for cells in rows_of(walked.product, walked.prices, names):
                            writer.row(cells)
                            rows += 1
        size = out.tell()
    if walk.gone:
        shop.note(f"{counted(walk.gone, 'product')} went while this ran and are not in the file.")
    return Exported(
        file=name,
        path=str(folder.path / name) if folder.tells_path else None,
        uri=address(f"exports/{quote(name)}"),
        products=products,
        rows=rows,
        bytes=size,
        next_offset=walk.next_offset,
    )


def named_format(file: str | None) -> FileFormat | None:
    """The format that a file's name says."""
    extension = (file or "").rpartition(".")[2].lower()
    return next((known for known in FORMATS if known == extension), None)


def _name(file: str | None, file_format: FileFormat) -> str:
    if file is None:
        return f"catalog-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"[:-3] + f".{file_format}"
    said = named_format(file)
    if said not in {None, file_format}:
        raise ToolError(f"The file is to be {file_format}, and its name says {said}. {NOTHING_CHANGED}")
    # As it was given first: what is added would hide what is wrong with its end.
    return checked_name(checked_name(file) if said else f"{checked_name(file)}.{file_format}")


def names_of(collections: Iterable[ShopCollection]) -> dict[str, str]:
    """What files call each collection, by id: its slug, or its id where a slug would not be told from two."""
    slugs = {collection.id: collection.slug or "" for collection in collections}
    return {
        key: slug if slug.strip() == slug != "" and "," not in slug else key for key, slug in slugs.items()
    }


async def all_collections(shop: Shop) -> list[ShopCollection]:
    """Every collection of the shop, 100 to a request."""
    found: list[ShopCollection] = []
    offset: int | None = 0
    while offset is not None:
        at = offset

        async def read(at: int = at) -> Page[ShopCollection]:
            return await shop.api.list_collections(offset=at)

        page = await steadily(read)
        found += page.items
        offset = page.next_offset
    return found
