"""A plan as a result: what would happen, or will once somebody agrees."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from mcp_types import CallToolResult

from ..guard.calls import Preview
from ..guard.plan import Plan, readable
from .addresses import address
from .results import to_result


def preview_result(preview: Preview, notes: Sequence[str]) -> CallToolResult:
    """The result of a call that changed nothing: its status, the plan with ten items at most, and what to do."""
    content: dict[str, Any] = {"status": preview.status, "next_step": preview.next_step}
    if preview.stale:
        content["changed_since_approval"] = preview.stale
    if preview.refused:
        content["refused_by_policy"] = preview.refused
    content["plan"] = plan_content(preview.plan, preview.plan_id, shop=preview.shop)
    if preview.token:
        content["confirmation_token"] = preview.token
    return to_result(None, notes, more=content)


def plan_content(plan: Plan, plan_id: str | None = None, *, shop: str = "") -> dict[str, Any]:
    """A plan in few tokens: the weightiest items in words, the rest counted, the sums."""
    content: dict[str, Any] = {"shop": shop} if shop else {}
    content |= {"action": readable(plan.action), "items": plan.shown()}
    if plan.unshown:
        content["more_items"] = plan.unshown
    if plan.also:
        content["also"] = [readable(line) for line in plan.also]
    if plan.lasting:
        content["cannot_be_undone"] = readable(plan.lasting)
    content["totals"] = _totals(plan)
    if plan_id is not None:
        content["id"] = plan_id
        if plan.unshown:
            content["whole_plan"] = address(f"plans/{plan_id}")
    return content


def _totals(plan: Plan) -> dict[str, Any]:
    totals = plan.totals
    named: dict[str, int | Decimal | None] = {
        "things": totals.things,
        "largest_rise_percent": totals.largest_rise_percent,
        "largest_fall_percent": totals.largest_fall_percent,
        "stock_before": totals.stock_before,
        "stock_after": totals.stock_after,
    }
    return {name: value for name, value in named.items() if value is not None}
