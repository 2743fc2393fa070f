"""Write the generated tables into README.md, or with `--check` fail when they are stale.

Each table stands between two comments, `<!-- NAME:begin -->` and `<!-- NAME:end -->`, and is derived
from what the server itself uses: the records of the tools and the model of the settings.
"""

import argparse
import difflib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hoopai_products_mcp.server.settings import rows
from hoopai_products_mcp.tools.catalog import RECORDS

README = Path(__file__).resolve().parent.parent / "README.md"


def tools_table() -> Iterator[str]:
    """One row for each tool: what it does, the operation it exposes, whether it asks a person first."""
    yield from _table(
        ("tool", "what it does", "operation", "asks first"),
        (
            (f"`{record.name}`", record.title, f"`{record.operation}`", "yes" if record.asks else "")
            for record in RECORDS
        ),
    )


def settings_table() -> Iterator[str]:
    """One row for each setting: its variable, its option, its default, its meaning."""
    yield from _table(
        ("variable", "option", "default", "meaning"),
        ((_code(row.variable), _code(row.flag), _code(row.default), row.meaning) for row in rows()),
    )


def transcript() -> Iterator[str]:
    """What `make demo` prints, without its last words on how to connect."""
    played = subprocess.run(
        [sys.executable, "-m", "hoopai_products_mcp.server.cli", "demo"],
        check=True,
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("HOOPAI_")}
        | {"NO_COLOR": "1"},
    )
    yield "```text"
    yield from played.stdout.partition("\nThat is all.")[0].rstrip().splitlines()
    yield "```"


TABLES: dict[str, Callable[[], Iterable[str]]] = {
    "tools": tools_table,
    "settings": settings_table,
    "transcript": transcript,
}


def with_tables(text: str) -> str:
    """The text with every table between its comments replaced.

    Raises:
        ValueError: the comments of a table are missing, doubled or in the wrong order.
    """
    for name, table in TABLES.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise ValueError(f"README.md needs one {begin} and, below it, one {end}")
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2]
        text = "\n".join((before + begin, "", *table(), "", end + after))
    return text


def _table(head: tuple[str, ...], body: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for cells in (head, ("---",) * len(head), *body):
        # An escaped bar is the only way to have one in a cell.
        yield "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"


def _code(text: str) -> str:
    return f"`{text}`" if text and " " not in text else text


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a table is stale")
    check: bool = parser.parse_args().check
    present = README.read_text("utf-8")
    try:
        wanted = with_tables(present)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if wanted == present:
        return 0
    if not check:
        README.write_text(wanted, "utf-8")
        return 0
    lines = difflib.unified_diff(
        present.splitlines(), wanted.splitlines(), "README.md", "as generated", lineterm=""
    )
    print("\n".join(lines), file=sys.stderr)
    print("README.md is stale: run `make definitions`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
