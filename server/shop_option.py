"""The shops that a command is about: all of the settings, or the one that `--shop` names."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .command_parser import USAGE_ERROR, CommandError, Parser

if TYPE_CHECKING:
    from .profiles import Profile
    from .settings import Settings


def shop_option(parser: Parser) -> None:
    """Add the option."""
    parser.option("--shop", metavar="NAME", help="of several shops only this one, by its name or location id")


def known_shops(settings: "Settings", *, reachable: bool = True) -> "list[Profile]":
    """The shops of these settings; `reachable` is whether each has to say how it is reached.

    Raises:
        CommandError: the file of shops cannot be used.
    """
    from .profiles import profiles_of

    with wrong_settings():
        return profiles_of(settings, reachable=reachable)


@contextmanager
def wrong_settings() -> Generator[None]:
    """In this block wrong settings end the command, in words.

    Raises:
        CommandError: some are wrong.
    """
    from .settings import SettingsError

    try:
        yield
    except SettingsError as error:
        problems = [f"  {problem}" for problem in error.problems]
    else:
        return
    raise CommandError("these settings are wrong:", *problems, code=USAGE_ERROR)


def chosen_shops(settings: "Settings", name: str | None, *, reachable: bool = True) -> "list[Profile]":
    """The shop of that name, or all of them; `reachable` is whether each of those has to say how it is reached.

    Raises:
        CommandError: there is none, or the file of shops cannot be used.
    """
    from .profiles import refuse_unreachable, with_name

    known = known_shops(settings, reachable=reachable and name is None)
    if name is None:
        return known
    if settings.shops_file is None:
        raise CommandError(
            "--shop is for several shops, and there is no file of them: see --shops-file.", code=USAGE_ERROR
        )
    if (found := with_name(known, name)) is None:
        names = ", ".join(profile.name for profile in known)
        raise CommandError(f"there is no shop of that name. There are: {names}.", code=USAGE_ERROR)
    if reachable:
        with wrong_settings():
            refuse_unreachable(settings, [found])
    return [found]


def the_shop(settings: "Settings", name: str | None, *, reachable: bool = True) -> "Profile":
    """The shop of that name, or the only one.

    Raises:
        CommandError: there is none, or there are several and none was named.
    """
    found = chosen_shops(settings, name, reachable=reachable)
    if len(found) > 1:
        names = ", ".join(profile.name for profile in found)
        raise CommandError(
            f"there are several shops: say which with --shop. There are: {names}.", code=USAGE_ERROR
        )
    return found[0]
