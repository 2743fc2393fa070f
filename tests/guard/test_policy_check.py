"""The command that tells what a policy comes to."""

from pathlib import Path

import pytest

from hoopai_products_mcp.server.policy_command import check

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "policy.example.toml"


def test_the_example_is_fine_and_its_tools_are_those_of_this_server(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert check(EXAMPLE, True) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "One call raises an amount by at most 25 % (prices.max_rise_percent)."


def test_no_file_is_fine_unless_it_was_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(None, False) == 0
    assert check(tmp_path / "policy.toml", False) == 0
    capsys.readouterr()
    assert check(tmp_path / "policy.toml", True) == 1
    assert capsys.readouterr().out.splitlines() == [
        "No write is allowed until policy.toml is mended.",
        "policy.toml does not exist where it was said to be",
    ]


def test_a_tool_that_only_reads_cannot_be_forbidden(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[calls]\nforbidden_tools = ["get_product"]\n')
    assert check(path, True) == 1
    assert "line 2: calls.forbidden_tools names get_product, no tool that writes" in capsys.readouterr().out
