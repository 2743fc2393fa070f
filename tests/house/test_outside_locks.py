"""What checkers and examples need: exact versions, and nowhere the address of anybody's registry."""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("conformance", "examples/typescript")
PYTHON_LOCKS = {
    "conformance/requirements.lock": ["conformance"],
    "examples/requirements.lock": ["examples/pydantic-ai", "examples/openai-agents"],
    "examples/langchain/requirements.lock": ["examples/langchain"],
}


def read(folder: str, name: str) -> dict[str, Any]:
    return json.loads((ROOT / folder / name).read_text("utf-8"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_node_lock_names_no_address(folder: str) -> None:
    lines = (ROOT / folder / "package-lock.json").read_text("utf-8").splitlines()
    assert [line for line in lines if "://" in line or '"resolved"' in line] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_package_of_a_node_lock_is_pinned_and_hashed(folder: str) -> None:
    packages = read(folder, "package-lock.json")["packages"]
    installed = {name: facts for name, facts in packages.items() if name}
    assert installed
    assert {
        name
        for name, facts in installed.items()
        if not facts.get("version") or not facts.get("integrity", "").startswith("sha512-")
    } == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_node_lock_holds_exactly_what_its_package_asks_for(folder: str) -> None:
    package = read(folder, "package.json")
    asked = package["dependencies"] | package.get("optionalDependencies", {})
    packages = read(folder, "package-lock.json")["packages"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked} == asked


@pytest.mark.parametrize("lock", PYTHON_LOCKS)
def test_a_python_lock_names_no_address_and_pins_every_package(lock: str) -> None:
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert pins
    assert [line for line in pins if "==" not in line or "/" in line or "@" in line] == []


@pytest.mark.parametrize(("lock", "folders"), PYTHON_LOCKS.items())
def test_a_python_lock_holds_exactly_what_was_asked_for(lock: str, folders: list[str]) -> None:
    asked = [
        line
        for folder in folders
        for line in (ROOT / folder / "requirements.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert asked
    assert set(asked) <= set((ROOT / lock).read_text("utf-8").splitlines())
