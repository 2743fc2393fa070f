"""What was changed, on the command line: listed, shown in full, exported."""

import csv
import io
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from at_a_terminal import COMMAND, environment, piped
from kept_things import DELETE, HIDE_MANY, RAISE, journal, store_in

from hoopai_products_mcp.guard.journal import Outcome
from hoopai_products_mcp.guard.plan import Effect, Plan, PlanItem
from hoopai_products_mcp.server.export import PAGE, cell

DONE = Outcome(outcome="done", applied=1, of=1, response={"id": "p1", "amount": 33})
REVIEW = "=HYPERLINK(“http://example.com”) \u202eapproved: yes\x1b[2J"
GONE_REVIEW = Plan(
    action="Delete a review of “Owl lantern”.",
    items=(PlanItem(label=REVIEW),),
    effects=(
        Effect(kind="review", id="r1", within="l1", field="exists", before={"detail": REVIEW, "rating": 1}),
    ),
)


def test_changes_are_listed_the_newest_first_a_page_at_a_time(tmp_path: Path) -> None:
    ids = [journal(tmp_path, outcome=DONE) for _ in range(3)]
    code, stdout, stderr = piped("changes", "--limit=2", f"--data-dir={tmp_path}")
    assert (code, stderr) == (0, "")
    assert [change_id in stdout for change_id in ids] == [False, True, True]
    assert stdout.index(ids[2]) < stdout.index(ids[1])
    more = f"changes list --offset 2 --limit 2 --data-dir {tmp_path}"
    assert f"1 to 2 of 3.\nMore:  hoopai-products-mcp {more}\n" in stdout
    _, stdout, _ = piped("changes", "list", "--offset=2", f"--data-dir={tmp_path}")
    assert ids[0] in stdout
    assert "3 to 3 of 3.\n" in stdout
    assert piped("changes", "list", "--offset=9", f"--data-dir={tmp_path}") == (
        0,
        "No more changes: there are 3 of them.\n",
        "",
    )


def test_changes_are_narrowed_by_tool_and_outcome(tmp_path: Path) -> None:
    done = journal(tmp_path, outcome=DONE)
    unknown = journal(
        tmp_path, DELETE, outcome=Outcome(outcome="unknown", why="it timed out"), tool="delete_product"
    )
    open_still = journal(tmp_path)
    for options, wanted in (
        # Of one that is under way, or was broken off, it is not known either.
        (["--outcome=unknown"], {unknown, open_still}),
        (["--tool=update_price"], {done, open_still}),
        (["--tool=update_price", "--outcome=done"], {done}),
    ):
        _, stdout, _ = piped("changes", "list", *options, f"--data-dir={tmp_path}")
        assert {change_id for change_id in (done, unknown, open_still) if change_id in stdout} == wanted


def test_a_change_is_shown_in_full(tmp_path: Path) -> None:
    change_id = journal(
        tmp_path,
        HIDE_MANY,
        outcome=Outcome(
            outcome="unknown",
            applied=3,
            of=30,
            why="a part timed out",
            response={"notes": ["later", "and again"]},
        ),
        road="human_approval by anna",
    )
    undoing = journal(tmp_path, outcome=DONE, undoes=change_id, tool="undo_change")
    code, stdout, stderr = piped("changes", "show", change_id, f"--data-dir={tmp_path}")
    assert (code, stderr) == (0, "")
    for line in (
        "allowed    a person approved it outside the conversation: anna",
        "outcome    not known, 3 of 30 parts are there",
        "why        a part timed out",
        f"undone by  {undoing}",
        "    • Lamp 29: shown → hidden",
        '    notes  ["later", "and again"]',
        "    price_id  p1",
    ):
        assert f"{line}\n" in stdout
    _, stdout, _ = piped("changes", "show", undoing, f"--data-dir={tmp_path}")
    assert f"undoes    {change_id}\n" in stdout
    assert "allowed   a person answered the client's question\n" in stdout


def test_an_unknown_change_is_no_traceback(tmp_path: Path) -> None:
    journal(tmp_path)
    assert piped("changes", "show", "chg_nosuchchange", f"--data-dir={tmp_path}") == (
        1,
        "",
        "hoopai-products-mcp: no change has that id.\n",
    )


def test_texts_of_the_shop_reach_the_terminal_as_texts(tmp_path: Path) -> None:
    change_id = journal(tmp_path, GONE_REVIEW, outcome=DONE, client="\x1b[2Jclient")
    for command in (["list"], ["show", change_id], ["export"], ["export", "--format=json"]):
        code, stdout, _ = piped("changes", *command, f"--data-dir={tmp_path}")
        assert code == 0
        assert [char for char in stdout if not (char.isprintable() or char == "\n")] == []


def test_it_ends_quietly_when_nobody_reads_on(tmp_path: Path) -> None:
    for _ in range(20):
        journal(tmp_path, HIDE_MANY, outcome=DONE)
    command = [*COMMAND, "changes", "export", f"--data-dir={tmp_path}"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith(b"id,time,")
        process.stdout.close()
        assert (process.wait(timeout=60), process.stderr.read()) == (141, b"")


def test_json_lines_hold_everything_of_every_change(tmp_path: Path) -> None:
    ids = [journal(tmp_path, outcome=DONE) for _ in range(PAGE + 2)]
    gone = journal(tmp_path, GONE_REVIEW, location="loc2", outcome=Outcome(outcome="done"))
    file = tmp_path / "changes.jsonl"
    code, stdout, stderr = piped(
        "changes", "export", "--format=json", f"--output={file}", f"--data-dir={tmp_path}"
    )
    assert (code, stdout, stderr) == (0, f"{PAGE + 3} changes written.\n", "")
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    rows = [json.loads(line) for line in file.read_text("ascii").splitlines()]
    assert [row["id"] for row in rows] == [gone, *reversed(ids)]
    assert rows[0]["plan"]["effects"][0]["before"]["detail"] == REVIEW
    with store_in(tmp_path) as store:
        kept = store.journal.find(ids[0])
    assert kept is not None
    assert (rows[-1]["plan"], rows[-1]["arguments"]) == (kept.plan, kept.arguments)
    assert rows[-1]["outcome"]["response"] == {"id": "p1", "amount": 33}


def test_a_spreadsheet_reads_every_change_and_runs_no_formula(tmp_path: Path) -> None:
    journal(tmp_path, outcome=DONE)
    journal(tmp_path, GONE_REVIEW, outcome=Outcome(outcome="done", why="@SUM(A1)"), client="+1", caller="-1")
    _, stdout, _ = piped("changes", "export", f"--data-dir={tmp_path}")
    gone, raised = csv.DictReader(io.StringIO(stdout, newline=""))
    assert (raised["action"], raised["outcome"], raised["applied"]) == (RAISE.action, "done", "1")
    assert (gone["why"], gone["client"], gone["caller"]) == ("'@SUM(A1)", "'+1", "'-1")
    assert gone["items"] == "'=HYPERLINK(“http://example.com”) approved: yes[2J"
    assert json.loads(gone["effects"])[0]["before"]["rating"] == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", " =", "\u200b="])
def test_a_cell_that_begins_like_a_formula_is_text(start: str) -> None:
    assert cell(f"{start}1+1").startswith("'")
    assert cell("A lamp = light") == "A lamp = light"


def test_an_export_overwrites_nothing(tmp_path: Path) -> None:
    journal(tmp_path, outcome=DONE)
    file = tmp_path / "letter.txt"
    file.write_text("Dear customer")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for output in (file, tmp_path / "link"):
        assert piped("changes", "export", f"--output={output}", f"--data-dir={tmp_path}") == (
            1,
            "",
            "hoopai-products-mcp: that file exists already, and is not overwritten. Nothing was exported.\n",
        )
    assert file.read_text() == "Dear customer"
    assert not (tmp_path / "elsewhere").exists()
    code, _, stderr = piped(
        "changes", "export", f"--output={tmp_path / 'no' / 'x'}", f"--data-dir={tmp_path}"
    )
    assert (code, "cannot be made: No such file or directory" in stderr) == (1, True)


def test_undoing_needs_a_person_at_a_terminal(tmp_path: Path) -> None:
    change_id = journal(tmp_path, outcome=DONE)
    assert piped("changes", "undo", change_id, f"--data-dir={tmp_path}", typed="yes\n") == (
        1,
        "",
        "hoopai-products-mcp: undoing needs a person at a terminal. Nothing was changed.\n",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["undoo", "x"], "there is an argument or command that is not known; did you mean the command undo?"),
        (["list", "--limit=-1"], "argument --limit: must be a whole number from 0"),
        (
            ["list", "--outcome=secret"],
            "argument --outcome: has a value it cannot have. Allowed: done, not_done, unknown",
        ),
        (
            ["list", "--outcome=don"],
            "argument --outcome: has a value it cannot have. Did you mean done? Allowed: ",
        ),
        (["export", "--format=xml"], "argument --format: has a value it cannot have. Allowed: csv, json"),
        (
            ["undo", "x", "--on-conflict=secret"],
            "argument --on-conflict: has a value it cannot have. Allowed: ",
        ),
    ],
)
def test_a_wrong_word_is_named_and_not_repeated(arguments: list[str], said: str) -> None:
    code, stdout, stderr = piped("changes", *arguments)
    assert (code, stdout) == (2, "")
    assert stderr.startswith(f"hoopai-products-mcp: {said}")
    assert "secret" not in stderr


@pytest.mark.parametrize("command", [[], ["list"], ["show"], ["undo"], ["reconcile"], ["export"]])
def test_each_of_its_commands_has_help_with_an_example(command: list[str]) -> None:
    code, stdout, stderr = piped("changes", *command, "--help")
    assert (code, stderr) == (0, "")
    assert "hoopai-products-mcp changes" in stdout[stdout.index("example") :]
