"""Which webhooks were here before, as all processes on one store know it, and through which they hear of them."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from ..guard.store import Store

log = logging.getLogger("hoopai_products_mcp.updates")

LIFETIME_SECONDS = 300
"""How old an event may be, or how far of the future."""
KEEP_SECONDS = 3 * LIFETIME_SECONDS
"""Twice the lifetime of an event, and once more where the clocks of two machines are not the same."""
OPENING_SECONDS: Final = 10.0
"""How long a first event waits for the store to be opened, and made if there is none yet."""
ASKING_SECONDS: Final = 3.0
AWAY_SECONDS: Final = 5.0
"""For how long a store that did not work is not asked again."""
MOST_LATE = 10_000


@dataclass(frozen=True)
class _Event:
    id: str
    location: str
    addresses: tuple[str, ...]


class EventBook:
    """The events in a store. While it does not work each process knows its own, and writes them down later."""

    def __init__(self, store: "Store", *, clock: Callable[[], float] = anyio.current_time) -> None:
        self._store = store
        self._clock = clock
        self._seconds = OPENING_SECONDS
        self._away_until: float | None = None
        self._late: deque[_Event] = deque(maxlen=MOST_LATE)

    async def enter(self, event_id: str, location: str, addresses: Sequence[str]) -> bool:
        """Write an event down for the others; whether none of them had it before, as far as can be told."""
        event = _Event(event_id, location, tuple(addresses))
        if self._away_until is not None and self._clock() < self._away_until:
            self._late.append(event)
            return True
        late, why = [*self._late], "it did not answer in time"
        with anyio.move_on_after(self._seconds):
            # A thread that hangs is left behind. What it may write still is written once all the same.
            answer = await anyio.to_thread.run_sync(self._written, [*late, event], abandon_on_cancel=True)
            if isinstance(answer, bool):
                self._works(late)
                return answer
            why = answer
        self._late.append(event)
        if self._away_until is None:
            log.warning(
                "Webhooks are told to those who are subscribed at this process alone, until the store works again: "
                "%s",
                why,
            )
        self._away_until = self._clock() + AWAY_SECONDS
        return True

    def _works(self, late: list[_Event]) -> None:
        if self._away_until is not None:
            log.warning("The store works again: webhooks are told at all processes.")
            self._away_until = None
        self._seconds = ASKING_SECONDS
        for event in late:
            if event in self._late:
                self._late.remove(event)

    def _written(self, events: Sequence[_Event]) -> bool | str:
        """Whether the last of them is new, or why the store does not work."""
        is_new = True
        try:
            notices = self._store.open().notices
            for event in events:
                is_new = notices.accept(
                    event.id, location=event.location, addresses=event.addresses, keep_seconds=KEEP_SECONDS
                )
        except Exception as error:
            # Not at the top: it loads the store.
            from ..guard.store_errors import StoreError

            if isinstance(error, StoreError):
                return str(error)
            # The event is here, whatever became of the book: those who can be told have to be.
            log.exception("A webhook could not be written down")
            return f"it failed in an unexpected way ({type(error).__name__})."
        return is_new
