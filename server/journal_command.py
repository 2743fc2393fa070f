"""The command `journal`: whether the record of changes is as it was written."""

import re
import sys

from .command_parser import FAILED, PROGRAM, CommandError, dispatch, say
from .kept import kept_at, store_parser
from .terminal import moment, named, show

_DESCRIPTION = """\
The record of changes.

commands:
  verify            check every event, and print the hash of the last one

example:
  hoopai-products-mcp journal verify --data-dir ./data"""

_HASH = re.compile("[0-9a-f]{64}")


def run(arguments: list[str]) -> int:
    """Run one of its commands; the exit code is 0, or 1 when the journal does not hold."""
    return dispatch("journal", arguments, {"verify": _verify}, default="verify", description=_DESCRIPTION)


def _verify(arguments: list[str]) -> int:
    parser = store_parser(
        "journal verify",
        description=(
            "Check that no event was altered, taken out or put in, and print the hash of the last one (the head).\n"
            "Note the head somewhere else: given with --expect later, it shows that nothing before it was rewritten."
        ),
        epilog=f"example:\n  {PROGRAM} journal verify --expect HASH",
        # One chain has the changes of all shops.
        of_a_shop=False,
    )
    parser.option("--expect", metavar="HASH", help="a head that was noted earlier, 64 hexadecimal digits")
    found = vars(parser.read(arguments))
    expect = found["expect"] and found["expect"].strip().lower()
    if expect is not None and not _HASH.fullmatch(expect):
        raise CommandError(
            "--expect must be a hash of 64 hexadecimal digits, as this command prints it", code=2
        )
    with kept_at(found) as store:
        proof = store.journal.verify(expect)
    rows: list[tuple[str, object]] = [
        ("events", f"{proof.events} checked"),
        (
            "pruned",
            proof.pruned_before and f"up to {moment(proof.pruned_before)}, as the journal says itself",
        ),
        ("head", proof.head),
        ("expected", {True: "is part of it", False: "is not part of it", None: None}[proof.expected]),
    ]
    show(*named(rows))
    if proof.fault:
        sys.stdout.flush()
        say(f"the journal does not hold: {proof.fault}.")
        return FAILED
    show("The journal holds." + ("" if expect else " Note the head elsewhere, to check against it later."))
    return 0
