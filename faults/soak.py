"""A soak: work and faults without end, and whether memory, descriptors, tasks and latency stay at their level.

`python soak.py SECONDS`. Rounds of four merchants follow one another, with faults of the API in each; after each the
server is looked at while it rests, and a client times its reads. The first third warms up; the second is held against
the last.
"""

import argparse
import asyncio
import logging
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from deeds import Shelf
from judge import Verdict
from merchants import Merchant, four_kinds
from of_the_api import WRITES, everything_meets
from processes import Level
from rich import box
from rich.console import Console
from rich.table import Table
from world import World, world

GOODS = 400
STEP = 37
"""By how many products each round begins further on, so that all get their turn."""
READS = 15
FEWEST = 6
"""Rounds without which there is nothing to compare."""
SHOWN = 12
MIB = 2**20

MEMORY_MORE = 6 * MIB
"""Between the medians of two thirds. Allocators keep pages in part; a kilobyte left by each of the thousands of
requests of ten minutes would come to more."""
DESCRIPTORS_MORE = 4
TASKS_MORE = 1
SLOWER = 2.0
"""How much slower the median read may become. Others use the machine as well; what grows with what is kept would
come to far more."""
SLOWER_MS = 10.0

KINDS = ("rate_limited", "server_error", "html", "truncated", "drop_before", "drop_after")


@dataclass(frozen=True)
class Sample:
    """A look at the server between two rounds: what it holds, and the median of some reads in milliseconds."""

    at: float
    level: Level
    read_ms: float


async def timed_reads(made: World) -> float:
    """The median time of a read in milliseconds, in one conversation."""
    merchant = Merchant(made.server.url, "2026-07-28", asks=False)
    taken: list[float] = []
    async with merchant.talking(None) as client:
        for _ in range(READS):
            began = time.perf_counter()
            await merchant.called(client, "list_products", {"limit": 20})
            taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


async def round_of(made: World, number: int) -> Verdict:
    """One round of work, with faults at random."""
    chance = made.chance
    made.shelf = Shelf(await made.shop.state(), start=number * STEP, to_lose=made.shelf.to_lose)
    faults = [
        {"kind": chance.choice(KINDS), "operation": route, "skip": chance.randrange(6)} for route in WRITES
    ]
    faults += [{"kind": kind, "skip": chance.randrange(200)} for kind in chance.choices(KINDS[1:], k=6)]
    verdict = await made.round(four_kinds(made.server.url), everything_meets(made, *faults))
    # What was said has been looked through by the end of each round, and is not kept for the next.
    return await made.ended(verdict)


async def soak(seconds: float) -> tuple[Verdict, list[Sample]]:
    """Go on for so long."""
    began = time.monotonic()
    verdict, samples = Verdict(), list[Sample]()
    async with world(products=GOODS, TIMEOUT="5") as made:
        number = 0
        while (at := time.monotonic() - began) < seconds or number < FEWEST:
            number += 1
            verdict.add(await round_of(made, number))
            made.heard.clear()
            level = await made.server.level_at_rest(made.rest)
            samples.append(Sample(at, level, await timed_reads(made)))
            if problems := verdict.problems():
                print("\n".join(problems), file=sys.stderr)
                break
    return verdict, samples


def thirds(samples: list[Sample], value: Callable[[Sample], float]) -> tuple[float, float]:
    """The medians of the second and the last third."""
    third = len(samples) // 3
    return (
        statistics.median(map(value, samples[third : 2 * third])),
        statistics.median(map(value, samples[2 * third :])),
    )


def not_level(samples: list[Sample]) -> list[str]:
    """What has grown."""
    limits: list[tuple[str, Callable[[Sample], float], Callable[[float], float]]] = [
        ("memory in MiB", lambda each: each.level.memory / MIB, lambda before: before + MEMORY_MORE / MIB),
        ("descriptors", lambda each: each.level.descriptors, lambda before: before + DESCRIPTORS_MORE),
        ("tasks", lambda each: each.level.tasks, lambda before: before + TASKS_MORE),
        ("read in ms", lambda each: each.read_ms, lambda before: before * SLOWER + SLOWER_MS),
    ]
    found: list[str] = []
    for name, value, limit in limits:
        before, after = thirds(samples, value)
        if after > limit(before):
            found.append(f"{name}: {before:.1f} in the second third, {after:.1f} in the last")
    return found


def print_samples(samples: list[Sample]) -> None:
    """Print some of the samples, evenly spread."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("s", "memory MiB", "descriptors", "tasks", "threads", "read ms"):
        table.add_column(column, justify="right")
    step = max(1, len(samples) // SHOWN)
    for each in samples[::step]:
        level = each.level
        held = (level.descriptors, level.tasks, level.threads)
        table.add_row(f"{each.at:.0f}", f"{level.memory / MIB:.1f}", *map(str, held), f"{each.read_ms:.1f}")
    Console(width=100).print(table)


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("seconds", type=float, nargs="?", default=600.0)
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    verdict, samples = asyncio.run(soak(parser.parse_args().seconds))
    print_samples(samples)
    print(
        f"{len(samples)} rounds, {verdict.faults} faults, {verdict.calls} calls, {verdict.writes} writes:"
        f" {len(verdict.lost)} lost, {len(verdict.doubled)} doubled, {len(verdict.unapproved)} unapproved"
    )
    problems = verdict.problems() + (not_level(samples) if len(samples) >= FEWEST else ["too few rounds"])
    for problem in problems:
        print(problem)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
