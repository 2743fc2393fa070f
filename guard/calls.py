"""What the guard knows of a call that writes, and what it answers."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from ..products_api.exact_json import encode
from .plan import Plan


class Confirmation(StrEnum):
    """What the operator set for calls that need consent."""

    ASK = "ask"
    """Ask through the client; where it cannot ask, a second call with a token, after the model has asked."""
    HUMAN = "human"
    """Ask through the client; where it cannot ask, wait for a person on the command line or the local page."""
    OFF = "off"
    """Run unasked. For automation; it must be set explicitly."""


class Road(StrEnum):
    """How a write came to be allowed."""

    NOT_NEEDED = "not_needed"
    """It changes one thing and can be taken back."""
    PERSON = "person"
    """A person answered the client's question."""
    TOKEN = "confirmation_token"  # noqa: S105 - the name of a road, not a secret
    """The model said that a person agreed, and gave the token of the plan."""
    APPROVAL = "human_approval"
    """A person approved it on the command line or the local page."""
    OFF = "confirmation_off"
    """Nobody was asked: the operator switched asking off."""


@dataclass(frozen=True, kw_only=True)
class WriteCall:
    """A call of a tool that writes.

    `arguments` are the validated ones without `dry_run` and `confirmation_token`, as plain JSON values. `caller` is who
    is authenticated, `local` where nobody has to be; `client` is the program as it names itself. `undoes` is the change
    that the call takes back; the state of its plan names, under `undoings`, those who did so before. `denied` is what
    the caller is told where a plan would have to be agreed to and they may not do such things; empty where they may.
    `shop` is how a person knows the shop, where the server has several.
    """

    tool: str
    title: str
    operation: str
    destructive: bool
    arguments: dict[str, Any]
    location: str
    base_url: str
    caller: str = "local"
    client: str = ""
    denied: str = ""
    shop: str = ""
    dry_run: bool = False
    token: str | None = None
    undoes: str | None = None

    @property
    def digest(self) -> str:
        """A digest of the tool and its whole normalised payload."""
        return hashlib.sha256(encode([self.tool, _sorted(self.arguments)])).hexdigest()


def _sorted(value: Any) -> Any:
    """The value with the keys of its objects in order, so that their order does not make another payload."""
    if isinstance(value, dict):
        return {str(key): _sorted(value[key]) for key in sorted(value, key=str)}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list):
        return [_sorted(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value


@dataclass(frozen=True, kw_only=True)
class Leave:
    """Leave to do the deed, and the plan it was given for. `by` names the person where that is known."""

    road: Road
    plan: Plan
    by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A plan that is not carried out, or not yet.

    `plan_id` is where the whole plan can be read, if it could be kept. `stale` says what changed since an earlier
    approval, and `next_step` what can be done. `shop` names it to a person, where there are several.
    """

    status: Literal["dry_run", "confirmation_required", "waiting_for_approval"]
    plan: Plan
    next_step: str
    shop: str = ""
    plan_id: str | None = None
    token: str | None = None
    stale: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])
