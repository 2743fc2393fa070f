"""The store that a server keeps, as commands open it: never made, only read and decided on."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .command_parser import CommandError, Parser, read_settings
from .shop_option import known_shops, shop_option, the_shop

if TYPE_CHECKING:
    from ..guard.database import Database
    from ..guard.journal import Journal
    from ..guard.ledger import Ledger
    from .profiles import Profile
    from .settings import Settings

STORE_SETTINGS = ("data_dir", "shops_file")


@dataclass(frozen=True)
class Kept:
    """What is kept: plans with their approvals, and the journal.

    `shops` are those of the settings, and `only` is the location of the one that is wanted; None for all.
    """

    database: "Database"
    ledger: "Ledger"
    journal: "Journal"
    shops: "tuple[Profile, ...]" = ()
    only: str | None = None

    def place(self, location: str) -> str:
        """A location, with the name of its shop where that is known."""
        return next(
            (f"{shop.words}, {location}" for shop in self.shops if shop.settings.location_id == location),
            location,
        )

    def refuse_other(self, what: str, location: str, *, so: str = "") -> None:
        """Refuse what is of another shop than the one that is wanted; `so` says what was not done to it.

        Raises:
            CommandError: it is.
        """
        if self.only in {None, location}:
            return
        shop = next((shop for shop in self.shops if shop.settings.location_id == location), None)
        if shop is None:
            whose = f"is of the location {location}, which the file of shops does not name. Leave --shop out."
        else:
            advice = f"Give --shop {shop.name}, or leave it out."
            whose = f"is of the shop {shop.words}, and --shop names another. {advice}"
        raise CommandError(f"that {what} {whose} {so}".rstrip())

    @property
    def several(self) -> bool:
        """Whether it has to be said which shop something is of."""
        return len(self.shops) > 1


def store_parser(command: str, *, description: str, epilog: str = "", of_a_shop: bool = True) -> Parser:
    """A parser with the options that say where the store is; `of_a_shop` is whether one shop's may be wanted."""
    parser = Parser(command, description=description, epilog=epilog)
    if of_a_shop:
        shop_option(parser)
    parser.settings(STORE_SETTINGS)
    return parser


@contextmanager
def kept(settings: "Settings", shop: str | None = None) -> Generator[Kept]:
    """The store of these settings, closed with the block; `shop` names the one that is wanted of several.

    Raises:
        CommandError: there is none yet, or it does not work; also for a StoreError inside the block.
    """
    shops: list[Profile] = known_shops(settings, reachable=False) if settings.shops_file is not None else []
    only = None if shop is None else the_shop(settings, shop, reachable=False).settings.location_id
    refuse_without_store(settings)
    from ..guard.database import Database
    from ..guard.journal import Journal
    from ..guard.ledger import Ledger
    from ..guard.store_errors import StoreError

    try:
        database = Database.open(settings.store_url)
        try:
            yield Kept(database, Ledger(database), Journal(database), tuple(shops), only)
        finally:
            database.close()
    except StoreError as error:
        said = str(error)
    else:
        return
    raise CommandError(said)


@contextmanager
def kept_at(found: dict[str, object]) -> Generator[Kept]:
    """The store of the environment and these options.

    Raises:
        CommandError: as `kept`, and for wrong settings.
    """
    shop = found.get("shop")
    with kept(read_settings(found), str(shop) if shop is not None else None) as store:
        yield store


def refuse_without_store(settings: "Settings") -> None:
    """Refuse where nothing was kept yet, rather than make an empty store in the wrong place.

    Raises:
        CommandError: there is no store.
    """
    if settings.database_url is not None:
        return
    if settings.store_url == "sqlite://":
        raise CommandError(
            "the embedded shop's server keeps approvals and changes in its own memory.",
            "Start it with --data-dir FOLDER and give this command the same.",
        )
    from .settings import STORE_FILE

    if not (settings.data_dir / STORE_FILE).exists():
        raise CommandError(
            f"nothing has been kept in {settings.data_dir} yet.",
            "A server makes its store there when it is first asked to change something.",
            "If yours keeps it elsewhere, say where: --data-dir FOLDER, or HOOPAI_DATABASE_URL",
            "in the environment.",
        )
