"""Whether a person said yes to a plan: the ladder from the best way of asking to refusal.

Where the client can ask, the question goes through it, as a round of the call (from protocol revision 2026-07-28 on)
or as a request of its own (before). Where it cannot, a second call with a token does, or a person on the command line
or the local page, as the operator set it. Each plan that was shown is kept in the ledger and is good for one use,
whichever way it took, also over several processes.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import is_version_at_least
from pydantic import ValidationError

from . import question
from .calls import Confirmation, Leave, Preview, Road, WriteCall
from .plan import Plan, from_plain, to_plain
from .question import NOTHING_CHANGED
from .staleness import changed_since, stale_words
from .store import OpenStore, Store
from .tokens import InvalidTokenError, binding_digest, seal, unseal

if TYPE_CHECKING:
    from .ledger import PlanRecord

MULTI_ROUND_TRIP = "2026-07-28"
"""The first protocol revision in which a question ends the round and the call is made again."""
LIFETIME_SECONDS = 600.0
"""How long a question or a token is good for; the shop is read again afterwards, whatever is said."""
WAITING_SECONDS = 24 * 3600.0
"""How long a change waits for a person who approves outside the conversation."""
REJECTION_HOLDS_SECONDS = 600.0
"""How long the same call is told that a person rejected it, instead of waiting anew."""
MOST_QUESTIONS = 3
"""How often one call asks anew because the shop changed while the question was open."""
QUESTION = "approval"
"""The key under which the question travels."""

USED = (
    # Whoever repeats a call whose answer got lost must not take this for an answer to the first one.
    "This plan was answered before, and an answer counts once. Nothing was changed by this call; list_changes shows "
    "what the first one did. To ask anew, call again."
)


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How this server asks. `page` is the address of the local approval page, where there is one."""

    confirmation: Confirmation
    confirm_all: bool = False
    lifetime_seconds: float = LIFETIME_SECONDS
    page: str | None = None


MakePlan = Callable[[], Awaitable[Plan]]


async def approve(
    call: WriteCall, plan: Plan, *, asking: Asking, store: Store, context: Context[Any, Any], again: MakePlan
) -> Leave | Preview | InputRequiredResult:
    """Get leave to carry out the plan, or the question or preview that has to come first.

    `again` makes the plan anew from a fresh reading.

    Raises:
        ToolError: nobody said yes, in words that say why and that nothing was changed.
    """
    # With a state somebody was asked about this call: their no counts even if by now nobody would have to be asked.
    answering = context.request_state is not None and is_multi_round_trip(context)
    if not answering and (road := unasked(plan, asking)) is not None:
        return Leave(road=road, plan=plan)
    ladder = _Ladder(call, asking, store)
    if answering or (can_ask(context) and is_multi_round_trip(context)):
        return await ladder.by_rounds(plan, context)
    if can_ask(context):
        return await ladder.by_question(plan, context, again)
    if asking.confirmation is Confirmation.HUMAN:
        return await ladder.by_human(plan)
    return await ladder.by_token(plan)


def _unsealed(store: OpenStore, token: str) -> tuple[str, bytes]:
    """What a token names, also where another process has sealed it with a key that is newer than those known here."""
    try:
        return unseal(store.keys.known(), token)
    except InvalidTokenError:
        return unseal(store.keys.others(), token)


def unasked(plan: Plan, asking: Asking) -> Road | None:
    """The road of a write that nobody is asked about."""
    if not plan.asks and not asking.confirm_all:
        return Road.NOT_NEEDED
    return Road.OFF if asking.confirmation is Confirmation.OFF else None


def can_ask(context: Context[Any, Any]) -> bool:
    """Whether the client declared that it can put a form to a person."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def is_multi_round_trip(context: Context[Any, Any]) -> bool:
    """Whether a question ends this round, as the protocol does it from 2026-07-28 on."""
    version = context.protocol_version
    return version is not None and is_version_at_least(version, MULTI_ROUND_TRIP)


class _Ladder:
    """The ways of asking about one call."""

    def __init__(self, call: WriteCall, asking: Asking, store: Store) -> None:
        self.call = call
        self.asking = asking
        self.store = store

    async def by_rounds(self, plan: Plan, context: Context[Any, Any]) -> Leave | InputRequiredResult:
        """The question ends the round; the answer comes with the next call and the state of this one."""
        if context.request_state is None:
            return await self._round(plan)
        record = await self._shown(context.request_state)
        answer = (context.input_responses or {}).get(QUESTION)
        # Whatever the answer is, it was the answer to this question: no other will count.
        await self._spend(record, "open")
        if not isinstance(answer, ElicitResult):
            raise ToolError(question.MALFORMED)
        shown = from_plain(record.plan)
        if objection := question.objection(shown, answer.action, answer.content):
            raise ToolError(objection)
        if record.fingerprint != plan.fingerprint:
            return await self._round(plan, before=stale_words(changed_since(shown, plan)))
        return Leave(road=Road.PERSON, plan=plan)

    async def _round(self, plan: Plan, before: str = "") -> InputRequiredResult:
        record = await self._keep(plan, "open")
        asked = ElicitRequest(params=_form(self.call, plan, before))
        return InputRequiredResult(
            input_requests={QUESTION: asked}, request_state=json.dumps({"plan": record.id})
        )

    async def _shown(self, state: str) -> "PlanRecord":
        """The plan that the state of a round names. The SDK has unsealed the state, bound to tool, arguments and
        principal; what it does not know is checked here."""
        try:
            plan_id = str(json.loads(state)["plan"])
        except (ValueError, KeyError, TypeError):
            raise ToolError(question.MALFORMED) from None
        record = await self.store.needed(lambda store: store.ledger.find(plan_id))
        if record is None or self._foreign(record):
            raise ToolError(f"This answer belongs to another question. {NOTHING_CHANGED} Call again to ask.")
        return record

    async def by_question(self, plan: Plan, context: Context[Any, Any], again: MakePlan) -> Leave:
        """The question goes to the client while the call waits."""
        before = ""
        for _ in range(MOST_QUESTIONS):
            record = await self._keep(plan, "open")
            answer: ElicitResult | None = None
            with anyio.move_on_after(self.asking.lifetime_seconds):
                answer = await _put(self.call, plan, before, context)
            if answer is None:
                raise ToolError(question.LATE)
            await self._spend(record, "open")
            if objection := question.objection(plan, answer.action, answer.content):
                raise ToolError(objection)
            fresh = await again()
            if fresh.fingerprint == plan.fingerprint:
                return Leave(road=Road.PERSON, plan=fresh)
            before = stale_words(changed_since(plan, fresh))
            plan = fresh
        raise ToolError(f"Not done: it was asked again and again. {before}")

    async def by_token(self, plan: Plan) -> Leave | Preview:
        """The model shows the plan, asks, and calls again with the token."""
        token = self.call.token
        if token is None:
            return await self._token(plan)
        record = await self._of_token(token)
        await self._spend(record, "open")
        if record.fingerprint != plan.fingerprint:
            return await self._token(plan, stale=changed_since(from_plain(record.plan), plan))
        return Leave(road=Road.TOKEN, plan=plan)

    async def _token(self, plan: Plan, stale: list[str] | None = None) -> Preview:
        record = await self._keep(plan, "open")
        digest = _bound(record)
        token = await self.store.needed(lambda store: seal(store.keys.known(), record.id, digest))
        answer = f" To agree, they answer with: {plan.typed}." if plan.typed else ""
        minutes = round(self.asking.lifetime_seconds / 60)
        return Preview(
            status="confirmation_required",
            plan=plan,
            shop=self.call.shop,
            plan_id=record.id,
            token=token,
            stale=stale or [],
            next_step=f"{NOTHING_CHANGED} Show the person this whole plan and ask them.{answer} Only after their own "
            f"yes make the same call again with this confirmation_token, within {minutes} minutes. Never answer for "
            "them.",
        )

    async def _of_token(self, token: str) -> "PlanRecord":
        def opened(store: OpenStore) -> "PlanRecord | None":
            plan_id, digest = _unsealed(store, token)
            record = store.ledger.find(plan_id)
            return record if record is not None and _bound(record) == digest else None

        try:
            record = await self.store.needed(opened)
        except InvalidTokenError:
            record = None
        if record is None:
            raise ToolError(
                f"Not confirmed: this server did not give out that confirmation_token, or it was altered. "
                f"{NOTHING_CHANGED} Call without it to get the plan and a new one."
            )
        if foreign := self._foreign(record):
            raise ToolError(
                f"Not confirmed: that confirmation_token was given for {foreign}. {NOTHING_CHANGED} Call without it "
                "to get the plan of this call and a token of its own."
            )
        return record

    def _foreign(self, record: "PlanRecord") -> str | None:
        """What the plan belongs to, if it is not this very call."""
        call = self.call
        if (record.location, record.base_url) != (call.location, call.base_url):
            return "another shop"
        if record.caller != call.caller:
            return "another caller"
        if record.tool != call.tool:
            return f"another tool ({record.tool})"
        return "other arguments" if record.payload_digest != call.digest else None

    async def by_human(self, plan: Plan) -> Leave | Preview:
        """A person approves outside the conversation; then the same call runs."""
        if (approved := await self._matching("approved")) and await self._spent(approved, "approved"):
            if approved.fingerprint == plan.fingerprint:
                return Leave(road=Road.APPROVAL, plan=plan, by=approved.decided_by)
            return await self._wait(plan, stale=changed_since(from_plain(approved.plan), plan))
        rejected = await self._matching("rejected")
        if rejected is not None and self._lately(rejected):
            raise ToolError(
                f"Not done: a person rejected this change. {NOTHING_CHANGED} Ask them what they want instead."
            )
        waiting = await self._matching("pending")
        if waiting is not None and waiting.fingerprint == plan.fingerprint:
            return self._waiting(plan, waiting, [])
        return await self._wait(plan)

    async def _wait(self, plan: Plan, stale: list[str] | None = None) -> Preview:
        return self._waiting(plan, await self._keep(plan, "pending"), stale or [])

    def _waiting(self, plan: Plan, record: "PlanRecord", stale: list[str]) -> Preview:
        page = f", or on the page {self.asking.page}" if self.asking.page else ""
        ignored = " A confirmation_token does not do on this server." if self.call.token else ""
        return Preview(
            status="waiting_for_approval",
            plan=plan,
            shop=self.call.shop,
            plan_id=record.id,
            stale=stale,
            next_step=f"{NOTHING_CHANGED}{ignored} Tell the person: it waits for them to approve it in a terminal with "
            f"`hoopai-products-mcp approvals approve {record.id}`{page}. Once they have, make the same call again.",
        )

    def _lately(self, record: "PlanRecord") -> bool:
        from time import time

        return record.decided_at is not None and time() - record.decided_at < REJECTION_HOLDS_SECONDS

    async def _matching(self, status: Literal["approved", "rejected", "pending"]) -> "PlanRecord | None":
        call = self.call
        return await self.store.needed(
            lambda store: store.ledger.matching(
                status,
                tool=call.tool,
                payload_digest=call.digest,
                location=call.location,
                base_url=call.base_url,
                caller=call.caller,
            )
        )

    async def _keep(self, plan: Plan, status: Literal["open", "pending"]) -> "PlanRecord":
        return await keep_plan(
            self.call,
            plan,
            self.store,
            status=status,
            lifetime=self.asking.lifetime_seconds if status == "open" else WAITING_SECONDS,
        )

    async def _spend(self, record: "PlanRecord", status: Literal["open", "approved"]) -> None:
        if await self._spent(record, status):
            return
        now = await self.store.needed(lambda store: store.ledger.find(record.id))
        raise ToolError(USED if now is not None and now.status == "spent" else question.LATE)

    async def _spent(self, record: "PlanRecord", status: Literal["open", "approved"]) -> bool:
        return await self.store.needed(
            lambda store: store.ledger.spend(record.id, from_status=status, with_alike=status == "open")
        )


async def keep_plan(
    call: WriteCall,
    plan: Plan,
    store: Store,
    *,
    status: Literal["open", "pending"] = "open",
    lifetime: float = LIFETIME_SECONDS,
) -> "PlanRecord":
    """Keep a plan that is shown to somebody, so that it can be read in full and approved once."""
    return await store.needed(
        lambda opened: opened.ledger.keep(
            tool=call.tool,
            title=call.title,
            location=call.location,
            base_url=call.base_url,
            caller=call.caller,
            arguments=call.arguments,
            payload_digest=call.digest,
            fingerprint=plan.fingerprint,
            plan=to_plain(plan),
            status=status,
            lifetime_seconds=lifetime,
        )
    )


def _bound(record: "PlanRecord") -> bytes:
    """The digest of all that a token for this plan is bound to."""
    return binding_digest(
        record.id,
        record.tool,
        record.payload_digest,
        record.fingerprint,
        record.location,
        record.caller,
        record.base_url,
        f"{record.expires:.3f}",
    )


def _form(call: WriteCall, plan: Plan, before: str) -> ElicitRequestFormParams:
    return ElicitRequestFormParams(
        message=question.message(plan, before, shop=call.shop), requested_schema=question.form(plan)
    )


async def _put(call: WriteCall, plan: Plan, before: str, context: Context[Any, Any]) -> ElicitResult:
    """Put the question and wait for the answer."""
    asked = _form(call, plan, before)
    try:
        return await context.session.elicit_form(
            asked.message, asked.requested_schema, related_request_id=context.request_id
        )
    except ValidationError:
        raise ToolError(question.MALFORMED) from None
    except MCPError:
        raise ToolError(question.FAILED) from None
