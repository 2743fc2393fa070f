"""The table: a measure a line, a server a column, and beside them what was expected of this server."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

_WIDTH = 140


@dataclass(frozen=True)
class Expectation:
    """The most that a number of this server should be, and where that comes from."""

    at_most: float | None
    """None where what it depends on was not measured."""
    reason: str = ""

    def words(self, digits: int) -> str:
        """As the table says it."""
        limit = shown(self.at_most, digits)
        return f"{limit} ({self.reason})" if self.reason else limit


@dataclass(frozen=True)
class Measure:
    """A line of the table. `values` are in the order of the columns; the first `judged` of them are this server's."""

    name: str
    values: Sequence[float | None]
    digits: int = 0
    expected: Sequence[Expectation] = ()
    judged: int = 1

    def verdict(self) -> str:
        """`met`, `MISSED`, or nothing where nothing was expected or measured."""
        limits = [expectation.at_most for expectation in self.expected if expectation.at_most is not None]
        ours = [value for value in self.values[: self.judged] if value is not None]
        if not limits or not ours:
            return ""
        # As printed: "1.25, at most 1.25, MISSED" would leave a reader puzzled.
        return "met" if round(max(ours), self.digits) <= round(min(limits), self.digits) else "MISSED"


def shown(value: float | None, digits: int) -> str:
    """A number as the table has it."""
    return "-" if value is None else f"{value:,.{digits}f}"


def print_table(columns: Sequence[str], measures: Sequence[Measure]) -> None:
    """Print the table as wide as it is, whatever the terminal, so that a line stays a line in a file too."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    table.add_column("expected at most")
    table.add_column("verdict")
    for measure in measures:
        numbers = [shown(value, measure.digits) for value in measure.values]
        expected = ", ".join(expectation.words(measure.digits) for expectation in measure.expected)
        table.add_row(measure.name, *numbers, expected, measure.verdict())
    Console(width=_WIDTH).print(table)
