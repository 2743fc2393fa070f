"""Whether a write keeps to the limits of the shop.

The limits stand in a file that only the operator writes. No tool reads or writes it, and no argument, setting of a
conversation or consent lifts them: a write that breaks one is refused before anybody is asked. A file that cannot be
used refuses every write until it is mended.
"""

import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import MAX_EMAX, Context, Decimal, localcontext
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast
from unicodedata import normalize

from pydantic import BaseModel

from .plan import Effect, Plan
from .policy import DAYS, Policy, PolicyError, one_line, parse, visible

_NAMED = 3
"""How many things a refusal names; the rest are counted."""
_LARGEST_FILE = 1_000_000  # bytes; far above any policy, and read anew at every write
_LONGEST_NUMBER = 40

# Exact for every amount there is. Nothing is trapped: a number that is none compares as false, and what is not
# surely within a limit is refused.
_EXACT = Context(prec=200, Emax=MAX_EMAX, traps=[])


@dataclass(frozen=True, kw_only=True)
class PolicyFile:
    """The policy as it was just read. `policy` is None when it cannot be used, and `problems` say why."""

    path: Path | None
    policy: Policy | None
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the file, for a sentence."""
        return one_line(self.path.name) if self.path else "policy.toml"

    def unnamed(self, plan: Plan) -> tuple[set[str], set[str]]:
        """Ids of the products and of the collections whose names the rules need; none where no name is protected.

        A price is called otherwise than its product, and a collection knows its products by their ids.
        """
        if self.policy is None or not self.policy.protected.names:
            return set(), set()
        products = {key for effect in plan.effects for key in _products(effect)}
        return products, {key for effect in plan.effects for key in _collections(effect)}

    def refusals(
        self,
        *,
        tool: str,
        plan: Plan,
        destructive: bool,
        destructive_last_hour: int,
        now: datetime,
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> list[str]:
        """One sentence for each rule that the write would break; none when it may go ahead.

        `destructive_last_hour` counts the destructive calls of the last hour, this one among them if it is one; `now`
        knows its zone; `names` are those of what `unnamed` gives, by id.
        """
        if self.policy is None:
            return [f"No write is allowed until {self.name} is mended.", *self.problems]
        rules = _Rules(self.name, self.policy)
        with localcontext(_EXACT):
            return [
                *rules.of_calls(tool, plan, destructive_last_hour if destructive else 0, now),
                *rules.of_prices(list(_amounts(plan.effects))),
                *rules.of_protection(plan.effects, names),
            ]


def read_policy(path: Path | None, *, must_exist: bool, tools: Collection[str]) -> PolicyFile:
    """Read the policy as it is now; `must_exist` is whether an operator named the path.

    `tools` are the names of all tools that write: forbidding any other would forbid nothing.
    """
    if path is None:
        return PolicyFile(path=None, policy=Policy())
    try:
        content = _content(path, must_exist=must_exist)
        policy = Policy() if content is None else _parsed(one_line(path.name), content, frozenset(tools))
    except PolicyError as error:
        return PolicyFile(path=path, policy=None, problems=error.problems)
    return PolicyFile(path=path, policy=policy)


def _content(path: Path, *, must_exist: bool) -> bytes | None:
    """What is in the file; None when there is none and need not be one."""
    name = one_line(path.name)
    try:
        about = path.stat()
        # Before it is opened: reading from a pipe would wait for ever.
        if not stat.S_ISREG(about.st_mode):
            raise PolicyError([f"{name} is not a file"])
        if about.st_size > _LARGEST_FILE:
            raise PolicyError([f"{name} is too large for a policy"])
        return path.read_bytes()
    except FileNotFoundError:
        # A link to nowhere is a policy that somebody meant to be there.
        if must_exist or path.is_symlink():
            raise PolicyError([f"{name} does not exist where it was said to be"]) from None
        return None
    except (OSError, ValueError) as error:
        why = (
            error.strerror if isinstance(error, OSError) and error.strerror else "no file can have that path"
        )
        raise PolicyError([f"{name} cannot be read: {why}"]) from None


@lru_cache(maxsize=8)
def _parsed(name: str, content: bytes, tools: frozenset[str]) -> Policy:
    return parse(name, content, tools)


@dataclass(frozen=True)
class _Amount:
    """An amount that a plan sets, and what it was; None where there was none."""

    effect: Effect
    before: Decimal | None
    after: Decimal
    currency: str | None

    def __str__(self) -> str:
        former = "" if self.before is None else f"{_digits(self.before)} → "
        return f"{_named(self.effect)} ({former}{_digits(self.after)} {self.currency or 'in no currency'})"


@dataclass(frozen=True)
class _Rules:
    """The rules of one policy. What is not surely within a limit breaks it."""

    file: str
    policy: Policy

    def of_calls(self, tool: str, plan: Plan, destructive: int, now: datetime) -> Iterator[str]:
        """Which tool, how much, how often and when. `destructive` counts this call; 0 when it is none."""
        calls, quiet = self.policy.calls, self.policy.quiet_hours
        if tool in calls.forbidden_tools:
            yield f"{one_line(tool)} may not be called: calls.forbidden_tools in {self.file}."
        if plan.things > calls.max_items:
            yield f"{plan.things} things are too many for one call: {self.where('calls', 'max_items')}."
        if destructive > calls.max_destructive_per_hour:
            limit = self.where("calls", "max_destructive_per_hour")
            yield f"This would be destructive call number {destructive} within an hour: {limit}."
        if quiet and quiet.hold(now):
            local = now.astimezone(quiet.zone)
            clock = f"{DAYS[local.weekday()]} {local:%H:%M}"
            yield f"Nothing is written in quiet hours, and it is {clock}: quiet_hours = {quiet} in {self.file}."

    def of_prices(self, amounts: list[_Amount]) -> Iterator[str]:
        """How far each amount moves, and where it ends."""
        prices = self.policy.prices
        moved = [(amount, amount.after - amount.before, amount.before) for amount in amounts if amount.before]
        if (rise := prices.max_rise_percent) is not None:
            wrong = [amount for amount, by, of in moved if not by * 100 <= abs(of) * rise]
            yield from self._broken("The rise is too large", wrong, self.where("prices", "max_rise_percent"))
        if (fall := prices.max_fall_percent) is not None:
            wrong = [amount for amount, by, of in moved if not -by * 100 <= abs(of) * fall]
            yield from self._broken("The fall is too large", wrong, self.where("prices", "max_fall_percent"))
        for currency, lowest in prices.lowest.items():
            wrong = [entry for entry in amounts if entry.currency == currency and not entry.after >= lowest]
            yield from self._broken("Too low", wrong, self.where("prices", "lowest", currency))
        for currency, highest in prices.highest.items():
            wrong = [entry for entry in amounts if entry.currency == currency and not entry.after <= highest]
            yield from self._broken("Too high", wrong, self.where("prices", "highest", currency))
        for key, limits in (("lowest", prices.lowest), ("highest", prices.highest)):
            unclear = [amount for amount in amounts if limits and amount.currency is None]
            yield from self._broken("No currency to go by", unclear, f"prices.{key} in {self.file}")

    def of_protection(self, effects: Iterable[Effect], names: Mapping[str, str]) -> Iterator[str]:
        """What is not to be touched at all."""
        protected = self.policy.protected
        touched = [effect for effect in effects if effect.kind != "review"]
        for key, ids, concerned in (
            ("products", set(protected.products), _products),
            ("collections", set(protected.collections), _collections),
        ):
            wrong = [effect for effect in touched if ids & concerned(effect)] if ids else []
            yield from self._broken("Protected", map(_named, wrong), f"protected.{key} in {self.file}")
        for pattern in protected.names:
            matching = {key for key, name in names.items() if _matches(name, pattern)}
            wrong = [
                effect
                for effect in touched
                if matching & (_products(effect) | _collections(effect))
                or any(_matches(name, pattern) for name in _names(effect))
            ]
            rule = f'protected.names has "{one_line(pattern)}" in {self.file}'
            yield from self._broken("Protected", map(_named, wrong), rule)

    def where(self, section: str, key: str, currency: str | None = None) -> str:
        """The rule with its value, and where that was set."""
        table = getattr(self.policy, section)
        value, dotted = getattr(table, key), f"{section}.{key}"
        if currency is not None:
            value, dotted = value[currency], f"{dotted}.{currency}"
        shown = _digits(value) if isinstance(value, Decimal) else value
        return f"{dotted} = {shown} " + (f"in {self.file}" if key in table.model_fields_set else "by default")

    @staticmethod
    def _broken(what: str, things: Iterable[object], rule: str) -> Iterator[str]:
        """One sentence about the things that break a rule, if there are any; each is named once."""
        if named := list(dict.fromkeys(map(str, things))):
            more = f" and {rest} more" if (rest := len(named) - _NAMED) > 0 else ""
            yield f"{what} for {', '.join(named[:_NAMED])}{more}: {rule}."


def _amounts(effects: Iterable[Effect]) -> Iterator[_Amount]:
    """Every amount that will be there afterwards, in the currency it will have."""
    effects = list(effects)
    switched: dict[str | None, object] = {
        effect.id: effect.after
        for effect in effects
        if effect.kind == "price" and effect.field == "currency" and effect.id is not None
    }
    for effect in effects:
        if effect.kind == "price" and effect.field == "amount":
            after = Decimal(0) if effect.after is None else _number(effect.after)
            before = None if effect.before is None else _number(effect.before)
            currency = switched.get(effect.id, effect.currency)
            yield _Amount(effect, before, after, _currency(currency))
        elif effect.creates and effect.kind in {"price", "product"}:
            for image in _prices(effect):
                if (amount := image.get("amount")) is not None:
                    currency = image.get("currency") or effect.currency
                    yield _Amount(effect, None, _number(amount), _currency(currency))


def _images(effect: Effect) -> Iterator[Mapping[str, Any]]:
    """The fields of a thing that is made or deleted, which may stand inside under its kind."""
    image = effect.before if effect.deletes else effect.after if effect.creates else None
    if isinstance(image, Mapping):
        fields = cast("Mapping[str, Any]", image)
        yield fields
        if isinstance(inner := fields.get(effect.kind), Mapping):
            yield cast("Mapping[str, Any]", inner)


def _prices(effect: Effect) -> Iterator[Mapping[str, Any]]:
    """What is made or deleted, if it is a price, or else the prices that a product comes with."""
    for image in _images(effect):
        for entry in (image, image.get("price"), *_list(image.get("prices"))):
            if isinstance(entry, Mapping):
                yield cast("Mapping[str, Any]", entry)


def _products(effect: Effect) -> set[str]:
    """The products that a write touches; moving one into or out of a collection touches it."""
    if effect.kind == "collection":
        return _moved(effect, "members")
    return _ids([effect.within if effect.kind in {"price", "stock"} else effect.id])


def _collections(effect: Effect) -> set[str]:
    """The collections that a write touches."""
    if effect.kind == "collection":
        return _ids([effect.id])
    return _moved(effect, "collection_ids", "collectionIds") if effect.kind == "product" else set[str]()


def _moved(effect: Effect, *fields: str) -> set[str]:
    """The ids that an effect adds to one of the fields or takes out of it, within an image too."""
    if effect.field in fields:
        return _ids(effect.before) ^ _ids(effect.after)
    return {entry for image in _images(effect) for field in fields for entry in _ids(image.get(field))}


def _ids(value: object) -> set[str]:
    return {entry for entry in _list(value) if isinstance(entry, str)}


def _list(value: object) -> list[object]:
    return list(cast("Iterable[object]", value)) if isinstance(value, list | tuple) else []


def _names(effect: Effect) -> Iterator[str]:
    """What a thing is called, before and after the write, and what goes with it."""
    renamed = (effect.before, effect.after) if effect.field == "name" else ()
    images = (*_images(effect), *_prices(effect))
    for name in (effect.name, *renamed, *(image.get("name") for image in images)):
        if isinstance(name, str) and name:
            yield name


def _matches(name: str, pattern: str) -> bool:
    """Compared as they look: without regard to case, width, spacing and characters that show nothing."""
    return fnmatchcase(_as_it_looks(name), _as_it_looks(pattern))


def _as_it_looks(text: str) -> str:
    return visible(normalize("NFKC", text)).casefold()


def _named(effect: Effect) -> str:
    name = one_line(next(_names(effect), "")) or one_line(effect.id or "without a name")
    return f"{effect.kind} “{name.replace('”', chr(39))}”"


def _currency(value: object) -> str | None:
    return value.strip().upper() or None if isinstance(value, str) else None


def _number(value: object) -> Decimal:
    """The number, or one that is none and within no limit."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    return Decimal(repr(value)) if isinstance(value, float) else Decimal("NaN")


def _digits(number: Decimal) -> str:
    return (
        f"{number:f}" if number.is_finite() and abs(number.adjusted()) <= _LONGEST_NUMBER else f"{number:.5g}"
    )


def explain(file: PolicyFile) -> list[str]:
    """The rules in force in plain words, one a line, with the key of each; or what is wrong with the file."""
    if (policy := file.policy) is None:
        return [f"No write is allowed until {file.name} is mended.", *file.problems]
    prices, calls, protected = policy.prices, policy.calls, policy.protected
    rise, fall = prices.max_rise_percent, prices.max_fall_percent
    forbidden, quiet = calls.forbidden_tools, policy.quiet_hours
    return [
        f"One call raises an amount by {_at_most(rise)} {_from(prices, 'prices.max_rise_percent')}.",
        f"One call lowers an amount by {_at_most(fall)} {_from(prices, 'prices.max_fall_percent')}.",
        f"Lowest amounts: {_amounts_by(prices.lowest)} {_from(prices, 'prices.lowest')}.",
        f"Highest amounts: {_amounts_by(prices.highest)} {_from(prices, 'prices.highest')}.",
        f"One call touches at most {calls.max_items} things {_from(calls, 'calls.max_items')}.",
        f"Within an hour there are at most {calls.max_destructive_per_hour} destructive calls "
        f"{_from(calls, 'calls.max_destructive_per_hour')}.",
        f"Tools that may not be called: {_listed(forbidden)} {_from(calls, 'calls.forbidden_tools')}.",
        f"Products that are not touched: {_listed(protected.products)} {_from(protected, 'protected.products')}.",
        f"Collections that are not touched: {_listed(protected.collections)} "
        f"{_from(protected, 'protected.collections')}.",
        f"Names of what is not touched: {_listed(protected.names)} {_from(protected, 'protected.names')}.",
        f"Nothing is written: {quiet or 'no quiet hours'} {_from(policy, 'quiet_hours')}.",
    ]


def _from(table: BaseModel, dotted: str) -> str:
    given = dotted.rpartition(".")[2] in table.model_fields_set
    return f"({dotted})" if given else f"({dotted}, by default)"


def _at_most(percent: Decimal | None) -> str:
    return "any percentage" if percent is None else f"at most {_digits(percent)} %"


def _amounts_by(limits: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{_digits(amount)} {currency}" for currency, amount in limits.items()) or "none"


def _listed(entries: Iterable[str]) -> str:
    return ", ".join(one_line(entry) for entry in entries) or "none"
