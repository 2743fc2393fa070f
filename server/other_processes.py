"""What other processes on the same store change, for those who are subscribed here.

Their writes are in the journal, and what the platform told them is among the notices. Nothing is read while nobody is
subscribed: most conversations never open the store.
"""

import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from ..tools.addresses import SCHEME, address, in_shop
from .updates import Updates, changed_by

if TYPE_CHECKING:
    from ..guard.journal import Change
    from ..guard.notices import Notice
    from .shops import Shops

log = logging.getLogger("hoopai_products_mcp.updates")

LOOK_SECONDS = 1.0
"""How long news takes at most, and what it costs: two small queries each time."""
AWAY_SECONDS = 5.0
"""For how long a store that did not work is not asked again."""
HANGING_SECONDS = 15.0
"""For how long a look is waited for."""
BEGINNING_SECONDS = 5.0
"""How long a subscriber waits for the first look; the store may have to be made first."""

_SILENT = "it did not answer in time."


@dataclass(frozen=True)
class _News:
    """What was found by one look, and where the next one goes on: after which event, and which notice."""

    event: int
    notice: int
    changes: "list[Change]" = field(default_factory=list["Change"])
    notices: "list[Notice]" = field(default_factory=list["Notice"])


class OtherProcesses:
    """What looks for their news. `changed` is told the addresses, and the location of the shop that they are in."""

    def __init__(
        self,
        shops: "Shops",
        updates: Updates,
        changed: Callable[[Iterable[str], str], Awaitable[None]],
        *,
        hanging_seconds: float = HANGING_SECONDS,
        away_seconds: float = AWAY_SECONDS,
    ) -> None:
        self._shops = shops
        self._updates = updates
        self._changed = changed
        self._hanging_seconds = hanging_seconds
        self._away_seconds = away_seconds
        self._turn = anyio.Lock()
        self._reading = threading.Lock()
        self._begun = anyio.Event()
        self._seen: _News | None = None
        self._missed = False
        self._works = True

    async def watch(self) -> None:
        """Look, whenever somebody is subscribed, until it is cancelled."""
        if not self._shops.store.is_shared:
            return
        # A server may be run several times at once, as in tests: one of its runs looks.
        async with self._turn:
            while True:
                await self._updates.somebody()
                await anyio.sleep(await self._look())
                if not self._updates.wanted:
                    self._seen, self._missed, self._begun = None, False, anyio.Event()

    async def begun(self) -> None:
        """Wait until nothing that changes from now on is missed; not for long where the store does not work.

        What may have been missed then is told when it works.
        """
        if self._shops.store.is_shared:
            with anyio.move_on_after(BEGINNING_SECONDS):
                await self._begun.wait()
            self._missed = self._missed or self._seen is None

    async def _look(self) -> float:
        """Look once, and tell; how long to wait before the next time."""
        try:
            news: _News | str = _SILENT
            with anyio.move_on_after(self._hanging_seconds):
                # A thread that hangs is left behind: it only reads.
                news = await anyio.to_thread.run_sync(self._read, abandon_on_cancel=True)
            if isinstance(news, str):
                self._fail(news)
                return self._away_seconds
            # What cannot be told is not tried again: it must not keep back what comes after it.
            self._seen = news
            if not self._works:
                log.warning("The store works again: what other processes change is told anew.")
                self._works = True
            missed, self._missed = self._missed, False
            await self._tell(news)
            if missed:
                await self._tell_everything()
        except Exception:
            log.exception("What other processes have changed could not be told")
            return self._away_seconds
        else:
            return LOOK_SECONDS
        finally:
            self._begun.set()

    def _fail(self, why: str) -> None:
        if self._works:
            log.warning(
                "What other processes change cannot be told to those who are subscribed, until the store works "
                "again: %s",
                why,
            )
        self._works = False

    def _read(self) -> _News | str:
        """The news since the last look, or why there are none to be had."""
        if not self._reading.acquire(blocking=False):
            # The thread that hangs is the only one that does.
            return _SILENT
        seen = self._seen
        try:
            opened = self._shops.store.open()
            if seen is None:
                return _News(opened.journal.newest(), opened.notices.newest())
            changes, event = opened.journal.concluded_elsewhere(seen.event)
            notices, notice = opened.notices.since(seen.notice)
            return _News(event, notice, changes, notices)
        except Exception as error:
            # Not at the top: it loads the store.
            from ..guard.store_errors import StoreError

            if isinstance(error, StoreError):
                return str(error)
            if self._works:
                log.exception("What other processes have changed could not be read")
            return f"it failed in an unexpected way ({type(error).__name__})."
        finally:
            self._reading.release()

    async def _tell(self, news: _News) -> None:
        told: dict[str, dict[str, None]] = {}
        for change in news.changes:
            try:
                uris = self._of_change(change)
            except Exception:
                # A newer version of this program may have made it; the others are told all the same.
                log.exception("Subscribers could not be told of the change %s", change.id)
                continue
            told.setdefault(change.location, {}).update(dict.fromkeys(uris))
        for notice in news.notices:
            told.setdefault(notice.location, {}).update(dict.fromkeys(self._of_notice(notice)))
        for location, found in told.items():
            await self._changed(found, location)

    async def _tell_everything(self) -> None:
        """Somebody was subscribed before anything could be read: whatever they wanted to know of may have changed."""
        for uri in self._updates.addresses:
            if (shop := self._shops.having(uri)) is not None:
                shop.names.forget()
                await self._updates.tell([uri], shop.profile.name, shop.location_id)

    def _of_change(self, change: "Change") -> list[str]:
        from ..guard.plan import Effect

        shop = self._shops.at(change.location)
        # A location may have been reached at another address of the API, and be another shop there.
        if shop is None or shop.settings.base_url != change.base_url:
            return []
        effects = [
            Effect(kind=effect["kind"], id=effect["id"], field=effect["field"], within=effect["within"])
            for effect in change.plan["effects"]
        ]
        created = (change.outcome.created if change.outcome is not None else None) or ()
        with in_shop(shop.name):
            return changed_by(effects, created)

    def _of_notice(self, notice: "Notice") -> list[str]:
        shop = self._shops.at(notice.location)
        if shop is None:
            return []
        with in_shop(shop.name):
            return [address(uri.removeprefix(SCHEME)) for uri in notice.addresses]
