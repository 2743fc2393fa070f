"""Where the access token of a request comes from, and what is done when the API does not take it any more."""

from pathlib import Path
from typing import Protocol

from . import errors
from .credentials import Token
from .operations import Operation

LARGEST_FILE = 8192  # bytes; far above any token


class Access(Protocol):
    """A way to have a token."""

    async def token(self, operation: Operation) -> Token:
        """The token for a request.

        Raises:
            ProductsApiError: there is none; nothing was sent.
        """
        ...

    async def renewed(self, refused: Token, operation: Operation) -> Token | None:
        """Another token in place of one that the API has just refused as wrong or expired; None if there is none.

        Raises:
            ProductsApiError: getting one failed, and nothing was changed.
        """
        ...


class FixedAccess:
    """One token for good."""

    def __init__(self, token: Token) -> None:
        self._token = token

    async def token(self, operation: Operation) -> Token:
        """That token."""
        del operation
        return self._token

    async def renewed(self, refused: Token, operation: Operation) -> Token | None:
        """There is no other."""
        del refused, operation
        return None


class FileAccess:
    """A token in a file, read when it is first needed and again when it was refused: it may have been replaced.

    `setting` is what names the file, for a person.
    """

    def __init__(self, path: Path, *, setting: str = "HOOPAI_ACCESS_TOKEN_FILE") -> None:
        self._path = path
        self._setting = setting
        self._token: Token | None = None

    async def token(self, operation: Operation) -> Token:
        """The token in the file."""
        if self._token is None:
            self._token = self._read(operation)
        return self._token

    async def renewed(self, refused: Token, operation: Operation) -> Token | None:
        """The token that is in the file now, if it is another one."""
        self._token = self._read(operation)
        return None if self._token == refused else self._token

    def _read(self, operation: Operation) -> Token:
        fault: str | None
        try:
            with self._path.open("rb") as file:
                token = Token(file.read(LARGEST_FILE).decode("ascii", "replace"))
        except OSError as error:
            fault = f"The file of the access token cannot be read: {error.strerror}."
        else:
            fault = token.fault
            if fault is None:
                return token
        raise errors.BadTokenError(
            operation,
            fault,
            next_step=f"Put the token alone into the file that {self._setting} names.",
        )
