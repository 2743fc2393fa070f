"""Reads the contract and holds requests and answers against it.

The schemas of an OpenAPI 3.1 document are JSON Schema 2020-12, and jsonschema-rs compiles all of them in one
go. It was chosen over openapi-core on measurement: a page of 100 products takes 0.1 ms instead of 23 ms to
check, a request without a body 0.1 ms instead of 4 ms, and it understands `Decimal`.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import jsonschema_rs

from .answers import Call, RefusalError, unprocessable
from .exact_json import JsonObject, NotJsonError, decode
from .messages import messages_for
from .yaml_file import read_yaml

CONTRACT_PATH: Final = Path(__file__).with_name("contract.yaml")

_METHODS: Final = frozenset({"get", "post", "put", "delete"})
_NUMBER: Final = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?")


@cache
def contract_document() -> JsonObject:
    """The contract as data. Treat it as read-only: every sandbox of the process shares it."""
    return read_yaml(CONTRACT_PATH)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter."""

    name: str
    required: bool
    kind: str
    default: Any
    validator: jsonschema_rs.Validator


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the contract with its compiled checks."""

    id: str
    method: str
    template: str
    scopes: tuple[str, ...]
    status: int
    query: dict[str, Parameter]
    path_names: tuple[str | None, ...]
    segments: tuple[str, ...]
    body: jsonschema_rs.Validator | None
    answers: dict[int, jsonschema_rs.Validator | None]

    @property
    def name(self) -> str:
        """The operation as people write it, such as `GET /products/{productId}`."""
        return f"{self.method} {self.template}"

    def matches(self, segments: list[str]) -> bool:
        """Whether a path of these decoded segments has this operation's shape."""
        return len(segments) == len(self.segments) and all(
            given != "" if name else own == given
            for name, own, given in zip(self.path_names, self.segments, segments, strict=True)
        )

    def read(self, segments: list[str], query_string: bytes, body: bytes, content_type: str) -> Call:
        """Turn a request into a `Call`.

        Raises `RefusalError`: 422 with all its messages, or 400 for broken JSON.
        """
        path = {name: value for name, value in zip(self.path_names, segments, strict=True) if name}
        query, problems = self._read_query(query_string)
        content: JsonObject = {}
        if self.body is not None:
            received = _read_body(body, content_type)
            problems += [text for error in self.body.iter_errors(received) for text in messages_for(error)]
            content = received
        if problems:
            raise unprocessable(*problems)
        return Call(path=path, query=query, body=content)

    def _read_query(self, query_string: bytes) -> tuple[JsonObject, list[str]]:
        given: dict[str, list[str]] = {}
        problems: list[str] = []
        for raw_key, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
            key = raw_key.removesuffix("[]")
            parameter = self.query.get(key)
            if parameter is None or (key != raw_key and parameter.kind != "array"):
                problems.append(f"property {raw_key} should not exist")
            else:
                given.setdefault(key, []).append(value)
        values: JsonObject = {}
        for name, parameter in self.query.items():
            if name not in given:
                if parameter.required:
                    problems.append(f"{name} should not be empty")
                elif parameter.default is not None:
                    values[name] = parameter.default
                continue
            value = _typed(given[name], parameter.kind)
            problems += [
                text for error in parameter.validator.iter_errors(value) for text in messages_for(error, name)
            ]
            if parameter.required and value == "":
                problems.append(f"{name} should not be empty")
            values[name] = value
        return values, problems

    def answer_problems(self, status: int, body: Any, *, has_body: bool) -> list[str]:
        """Why this answer breaks the contract; empty when it does not."""
        if status not in self.answers:
            return [f"{self.name}: status {status} is not in the contract"]
        validator = self.answers[status]
        if validator is None or not has_body:
            fits = validator is None and not has_body
            return [] if fits else [f"{self.name}: status {status} and the contract disagree about a body"]
        return [
            f"{self.name}: status {status}: /{'/'.join(map(str, error.instance_path))}: {error.message}"
            for error in validator.iter_errors(body)
        ]


def _typed(values: list[str], kind: str) -> Any:
    """Query text as the type its parameter asks for. Text of another type stays text, to be refused."""
    if kind == "array":
        return values
    if len(values) > 1:
        return values
    value = values[0]
    if kind == "boolean":
        return {"true": True, "false": False}.get(value, value)
    if kind in {"integer", "number"} and _NUMBER.fullmatch(value):
        return Decimal(value) if "." in value else int(value)
    return value


def _read_body(body: bytes, content_type: str) -> Any:
    if content_type.partition(";")[0].strip().lower() != "application/json" or not body:
        # The live API reads JSON only: any other body counts as empty, and its required keys as missing.
        return {}
    try:
        return decode(body)
    except NotJsonError as error:
        raise RefusalError(400, f"Unexpected token in JSON: {error}", named=False) from error


@cache
def operations() -> tuple[Operation, ...]:
    """All operations of the contract, those with fixed segments before those with a variable one."""
    document = contract_document()
    compiled = jsonschema_rs.validator_map_for(document, validate_formats=True)
    found = [
        _operation(document, compiled, template, method)
        for template, item in document["paths"].items()
        for method in item
        if method in _METHODS
    ]
    return tuple(sorted(found, key=lambda operation: sum(name is not None for name in operation.path_names)))


def _operation(
    document: JsonObject, compiled: jsonschema_rs.ValidatorMap, template: str, method: str
) -> Operation:
    described: JsonObject = document["paths"][template][method]
    here = f"#/paths/{template.replace('~', '~0').replace('/', '~1')}/{method}"
    query: dict[str, Parameter] = {}
    for index, entry in enumerate(described["parameters"]):
        pointer = str(entry.get("$ref", f"{here}/parameters/{index}"))
        parameter = resolve(document, entry)
        if parameter["in"] == "query":
            schema = resolve(document, parameter["schema"])
            query[parameter["name"]] = Parameter(
                name=parameter["name"],
                required=parameter.get("required", False),
                kind=schema["type"],
                default=schema.get("default"),
                validator=compiled[f"{pointer}/schema"],
            )
    answers: dict[int, jsonschema_rs.Validator | None] = {}
    for status, entry in described["responses"].items():
        if status.isdigit():
            pointer = str(entry.get("$ref", f"{here}/responses/{status}"))
            answers[int(status)] = compiled.get(f"{pointer}/content/application~1json/schema")
    segments = tuple(template.split("/")[1:])
    return Operation(
        id=described["operationId"],
        method=method.upper(),
        template=template,
        scopes=tuple(described["security"][0]["token"]),
        status=min(answers),
        query=query,
        path_names=tuple(part[1:-1] if part.startswith("{") else None for part in segments),
        segments=segments,
        body=compiled.get(f"{here}/requestBody/content/application~1json/schema"),
        answers=answers,
    )


def resolve(document: JsonObject, entry: JsonObject) -> JsonObject:
    """Follow a local `$ref`, if there is one."""
    while "$ref" in entry:
        target: Any = document
        for part in entry["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        entry = target
    return entry


def find_operation(method: str, segments: list[str]) -> Operation | None:
    """The operation for a method and a path, or None."""
    for operation in operations():
        if operation.method == method and operation.matches(segments):
            return operation
    return None


def path_segments(raw_path: bytes) -> list[str] | None:
    """The decoded segments of a path as it was sent, or None for a path that can match no operation.

    An encoded slash must not become a separator: `x%2Fprice%2Fy` is not the address of a price.
    """
    segments = [unquote(part) for part in raw_path.decode("latin-1").split("/")[1:]]
    if segments == ["products"]:
        # The documents disagree about the closing slash of the list's address; both are served.
        return ["products", ""]
    inner = segments[:-1] if segments == ["products", ""] else segments
    if any(part in {"", ".", ".."} or "/" in part for part in inner):
        return None
    return segments
