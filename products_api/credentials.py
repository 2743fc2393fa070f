"""The access token, kept where neither a log, a repr nor a traceback can show it."""

import hmac
from typing import NoReturn

HIDDEN = b"[hidden]"


class Token:
    """A Bearer token. Only `reveal` gives the text; everything else shows a placeholder."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text.strip()

    @property
    def fault(self) -> str | None:
        """Why this could not stand in an HTTP header; None when it can.

        Not raised by the constructor: its caller's frame would still hold the text in a variable, and
        tracebacks may be rendered with those.
        """
        if not self._text:
            return "The access token is empty."
        if not all("!" <= character <= "~" for character in self._text):
            return "The access token has a character that no token has, such as a space."
        return None

    def reveal(self) -> str:
        """The text itself, for the Authorization header and nothing else."""
        return self._text

    def hide_in(self, content: bytes) -> bytes:
        """The content with every occurrence of the token blanked: a server may echo what it was sent."""
        return content.replace(self._text.encode(), HIDDEN)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Token, self._text))

    def __repr__(self) -> str:
        return "Token([hidden])"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token is not to be pickled or copied.")
