"""Write the lock files, or with `--check` tell whether they fit pyproject.toml.

`requirements.lock` holds what the server and the sandbox run on and what builds the project;
`requirements-dev.lock` adds the tools of development. Both name exact versions with the hashes of
every file of them that the index has, so they fit all systems and Python versions that those serve.
"""

import argparse
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
RUN_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"

_COMPILE = (
    *(sys.executable, "-m", "piptools", "compile", "--quiet", "--generate-hashes"),
    "--allow-unsafe",  # setuptools is pinned too: it builds the project
    # A pin without its extras does not bind `name[extra]` for every pip: one of 2023 takes the newest version then,
    # and fails for want of its hash as soon as there is one.
    "--no-strip-extras",
    # No address of an index gets into the files: each machine has its own.
    *("--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-emit-options"),
)


def pins(lock: Path) -> dict[str, Version]:
    """Name and version of every line of a lock file."""
    lines = (line.split(" ")[0] for line in lock.read_text("utf-8").splitlines() if line[:1].isalnum())
    held = (Requirement(line) for line in lines)
    return {canonicalize_name(it.name): Version(str(it.specifier).removeprefix("==")) for it in held}


def wanted() -> tuple[list[str], list[str]]:
    """What pyproject.toml asks for: to build and run everything, and to develop it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    run = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["sandbox"],
    ]
    return run, project["dependency-groups"]["dev"]


def problems() -> list[str]:
    """Where the lock files do not fit pyproject.toml or one another; empty when all is well."""
    for_running, for_developing = wanted()
    run, dev = pins(RUN_LOCK), pins(DEV_LOCK)
    return [
        *_unmet(for_running, run, RUN_LOCK.name),
        *_unmet(for_developing, dev, DEV_LOCK.name),
        *(
            f"{name} is {version} in {RUN_LOCK.name} and {dev.get(name, 'absent')} in {DEV_LOCK.name}"
            for name, version in run.items()
            if dev.get(name) != version
        ),
    ]


def _unmet(wanted: Iterable[str], held: dict[str, Version], lock: str) -> Iterable[str]:
    for requirement in map(Requirement, wanted):
        version = held.get(canonicalize_name(requirement.name))
        if version is None:
            yield f"{requirement} is not in {lock}"
        elif not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement} is {version} in {lock}"


def write(*, upgrade: bool) -> None:
    """Resolve both files anew, keeping the versions that still fit unless told to upgrade."""
    for_running, for_developing = wanted()
    options = ["--upgrade"] if upgrade else []
    _compile(for_running, RUN_LOCK, options)
    _compile([*for_running, *for_developing], DEV_LOCK, [*options, "--constraint", RUN_LOCK.name])


def _compile(requirements: Iterable[str], lock: Path, options: Iterable[str]) -> None:
    # The header of a lock file names the command that wrote it.
    environment = dict(os.environ, CUSTOM_COMPILE_COMMAND="make lock")
    command = [*_COMPILE, *options, "--output-file", lock.name, "-"]
    given = "\n".join(requirements)
    resolved = subprocess.run(command, cwd=ROOT, env=environment, input=given, text=True, check=False)
    if resolved.returncode:
        sys.exit(f"{lock.name} is as it was: its requirements could not be resolved.")


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the files do not fit")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    found = parser.parse_args()
    if not found.check:
        write(upgrade=found.upgrade)
    wrong = problems()
    for problem in wrong:
        print(problem, file=sys.stderr)
    if wrong:
        print("The lock files do not fit pyproject.toml: run `make lock`.", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
