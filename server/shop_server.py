"""The SDK's server with the prompts, resources and completions of its shops, which are read when they are asked for.

Nothing of them is imported or read at the start: every conversation would pay for it.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, UnexpectedResourceError
from mcp.server.subscriptions import ListenHandler
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
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
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)
from pydantic import AnyUrl

from ..tools.addresses import LOCATION, SHOPS, in_shop
from .other_processes import OtherProcesses
from .protocol import HOUR_MS
from .resource_uris import GUIDES
from .shops import OpenShop, Shops, UnknownShopError
from .updates import MayHear, Updates

if TYPE_CHECKING:
    from ..guard.writes import Done
    from .resource_reading import Shelf

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
    """A server for one shop, or for several.

    `caller` is who asks, and `offered` names the tools that a caller may use, for prompts that lead to others.
    `may_hear` is whether who subscribed with a token may still hear of a shop.
    """

    def __init__(
        self,
        shops: "Shops",
        *,
        caller: Callable[[], str],
        offered: Callable[[], Collection[str]],
        may_hear: MayHear,
        **options: Any,
    ) -> None:
        self.updates = Updates(may_hear)
        self.other_processes = OtherProcesses(shops, self.updates, self.changed)
        super().__init__(subscriptions=self.updates.bus, cache_hints=_CACHE_HINTS, **options)
        self._shops = shops
        self._caller = caller
        self._offered = offered
        self.completion()(self._complete)
        self._listener = ListenHandler(self.updates.bus)
        handlers = self._lowlevel_server
        handlers.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, self._listen)
        handlers.add_request_handler("resources/subscribe", SubscribeRequestParams, self._subscribe)
        handlers.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)

    def _shelf(self, shop: "OpenShop") -> "Shelf":
        from .resource_reading import Shelf

        return Shelf(
            api=lambda: shop.client,
            names=shop.names,
            store=self._shops.store,
            location=lambda: shop.location_id,
            caller=self._caller,
            files=lambda: shop.exports.folder,
            offered=self._offered,
            title=shop.title,
            guide_note=self._guide_note(),
        )

    def _guide_note(self) -> str:
        if not self._shops.several:
            return ""
        from .naming_shops import GUIDE_NOTE

        return GUIDE_NOTE

    def guide(self, topic: str) -> tuple[str, str]:
        """Title and text of the guide on a topic."""
        from ..prompts.arguments import find
        from ..prompts.rendering import guide

        template = find(topic)
        return template.title, guide(template, self._offered(), self._guide_note())

    async def tell_of(self, done: "Done", shop: "OpenShop") -> list[str]:
        """Tell subscribers what a write has changed in a shop, or may have; the addresses of that.

        Nothing is raised: the write is done, and what became of it is told either way.
        """
        from .updates import changed_by

        try:
            uris = changed_by(done.plan.effects, done.outcome.created or ())
            await self.changed(uris, shop.location_id)
        except Exception:
            log.exception("Subscribers could not be told of the change %s", done.change_id)
            return []
        return uris

    async def changed(self, uris: Iterable[str], location_id: str) -> None:
        """Say that what is at these addresses of the shop of a location has changed."""
        shop = self._shops.at(location_id)
        if shop is None:
            return
        shop.names.forget()
        told = list(uris)
        if shop.name:
            # An address may name the shop by its location id just as well.
            own, other = f"{SHOPS}/{shop.name}/", f"{SHOPS}/{shop.location_id}/"
            told += [other + uri.removeprefix(own) for uri in told]
        await self.updates.tell(told, shop.profile.name, shop.location_id)

    async def list_prompts(self) -> list[Prompt]:
        """All prompts."""
        from .prompting import listed

        if not self._shops.several:
            return listed()
        from .naming_shops import prompt_with_location

        needed = len(self._shops.mine()) != 1
        return [prompt_with_location(prompt, required=needed) for prompt in listed()]

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[None, Any] | None = None
    ) -> GetPromptResult:
        """One prompt, with the data of a shop."""
        del context
        from .prompting import rendered

        given = dict(arguments or {})
        # A form sends a blank for what nobody filled in.
        location = given.pop(LOCATION, "").strip() or None if self._shops.several else None
        try:
            shop = self._shops.named(location)
        except UnknownShopError as error:
            raise MCPError(code=INVALID_PARAMS, message=str(error)) from None
        try:
            with in_shop(shop.name):
                found = await rendered(
                    name, given, api=lambda: shop.client, names=shop.names, offered=self._offered()
                )
            if not shop.name:
                return found
            from .naming_shops import prompt_of_shop

            return prompt_of_shop(found, shop)
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

        return [*resources(several=self._shops.several), *await super().list_resources()]

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        """The templates of all others, and those that were registered with the SDK."""
        from .resource_list import resource_templates

        several = self._shops.several
        return [*resource_templates(several=several), *await super().list_resource_templates()]

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[None, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """What is at an address."""
        asked = str(uri)
        try:
            found = self._at(asked)
        except UnknownShopError as error:
            raise ResourceNotFoundError(f"Unknown resource: {asked[:200]} ({error})") from None
        if found is None:
            return await super().read_resource(uri, context)
        shop, own = found
        from .resource_reading import read

        try:
            if shop is None:
                return [self._list_of_shops()]
            with in_shop(shop.name):
                return [await read(own, self._shelf(shop), asked)]
        except (MCPError, ResourceError):
            raise
        except Exception as error:
            # The SDK logs it with its traceback.
            raise UnexpectedResourceError(
                f"{uri} could not be read because of a fault in this server; its log says more."
            ) from error

    def _at(self, uri: str) -> "tuple[OpenShop | None, str] | None":
        """The shop that an address is in, and its address there; no shop for the list of them. None for neither.

        Raises:
            UnknownShopError: there is no such shop for the caller.
        """
        from .resource_reading import matched

        if not self._shops.several:
            return None if matched(uri) is None else (self._shops.named(), uri)
        if uri == SHOPS:
            return None, uri
        if uri.startswith(GUIDES):
            mine = self._shops.mine()
            return (mine[0], uri) if mine and matched(uri) else None
        found = self._shops.addressed(uri)
        if found is None or found[1].startswith(GUIDES) or matched(found[1]) is None:
            return None
        return found

    def _list_of_shops(self) -> ReadResourceContents:
        from ..prompts.documents import JSON_TYPE
        from .naming_shops import shops_document

        return ReadResourceContents(content=shops_document(self._shops.mine()), mime_type=JSON_TYPE)

    async def _complete(
        self,
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        from .completing import completed
        from .prompting import today_utc

        if not self._shops.several:
            mine = self._shops.mine()
            if not mine:
                return Completion(values=[])
            return await completed(ref, argument, context, names=mine[0].names, today=today_utc)
        from .naming_shops import completed_in_a_shop

        return await completed_in_a_shop(ref, argument, context, shops=self._shops, today=today_utc)

    async def _listen(
        self, context: ServerRequestContext[Any, Any], asked: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        uris = asked.notifications.resource_subscriptions
        if not uris:
            return await self._listener(context, asked)
        with self.updates.listening(uris):
            # Before it is acknowledged: whatever changes after that is told.
            await self.other_processes.begun()
            return await self._listener(context, asked)

    async def _subscribe(
        self, context: ServerRequestContext[Any, Any], asked: SubscribeRequestParams
    ) -> EmptyResult:
        uri = str(asked.uri)
        why = ""
        try:
            found = self._at(uri)
        except UnknownShopError as error:
            found, why = None, f" ({error})"
        if found is None:
            raise MCPError(
                code=INVALID_PARAMS, message=f"Unknown resource: {uri[:200]}{why}", data={"uri": uri}
            )
        # The SDK shows handlers a session that is made for the request; the connection behind it is what lasts.
        connection = context.session._connection  # pyright: ignore[reportPrivateUsage]
        if not connection.has_standalone_channel:
            raise MCPError(
                code=INVALID_REQUEST,
                message="This server keeps no sessions, so nobody could be told of a change over one. Read anew, or "
                "have whoever runs it set HOOPAI_HTTP_SESSIONS=on.",
            )
        if not self.updates.subscribe(connection, uri):
            raise MCPError(code=INVALID_PARAMS, message="There are too many subscriptions already: end some.")
        await self.other_processes.begun()
        return EmptyResult()

    async def _unsubscribe(
        self, context: ServerRequestContext[Any, Any], asked: UnsubscribeRequestParams
    ) -> EmptyResult:
        self.updates.unsubscribe(context.session._connection, str(asked.uri))  # pyright: ignore[reportPrivateUsage]
        return EmptyResult()
