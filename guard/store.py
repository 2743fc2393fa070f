"""The guard's store as the server uses it: opened on first use, and never in the way of the event loop."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread
from mcp.server.mcpserver.exceptions import ToolError

from .late import Outcomes
from .question import NOTHING_CHANGED

if TYPE_CHECKING:
    from .database import Database
    from .journal import Journal, Outcome
    from .keys import SealingKeys
    from .ledger import Ledger
    from .logins import Logins
    from .notices import Notices
    from .rates import RatesInDatabase

T = TypeVar("T")
DAY = 24 * 3600.0
IN_MEMORY = "sqlite://"


@dataclass(frozen=True)
class OpenStore:
    """What is kept: the plans with their approvals, the journal, the logins, the rates, what one process tells the
    others, and the keys that seal."""

    database: "Database"
    ledger: "Ledger"
    journal: "Journal"
    logins: "Logins"
    rates: "RatesInDatabase"
    notices: "Notices"
    keys: "SealingKeys"


class Store:
    """The store behind one URL, such as `sqlite:///path` or `postgresql://…`; `sqlite://` keeps it in memory.

    Changes older than `keep_days` are forgotten when it is opened; 0 keeps them for good. `outcomes` are those on
    their way into it.
    """

    def __init__(self, url: str, *, keep_days: int = 0, clock: Callable[[], float] = time) -> None:
        self._url = url
        self._keep_days = keep_days
        self._clock = clock
        self._opened: OpenStore | None = None
        self._opening = anyio.Lock()
        self._once = threading.Lock()
        self.outcomes = Outcomes(self._end)

    @property
    def is_open(self) -> bool:
        """Whether anything has used it yet."""
        return self._opened is not None

    @property
    def is_shared(self) -> bool:
        """Whether other processes can use it as well."""
        return self._url != IN_MEMORY

    async def use(self, work: Callable[[OpenStore], T]) -> T:
        """Do something with the store, in a thread of its own.

        Raises:
            StoreError: it cannot be opened, read or written.
        """
        async with self._opening:
            opened = self._opened or await anyio.to_thread.run_sync(self.open)
        return await anyio.to_thread.run_sync(work, opened)

    async def _end(self, change_id: str, outcome: "Outcome") -> None:
        await self.use(lambda store: store.journal.end(change_id, outcome))

    def open(self) -> OpenStore:
        """Open it now, in this thread; once."""
        # Whoever seals a state does not wait in the event loop's queue: two stores in memory would know nothing of
        # each other's keys and plans.
        with self._once:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> OpenStore:
        from .database import Database
        from .journal import Journal
        from .keys import SealingKeys
        from .ledger import Ledger
        from .logins import Logins
        from .notices import Notices
        from .rates import RatesInDatabase

        database = Database.open(self._url, clock=self._clock)
        keys = SealingKeys(database)
        # Made now where there are none, so that whoever opens a store knows that it can be written.
        keys.known()
        opened = OpenStore(
            database,
            Ledger(database),
            Journal(database),
            Logins(database, self._clock),
            RatesInDatabase(database),
            Notices(database, self._clock),
            keys,
        )
        opened.ledger.prune()
        if self._keep_days:
            opened.journal.prune(time() - self._keep_days * DAY)
        return opened

    async def needed(self, work: Callable[[OpenStore], T]) -> T:
        """Like `use`, for what a write cannot go without.

        Raises:
            ToolError: the store does not work, in words.
        """
        from .database import StoreError

        try:
            return await self.use(work)
        except StoreError as error:
            raise ToolError(
                "Not done: the record of changes does not work, and without it nothing is written to the shop. "
                f"{error} {NOTHING_CHANGED}"
            ) from None

    def close(self) -> None:
        """Close it, if it was ever opened."""
        if self._opened is not None:
            self._opened.database.close()
            self._opened = None
