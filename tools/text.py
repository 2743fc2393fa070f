"""Text that others wrote: readable, without what hides in it.

Product texts, and above all reviews, are written by people we do not know and are read by a model. Invisible
characters carry instructions that nobody sees, so they are taken out.
"""

import re
import unicodedata

_JOINERS = {"\u200c", "\u200d"}
_KEPT_CONTROLS = {"\n", "\t"}
_ELLIPSIS = "…"


def visible(text: str) -> str:
    """The text without control, format, tag, private-use and unassigned characters.

    Line breaks and tabs stay. A joiner stays between two visible characters of scripts and emoji that need it.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept: list[str] = []
    for position, char in enumerate(text):
        if char in _KEPT_CONTROLS:
            kept.append(char)
        elif char in _JOINERS:
            before = kept[-1] if kept else ""
            after = text[position + 1] if position + 1 < len(text) else ""
            if _joins(before) and _joins(after):
                kept.append(char)
        elif not unicodedata.category(char).startswith("C") and not _is_filler(char):
            kept.append(char)
    return "".join(kept)


def one_line(text: str, limit: int = 80) -> str:
    """Visible text on one line, cut to `limit` characters: for labels in questions and tables."""
    flat = " ".join(visible(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + _ELLIPSIS


def quoted(text: str, limit: int = 80) -> str:
    """One line between quotation marks that the text itself cannot close."""
    return "“" + re.sub('[“”"]', "'", one_line(text, limit)) + "”"


def _joins(char: str) -> bool:
    return bool(char) and not char.isascii() and unicodedata.category(char)[0] in "LMS"


def _is_filler(char: str) -> bool:
    """Characters that count as letters or marks and yet show nothing."""
    return (
        char in "\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\u2800"
        or "\ufe00" <= char <= "\ufe0e"
        or ("\U000e0100" <= char <= "\U000e01ef")
    )
