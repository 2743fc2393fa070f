"""Write the `package-lock.json` of each folder that names Node packages: exact versions with hashes, and no address."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT / "conformance", ROOT / "examples" / "typescript")

ADDRESSES = frozenset({"resolved", "funding"})
"""Where a package was fetched from is each machine's own business, and whom to pay is no part of a lock."""


def without_addresses(lock: dict[str, Any]) -> dict[str, Any]:
    """The lock file's content with nothing in it but what is installed."""
    packages = {
        name: {key: value for key, value in facts.items() if key not in ADDRESSES}
        for name, facts in lock["packages"].items()
    }
    return {**lock, "packages": packages}


def main() -> int:
    """Run the script and return its exit code."""
    for folder in FOLDERS:
        resolving = ("npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund")
        if subprocess.run(resolving, cwd=folder, check=False).returncode:
            return 1
        path = folder / "package-lock.json"
        lock = without_addresses(json.loads(path.read_text("utf-8")))
        path.write_text(json.dumps(lock, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
