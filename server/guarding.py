"""The guard of one server process, made from the settings; its store is opened by the first write."""

from functools import cached_property
from typing import TYPE_CHECKING

from ..guard.store import Store
from .settings import Settings

if TYPE_CHECKING:
    from ..guard.writes import Guard

LIFETIME_SECONDS = 600.0
PAUSE_SECONDS = 2.0
WAITING_SECONDS = 20.0
"""How long a write waits for another process that is changing the same thing."""
LOOK_SECONDS = 60.0
"""How often what other processes on the same store left open is looked for."""


class Guarding:
    """What a server needs to guard the writes of a shop.

    `store` is shared by several shops. `page` is the address of the approval page, where there is one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store | None = None,
        page: str | None = None,
        lifetime_seconds: float = LIFETIME_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        waiting_seconds: float = WAITING_SECONDS,
    ) -> None:
        self._settings = settings
        self._page = page
        self._lifetime_seconds = lifetime_seconds
        self._pause_seconds = pause_seconds
        self._look_seconds = look_seconds
        self._waiting_seconds = waiting_seconds
        self.store = store or Store(settings.store_url, keep_days=settings.journal_days)

    @cached_property
    def guard(self) -> "Guard":
        """The guard itself."""
        from ..guard.approval import Asking
        from ..guard.calls import Confirmation
        from ..guard.once import NowAndThen
        from ..guard.writes import Guard, policy_reader
        from ..tools.registration import definitions

        settings = self._settings
        asking = Asking(
            confirmation=Confirmation(settings.confirmation),
            confirm_all=settings.confirm_writes == "all",
            lifetime_seconds=self._lifetime_seconds,
            page=self._page,
        )
        writing = frozenset(tool["name"] for tool in definitions() if not tool["annotations"]["readOnlyHint"])
        return Guard(
            store=self.store,
            asking=asking,
            policy=policy_reader(
                settings.policy_path, must_exist=settings.policy_file is not None, tools=writing
            ),
            pause_seconds=self._pause_seconds,
            waiting_seconds=self._waiting_seconds,
            looks_around=NowAndThen(self._look_seconds),
        )

    def close(self) -> None:
        """Close the store, if anything was kept."""
        self.store.close()
