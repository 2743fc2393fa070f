"""Words what is wrong with a request the way the live API's validation does, one sentence per fault."""

from typing import Any, Final

import jsonschema_rs

_KINDS: Final[dict[str, str]] = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer number",
    "boolean": "a boolean value",
    "array": "an array",
    "object": "an object",
}


def messages_for(error: jsonschema_rs.ValidationError, at: str = "") -> list[str]:
    """One sentence for each thing wrong, naming the key by its dotted path below `at`."""
    where = ".".join([*([at] if at else []), *map(str, error.instance_path)])
    prefix = f"{where}." if where else ""
    value: Any = error.kind.value
    if error.kind.name == "additionalProperties":
        return [f"property {prefix}{key} should not exist" for key in value]
    if error.kind.name == "required":
        return [f"{prefix}{value} should not be empty"]
    return [f"{where or 'body'} {_rule(error)}"]


def _rule(error: jsonschema_rs.ValidationError) -> str:  # noqa: PLR0911 - one return for each rule
    value: Any = error.kind.value
    match error.kind.name:
        case "type":
            return f"must be {' or '.join(_KINDS.get(str(name), 'null') for name in value)}"
        case "enum":
            return f"must be one of the following values: {', '.join(map(str, value))}"
        case "minimum":
            return f"must not be less than {value}"
        case "maximum":
            return f"must not be greater than {value}"
        case "minLength":
            return "should not be empty" if value == 1 else f"must have at least {value} characters"
        case "maxLength":
            return f"must be shorter than or equal to {value} characters"
        case _:
            return f"is not valid: {error.message}"
