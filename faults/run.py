"""A bad day: break the world in every way there is, and see that no write is lost, doubled or unapproved.

Names of scenarios as arguments run only those; a part of a name will do. `--short` runs those of CI.
"""

import argparse
import asyncio
import logging
import sys
import time
import traceback
from dataclasses import dataclass

import of_people  # noqa: F401 # pyright: ignore[reportUnusedImport]
import of_scale  # noqa: F401 # pyright: ignore[reportUnusedImport]
import of_the_api  # noqa: F401 # pyright: ignore[reportUnusedImport]
import of_the_store  # noqa: F401 # pyright: ignore[reportUnusedImport]
from judge import Verdict
from rich import box
from rich.console import Console
from rich.table import Table
from scenarios import SCENARIOS, Scenario

AT_ONCE = 3
"""Scenarios that run beside one another: each waits most of its time."""
LONGEST_SECONDS = 600
_WIDTH = 150


@dataclass(frozen=True)
class Result:
    """What became of a scenario; `fault` is why it has no verdict."""

    scenario: Scenario
    seconds: float
    verdict: Verdict
    fault: str | None = None

    @property
    def problems(self) -> list[str]:
        """All that is not as it should be."""
        return [*self.verdict.problems(), *([self.fault] if self.fault else [])]


async def result(scenario: Scenario, turn: asyncio.Semaphore) -> Result:
    """Run one, in its turn and not for ever."""
    async with turn:
        began = time.monotonic()
        verdict, fault = Verdict(), None
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                verdict = await scenario.run()
        except Exception:
            fault = "it did not come to its end:\n" + traceback.format_exc()
        done = Result(scenario, time.monotonic() - began, verdict, fault)
        print(
            f"{scenario.name}: {done.seconds:.0f} s, {len(done.problems)} problems",
            file=sys.stderr,
            flush=True,
        )
        return done


COLUMNS = (
    "faults",
    "calls",
    "writes",
    "done",
    "not done",
    "unknown",
    "lost",
    "doubled",
    "unapproved",
    "wrong",
    "left",
)


def numbers(verdict: Verdict) -> list[int]:
    """A line of the table."""
    outcomes = [verdict.outcomes[name] for name in ("done", "not_done", "unknown")]
    wrong = [*verdict.wrong, *verdict.secrets]
    found = [verdict.lost, verdict.doubled, verdict.unapproved, wrong, verdict.left]
    return [verdict.faults, verdict.calls, verdict.writes, *outcomes, *map(len, found)]


def print_table(results: list[Result]) -> None:
    """Print a line for each scenario, and the sums."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for column in (*COLUMNS, "s"):
        table.add_column(column, justify="right", no_wrap=True)
    total = Verdict()
    for done in results:
        total.add(done.verdict)
        line = map(str, numbers(done.verdict)) if done.fault is None else ["-"] * len(COLUMNS)
        table.add_row(done.scenario.name, *line, f"{done.seconds:.0f}")
    table.add_section()
    table.add_row("all", *map(str, numbers(total)), "")
    Console(width=_WIDTH).print(table)


async def run(chosen: list[Scenario]) -> int:
    """Run them and print what they came to; the exit code."""
    turn = asyncio.Semaphore(AT_ONCE)
    results = await asyncio.gather(*(result(each, turn) for each in chosen))
    print_table(results)
    for done in results:
        for problem in done.problems:
            print(f"{done.scenario.name}: {problem}")
    return int(any(done.problems for done in results))


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="parts of names of scenarios (all)")
    parser.add_argument("--short", action="store_true", help="only those of CI")
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    found = parser.parse_args()
    names: list[str] = found.names
    chosen = [each for each in SCENARIOS.values() if not found.short or each.short]
    chosen = [each for each in chosen if not names or any(name in each.name for name in names)]
    if found.list:
        for each in chosen:
            print(f"{each.name:<40} {(each.run.__doc__ or '').strip()}")
        return 0
    if not chosen:
        parser.error("no scenario has such a name; --list shows them")
    # What the SDK's client has to say of servers that are killed under it.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    logging.getLogger("client").setLevel(logging.CRITICAL)
    return asyncio.run(run(chosen))


if __name__ == "__main__":
    sys.exit(main())
