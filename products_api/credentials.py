"""The access token, kept where neither a log, a repr nor a traceback can show it."""

from typing import NoReturn

HIDDEN = "[hidden]"


class Token:
    """A Bearer token. Only `reveal` gives the text; everything else shows a placeholder.

    Raises:
        ValueError: the text is empty or could not stand in an HTTP header.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        # Tracebacks may be rendered with their local variables.
        del text
        if not self._text:
            raise ValueError("The access token is empty.")
        if not all("!" <= character <= "~" for character in self._text):
            raise ValueError("The access token has a character that no token has, such as a space.")

    def reveal(self) -> str:
        """The text itself, for the Authorization header and nothing else."""
        return self._text

    def hide_in(self, text: str) -> str:
        """The text with every occurrence of the token blanked: a server may echo what it was sent."""
        return text.replace(self._text, HIDDEN)

    def __repr__(self) -> str:
        return f"Token({HIDDEN})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token is not to be pickled or copied.")
