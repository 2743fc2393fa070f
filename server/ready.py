"""Whether what a command needs is there: a shop to work on, and the sandbox's extra."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from .command_parser import PROGRAM, USAGE_ERROR, CommandError

if TYPE_CHECKING:
    from .settings import Settings

SANDBOX_MODULES = ("jsonschema_rs", "yaml", "starlette", "rich")
"""What the `sandbox` extra brings."""

_HELP_FOR_MISSING = {
    "HOOPAI_ACCESS_TOKEN": "the token of a Private Integration of the sub-account",
    "HOOPAI_CLIENT_ID": "the client id of the OAuth app",
    "HOOPAI_CLIENT_SECRET": "the client secret of the OAuth app",
    "HOOPAI_LOCATION_ID": "the id of the sub-account (location)",
}


def require_shop(settings: "Settings") -> None:
    """See that there is a shop to work on.

    Raises:
        CommandError: there is not; it names what to set and how to try without.
    """
    if missing := settings.missing():
        raise CommandError(
            "there is no shop to work on. Set in the server's environment:",
            *(f"  {name:<20} {_HELP_FOR_MISSING[name]}" for name in missing),
            "or try it on an invented shop, without an account:",
            f"  {PROGRAM} --sandbox",
            f"  {PROGRAM} demo",
            code=USAGE_ERROR,
        )
    if settings.shops_file is not None:
        from .shop_option import known_shops

        known_shops(settings)
    if settings.sandbox:
        require_sandbox(settings)


def require_sandbox(settings: "Settings | None" = None) -> None:
    """See that the extra is installed, and that a shop of these settings can be kept where they say.

    Raises:
        CommandError: it is not, or it cannot; it says what to do.
    """
    if not all(find_spec(module) for module in SANDBOX_MODULES):
        raise CommandError(
            "the sandbox is not installed. Install it with:",
            f"  pip install '{PROGRAM}[sandbox]'",
            code=USAGE_ERROR,
        )
    file = settings.sandbox_file() if settings is not None else None
    if file is None:
        return
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"the invented shop cannot be kept in {file.parent}: {error.strerror}. Nothing was changed.",
            "Give another folder with --data-dir, or none: then it is in memory.",
        ) from None
