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
            self._kept = self._in(path)

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

    def _in(self, path: Path) -> list[Key]:
        """The keys in the file.

        Raises:
            ValueError: it holds something else, or a caller that has a key in the environment too: which of the two
                gives their rights would be a guess.
            OSError: it cannot be read.
        """
        keys = self._known(_read(path))
        if any(key.name == other.name or key.key == other.key for key in keys for other in self._fixed):
            raise ValueError(
                "has a name or a key that HOOPAI_HTTP_KEYS has too; each caller has one of its own"
            )
        return keys

    def _in_file(self) -> list[Key]:
        if self._path is None:
            return []
        try:
            mark = _mark(self._path)
            if mark != self._mark:
                self._kept = self._in(self._path)
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
        text = file.read(LARGEST_FILE + 1)
    if len(text) > LARGEST_FILE:
        # Where a line is cut off, what is left of it could be a key with all rights.
        raise ValueError(f"is longer than {LARGEST_FILE} bytes")
    return read_keys(text.decode("utf-8", "replace").splitlines())
