"""The form of a file of shops: what its tables may hold. Imported only where there is one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ..guard.plan import typable
from . import values
from .values import nearest

_LONGEST_NAME = 32
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_SECRETS = {"access_token": "access_token_file", "client_secret": "client_secret_file"}


def name(value: object) -> str:
    """The name of a shop or an agency, as people and models say it."""
    text = values.plain_text(value)
    if len(text) > _LONGEST_NAME or not _NAME_CHARACTERS.issuperset(text) or text.strip("-") != text:
        raise ValueError(
            f"is no name: 1 to {_LONGEST_NAME} of a-z, 0-9 and '-', which does not begin or end it"
        )
    return text


def _title(value: object) -> str:
    """A name for people, which has to look like what it is in a question."""
    text = values.plain_text(value)
    if not typable(text):
        raise ValueError("must be 1 to 60 characters on one line, none of them invisible")
    return text


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Agency(_Form):
    """An app that an agency let in for its locations; their tokens are got with its one login."""

    client_id: Annotated[str, BeforeValidator(values.client_id)]
    client_secret_file: Annotated[Path, BeforeValidator(values.file_path)]


class Table(_Form):
    """What a file says of one shop."""

    location_id: Annotated[str, BeforeValidator(values.identifier)]
    title: Annotated[str | None, BeforeValidator(_title)] = None
    access_token_file: Annotated[Path | None, BeforeValidator(values.file_path)] = None
    client_id: Annotated[str | None, BeforeValidator(values.client_id)] = None
    client_secret_file: Annotated[Path | None, BeforeValidator(values.file_path)] = None
    agency: Annotated[str | None, BeforeValidator(name)] = None
    policy_file: Annotated[Path | None, BeforeValidator(values.file_path)] = None
    confirmation: Annotated[
        Literal["ask", "human", "off"] | None, BeforeValidator(values.one_of("ask", "human", "off"))
    ] = None
    confirm_writes: Annotated[
        Literal["destructive", "all"] | None, BeforeValidator(values.one_of("destructive", "all"))
    ] = None
    read_only: Annotated[bool | None, BeforeValidator(values.switch)] = None
    base_url: Annotated[str | None, BeforeValidator(values.base_url)] = None


class ShopsFile(_Form):
    """A whole file."""

    shops: Annotated[dict[Annotated[str, BeforeValidator(name)], Table], Field(min_length=1)]
    agencies: dict[Annotated[str, BeforeValidator(name)], Agency] = Field(default_factory=dict[str, Agency])


_KEYS: Mapping[str, type[BaseModel]] = {"shops": Table, "agencies": Agency}


def parsed(tables: Mapping[str, Any]) -> tuple[ShopsFile | None, list[str]]:
    """The file, or None and what is wrong with it, each problem by the name of its key and without its value."""
    try:
        return ShopsFile.model_validate(tables), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    return None, [_problem(detail) for detail in found]


def _problem(detail: Any) -> str:
    place = [str(part) for part in detail["loc"] if part != "[key]"]
    where = ".".join(place)
    if detail["loc"][-1] == "[key]":
        # What stands there is no name; it may be anything, even a secret.
        return f"{place[0]} has a table whose name {detail['ctx']['error']}"
    if detail["type"] == "extra_forbidden":
        return f"{where} {_unknown(place)}"
    plain = {
        "missing": "is missing",
        "model_type": "must be a table",
        "dict_type": "must be a table",
        "too_short": "has no table; a shop begins with [shops.NAME]",
    }
    return f"{where} {plain.get(detail['type']) or detail.get('ctx', {}).get('error', detail['msg'])}"


def _unknown(place: list[str]) -> str:
    """What is said of a key that there is not."""
    inside = len(place) > 1
    if inside and place[-1] in _SECRETS:
        return f"stands in a file that holds no secrets; name a file that does, with {_SECRETS[place[-1]]}"
    known = list((_KEYS[place[0]] if inside else ShopsFile).model_fields)
    meant = nearest(place[-1], known)
    return "is not known; " + (f"did you mean {meant}?" if meant else f"known are {', '.join(known)}")
