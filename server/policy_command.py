"""The command `policy check`: the limits of the shop in plain words, or what is wrong with their file."""

import sys
from pathlib import Path


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
