"""The settings of the server: one model, read from the environment and the command line.

The command line wins over the environment. Whatever is wrong is reported at once and by name, and
no message repeats a value: what stands in the wrong variable may be the token.
"""

import ipaddress
import math
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, NoReturn, cast, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

PREFIX = "HOOPAI_"
"""What every variable of this server begins with."""

Toolset = Literal["products", "prices", "inventory", "store", "collections", "reviews", "bulk"]
TOOLSETS: tuple[Toolset, ...] = get_args(Toolset)

_LONGEST_TIMEOUT = 600
_HIGHEST_PORT = 65535
_LONGEST_TEXT = 4096  # far above any token or address, far below what a terminal or a header can take
_LONGEST_ID = 64
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_VERSION_CHARACTERS = _ID_CHARACTERS | {"."}


class SettingsError(Exception):
    """Raised at start when a setting is unknown or malformed; nothing has been started."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class SettingRow(NamedTuple):
    """One line of the settings table."""

    variable: str
    flag: str
    default: str
    meaning: str


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself. Names are not looked up: only `localhost` counts."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def nearest(word: str, known: list[str]) -> str | None:
    """The known word that was probably meant."""
    import difflib

    found = difflib.get_close_matches(word, known, n=1)
    return found[0] if found else None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 - pydantic collects ValueError, not TypeError
    if not value:
        raise ValueError("is empty; give a value or leave it out")
    if len(value) > _LONGEST_TEXT:
        raise ValueError(f"is longer than {_LONGEST_TEXT} characters")
    if value != value.strip() or not value.isprintable():
        raise ValueError("has white space around it or a line break in it; give the value alone")
    return value


def _token(value: object) -> str | None:
    if value is None:
        return None
    text = _text(value.get_secret_value() if isinstance(value, SecretStr) else value)
    if text.lower().startswith("bearer "):
        raise ValueError("begins with the word Bearer; give the token alone")
    if " " in text or not text.isascii():
        raise ValueError("has characters that no token has (spaces or letters beyond ASCII); copy it again")
    return text


def _identifier(value: object) -> str | None:
    if value is None:
        return None
    text = _text(value)
    if len(text) > _LONGEST_ID or not _ID_CHARACTERS.issuperset(text):
        raise ValueError(f"is not a location id: 1 to {_LONGEST_ID} letters, digits, '-' and '_'")
    return text


def _api_version(value: object) -> str:
    text = _text(value)
    if len(text) > _LONGEST_ID or not _VERSION_CHARACTERS.issuperset(text):
        raise ValueError("is not a version of the API; it looks like 2021-07-28")
    return text


def _base_url(value: object) -> str:
    text = _text(value)
    wrong = ValueError("is not an address; it looks like https://services.leadconnectorhq.com")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in {"http", "https"} or not host or port == 0 or " " in text or not text.isascii():
        raise wrong
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    if "?" in text or "#" in text or "\\" in text:
        raise ValueError("must end with the path: no '?', no '#' and no backslash")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(
            "must begin with https://, or the token would travel unencrypted (http:// is for this machine)"
        )
    return text.rstrip("/")


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = _text(value).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("must be true or false (also 1 or 0, yes or no, on or off)")


def _refuse_word(word: str, allowed: tuple[str, ...], what: str) -> NoReturn:
    meant = nearest(word.lower(), list(allowed))
    hint = f" Did you mean {meant}?" if meant else ""
    raise ValueError(f"{what}.{hint} Allowed: {', '.join(allowed)}")


def _toolsets(value: object) -> tuple[str, ...]:
    words = (
        list(cast("tuple[object, ...]", value))
        if isinstance(value, tuple | list)
        else _text(value).split(",")
    )
    chosen: set[str] = set()
    for number, word in enumerate(words, start=1):
        name = _text(word.strip()).lower() if isinstance(word, str) and word.strip() else ""
        if name == "all":
            chosen.update(TOOLSETS)
        elif name in TOOLSETS:
            chosen.add(name)
        else:
            _refuse_word(name, (*TOOLSETS, "all"), f"its {_ordinal(number)} name is not a toolset")
    if not chosen:
        raise ValueError(f"names no toolset. Allowed: {', '.join(TOOLSETS)}, all")
    return tuple(name for name in TOOLSETS if name in chosen)


def _ordinal(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def _one_of(*allowed: str) -> BeforeValidator:
    def check(value: object) -> str:
        word = _text(value).lower()
        if word not in allowed:
            _refuse_word(word, allowed, "is none of the values it can have")
        return word

    return BeforeValidator(check)


def _timeout(value: object) -> float:
    wrong = ValueError(f"must be a number of seconds above 0 and at most {_LONGEST_TIMEOUT}")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise wrong
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        raise wrong from None
    if not math.isfinite(seconds) or not 0 < seconds <= _LONGEST_TIMEOUT:
        raise wrong
    return seconds


def _port(value: object) -> int:
    wrong = ValueError(f"must be a whole number from 1 to {_HIGHEST_PORT}")
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= len(str(_HIGHEST_PORT))):
            raise wrong
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _HIGHEST_PORT:
        raise wrong
    return value


def _host(value: object) -> str:
    text = _text(value)
    if not is_loopback(text):
        raise ValueError(
            "must be this machine itself (127.0.0.1, ::1 or localhost): the server cannot yet tell who is"
            " calling, so it is not offered to a network"
        )
    return text


def _data_dir(value: object) -> Path:
    try:
        path = value if isinstance(value, Path) else Path(_text(value)).expanduser()
    except RuntimeError:
        raise ValueError("begins with ~, and there is no home folder; give the whole path") from None
    if not path.is_absolute():
        raise ValueError("must be a whole path: assistants start servers from any folder")
    if path.exists() and not path.is_dir():
        raise ValueError("is a file; give a folder")
    return path


def _default_data_dir() -> Path:
    """The user's data folder, where the platform keeps such things."""
    home = Path.home()
    if sys.platform == "darwin":  # pragma: no cover
        folder = home / "Library" / "Application Support"
    elif sys.platform == "win32":  # pragma: no cover
        folder = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        given = os.environ.get("XDG_DATA_HOME", "")
        # The XDG Base Directory Specification: a relative path there is invalid and is ignored.
        folder = Path(given) if Path(given).is_absolute() else home / ".local" / "share"
    return folder / "hoopai-products-mcp"


class Settings(BaseModel):
    """Everything that can be set. `Settings.read` is how the command line makes one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    access_token: Annotated[SecretStr | None, BeforeValidator(_token)] = Field(
        default=None,
        description="The token of a Private Integration of the sub-account."
        " Only from the environment: a command line can be read by every user of the machine.",
    )
    location_id: Annotated[str | None, BeforeValidator(_identifier)] = Field(
        default=None, description="The location (sub-account) whose catalog is worked on."
    )
    sandbox: Annotated[bool, BeforeValidator(_switch)] = Field(
        default=False,
        description="Work on an invented shop inside the server: no account, no network.",
    )
    read_only: Annotated[bool, BeforeValidator(_switch)] = Field(
        default=False, description="Offer only the tools that change nothing."
    )
    toolsets: Annotated[tuple[Toolset, ...], BeforeValidator(_toolsets)] = Field(
        default=TOOLSETS,
        description="Which groups of tools to offer, separated by commas: "
        + ", ".join(f"`{name}`" for name in TOOLSETS)
        + ".",
    )
    confirmation: Annotated[Literal["ask", "off"], _one_of("ask", "off")] = Field(
        default="ask",
        description="`ask`: a destructive call asks the person through the client first, and is refused where"
        " the client cannot ask. `off`: destructive calls run unasked; the server says so on stderr at start.",
    )
    data_dir: Annotated[Path, BeforeValidator(_data_dir)] = Field(
        default_factory=_default_data_dir, description="The folder for what the server keeps."
    )
    timeout: Annotated[float, BeforeValidator(_timeout)] = Field(
        default=30.0,
        description=f"Seconds that one request to the API may take, up to {_LONGEST_TIMEOUT}.",
    )
    base_url: Annotated[str, BeforeValidator(_base_url)] = Field(
        default="https://services.leadconnectorhq.com",
        description="Where the API is. Must be https, except on this machine.",
    )
    api_version: Annotated[str, BeforeValidator(_api_version)] = Field(
        default="2021-07-28", description="The version of the API to ask for."
    )
    transport: Annotated[Literal["stdio", "http"], _one_of("stdio", "http")] = Field(
        default="stdio",
        description="How assistants reach the server: `stdio`, or streamable `http` at `/mcp`.",
    )
    host: Annotated[str, BeforeValidator(_host)] = Field(
        default="127.0.0.1", description="With `http`: the address to listen on, on this machine only."
    )
    port: Annotated[int, BeforeValidator(_port)] = Field(
        default=8000, description="With `http`: the port to listen on."
    )

    @classmethod
    def read(cls, environ: Mapping[str, str], flags: Mapping[str, str]) -> "Settings":
        """Read the settings; `flags` maps names of fields to what the command line gave for them.

        Raises:
            SettingsError: a setting is unknown or malformed; it lists all problems there are.
        """
        by_variable = {variable(name): name for name in cls.model_fields}
        given = {key: value for key, value in environ.items() if key.startswith(PREFIX) and value}
        problems = [_unknown(key, list(by_variable)) for key in sorted(given.keys() - by_variable.keys())]
        raw = {by_variable[key]: value for key, value in given.items() if key in by_variable} | dict(flags)
        try:
            settings = cls.model_validate(raw)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                name = str(detail["loc"][0])
                source = flag(name) if name in flags else variable(name)
                problems.append(f"{source} {detail.get('ctx', {}).get('error', detail['msg'])}")
        else:
            if not problems:
                return settings
        # Outside the handler: the validation error must not hang on to this one, it knows the values.
        raise SettingsError(problems)

    def missing(self) -> list[str]:
        """The variables without which there is no shop to work on."""
        if self.sandbox:
            return []
        needed = {"access_token": self.access_token, "location_id": self.location_id}
        return [variable(name) for name, value in needed.items() if value is None]


def variable(name: str) -> str:
    """The environment variable of a field."""
    return PREFIX + name.upper()


def flag(name: str) -> str:
    """The command line option of a field; the token has none."""
    return "" if name == "access_token" else "--" + name.replace("_", "-")


def rows() -> Iterator[SettingRow]:
    """The settings table, in the order of the model."""
    for name, field in Settings.model_fields.items():
        if field.default_factory is not None:
            default = "your data folder"
        elif field.default == TOOLSETS:
            default = "all"
        elif isinstance(field.default, bool):
            default = "off"
        elif field.default is None:
            default = ""
        else:
            default = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
        yield SettingRow(variable(name), flag(name), default, field.description or "")


def _unknown(key: str, known: list[str]) -> str:
    meant = nearest(key, known)
    hint = f"did you mean {meant}?" if meant else f"known are {', '.join(known)}"
    return f"{key} is not a setting; {hint}"
