"""The command `policy check`: the limits of each shop in plain words, or what is wrong with their file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .profiles import Profile


def check(path: Path | None, must_exist: bool) -> int:
    """Print the rules in force, or the problems of the file; the exit code is 0 when the file can be used, or else 1.

    `must_exist` is whether the path was set, and is not only where a policy would be looked for.
    """
    from ..guard.policy_file import explain, read_policy
    from ..tools.registration import definitions

    writing = [tool["name"] for tool in definitions() if not tool["annotations"]["readOnlyHint"]]
    file = read_policy(path, must_exist=must_exist, tools=writing)
    sys.stdout.write("\n".join(explain(file)) + "\n")
    return 0 if file.policy else 1


def check_shops(shops: "list[Profile]") -> int:
    """The same for each shop; the exit code is 0 when all files can be used, or else 1."""
    codes: list[int] = []
    for shop in shops:
        if shop.name:
            sys.stdout.write(("\n" if codes else "") + f"Shop {shop.words}\n")
        settings = shop.settings
        codes.append(check(settings.policy_path, must_exist=settings.policy_file is not None))
    return max(codes)
