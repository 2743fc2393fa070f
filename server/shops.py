"""The shops of one server at work, and which of them a caller's request is about.

Where there is one, nothing of this shows: no tool has a `location`, and no address names a shop. Where there are
several, a shop that a caller may not use is to them as one that there is not.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ..guard.store import Store
from ..tools.addresses import LOCATION, SCHEME, SHOPS
from .callers import Callers
from .connection import Connection
from .exports import Exports
from .guarding import Guarding
from .profiles import Profile, profiles_of
from .settings import Settings

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from ..guard.writes import Guard
    from ..products_api.client import ProductsClient
    from ..products_api.watching import Watch
    from .callers import Caller
    from .shop_names import ShopNames

MOST_NAMED = 30
"""Shops that instructions and errors name; the resource of shops has them all."""
_SHOWN = 60
_IN_SHOP = re.compile(rf"{re.escape(SHOPS)}/([^/?#]+)/(.+)", re.DOTALL)


class UnknownShopError(Exception):
    """No shop was named, or one that is not there for this caller. The text says which are."""


class OpenShop:
    """One shop with what works on it. `name` is empty where it is the only one."""

    def __init__(
        self, profile: Profile, *, connection: "Connection", guarding: "Guarding", several: bool
    ) -> None:
        self.profile = profile
        self.connection = connection
        self.guarding = guarding
        self.name = profile.name if several else ""
        self.title = profile.words if several else ""
        self.exports = Exports(profile.settings, connection.location_id, shop=self.name)

    @property
    def settings(self) -> "Settings":
        """Its settings."""
        return self.profile.settings

    @property
    def location_id(self) -> str:
        """Its location."""
        return self.connection.location_id

    @property
    def client(self) -> "ProductsClient":
        """The client of its API."""
        return self.connection.client

    @property
    def guard(self) -> "Guard":
        """What guards its writes."""
        return self.guarding.guard

    @cached_property
    def names(self) -> "ShopNames":
        """The names of its things."""
        from .shop_names import ShopNames

        return ShopNames(lambda: self.client, fresh_seconds=self.settings.cache_seconds)

    async def aclose(self) -> None:
        """Close what it holds open, but for the store, which it may share."""
        await self.connection.aclose()
        self.exports.close()


class Shops:
    """The shops of one server, as the caller of a request may use them. `store` is where all of them keep things."""

    def __init__(self, shops: Sequence[OpenShop], *, store: "Store", caller: "Callable[[], Caller]") -> None:
        self.all = tuple(shops)
        self.store = store
        self.several = len(shops) > 1
        self._caller = caller

    def mine(self) -> list[OpenShop]:
        """Those of whoever is being answered."""
        caller = self._caller()
        return [shop for shop in self.all if caller.may_use(shop.profile.name, shop.location_id)]

    def named(self, given: object = None) -> OpenShop:
        """The shop of that name or location id; without one, the only one that there is for the caller.

        Raises:
            UnknownShopError: there is none for this caller.
        """
        mine = self.mine()
        if given is None and len(mine) == 1:
            return mine[0]
        for shop in mine:
            if given is not None and given in (shop.profile.name, shop.location_id):
                return shop
        if not mine:
            raise UnknownShopError("There is no shop here that you may use. Ask whoever runs this server.")
        if given is None:
            raise UnknownShopError(f"`{LOCATION}` is missing: say which shop. There are: {listed(mine)}.")
        shown = (
            f" {given!r}" if isinstance(given, str) and given.isprintable() and len(given) <= _SHOWN else ""
        )
        raise UnknownShopError(
            f"There is no shop{shown}. `{LOCATION}` takes a name or location id. There are: {listed(mine)}."
        )

    def addressed(self, uri: str) -> tuple[OpenShop, str] | None:
        """The shop that an address names, and what it would be where that were the only one; None where it names none.

        Raises:
            UnknownShopError: there is no such shop for this caller.
        """
        found = _IN_SHOP.fullmatch(uri)
        return None if found is None else (self.named(found[1]), SCHEME + found[2])

    def having(self, uri: str) -> OpenShop | None:
        """The shop that an address is in, whoever may use it."""
        if not self.several:
            return self.all[0]
        found = _IN_SHOP.fullmatch(uri)
        named = (shop for shop in self.all if found and found[1] in (shop.name, shop.location_id))
        return next(named, None)

    async def aclose(self) -> None:
        """Close everything."""
        for shop in self.all:
            await shop.aclose()
        self.store.close()

    def at(self, location_id: object) -> OpenShop | None:
        """The shop of a location, whoever may use it."""
        return next((shop for shop in self.all if shop.location_id == location_id), None)


def listed(shops: Sequence[OpenShop]) -> str:
    """Shops by name and title, for a sentence."""
    shown = [
        f"{shop.profile.name} ({shop.profile.title})" if shop.profile.title else shop.profile.name
        for shop in shops[:MOST_NAMED]
    ]
    more = [f"and {len(shops) - MOST_NAMED} more, which the resource {SHOPS} lists"]
    return ", ".join([*shown, *(more if len(shops) > MOST_NAMED else [])])


def open_shops(
    settings: Settings,
    *,
    connection: Connection | None = None,
    guarding: Guarding | None = None,
    page: str | None = None,
    sandbox_apps: Mapping[str, "Starlette"] | None = None,
    watch: "Watch | None" = None,
) -> Shops:
    """The shops of these settings with what works on them, made unless given; all of them share one store.

    `page` is the address of the approval page, where there is one, and `sandbox_apps` are embedded shops by name.
    `watch` is told of every request to the API.

    Raises:
        SettingsError: there is a file of shops that cannot be used.
    """
    profiles = profiles_of(settings)
    store = (
        guarding.store if guarding is not None else Store(settings.store_url, keep_days=settings.journal_days)
    )
    apps = sandbox_apps or {}
    found: list[OpenShop] = []
    for profile in profiles:
        found.append(
            OpenShop(
                profile,
                connection=connection
                or Connection(
                    profile.settings,
                    store=store,
                    sandbox_app=apps.get(profile.name),
                    profile=profile,
                    watch=watch,
                ),
                guarding=guarding or Guarding(profile.settings, store=store, page=page),
                several=len(profiles) > 1,
            )
        )
    return Shops(found, store=store, caller=Callers(settings).now)
