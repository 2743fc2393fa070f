"""What a person filled in, checked before anything is read: in words, all problems at once."""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from .errors import PromptError
from .template import Argument, Kind, Template, templates

LONGEST_TEXT = 500
LONGEST_LINES = 20_000
LONGEST_NAME = 200
LARGEST_NUMBER = 1_000_000
MOST_DAYS = 3660

_DAYS = re.compile(r"(?:the last )?(\d{1,4}) ?(?:d|day|days)?", re.IGNORECASE)
_DISCOUNT = re.compile(r"-?(\d{1,9}(?:[.,]\d{1,2})?) ?(%|percent|[A-Za-z]{3})( off)?", re.IGNORECASE)
_HUNDRED = 100


def find(name: str) -> Template:
    """The prompt of this name.

    Raises:
        PromptError: there is none.
    """
    if template := templates().get(name):
        return template
    meant = _nearest(name, templates())
    hint = f"Did you mean {meant}?" if meant else f"There are: {', '.join(templates())}."
    raise PromptError(f"Unknown prompt: {name[:100]!r}. {hint}")


def checked(template: Template, given: Mapping[str, str], *, today: date) -> dict[str, str]:
    """What was filled in, by argument, in one spelling: dates in ISO 8601, numbers in digits; blanks left out.

    Names of things of the shop are looked up later.

    Raises:
        PromptError: it does not fit; the text says of every argument why.
    """
    problems = [_unknown(name, template) for name in given if name not in template.arguments]
    filled = {
        name: given[name].strip() for name in template.arguments if name in given and given[name].strip()
    }
    problems += [
        f"`{argument.name}` is missing: {argument.description}."
        for argument in template.arguments.values()
        if argument.required and argument.name not in filled
    ]
    if template.one_of and not filled.keys() & set(template.one_of):
        names = " or ".join(f"`{name}`" for name in template.one_of)
        problems.append(f"Fill in {names}: at least one is needed.")
    read: dict[str, str] = {}
    for name, value in filled.items():
        try:
            read[name] = _read(template.arguments[name], value, today)
        except ValueError as error:
            problems.append(f"`{name}` {error}.")
    if problems:
        raise PromptError(f"{template.name}: {' '.join(problems)}")
    return read


def _unknown(name: str, template: Template) -> str:
    meant = _nearest(name, template.arguments)
    known = ", ".join(f"`{known}`" for known in template.arguments) or "none"
    return f"`{name[:100]}` is no argument" + (
        f", did you mean `{meant}`?" if meant else f"; it takes {known}."
    )


def _nearest(word: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word[:100], list(known), n=1)), None)


def _read(argument: Argument, value: str, today: date) -> str:
    longest = {Kind.TEXT: LONGEST_TEXT, Kind.LINES: LONGEST_LINES}.get(argument.kind, LONGEST_NAME)
    if len(value) > longest:
        raise ValueError(f"is {len(value)} characters long; {longest} are allowed")
    match argument.kind:
        case Kind.NUMBER:
            return _number(value)
        case Kind.DAY:
            return _day(value, today)
        case Kind.DATE:
            return _date(value)
        case Kind.DISCOUNT:
            return _discount(value)
        case _:
            return value


def _number(value: str) -> str:
    if not (value.isascii() and value.isdigit() and int(value) <= LARGEST_NUMBER):
        raise ValueError(f"must be a whole number from 0 to {LARGEST_NUMBER}, such as 5")
    return str(int(value))


def _day(value: str, today: date) -> str:
    if (days := _DAYS.fullmatch(value)) and int(days[1]) <= MOST_DAYS:
        return (today - timedelta(days=int(days[1]))).isoformat()
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        raise ValueError(
            "must be a date such as 2026-05-31, or a number of days back such as 30 days"
        ) from None


def _date(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError("must be a date such as 2026-05-31") from None


def _discount(value: str) -> str:
    found = _DISCOUNT.fullmatch(value)
    wrong = ValueError("must be a percentage such as 20 %, or an amount with its currency such as 5 USD")
    if not found:
        raise wrong
    number, unit = found[1].replace(",", "."), found[2].upper()
    if unit in {"%", "PERCENT"}:
        unit = "%"
        if not 0 < float(number) < _HUNDRED:
            raise ValueError("must be more than 0 % and less than 100 %")
    elif not float(number):
        raise wrong
    return f"{number} {unit}"
