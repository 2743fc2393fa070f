"""The access token in the system's keyring, where the operating system guards it."""

from typing import TYPE_CHECKING

from ..products_api import errors
from ..products_api.credentials import Token

if TYPE_CHECKING:
    from ..products_api.operations import Operation

SERVICE = "hoopai-products-mcp"


class KeyringError(Exception):
    """The keyring cannot be used; the text says why and what to do, and holds no secret."""


def keep(location_id: str, text: str) -> None:
    """Keep the token of a location.

    Raises:
        KeyringError: there is no keyring that would.
    """
    keyring = _keyring()
    try:
        keyring.set_password(SERVICE, location_id, text)
        # There are keyrings that take everything and keep nothing.
        kept = keyring.get_password(SERVICE, location_id) == text
    except Exception as error:
        reason = type(error).__name__
    else:
        if kept:
            return
        reason = "it does not keep what it is given"
    raise KeyringError(_unusable(reason))


def find(location_id: str) -> str | None:
    """The token of a location.

    Raises:
        KeyringError: the keyring cannot be read.
    """
    keyring = _keyring()
    try:
        return keyring.get_password(SERVICE, location_id)
    except Exception as error:
        reason = type(error).__name__
    raise KeyringError(_unusable(reason))


def forget(location_id: str) -> bool:
    """Take the token of a location out; whether there was one.

    Raises:
        KeyringError: the keyring cannot be changed.
    """
    if find(location_id) is None:
        return False
    try:
        _keyring().delete_password(SERVICE, location_id)
    except Exception as error:
        reason = type(error).__name__
    else:
        return True
    raise KeyringError(_unusable(reason))


class KeyringAccess:
    """The token of one location in the keyring, read when it is first needed and again when it was refused."""

    def __init__(self, location_id: str, *, shop: str = "") -> None:
        self._location_id = location_id
        self._command = "hoopai-products-mcp login --token" + (f" --shop {shop}" if shop else "")
        self._token: Token | None = None

    async def token(self, operation: "Operation") -> Token:
        """The token."""
        if self._token is None:
            self._token = await self._read(operation)
        return self._token

    async def renewed(self, refused: Token, operation: "Operation") -> Token | None:
        """The token that is there now, if it is another one."""
        self._token = await self._read(operation)
        return None if self._token == refused else self._token

    async def _read(self, operation: "Operation") -> Token:
        import anyio.to_thread

        try:
            # It may ask the person to unlock it.
            text = await anyio.to_thread.run_sync(find, self._location_id)
        except KeyringError as error:
            fault = str(error)
        else:
            if text:
                return Token(text)
            fault = "The system's keyring holds no token for this location."
        raise errors.BadTokenError(operation, fault, next_step=f"Put it there: {self._command}")


def _keyring() -> "type[_Keyring]":
    try:
        import keyring
    except ImportError:
        raise KeyringError(
            "The system's keyring needs a library that is not installed: pip install 'hoopai-products-mcp[keyring]'."
        ) from None
    return keyring  # pyright: ignore[reportReturnType]


def _unusable(reason: str) -> str:
    return (
        f"The system's keyring cannot be used ({reason}). Give the token in a file instead, named by "
        "HOOPAI_ACCESS_TOKEN_FILE."
    )


if TYPE_CHECKING:

    class _Keyring:
        @staticmethod
        def get_password(service_name: str, username: str) -> str | None: ...
        @staticmethod
        def set_password(service_name: str, username: str, password: str) -> None: ...
        @staticmethod
        def delete_password(service_name: str, username: str) -> None: ...
