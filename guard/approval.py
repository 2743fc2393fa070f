"""Whether a person said yes to a plan.

The question goes through the client (elicitation, in both protocol eras) and the answer's content is read,
not only that there was one. Every way that does not end in a yes ends in a sentence saying that nothing was
changed. Where the client cannot ask, the answer is a refusal.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import (
    Elicit,
    Resolve,
    build_resolver_plans,
    resolve_arguments,
)
from mcp.shared.exceptions import MCPError
from mcp_types import InputRequiredResult
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, Field

from .plan import Plan

NOTHING_CHANGED = "Nothing was changed."
MULTI_ROUND_TRIP = "2026-07-28"
"""The first protocol revision in which a question ends the round and the call is made again."""


class Confirmation(StrEnum):
    """What the operator set for calls that need consent."""

    ASK = "ask"
    """Ask through the client; refuse where it cannot ask."""
    OFF = "off"
    """Run unasked. For automation; it must be set explicitly."""


class Road(StrEnum):
    """How a write came to be allowed."""

    NOT_NEEDED = "not_needed"
    PERSON = "person"
    OFF = "confirmation_off"


@dataclass(frozen=True)
class Approval:
    """Leave to do the deed, and the plan it was given for."""

    road: Road
    plan: Plan | None


class Consent(BaseModel):
    """The form a person fills in."""

    confirm: bool = Field(title="Yes, do this", description="Tick to go ahead. Unticked changes nothing.")


async def approve(
    make_plan: Callable[[], Awaitable[Plan | None]],
    *,
    context: Context[Any, Any],
    confirmation: Confirmation,
) -> Approval | InputRequiredResult:
    """Get leave for the write that `make_plan` describes, or the question that the client must put first.

    Raises:
        ToolError: nobody said yes, nobody could be asked, or the shop changed while the question was open.
            The text says so and that nothing was changed.
    """
    plan = await make_plan()
    if plan is None or not plan.asks:
        return Approval(Road.NOT_NEEDED, plan)
    if confirmation is Confirmation.OFF:
        return Approval(Road.OFF, plan)
    if not can_ask(context):
        raise ToolError(
            f"Not done, because it needs a person's yes and this client cannot ask for it. {NOTHING_CHANGED}\n"
            f"What it would do: {plan.describe()}\n"
            "Tell the person. They can use a client that supports elicitation, do it in the HoopAI web app, or "
            "have the operator start the server with HOOPAI_CONFIRMATION=off, which asks nobody."
        )
    answer = await _ask(plan, context)
    if isinstance(answer, InputRequiredResult):
        return answer
    if not is_multi_round_trip(context):
        # The question stayed open for as long as the person took; in the newer era the plan was made again
        # in this very round and the SDK has already compared it with the one that was shown.
        now = await make_plan()
        if now is None or now.fingerprint != plan.fingerprint:
            raise ToolError(
                f"Not done: the shop changed while the question was open. {NOTHING_CHANGED}\n"
                "Call again to see the present state and to ask anew."
            )
    return Approval(Road.PERSON, plan)


def can_ask(context: Context[Any, Any]) -> bool:
    """Whether the client declared that it can put a form to a person."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def is_multi_round_trip(context: Context[Any, Any]) -> bool:
    """Whether a question ends this round, as the protocol does it from 2026-07-28 on."""
    version = context.protocol_version
    return version is not None and is_version_at_least(version, MULTI_ROUND_TRIP)


async def _ask(plan: Plan, context: Context[Any, Any]) -> InputRequiredResult | None:
    """Put the question. None means yes; anything but a yes raises."""
    # The fingerprint is part of the wording: a change in an item that is only counted asks anew, too.
    message = f"{plan.describe()}\n\nGo ahead? (plan {plan.fingerprint})"

    async def question() -> Elicit[Consent]:
        return Elicit(message, Consent)

    question.__qualname__ = "consent"  # the key under which the question travels
    resolved = {"answer": (Resolve(question), True)}
    try:
        answers = await resolve_arguments(resolved, build_resolver_plans(resolved, set()), {}, context)
    except ToolError:
        raise ToolError(
            f"Not confirmed: the client's answer was not a valid one. {NOTHING_CHANGED}"
        ) from None
    except MCPError:
        raise ToolError(
            f"Not confirmed: the client was asked and failed to answer. {NOTHING_CHANGED}"
        ) from None
    if isinstance(answers, InputRequiredResult):
        return answers
    answer: Any = answers["answer"]
    if answer.action == "accept":
        consent = Consent.model_validate(answer.data)
        if consent.confirm:
            return None
        raise ToolError(f"Not confirmed: the form came back without the tick. {NOTHING_CHANGED}")
    if answer.action == "cancel":
        raise ToolError(
            f"Not confirmed: the question was closed without an answer. {NOTHING_CHANGED} "
            "Ask the person before you call again."
        )
    raise ToolError(
        f"Not confirmed: the answer was no. {NOTHING_CHANGED} Ask the person before you call again."
    )
