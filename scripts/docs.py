"""Write the generated parts of the documentation, or with `--check` fail when they are stale.

Each part stands between two comments, `<!-- NAME:begin -->` and `<!-- NAME:end -->`. Tables are derived from what the
server itself uses: the records of the tools and the model of the settings. Transcripts are what the server says when
it is used.
"""

import argparse
import difflib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import connections
import prompt_examples
import reference
import transcripts

from hoopai_products_mcp.server.settings import rows
from hoopai_products_mcp.tools.catalog import RECORDS
from hoopai_products_mcp.tools.records import ToolRecord

ROOT = Path(__file__).resolve().parent.parent
Parts = Mapping[str, Callable[[], Iterable[str]]]


def tools_table() -> Iterator[str]:
    """One row for each tool: what it does, the operation it exposes, whether it asks a person first."""
    yield from _table(
        ("tool", "what it does", "operation", "asks first"),
        (
            (f"`{record.name}`", record.title, _operation(record), "yes" if record.asks else "")
            for record in RECORDS
        ),
    )


def settings_table() -> Iterator[str]:
    """One row for each setting: its variable, its option, its default, its meaning."""
    yield from _table(
        ("variable", "option", "default", "meaning"),
        ((_code(row.variable), _code(row.flag), _code(row.default), row.meaning) for row in rows()),
    )


DOCUMENTS: dict[str, Parts] = {
    "README.md": {
        "tools": tools_table,
        "settings": settings_table,
        "transcript": transcripts.demonstration,
        "hosts": connections.short,
    },
    "docs/shops.md": {"file": transcripts.shops_file, "agency": transcripts.agency},
    "docs/tools.md": {"overview": reference.overview, "details": reference.details},
    "docs/connecting.md": {
        "hosts": connections.hosts,
        "fetched": connections.fetched,
        "contained": connections.contained,
        "addresses": connections.addresses,
    },
    "docs/safety.md": {
        "question": partial(transcripts.scene, "Do it."),
        "refusal": partial(transcripts.scene, "Delete the gift card, nobody buys it."),
        "stale": partial(transcripts.scene, "Then delete the old stock lantern."),
        "token": transcripts.token,
        "waiting": transcripts.waiting,
    },
    "docs/prompts.md": {
        "prompts": lambda: _table(*_rows(prompt_examples.menu())),
        "budget": prompt_examples.budget,
        "examples": prompt_examples.examples,
    },
    "docs/resources.md": {"resources": lambda: _table(*_rows(prompt_examples.resources()))},
}


def with_parts(name: str, text: str) -> str:
    """The text of a document with every part between its comments replaced.

    Raises:
        ValueError: the comments of a part are missing, doubled or in the wrong order.
    """
    for part, made in DOCUMENTS[name].items():
        begin, end = f"<!-- {part}:begin -->", f"<!-- {part}:end -->"
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise ValueError(f"{name} needs one {begin} and, below it, one {end}")
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2]
        text = "\n".join((before + begin, "", *made(), "", end + after))
    return text


def _rows(all_rows: Iterator[tuple[str, ...]]) -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    """The head of a table, and its body."""
    return next(all_rows), all_rows


def _table(head: tuple[str, ...], body: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for cells in (head, ("---",) * len(head), *body):
        # An escaped bar is the only way to have one in a cell.
        yield "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"


def _operation(record: ToolRecord) -> str:
    return f"`{record.operation}`" if "/" in record.operation else record.operation


def _code(text: str) -> str:
    return f"`{text}`" if text and " " not in text else text


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a part is stale")
    check: bool = parser.parse_args().check
    stale = False
    for name in DOCUMENTS:
        present = (ROOT / name).read_text("utf-8")
        try:
            wanted = with_parts(name, present)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        if wanted != present and check:
            stale = True
            lines = difflib.unified_diff(
                present.splitlines(), wanted.splitlines(), name, "as generated", lineterm=""
            )
            print("\n".join(lines), file=sys.stderr)
        elif wanted != present:
            (ROOT / name).write_text(wanted, "utf-8")
    if stale:
        print("The documentation is stale: run `make definitions`.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
