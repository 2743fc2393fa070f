"""Whatever is lost on the way, of changes and of their undoings: what is said is so, nothing is sent twice, and an
undoing that is tried until it is said to be done leaves the shop as it was."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp_types import CallToolResult
from shop_session import ShopSession, shop_session, text_of, yes
from test_undoing_any_changes import GOODS, STEPS, Step, call_of
from undo_shop import shelves_alike

from hoopai_products_mcp.tools.catalog import RECORDS

pytestmark = pytest.mark.anyio

ROUTES = {record.name: record.operation for record in RECORDS if not record.read_only}
API_ROUTES = sorted({route for route in ROUTES.values() if route.startswith(("POST", "PUT", "DELETE"))})
TRIES = 5


@dataclass(frozen=True)
class Loss:
    """What goes wrong with a write, and whether the API did it nevertheless."""

    kind: str
    applied: bool | None = None

    def plan(self, session: ShopSession, route: str, skip: int = 0) -> None:
        """Let it befall one request."""
        session.sandbox.faults.add(self.kind, route, skip=skip, applied=self.applied)


LOSSES = st.sampled_from(
    [
        Loss("drop_before"),
        Loss("drop_after"),
        Loss("truncated"),
        Loss("scope_missing"),
        *(Loss(kind, applied) for kind in ("server_error", "html") for applied in (True, False)),
    ]
)
CHANGES = st.lists(st.tuples(STEPS, st.none() | LOSSES), min_size=1, max_size=4)
TROUBLES = st.lists(
    st.none() | st.tuples(LOSSES, st.sampled_from(API_ROUTES), st.integers(0, 2)), min_size=12, max_size=12
)


async def newest(session: ShopSession) -> dict[str, Any] | None:
    items = (await session.call("list_changes", limit=1))["items"]
    return items[0] if items else None


async def change(session: ShopSession, step: Step, loss: Loss | None) -> str | None:
    """Make one change, hold what is said of it against the shop, and give its id if it was done."""
    if (call := call_of(session.dump(), step)) is None:
        return None
    name, arguments = call
    before, former, sent = session.dump(), await newest(session), len(session.writes())
    if loss is not None:
        loss.plan(session, ROUTES[name])
    result = await session.result(name, **arguments)
    session.sandbox.faults.clear()
    assert len(session.writes()) - sent <= 1
    changed = shelves_alike(before, session.dump()) != {}
    entry = await newest(session)
    if entry is None or (former is not None and entry["id"] == former["id"]):
        # It does not fit the shop, such as the stock of what is not tracked.
        assert not changed
        return None
    assert entry["outcome"] in {"done", "not_done"}
    if entry["outcome"] == "not_done":
        assert result.is_error
        assert "Nothing was changed." in text_of(result)
        assert not changed
        return None
    assert not result.is_error
    assert "of" not in entry
    return str(entry["id"])


def new_ids_in(result: CallToolResult) -> dict[str, str]:
    content: dict[str, Any] = result.structured_content or {}
    return content.get("new_ids", {})


@settings(max_examples=15)
@given(steps=CHANGES, troubles=TROUBLES)
async def test_whatever_is_lost_the_truth_is_told_and_the_shop_comes_back(
    steps: list[tuple[Step, Loss | None]], troubles: list[tuple[Loss, str, int] | None]
) -> None:
    async with shop_session(yes, shop=GOODS) as session:
        before = session.dump()
        done = [change_id for step, loss in steps if (change_id := await change(session, step, loss))]
        ids: dict[str, str] = {}
        for change_id in reversed(done):
            said = ""
            for attempt in range(TRIES):
                if attempt < TRIES - 2 and troubles and (trouble := troubles.pop()) is not None:
                    loss, route, skip = trouble
                    loss.plan(session, route, skip)
                result = await session.result("undo_change", change_id=change_id)
                session.sandbox.faults.clear()
                new, said = new_ids_in(result), text_of(result)
                ids = {former: new.get(later, later) for former, later in ids.items()} | new
                if "It changed nothing" in said or "nothing to undo" in said or '"done":true' in said:
                    break
            else:
                raise AssertionError(said)
        assert shelves_alike(before, session.dump(), ids) == {}
