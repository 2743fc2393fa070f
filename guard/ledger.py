"""The plans that were shown, what was decided on them, and which were carried out: each of them once at most."""

import base64
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select, update

from ..products_api.exact_json import decode, encode
from .database import Database
from .tables import plans

Status: TypeAlias = Literal["open", "pending", "approved", "rejected", "spent"]

_KEPT_AFTER_EXPIRY_SECONDS = 7 * 24 * 3600
"""A person who comes back to a plan some days later is told that it expired, not that it never was."""


@dataclass(frozen=True, kw_only=True)
class PlanRecord:
    """A plan as it was shown, and what became of it.

    status:
        open      shown to the model, which may carry it out by naming it
        pending   waits for a person on this side
        approved, rejected   by `decided_by` at `decided_at`
        spent     carried out or tried; never again
    created, expires, decided_at:
        seconds since 1970.
    """

    id: str
    tool: str
    title: str
    location: str
    base_url: str
    caller: str
    arguments: dict[str, Any]
    payload_digest: str
    fingerprint: str
    plan: dict[str, Any]
    created: float
    expires: float
    status: Status
    decided_by: str | None = None
    decided_at: float | None = None


class Ledger:
    """The plans of every shop in one store. Every method raises `StoreError` when the store does not work."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def keep(
        self,
        *,
        tool: str,
        title: str,
        location: str,
        base_url: str,
        caller: str,
        arguments: dict[str, Any],
        payload_digest: str,
        fingerprint: str,
        plan: dict[str, Any],
        status: Literal["open", "pending"],
        lifetime_seconds: float,
    ) -> PlanRecord:
        """Write down a plan that is shown."""
        now = self._clock()
        values: dict[str, Any] = {
            "id": new_id("plan_"),
            "tool": tool,
            "title": title,
            "location": location,
            "base_url": base_url,
            "caller": caller,
            "arguments": encode(arguments).decode(),
            "payload_digest": payload_digest,
            "fingerprint": fingerprint,
            "plan": encode(plan).decode(),
            "created": now,
            "expires": now + lifetime_seconds,
            "status": status,
        }
        with self._database.transaction() as connection:
            connection.execute(insert(plans).values(values))
        return _record(values)

    def find(self, plan_id: str) -> PlanRecord | None:
        """The plan of that id, expired ones included."""
        with self._database.reading() as connection:
            row = connection.execute(select(plans).where(plans.c.id == plan_id)).mappings().first()
        return None if row is None else _of_row(row)

    def waiting(self, location: str | None = None) -> list[PlanRecord]:
        """Plans that wait for a person, of one location or of all, the oldest first."""
        wanted = select(plans).where(plans.c.status == "pending", self._unexpired())
        if location is not None:
            wanted = wanted.where(plans.c.location == location)
        with self._database.reading() as connection:
            return [_of_row(row) for row in connection.execute(wanted.order_by(plans.c.number)).mappings()]

    def matching(
        self, status: Status, *, tool: str, payload_digest: str, location: str, base_url: str, caller: str
    ) -> PlanRecord | None:
        """The newest unexpired plan of that status for the very same call."""
        wanted = select(plans).where(
            plans.c.status == status,
            self._unexpired(),
            plans.c.tool == tool,
            plans.c.payload_digest == payload_digest,
            plans.c.location == location,
            plans.c.base_url == base_url,
            plans.c.caller == caller,
        )
        with self._database.reading() as connection:
            row = connection.execute(wanted.order_by(plans.c.number.desc()).limit(1)).mappings().first()
        return None if row is None else _of_row(row)

    def decide(self, plan_id: str, *, approve: bool, by: str) -> bool:
        """Approve or reject a pending plan; False when it is not pending any more, or has expired."""
        decision = {
            "status": "approved" if approve else "rejected",
            "decided_by": by,
            "decided_at": self._clock(),
        }
        return self._move(plan_id, from_status="pending", values=decision)

    def spend(
        self, plan_id: str, *, from_status: Literal["open", "approved"], with_alike: bool = False
    ) -> bool:
        """Take a plan for carrying it out: True for one caller only, however many ask; False when it expired.

        `with_alike` spends with it what else of that status shows the very same plan of the very same call, in one
        step: a model that had one plan shown to it twice has heard one yes.
        """
        of_it = (plans.c.id == plan_id, plans.c.status == from_status, self._unexpired())
        if not with_alike:
            return self._move(plan_id, from_status=from_status, values={"status": "spent"})
        same = (plans.c.tool, plans.c.payload_digest, plans.c.fingerprint)
        same += (plans.c.location, plans.c.base_url, plans.c.caller)
        with self._database.transaction() as connection:
            row = connection.execute(select(*same).where(*of_it)).first()
            if row is None:
                return False
            alike = [column == value for column, value in zip(same, row, strict=True)]
            wanted = select(plans.c.id).where(plans.c.status == from_status, *alike)
            # Locked in one order, so that two that come at once wait for each other instead of locking crosswise.
            ids = list(connection.execute(wanted.order_by(plans.c.number).with_for_update()).scalars())
            change = update(plans).values(status="spent")
            if connection.execute(change.where(*of_it)).rowcount != 1:
                return False
            connection.execute(change.where(plans.c.id.in_(ids), plans.c.status == from_status))
            return True

    def prune(self) -> None:
        """Forget plans that expired more than seven days ago."""
        with self._database.transaction() as connection:
            long_ago = self._clock() - _KEPT_AFTER_EXPIRY_SECONDS
            connection.execute(delete(plans).where(plans.c.expires < long_ago))

    def _move(self, plan_id: str, *, from_status: Status, values: dict[str, Any]) -> bool:
        # Compared and set in one statement: of two that come at once, the second finds another status.
        change = update(plans).where(plans.c.id == plan_id, plans.c.status == from_status, self._unexpired())
        with self._database.transaction() as connection:
            return connection.execute(change.values(values)).rowcount == 1

    def _unexpired(self) -> ColumnElement[bool]:
        return plans.c.expires > self._clock()


def new_id(prefix: str) -> str:
    """An id that nobody guesses and anybody can read out: the prefix and 12 of a-z and 2-7."""
    # 15 bytes are 24 characters without padding; 60 of their bits are kept.
    return prefix + base64.b32encode(secrets.token_bytes(15)).decode().lower()[:12]


def _of_row(row: RowMapping) -> PlanRecord:
    return _record({key: value for key, value in row.items() if key != "number"})


def _record(values: dict[str, Any]) -> PlanRecord:
    read: dict[str, Any] = {key: decode(values[key].encode()) for key in ("arguments", "plan")}
    return PlanRecord(**{**values, **read})
