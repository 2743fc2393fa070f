"""The lock files: no address in them, every line hashed, and what pyproject.toml asks for held."""

import importlib.util
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / "scripts" / "lock.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_address_and_no_path(name: str) -> None:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    assert [line for line in lines if "/" in line or line.startswith("-") or "@" in line] == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_of_a_lock_file_is_pinned_exactly_and_hashed(name: str) -> None:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    packages = [(line, below) for line, below in pairwise(lines) if line[:1].isalnum()]
    assert packages
    assert [line for line, below in packages if "==" not in line or "--hash=sha256:" not in below] == []


def test_the_lock_files_hold_what_the_project_asks_for(script: ModuleType) -> None:
    assert script.problems() == []
