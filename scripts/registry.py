"""Write `deploy/server.json`, the entry in the MCP registry; with `--check`, only say whether it is up to date.

The entry follows from pyproject.toml and the model of the settings. The name's first half is the domain that whoever
publishes it has to prove; its second half and the comment `mcp-name` in the README prove that the package is meant.
"""

import json
import sys
import tomllib
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from hoopai_products_mcp.server.settings import SECRETS, SettingRow, Settings, rows, variable

ROOT = Path(__file__).resolve().parent.parent
PATH = ROOT / "deploy" / "server.json"
SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
NAME = "com.hoopai/products-mcp"
TITLE = "HoopAI Products"
DESCRIPTION = "The product catalog of a HoopAI shop: products, prices, stock, collections, reviews"
LEFT_OUT = frozenset({"sandbox", "transport", "host", "port"})
"""The registry starts the server from the package alone, without the sandbox, over stdio."""
REQUIRED = frozenset({"access_token", "location_id"})


def project() -> dict[str, Any]:
    """What pyproject.toml says of the project."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def entry() -> dict[str, Any]:
    """The entry."""
    facts = project()
    return {
        "$schema": SCHEMA,
        "name": NAME,
        "title": TITLE,
        "description": DESCRIPTION,
        "version": facts["version"],
        "packages": [
            {
                "registryType": "pypi",
                "identifier": facts["name"],
                "version": facts["version"],
                "runtimeHint": "uvx",
                "transport": {"type": "stdio"},
                "environmentVariables": [
                    _variable(name) for name in Settings.model_fields if name not in LEFT_OUT
                ],
            }
        ],
    }


def _variable(name: str) -> dict[str, Any]:
    (row,) = [row for row in rows() if row.variable == variable(name)]
    annotation: Any = Settings.model_fields[name].annotation
    default = Settings.model_fields[name].default
    said: dict[str, Any] = {
        "name": row.variable,
        "description": meaning(row),
        "isRequired": name in REQUIRED,
        "isSecret": name in SECRETS,
        "format": input_format(annotation),
    }
    if get_origin(annotation) is Literal:
        said["choices"] = list(get_args(annotation))
    if isinstance(default, bool | str | int | float):
        said["default"] = str(default).lower() if isinstance(default, bool) else row.default
    return said


def meaning(row: SettingRow) -> str:
    """What a setting means, for a form: without code, and without where else it may not be written."""
    return row.meaning.partition(" Only from the environment")[0].replace("`", "")


def input_format(annotation: Any) -> str:
    """What kind of value a setting takes, in the registry's words."""
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    for kind, word in ((bool, "boolean"), (int, "number"), (float, "number"), (Path, "filepath")):
        if kind in kinds:
            return word
    return "string"


def main() -> int:
    """Run the script and return its exit code."""
    text = json.dumps(entry(), indent=2, ensure_ascii=False) + "\n"
    if PATH.exists() and PATH.read_text("utf-8") == text:
        return 0
    if "--check" in sys.argv[1:]:
        print("deploy/server.json is stale: run `make definitions` and commit it.", file=sys.stderr)
        return 1
    PATH.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
