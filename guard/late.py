"""Outcomes on their way into the journal: at once or, where the store does not take them, as soon as it does."""

import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from .journal import Outcome

log = logging.getLogger("hoopai_products_mcp.guard")

AGAIN_SECONDS = 2.0
"""After how long it is tried again by itself, and twice as long each time that it fails."""
LONGEST_SECONDS = 60.0
SLOW_SECONDS = 1.0
"""A store that has taken longer to fail is not tried once more when the server stops right after."""


class Outcomes:
    """What became of the changes that this process has begun in a store.

    An outcome that cannot be written down is kept here, so that it is not lost as long as this process lives.
    """

    def __init__(self, end: Callable[[str, "Outcome"], Awaitable[None]]) -> None:
        """`end` writes the outcome of a change into the journal, and raises what that does."""
        self._end = end
        self._late: dict[str, Outcome] = {}
        self._some = anyio.Event()
        self._turn = anyio.Lock()
        self._trying = anyio.Lock()
        self._away = False
        self._slow_at = -math.inf

    async def keep(self, change_id: str, outcome: "Outcome") -> bool:
        """Write an outcome down; the deed is done either way. Whether it could be; if not, it is tried again."""
        # Not at the top: it loads the store.
        from .store_errors import ConcludedError, StoreError

        known = change_id in self._late
        began = anyio.current_time()
        self._away = False
        try:
            await self._end(change_id, outcome)
        except ConcludedError as error:
            # It may have been written down although the store said that it failed.
            log.warning("The outcome of %s (%s) is not written down: %s", change_id, outcome.outcome, error)
        except Exception as error:
            # After the deed: nothing may hide what became of it from the caller.
            if isinstance(error, StoreError):
                self._away = True
                if anyio.current_time() - began >= SLOW_SECONDS:
                    self._slow_at = anyio.current_time()
                if not known:
                    log.warning(
                        "The outcome of %s (%s) could not be written down, and is tried again: %s",
                        change_id,
                        outcome.outcome,
                        error,
                    )
            else:
                if not known:
                    log.exception(
                        "The outcome of %s (%s) could not be written down", change_id, outcome.outcome
                    )
                if outcome.response is not None or outcome.observed is not None:
                    # What the API answered has no place in the journal; what became of the change has.
                    return await self.keep(change_id, replace(outcome, response=None, observed=None))
            self._late[change_id] = outcome
            self._some.set()
            return False
        self._late.pop(change_id, None)
        return True

    async def keep_late(self) -> None:
        """Write down what could not be written down at its time, unless somebody is at that."""
        if self._turn.locked():
            return
        async with self._turn:
            for change_id, outcome in list(self._late.items()):
                # Any other fault is that of this outcome alone.
                if not await self.keep(change_id, outcome) and self._away:
                    return

    async def keep_trying(self) -> None:
        """Do so whenever there is something, until it is cancelled; then once more.

        A server may be run several times at once, as in tests: one of its runs does.
        """
        async with self._trying:
            try:
                while True:
                    while not self._late:
                        # Made where it is waited for: a server may be run in one event loop after another.
                        self._some = anyio.Event()
                        await self._some.wait()
                    wait = AGAIN_SECONDS
                    while self._late:
                        await anyio.sleep(wait)
                        wait = min(2 * wait, LONGEST_SECONDS)
                        await self.keep_late()
            finally:
                if self._late and anyio.current_time() - self._slow_at >= SLOW_SECONDS:
                    with anyio.CancelScope(shield=True):
                        await self.keep_late()
