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
    "HOOPAI_LOCATION_ID": "the id of that sub-account (location)",
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
        require_sandbox()


def require_sandbox() -> None:
    """See that the extra is installed.

    Raises:
        CommandError: it is not; it says what to install.
    """
    if not all(find_spec(module) for module in SANDBOX_MODULES):
        raise CommandError(
            "the sandbox is not installed. Install it with:",
            f"  pip install '{PROGRAM}[sandbox]'",
            code=USAGE_ERROR,
        )
