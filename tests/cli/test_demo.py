"""The demonstration, as a newcomer runs it."""

import re
import subprocess
from pathlib import Path

import pytest
from at_a_terminal import COMMAND, environment, terminal

from hoopai_products_mcp.server.demo import run

SENTENCES = [
    "Merchant: What am I selling?",
    "Merchant: What is low on stock?",
    "Merchant: Draft a listing for an owl lantern in two sizes, hidden for now.",
    "Merchant: Raise the storm lantern by three dollars.",
    "Merchant: What would twenty percent off “Lanterns and light” come to?",
    "Merchant: Do it.",
    "Merchant: What was changed today, and can I go back?",
    "Merchant: The sale is over.",
    "Merchant: Any feedback waiting for me?",
    "Merchant: Delete the gift card, nobody buys it.",
    "Merchant: Then delete the old stock lantern.",
]
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def played(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "demo"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment(**variables),
    )


@pytest.fixture(scope="module")
def scenes() -> dict[str, list[str]]:
    """What one run showed, by what the merchant said before; the front and the end by no sentence."""
    shown = played()
    assert (shown.returncode, shown.stderr) == (0, "")
    parts: dict[str, list[str]] = {"": []}
    sentence = ""
    for line in shown.stdout.splitlines():
        if line.startswith("Merchant: ") or line == "That is all.":
            sentence = line
            parts[sentence] = []
        else:
            parts[sentence].append(line)
    return parts


def test_the_demonstration_works_the_shop_from_a_first_look_to_a_plan_out_of_date(
    scenes: dict[str, list[str]],
) -> None:
    assert list(scenes) == ["", *SENTENCES, "That is all."]
    assert scenes[""][0].startswith(
        "A client has started hoopai-products-mcp over stdio (protocol 2026-07-28)"
    )
    assert "    … and 51 more." in scenes[SENTENCES[0]]
    assert "    Large: 39 USD, 6 in stock" in scenes[SENTENCES[2]]
    assert "    Brass / 24 cm, amount: 64 → 67" in scenes[SENTENCES[3]]


def test_a_sale_is_previewed_approved_by_its_number_looked_up_and_undone(
    scenes: dict[str, list[str]],
) -> None:
    preview, deed, history, end = (scenes[sentence] for sentence in SENTENCES[4:8])
    assert "    Change 28 prices of 11 products: price down by 20 %" in preview
    assert (
        "    Nothing was changed. Without dry_run the same call asks the person, then does this." in preview
    )
    assert "    │ • Solar glow stones: Blue: 19.99 USD → 15.99 USD" in deed
    assert deed[deed.index("    │ To go ahead, type: 28") :] == [
        "    │ To go ahead, type: 28",
        "    └ types: 28",
        "    (progress: reading prices, 33 of 33)",
        "    28 prices changed; read back and compared: yes.",
        "",
    ]
    newest = next(line for line in history if "Change 28 prices" in line)
    assert newest.split()[-2:] == ["done", "person"]
    assert "    Can the first be undone? yes" in history
    assert "    │ • “Solar glow stones: Blue”, amount: 15.99 USD → 19.99 USD" in end
    assert "    │ • … 7 more like these" in end
    assert "    │ • and 18 more" in end
    assert "    28 prices restored; read back and compared: yes." in end


def test_a_deletion_is_refused_by_the_policy_of_the_shop(scenes: dict[str, list[str]]) -> None:
    assert scenes[SENTENCES[9]][-5:] == [
        "  delete_product(product_id=…)",
        "    Refused by this shop's policy. Nothing was changed.",
        '    • Protected for product “Gift card”: protected.names has "gift card*" in policy.toml.',
        "    No call can get past that: tell the person, who can ask whoever runs this server.",
        "",
    ]


def test_a_yes_to_what_somebody_else_changed_meanwhile_is_no_leave(scenes: dict[str, list[str]]) -> None:
    said = scenes[SENTENCES[10]]
    meanwhile = said.index("  While the question is open, a colleague counts six of them in the web app.")
    assert said[meanwhile + 1 : meanwhile + 5] == [
        "    └ types: Old stock lantern",
        "    │ The shop changed while the question was open, so the answer to it does not count. Nothing was",
        "    │ changed. What is different now:",
        "    │ • product Old stock lantern, available_quantity: was 0, is 6 now",
    ]
    assert said[-3:] == [
        "    └ no",
        "    Not confirmed: the answer was no. Nothing was changed. Ask the person before you call again.",
        "",
    ]


def test_the_demonstration_ends_with_how_to_connect(scenes: dict[str, list[str]]) -> None:
    end = "\n".join(scenes["That is all."])
    assert "claude mcp add hoopai-products -- " in end
    assert "--sandbox" in end
    assert "export HOOPAI_ACCESS_TOKEN=pit-..." in end


def test_two_runs_show_the_same_in_lines_that_fit_and_leave_nothing_behind(
    scenes: dict[str, list[str]], tmp_path: Path
) -> None:
    # Whatever is set on this machine is not of the demonstration.
    again = played(TMPDIR=str(tmp_path), HOOPAI_READ_ONLY="true", HOOPAI_CONFIRMATION="off")
    lines = again.stdout.splitlines()
    first = [line for sentence, part in scenes.items() for line in ([sentence] if sentence else []) + part]
    assert lines == first
    end = lines.index("That is all.")
    assert [line for line in lines[:end] if len(line) > 100 or line != line.rstrip()] == []
    assert list(tmp_path.iterdir()) == []


def test_at_a_terminal_of_eighty_columns_no_line_is_longer_and_progress_grows() -> None:
    with terminal("demo", variables={"TERM": "xterm-256color", "NO_COLOR": ""}) as seen:
        code, shown = seen.end()
    assert code == 0
    assert re.search("reading prices [━╸ ]+ *33/33", CONTROL.sub("", shown))
    lines = [CONTROL.sub("", line.split("\r")[-1]) for line in shown.splitlines()]
    end = lines.index("That is all.")
    kept = [line for line in lines[:end] if "reading prices ━" not in line]
    assert [line for line in kept if len(line) > 80] == []


def test_a_reader_that_stops_ends_it_without_a_word() -> None:
    with subprocess.Popen(
        [*COMMAND, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 141


def test_a_demonstration_that_cannot_go_on_says_so_and_fails(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(("--read-only",)) == 1
    said = capfd.readouterr().out.splitlines()
    assert "Unknown tool: 'create_product'" in said[-3]
    assert said[-1] == "The demonstration stopped: the last call did not end as it should have."
