"""The two who act in the demonstration: an assistant that calls tools, and the person whom the server asks."""

from collections.abc import Awaitable, Callable
from typing import Any

from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult, TextContent

from ..guard.question import CONFIRM, TYPED
from .demo_screen import Screen

_TYPE = "To go ahead, type: "
"""What stands before the words to type in a question (`guard/question.py`)."""
FEW_ITEMS = 3

Meanwhile = Callable[[], Awaitable[None]]


class DemoFailedError(Exception):
    """A call that should have succeeded did not, or the other way round; what was shown last says why."""


class Person:
    """Whoever sits before the client. They agree unless told otherwise."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._items: int | None = None
        self._answers: list[bool] = []
        self._meanwhile: Meanwhile | None = None

    def will(self, *answers: bool, items: int | None = None, meanwhile: Meanwhile | None = None) -> None:
        """Say how the next questions are answered, how many items of them are shown, and what happens while the
        first of them is open."""
        self._answers = list(answers)
        self._items = items
        self._meanwhile = meanwhile

    async def ask(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        """Show a question, and answer it."""
        del context
        if not isinstance(params, ElicitRequestFormParams):
            return ElicitResult(action="cancel")
        self._screen.end_of_progress()
        self._screen.framed(params.message, items=self._items)
        if self._meanwhile is not None:
            await self._meanwhile()
            self._meanwhile = None
        if not (self._answers.pop(0) if self._answers else True):
            self._screen.answer("no")
            return ElicitResult(action="decline")
        if TYPED not in params.requested_schema.get("properties", {}):
            self._screen.answer("ticks the box")
            return ElicitResult(action="accept", content={CONFIRM: True})
        words = params.message.rpartition(_TYPE)[2]
        self._screen.answer(f"types: {words}")
        return ElicitResult(action="accept", content={TYPED: words})


class Assistant:
    """A client at work, and what it shows of it."""

    def __init__(self, client: Client, screen: Screen) -> None:
        self._client = client
        self._screen = screen

    async def call(
        self, tool: str, /, *, hide: frozenset[str] = frozenset(), refused: bool = False, **arguments: Any
    ) -> dict[str, Any]:
        """Make and show a call; its structured content.

        Ids are left out of what is shown with `hide`, not of the call. `refused` is whether it has to end in an
        error, which is shown.

        Raises:
            DemoFailedError: it went the other way.
        """
        self._screen.call(tool, arguments, hide=hide)
        try:
            result = await self._client.call_tool(tool, arguments, progress_callback=self._screen.report)
        except MCPError as error:
            self._screen.refusal(error.error.message)
            raise DemoFailedError from None
        reported = self._screen.end_of_progress()
        if result.is_error:
            self._screen.refusal(
                "\n".join(block.text for block in result.content if isinstance(block, TextContent))
            )
        elif reported:
            self._screen.say(f"(progress: {reported})")
        if result.is_error != refused:
            raise DemoFailedError
        return result.structured_content or {}

    async def product(self, name: str) -> dict[str, Any]:
        """Find a product by its name, and read it."""
        found = await self.call("list_products", search=name)
        product_id = next(item["id"] for item in found["items"] if item["name"] == name)
        return await self.call("get_product", hide=frozenset({"product_id"}), product_id=product_id)
