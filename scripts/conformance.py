"""Have the server read from outside: the official conformance suite, the Inspector, mcpscore and mcp-fuzzer.

The server is the real one over HTTP and stdio, on the invented shop. `make conformance` installs what this needs into
`conformance/node_modules` and `.venv-conformance`. Names of checks as arguments run only those.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from http_server import free_port, serving
from programs import NODE_MODULES, FailedCheckError, must_pass, node, run

from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "conformance"
PYTHON_TOOLS = ROOT / ".venv-conformance" / "bin"
SERVER = Path(sys.executable).with_name("hoopai-products-mcp")

REVISIONS = ("2026-07-28", "2025-11-25")
SEED = 20260728
"""Of the fuzzer: the same inputs on every run, so that a failure is this change's."""
SCORE = "95"
READINESS = "100"
CRASHES = frozenset({"crash", "hang", "timeout", "transport_anomaly"})
"""What the fuzzer calls a server that fell over. The rest of its findings are opinions: that a notification is never
answered with an error, or that an error names the argument it is about."""

_TRACEBACK = "Traceback (most recent call last)"


@contextmanager
def over_http(*options: str, **variables: str) -> Generator[str]:
    """The server on a free port; fails when it wrote a traceback while it was used."""
    port = free_port()
    command = (SERVER, "--transport=http", f"--port={port}", *options)
    with serving(*command, port=port, **variables) as log:
        yield f"http://127.0.0.1:{port}/mcp"
    if _TRACEBACK in (text := log.read_text("utf-8")):
        last = text.rpartition(_TRACEBACK)[2]
        raise FailedCheckError(f"the server wrote {text.count(_TRACEBACK)} tracebacks; the last one:\n{last}")


@contextmanager
def unlimited_shop() -> Generator[dict[str, str]]:
    """The invented shop as an API of its own that never tells anybody to wait; what a server is told of it."""
    port = free_port()
    with (
        serving(SERVER, "sandbox", f"--port={port}", "--rate-limit=0", port=port),
        TemporaryDirectory() as data,
    ):
        yield {
            "HOOPAI_BASE_URL": f"http://127.0.0.1:{port}",
            "HOOPAI_ACCESS_TOKEN": TOKEN,
            "HOOPAI_LOCATION_ID": LOCATION_ID,
            "HOOPAI_DATA_DIR": data,
        }


def suite() -> str:
    """The official suite for each revision; only what is listed as expected may fail."""
    program = NODE_MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    results: list[str] = []
    for revision in REVISIONS:
        with over_http("--sandbox") as url, TemporaryDirectory() as reports:
            command = (node(), program, "server", "--url", url, "--requirements", revision, "-o", reports)
            expected = FOLDER / f"expected-failures-{revision}.yaml"
            finished = run([*command, "--expected-failures", expected])
        # Scenario by scenario it says little; at its end, what was not expected.
        finished.stdout = finished.stdout.rpartition("=== SUMMARY ===")[2] or finished.stdout
        said = must_pass(finished)
        totals = [line for line in said.splitlines() if line.startswith("Total:")]
        results.append(f"{revision}: {' '.join(totals).removeprefix('Total: ')}")
    return "; ".join(results)


def inspector() -> str:
    """The Inspector's view of the schemas, in both eras; a warning counts."""
    program = (
        NODE_MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
    )
    for era in ("modern", "legacy"):
        asked = ("--method", "tools/list", "--strict", "--protocol-era", era, "--format", "json", "-q")
        finished = run([node(), program, "--cli", *asked, SERVER, "--sandbox"])
        must_pass(finished)
        if finished.stderr.strip():
            raise FailedCheckError(finished.stderr)
        if not json.loads(finished.stdout)["result"]["tools"]:
            raise FailedCheckError("it was shown no tools")
    return "no error and no warning, in both eras"


def score() -> str:
    """The points that mcpscore gives over stdio and over HTTP, and the readiness for the newest revision."""
    program = PYTHON_TOOLS / "mcpscore"
    limits = ("--fail-under", SCORE, "--fail-under-readiness", READINESS)
    points: list[str] = []
    said = must_pass(run([program, "--no-config", *limits, "--stdio", SERVER, "--sandbox"]))
    points.append("stdio " + _points(said))
    with over_http("--sandbox") as url:
        said = must_pass(run([program, "--config", "mcpscore.toml", *limits, url], cwd=FOLDER))
    points.append("HTTP " + _points(said))
    return ", ".join(points)


def _points(said: str) -> str:
    return next(line for line in said.splitlines() if "Final score:" in line).partition("Final score: ")[2]


def fuzzer() -> str:
    """Thousands of odd messages and arguments. Nobody is asked, so that what fits is carried out."""
    with (
        unlimited_shop() as shop,
        over_http("--confirmation=off", **shop) as url,
        TemporaryDirectory() as reports,
    ):
        said = must_pass(
            run(
                [
                    *(PYTHON_TOOLS / "mcp-fuzzer", "--mode", "all", "--protocol", "streamablehttp"),
                    *("--endpoint", url, "--spec-schema-version", REVISIONS[0], "--seed", str(SEED)),
                    *(
                        "--runs",
                        "3",
                        "--max-concurrency",
                        "20",
                        "--no-network",
                        "--allow-host",
                        "127.0.0.1",
                        "--fail-if-no-tools",
                    ),
                    *("--no-corpus", "--fs-root", reports, "--output-dir", reports),
                ]
            )
        )
        found: dict[str, Any] = json.loads(Path(reports, "findings.json").read_text("utf-8"))
    fell = [finding for finding in found["findings"] if finding["category"] in CRASHES]
    if fell:
        raise FailedCheckError(json.dumps(fell, indent=1))
    if crashed := [line for line in said.splitlines() if "crashes)" in line and " 0 crashes)" not in line]:
        raise FailedCheckError("\n".join(crashed))
    tools = sum("handled correctly" in line for line in said.splitlines())
    return f"{tools} tools and every message of the protocol: no crash and no hang"


CHECKS: dict[str, Callable[[], str]] = {
    "suite": suite,
    "inspector": inspector,
    "score": score,
    "fuzzer": fuzzer,
}


def result(name: str) -> tuple[float, str, bool]:
    """How long a check took in seconds, what it says, and whether it failed."""
    began = time.monotonic()
    try:
        said, failed = CHECKS[name](), False
    except (FailedCheckError, RuntimeError) as error:
        said, failed = f"FAILED\n{error}", True
    return time.monotonic() - began, said, failed


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checks", nargs="*", metavar="|".join(CHECKS), help="which ones to run (all)")
    chosen: list[str] = parser.parse_args().checks or list(CHECKS)
    if unknown := set(chosen) - CHECKS.keys():
        parser.error(f"there is no check {', '.join(sorted(unknown))}")
    # The slowest first: the others have ended before it has.
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = {name: pool.submit(result, name) for name in sorted(chosen, key="fuzzer".__ne__)}
    for name in chosen:
        seconds, said, _ = results[name].result()
        print(f"{name:<10} {seconds:5.1f} s  {said}", flush=True)
    return int(any(each.result()[2] for each in results.values()))


if __name__ == "__main__":
    sys.exit(main())
