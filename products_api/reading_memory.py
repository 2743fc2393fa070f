"""Readings that one call has made already, so that a plan and what follows it do not read the same thing twice.
That there is no such thing is an answer as well.

What is remembered belongs to one call of a tool and is forgotten by every write, so it is never older than that
call's own last change of the shop.
"""

import time
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from .errors import NotFoundError
from .exact_json import Json

Answer: TypeAlias = "Json | NotFoundError"
MISSING: Final = object()


@dataclass
class ReadingMemory:
    """Answers to readings, by what was asked.

    Attributes:
        longest: how old one may be in seconds; None is any age.
        closed: whether what is not remembered may not be read at all (`NotRememberedError`).
        writes: how many writes were carried out, or may have been.
    """

    longest: float | None = None
    closed: bool = False
    writes: int = 0
    clock: Callable[[], float] = time.monotonic
    _answers: dict[Hashable, tuple[float, Answer]] = field(
        default_factory=dict[Hashable, tuple[float, Answer]]
    )

    def recall(self, asked: Hashable) -> object:
        """The answer to the same reading, or MISSING."""
        at, answer = self._answers.get(asked, (0.0, MISSING))
        if answer is MISSING or (self.longest is not None and self.clock() - at > self.longest):
            return MISSING
        return answer

    def keep(self, asked: Hashable, answer: Answer) -> None:
        """Remember an answer."""
        self._answers[asked] = (self.clock(), answer)

    def forget(self) -> None:
        """Forget all: the shop may have changed."""
        self._answers.clear()


_in_use: ContextVar[ReadingMemory | None] = ContextVar("reading_memory", default=None)


def current() -> ReadingMemory | None:
    """The memory of the call under way, if it has one."""
    return _in_use.get()


@contextmanager
def remembering(memory: ReadingMemory) -> Generator[ReadingMemory]:
    """Let the client's readings inside use this memory."""
    token = _in_use.set(memory)
    try:
        yield memory
    finally:
        _in_use.reset(token)
