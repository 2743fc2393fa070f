"""The audit of what the package runs on: a whole bill without addresses, and no silence where nobody looked."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import audit
import pytest
from lock import RUN_LOCK, pins
from programs import FailedCheckError

ROOT = Path(__file__).resolve().parents[2]

KNOWN: dict[str, Any] = {"name": "a", "version": "1", "vulns": []}


def component(name: str, version: str) -> dict[str, Any]:
    return {
        "bom-ref": f"{name}=={version}",
        "name": name,
        "version": version,
        "licenses": [{"license": {"id": "MIT"}}],
        "externalReferences": [{"type": "distribution", "url": "https://index.example.com/x/"}],
        "properties": [{"name": "path", "value": "file:///somewhere"}],
    }


@pytest.fixture
def bill() -> dict[str, Any]:
    """Of an environment with more in it than the package runs on."""
    found = [component(name, str(version)) for name, version in pins(RUN_LOCK).items()]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "metadata": {"component": {"bom-ref": "root"}, "tools": {"components": [component("maker", "1")]}},
        "components": [*found, component("pytest", "9")],
        "dependencies": [
            {"ref": "pytest==9", "dependsOn": [found[0]["bom-ref"]]},
            {"ref": found[1]["bom-ref"], "dependsOn": [found[0]["bom-ref"], "pytest==9"]},
        ],
    }


def test_a_bill_lists_what_is_locked_with_its_hashes_and_no_address(bill: dict[str, Any]) -> None:
    found = audit.only_locked(bill)
    assert list(audit.problems_of(found)) == []
    assert {each["name"] for each in found["components"]} == set(pins(RUN_LOCK))
    text = RUN_LOCK.read_text("utf-8")
    for each in found["components"]:
        assert each["hashes"]
        assert all(f"sha256:{given['content']}" in text for given in each["hashes"])
    root, other = found["dependencies"]
    assert {ref.partition("==")[0] for ref in root["dependsOn"]} >= {"mcp", "httpx", "pydantic", "pyyaml"}
    assert other["dependsOn"] == [found["components"][0]["bom-ref"]]


def test_what_is_wrong_with_a_bill_is_said(bill: dict[str, Any]) -> None:
    good = audit.only_locked(bill)
    missing, old, strange, nameless, addressed = (deepcopy(good) for _ in range(5))
    gone = missing["components"].pop(0)
    old["components"][0]["version"] = "0.0.1"
    strange["components"][0]["licenses"] = [{"license": {"id": "AGPL-3.0-only"}}]
    nameless["components"][0]["licenses"] = []
    addressed["components"][0]["description"] = "from https://index.example.com/simple"
    for changed, word in (
        (missing, gone["name"]),
        (old, "0.0.1"),
        (strange, "AGPL-3.0-only"),
        (nameless, "no licence"),
        (addressed, "https://index.example.com/simple"),
    ):
        (problem,) = audit.problems_of(changed)
        assert word in problem


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        ([KNOWN], "1 packages have no known weakness"),
        (
            [KNOWN, {"name": "b", "skip_reason": "not found"}],
            "1 packages have no known weakness; NOT looked up: b",
        ),
    ],
)
def test_what_was_looked_up_is_told_from_what_was_not(packages: list[dict[str, Any]], said: str) -> None:
    assert audit.judged(0, json.dumps({"dependencies": packages}), "") == said


@pytest.mark.parametrize(
    ("output", "errors"),
    [
        ("", "Traceback\nConnectionError: no route"),
        ("", ""),
        (json.dumps({"dependencies": []}), ""),
        # pip-audit itself calls that "No known vulnerabilities found".
        (
            json.dumps({"dependencies": [{"name": "a", "skip_reason": "not found"}]}),
            "No known vulnerabilities found",
        ),
    ],
)
def test_where_nobody_could_look_it_says_so_and_is_no_failure(output: str, errors: str) -> None:
    assert audit.judged(1, output, errors).startswith("NOT AUDITED")


def test_a_known_weakness_is_a_failure() -> None:
    packages = [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-2026-1"}, {"id": "PYSEC-2026-2"}]}]
    with pytest.raises(FailedCheckError, match="a 1: PYSEC-2026-1, PYSEC-2026-2"):
        audit.judged(1, json.dumps({"dependencies": packages}), "")


def test_a_bill_is_in_the_wheel_and_in_its_record(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "lamp"\nversion = "1"\n')
    (tmp_path / "lamp.py").write_text("")
    making = (
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-qq",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        tmp_path,
    )
    subprocess.run(making, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    audit.put_into(wheel, "{}\n")
    with ZipFile(wheel) as packed:
        name = f"lamp-1.dist-info/sboms/{audit.BILL}"
        assert packed.read(name) == b"{}\n"
        assert f"{name},sha256=" in packed.read("lamp-1.dist-info/RECORD").decode()
