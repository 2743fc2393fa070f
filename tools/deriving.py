"""From the records to what a client is shown: schemas and hints.

Building the models and schemas of all tools takes a few tenths of a second, which every conversation would pay
at its start. So the result is kept in `definitions.json`, written by `make definitions`; `make check` and a test
refuse a stale one, and its differences show in a review what a change does to the public surface.
"""

import inspect
from collections.abc import Iterable
from functools import cache
from typing import Any

from .arguments import StrictArguments, argument_model, portable_schema
from .records import ToolRecord

OPERATION_KEY = "com.hoopai/operation"


@cache
def arguments_of(record: ToolRecord) -> type[StrictArguments]:
    """The input model of a tool."""
    return argument_model(record.name, record.handler, guarded=not record.read_only, previews=record.previews)


def derive(records: Iterable[ToolRecord]) -> list[dict[str, Any]]:
    """One plain object for each tool: what `tools/list` sends, and by what tools are chosen."""
    return [
        {
            "name": record.name,
            "title": record.title,
            "description": record.description,
            "inputSchema": portable_schema(arguments_of(record)),
            "outputSchema": _output_schema(record),
            "annotations": {
                "readOnlyHint": record.read_only,
                "destructiveHint": record.destructive,
                "idempotentHint": record.idempotent,
                "openWorldHint": record.open_world,
            },
            "_meta": {OPERATION_KEY: record.operation},
            "toolset": record.toolset.value,
            "risk": record.risk.value,
            "asks": record.asks,
        }
        for record in records
    ]


def _output_schema(record: ToolRecord) -> dict[str, Any]:
    """The schema of the result. A write may answer with a plan instead, so none of its fields is required."""
    schema = portable_schema(_view_of(record), "serialization")
    if not record.read_only:
        schema.pop("required", None)
    return schema


def _view_of(record: ToolRecord) -> type[Any]:
    view: type[Any] = inspect.signature(record.handler, eval_str=True).return_annotation
    return view
