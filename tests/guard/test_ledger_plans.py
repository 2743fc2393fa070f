"""Plans as they are shown, decided and spent."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule
from still_clock import Clock

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.ledger import Ledger, PlanRecord

DAY = 24 * 3600.0
CALL: dict[str, Any] = {
    "tool": "delete_product",
    "location": "loc-1",
    "base_url": "https://shop.test",
    "caller": "caller-1",
    "payload_digest": "digest-1",
}


@pytest.fixture
def ledger(database: Database, clock: Clock) -> Ledger:
    return Ledger(database, clock)


def keep(ledger: Ledger, **given: Any) -> PlanRecord:
    usual: dict[str, Any] = {
        **CALL,
        "title": "Delete a product",
        "arguments": {"product_id": "p1"},
        "fingerprint": "f" * 64,
        "plan": {"action": "Delete", "effects": []},
        "status": "open",
        "lifetime_seconds": 600,
    }
    return ledger.keep(**{**usual, **given})


def test_a_plan_comes_back_as_it_was_kept(ledger: Ledger, clock: Clock) -> None:
    arguments = {"amount": Decimal("19.90"), "names": ["Größe „M“", "\x00"], "many": 2**70, "none": None}
    kept = keep(ledger, arguments=arguments)
    assert ledger.find(kept.id) == kept
    assert kept == PlanRecord(
        id=kept.id,
        tool="delete_product",
        title="Delete a product",
        location="loc-1",
        base_url="https://shop.test",
        caller="caller-1",
        arguments=arguments,
        payload_digest="digest-1",
        fingerprint="f" * 64,
        plan={"action": "Delete", "effects": []},
        created=clock.now,
        expires=clock.now + 600,
        status="open",
    )
    assert str(kept.arguments["amount"]) == "19.90"


def test_an_id_can_be_read_out(ledger: Ledger) -> None:
    prefix, _, rest = keep(ledger).id.partition("_")
    assert (prefix, len(rest), set(rest) <= set("abcdefghijklmnopqrstuvwxyz234567")) == ("plan", 12, True)


def test_nothing_is_found_under_an_unknown_id(ledger: Ledger) -> None:
    assert ledger.find("plan_unknown") is None
    assert not ledger.spend("plan_unknown", from_status="open")
    assert not ledger.decide("plan_unknown", approve=True, by="somebody")


def test_an_open_plan_is_spent_once(ledger: Ledger) -> None:
    plan = keep(ledger)
    assert [ledger.spend(plan.id, from_status="open") for _ in range(3)] == [True, False, False]
    found = ledger.find(plan.id)
    assert found
    assert found.status == "spent"


def test_a_plan_is_spent_only_from_the_status_it_has(ledger: Ledger) -> None:
    pending = keep(ledger, status="pending")
    assert not ledger.spend(pending.id, from_status="open")
    assert not ledger.spend(pending.id, from_status="approved")
    assert ledger.decide(pending.id, approve=True, by="shop owner")
    assert ledger.spend(pending.id, from_status="approved")


def test_a_decision_is_made_once_and_says_who_and_when(ledger: Ledger, clock: Clock) -> None:
    pending = keep(ledger, status="pending")
    clock.now += 5
    assert ledger.decide(pending.id, approve=False, by="shop owner")
    assert not ledger.decide(pending.id, approve=True, by="somebody else")
    found = ledger.find(pending.id)
    assert found
    assert (found.status, found.decided_by, found.decided_at) == ("rejected", "shop owner", clock.now)


def test_an_open_plan_waits_for_nobodys_decision(ledger: Ledger) -> None:
    assert not ledger.decide(keep(ledger).id, approve=True, by="shop owner")


def test_an_expired_plan_is_neither_decided_nor_spent_nor_matched(ledger: Ledger, clock: Clock) -> None:
    shown, pending = keep(ledger), keep(ledger, status="pending")
    clock.now += 600
    assert not ledger.spend(shown.id, from_status="open")
    assert not ledger.decide(pending.id, approve=True, by="shop owner")
    assert ledger.matching("open", **CALL) is None
    assert ledger.waiting() == []
    assert ledger.find(shown.id) == shown


def test_waiting_plans_are_listed_oldest_first_and_by_location(ledger: Ledger) -> None:
    first, second = (keep(ledger, status="pending") for _ in range(2))
    other = keep(ledger, status="pending", location="loc-2")
    keep(ledger)
    assert ledger.waiting() == [first, second, other]
    assert ledger.waiting("loc-2") == [other]


@pytest.mark.parametrize("differs", CALL)
def test_a_plan_matches_the_very_same_call_only(ledger: Ledger, differs: str) -> None:
    keep(ledger, status="pending")
    newest = keep(ledger, status="pending")
    assert ledger.matching("pending", **CALL) == newest
    assert ledger.matching("approved", **CALL) is None
    assert ledger.matching("pending", **{**CALL, differs: "another"}) is None


def test_plans_are_forgotten_a_week_after_they_expired(ledger: Ledger, clock: Clock) -> None:
    old = keep(ledger)
    clock.now += 600 + 7 * DAY
    ledger.prune()
    assert ledger.find(old.id)
    clock.now += 1
    fresh = keep(ledger)
    ledger.prune()
    assert ledger.find(old.id) is None
    assert ledger.find(fresh.id) == fresh


class AnyOrder(RuleBasedStateMachine):
    """Whatever is done in whatever order, a plan is spent once at most, and only with the consent it needs."""

    plans: Bundle[str] = Bundle("plans")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.database = Database.open("sqlite://", clock=self.clock)
        self.ledger = Ledger(self.database, self.clock)
        self.needs_consent: dict[str, bool] = {}
        self.expires: dict[str, float] = {}
        self.decisions: dict[str, bool] = {}
        self.spent: set[str] = set()

    @rule(target=plans, pending=st.booleans(), lifetime=st.sampled_from([0, 60, 600]))
    def show(self, pending: bool, lifetime: int) -> str:
        record = keep(self.ledger, status="pending" if pending else "open", lifetime_seconds=lifetime)
        self.needs_consent[record.id] = pending
        self.expires[record.id] = self.clock.now + lifetime
        return record.id

    @rule(plan=plans, approve=st.booleans())
    def decide(self, plan: str, approve: bool) -> None:
        decided = self.ledger.decide(plan, approve=approve, by="somebody")
        assert decided == (
            self.needs_consent[plan] and plan not in self.decisions and self.clock.now < self.expires[plan]
        )
        if decided:
            self.decisions[plan] = approve

    @rule(plan=plans, consented=st.booleans())
    def spend(self, plan: str, consented: bool) -> None:
        got = self.ledger.spend(plan, from_status="approved" if consented else "open")
        allowed = self.decisions.get(plan, False) if consented else not self.needs_consent[plan]
        assert got == (allowed and plan not in self.spent and self.clock.now < self.expires[plan])
        if got:
            self.spent.add(plan)

    @rule(seconds=st.sampled_from([1, 59, 600]))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule()
    def prune(self) -> None:
        self.ledger.prune()

    def teardown(self) -> None:
        self.database.close()


AnyOrder.TestCase.settings = settings(max_examples=25, stateful_step_count=30)
TestAnyOrder = AnyOrder.TestCase
