"""From a handler's signature to a strict input model, its JSON schema, and words for what does not fit.

The schema is portable: no titles, no null branches, no references, no unions. Unknown arguments are refused
with the nearest valid name. An object or list that arrives as a JSON string, which several hosts do, is read as
what it says and noted.
"""

import difflib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, cast

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from pydantic import ConfigDict, ValidationError, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import ErrorDetails, core_schema

from ..guard.question import NOTHING_CHANGED
from .text import one_line, quoted

_RESERVED = frozenset({"shop", "plan"})


class StrictArguments(ArgModelBase):
    """Arguments of a tool: no other than the named ones."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    model_schema: ClassVar[dict[str, Any]]


class PortableJsonSchema(GenerateJsonSchema):
    """JSON Schema that every client reads: decimals are numbers, optional means absent, nothing has a title."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Titles repeat the names and cost a fifth of the tokens."""
        del schema
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """An object without its class name and without its docstring."""
        result = super().model_schema(schema)
        result.pop("title", None)
        result.pop("description", None)
        return result

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Optional is absent, not null: null branches trip several clients."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Defaults that say something; None says only that the argument is optional."""
        result = super().default_schema(schema)
        if result.get("default", ...) is None:
            result.pop("default")
        return result

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        """A whole number with the limits that somebody might meet."""
        return {"type": "integer", **_sensible_limits(schema)}

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A decimal is a JSON number."""
        return {"type": "number", **_sensible_limits(schema)}


_BEYOND_SENSE = 100_000


def _sensible_limits(schema: Any) -> dict[str, int]:
    """Limits that no sensible value meets are enforced, but not spelled out."""
    keywords = {"ge": "minimum", "le": "maximum"}
    limits = {word: int(schema[name]) for name, word in keywords.items() if name in schema}
    return {word: limit for word, limit in limits.items() if abs(limit) < _BEYOND_SENSE}


def portable_schema(model: type[Any], mode: JsonSchemaMode = "validation") -> dict[str, Any]:
    """The JSON schema of a pydantic model with every reference written out in place."""
    schema = model.model_json_schema(schema_generator=PortableJsonSchema, mode=mode)
    definitions = schema.pop("$defs", {})
    for definition in definitions.values():
        # Unknown members of inner objects are refused all the same; saying so at each costs more than it tells.
        definition.pop("additionalProperties", None)
    return cast("dict[str, Any]", _inlined(schema, definitions))


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(node, dict):
        mapping = cast("dict[str, Any]", node)
        if isinstance(reference := mapping.get("$ref"), str):
            target = definitions[reference.removeprefix("#/$defs/")]
            siblings = {key: value for key, value in mapping.items() if key != "$ref"}
            return _inlined({**target, **siblings}, definitions)
        return _stated({key: _inlined(value, definitions) for key, value in mapping.items()})
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in cast("list[Any]", node)]
    return node


def _stated(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without the members that may be anything: they are allowed unsaid, and a schema without a type is
    refused or misread by clients that map it onto a typed language."""
    if schema.get("items") == {}:
        schema.pop("items")
    properties: Any = schema.get("properties")
    if isinstance(properties, dict):
        told = cast("dict[str, dict[str, Any]]", properties)
        schema["properties"] = {name: below for name, below in told.items() if below.keys() - {"description"}}
    return schema


def argument_model(
    name: str, handler: Callable[..., Any], *, guarded: bool, previews: bool = False
) -> type[StrictArguments]:
    """The input model of a handler: its keyword parameters, in their order, and those of the guard; with `previews`
    a call is a dry run unless it says otherwise."""
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(handler, eval_str=True).parameters.values():
        if parameter.name in _RESERVED:
            continue
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (parameter.annotation, default)
    if guarded:
        fields["dry_run"] = (bool, True) if previews else (bool | None, None)
        fields["confirmation_token"] = (str | None, None)
    return create_model(f"{name}_arguments", __base__=StrictArguments, **fields)


def read_arguments(
    model: type[StrictArguments], schema: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The validated arguments that were given, and notes about what was repaired on the way.

    Raises:
        ToolError: something is missing, unknown or malformed; every problem is in the text.
    """
    notes: list[str] = []
    repaired = cast("dict[str, Any]", _repaired(dict(given), schema, "", notes))
    try:
        arguments = model.model_validate(repaired)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True, include_input=False)
        problems = _problems(details, schema, repaired)
        lines = [f"- {problem}" for problem in problems[:_MOST_PROBLEMS]]
        if (rest := len(problems) - _MOST_PROBLEMS) > 0:
            lines.append(f"- and {rest} more")
        text = "\n".join(["The arguments do not fit:", *lines])
        raise ToolError(f"{text}\n{NOTHING_CHANGED} Correct the call and make it again.") from None
    return {name: getattr(arguments, name) for name in type(arguments).model_fields}, notes


def _repaired(value: object, schema: Mapping[str, Any], where: str, notes: list[str]) -> object:
    """The value with lists and objects read that came as JSON text, and without nulls for what is optional."""
    kind = schema.get("type", "")
    if isinstance(value, str) and kind in {"array", "object"}:
        read = _read_json(value)
        if (_list(read) if kind == "array" else _dict(read)) is not None:
            notes.append(f"`{where}` came as a JSON string and was read as the {_KINDS[kind]} it holds.")
            return _repaired(read, schema, where, notes)
    members = _dict(value)
    if kind == "object" and members is not None and "properties" in schema:
        known: Mapping[str, Any] = schema["properties"]
        optional = known.keys() - schema.get("required", ())
        return {
            name: _repaired(item, known.get(name, {}), f"{where}.{name}" if where else name, notes)
            for name, item in members.items()
            if item is not None or name not in optional
        }
    items = _list(value)
    if kind == "array" and items is not None:
        return [
            _repaired(item, schema.get("items", {}), f"{where}[{position}]", notes)
            for position, item in enumerate(items)
        ]
    return value


def _dict(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _list(value: object) -> list[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def _read_json(text: str) -> object:
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        return None


_KINDS = {
    "array": "list",
    "object": "object",
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
}


_PATTERNS = {
    "^[A-Za-z]{3}$": "a currency code such as USD",
    "^[a-z0-9]+(-[a-z0-9]+)*$": "lower-case letters, digits and single hyphens, such as summer-sale",
}


_LIMITS = {
    "string_too_long": "text of at most {max_length} characters",
    "string_too_short": "text of at least {min_length} character(s)",
    "decimal_max_digits": "a number of at most {max_digits} digits",
    "decimal_whole_digits": "a number of at most {whole_digits} digits before the point",
    "less_than_equal": "a number of at most {le}",
    "greater_than_equal": "a number of at least {ge}",
    "value_error": "{error}",
}
"""Limits that the schema may not spell out, since a model pays for every word of it."""
_KEYWORDS = {"less_than_equal": "maximum", "greater_than_equal": "minimum"}

_MOST_PROBLEMS = 10
_LONGEST_NAME = 40
_SHOWN_VALUE = 40


def _problems(
    errors: Iterable[ErrorDetails], schema: Mapping[str, Any], given: Mapping[str, Any]
) -> list[str]:
    lines: list[str] = []
    for error in errors:
        line = _problem(error, schema, given)
        if line not in lines:
            lines.append(line)
    return lines


def _problem(error: ErrorDetails, schema: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """One validation error as a sentence that names the argument and what it takes."""
    location = error["loc"]
    where = _path(location)
    kind = error["type"]
    parent = _schema_at(schema, location[:-1])
    own = _schema_at(schema, location)
    if kind == "extra_forbidden":
        known = list(parent.get("properties", {}))
        near = difflib.get_close_matches(str(location[-1])[:_LONGEST_NAME], known, n=1, cutoff=0.5)
        if near:
            return f"`{where}` is not known here; did you mean `{near[0]}`?"
        return f"`{where}` is not known here. Known: {', '.join(known) or 'none'}."
    in_schema = _KEYWORDS.get(kind) in own
    takes = _takes(own) if in_schema or kind not in _LIMITS else _LIMITS[kind].format(**error.get("ctx", {}))
    if kind == "missing":
        return f"`{where}` is missing. It takes {takes}."
    found = _value_at(given, location)
    got = f" (got {_shown(found)})" if found is not None else ""
    return f"`{where}` takes {takes}{got}."


def _path(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        name = part if isinstance(part, int) else one_line(part, _LONGEST_NAME)
        text += f"[{name}]" if isinstance(name, int) else f".{name}" if text else name
    return text


def _schema_at(schema: Mapping[str, Any], location: Iterable[int | str]) -> Mapping[str, Any]:
    at = schema
    for part in location:
        below = at.get("items") if isinstance(part, int) else at.get("properties", {}).get(part)
        if not isinstance(below, dict):
            return {}
        at = cast("dict[str, Any]", below)
    return at


def _value_at(given: Any, location: Iterable[int | str]) -> Any:
    at = given
    for part in location:
        at = at[part]
    return at


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value, _SHOWN_VALUE)
    if isinstance(value, bool | int | float):
        return one_line(json.dumps(value), _SHOWN_VALUE)
    items = _list(value)
    return "an object" if items is None else f"a list of {len(items)}"


def _takes(schema: Mapping[str, Any]) -> str:
    """What a place takes, in words."""
    if choices := schema.get("enum"):
        return "one of " + ", ".join(str(choice) for choice in choices)
    kind = schema.get("type", "")
    words = {"array": _list_words, "object": _object_words, "string": _text_words}.get(kind, _number_words)
    return words(schema)


def _list_words(schema: Mapping[str, Any]) -> str:
    items = schema.get("items", {})
    inner = f"{_KINDS.get(items.get('type', ''), 'value')}s"
    if items.get("properties"):
        inner += f" with {', '.join(items['properties'])}"
    return f"a list of {inner}{_bounds(schema, 'minItems', 'maxItems', 'items')}"


def _object_words(schema: Mapping[str, Any]) -> str:
    return f"an object with {', '.join(schema.get('properties', {}))}"


def _text_words(schema: Mapping[str, Any]) -> str:
    if "pattern" in schema:
        return _PATTERNS[schema["pattern"]]
    return f"text{_bounds(schema, 'minLength', 'maxLength', 'characters')}"


def _number_words(schema: Mapping[str, Any]) -> str:
    known = {"number": "a number", "integer": "a whole number", "boolean": "true or false"}
    words = known.get(schema.get("type", ""), "another value")
    if (low := schema.get("minimum")) is not None:
        words += f" from {low}"
    if (high := schema.get("maximum")) is not None:
        words += f" to {high}"
    return words


def _bounds(schema: Mapping[str, Any], low: str, high: str, unit: str) -> str:
    if low in schema and high in schema:
        return f" ({schema[low]} to {schema[high]} {unit})"
    if low in schema:
        return f" (at least {schema[low]} {unit})" if schema[low] > 1 else " (not empty)"
    if high in schema:
        return f" (at most {schema[high]} {unit})"
    return ""
