"""Outcomes on their way into the journal: at once or, where the store does not take them, as soon as it does."""

import logging
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

    async def keep(self, change_id: str, outcome: "Outcome") -> bool:
        """Write an outcome down; the deed is done either way. Whether it could be; if not, it is tried again."""
        from .store_errors import ConcludedError, StoreError

        try:
            await self._end(change_id, outcome)
        except ConcludedError as error:
            # It may have been written down although the store said that it failed.
            log.warning("The outcome of %s (%s) is not written down: %s", change_id, outcome.outcome, error)
        except StoreError as error:
            log.warning(
                "The outcome of %s (%s) could not be written down: %s", change_id, outcome.outcome, error
            )
            self._late[change_id] = outcome
            self._some.set()
            return False
        except Exception:
            # After the deed: nothing may hide what became of it from the caller.
            log.exception("The outcome of %s (%s) could not be written down", change_id, outcome.outcome)
            if outcome.response is None and outcome.observed is None:
                return False
            # What the API answered has no place in the journal; what became of the change has.
            return await self.keep(change_id, replace(outcome, response=None, observed=None))
        self._late.pop(change_id, None)
        return True

    async def keep_late(self) -> None:
        """Write down what could not be written down at its time, as far as the store takes it now."""
        async with self._turn:
            for change_id, outcome in list(self._late.items()):
                if not await self.keep(change_id, outcome):
                    return

    async def keep_trying(self) -> None:
        """Do so whenever there is something, until it is cancelled; then once more."""
        try:
            while True:
                await self._some.wait()
                wait = AGAIN_SECONDS
                while self._late:
                    await anyio.sleep(wait)
                    wait = min(2 * wait, LONGEST_SECONDS)
                    await self.keep_late()
                self._some = anyio.Event()
        finally:
            if self._late:
                with anyio.CancelScope(shield=True):
                    await self.keep_late()
