"""A store with plans and changes in it, as a server would have kept them."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Intent, Journal, Outcome
from hoopai_products_mcp.guard.ledger import Ledger, PlanRecord
from hoopai_products_mcp.guard.plan import Effect, Plan, PlanItem, to_plain
from hoopai_products_mcp.server.kept import Kept

LOCATION = "loc1"

RAISE = Plan(
    action="Change 1 price of “Storm lantern”.",
    items=(PlanItem(label="Storm lantern, price", before="30 USD", after="33 USD"),),
    effects=(Effect(kind="price", id="p1", within="l1", field="amount", before=30, after=33),),
)
"""A plan that a plain yes approves."""

DELETE = Plan(
    action="Delete the product “Old lantern”.",
    items=(PlanItem(label="Old lantern"), PlanItem(label="Its price, 10 USD")),
    also=("Its 2 reviews go with it.",),
    lasting="its id, links to it and its reviews do not come back.",
    effects=(
        Effect(kind="product", id="l2", field="exists", before={"name": "Old lantern"}, name="Old lantern"),
    ),
    target="Old lantern",
)
"""A plan that is approved by typing a name."""

HIDE_MANY = Plan(
    action="Hide 30 products.",
    items=tuple(PlanItem(label=f"Lamp {number:02}", before="shown", after="hidden") for number in range(30)),
    effects=tuple(
        Effect(kind="store", id=f"lamp{number}", within="s1", field="shown", before=True, after=False)
        for number in range(30)
    ),
)
"""A plan that is approved by typing a number."""


@contextmanager
def store_in(folder: Path, *, ago: float = 0) -> Generator[Kept]:
    """The store of a data folder, with a clock that is so many seconds slow."""

    def clock() -> float:
        return time.time() - ago

    database = Database.open(f"sqlite:///{folder / 'guard.sqlite'}", clock=clock)
    try:
        yield Kept(database, Ledger(database, clock), Journal(database, clock))
    finally:
        database.close()


def keep(
    folder: Path,
    plan: Plan = RAISE,
    *,
    location: str = LOCATION,
    status: Literal["open", "pending"] = "pending",
    arguments: dict[str, Any] | None = None,
    ago: float = 0,
) -> PlanRecord:
    """Keep a plan that waits for a person."""
    with store_in(folder, ago=ago) as store:
        return store.ledger.keep(
            tool="update_price",
            title="Update a price",
            location=location,
            base_url="https://api.example.com",
            caller="local",
            arguments={"price_id": "p1", "amount": 33} if arguments is None else arguments,
            payload_digest="0" * 64,
            fingerprint=plan.fingerprint,
            plan=to_plain(plan),
            status=status,
            lifetime_seconds=600,
        )


def found(folder: Path, plan_id: str) -> PlanRecord:
    """The plan as it is kept now."""
    with store_in(folder) as store:
        record = store.ledger.find(plan_id)
    assert record is not None
    return record


def journal(
    folder: Path,
    plan: Plan = RAISE,
    *,
    outcome: Outcome | None = None,
    location: str = LOCATION,
    **intent: Any,
) -> str:
    """Write a change down, and its outcome unless there is none; its id."""
    written: dict[str, Any] = {
        "location": location,
        "base_url": "https://api.example.com",
        "caller": "local",
        "client": "a client",
        "tool": "update_price",
        "title": "Update a price",
        "operation": "PUT /products/{productId}/price/{priceId}",
        "arguments": {"price_id": "p1", "amount": 33},
        "plan": to_plain(plan),
        "fingerprint": plan.fingerprint,
        "road": "person",
        "destructive": False,
        **intent,
    }
    with store_in(folder) as store:
        change_id = store.journal.begin(Intent(**written))
        if outcome is not None:
            store.journal.end(change_id, outcome)
    return change_id
