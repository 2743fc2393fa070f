"""One call of a tool, from the arguments as they came to the result: validated, approved, done, put in words."""

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, InputRequiredResult

from ..guard.approval import NOTHING_CHANGED, Confirmation, approve
from ..guard.plan import Plan
from ..products_api.client import ProductsClient
from ..products_api.errors import ProductsApiError
from .arguments import portable_schema, read_arguments
from .catalog import RECORDS
from .deriving import arguments_of
from .records import ToolRecord
from .results import to_result
from .shop import Shop

_BY_NAME = {record.name: record for record in RECORDS}


async def call(
    name: str,
    arguments: Mapping[str, Any],
    context: Context[Any, Any],
    *,
    api: ProductsClient,
    confirmation: Confirmation,
) -> CallToolResult | InputRequiredResult:
    """Call a tool by its name.

    Raises:
        ToolError: what went wrong, whether anything changed, and what to do next, in words.
        UnexpectedToolError: a fault of this server; its text gives nothing of the inside away.
    """
    record = _BY_NAME[name]
    shop = Shop(api, context.report_progress)
    begun = False
    try:
        given, notes = read_arguments(arguments_of(record), _schema(record), arguments)
        given_plan: dict[str, Plan | None] = {}
        if record.plan is not None:
            leave = await _leave(record, record.plan, shop, given, context, confirmation)
            if isinstance(leave, InputRequiredResult):
                return leave
            given_plan = {"plan": leave}
        begun = True
        view = await record.handler(shop, **given_plan, **given)
        return to_result(view, [*notes, *shop.notes])
    except (ToolError, MCPError):
        raise
    except ProductsApiError as error:
        raise ToolError(in_words(error, record)) from None
    except Exception as error:
        # The SDK logs it with its traceback.
        raise UnexpectedToolError(_unexpected(record, begun=begun)) from error


async def _leave(
    record: ToolRecord,
    planner: Any,
    shop: Shop,
    given: Mapping[str, Any],
    context: Context[Any, Any],
    confirmation: Confirmation,
) -> Plan | InputRequiredResult | None:
    """The plan that may be carried out, or the question that has to be put first."""
    wanted = _parameters(planner)

    async def make_plan() -> Plan | None:
        plan: Plan | None = await planner(
            shop, **{key: given[key] for key in given if key in wanted or "others" in wanted}
        )
        return plan

    leave = await approve(make_plan, context=context, confirmation=confirmation)
    return leave if isinstance(leave, InputRequiredResult) else leave.plan


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


def _unexpected(record: ToolRecord, *, begun: bool) -> str:
    failed = f"{record.name} failed because of a fault in this server."
    if record.read_only or not begun:
        return f"{failed} {NOTHING_CHANGED} The server's log says more."
    return (
        f"{failed} It is not known whether anything was changed: read the shop before you call again. "
        "The server's log says more."
    )
