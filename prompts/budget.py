"""How many tokens a text costs a model, estimated from above.

A tokenizer with its vocabulary is no part of a server that starts with every conversation. The estimate is made for
o200k_base and kept above what that counts, also for text that was written to cost much; ordinary English costs some
six tenths of it.
"""

import re

# A space goes with the word behind it.
_PIECE = re.compile(r" ?[A-Za-z]+|[0-9]+|[!-/:-@\[-`{-~]+|.", re.DOTALL)
_NO_WORD = re.compile(r"[b-df-hj-np-tv-xz]{4}|[a-z][A-Z]|[A-Z]{2}|(?i:([a-z])\1\1)", re.ASCII)
"""Four consonants in a row, a capital inside, or a letter three times: ids, keys and gibberish, which fall into small
pieces."""
_CHEAP = re.compile("[\u0410-\u044f\u05d0-\u05ea\u0621-\u064a]")
"""Letters of Cyrillic, Hebrew and Arabic: one token at most, though they are two bytes."""
_DEAR = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")
"""Kana and the usual Han characters: two tokens at most, though they are three bytes."""
_LETTERS_TO_A_TOKEN = 3
_LETTERS_TO_A_TOKEN_OF_NO_WORD = 1.5
_DIGITS_TO_A_TOKEN = 3
_SIGNS_TO_A_TOKEN = 1.4


def estimate(text: str) -> int:
    """Tokens that a text costs, at least as many as it does."""
    return sum(map(_cost, _PIECE.findall(text)))


def _cost(piece: str) -> int:
    last = piece[-1]
    if not last.isascii():
        return 1 if _CHEAP.match(piece) else 2 if _DEAR.match(piece) else len(piece.encode(errors="replace"))
    if last.isalpha():
        letters = piece.lstrip()
        each = _LETTERS_TO_A_TOKEN_OF_NO_WORD if _NO_WORD.search(letters) else _LETTERS_TO_A_TOKEN
        return -int(-len(letters) // each)
    return -int(-len(piece) // (_DIGITS_TO_A_TOKEN if last.isdigit() else _SIGNS_TO_A_TOKEN))
