"""The soak notices what grows, and only that."""

from typing import Any

import pytest
from processes import Level
from soak import MIB, Sample, not_level


def samples(*, more: dict[str, float]) -> list[Sample]:
    """Nine looks, the last third with this much more than before."""
    held: dict[str, Any] = {"memory": 100.0 * MIB, "descriptors": 30.0, "tasks": 4.0, "read_ms": 20.0}
    found: list[Sample] = []
    for number in range(9):
        now = {name: value + (number >= 6) * more.get(name, 0) for name, value in held.items()}
        level = Level(int(now["tasks"]), 5, int(now["descriptors"]), 0, int(now["memory"]))
        found.append(Sample(number * 10.0, level, now["read_ms"]))
    return found


def test_what_stays_at_its_level_is_fine() -> None:
    assert not_level(samples(more={})) == []
    assert not_level(samples(more={"memory": 5 * MIB, "descriptors": 4, "tasks": 1, "read_ms": 25})) == []


@pytest.mark.parametrize(
    ("name", "step"), [("memory", 7 * MIB), ("descriptors", 5), ("tasks", 2), ("read_ms", 35)]
)
def test_what_grows_is_said(name: str, step: float) -> None:
    (problem,) = not_level(samples(more={name: step}))
    assert problem.startswith(name.replace("_", " in "))
