"""A plan, a decision on it and what became of it, in words that the command line and the approval page share."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from ..guard.plan import Plan
from ..products_api.exact_json import encode
from ..tools.text import counted
from .terminal import flat, wrapped

if TYPE_CHECKING:
    from ..guard.ledger import PlanRecord

BULLET = "    • "
BELOW_BULLET = "      "


def how_many(plan: Plan) -> str:
    """How many things a plan touches."""
    return counted(plan.things, "thing")


def all_items(plan: Plan) -> list[str]:
    """Every item in words, the weightiest first."""
    return [flat(item) for item in sorted(plan.items, key=lambda item: -item.weight)]


def plan_lines(plan: Plan, *, whole: bool) -> list[str]:
    """A plan for a terminal; ten items, or all of them."""
    items = all_items(plan) if whole else plan.shown()
    unshown = 0 if whole else plan.unshown
    return [
        wrapped(plan.action, first="  "),
        *(wrapped(item, first=BULLET, then=BELOW_BULLET) for item in items),
        *([f"{BULLET}and {unshown} more, which `show` lists"] if unshown else []),
        *(wrapped(line, first="  ") for line in plan.also),
        *([wrapped(f"What cannot be undone: {plan.lasting}", first="  ")] if plan.lasting else []),
    ]


def status_words(record: "PlanRecord", now: float) -> str:
    """What became of a plan, for a person who wants to decide on it."""
    by = f" by {flat(record.decided_by)}" if record.decided_by else ""
    told: Mapping[str, str] = {
        "pending": "waits for a person",
        "approved": f"approved{by}, not carried out yet",
        "rejected": f"rejected{by}",
        "spent": f"used{', approved' + by if by else ''}",
        "open": "shown in a conversation",
    }
    late = record.expires <= now and record.status in {"pending", "approved", "open"}
    return f"expired ({told[record.status]})" if late else told[record.status]


def why_not_decided(record: "PlanRecord | None", now: float) -> str | None:
    """Why a person cannot decide on a plan, in a sentence; None where they can."""
    if record is None:
        return "No plan has that id, or it expired long ago and was forgotten."
    by = f" by {flat(record.decided_by)}" if record.decided_by else ""
    told: Mapping[str, str | None] = {
        "spent": "That plan was used already: it was carried out, or tried. It cannot be decided on any more.",
        "approved": f"That plan was approved already{by}.",
        "rejected": f"That plan was rejected already{by}.",
        "open": "That plan is not waiting here: it was shown in a conversation, and is decided on there.",
        "pending": None,
    }
    if record.status != "spent" and record.expires <= now:
        return "That plan has expired. If the change is still wanted, have the assistant call again."
    return told[record.status]


def plainly(value: object) -> str:
    """A value of a call or of an answer: text as it is, anything else as JSON that a terminal can fold."""
    return value if isinstance(value, str) else msgspec.json.format(encode(value), indent=0).decode()
