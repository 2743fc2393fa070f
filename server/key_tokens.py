"""Static keys as tokens: a key that somebody was given stands for their name."""

import hmac
import logging
from pathlib import Path

from mcp.server.auth.provider import AccessToken

from .http_values import SHOPS_CLAIM, Key, read_keys

log = logging.getLogger("hoopai_products_mcp.server")

LARGEST_FILE = 1_000_000
"""Bytes; a key has some fifty."""


class KeyVerifier:
    """Knows callers by their keys. Keys in a file count from the next request after it was changed.

    `shops` are the names and location ids that a key may be limited to.

    Raises:
        ValueError: the file holds something else than keys; where and why, without its text.
        OSError: the file cannot be read.
    """

    def __init__(self, text: str | None, path: Path | None, *, shops: frozenset[str] = frozenset()) -> None:
        self._shops = shops
        self._fixed = self._known(read_keys(text.split(","))) if text else []
        self._path = path
        self._mark: tuple[int, int, int] | None = None
        self._kept: list[Key] = []
        if path is not None:
            self._mark = _mark(path)
            self._kept = self._known(_read(path))

    async def verify_token(self, token: str) -> AccessToken | None:
        """The caller with that key, or None."""
        given = token.encode()
        found: Key | None = None
        # All are compared, so that the time taken says nothing of how near a guess came.
        for key in [*self._fixed, *self._in_file()]:
            if hmac.compare_digest(key.key.encode(), given):
                found = found or key
        if found is None:
            return None
        claims = None if found.shops is None else {SHOPS_CLAIM: sorted(found.shops)}
        return AccessToken(token=token, client_id=found.name, scopes=sorted(found.rights), claims=claims)

    def _known(self, keys: list[Key]) -> list[Key]:
        """The keys, if every shop that one is limited to is there.

        Raises:
            ValueError: one is not; a key that is to open nothing else must not open everything.
        """
        if any(not key.shops <= self._shops for key in keys if key.shops is not None):
            names = ", ".join(f"@{name}" for name in sorted(self._shops))
            there_are = f"there are {names}" if names else "there is no file of shops"
            raise ValueError(f"limits a key to a shop that there is not; {there_are}")
        return keys

    def _in_file(self) -> list[Key]:
        if self._path is None:
            return []
        try:
            mark = _mark(self._path)
            if mark != self._mark:
                self._kept = self._known(_read(self._path))
                self._mark = mark
        except (OSError, ValueError) as error:
            # A key that was to be taken away must not go on working because of a slip in another line.
            if self._kept:
                why = error.strerror if isinstance(error, OSError) else str(error)
                log.warning("The file of keys %s: none of its keys counts until that is put right", why)
            self._kept, self._mark = [], None
        return self._kept


def _mark(path: Path) -> tuple[int, int, int]:
    """What changes when a file is written or replaced."""
    seen = path.stat()
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def _read(path: Path) -> list[Key]:
    with path.open("rb") as file:
        return read_keys(file.read(LARGEST_FILE).decode("utf-8", "replace").splitlines())
