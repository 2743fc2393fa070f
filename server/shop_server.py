"""The SDK's server with this shop's prompts, resources and completions, which are read when they are asked for.

Nothing of them is imported or read at the start: every conversation would pay for it.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, UnexpectedResourceError
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    Completion,
    CompletionArgument,
    CompletionContext,
    EmptyResult,
    GetPromptResult,
    InputRequiredResult,
    Prompt,
    PromptReference,
    Resource,
    ResourceTemplate,
    ResourceTemplateReference,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)
from pydantic import AnyUrl

from .protocol import HOUR_MS
from .updates import Updates

if TYPE_CHECKING:
    from ..guard.store import Store
    from ..guard.writes import Done
    from ..products_api.client import ProductsClient
    from ..tools.file_folder import FileFolder
    from .resource_reading import Shelf
    from .shop_names import ShopNames

log = logging.getLogger("hoopai_products_mcp.server")

_LISTS = CacheHint(ttl_ms=HOUR_MS, scope="public")
"""Lists are the same for every caller as long as this process runs."""
_READS = CacheHint(ttl_ms=0, scope="private")
"""The next call may change what was read; who keeps it and does not listen would show the former price."""
_CACHE_HINTS: dict[CacheableMethod, CacheHint] = {
    "server/discover": _LISTS,
    "tools/list": _LISTS,
    "prompts/list": _LISTS,
    "resources/list": _LISTS,
    "resources/templates/list": _LISTS,
    "resources/read": _READS,
}


class ShopServer(MCPServer[None]):
    """A server for one shop.

    `api` gives the client of the shop, `location` its location, `caller` who asks, and `files` its folder for files,
    when they are needed; `offered` names the tools that a caller may use, for prompts that lead to others.
    """

    def __init__(
        self,
        *,
        api: "Callable[[], ProductsClient]",
        location: Callable[[], str],
        caller: Callable[[], str],
        store: "Store",
        files: "Callable[[], FileFolder]",
        offered: Callable[[], Collection[str]],
        **options: Any,
    ) -> None:
        self.updates = Updates()
        super().__init__(subscriptions=self.updates.bus, cache_hints=_CACHE_HINTS, **options)
        self._api = api
        self._location = location
        self._caller = caller
        self._store = store
        self._files = files
        self._offered = offered
        self.completion()(self._complete)
        handlers = self._lowlevel_server
        # The newer era has its own way, which the SDK serves.
        handlers.add_request_handler("resources/subscribe", SubscribeRequestParams, self._subscribe)
        handlers.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)

    @cached_property
    def names(self) -> "ShopNames":
        """The names of the shop's things."""
        from .shop_names import ShopNames

        return ShopNames(self._api)

    @cached_property
    def _shelf(self) -> "Shelf":
        from .resource_reading import Shelf

        return Shelf(
            api=self._api,
            names=self.names,
            store=self._store,
            location=self._location,
            caller=self._caller,
            files=self._files,
            offered=self._offered,
        )

    def guide(self, topic: str) -> tuple[str, str]:
        """Title and text of the guide on a topic."""
        from ..prompts.arguments import find
        from ..prompts.rendering import guide

        template = find(topic)
        return template.title, guide(template, self._offered())

    async def tell_of(self, done: "Done") -> list[str]:
        """Tell subscribers what a write has changed, or may have; the addresses of that.

        Nothing is raised: the write is done, and what became of it is told either way.
        """
        from .updates import changed_by

        try:
            uris = changed_by(done.plan.effects, done.outcome.created or ())
            await self.changed(uris)
        except Exception:
            log.exception("Subscribers could not be told of the change %s", done.change_id)
            return []
        return uris

    async def changed(self, uris: Iterable[str]) -> None:
        """Say that what is at these addresses has changed."""
        self.names.forget()
        await self.updates.tell(uris)

    async def list_prompts(self) -> list[Prompt]:
        """All prompts."""
        from .prompting import listed

        return listed()

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[None, Any] | None = None
    ) -> GetPromptResult:
        """One prompt, with the shop's data."""
        del context
        from .prompting import rendered

        try:
            return await rendered(
                name, arguments or {}, api=self._api, names=self.names, offered=self._offered()
            )
        except MCPError:
            raise
        except Exception as error:
            # The SDK would show the text of any other exception to clients of the older era.
            log.exception("The prompt %r could not be rendered", name[:100])
            raise MCPError(
                code=INTERNAL_ERROR,
                message="The prompt failed because of a fault in this server; its log says more.",
            ) from error

    async def list_resources(self) -> list[Resource]:
        """The resources that have an address of their own, and those that were registered with the SDK."""
        from .resource_list import resources

        return [*resources(), *await super().list_resources()]

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        """The templates of all others, and those that were registered with the SDK."""
        from .resource_list import resource_templates

        return [*resource_templates(), *await super().list_resource_templates()]

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[None, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """What is at an address."""
        from .resource_reading import matched, read

        if matched(str(uri)) is None:
            return await super().read_resource(uri, context)
        try:
            return [await read(str(uri), self._shelf)]
        except (MCPError, ResourceError):
            raise
        except Exception as error:
            # The SDK logs it with its traceback.
            raise UnexpectedResourceError(
                f"{uri} could not be read because of a fault in this server; its log says more."
            ) from error

    async def _complete(
        self,
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        from .completing import completed
        from .prompting import today_utc

        return await completed(ref, argument, context, names=self.names, today=today_utc)

    async def _subscribe(
        self, context: ServerRequestContext[Any, Any], asked: SubscribeRequestParams
    ) -> EmptyResult:
        from .resource_reading import matched

        uri = str(asked.uri)
        if matched(uri) is None:
            raise MCPError(code=INVALID_PARAMS, message=f"Unknown resource: {uri[:200]}", data={"uri": uri})
        # The SDK shows handlers a session that is made for the request; the connection behind it is what lasts.
        connection = context.session._connection  # pyright: ignore[reportPrivateUsage]
        if not self.updates.subscribe(connection, uri):
            raise MCPError(code=INVALID_PARAMS, message="There are too many subscriptions already: end some.")
        return EmptyResult()

    async def _unsubscribe(
        self, context: ServerRequestContext[Any, Any], asked: UnsubscribeRequestParams
    ) -> EmptyResult:
        self.updates.unsubscribe(context.session._connection, str(asked.uri))  # pyright: ignore[reportPrivateUsage]
        return EmptyResult()
