"""Text that others wrote: readable, without what hides in it.

Product texts, and above all reviews, are written by people we do not know and are read by a model. Invisible
characters carry instructions that nobody sees, so they are taken out.
"""

import re
import unicodedata
from itertools import groupby

_JOINERS = "\u200c\u200d"
_EMOJI_STYLE = "\ufe0f"
_KEPT_CONTROLS = "\n\t"
_ELLIPSIS = "…"
_QUOTES = re.compile('["“”„‟″‶＂〝〞〟❝❞]')

# Characters that count as letters, marks or symbols and yet show nothing.
_FILLERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\uffa0"
    "\ufe00-\ufe0e\U00016fe4\U0001d159\U000e0100-\U000e01ef]"
)
# Scripts that are written with joiners: from Arabic over those of India to Myanmar, Khmer and Mongolian. In others
# a joiner shows nothing and could spell a message between the letters.
_JOINED_SCRIPTS = re.compile(
    "[\u0600-\u109f\u1700-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufeff\U00010a00-\U00011fff]"
)


# What shows nothing even where no version of Unicode says yet what it is.
_NEVER_SHOWN = re.compile("[\u2065\ufff0-\ufff8\U000e0000-\U000e0fff]")
# The flags of England, Scotland and other parts of countries: tags tell which.
_FLAG = re.compile("(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)")


def visible(text: str) -> str:
    """The text without control, format, tag, private-use and unassigned characters.

    Line breaks and tabs stay. A joiner stays between two characters of scripts and emoji that need it, and the
    emoji style after a symbol.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Joiners are judged by their neighbours, so what is between them and a neighbour has to go first.
    shown = [char for char in text if _is_shown(char)]
    kept: list[str] = []
    for position, char in enumerate(shown):
        before = kept[-1] if kept else ""
        if char in _JOINERS:
            after = shown[position + 1] if position + 1 < len(shown) else ""
            if (_joins(before) or before == _EMOJI_STYLE) and _joins(after):
                kept.append(char)
        elif char != _EMOJI_STYLE or _has_emoji_style(before):
            kept.append(char)
    return "".join(kept)


def told_apart(text: str) -> str:
    """The text for comparing: without what surely shows nothing.

    Of what a model never gets, people see signs that are newer than Python's tables (new emoji), those that a font has
    of its own, and which flag it is. By these they tell names apart.
    """
    if text.isascii():
        return visible(text)
    kept: list[str] = []
    for number, part in enumerate(_FLAG.split(text)):
        if number % 2:
            kept.append(part)
            continue
        for seen, chars in groupby(part, _may_be_seen):
            run = "".join(chars)
            kept.append(run if seen else visible(run))
    return "".join(kept)


def one_line(text: str, limit: int = 80) -> str:
    """Visible text on one line, cut to `limit` characters: for labels in questions and tables."""
    flat = " ".join(visible(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + _ELLIPSIS


def counted(count: int, noun: str) -> str:
    """A number of things, such as `1 price` and `2 prices`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def quoted(text: str, limit: int = 80) -> str:
    """One line between quotation marks that the text itself cannot close."""
    return "“" + _QUOTES.sub("'", one_line(text, limit)) + "”"


def _is_shown(char: str) -> bool:
    if char in _KEPT_CONTROLS or char in _JOINERS:
        return True
    return not unicodedata.category(char).startswith("C") and not _FILLERS.match(char)


def _may_be_seen(char: str) -> bool:
    """Whether it may show something, though `visible` leaves it out."""
    category = unicodedata.category(char)
    return category == "Co" or (category == "Cn" and not _NEVER_SHOWN.match(char))


def _joins(char: str) -> bool:
    return bool(char) and (bool(_JOINED_SCRIPTS.match(char)) or _is_emoji(char))


def _is_emoji(char: str) -> bool:
    return not char.isascii() and unicodedata.category(char) in {"So", "Sk", "Sm"}


def _has_emoji_style(char: str) -> bool:
    return bool(char) and (_is_emoji(char) or char in "0123456789#*‼⁉〰")
