"""Plans as resources: the whole of what a call would do, where its result shows ten items."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

if TYPE_CHECKING:
    from ..guard.store import Store

TEMPLATE = "hoopai://plans/{plan_id}"


def add_plans(server: MCPServer[Any], store: "Store", location: str, caller: Callable[[], str]) -> None:
    """Offer the plans of one location that were shown lately, to the caller they were shown to."""

    @server.resource(
        TEMPLATE,
        name="plan",
        title="Plan of a change",
        description="Everything one planned change would do, item by item.",
        mime_type="application/json",
    )
    async def plan(plan_id: str) -> str:  # pyright: ignore[reportUnusedFunction]
        return await read_plan(store, location, plan_id, caller())


async def read_plan(store: "Store", location: str, plan_id: str, caller: str) -> str:
    """The JSON text of a plan.

    Raises:
        ResourceNotFoundError: this caller has no plan with that id in this location, or not any more.
        ResourceError: the store does not work.
    """
    from ..guard.database import StoreError
    from ..guard.plan import from_plain, readable
    from ..tools.results import plain

    try:
        record = await store.use(lambda opened: opened.ledger.find(plan_id))
    except StoreError as error:
        raise ResourceError(str(error)) from None
    if record is None or (record.location, record.caller) != (location, caller):
        raise ResourceNotFoundError(f"There is no plan {plan_id[:40]!r}, or not any more.")
    found = from_plain(record.plan)
    content: dict[str, Any] = {
        "id": record.id,
        "status": record.status,
        "tool": record.tool,
        "action": readable(found.action),
        "items": [readable(item) for item in sorted(found.items, key=lambda item: -item.weight)],
        "also": [readable(line) for line in found.also],
        "cannot_be_undone": readable(found.lasting) if found.lasting else None,
    }
    kept = {key: value for key, value in content.items() if value not in (None, [])}
    return json.dumps(plain(kept), ensure_ascii=False, separators=(",", ":"))
