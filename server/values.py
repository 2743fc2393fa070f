"""What a setting may hold: one check for each kind of value.

A check takes text, as the environment gives it, or the value itself, and returns the value. What it
refuses it refuses with a ValueError that says what is allowed and never repeats what it was given:
what stands in the wrong variable may be the token.
"""

import ipaddress
import math
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from ..tools.records import Toolset

TOOLSETS = tuple(Toolset)

LONGEST_TIMEOUT = 600
_HIGHEST_PORT = 65535
_LONGEST_TEXT = 4096  # far above any token or address, far below what a terminal or a header can take
_LONGEST_ID = 64
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_VERSION_CHARACTERS = _ID_CHARACTERS | {"."}
_SCOPE_CHARACTERS = _VERSION_CHARACTERS | {"/"}


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


def plain_text(value: object) -> str:
    """Text of one line, with nothing around it."""
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 - pydantic collects ValueError, not TypeError
    if not value:
        raise ValueError("is empty; give a value or leave it out")
    if len(value) > _LONGEST_TEXT:
        raise ValueError(f"is longer than {_LONGEST_TEXT} characters")
    if value != value.strip() or not value.isprintable():
        raise ValueError("has white space around it or a line break in it; give the value alone")
    return value


_MOST_DAYS = 36_500


def token(value: object) -> str | None:
    """A token, alone and fit for a header."""
    if value is None:
        return None
    text = plain_text(value.get_secret_value() if isinstance(value, SecretStr) else value)
    if text.lower().startswith("bearer "):
        raise ValueError("begins with the word Bearer; give the token alone")
    if " " in text or not text.isascii():
        raise ValueError("has characters that no token has (spaces or letters beyond ASCII); copy it again")
    return text


def identifier(value: object) -> str | None:
    """A location id."""
    if value is None:
        return None
    text = plain_text(value)
    if len(text) > _LONGEST_ID or not _ID_CHARACTERS.issuperset(text):
        raise ValueError(f"is not a location id: 1 to {_LONGEST_ID} letters, digits, '-' and '_'")
    return text


def client_id(value: object) -> str | None:
    """The client id of an app."""
    if value is None:
        return None
    text = plain_text(value)
    if len(text) > _LONGEST_ID or not _VERSION_CHARACTERS.issuperset(text):
        raise ValueError(f"is not a client id: 1 to {_LONGEST_ID} letters, digits, '-', '_' and '.'")
    return text


def scopes(value: object) -> str:
    """Scopes, separated by spaces."""
    text = plain_text(value)
    words = text.split()
    if not all(_SCOPE_CHARACTERS.issuperset(word) for word in words):
        raise ValueError(
            "is not a list of scopes, separated by spaces, such as products.readonly products.write"
        )
    return " ".join(dict.fromkeys(words))


def api_version(value: object) -> str:
    """A version of the API."""
    text = plain_text(value)
    if len(text) > _LONGEST_ID or not _VERSION_CHARACTERS.issuperset(text):
        raise ValueError("is not a version of the API; it looks like 2021-07-28")
    return text


def base_url(value: object) -> str:
    """An address of the API: https, or http on this machine; no trailing slash."""
    return address(value, like="https://services.leadconnectorhq.com").rstrip("/")


def address(value: object, *, like: str) -> str:
    """An address to which secrets are sent: https, or http on this machine; `like` is how one looks."""
    text = plain_text(value)
    wrong = ValueError(f"is not an address; it looks like {like}")
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
    return text


def switch(value: object) -> bool:
    """A yes or a no."""
    if isinstance(value, bool):
        return value
    word = plain_text(value).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("must be true or false (also 1 or 0, yes or no, on or off)")


def _refuse_word(word: str, allowed: tuple[str, ...], what: str) -> NoReturn:
    meant = nearest(word.lower(), list(allowed))
    hint = f" Did you mean {meant}?" if meant else ""
    raise ValueError(f"{what}.{hint} Allowed: {', '.join(allowed)}")


def toolsets(value: object) -> tuple[Toolset, ...]:
    """Names of toolsets, as a list or separated by commas; in their own order, each once."""
    words = (
        list(cast("tuple[object, ...]", value))
        if isinstance(value, tuple | list)
        else plain_text(value).split(",")
    )
    chosen: set[str] = set()
    for number, word in enumerate(words, start=1):
        name = plain_text(word.strip()).lower() if isinstance(word, str) and word.strip() else ""
        if name == "all":
            chosen.update(TOOLSETS)
        elif name in TOOLSETS:
            chosen.add(name)
        else:
            _refuse_word(name, (*TOOLSETS, "all"), f"has as its {ordinal(number)} name no toolset")
    if not chosen:
        raise ValueError(f"names no toolset. Allowed: {', '.join(TOOLSETS)}, all")
    return tuple(name for name in TOOLSETS if name in chosen)


def ordinal(number: int) -> str:
    """A place in a list, in words."""
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def one_of(*allowed: str) -> Callable[[object], str]:
    """A check for one word out of a closed list."""

    def check(value: object) -> str:
        word = plain_text(value).lower()
        if word not in allowed:
            _refuse_word(word, allowed, "has a value it cannot have")
        return word

    return check


def timeout(value: object) -> float:
    """Seconds, as a number."""
    wrong = ValueError(f"must be a number of seconds above 0 and at most {LONGEST_TIMEOUT}")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise wrong
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        raise wrong from None
    if not math.isfinite(seconds) or not 0 < seconds <= LONGEST_TIMEOUT:
        raise wrong
    return seconds


def port(value: object) -> int:
    """A port one can listen on."""
    wrong = ValueError(f"must be a whole number from 1 to {_HIGHEST_PORT}")
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= len(str(_HIGHEST_PORT))):
            raise wrong
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _HIGHEST_PORT:
        raise wrong
    return value


def host(value: object) -> str:
    """An address to listen on. Whether others than this machine may reach it depends on other settings."""
    text = plain_text(value)
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if not is_loopback(text):
            raise ValueError(
                "must be localhost or an address of this machine, such as 127.0.0.1, ::1 or 0.0.0.0"
            ) from None
    return text


def _path(value: object) -> Path:
    try:
        path = value if isinstance(value, Path) else Path(plain_text(value)).expanduser()
    except RuntimeError:
        raise ValueError("begins with ~, and there is no home folder; give the whole path") from None
    if not path.is_absolute():
        raise ValueError("must be a whole path: assistants start servers from any folder")
    return path


def data_dir(value: object) -> Path:
    """A folder, or where one can be made."""
    path = _path(value)
    if path.exists() and not path.is_dir():
        raise ValueError("is a file; give a folder")
    return path


def folder(value: object) -> Path | None:
    """A folder, or where one can be made, or none."""
    return None if value is None else data_dir(value)


def file_path(value: object) -> Path | None:
    """A file; whether it is there and what it says is looked at when it is needed."""
    return None if value is None else _path(value)


def database_url(value: object) -> str | None:
    """The address of a PostgreSQL database."""
    if value is None:
        return None
    text = plain_text(value.get_secret_value() if isinstance(value, SecretStr) else value)
    scheme = text.partition("://")[0]
    if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ValueError(
            "is not the address of a PostgreSQL database; it looks like postgresql://user@host/name"
        )
    return text


def days(value: object) -> int:
    """A number of days, 0 for no end."""
    wrong = ValueError(f"must be a whole number of days from 0 to {_MOST_DAYS}")
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= len(str(_MOST_DAYS))):
            raise wrong
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_DAYS:
        raise wrong
    return value
