"""The shops of one server: the only one, as the settings name it, or those of a file of shops.

Each shop has settings of its own, made from those of the server and what its table says, so that whatever works on one
shop works on each of several. No secret stands in the file: such files are edited, compared and backed up by others
than those who may read a token.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .settings import Settings, SettingsError, flag, variable

if TYPE_CHECKING:
    from .shops_file import Agency, ShopsFile, Table

_LARGEST_FILE = 1_000_000
"""Bytes; a shop has some hundred."""
_LARGEST_SECRET = 4096


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One shop: its settings, and the names by which it is known where there is a file of shops.

    `login` tells its OAuth login from those of other shops with the same app; shops of an agency share one.
    """

    settings: Settings
    name: str = ""
    title: str = ""
    login: str = ""

    @property
    def words(self) -> str:
        """How a person knows it."""
        if not self.name:
            return f"location {self.settings.location_id or ''}".rstrip()
        return f"{self.title} ({self.name})" if self.title else self.name


def profiles_of(settings: Settings, *, reachable: bool = True) -> list[Profile]:
    """The shops of a server with these settings, in the order of their file.

    `reachable` is whether each has to say how it is reached.

    Raises:
        SettingsError: the file of shops cannot be read or used, or a shop cannot be reached with what it says.
    """
    path = settings.shops_file
    if path is None:
        return [Profile(settings=settings)]
    file = _read(path)
    problems: list[str] = []
    found: list[Profile] = []
    for name, table in file.shops.items():
        agency = file.agencies.get(table.agency) if table.agency else None
        problems += [f"shops.{name} {problem}" for problem in _faults(table, agency, settings)]
        found.append(_profile(name, table, agency, settings, problems))
    problems += _doubled(file)
    problems += [
        f"agencies.{name} is the agency of no shop"
        for name in file.agencies
        if all(table.agency != name for table in file.shops.values())
    ]
    if problems:
        raise _error(path, problems)
    if reachable:
        refuse_unreachable(settings, found)
    return found


def refuse_unreachable(settings: Settings, profiles: "list[Profile]") -> None:
    """See that each of these shops of a file says how it is reached.

    Raises:
        SettingsError: one does not.
    """
    problems = [problem for profile in profiles if (problem := way_in_missing(profile))]
    if problems and settings.shops_file is not None:
        raise _error(settings.shops_file, problems)


def way_in_missing(profile: Profile) -> str:
    """That a shop of a file does not say how it is reached, and what it could; empty where it does."""
    if not profile.name or not profile.settings.missing():
        return ""
    return (
        f"shops.{profile.name} does not say how it is reached: give access_token_file, client_id with"
        f" client_secret_file, or agency; or keep its token with `login --token --shop {profile.name}`"
    )


def with_name(profiles: list[Profile], given: str) -> Profile | None:
    """The shop of that name or location id."""
    for profile in profiles:
        if given in {profile.name, profile.settings.location_id}:
            return profile
    return None


def _read(path: Path) -> "ShopsFile":
    import tomllib

    from .shops_file import parsed

    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise _error(path, [f"cannot be read: {error.strerror}"]) from None
    if len(text) > _LARGEST_FILE:
        raise _error(path, [f"is longer than {_LARGEST_FILE} bytes"])
    try:
        tables = tomllib.loads(text.decode())
    except UnicodeDecodeError:
        raise _error(path, ["is not text in UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise _error(path, [f"is not TOML: {error}"]) from None
    file, problems = parsed(tables)
    if file is None:
        raise _error(path, problems)
    return file


def _error(path: Path, problems: list[str]) -> SettingsError:
    where = f"{variable('shops_file')} ({flag('shops_file')}) names {path.name}, which cannot be used:"
    return SettingsError([where, *(f"  {problem}" for problem in problems)])


def _faults(table: "Table", agency: "Agency | None", settings: Settings) -> Iterator[str]:
    """What is wrong with one shop beside the form of its table."""
    if table.agency and agency is None:
        yield f"names the agency {table.agency}, and there is no table agencies.{table.agency}"
    ways = [
        name
        for name, given in (
            ("access_token_file", table.access_token_file),
            ("client_id", table.client_id),
            ("agency", table.agency),
        )
        if given
    ]
    if len(ways) > 1:
        yield f"has several ways in ({', '.join(ways)}): leave one"
    if (table.client_id is None) != (table.client_secret_file is None):
        yield "needs both client_id and client_secret_file, or neither"
    if settings.sandbox:
        return
    files = {"access_token_file": table.access_token_file, "policy_file": table.policy_file}
    for key, path in files.items():
        if path is not None and (problem := _unreadable(path)):
            yield f"has as {key} a file that cannot be read: {problem}"


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        return error.strerror


def _doubled(file: "ShopsFile") -> Iterator[str]:
    seen: dict[str, str] = {}
    for name, table in file.shops.items():
        for word in {name, table.location_id}:
            if word in seen:
                yield f"shops.{name} and shops.{seen[word]} share a location id or a name: each has its own"
                break
            seen[word] = name


def _profile(
    name: str, table: "Table", agency: "Agency | None", settings: Settings, problems: list[str]
) -> Profile:
    client_id, secret_file = table.client_id, table.client_secret_file
    if agency is not None:
        client_id, secret_file = agency.client_id, agency.client_secret_file
    own: dict[str, Any] = {
        "shops_file": None,
        "location_id": table.location_id,
        "access_token": None,
        "access_token_file": table.access_token_file,
        "client_id": client_id,
        "client_secret": None if settings.sandbox else _secret(secret_file, name, problems),
        "read_only": settings.read_only or bool(table.read_only),
    }
    chosen: Mapping[str, object] = {
        "policy_file": table.policy_file,
        "confirmation": table.confirmation,
        "confirm_writes": table.confirm_writes,
        "base_url": table.base_url,
    }
    own |= {key: value for key, value in chosen.items() if value is not None}
    login = f"agency {table.agency}" if agency is not None else f"shop {name}"
    return Profile(settings=settings.model_copy(update=own), name=name, title=table.title or "", login=login)


def _secret(path: Path | None, name: str, problems: list[str]) -> Any:
    """What is in a file of a client secret; a problem where that is none."""
    if path is None:
        return None
    from pydantic import SecretStr

    from .values import token

    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_SECRET).decode().strip()
        return SecretStr(cast("str", token(text)))
    except OSError as error:
        problems.append(f"shops.{name} has a client_secret_file that cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problems.append(f"shops.{name} has a client_secret_file that holds no text")
    except ValueError as error:
        problems.append(f"shops.{name} has a client_secret_file whose text {error}")
    return None
