"""The folder for files of one server process, and its exports as resources."""

from functools import cached_property
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError

from .settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from ..tools.file_folder import FileFolder

FOLDER = "exports"
LARGEST_RESOURCE = 5_000_000
"""Bytes that are sent through the protocol in one answer; a larger file is for whoever can open it."""
MOST_BYTES = 1_000_000_000
"""What exports of callers over HTTP may take of the disk: any of them may export, as often as they like."""
MIME_TYPES = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Exports:
    """Where a server with these settings reads and writes files of a location.

    `shop` is the name of the shop where there are several: each has a folder of its own.
    """

    def __init__(self, settings: Settings, location_id: str, *, shop: str = "") -> None:
        self._settings = settings
        self._shop = shop
        self._location_id = location_id
        self._passing: TemporaryDirectory[str] | None = None

    @cached_property
    def folder(self) -> "FileFolder":
        """The folder as the tools use it."""
        from ..tools.file_folder import FileFolder

        alone = self._settings.transport == "stdio"
        return FileFolder(self._path, tells_path=alone, most_bytes=None if alone else MOST_BYTES)

    def _path(self) -> "Path":
        from pathlib import Path

        settings = self._settings
        if settings.export_dir is not None:
            # With its location: a name that is used again for another shop must not open the files of the first.
            own = f"{self._shop}-{self._location_id}"
            return settings.export_dir / own if self._shop else settings.export_dir
        if settings.sandbox and "data_dir" not in settings.model_fields_set:
            # The invented shop is kept in memory too: nothing of it outlasts the process.
            if self._passing is None:
                self._passing = TemporaryDirectory(prefix="hoopai-exports-")
            return Path(self._passing.name)
        return settings.data_dir / FOLDER / self._location_id

    def close(self) -> None:
        """Take away what was only for this process."""
        if self._passing is not None:
            self._passing.cleanup()
            self._passing = None


def read_export(folder: "FileFolder", name: str) -> tuple[str | bytes, str]:
    """What is in a file of the folder, and its type.

    Raises:
        ResourceNotFoundError: there is no such file, or it may not be read.
        ResourceError: it is too large to be sent.
    """
    from ..tools.file_folder import FileTooLargeError

    mime_type = MIME_TYPES.get(name.rpartition(".")[2])
    if mime_type is None:
        raise ResourceNotFoundError(f"Exports end in {', '.join(f'.{ending}' for ending in MIME_TYPES)}.")
    try:
        with folder.reading(name, LARGEST_RESOURCE) as file:
            content = file.read()
    except FileTooLargeError as error:
        raise ResourceError(str(error)) from None
    except ToolError as error:
        raise ResourceNotFoundError(str(error)) from None
    if name.endswith(".xlsx"):
        return content, mime_type
    return content.decode("utf-8-sig", errors="replace"), mime_type
