"""What a tool is: one declarative record, made by the `tool` decorator.

Everything else (registration with the SDK, hints, strictness of input, confirmation, toolset and
read-only filtering, the tables in the docs) is derived from these records.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..guard.plan import Plan

Handler = Callable[..., Awaitable["BaseModel"]]
Planner = Callable[..., Awaitable["Plan"]]


class Toolset(StrEnum):
    """The groups of tools that can be chosen at start."""

    PRODUCTS = "products"
    PRICES = "prices"
    INVENTORY = "inventory"
    STORE = "store"
    COLLECTIONS = "collections"
    REVIEWS = "reviews"
    BULK = "bulk"
    CHANGES = "changes"
    WORKFLOWS = "workflows"
    GUIDES = "guides"


class Risk(StrEnum):
    """What a call can do to the shop; it decides the hints and whether a person is asked."""

    READ = "read"
    """Changes nothing."""
    CREATE = "create"
    """Adds one thing and overwrites none."""
    UPDATE = "update"
    """Overwrites one thing; what was there can be written back."""
    DESTRUCTIVE = "destructive"
    """Deletes, hides, rejects or changes many things at once: a person is asked first."""


GUARD_ARGUMENTS = ("dry_run", "confirmation_token")
"""The arguments that every tool that writes takes besides its own: they are for the guard."""


@dataclass(frozen=True, kw_only=True)
class ToolRecord:
    """One tool as it is offered and as it works.

    `handler(shop, **arguments)` returns the view that becomes the result; its signature is the input
    schema and its docstring the description. Every tool that writes has a `plan(shop, **arguments)`, which reads
    the present state and says what would happen and whether a person has to agree; its handler takes the plan:
    `handler(shop, plan, **arguments)`. `undoes` names the argument that holds the id of a change which the call
    takes back. `previews` is whether a call of it only shows what it would do unless it says `dry_run: false`.
    """

    name: str
    title: str
    description: str
    operation: str
    toolset: Toolset
    risk: Risk
    idempotent: bool
    open_world: bool
    asks: bool
    undoes: str | None
    previews: bool
    handler: Handler
    plan: Planner | None

    @property
    def read_only(self) -> bool:
        """Whether the tool changes nothing."""
        return self.risk is Risk.READ

    @property
    def destructive(self) -> bool:
        """Whether it may overwrite or remove: all but reading and pure additions, as MCP defines the hint."""
        return self.risk in {Risk.UPDATE, Risk.DESTRUCTIVE}


def tool(
    *,
    operation: str,
    title: str,
    toolset: Toolset,
    risk: Risk = Risk.DESTRUCTIVE,
    idempotent: bool = False,
    open_world: bool = True,
    plan: Planner | None = None,
    asks: bool | None = None,
    undoes: str | None = None,
    previews: bool = False,
) -> Callable[[Handler], ToolRecord]:
    """Make the record of one tool from its handler. The defaults are the most cautious ones.

    `operation` is "METHOD /path" of the API operation the tool exposes. `asks` is whether some call of it waits
    for a person's consent; a destructive tool's do unless said otherwise.

    Raises:
        ValueError: a writing tool without a plan, a reading tool with one, or a missing description.
    """

    def record(handler: Handler) -> ToolRecord:
        name = handler.__name__
        description = " ".join((handler.__doc__ or "").split())
        if not description:
            raise ValueError(f"{name} has no description")
        if risk is not Risk.READ and plan is None:
            raise ValueError(f"{name} writes and has no plan")
        if risk is Risk.READ and plan is not None:
            raise ValueError(f"{name} only reads and needs no plan")
        return ToolRecord(
            name=name,
            title=title,
            description=description,
            operation=operation,
            toolset=toolset,
            risk=risk,
            idempotent=idempotent or risk is Risk.READ,
            open_world=open_world,
            asks=risk is Risk.DESTRUCTIVE if asks is None else asks,
            undoes=undoes,
            previews=previews,
            handler=handler,
            plan=plan,
        )

    return record


def summary(record: ToolRecord) -> dict[str, Any]:
    """The record as plain data for tables and `--json` output."""
    return {
        "name": record.name,
        "title": record.title,
        "description": record.description,
        "operation": record.operation,
        "toolset": record.toolset.value,
        "risk": record.risk.value,
        "asks": record.asks,
        "read_only": record.read_only,
        "destructive": record.destructive,
        "idempotent": record.idempotent,
        "open_world": record.open_world,
    }
