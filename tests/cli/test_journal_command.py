"""`journal verify`: a journal that holds, and one that somebody altered."""

import re
import sqlite3
from pathlib import Path

import pytest
from at_a_terminal import piped
from kept_things import journal

from hoopai_products_mcp.guard.journal import Outcome


def head_of(stdout: str) -> str:
    match = re.search("  head    ([0-9a-f]{64})\n", stdout)
    assert match
    return match[1]


def test_a_journal_that_holds_gives_the_hash_to_note(tmp_path: Path) -> None:
    journal(tmp_path, outcome=Outcome(outcome="done"))
    code, stdout, stderr = piped("journal", "verify", f"--data-dir={tmp_path}")
    assert (code, stderr) == (0, "")
    assert stdout.startswith("  events  2 checked\n")
    noted = head_of(stdout)
    journal(tmp_path)
    code, stdout, stderr = piped("journal", "verify", f"--expect={noted}", f"--data-dir={tmp_path}")
    assert (code, stderr) == (0, "")
    assert "  expected  is part of it\nThe journal holds.\n" in stdout


def test_a_head_that_was_never_its_own_is_a_fault(tmp_path: Path) -> None:
    journal(tmp_path)
    code, stdout, stderr = piped("journal", "verify", f"--expect={'a' * 64}", f"--data-dir={tmp_path}")
    assert (code, "is not part of it" in stdout) == (1, True)
    assert stderr == (
        "hoopai-products-mcp: the journal does not hold: the head that was noted is not part of the chain.\n"
    )


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        ("UPDATE guard_events SET body = replace(body, '33', '3300') WHERE seq = 1", "event 1"),
        ("DELETE FROM guard_events WHERE seq = 2", "missing"),
        ("UPDATE guard_changes SET outcome = 'not_done'", "the list of changes says outcome is not_done"),
    ],
)
def test_a_journal_that_was_altered_is_a_failure_with_its_fault(
    tmp_path: Path, tampering: str, said: str
) -> None:
    for _ in range(2):
        journal(tmp_path, outcome=Outcome(outcome="done"))
    connection = sqlite3.connect(tmp_path / "guard.sqlite")
    with connection:
        connection.execute(tampering)
    connection.close()
    code, stdout, stderr = piped("journal", "verify", f"--data-dir={tmp_path}")
    assert (code, "The journal holds" in stdout) == (1, False)
    assert stderr.startswith("hoopai-products-mcp: the journal does not hold: ")
    assert said in stderr


def test_what_is_no_hash_is_refused_and_not_repeated(tmp_path: Path) -> None:
    journal(tmp_path)
    assert piped("journal", "verify", "--expect=secret", f"--data-dir={tmp_path}") == (
        2,
        "",
        "hoopai-products-mcp: --expect must be a hash of 64 hexadecimal digits, as this command prints it\n",
    )


def test_without_a_store_there_is_nothing_to_verify(tmp_path: Path) -> None:
    code, stdout, stderr = piped("journal", "verify", f"--data-dir={tmp_path / 'none'}")
    assert (code, stdout, "nothing has been kept" in stderr) == (1, "", True)


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"]])
def test_it_has_help_with_an_example(arguments: list[str]) -> None:
    code, stdout, stderr = piped("journal", *arguments)
    assert (code, stderr) == (0, "")
    assert "hoopai-products-mcp journal verify" in stdout[stdout.index("example") :]
