"""What the package runs on: as locked, under licences that are allowed, listed, and looked up for known weaknesses.

Four steps. What is installed is what the lock files name. Each licence is one of a short list. A bill of materials
(CycloneDX) of `requirements.lock` is written to `dist/`, and into a wheel that is named with `--wheel`, where PEP 770
has it. At last pip-audit asks a database of known weaknesses. Only a finding fails that step: a machine without a
network cannot ask, and is told loudly that it has not.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lock import DEV_LOCK, ROOT, RUN_LOCK, pins
from packaging.utils import canonicalize_name
from packaging.version import Version
from programs import FailedCheckError, must_pass, run

TOOLS = ROOT / ".venv-conformance" / "bin"
DIST = ROOT / "dist"
BILL = "hoopai-products-mcp.cdx.json"
PROJECT = "hoopai-products-mcp"

LICENCES = frozenset(
    {
        *("MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "PSF-2.0", "Python-2.0"),
        "MPL-2.0",  # certifi: a list of certificates, used as it is
    }
)
"""What may be used and handed on beside MIT, by SPDX's names."""

_CHECK_BILL = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(str(problem) if problem else 0)
"""


def installed_as_locked() -> str:
    """Hold what is installed here against the lock files.

    Raises:
        FailedCheckError: something is not what is locked, or is not locked at all.
    """
    locked = pins(RUN_LOCK) | pins(DEV_LOCK)
    here = {canonicalize_name(each.metadata["Name"]): Version(each.version) for each in distributions()}
    here.pop(canonicalize_name(PROJECT), None)
    wrong = [
        f"{name} {version} is installed, and {locked.get(name, 'nothing')} is locked"
        for name, version in sorted(here.items())
        # pip comes with the environment.
        if locked.get(name) != version and name != "pip"
    ]
    if wrong:
        raise FailedCheckError("\n".join(wrong))
    return f"{len(here)} packages are installed as they are locked"


def hashes() -> dict[str, list[str]]:
    """The hashes of each package in the lock file: of every file that the index has of that version."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in RUN_LOCK.read_text("utf-8").splitlines():
        if line[:1].isalnum():
            name = canonicalize_name(re.split(r"[\[=]", line)[0])
        found.setdefault(name, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return found


def bill() -> dict[str, Any]:
    """The bill of materials of what the package runs on, without any address."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bill.json"
        made = (TOOLS / "cyclonedx-py", "environment", "--output-reproducible", "--spec-version", "1.6")
        must_pass(run([*made, "--pyproject", ROOT / "pyproject.toml", "-o", path, sys.executable]))
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return only_locked(found)


def only_locked(found: dict[str, Any]) -> dict[str, Any]:
    """Of a bill of this environment, what the package runs on: with the hashes that are locked, and no addresses."""
    locked, hashed = pins(RUN_LOCK), hashes()
    kept = [each for each in found["components"] if canonicalize_name(each["name"]) in locked]
    for component in kept:
        # Where something can be fetched is each machine's own business; a hash says what it is.
        component.pop("externalReferences", None)
        component.pop("properties", None)
        contents = hashed[canonicalize_name(component["name"])]
        component["hashes"] = [{"alg": "SHA-256", "content": content} for content in contents]
    refs = {component["bom-ref"] for component in kept}
    root = found["metadata"]["component"]["bom-ref"]
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {
        canonicalize_name(re.split(r"[\[<>=;]", line)[0])
        for line in (*asked["dependencies"], *asked["optional-dependencies"]["sandbox"])
    }
    direct = sorted(each["bom-ref"] for each in kept if canonicalize_name(each["name"]) in wanted)
    graph = [
        {**each, "dependsOn": sorted(refs.intersection(each.get("dependsOn", ())))}
        for each in found["dependencies"]
        if each["ref"] in refs
    ]
    metadata: dict[str, Any] = {"component": found["metadata"]["component"]}
    return {
        **{
            key: value
            for key, value in found.items()
            if key not in {"components", "dependencies", "metadata"}
        },
        "metadata": metadata,
        "components": kept,
        "dependencies": [{"ref": root, "dependsOn": direct}, *graph],
    }


def problems_of(found: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a bill: something that is missing, an address, a licence that is not allowed."""
    listed = {canonicalize_name(each["name"]): Version(each["version"]) for each in found["components"]}
    for name, version in pins(RUN_LOCK).items():
        found_version = listed.get(canonicalize_name(name))
        if found_version != version:
            yield f"{name} {version} is locked, and the bill lists {found_version}"
    addresses = re.findall(r"[a-z+]+://[^\s\"]+", json.dumps(found | {"$schema": ""}))
    yield from (f"the bill names an address: {address}" for address in addresses)
    for component in found["components"]:
        said = licences(component)
        # "A OR B" leaves the choice to whoever uses it.
        if not said or not all(LICENCES & set(one.split(" OR ")) for one in said):
            yield f"{component['name']} is under {said or 'no licence that it names'}: not on the list of licences"


def licences(component: dict[str, Any]) -> list[str]:
    """The SPDX names of what a component is licensed under; what else is said of it counts where there are none."""
    named = [
        each.get("expression") or each.get("license", {}).get("id") or ""
        for each in component.get("licenses", ())
    ]
    return [name for name in named if name]


def written(found: dict[str, Any], wheel: Path | None) -> str:
    """Write the bill beside what is built, and into the wheel.

    Raises:
        FailedCheckError: it is not valid, or something in it is not as it should be.
    """
    if wrong := list(problems_of(found)):
        raise FailedCheckError("\n".join(wrong))
    text = json.dumps(found, indent=2, sort_keys=True) + "\n"
    must_pass(run([TOOLS / "python", "-c", _CHECK_BILL], input=text))
    DIST.mkdir(exist_ok=True)
    (DIST / BILL).write_text(text, "utf-8")
    places = f"dist/{BILL}"
    if wheel is not None:
        put_into(wheel, text)
        places += f" and {wheel.name}"
    return f"{len(found['components'])} packages in {places}; every licence is on the list"


def put_into(wheel: Path, text: str) -> None:
    """Pack a wheel anew with the bill in it."""
    with TemporaryDirectory() as folder:
        must_pass(run([sys.executable, "-m", "wheel", "unpack", "--dest", folder, wheel]))
        (unpacked,) = Path(folder).iterdir()
        (information,) = unpacked.glob("*.dist-info")
        (information / "sboms").mkdir()
        (information / "sboms" / BILL).write_text(text, "utf-8")
        must_pass(run([sys.executable, "-m", "wheel", "pack", "--dest-dir", wheel.parent, unpacked]))


def known_weaknesses() -> str:
    """Ask pip-audit of each locked package.

    Raises:
        FailedCheckError: one has a known weakness.
    """
    asked = (
        TOOLS / "pip-audit",
        "-r",
        RUN_LOCK,
        "--disable-pip",
        "--require-hashes",
        "-f",
        "json",
        "--timeout",
        "10",
    )
    finished = run([*asked, "--progress-spinner", "off"])
    return judged(finished.returncode, finished.stdout, finished.stderr)


NOT_AUDITED = "NOT AUDITED: nobody has looked whether these packages have known weaknesses"


def judged(code: int, output: str, errors: str) -> str:
    """What pip-audit came to. That it found nothing says nothing of packages that it could not look up.

    Raises:
        FailedCheckError: it found something.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (errors.strip().splitlines() or ["it said nothing"])[-1]
        return f"{NOT_AUDITED}. The database cannot be reached from here (exit code {code}): {last[:200]}"
    weak = [
        f"{each['name']} {each['version']}: {', '.join(found['id'] for found in each['vulns'])}"
        for each in packages
        if each.get("vulns")
    ]
    if weak:
        raise FailedCheckError("\n".join(weak))
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    if not packages or len(skipped) == len(packages):
        return f"{NOT_AUDITED}. The database that answered knows none of the {len(packages)}"
    looked_up = f"{len(packages) - len(skipped)} packages have no known weakness"
    return f"{looked_up}; NOT looked up: {', '.join(skipped)}" if skipped else looked_up


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--wheel", type=Path, help="a wheel to put the bill of materials into")
    wheel: Path | None = parser.parse_args().wheel
    steps = {
        "installed": installed_as_locked,
        "bill": lambda: written(bill(), wheel),
        "weaknesses": known_weaknesses,
    }
    failed = False
    for name, step in steps.items():
        try:
            said = step()
        except (FailedCheckError, subprocess.SubprocessError) as error:
            said, failed = f"FAILED\n{error}", True
        print(f"{name:<11} {said}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
