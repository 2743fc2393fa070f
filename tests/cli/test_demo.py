"""The demonstration, as a newcomer runs it."""

import subprocess
import sys

import pytest

from hoopai_products_mcp.server.demo import run


def test_the_demonstration_works_the_shop_and_says_how_to_go_on() -> None:
    played = subprocess.run(
        [sys.executable, "-m", "hoopai_products_mcp.server.cli", "demo"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (played.returncode, played.stderr) == (0, "")
    said = played.stdout.splitlines()
    assert said[0].startswith("A client has started hoopai-products-mcp over stdio (protocol 2026-07-28)")
    assert [line for line in said if line.startswith("Merchant:")] == [
        "Merchant: What am I selling?",
        "Merchant: What is low on stock?",
        "Merchant: Draft a listing for an owl lantern in two sizes, hidden for now.",
        "Merchant: Raise the storm lantern by three dollars.",
        "Merchant: Twenty percent off all candles and lamps.",
        "Merchant: Any feedback waiting for me?",
        "Merchant: Delete the old stock lantern.",
        "Merchant: No, wait. Yes, do.",
    ]
    assert "    Brass / 24 cm, amount: 64 → 67" in said
    assert "    9 prices changed; read back and compared: True." in said
    assert "    Not confirmed: the answer was no. Nothing was changed." in played.stdout
    assert "    Old stock lantern: deleted True." in said
    assert "HOOPAI_ACCESS_TOKEN" in said[-5]
    assert not any(line != line.rstrip() for line in said)


def test_a_demonstration_that_cannot_go_on_says_so_and_fails(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(("--sandbox", "--read-only")) == 1
    said = capfd.readouterr().out.splitlines()
    assert "Unknown tool: 'create_product'" in said[-3]
    assert said[-1] == "The demonstration stopped: the call above should have succeeded."
