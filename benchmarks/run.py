"""Measure this server beside others, in one run, and print what was found. A number that is missed is no failure."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

import latency
import sandbox_speed
import startup
import subjects
import writes
from startup import Startup, median
from table import Expectation, Measure, print_table
from tokens import model_view, tokens, wire_bytes
from upstream import LISTED, running_upstream

_OURS, _FASTMCP, _BARE = range(3)
_OWN = frozenset(
    {
        *("list_changes", "get_change", "undo_change", "get_guide"),
        *("audit_catalog", "low_stock", "export_catalog", "import_products"),
    }
)
"""Tools that the API has no operation for, and that no other server has."""

_NOTES = f"""\
How this was measured
  Servers   This server: the installed command with its defaults. FastMCP: `from_openapi` on the official
            description of the API, where that file is at hand. Bare SDK: the official SDK with one trivial tool
            that declares no fields of its result. All in one environment.
  Upstream  All ask one loopback server that gives fixed answers, recorded from the sandbox.
  Tokens    o200k_base of compact JSON: name, description and input schema of each tool. Of a listing: the text of
            its result.
  Start     A real process and a real handshake: from before it is started to the answer of tools/list.
  Memory    Resident set of that process, from /proc.
            Start and memory: medians of {startup.RUNS} runs, the servers in turn, after a run that does not count.
  Latency   Reading one price, the servers in turn with plain httpx: the median of a call less the median of the
            same request by plain httpx. The SDK's client is in it, and it holds each result against the output
            schema of the tool. The bare tool declares no fields, so that there is nothing to check; ours declares
            all of them, and pays for it where a client checks. "Unchecked" is the same call without that. What
            is left on top of the bare SDK is strict arguments, exact money and visible text only.
  Others at work on the machine make seconds and milliseconds larger in all columns: compare within a line."""


def main() -> None:
    """Measure and print."""
    with running_upstream() as upstream:
        servers = (subjects.ours(upstream), subjects.fastmcp(upstream), subjects.bare_sdk(upstream))
        present = [server for server in servers if server is not None]
        starts = asyncio.run(startup.measure(present))
        times = asyncio.run(latency.measure(present, upstream))
    _, sandbox_seconds, sandbox_faults = asyncio.run(sandbox_speed.measure())
    found = [starts[server.name] if server else None for server in servers]
    names = [server.name if server else None for server in servers]
    measures = [
        *_sizes(found),
        *_starts(found),
        *_latencies(times, names),
        *_listings(found),
        Measure(
            f"sandbox, {sandbox_speed.REQUESTS:,} requests in process, s",
            [None if sandbox_faults else sandbox_seconds, None, None],
            digits=2,
            expected=[Expectation(sandbox_speed.BUDGET_SECONDS)],
        ),
    ]
    columns = (
        f"this server {version('hoopai-products-mcp')}",
        f"FastMCP {version('fastmcp')}" if servers[_FASTMCP] else "FastMCP (no file)",
        f"bare SDK {version('mcp')}",
    )
    print_table(columns, measures)
    print_table(writes.COLUMNS, writes.measures(asyncio.run(writes.measure())))
    print(_NOTES)
    print(writes.NOTES)


def _sizes(found: Sequence[Startup | None]) -> list[Measure]:
    return [
        Measure("tools", _each(found, lambda one: len(one.tools))),
        Measure(
            "definitions, tokens",
            _each(found, lambda one: tokens(model_view(one.tools))),
            expected=[Expectation(8200)],
        ),
        Measure(
            "… of the tools for operations of the API",
            _each(
                found,
                lambda one: tokens(model_view([each for each in one.tools if each.name not in _OWN])),
            ),
            expected=[Expectation(7000)],
        ),
        Measure("tools/list, bytes", _each(found, lambda one: wire_bytes(one.tools))),
    ]


def _starts(found: Sequence[Startup | None]) -> list[Measure]:
    seconds = _each(found, lambda one: median(one.seconds))
    listed = _each(found, lambda one: median(one.listed_mb))
    called = _each(found, lambda one: median(one.called_mb))
    peak = _each(found, lambda one: median(one.peak_mb))
    return [
        Measure(
            "process start to tools/list, s",
            seconds,
            digits=2,
            expected=[_times(1.25, seconds), Expectation(seconds[_FASTMCP], "FastMCP")],
        ),
        Measure("memory after tools/list, MB", listed, digits=1, expected=[_times(1.2, listed)]),
        Measure(f"memory after {startup.CALLS} calls, MB", called, digits=1, expected=[_times(1.2, called)]),
        Measure("memory at its peak, MB", peak, digits=1, expected=[_times(1.2, peak)]),
    ]


def _latencies(times: Mapping[str, Mapping[str, float]], names: Sequence[str | None]) -> list[Measure]:
    measures: list[Measure] = []
    for transport, taken in times.items():
        added = [taken[name] - taken[latency.PLAIN] if name else None for name in names]
        # The aim is for the server itself: in memory, nothing but the SDK is between it and the client.
        expected = [_times(1.3, added)] if transport == latency.IN_MEMORY else []
        measures.append(Measure(f"added to a call {transport}, ms", added, digits=2, expected=expected))
    return measures


def _listings(found: Sequence[Startup | None]) -> list[Measure]:
    whole = _each(found, lambda one: tokens(one.listing) if one.listing else None)
    each = [None if total is None else total / LISTED for total in whole]
    return [
        Measure(f"listing of {LISTED} products, tokens", whole),
        Measure("tokens a product in it", each, digits=1, expected=[Expectation(45)]),
    ]


def _each(found: Sequence[Startup | None], number: Callable[[Startup], float | None]) -> list[float | None]:
    return [None if one is None else number(one) for one in found]


def _times(factor: float, values: Sequence[float | None]) -> Expectation:
    bare = values[_BARE]
    return Expectation(None if bare is None else factor * bare, f"{factor:g} x bare SDK")


if __name__ == "__main__":
    main()
