"""One call of a tool, from the arguments as they came to the result in words.

What only reads is answered straight; what writes goes through the guard.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, InputRequiredResult
from pydantic import BaseModel

from ..guard.calls import Preview, WriteCall
from ..guard.change_book import ChangeBook
from ..guard.outcomes import is_whole
from ..guard.plan import SHOWN_ITEMS, Plan
from ..guard.question import NOTHING_CHANGED
from ..guard.writes import Done, Guard, perform
from ..products_api.client import ProductsClient
from ..products_api.errors import ProductsApiError
from ..products_api.reading_memory import ReadingMemory, remembering
from ..products_api.urgency import bulk_work, is_bulk_work, seconds_left, settling
from .arguments import portable_schema, read_arguments
from .catalog import RECORDS
from .deriving import arguments_of
from .effect_words import about, shown
from .file_folder import FileFolder
from .patience import Patience, hears_of_progress
from .previewing import preview_result
from .reconciling import became, left_over, reconcile_abandoned, reconcile_after_start, rest_of
from .records import GUARD_ARGUMENTS, ToolRecord, Toolset
from .renaming import new_ids_of
from .results import plain, to_result
from .shop import Created, Guides, Shop

if TYPE_CHECKING:
    from ..guard.journal import Outcome

log = logging.getLogger("hoopai_products_mcp.tools")

Changed = Callable[[Done], Awaitable[None]]
_BY_NAME = {record.name: record for record in RECORDS}
FRESH_SECONDS = 2.0
"""How old a reading may be that a deed begins from: the one its plan has just made will do."""


async def call(
    name: str,
    arguments: Mapping[str, Any],
    context: Context[Any, Any],
    *,
    api: ProductsClient,
    guard: Guard,
    base_url: str = "",
    caller: str = "local",
    denied: str = "",
    shop_title: str = "",
    files: FileFolder | None = None,
    guides: Guides | None = None,
    changed: Changed | None = None,
    patience: float = 0,
) -> CallToolResult | InputRequiredResult:
    """Call a tool by its name. `files` is where it may read and write files.

    `patience` is how many seconds it may take unless it is a whole job or the caller hears of progress; 0 for any
    number.

    `guides` are what get_guide gives, and `changed` hears of every write that was let through, whatever came of it.

    `shop_title` is how a person knows the shop, where the server has several.
    `caller` is who calls, and `denied` what they are told of a call that a person would have to agree to, if they may
    not make such.

    Raises:
        ToolError: what went wrong, whether anything changed, and what to do next, in words.
        UnexpectedToolError: a fault of this server; its text gives nothing of the inside away.
    """
    record = _BY_NAME[name]
    shop = Shop(api, context.report_progress)
    shop.book = ChangeBook(guard.store, api.location_id, base_url)
    shop.former_places = shop.book.former_places
    shop.files = files
    shop.guides = guides
    shop.title = shop_title
    # Whoever asks something meanwhile goes before a walk through the whole catalog.
    with bulk_work() if record.toolset is Toolset.WORKFLOWS else nullcontext():
        return await _called(
            record,
            shop,
            arguments,
            context,
            guard=guard,
            base_url=base_url,
            caller=caller,
            denied=denied,
            changed=changed,
            patience=patience,
        )


async def _called(
    record: ToolRecord,
    shop: Shop,
    arguments: Mapping[str, Any],
    context: Context[Any, Any],
    *,
    guard: Guard,
    base_url: str,
    caller: str,
    denied: str,
    changed: Changed | None,
    patience: float,
) -> CallToolResult | InputRequiredResult:
    done: Done | Preview | InputRequiredResult | None = None
    try:
        given, notes = read_arguments(arguments_of(record), _schema(record), arguments)
        patient = Patience(0 if is_bulk_work() or hears_of_progress(context) else patience)
        if record.toolset is Toolset.CHANGES or (record.plan is not None and not given.get("dry_run")):
            try:
                with patient.at_work():
                    await _tidy(shop, guard)
            except _OutOfTimeError:
                # What only reads can tell what the journal knows.
                if record.plan is not None:
                    raise
        if record.plan is None:
            with patient.at_work():
                return to_result(await record.handler(shop, **given), [*notes, *shop.notes])
        write = _write_call(record, given, context, shop, base_url, caller, denied)
        doing = _Doing(
            record, shop, {key: given[key] for key in given if key not in GUARD_ARGUMENTS}, patient
        )
        with remembering(doing.memory):
            done = await perform(write, doing, guard=guard, context=context)
        if isinstance(done, InputRequiredResult):
            return done
        if isinstance(done, Preview):
            return preview_result(_preview(record, done), [*notes, *shop.notes])
        if changed is not None:
            await changed(done)
        return _told(record, done, [*notes, *shop.notes], doing)
    except (ToolError, MCPError):
        raise
    except ProductsApiError as error:
        raise ToolError(in_words(error, record)) from None
    except Exception as error:
        # The SDK logs it with its traceback. Faults of the deed itself do not come here: the guard looks what
        # became of it. One of telling it may.
        became_of_it = (
            f"That was after the write itself: get_change {done.change_id} says what became of it."
            if isinstance(done, Done)
            else NOTHING_CHANGED
        )
        raise UnexpectedToolError(
            f"{record.name} failed because of a fault in this server. {became_of_it} The server's log says more."
        ) from error


def _preview(record: ToolRecord, done: Preview) -> Preview:
    """The preview, with what to do next as this tool has it."""
    if not record.previews or done.status != "dry_run" or done.refused:
        return done
    again = "The same call with dry_run false does this." if done.plan.effects else "There is nothing to do."
    return replace(done, next_step=f"{NOTHING_CHANGED} {again}")


async def _tidy(shop: Shop, guard: Guard) -> None:
    """See that the journal says of every former change what became of it, as far as that can be known."""
    await guard.store.outcomes.keep_late()
    await guard.looked_back(lambda: _in_time(reconcile_after_start(shop, pause_seconds=guard.pause_seconds)))
    await guard.looks_around(lambda: _in_time(reconcile_abandoned(shop, pause_seconds=guard.pause_seconds)))


class _OutOfTimeError(ToolError):
    """Settling what was left open has taken as long as an assistant waits."""


async def _in_time(tidying: Awaitable[None]) -> None:
    """Tidy; what took all the time that an assistant waits was not done, and the next call goes on with it.

    Raises:
        _OutOfTimeError: it did.
    """
    await tidying
    if seconds_left() <= 0:
        raise _OutOfTimeError(
            "Not done: what an earlier run left open is being settled first, and that has taken as long as an "
            f"assistant waits. {NOTHING_CHANGED} Call again."
        )


def _write_call(
    record: ToolRecord,
    given: Mapping[str, Any],
    context: Context[Any, Any],
    shop: Shop,
    base_url: str,
    caller: str,
    denied: str,
) -> WriteCall:
    client = context.session.client_params
    normal = arguments_of(record).model_construct(**given)
    return WriteCall(
        tool=record.name,
        title=record.title,
        operation=record.operation,
        destructive=record.asks,
        arguments=normal.model_dump(exclude_none=True, exclude=set(GUARD_ARGUMENTS)),
        location=shop.api.location_id,
        shop=shop.title,
        base_url=base_url,
        caller=caller,
        client=f"{client.client_info.name} {client.client_info.version}" if client else "",
        denied=denied,
        dry_run=bool(given.get("dry_run")),
        token=given.get("confirmation_token"),
        undoes=given.get(record.undoes) if record.undoes else None,
    )


class _Doing:
    """A tool at work on one write."""

    def __init__(self, record: ToolRecord, shop: Shop, given: Mapping[str, Any], patience: Patience) -> None:
        self._patience = patience
        self.memory = ReadingMemory()
        self._record = record
        self._shop = shop
        self._given = given

    async def plan(self) -> Plan:
        """What would happen, from a fresh reading of the shop."""
        self.memory.forget()
        self.memory.longest = None
        planner = cast("Any", self._record.plan)
        wanted = _parameters(planner)
        with self._patience.at_work():
            plan: Plan = await planner(
                self._shop,
                **{key: self._given[key] for key in self._given if key in wanted or "others" in wanted},
            )
        return plan

    async def names(self, products: Collection[str], collections: Collection[str]) -> Mapping[str, str]:
        """Names by id, of those that there are."""
        found = await self._shop.products(sorted(products), missing_is_error=False)
        named = {key: product.name or "" for key, product in found.items()}
        return named | await self._shop.named_collections(sorted(collections))

    async def deed(self, plan: Plan) -> BaseModel:
        """Let the tool do it."""
        self.memory.longest = FRESH_SECONDS
        with self._patience.at_work():
            return await self._record.handler(self._shop, plan, **self._given)

    async def look(self, plan: Plan, *, remembered: bool) -> "Outcome":
        """What became of it, as the shop shows it or as the deed has read it."""
        self.memory.longest = None
        if not remembered:
            self.memory.forget()
        self.memory.closed = remembered
        try:
            with settling():
                return await became(self._shop, plan.effects, self._shop.created)
        finally:
            self.memory.closed = False

    def waiting(self) -> AbstractContextManager[None]:
        """Wait within for others who are at the same thing; that counts as work on this call."""
        return self._patience.at_work()

    def said(self, view: BaseModel) -> dict[str, Any]:
        """The answer as plain values."""
        return cast("dict[str, Any]", plain(view.model_dump(mode="python", exclude_none=True)))

    @property
    def repeatable(self) -> bool:
        """Whether the same arguments come to the same however often they are sent."""
        return self._record.idempotent

    @property
    def sent(self) -> bool:
        """Whether a write reached the shop, or may have."""
        return self.memory.writes > 0

    @property
    def unclear(self) -> ProductsApiError | None:
        """Why the tool could not tell of a part of it if it was done; None where it could."""
        return self._shop.unclear

    @property
    def stopped(self) -> bool:
        """Whether the tool stopped at a part that was surely not done."""
        return self._shop.stopped

    @property
    def made(self) -> list[dict[str, Any]]:
        """What it has made so far."""
        return [created._asdict() for created in self._shop.created]


def _told(record: ToolRecord, done: Done, notes: list[str], doing: _Doing) -> CallToolResult:
    """The result of a write that was let through.

    Raises:
        ToolError: it was not done, or that is not known.
    """
    change = {"id": done.change_id, "approved_by": done.road.value}
    if not done.kept:
        notes = [
            *notes,
            "The journal could not take down the outcome; that is tried again as long as this server runs.",
        ]
    if done.view is not None:
        if done.outcome.outcome == "unknown":
            change["outcome"] = "unknown"
        if doing.unclear is not None:
            notes = [*notes, _found_in_part(done)]
        return to_result(done.view, notes, change=change)
    error = cast("Exception", done.error)
    if done.outcome.outcome == "done":
        if not isinstance(error, ProductsApiError):
            log.error("A fault in %s, which did its work nevertheless", record.name, exc_info=error)
        found = f"The API's answer was lost ({_reason(error).removesuffix('.')}). Read back from the shop: "
        more: dict[str, Any] = {"done": is_whole(done.outcome)}
        if made := done.outcome.created:
            more["created"] = [{key: item[key] for key in item if item[key] is not None} for item in made]
            if record.undoes and (ids := new_ids_of(done.plan.effects, [Created(**item) for item in made])):
                more["new_ids"] = ids
        if is_whole(done.outcome):
            return to_result(None, [*notes, f"{found}it was done."], change=change, more=more)
        more |= _left(record, done)
        found += (
            f"{done.outcome.applied} of {done.outcome.of} changes were made, the others not. {_rest(record)}"
        )
        return to_result(None, [*notes, found], change=change, more=more)
    if done.outcome.outcome == "not_done":
        if isinstance(error, ToolError):
            raise error
        if isinstance(error, ProductsApiError) and error.outcome == "not_done":
            raise ToolError(in_words(error, record)) from None
        found = (
            f"Read back, the shop is as it was before: {NOTHING_CHANGED} It may be done anew."
            if doing.sent
            else f"Nothing was sent to the shop. {NOTHING_CHANGED}"
        )
        raise _failure(error, f"{_reason(error)} {found} (change {done.change_id})") from error
    look = f"get_change {done.change_id} reads the shop again and says what it finds"
    next_step = (
        f"{look}; the same call again does no more than this one."
        if record.idempotent
        else f"Do not repeat it before looking: {look}."
    )
    raise _failure(
        error,
        f"{_reason(error)} It is not known whether anything was changed: {done.outcome.why}. {next_step}",
    ) from error


def _found_in_part(done: Done) -> str:
    """What was found of a write of which the tool could not tell all."""
    outcome = done.outcome
    if outcome.outcome == "unknown":
        return f"Looked at once more: {outcome.why}. get_change {done.change_id} reads the shop again later."
    if is_whole(outcome):
        return "Looked at once more: all of it was done."
    return f"Looked at once more: {outcome.applied or 0} of {outcome.of} changes were made, the others not."


def _failure(error: Exception, text: str) -> ToolError:
    """A fault of this server is logged by the SDK with its traceback; one of the API says all it has to say."""
    return ToolError(text) if isinstance(error, ProductsApiError) else UnexpectedToolError(text)


def _reason(error: Exception) -> str:
    if isinstance(error, ProductsApiError):
        return error.happened
    return "It failed because of a fault in this server; its log says more."


def _left(record: ToolRecord, done: Done) -> dict[str, Any]:
    """What of a write is not done, and the ids with which a call does only that."""
    left = left_over(done.plan, done.outcome)
    rest = {} if _only_rest(record) else rest_of(done.plan, left)
    # First those that no call with ids alone would do.
    left.sort(key=lambda effect: effect.within in rest.get("product_ids", ()))
    lines = [f"{about(effect)}: {shown(effect, effect.after)} ({effect.id})" for effect in left[:SHOWN_ITEMS]]
    told: dict[str, Any] = {"left": lines}
    if len(left) > SHOWN_ITEMS:
        told["more_left"] = len(left) - SHOWN_ITEMS
    return told | ({"rest": rest} if rest else {})


def _only_rest(record: ToolRecord) -> bool:
    return record.idempotent or record.undoes is not None


def _rest(record: ToolRecord) -> str:
    if _only_rest(record):
        return "The same call again does only the rest."
    return (
        "The same call again would change those twice: to go on, make it with the ids in `rest` alone, and set what "
        "else is in `left` one by one."
    )


@cache
def _parameters(planner: Any) -> frozenset[str]:
    return frozenset(inspect.signature(planner).parameters)


@cache
def _schema(record: ToolRecord) -> dict[str, Any]:
    return portable_schema(arguments_of(record))


def in_words(error: ProductsApiError, record: ToolRecord) -> str:
    """An API error for a model and a person, with the API's own id of the request where there is one."""
    # Only a read says nothing about changes; one that fails a writing tool came before the write, since what is
    # read after it goes through `Shop.check`.
    changed = error.changed or ("" if record.read_only else NOTHING_CHANGED)
    trace = f"(trace id {error.trace_id})" if error.trace_id else ""
    return " ".join(part for part in (error.happened, changed, error.next_step, trace) if part)
