"""What a setting of the HTTP transport may hold: one check for each kind of value, as in `values`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from .values import address, ordinal, plain_text

RIGHTS = ("read", "write", "destructive")
"""What a caller may do, each beside those before it: read; change what can be taken back; all else."""

SHORTEST_KEY = 24
"""Characters. What `openssl rand -hex 24` makes has 48."""
LOCAL = "local"
"""The caller where nobody has to say who they are."""

SHOPS_CLAIM = "com.hoopai/shops"
"""Where a token that was let in names the shops it is good for, by name or location id; absent where it is for each."""

_LONGEST_NAME = 64
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@")
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]")
_SCOPE_ENDS = ("'", '"', "\\", ",", "=")


@dataclass(frozen=True)
class Scopes:
    """The names of the three rights, as an issuer of tokens calls them."""

    read: str
    write: str
    destructive: str

    @property
    def text(self) -> str:
        """As it is set."""
        return " ".join(f"{right}={getattr(self, right)}" for right in RIGHTS)

    def named(self, rights: "frozenset[str] | tuple[str, ...]") -> list[str]:
        """The scopes of these rights."""
        return [getattr(self, right) for right in RIGHTS if right in rights]

    def granted(self, scopes: "frozenset[str] | list[str]") -> frozenset[str]:
        """The rights that these scopes give."""
        return frozenset(right for right in RIGHTS if getattr(self, right) in scopes)


DEFAULT_SCOPES = Scopes("products:read", "products:write", "products:destructive")


class TokenShops(NamedTuple):
    """How a token says which shops it is good for: by a `scope` with this prefix, a `claim` of this name, or `all`."""

    way: str
    word: str = ""


class Key(NamedTuple):
    """A key of one caller, and what it may do; in which shops, None for each."""

    name: str
    key: str
    rights: frozenset[str]
    shops: frozenset[str] | None = None


def read_keys(lines: list[str]) -> list[Key]:
    """The keys in lines such as `ann = KEY` or `bot = KEY read write @lamps`.

    Raises:
        ValueError: a line is no such thing; says which, and never repeats it.
    """
    found: dict[str, Key] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        where = f"has as its {ordinal(number)} entry"
        name, equals, rest = (part.strip() for part in text.partition("="))
        key, *words = rest.split() or [""]
        shops = {word.removeprefix("@") for word in words if word.startswith("@")}
        rights = [word for word in words if not word.startswith("@")]
        if not equals or not name or len(name) > _LONGEST_NAME or not _NAME_CHARACTERS.issuperset(name):
            raise ValueError(
                f"{where} no key; it looks like name = key, the name of 1 to {_LONGEST_NAME} letters, digits and -_.@"
            )
        if name == LOCAL:
            raise ValueError(
                f"{where} the name {LOCAL}, which stands for callers that nobody asked who they are"
            )
        if name in found or any(key == other.key for other in found.values()):
            raise ValueError(
                f"{where} a name or a key that an earlier one has; each caller has one of its own"
            )
        if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable():
            raise ValueError(
                f"{where} a key that can be guessed: at least {SHORTEST_KEY} random characters are needed"
            )
        if not set(rights) <= set(RIGHTS):
            raise ValueError(f"{where} a right that there is not. Allowed after the key: {', '.join(RIGHTS)}")
        found[name] = Key(name, key, frozenset(rights or RIGHTS), frozenset(shops) if shops else None)
    if not found:
        raise ValueError("holds no key; each looks like name = key")
    return list(found.values())


def keys(value: object) -> str | None:
    """Keys of callers, separated by commas."""
    if value is None:
        return None
    text = plain_text(value.get_secret_value() if isinstance(value, SecretStr) else value)
    read_keys(text.split(","))
    return text


def url(value: object) -> str | None:
    """The address of a server; no trailing slash."""
    return None if value is None else address(value, like="https://mcp.example.com/mcp").rstrip("/")


def issuer(value: object) -> str | None:
    """The address of an issuer, which is compared letter by letter: a trailing slash stays."""
    return None if value is None else address(value, like="https://login.example.com")


def scope_names(value: object) -> Scopes:
    """The names of the three rights."""
    if isinstance(value, Scopes):
        return value
    if isinstance(value, dict):
        value = " ".join(f"{key}={name}" for key, name in cast("dict[Any, Any]", value).items())
    wrong = ValueError(f"must name all three rights, each once, such as {DEFAULT_SCOPES.text}")
    named: dict[str, str] = {}
    for word in plain_text(value).split():
        right, _, scope = word.partition("=")
        if (
            right in named
            or right not in RIGHTS
            or not scope.isascii()
            or any(c in scope for c in _SCOPE_ENDS)
        ):
            raise wrong
        named[right] = scope
    if len(named) < len(RIGHTS) or not all(named.values()) or len(set(named.values())) < len(RIGHTS):
        raise wrong
    return Scopes(**named)


def token_shops(value: object) -> TokenShops | None:
    """How a token names shops."""
    if value is None or isinstance(value, TokenShops):
        return value
    text = plain_text(value)
    way, _, word = text.partition(":")
    if text == "all":
        return TokenShops("all")
    if (
        way not in {"scope", "claim"}
        or not word
        or not word.isascii()
        or any(c in word for c in (*_SCOPE_ENDS, " "))
    ):
        raise ValueError("must be scope:PREFIX such as scope:shop:, claim:NAME such as claim:shops, or all")
    return TokenShops(way, word)


def _words(value: object) -> list[str]:
    if isinstance(value, tuple | list):
        return [plain_text(word) for word in cast("tuple[object, ...]", value)]
    return [word.strip() for word in plain_text(value).split(",") if word.strip()]


def hosts(value: object) -> tuple[str, ...]:
    """Names of hosts, with a port where it is not the usual one."""
    names = _words(value)
    for number, name in enumerate(names, start=1):
        if not _HOST_CHARACTERS.issuperset(name) or _authority(f"https://{name}") != name:
            raise ValueError(
                f"has as its {ordinal(number)} entry no host; one looks like mcp.example.com or mcp.example.com:8443"
            )
    return tuple(dict.fromkeys(name.lower() for name in names))


def origins(value: object) -> tuple[str, ...]:
    """Origins of web pages."""
    names = _words(value)
    for number, name in enumerate(names, start=1):
        scheme, _, host = name.partition("://")
        if (
            scheme not in {"https", "http"}
            or not _HOST_CHARACTERS.issuperset(host)
            or _authority(name) != host
        ):
            raise ValueError(
                f"has as its {ordinal(number)} entry no origin; one looks like https://app.example.com, without a path"
            )
    return tuple(dict.fromkeys(name.lower() for name in names))


def _authority(text: str) -> str:
    """Host and port of an address, or nothing where it has none."""
    try:
        parts = urlsplit(text)
        if not parts.hostname or parts.port == 0:
            return ""
    except ValueError:
        return ""
    return parts.netloc


def whole(least: int, most: int) -> Callable[[object], int]:
    """A check for a whole number within these bounds."""

    def check(value: object) -> int:
        wrong = ValueError(f"must be a whole number from {least} to {most}")
        if isinstance(value, str):
            if not (value.isascii() and value.isdigit() and len(value) <= len(str(most))):
                raise wrong
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise wrong
        return value

    return check
