"""The allowance of requests as processes share it, and what is done while that does not work."""

import logging
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from ..guard.rates import Rates, RatesInFile
from ..products_api.budget import Budget, Granted
from ..products_api.window import Ask, Wait

if TYPE_CHECKING:
    from ..guard.store import Store
    from .settings import Settings

log = logging.getLogger("hoopai_products_mcp.server")

RATES_FILE = "requests.sqlite"
OPENING_SECONDS: Final = 10.0
"""How long a first call waits for the store to be opened, and made if there is none yet."""
ASKING_SECONDS: Final = 3.0
AWAY_SECONDS: Final = 10.0
"""For how long a store that did not work is not asked again."""


class Sharing:
    """Whom the allowance of a shop is shared with: other processes that have the same data folder or database."""

    def __init__(self, settings: "Settings", store: "Store", location: str) -> None:
        in_folder = settings.database_url is None
        self._file = RatesInFile(settings.data_dir / RATES_FILE) if in_folder else None
        self._store = store
        # The API counts for each app in each location; a private integration is such an app.
        name = f"{location} {settings.client_id or 'private integration'} {settings.base_url}"
        self.budget = Budget(shared=StoredWindow(lambda: self._file or self._store.open().rates, name))

    def close(self) -> None:
        """Close what was opened for it."""
        if self._file is not None:
            self._file.close()


class StoredWindow:
    """The window of one location and app, under a name among the `rates` of a store, which are opened when needed."""

    def __init__(
        self,
        rates: Callable[[], Rates],
        name: str,
        *,
        clock: Callable[[], float] = anyio.current_time,
        opening_seconds: float = OPENING_SECONDS,
        asking_seconds: float = ASKING_SECONDS,
    ) -> None:
        self._rates = rates
        self._name = name
        self._clock = clock
        self._process = secrets.token_hex(4)
        self._seconds = opening_seconds
        self._asking_seconds = asking_seconds
        self._away_until: float | None = None

    async def ask(self, ask: Ask) -> Granted | Wait | None:
        """What the store says; None while it does not work, which is logged once."""
        if self._away_until is not None and self._clock() < self._away_until:
            return None
        why = "it did not answer in time"
        with anyio.move_on_after(self._seconds):
            # A thread that hangs is left behind: what it may get still is forgotten like any other place.
            answer = await anyio.to_thread.run_sync(
                self._in_words, replace(ask, process=self._process), abandon_on_cancel=True
            )
            if not isinstance(answer, str):
                if self._away_until is not None:
                    log.warning("The store works again: the allowance of requests is shared anew.")
                    self._away_until = None
                self._seconds = self._asking_seconds
                return answer
            why = answer
        if self._away_until is None:
            log.warning(
                "The allowance of requests cannot be shared with other processes and is counted by this one alone, "
                "until the store works again: %s",
                why,
            )
        self._away_until = self._clock() + AWAY_SECONDS
        return None

    def _in_words(self, ask: Ask) -> Granted | Wait | str:
        """What the store says, or why it does not work."""
        try:
            return self._rates().ask(self._name, ask)
        except sqlite3.Error as error:
            return f"{RATES_FILE} in the data folder cannot be used ({error})."
        except OSError as error:
            return (
                f"{RATES_FILE} in the data folder cannot be used ({error.strerror or type(error).__name__})."
            )
        except Exception as error:
            # Not at the top: it loads the store.
            from ..guard.store_errors import StoreError

            if isinstance(error, StoreError):
                return str(error)
            raise
