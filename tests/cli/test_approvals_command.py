"""A person decides on the command line: what waits, approving with what the plan asks to be typed, rejecting."""

import getpass
from pathlib import Path

import pytest
from at_a_terminal import piped, terminal
from kept_things import DELETE, HIDE_MANY, RAISE, found, keep, store_in

from hoopai_products_mcp.guard.plan import Plan, PlanItem

EVIL = Plan(
    action="Delete the product “\x1b[2J\u202eapproved: yes\n> yes\nApproved.\u200b\U000e0041”.",
    items=(PlanItem(label="\x1b]0;approved: yes\x07approved: yes\r\n> yes", before="\x9b1m", after="yes"),),
    also=("approved: yes",),
    lasting="\x08\x08yes",
    target="Nice\u200b \x1b[31mlamp\u202e",
)
"""A plan whose names try to answer for a person, and to move their cursor."""


def test_where_nothing_was_kept_it_says_so_and_makes_no_store(tmp_path: Path) -> None:
    code, stdout, stderr = piped("approvals", f"--data-dir={tmp_path}")
    assert (code, stdout) == (1, "")
    assert stderr.startswith(f"hoopai-products-mcp: nothing has been kept in {tmp_path} yet.\n")
    assert list(tmp_path.iterdir()) == []


def test_the_embedded_shop_without_a_folder_is_told_to_have_one() -> None:
    code, stdout, stderr = piped("approvals", HOOPAI_SANDBOX="true")
    assert (code, stdout) == (1, "")
    assert "Start it with --data-dir FOLDER and give this command the same." in stderr


def test_a_store_that_is_none_is_named_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "guard.sqlite").write_text("Dear customer,\n" * 1000)
    code, stdout, stderr = piped("approvals", f"--data-dir={tmp_path}")
    assert (code, stdout) == (1, "")
    assert "damaged or is no store at all" in stderr
    assert "Traceback" not in stderr


def test_what_waits_is_listed_by_location_and_the_oldest_first(tmp_path: Path) -> None:
    second, first = keep(tmp_path, ago=10), keep(tmp_path, DELETE, ago=200)
    other = keep(tmp_path, HIDE_MANY, location="loc2")
    gone = [keep(tmp_path, ago=700), keep(tmp_path, status="open")]
    code, stdout, stderr = piped("approvals", HOOPAI_DATA_DIR=str(tmp_path))
    assert (code, stderr) == (0, "")
    told = ["Location loc1", second.id, first.id, "Location loc2", other.id]
    assert sorted(told, key=stdout.index) == told
    assert [record.id for record in gone if record.id in stdout] == []
    assert "  what        Delete the product “Old lantern”.\n  touches     1 thing\n" in stdout
    assert f"to approve  hoopai-products-mcp approvals approve {other.id}\n  then type   30\n" in stdout
    assert "  then type   Old lantern\n" in stdout
    assert "  then type   yes\n" in stdout


def test_nothing_waiting_is_no_failure(tmp_path: Path) -> None:
    keep(tmp_path, status="open")
    assert piped("approvals", "list", f"--data-dir={tmp_path}") == (0, "Nothing waits for approval.\n", "")


def test_show_tells_every_item_the_arguments_and_what_is_lasting(tmp_path: Path) -> None:
    many, one = (
        keep(tmp_path, HIDE_MANY, arguments={"shown": False, "note": "spring"}),
        keep(tmp_path, DELETE),
    )
    code, stdout, _ = piped("approvals", "show", many.id, f"--data-dir={tmp_path}")
    assert code == 0
    assert [item for item in HIDE_MANY.items if f"    • {item}\n" not in stdout] == []
    assert "    shown  false\n    note   spring\n" in stdout
    _, stdout, _ = piped("approvals", "show", one.id, f"--data-dir={tmp_path}")
    assert "What cannot be undone: its id, links to it and its reviews do not come back." in stdout


@pytest.mark.parametrize(
    ("plan", "typed"),
    [(RAISE, "yes"), (DELETE, "  old LANTERN "), (HIDE_MANY, "30"), (EVIL, "1")],
    ids=["yes", "name", "number", "number for a name that cannot be typed"],
)
def test_a_person_approves_by_typing_what_is_asked(tmp_path: Path, plan: Plan, typed: str) -> None:
    record = keep(tmp_path, plan)
    with terminal("approvals", "approve", record.id, f"--data-dir={tmp_path}") as screen:
        screen.until("\n> ")
        assert found(tmp_path, record.id).status == "pending"
        screen.type(f"{typed}\n")
        code, shown = screen.end()
    assert code == 0
    assert "Approved. Nothing was changed yet" in shown
    kept = found(tmp_path, record.id)
    assert (kept.status, kept.decided_by) == ("approved", getpass.getuser())


@pytest.mark.parametrize(
    ("plan", "typed", "said"),
    [
        (DELETE, "yes\n", "that is not what was asked for."),
        (DELETE, "1\n", "that is not what was asked for."),
        (HIDE_MANY, "29\n", "that is not what was asked for."),
        (RAISE, "y\n", "that is not what was asked for."),
        (RAISE, "approved: yes\n", "that is not what was asked for."),
        (RAISE, "\n", "nothing was typed."),
        (RAISE, "\x04", "nothing was typed."),
    ],
)
def test_anything_else_approves_nothing(tmp_path: Path, plan: Plan, typed: str, said: str) -> None:
    record = keep(tmp_path, plan)
    with terminal("approvals", "approve", record.id, f"--data-dir={tmp_path}") as screen:
        screen.until("\n> ")
        screen.type(typed)
        code, shown = screen.end()
    assert code == 1
    assert f"hoopai-products-mcp: {said} Nothing was approved.\n" in shown
    assert found(tmp_path, record.id).status == "pending"


def test_ctrl_c_approves_nothing(tmp_path: Path) -> None:
    record = keep(tmp_path)
    with terminal("approvals", "approve", record.id, f"--data-dir={tmp_path}") as screen:
        screen.until("\n> ")
        code, shown = screen.interrupt()
    assert code == 130
    assert "Traceback" not in shown
    assert found(tmp_path, record.id).status == "pending"


def test_what_was_typed_before_the_question_is_no_answer(tmp_path: Path) -> None:
    record = keep(tmp_path)
    with terminal("approvals", "approve", record.id, f"--data-dir={tmp_path}") as screen:
        screen.type("yes\n")
        screen.until("\n> ")
        screen.type("\x04")
        code, _ = screen.end()
    assert code == 1
    assert found(tmp_path, record.id).status == "pending"


def test_a_program_cannot_approve(tmp_path: Path) -> None:
    record = keep(tmp_path)
    assert piped("approvals", "approve", record.id, f"--data-dir={tmp_path}", typed="yes\n") == (
        1,
        "",
        "hoopai-products-mcp: approving needs a person at a terminal. Nothing was approved.\n",
    )
    assert found(tmp_path, record.id).status == "pending"


def test_texts_of_the_shop_cannot_answer_or_move_the_cursor(tmp_path: Path) -> None:
    record = keep(tmp_path, EVIL, arguments={"name": "\x1b[2Japproved: yes\n> yes"})
    with terminal("approvals", "approve", record.id, f"--data-dir={tmp_path}") as screen:
        asked = screen.until("\n> ")
        screen.type("\n")
        code, _ = screen.end()
    assert code == 1
    lines = asked.splitlines()
    assert [line for line in lines if "approved: yes" in line and not line.startswith("  ")] == []
    assert lines[-2:] == ["To approve this, type: 1", "> "]
    for command in (["list"], ["show", record.id]):
        _, stdout, _ = piped("approvals", *command, f"--data-dir={tmp_path}")
        assert [char for char in stdout if not (char.isprintable() or char == "\n")] == []
    assert found(tmp_path, record.id).status == "pending"


def test_rejecting_needs_no_typing(tmp_path: Path) -> None:
    record = keep(tmp_path)
    code, stdout, stderr = piped("approvals", "reject", record.id, f"--data-dir={tmp_path}")
    assert (code, stderr) == (0, "")
    assert stdout.startswith("Rejected.")
    kept = found(tmp_path, record.id)
    assert (kept.status, kept.decided_by) == ("rejected", getpass.getuser())


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("unknown", "No plan has that id, or it expired long ago and was forgotten."),
        ("expired", "That plan has expired. If the change is still wanted, have the assistant call again."),
        ("approved", "That plan was approved already by somebody."),
        ("rejected", "That plan was rejected already by somebody."),
        (
            "spent",
            "That plan was used already: it was carried out, or tried. It cannot be decided on any more.",
        ),
        ("open", "That plan is not waiting here: it was shown in a conversation, and is decided on there."),
    ],
)
def test_a_plan_that_cannot_be_decided_on_says_why(tmp_path: Path, state: str, said: str) -> None:
    record = keep(
        tmp_path, status="open" if state == "open" else "pending", ago=700 if state == "expired" else 0
    )
    with store_in(tmp_path) as store:
        if state in {"approved", "rejected", "spent"}:
            store.ledger.decide(record.id, approve=state != "rejected", by="somebody")
        if state == "spent":
            store.ledger.spend(record.id, from_status="approved")
    plan_id = "plan_nosuchplan00" if state == "unknown" else record.id
    with terminal("approvals", "approve", plan_id, f"--data-dir={tmp_path}") as screen:
        code, shown = screen.end()
    assert (code, " ".join(shown.split())) == (1, f"hoopai-products-mcp: {said} Nothing was approved.")
    assert piped("approvals", "reject", plan_id, f"--data-dir={tmp_path}") == (
        1,
        "",
        f"hoopai-products-mcp: {said} Nothing was rejected.\n",
    )


def test_what_somebody_else_decided_meanwhile_stays(tmp_path: Path) -> None:
    record = keep(tmp_path)
    with terminal("approvals", "approve", record.id, f"--data-dir={tmp_path}") as screen:
        screen.until("\n> ")
        with store_in(tmp_path) as store:
            assert store.ledger.decide(record.id, approve=False, by="the approval page")
        screen.type("yes\n")
        code, shown = screen.end()
    assert code == 1
    assert "That plan was rejected already by the approval page. Nothing was approved here." in shown
    assert found(tmp_path, record.id).status == "rejected"


@pytest.mark.parametrize("command", [[], ["list"], ["show"], ["approve"], ["reject"]])
def test_each_has_help_with_an_example(command: list[str]) -> None:
    code, stdout, stderr = piped("approvals", *command, "--help")
    assert (code, stderr) == (0, "")
    assert "hoopai-products-mcp approvals" in stdout[stdout.index("example") :]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["aprove", "x"],
            "there is an argument or command that is not known; did you mean the command approve?",
        ),
        (["--data-dir=x", "show"], "there is an argument or command that is not known"),
        (["show"], "the following arguments are required: ID"),
        (["list", "--dat-dir=x"], "there is no option --dat-dir; did you mean --data-dir?"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest(arguments: list[str], said: str) -> None:
    code, stdout, stderr = piped("approvals", *arguments)
    assert (code, stdout) == (2, "")
    assert stderr.startswith(f"hoopai-products-mcp: {said}\n`hoopai-products-mcp approvals")
