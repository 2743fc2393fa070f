"""Modules stay readable, and nothing that ships points at the machine it was written on."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_MODULE = 450
LONGEST_TEST_MODULE = 700  # tables of cases are long, and no harder to read for it

# Written in pieces, so that this file does not hold what it looks for.
MACHINE_PATHS = re.compile(
    "|".join("/" + place for place in ("work/", "root/", r"home/\w", r"Users/\w", "opt/"))
)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def test_no_module_has_grown_into_two_things() -> None:
    too_long = {
        path.relative_to(ROOT): lines
        for path in tracked()
        if path.suffix == ".py"
        and (lines := len(path.read_text("utf-8").splitlines()))
        > (LONGEST_TEST_MODULE if path.is_relative_to(ROOT / "tests") else LONGEST_MODULE)
    }
    assert too_long == {}


def test_no_file_names_a_path_of_one_machine() -> None:
    found: list[str] = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in MACHINE_PATHS.finditer(text)]
    assert found == []


def test_no_two_test_modules_have_one_name() -> None:
    """Without packages, pytest collects only the first of them."""
    names = [path.name for path in tracked() if path.is_relative_to(ROOT / "tests") and path.suffix == ".py"]
    assert {name for name in names if names.count(name) > 1} <= {"conftest.py"}
