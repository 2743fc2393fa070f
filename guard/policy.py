"""The limits of a shop as its operator writes them down, in policy.toml: what may stand there, and what is wrong.

Every value is checked in words, and every problem is told at once with its file, line and key. A limit that could
never be met, or that would silently protect nothing (a misspelled tool or currency), is a problem too.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any, NoReturn, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from .plan import UNSEEN

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days as the file writes them, in the order of `datetime.weekday`."""
MINUTES_A_DAY = 24 * 60

_LONGEST_NAME = 60
_LARGEST_AMOUNT = Decimal(10) ** 12
_LARGEST_RISE = 100_000
_ISO_4217 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL
HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL
MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON
RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH
UGX USD UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ZWL
"""
_CURRENCIES = frozenset(_ISO_4217.split())
"""A misspelled code would be a limit that nothing ever meets."""


def visible(text: str) -> str:
    """Text that others wrote on one line, without the characters that show nothing."""
    shown = (char for char in text if char.isspace() or not (_is_control(char) or UNSEEN.match(char)))
    return " ".join("".join(shown).split())


def _is_control(char: str) -> bool:
    return unicodedata.category(char).startswith("C")


def one_line(text: str, limit: int = _LONGEST_NAME) -> str:
    """Visible text on one line, cut to `limit` characters."""
    flat = visible(text)
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def _number_from(low: int, high: Decimal | int) -> Callable[[object], Decimal]:
    def check(value: object) -> Decimal:
        number = Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(number, Decimal) or not number.is_finite() or not low <= number <= high:
            raise ValueError(f"must be a number from {low} to {high}, without quotes")
        return number

    return check


def _count_from(low: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise ValueError(f"must be a whole number from {low}, without quotes")
        return value

    return check


def _texts(value: object) -> tuple[str, ...]:
    entries = cast("list[object]", value) if isinstance(value, list) else [None]
    texts = tuple(entry for entry in entries if isinstance(entry, str) and entry and entry == entry.strip())
    if len(texts) != len(entries):
        raise ValueError('must be a list of texts without spaces around them, such as ["one", "two"]')
    return texts


def _currency(value: object) -> str:
    if value not in _CURRENCIES:
        raise ValueError("is not a currency" + _meant(str(value).upper(), _CURRENCIES, "; it looks like USD"))
    return str(value)


def _tools(value: object, info: ValidationInfo) -> tuple[str, ...]:
    names = _texts(value)
    known = cast("Collection[str]", info.context or ())
    wrong = [
        f"{one_line(name)}, no tool that writes{_meant(name, known)}" for name in names if name not in known
    ]
    if wrong:
        raise ValueError(f"names {', and '.join(wrong)}")
    return names


def _clock(value: object) -> int:
    found = re.fullmatch(r"([01]\d|2[0-4]):([0-5]\d)", value, re.ASCII) if isinstance(value, str) else None
    minutes = int(found[1]) * 60 + int(found[2]) if found else MINUTES_A_DAY + 1
    if minutes > MINUTES_A_DAY:
        raise ValueError('must be a time of day in quotes, such as "22:00"')
    return minutes


def _days(value: object) -> tuple[str, ...]:
    words = [word.lower() for word in _texts(value)]
    if not words:
        raise ValueError("names no day; leave it out for every day")
    for word in words:
        if word not in DAYS:
            raise ValueError(
                f"names {one_line(word)}, no day{_meant(word, DAYS, '; days are ' + ', '.join(DAYS))}"
            )
    return tuple(day for day in DAYS if day in words)


def _timezone(value: object) -> str:
    if isinstance(value, str):
        from zoneinfo import ZoneInfo, available_timezones

        try:
            return ZoneInfo(value).key
        except (KeyError, ValueError, OSError):
            pass
        raise ValueError("is no time zone known here" + _meant(value, available_timezones()))
    raise ValueError('must be a time zone in quotes, such as "Europe/Berlin"')


Amount = Annotated[Decimal, BeforeValidator(_number_from(0, _LARGEST_AMOUNT))]
Amounts = Mapping[Annotated[str, BeforeValidator(_currency)], Amount]
Count = Annotated[int, BeforeValidator(_count_from(1))]


class _Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Prices(_Section):
    """How far one amount may move in one call, and between which amounts it stays; by currency."""

    max_rise_percent: Annotated[Decimal | None, BeforeValidator(_number_from(0, _LARGEST_RISE))] = None
    max_fall_percent: Annotated[Decimal | None, BeforeValidator(_number_from(0, 100))] = None
    lowest: Amounts = Field(default_factory=dict[str, Decimal])
    highest: Amounts = Field(default_factory=dict[str, Decimal])

    @model_validator(mode="after")
    def _leave_room(self) -> "Prices":
        for currency, floor in self.lowest.items():
            if floor > self.highest.get(currency, floor):
                raise ValueError(f"lets nothing through: lowest.{currency} is above highest.{currency}")
        return self


class Calls(_Section):
    """How much calls may do, and which tools nobody may call."""

    max_items: Count = 200
    max_destructive_per_hour: Annotated[int, BeforeValidator(_count_from(0))] = 100
    forbidden_tools: Annotated[tuple[str, ...], BeforeValidator(_tools)] = ()


class Protected(_Section):
    """What no call may touch: ids, and patterns of names."""

    products: Annotated[tuple[str, ...], BeforeValidator(_texts)] = ()
    collections: Annotated[tuple[str, ...], BeforeValidator(_texts)] = ()
    names: Annotated[tuple[str, ...], BeforeValidator(_texts)] = ()


class QuietHours(_Section):
    """When nothing is written: from `start` up to and not including `end`, in minutes of the day on the wall clock.

    Hours that cross midnight belong to the day on which they begin.
    """

    start: Annotated[int, BeforeValidator(_clock)] = Field(alias="from")
    end: Annotated[int, BeforeValidator(_clock)] = Field(alias="to")
    timezone: Annotated[str | None, BeforeValidator(_timezone)] = None
    days: Annotated[tuple[str, ...], BeforeValidator(_days)] = DAYS

    @model_validator(mode="after")
    def _last(self) -> "QuietHours":
        if self.start in {self.end, MINUTES_A_DAY}:
            raise ValueError('takes two different times; a whole day is from = "00:00", to = "24:00"')
        return self

    @property
    def zone(self) -> tzinfo | None:
        """The zone of the wall clock; None for the machine's own."""
        from zoneinfo import ZoneInfo

        return ZoneInfo(self.timezone) if self.timezone else None

    def hold(self, now: datetime) -> bool:
        """Whether it is quiet at that moment, which knows its own zone."""
        local = now.astimezone(self.zone)
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.start < self.end:
            return self.start <= minute < self.end and DAYS[today] in self.days
        # Monday's -1 is Sunday.
        return (minute >= self.start and DAYS[today] in self.days) or (
            minute < self.end and DAYS[today - 1] in self.days
        )

    def __str__(self) -> str:
        times = " to ".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (self.start, self.end))
        days = "" if self.days == DAYS else f" ({', '.join(self.days)})"
        return f"{times}{days}, {self.timezone or 'local time'}"


class Policy(_Section):
    """The limits of a shop. Without a file there are the defaults."""

    prices: Prices = Prices()
    calls: Calls = Calls()
    protected: Protected = Protected()
    quiet_hours: QuietHours | None = None


class PolicyError(Exception):
    """Raised when a policy cannot be used; the sentences say what to mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def parse(name: str, content: bytes, tools: Collection[str]) -> Policy:
    """The policy in the content of a file called `name`; `tools` are the names of the tools that write.

    Raises:
        PolicyError: it is not TOML, or something in it is unknown or wrong; all of that is listed.
    """
    import tomllib

    try:
        # Editors of some systems begin a file with a byte order mark.
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        raw = tomllib.loads(text, parse_float=Decimal)
    except UnicodeDecodeError:
        _refuse(f"{name} is not text in UTF-8")
    except (ValueError, ArithmeticError, RecursionError) as error:
        _refuse(f"{name} is not TOML: {one_line(str(error) or 'a number in it is beyond all bounds', 120)}")
    try:
        return Policy.model_validate(raw, context=tools)
    except ValidationError as error:
        lines = _lines(text)
        found: list[tuple[int, str]] = []
        for detail in error.errors(include_url=False, include_input=False):
            keys = tuple(str(part) for part in detail["loc"] if part != "[key]" and not isinstance(part, int))
            line = next((lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in lines), 0)
            where = f"{name}, line {line}" if line else name
            found.append((line, f"{where}: {_problem(keys, dict(detail))}"))
    raise PolicyError([problem for _, problem in sorted(found)])


def _refuse(problem: str) -> NoReturn:
    raise PolicyError([problem])


def _problem(keys: tuple[str, ...], detail: Mapping[str, Any]) -> str:
    """One validation error as a sentence that names the key."""
    key = one_line(".".join(part or '""' for part in keys))
    match detail["type"]:
        case "extra_forbidden":
            return f"{key} is not known here{_known_instead(keys)}"
        case "missing":
            return f"{key} is missing"
        case "value_error":
            return f"{key} {detail['ctx']['error']}"
        case _:
            return f"{key} must be a table, such as [{key}]"


def _known_instead(keys: tuple[str, ...]) -> str:
    known = {
        "": ["prices", "calls", "protected", "quiet_hours"],
        "prices": list(Prices.model_fields),
        "calls": list(Calls.model_fields),
        "protected": list(Protected.model_fields),
        "quiet_hours": ["from", "to", "timezone", "days"],
    }
    here, word = known[".".join(keys[:-1])], keys[-1]
    if belongs := next((table for table, names in known.items() if table and word in names), None):
        return f"; it belongs under [{belongs}]"
    return _meant(word, here, f". Known: {', '.join(here)}")


def _meant(word: str, known: Collection[str], otherwise: str = "") -> str:
    """A hint at the known word that was probably meant."""
    import difflib

    near = difflib.get_close_matches(word[:_LONGEST_NAME], known, n=1)
    return f"; did you mean {near[0]}?" if near else otherwise


_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Where each table and key stands; the library that reads the file does not tell."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _TABLE.match(line):
            table = _parts(header[1])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_parts(key[1])), number)
    return lines


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
