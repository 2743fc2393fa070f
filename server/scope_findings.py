"""What the doctor says of scopes: which the tools offered need, held against what the login was given."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ..tools.catalog import RECORDS
from ..tools.registration import offered
from ..tools.scopes import needed_scopes

if TYPE_CHECKING:
    from .settings import Settings

_MOST_TOOLS = 6


def tools_by_scope(settings: "Settings") -> dict[str, list[str]]:
    """The tools that these settings offer, by each scope that they need."""
    names = {tool["name"] for tool in offered(settings.toolsets, read_only=settings.read_only)}
    found: dict[str, list[str]] = {}
    for record in RECORDS:
        if record.name in names:
            for scope in needed_scopes(record):
                found.setdefault(scope, []).append(record.name)
    return dict(sorted(found.items()))


def without(scope: str, by_scope: Mapping[str, Collection[str]]) -> str:
    """What does not work without a scope."""
    tools = list(by_scope.get(scope, ()))
    more = f" and {len(tools) - _MOST_TOOLS} more" if len(tools) > _MOST_TOOLS else ""
    return f"Without {scope} these do not work: {', '.join(tools[:_MOST_TOOLS])}{more}." if tools else ""


def lacking(granted: Collection[str], by_scope: Mapping[str, Collection[str]]) -> list[str]:
    """What a login that was given these scopes cannot do; empty if it can do everything."""
    return [without(scope, by_scope) for scope in by_scope if scope not in granted]


def unseen(by_scope: Mapping[str, Collection[str]]) -> str:
    """What only a write would show."""
    needed = [
        f"{scope} ({len(tools)} tools)" for scope, tools in by_scope.items() if scope.endswith(".write")
    ]
    if not needed:
        return ""
    return (
        "Whether the token may write cannot be seen without writing. The tools offered need "
        f"{', '.join(needed)}; a write that lacks one is refused, and says which."
    )
