"""The list of scenarios. Each breaks the world in its way and gives a verdict."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from judge import Verdict

Run = Callable[[], Awaitable[Verdict]]


@dataclass(frozen=True)
class Scenario:
    """One way in which a day goes wrong. `short` ones run in CI too."""

    name: str
    run: Run
    short: bool


SCENARIOS: dict[str, Scenario] = {}


def scenario(name: str, *, short: bool = False) -> Callable[[Run], Run]:
    """Add a scenario to the list."""

    def add(run: Run) -> Run:
        SCENARIOS[name] = Scenario(name, run, short)
        return run

    return add
