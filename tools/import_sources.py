"""Where the rows of an import come from: a file of the folder, or the text of the call."""

import hashlib
import re
from collections.abc import Mapping
from io import BytesIO
from typing import BinaryIO, Final, get_args

import anyio.to_thread
from mcp.server.mcpserver.exceptions import ToolError

from ..guard.question import NOTHING_CHANGED
from .file_folder import FileFolder
from .row_readers import MOST_BYTES, Table, TableFormat, read_table
from .text import quoted

NO_LAST_ROW: Final = 10**9
"""Beyond every row there may be."""


async def table_of(
    folder: FileFolder, file: str | None, content: str | None, table_format: TableFormat | None
) -> tuple[Table, str]:
    """The rows, and a digest of what they were read from.

    Raises:
        ToolError: there is no file, or none that can be read.
    """
    if (file is None) == (content is None):
        raise ToolError(f"Give either `file` or `content`. {NOTHING_CHANGED}")

    def read() -> tuple[Table, str]:
        if content is not None:
            given = content.encode(errors="replace")
            return _read(BytesIO(given), table_format or _looks_like(given))
        name = file or ""
        with folder.reading(name, MOST_BYTES) as opened:
            return _read(opened, table_format or _format_of(name))

    # A large workbook takes seconds, in which others are to be answered.
    return await anyio.to_thread.run_sync(read, abandon_on_cancel=True)


def _read(file: BinaryIO, table_format: TableFormat) -> tuple[Table, str]:
    digest = hashlib.sha256()
    while part := file.read(1 << 16):
        digest.update(part)
    file.seek(0)
    return read_table(file, table_format), digest.hexdigest()


def _format_of(file: str) -> TableFormat:
    extension = file.rpartition(".")[2].lower()
    known: Mapping[str, TableFormat] = {"json": "jsonl", "ndjson": "jsonl", "tsv": "csv", "txt": "csv"}
    found = known.get(extension, extension)
    for each in get_args(TableFormat):
        if each == found:
            return each
    raise ToolError(f"The name {quoted(file)} does not tell what it is. {NOTHING_CHANGED} Give `format`.")


def _looks_like(content: bytes) -> TableFormat:
    return "jsonl" if content.lstrip()[:1] in {b"[", b"{"} else "csv"


def row_range(rows: str | None) -> tuple[int, int]:
    """The first and the last row that are meant.

    Raises:
        ToolError: it is no range.
    """
    if rows is None:
        return 0, NO_LAST_ROW
    found = re.fullmatch(r"\s*(\d{1,9})?\s*(-)?\s*(\d{1,9})?\s*", rows)
    if found is None or not (found[1] or found[3]):
        raise ToolError(f"`rows` takes a range such as 2-200, 201- or 7. {NOTHING_CHANGED}")
    first = int(found[1] or 0)
    return first, int(found[3]) if found[3] else NO_LAST_ROW if found[2] else first
