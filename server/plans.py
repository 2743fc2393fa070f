"""Plans as resources: the whole of what a call would do, where its result shows ten items."""

import json
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

if TYPE_CHECKING:
    from ..guard.store import Store


async def read_plan(store: "Store", location: str, plan_id: str, caller: str, *, shop: str = "") -> str:
    """The JSON text of a plan; `shop` names its shop, where there are several.

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
        "shop": shop or None,
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
