"""Programs of others that scripts run: checkers, packers, Node."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NODE_MODULES = Path(__file__).resolve().parent.parent / "conformance" / "node_modules"
NODE_NEEDED = 22
"""The conformance suite and the Inspector import what older versions do not have."""
LONGEST = 240.0
"""Seconds that one program may take; the slowest takes half a minute."""


class FailedCheckError(Exception):
    """A checker found something, or could not run; the text is what it said."""


def node() -> str:
    """A Node that is new enough: the machine's own, or the one that npm brought."""
    for candidate in (shutil.which("node"), str(NODE_MODULES / ".bin" / "node")):
        if candidate is None or not Path(candidate).exists():
            continue
        said = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=True).stdout
        if int(said.strip().removeprefix("v").partition(".")[0]) >= NODE_NEEDED:
            return candidate
    raise FailedCheckError(
        f"Node {NODE_NEEDED} or newer is needed. npm brings it on Linux; elsewhere, install it."
    )


def run(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a checker to its end.

    Raises:
        FailedCheckError: it took too long.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HOOPAI_")}
    try:
        return subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
            env=environment | {"NO_COLOR": "1"},
            **options,
        )
    except subprocess.TimeoutExpired:
        raise FailedCheckError(f"{command[0]} was not done after {LONGEST:.0f} seconds") from None


def must_pass(finished: subprocess.CompletedProcess[str]) -> str:
    """What a checker printed.

    Raises:
        FailedCheckError: it found something.
    """
    said = finished.stdout + finished.stderr
    if finished.returncode:
        raise FailedCheckError(f"exit code {finished.returncode}\n{said}")
    return said
