"""Completing what somebody types into a prompt or an address: from the shop's own names, the best first."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from ..prompts.arguments import find
from ..prompts.errors import PromptError
from ..prompts.template import NAMES, Kind
from .choosing import id_in
from .names import MOST_SHOWN, Name, ranked
from .reports import REPORTS
from .resource_list import READABLE, REPORT, TOPIC
from .shop_names import ShopNames

_DAYS_AHEAD = (0, 1, 7, 14, 30)


async def completed(
    ref: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    context: CompletionContext | None,
    *,
    names: ShopNames,
    today: Callable[[], date],
) -> Completion:
    """What an argument may be completed to.

    For a prompt these are names with their ids, for a person to pick from; for an address the ids alone.

    Raises:
        MCPError: -32602 for a prompt, template or argument that does not exist.
    """
    chosen = (context.arguments if context else None) or {}
    if isinstance(ref, PromptReference):
        try:
            template = find(ref.name)
        except PromptError as error:
            raise MCPError(code=INVALID_PARAMS, message=str(error)) from None
        blank = template.arguments.get(argument.name)
        if blank is None:
            raise _unknown(argument.name, template.arguments, ref.name)
        if blank.suggest:
            return _shown(_of(blank.suggest, argument.value), whole=True)
        return await _by_kind(blank.kind, argument.value, chosen, names, today(), word=str)
    completers = next(
        (dict(item.completes) for item in READABLE if item.is_template and item.uri == ref.uri), None
    )
    if completers is None:
        raise MCPError(
            code=INVALID_PARAMS,
            message=f"Unknown template: {ref.uri[:200]!r}. resources/templates/list names those there are.",
            data={"uri": ref.uri[:2000]},
        )
    kind = completers.get(argument.name)
    if kind is None:
        if f"{argument.name}" in _variables(ref.uri):
            return Completion(values=[])
        raise _unknown(argument.name, completers, ref.uri)
    return await _by_kind(kind, argument.value, chosen, names, today(), word=lambda name: name.id)


def _variables(template: str) -> set[str]:
    """The variables of a template."""
    inside = "".join(f"{part.partition('}')[0]}," for part in template.split("{")[1:])
    return {name for name in inside.strip("?").replace("?", "").split(",") if name}


def _unknown(name: str, known: Iterable[str], where: str) -> MCPError:
    there_are = ", ".join(known) or "none"
    return MCPError(
        code=INVALID_PARAMS, message=f"{where} has no argument {name[:100]!r}. It has: {there_are}."
    )


async def _by_kind(
    kind: str,
    typed: str,
    chosen: Mapping[str, str],
    names: ShopNames,
    today: date,
    *,
    word: Callable[[Name], str],
) -> Completion:
    match kind:
        case Kind.PRODUCT:
            found, total = await names.products(typed)
        case Kind.COLLECTION:
            found, total = await names.collections(typed)
        case Kind.REVIEW:
            product = id_in(chosen["product"]) if chosen.get("product") else None
            found, total = await names.reviews(typed, product_id=product)
        case Kind.STORE:
            found, total = await names.stores(typed)
        case Kind.STATUS:
            return _shown(_of(await names.statuses(), typed), whole=True)
        case Kind.DATE:
            days = [(today + timedelta(days=ahead)).isoformat() for ahead in _DAYS_AHEAD]
            return _shown([day for day in days if day.startswith(typed.strip())], whole=True)
        case _ if kind == TOPIC:
            return _shown(_of(NAMES, typed), whole=True)
        case _ if kind == REPORT:
            return _shown(_of([name for name in REPORTS if name != "price_list"], typed), whole=True)
        case _:
            return Completion(values=[])
    values = [word(name) for name in found[:MOST_SHOWN]]
    more = len(found) > len(values) or total is None or total > len(values)
    return Completion(values=values, total=total, has_more=more)


def _of(words: Iterable[str], typed: str) -> list[str]:
    """The words that fit what was typed."""
    return [name.name for name in ranked([Name("", word) for word in words], typed)]


def _shown(values: list[str], *, whole: bool) -> Completion:
    return Completion(values=values[:MOST_SHOWN], total=len(values), has_more=not whole)
