"""The question that is put to a person, and what their answer means.

An answer's content is read, not only that there was one. Whatever is not a clear yes has a sentence of its own, and
each says that nothing was changed.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from .plan import Plan

NOTHING_CHANGED = "Nothing was changed."
CONFIRM = "confirm"
TYPED = "typed"
ASK_AGAIN = "Ask the person before you call again."
"""What a model is told to do about a no."""

CLOSED = f"Not confirmed: the question was closed without an answer. {NOTHING_CHANGED} {ASK_AGAIN}"
DECLINED = f"Not confirmed: the answer was no. {NOTHING_CHANGED} {ASK_AGAIN}"
UNTICKED = f"Not confirmed: the form came back without the tick. {NOTHING_CHANGED}"
MALFORMED = f"Not confirmed: the client's answer was not a valid one. {NOTHING_CHANGED}"
FAILED = f"Not confirmed: the client was asked and failed to answer. {NOTHING_CHANGED}"
LATE = f"Not confirmed: the answer came too late, or never. {NOTHING_CHANGED} Call again to ask anew."


def message(plan: Plan, before: str = "", *, shop: str = "") -> str:
    """The whole question: which shop where there are several, what happened before it if anything, the plan, and what
    to do to agree."""
    how = f"To go ahead, type: {plan.typed}" if plan.typed else "To go ahead, tick the box."
    return "\n\n".join(part for part in (shop and f"Shop: {shop}", before, plan.describe(), how) if part)


def form(plan: Plan) -> dict[str, Any]:
    """The form as a flat JSON schema, with nothing filled in beforehand."""
    if plan.typed:
        what = "number of items" if plan.things != 1 else "name" if plan.typed == plan.target else "id"
        field = {"type": "string", "title": f"Type the {what} to go ahead", "minLength": 1}
        return {"type": "object", "properties": {TYPED: field}, "required": [TYPED]}
    tick = {"type": "boolean", "title": "Yes, do this", "description": "Unticked changes nothing."}
    return {"type": "object", "properties": {CONFIRM: tick}, "required": [CONFIRM]}


def objection(plan: Plan, action: str, content: Mapping[str, Any] | None) -> str | None:
    """Why an answer is no leave to do it, in words; None where it is."""
    if action == "cancel":
        return CLOSED
    if action != "accept":
        return DECLINED
    if plan.typed is None:
        ticked = (content or {}).get(CONFIRM)
        if not isinstance(ticked, bool):
            return MALFORMED
        return None if ticked else UNTICKED
    typed = (content or {}).get(TYPED)
    if not isinstance(typed, str):
        return MALFORMED
    return None if same_words(typed, plan.typed) else wrong_words(plan.typed)


def same_words(typed: str, wanted: str) -> bool:
    """Whether a person typed what was asked for; case, spacing and the form of accents do not matter."""
    return _folded(typed) == _folded(wanted) != ""


def wrong_words(wanted: str) -> str:
    """The sentence for another text than the one asked for."""
    return f"Not confirmed: what was typed is not “{wanted}”. {NOTHING_CHANGED} {ASK_AGAIN}"


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
