"""What a person picks from a menu: one Markdown file each, with its facts above the text.

A file begins with TOML between two lines of `+++`: title, description, the documents of the shop that go with it, the
tool calls that read the same, the tools it leads to, and its arguments. The text below is the same for everybody; what
a person chose and what the shop holds is never written into it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, cast

NAMES = (
    "draft_product_description",
    "triage_reviews",
    "reply_to_review",
    "launch_product",
    "plan_sale",
    "reprice",
    "restock_report",
    "seo_refresh",
    "catalog_health",
    "build_collection",
    "import_check",
    "end_of_season",
)
"""All prompts, in the order of the menu."""

_FENCE = "+++\n"


class Kind(StrEnum):
    """What an argument holds; it decides how it is checked and how it completes."""

    TEXT = "text"
    """Free words."""
    LINES = "lines"
    """Pasted text of many lines."""
    PRODUCT = "product"
    """A product by name, slug or id."""
    COLLECTION = "collection"
    """A collection by name, slug or id."""
    REVIEW = "review"
    """A review by id."""
    STORE = "store"
    """A store by id."""
    STATUS = "status"
    """A status that reviews of this shop have."""
    DAY = "day"
    """A date, or a number of days back from today."""
    DATE = "date"
    """A date."""
    NUMBER = "number"
    """A whole number."""
    DISCOUNT = "discount"
    """A percentage, or an amount with its currency."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One blank that a person fills in. `suggest` completes free words, and limits nothing."""

    name: str
    description: str
    kind: Kind
    required: bool
    suggest: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Template:
    """One prompt.

    `documents` names what of the shop is embedded; `reads` are the tool calls, as `tool(argument, …)`, that read the
    same; `tools` are all tools that the text names. `one_of` are arguments of which at least one is needed.
    """

    name: str
    title: str
    description: str
    documents: tuple[str, ...]
    reads: tuple[str, ...]
    tools: tuple[str, ...]
    one_of: tuple[str, ...]
    arguments: Mapping[str, Argument]
    text: str


@cache
def templates() -> Mapping[str, Template]:
    """All prompts by name, in the order of the menu; read from their files once."""
    return {name: _read(name) for name in NAMES}


def _read(name: str) -> Template:
    written = files(__spec__.parent).joinpath(f"{name}.md").read_text(encoding="utf-8")
    facts, _, text = written.removeprefix(_FENCE).partition(f"\n{_FENCE}")
    known = tomllib.loads(facts)
    arguments = cast("dict[str, dict[str, Any]]", known.pop("arguments", {}))
    lists = {key: tuple(known.pop(key, ())) for key in ("documents", "reads", "tools", "one_of")}
    return Template(
        name=name,
        text=text.strip(),
        arguments={key: _argument(key, **facts) for key, facts in arguments.items()},
        **lists,
        **known,
    )


def _argument(
    name: str, *, description: str, kind: str, required: bool = False, suggest: tuple[str, ...] = ()
) -> Argument:
    return Argument(
        name=name, description=description, kind=Kind(kind), required=required, suggest=tuple(suggest)
    )
