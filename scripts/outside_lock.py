"""Write the lock files of what is no part of the package: the checkers in `conformance/` and the examples.

Node packages are locked with hashes, Python packages by version. None names where anything was fetched from.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NODE_FOLDERS = ("conformance", "examples/typescript")
PYTHON_LOCKS = {
    "conformance/requirements.lock": ("conformance/requirements.txt",),
    # One environment does for both.
    "examples/requirements.lock": (
        "examples/pydantic-ai/requirements.txt",
        "examples/openai-agents/requirements.txt",
    ),
    "examples/langchain/requirements.lock": ("examples/langchain/requirements.txt",),
}
_COMPILE = (
    *(
        sys.executable,
        "-m",
        "piptools",
        "compile",
        "--quiet",
        "--no-strip-extras",
        "--no-annotate",
        "--allow-unsafe",  # pip-audit brings pip, which is pinned like the rest
    ),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-emit-options"),
)

ADDRESSES = frozenset({"resolved", "funding"})
"""Where a package was fetched from is each machine's own business, and whom to pay is no part of a lock."""


def without_addresses(lock: dict[str, Any]) -> dict[str, Any]:
    """The lock file's content with nothing in it but what is installed."""
    packages = {
        name: {key: value for key, value in facts.items() if key not in ADDRESSES}
        for name, facts in lock["packages"].items()
    }
    return {**lock, "packages": packages}


def lock_node(folder: Path) -> None:
    """Resolve a folder's Node packages."""
    resolving = (
        "npm",
        "install",
        "--package-lock-only",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    )
    subprocess.run(resolving, cwd=folder, check=True)
    path = folder / "package-lock.json"
    lock = without_addresses(json.loads(path.read_text("utf-8")))
    path.write_text(json.dumps(lock, indent=2) + "\n", "utf-8")


def lock_python(lock: str, requirements: tuple[str, ...], *options: str) -> None:
    """Resolve Python packages."""
    environment = dict(os.environ, CUSTOM_COMPILE_COMMAND="make lock")
    command = [*_COMPILE, *options, "--output-file", lock, *requirements]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    path = ROOT / lock
    lines = path.read_text("utf-8").splitlines()
    # What pip-tools remarks on pip in the middle of the list.
    kept = [line for line in lines if line and not line.startswith("# The following packages are considered")]
    path.write_text("\n".join(kept) + "\n", "utf-8")


def main() -> int:
    """Run the script and return its exit code."""
    options = sys.argv[1:]
    try:
        for folder in NODE_FOLDERS:
            lock_node(ROOT / folder)
        for lock, requirements in PYTHON_LOCKS.items():
            lock_python(lock, requirements, *options)
    except subprocess.CalledProcessError as error:
        print(f"could not resolve: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
