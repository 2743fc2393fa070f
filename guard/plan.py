"""What a write will do, said before it is done."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

SHOWN_ITEMS = 10
"""How many items a question spells out; the rest are counted, so that a person can still read it."""


@dataclass(frozen=True, kw_only=True)
class PlanItem:
    """One thing that a write touches, in words for a person."""

    label: str
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        if self.before is None and self.after is None:
            return self.label
        return f"{self.label}: {self.before or 'nothing'} → {self.after or 'nothing'}"


def _flat(text: object) -> str:
    return " ".join(str(text).split())


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a write will do, computed from a fresh reading of the shop.

    `action` is one sentence in the imperative; `items` are what it touches with before and after;
    `also` says what else is affected; `lasting` says what cannot be undone, and why. `state` holds whatever
    else of the present state the decision rests on, so that a change of it makes a different plan.
    """

    action: str
    items: tuple[PlanItem, ...] = ()
    also: tuple[str, ...] = ()
    lasting: str | None = None
    state: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ when anything in the plan differs."""
        whole = json.dumps(asdict(self), sort_keys=True, ensure_ascii=True, default=str)
        return hashlib.sha256(whole.encode()).hexdigest()[:12]

    def describe(self) -> str:
        """The plan in a few readable lines, at most ten items spelled out."""
        lines = [self.action]
        lines += [f"• {item}" for item in self.items[:SHOWN_ITEMS]]
        if (rest := len(self.items) - SHOWN_ITEMS) > 0:
            lines.append(f"• and {rest} more")
        lines += list(self.also)
        if self.lasting:
            lines.append(f"This cannot be undone: {self.lasting}")
        # Names and texts of the shop are in these lines: none of them may begin a line of its own.
        return "\n".join(_flat(line) for line in lines)
