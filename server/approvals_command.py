"""The command `approvals`: a person at a terminal decides on the changes that wait for one."""

from itertools import groupby
from typing import TYPE_CHECKING

from ..guard.plan import from_plain
from ..guard.question import same_words
from .command_parser import FAILED, PROGRAM, CommandError, dispatch, say
from .kept import Kept, kept_at, store_parser
from .plan_text import how_many, plainly, plan_lines, status_words, why_not_decided
from .terminal import ask, moment, named, show, somebody_is_there, user_name, wrapped

if TYPE_CHECKING:
    from ..guard.ledger import PlanRecord
    from ..guard.plan import Plan

_DESCRIPTION = """\
Changes that wait for a person, with `--confirmation human`.

commands:
  list (or none)    what waits, the oldest first
  show ID           one change in full
  approve ID        read it, and type what it asks for; at a terminal only
  reject ID         have it refused

examples:
  hoopai-products-mcp approvals
  hoopai-products-mcp approvals show plan_abcdefghijkl
  hoopai-products-mcp approvals approve plan_abcdefghijkl

Each takes --data-dir, and has a --help of its own."""


def run(arguments: list[str]) -> int:
    """Run one of its commands; the exit code is 0, or 1 when nothing was approved or rejected."""
    commands = {"list": _list, "show": _show, "approve": _approve, "reject": _reject}
    return dispatch("approvals", arguments, commands, default="list", description=_DESCRIPTION)


def _list(arguments: list[str]) -> int:
    parser = store_parser(
        "approvals list",
        description="What waits for a person, the oldest first.",
        epilog=f"example:\n  {PROGRAM} approvals list --data-dir ./data",
    )
    with kept_at(vars(parser.read(arguments))) as store:
        waiting = store.ledger.waiting(store.only)
        places = {record.location: store.place(record.location) for record in waiting}
    if not waiting:
        show("Nothing waits for approval.")
        return 0
    for location, records in groupby(sorted(waiting, key=lambda record: record.location), _location):
        place = places[location]
        show(f"Location {location}" if place == location else f"Shop {place}", "")
        for record in records:
            show(*_summary(record), "")
    show(f"Read one in full:  {PROGRAM} approvals show ID")
    return 0


def _location(record: "PlanRecord") -> str:
    return record.location


def _summary(record: "PlanRecord") -> list[str]:
    plan = from_plain(record.plan)
    return [
        f"  {record.id}   {moment(record.created)}",
        *named(
            [
                ("what", plan.action),
                ("touches", how_many(plan)),
                ("lasting", plan.lasting and f"cannot be undone: {plan.lasting}"),
                ("to approve", f"{PROGRAM} approvals approve {record.id}"),
                ("then type", plan.typed or "yes"),
            ]
        ),
    ]


def _show(arguments: list[str]) -> int:
    parser = store_parser(
        "approvals show",
        description="One change in full: every item, the arguments of the call, what cannot be undone.",
        epilog=f"example:\n  {PROGRAM} approvals show plan_abcdefghijkl",
    )
    parser.add_argument("id", metavar="ID", help="as `approvals list` names it")
    found = vars(parser.read(arguments))
    with kept_at(found) as store:
        record = _found(store, found["id"])
        now = store.database.clock()
        head = _head(record, now, store)
    plan = from_plain(record.plan)
    show(*head, "", *plan_lines(plan, whole=True))
    if record.arguments:
        show(
            "",
            "  The call was made with",
            *named(((name, plainly(value)) for name, value in record.arguments.items()), "    "),
        )
    if why_not_decided(record, now) is None:
        show("", f"To approve it:  {PROGRAM} approvals approve {record.id}")
    return 0


def _head(record: "PlanRecord", now: float, store: Kept) -> list[str]:
    return [
        record.id,
        *named(
            [
                ("tool", f"{record.title} ({record.tool})"),
                ("shop" if store.several else "location", store.place(record.location)),
                ("asked by", record.caller),
                ("made", moment(record.created)),
                ("good until", moment(record.expires)),
                ("status", status_words(record, now)),
            ]
        ),
    ]


def _approve(arguments: list[str]) -> int:
    parser = store_parser(
        "approvals approve",
        description="Read a change, and type what it asks for. Then the assistant's next identical call does it.",
        epilog=f"example:\n  {PROGRAM} approvals approve plan_abcdefghijkl",
    )
    parser.add_argument("id", metavar="ID", help="as `approvals list` names it")
    found = vars(parser.read(arguments))
    if not somebody_is_there():
        raise CommandError("approving needs a person at a terminal. Nothing was approved.")
    with kept_at(found) as store:
        record = _waiting(store, found["id"], "approved")
        plan = from_plain(record.plan)
        show(*_head(record, store.database.clock(), store), "", *plan_lines(plan, whole=False), "")
        if not _agrees(record, plan):
            return FAILED
        _decide(store, record, approve=True)
    show(
        wrapped(
            "Approved. Nothing was changed yet: the assistant makes the same call again, and then it is done, if the "
            f"shop is still the same by then. Good once, until {moment(record.expires)}."
        )
    )
    return 0


def _agrees(record: "PlanRecord", plan: "Plan") -> bool:
    """Whether the person types what the plan asks for; otherwise it is said that nothing was approved."""
    typed = plan.typed
    answer = ask(wrapped(f"To approve this, type: {typed or 'yes'}"))
    if answer is None or not answer:
        say("nothing was typed. Nothing was approved.")
        return False
    if not same_words(answer, typed or "yes"):
        say("that is not what was asked for. Nothing was approved.")
        return False
    return True


def _reject(arguments: list[str]) -> int:
    parser = store_parser(
        "approvals reject",
        description="Have a change refused: the assistant's next identical call is told so.",
        epilog=f"example:\n  {PROGRAM} approvals reject plan_abcdefghijkl",
    )
    parser.add_argument("id", metavar="ID", help="as `approvals list` names it")
    found = vars(parser.read(arguments))
    with kept_at(found) as store:
        record = _waiting(store, found["id"], "rejected")
        _decide(store, record, approve=False)
    show(
        wrapped("Rejected. The assistant is told so when it makes the same call again. Nothing was changed.")
    )
    return 0


def _found(store: Kept, plan_id: str) -> "PlanRecord":
    record = store.ledger.find(plan_id)
    if record is None:
        raise CommandError(str(why_not_decided(None, store.database.clock())))
    store.refuse_other("plan", record.location)
    return record


def _waiting(store: Kept, plan_id: str, wish: str) -> "PlanRecord":
    """The plan, if it can be decided on."""
    record = store.ledger.find(plan_id)
    reason = why_not_decided(record, store.database.clock())
    if record is None or reason:
        raise CommandError(f"{reason} Nothing was {wish}.")
    store.refuse_other("plan", record.location, so=f"Nothing was {wish}.")
    return record


def _decide(store: Kept, record: "PlanRecord", *, approve: bool) -> None:
    if not store.ledger.decide(record.id, approve=approve, by=user_name()):
        # Somebody else decided, or it expired, while this person was reading.
        reason = why_not_decided(store.ledger.find(record.id), store.database.clock())
        raise CommandError(f"{reason} Nothing was {'approved' if approve else 'rejected'} here.")
