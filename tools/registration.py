"""Tools as the SDK takes them, made from their definitions without importing what does the work.

The first call imports it.
"""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from importlib.resources import files
from typing import Any, Self

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import PrivateAttr

Caller = Callable[
    [str, Mapping[str, Any], Context[Any, Any]], Awaitable[CallToolResult | InputRequiredResult]
]
"""`caller(name, arguments, context)` makes one call of a tool."""


class CatalogTool(Tool):
    """A tool that is offered by its definition and called through a `Caller`."""

    _caller: Caller = PrivateAttr()

    @classmethod
    def made_for(cls, caller: Caller, **fields: Any) -> Self:
        """A tool that makes its calls through `caller`."""
        tool = cls(**fields)
        tool._caller = caller
        return tool

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> Any:
        """Make the call. The result needs no conversion: it fits the output schema by the way it is made."""
        del convert_result
        try:
            return await self._caller(self.name, arguments, context)
        except (ToolError, MCPError):
            raise
        except Exception as error:
            # The SDK would show the text of any other exception. A call words its own faults, so this one came
            # before it.
            raise UnexpectedToolError(
                f"{self.name} failed because of a fault in this server. Nothing was changed. "
                "The server's log says more."
            ) from error


def definitions() -> list[dict[str, Any]]:
    """The definitions of all tools, in the order in which they are offered."""
    return json.loads(files(__spec__.parent).joinpath("definitions.json").read_text(encoding="utf-8"))


def offered(toolsets: Collection[str], *, read_only: bool) -> list[dict[str, Any]]:
    """The definitions that a server with these settings offers: the same to every caller."""
    return [
        definition
        for definition in definitions()
        if definition["toolset"] in toolsets and (definition["annotations"]["readOnlyHint"] or not read_only)
    ]


def make_tool(definition: Mapping[str, Any], caller: Caller) -> CatalogTool:
    """The tool of a definition."""

    async def unused() -> None:
        raise NotImplementedError  # `run` takes its place; the SDK only wants a function to be there

    return CatalogTool.made_for(
        caller,
        fn=unused,
        name=definition["name"],
        title=definition["title"],
        description=definition["description"],
        parameters=definition["inputSchema"],
        fn_metadata=FuncMetadata(arg_model=ArgModelBase, output_schema=definition["outputSchema"]),
        is_async=True,
        annotations=ToolAnnotations.model_validate(definition["annotations"]),
        meta=definition["_meta"],
    )
