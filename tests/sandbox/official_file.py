"""Flattens an OpenAPI document into lines that can be compared: one line per operation, parameter, key and enum."""

from collections.abc import Iterator
from typing import Any

JsonObject = dict[str, Any]


def structure(document: JsonObject) -> set[str]:
    """Every structural statement a document makes about requests and successful answers."""
    lines: set[str] = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            lines |= set(_operation(document, f"{method.upper()} {path}", operation))
    return lines


def _operation(document: JsonObject, name: str, operation: JsonObject) -> Iterator[str]:
    yield f"{name} is {operation['operationId']}"
    for entry in operation.get("parameters", []):
        parameter = _resolved(document, entry)
        at = f"{name} {parameter['in']} {parameter['name']}"
        yield f"{at} {'required' if parameter.get('required') else 'optional'}"
        yield from _schema(document, at, parameter["schema"])
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        yield from _schema(document, f"{name} body", schema)
    for status, entry in operation["responses"].items():
        answer = _resolved(document, entry)
        if status.startswith("2"):
            yield f"{name} answers {status}"
            content = answer.get("content", {}).get("application/json")
            if content is not None:
                yield from _schema(document, f"{name} {status}", content["schema"])
    for requirement in operation.get("security", []):
        for scheme, scopes in requirement.items():
            if scheme in {"token", "Location-Access"}:
                yield f"{name} scopes {' '.join(scopes)}"


def _resolved(document: JsonObject, entry: JsonObject) -> JsonObject:
    while True:
        if "$ref" in entry and entry["$ref"].startswith("#/"):
            target: Any = document
            for part in entry["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            entry = target
        elif len(entry.get("allOf", [])) == 1:
            entry = entry["allOf"][0]
        elif "anyOf" in entry:
            # An object or null, in our contract; the official file does not know null.
            entry = next(choice for choice in entry["anyOf"] if choice.get("type") != "null")
        else:
            return entry


def _schema(document: JsonObject, at: str, schema: JsonObject) -> Iterator[str]:
    schema = _resolved(document, schema)
    kinds: Any = schema.get("type", "any")
    named = [kinds] if isinstance(kinds, str) else [str(kind) for kind in kinds if kind != "null"]
    # Counts are whole numbers; the official file calls every number a number.
    yield f"{at}: {' or '.join(named)}".replace("integer", "number")
    if "enum" in schema:
        yield f"{at} one of {', '.join(sorted(schema['enum']))}"
    required = schema.get("required", [])
    for key, inner in schema.get("properties", {}).items():
        yield f"{at}.{key} {'required' if key in required else 'optional'}"
        yield from _schema(document, f"{at}.{key}", inner)
    if schema.get("type") == "array" or "array" in named:
        yield from _schema(document, f"{at}[]", schema.get("items", {}))
