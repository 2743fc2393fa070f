"""Run every example against the server over stdio, and compare what it prints with what its page says.

`make examples` installs what they need. `--write` puts what they print into their pages.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from programs import FailedCheckError, node

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
BEGIN, END = "<!-- printed:begin -->", "<!-- printed:end -->"
LONGEST = 120.0
"""Seconds; each takes some."""

PYTHONS: Mapping[str, Path] = {
    "plain-client": Path(sys.executable),
    "pydantic-ai": ROOT / ".venv-examples" / "bin" / "python",
    "openai-agents": ROOT / ".venv-examples" / "bin" / "python",
    "langchain": ROOT / ".venv-langchain" / "bin" / "python",
}


def command(name: str) -> list[str]:
    """What runs an example."""
    if name == "typescript":
        return [node(), "--disable-warning=ExperimentalWarning", "reprice.ts"]
    return [str(PYTHONS[name]), "-W", "error::UserWarning", "reprice.py"]


def printed(name: str) -> str:
    """What an example prints.

    Raises:
        FailedCheckError: it failed, took too long, or complained.
    """
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HOOPAI_")}
    try:
        done = subprocess.run(
            command(name),
            cwd=EXAMPLES / name,
            env=environment | {"PATH": path, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FailedCheckError(f"not done after {LONGEST:.0f} seconds") from None
    if done.returncode or done.stderr:
        raise FailedCheckError(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def with_printed(page: str, text: str) -> str:
    """A page with what its example prints."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n```text\n{text.rstrip()}\n```\n\n{END}{after}"


def result(name: str, *, write: bool) -> tuple[float, str]:
    """How long an example took in seconds, and what is wrong with it; with `write`, its page is brought up to date."""
    began = time.monotonic()
    page = EXAMPLES / name / "README.md"
    present = page.read_text("utf-8")
    problem = ""
    try:
        text = printed(name)
        wanted = with_printed(present, text)
        if write:
            page.write_text(wanted, "utf-8")
        elif wanted != present:
            problem = f"FAILED: prints something else than its page says:\n{text}"
    except FailedCheckError as error:
        problem = f"FAILED: {error}"
    return time.monotonic() - began, problem


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="put what they print into their pages")
    write: bool = parser.parse_args().write
    names = (*PYTHONS, "typescript")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        results = list(pool.map(partial(result, write=write), names))
    for name, (seconds, problem) in zip(names, results, strict=True):
        print(f"{name:<14} {seconds:5.1f} s  {problem or 'does what its page says'}")
    return int(any(problem for _, problem in results))


if __name__ == "__main__":
    sys.exit(main())
