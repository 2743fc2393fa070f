"""The invariants, judged from outside: what the API received and the shop became, against the journal, and against
what people agreed to and were told."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deeds import Deed, State, Told

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.journal import Change, Journal

SURELY_REFUSED = frozenset({429, 401})
"""What the API answers to a request that it surely did not carry out, so that it may be sent again."""
PERSON, TOKEN_ROAD, UNASKED = "person", "confirmation_token", "not_needed"


@dataclass
class Verdict:
    """What was counted, and what should not have been. `lost` are writes that were done and are not in the journal, or
    are said to be done and are not; `wrong` are other things said or written that are not so."""

    faults: int = 0
    calls: int = 0
    writes: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    broken: int = 0
    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    unapproved: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    secrets: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])
    """Tasks, connections, descriptors, memory that did not come back."""

    def problems(self) -> list[str]:
        """All that should not have been."""
        kinds = ("lost", "doubled", "unapproved", "wrong", "secrets", "left")
        return [f"{kind}: {problem}" for kind in kinds for problem in getattr(self, kind)]

    def add(self, other: "Verdict") -> None:
        """Take over what another part of the same scenario came to."""
        for name in ("faults", "calls", "writes", "outcomes", "broken"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("lost", "doubled", "unapproved", "wrong", "secrets", "left"):
            getattr(self, name).extend(getattr(other, name))


@dataclass(frozen=True)
class Evidence:
    """All that can be known from outside. `requests` as the sandbox logs them; `journal` with the oldest first."""

    state: State
    requests: Sequence[dict[str, Any]]
    journal: Sequence[Change]
    proof: str | None = None
    """What is wrong with the chain of the journal, if anything."""

    def since(self, former: Collection[str]) -> "Evidence":
        """Without the changes of earlier rounds. Deeds are known by what they are about, and a later round may be
        about the same product: what was agreed to then, and what became of it, says nothing of now."""
        return replace(self, journal=[change for change in self.journal if change.id not in former])


def evidence(state: State, requests: Sequence[dict[str, Any]], store_url: str) -> Evidence:
    """Read the journal, and put it beside the rest."""
    database = Database.open(store_url)
    try:
        journal = Journal(database)
        changes: list[Change] = []
        while True:
            page, total = journal.list(location=None, limit=500, offset=len(changes))
            changes += page
            if len(changes) >= total or not page:
                break
        return Evidence(state, requests, list(reversed(changes)), journal.verify().fault)
    finally:
        database.close()


def judge(deeds: Sequence[Deed], found: Evidence, *, may_be_unknown: bool = False) -> Verdict:
    """Hold all of it against each other, once the world is whole again."""
    verdict = Verdict()
    if found.proof is not None:
        verdict.wrong.append(f"the journal does not prove itself: {found.proof}")
    verdict.faults = sum(sent.get("fault") is not None for sent in found.requests)
    writes = [sent for sent in found.requests if sent["method"] != "GET"]
    claimed: set[int] = set()
    for deed in deeds:
        own = [number for number, sent in enumerate(writes) if _belongs(sent, deed)]
        claimed.update(own)
        _judge_deed(
            verdict,
            deed,
            [writes[number] for number in own],
            _entries(deed, found.journal),
            found,
            may_be_unknown,
        )
    for number, sent in enumerate(writes):
        if number not in claimed:
            verdict.unapproved.append(f"nobody wanted {sent['method']} {sent['path']} {_text(sent)}")
    verdict.writes = len(writes)
    return verdict


def _judge_deed(
    verdict: Verdict,
    deed: Deed,
    sent: Sequence[dict[str, Any]],
    entries: Sequence[Change],
    found: Evidence,
    may_be_unknown: bool,
) -> None:
    landed = deed.there(found.state)
    if _was_undone(deed, found):
        # The shop shows what the undoing made of it, which is judged by itself.
        landed = deed.of if _outcome(entries) == "done" else 0
    _judge_approval(verdict, deed, sent, entries)
    repeated = Counter(
        (each["method"], each["path"], _text(each)) for each in sent if each["status"] not in SURELY_REFUSED
    )
    verdict.doubled += [f"{deed.name} was sent {times} times" for times in repeated.values() if times > 1]
    if landed > deed.of:
        verdict.doubled.append(f"{deed.name} is there {landed} times")
    if sum(_outcome([entry]) == "done" for entry in entries) > 1:
        verdict.doubled.append(f"{deed.name} is in the journal twice")
    _judge_truth(verdict, deed, sent, entries, landed, may_be_unknown)


def _judge_approval(
    verdict: Verdict, deed: Deed, sent: Sequence[dict[str, Any]], entries: Sequence[Change]
) -> None:
    roads = {entry.road for entry in entries}
    if deed.agreed is None:
        expected = {UNASKED}
    else:
        expected = {PERSON, TOKEN_ROAD}
        if sent and not deed.yes:
            verdict.unapproved.append(f"{deed.name} was sent, and nobody agreed")
        if entries and not deed.yes:
            verdict.unapproved.append(
                f"{deed.name} is in the journal as allowed by {roads}, and nobody agreed"
            )
    if sent and not entries:
        verdict.lost.append(f"{deed.name} was sent and is not in the journal")
    if not roads <= expected:
        verdict.wrong.append(f"{deed.name} is in the journal as allowed by {roads}")


def _judge_truth(
    verdict: Verdict,
    deed: Deed,
    sent: Sequence[dict[str, Any]],
    entries: Sequence[Change],
    landed: int,
    may_be_unknown: bool,
) -> None:
    name, outcome = deed.name, _outcome(entries)
    if entries:
        verdict.outcomes[outcome] += 1
    if landed and not sent and deed.undoes is None:
        verdict.wrong.append(f"{name} is there without a request")
    if landed and not entries and sent:
        verdict.lost.append(f"{name} is there and not in the journal")
    if entries and outcome == "not_done" and landed and sent:
        verdict.lost.append(f"{name} is there, and the journal says it was not done")
    if outcome == "done" and landed < deed.of and not _partly(entries, landed):
        verdict.lost.append(f"the journal says that {name} was done, and {landed} of {deed.of} are there")
    if entries and outcome == "unknown" and not may_be_unknown:
        verdict.wrong.append(f"nobody found out what became of {name}: {_why(entries)}")
    match deed.told:
        case Told.DONE if landed < deed.of:
            verdict.lost.append(
                f"{name} was said to be done, and {landed} of {deed.of} are there: {deed.said[-1]}"
            )
        case Told.NOT_DONE | Told.SHOWN if landed and sent:
            verdict.wrong.append(f"{name} was said not to be done, and is there: {deed.said[-1]}")
        case Told.UNWORDED:
            verdict.wrong.append(f"{name} was not told whether anything was changed: {deed.said[-1]}")
        case _:
            pass


def _belongs(sent: dict[str, Any], deed: Deed) -> bool:
    text = f"{sent['path']} {_text(sent)}"
    return deed.sign in text and (deed.unsigned is None or deed.unsigned not in text)


def _entries(deed: Deed, journal: Iterable[Change]) -> list[Change]:
    if deed.undoes is not None:
        return [
            entry for entry in journal if entry.undoes is not None and entry.undoes == deed.undoes.change_id
        ]
    return [entry for entry in journal if entry.tool == deed.tool and deed.sign in str(entry.arguments)]


def _was_undone(deed: Deed, found: Evidence) -> bool:
    return any(
        entry.undoes is not None and entry.undoes == deed.change_id and _outcome([entry]) != "not_done"
        for entry in found.journal
    )


def _outcome(entries: Sequence[Change]) -> str:
    if not entries or entries[-1].outcome is None:
        return "unknown"
    return entries[-1].outcome.outcome


def _partly(entries: Sequence[Change], landed: int) -> bool:
    outcome = entries[-1].outcome
    return (
        outcome is not None and outcome.applied is not None and landed > 0 and outcome.applied != outcome.of
    )


def _why(entries: Sequence[Change]) -> str | None:
    return entries[-1].outcome.why if entries and entries[-1].outcome else None


def _text(sent: dict[str, Any]) -> str:
    return json.dumps(sent["body"], sort_keys=True, default=str)


def look_for_secrets(secrets: Iterable[str], texts: Iterable[str]) -> list[str]:
    """Where a secret is said; the secret itself is not repeated."""
    whole = "\n".join(texts)
    return [
        f"a secret of {len(secret)} characters is in what was said" for secret in secrets if secret in whole
    ]
