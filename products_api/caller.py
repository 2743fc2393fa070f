"""How every operation is called: path, location, JSON, errors, keeping to the rate limit, and paging.

The areas of the client (`product_calls`, `price_calls`, …) build on `Caller` and say only what is
particular to their operations.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import anyio
from pydantic import BaseModel, ValidationError

from . import errors, reading_memory
from .access import Access
from .breaker import Breaker
from .budget import Budget, Sleep
from .exact_json import Json, encode
from .model_base import Page
from .operations import Operation
from .paths import fill
from .patient_sender import PatientSender
from .refusals import error_of
from .replies import value_of
from .shapes import items_in, total_in, unwrap
from .watching import Watch

if TYPE_CHECKING:
    from .transport import AnyTransport, HttpTransport

Model = TypeVar("Model", bound=BaseModel)
Item = TypeVar("Item", bound=BaseModel)
Query: TypeAlias = Mapping[str, str | int | bool | Sequence[str] | None]

PAGE_CAP = 100

_REPORT = "Report this: the API may have changed."


class Caller:
    """The parts that the areas of the client share. Not for use by itself."""

    def __init__(
        self,
        *,
        base_url: str,
        access: Access,
        location_id: str,
        api_version: str,
        timeout: float,
        transport: "AnyTransport | None",
        sleep: Sleep | None,
        budget: Budget | None,
        watch: Watch | None,
    ) -> None:
        self.location_id = location_id
        self._base_url = base_url
        self._access = access
        self._api_version = api_version
        self._timeout = timeout
        self._given_transport = transport
        self._sender = PatientSender(
            self._connections,
            budget=budget or Budget(),
            breaker=Breaker(),
            sleep=sleep or anyio.sleep,
            watch=watch,
        )
        self._transport: HttpTransport | None = None
        self._closed = False

    async def aclose(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        self._closed = True
        if self._transport is not None:
            await self._transport.aclose()

    @property
    def timeout(self) -> float:
        """Seconds that one request may take."""
        return self._timeout

    @property
    def clock_ahead(self) -> float | None:
        """By how many seconds this machine's clock was ahead of the API's at the last answer, where it told its own."""
        return self._sender.clock_ahead

    @property
    def _location(self) -> dict[str, str]:
        """How products and prices name the location."""
        return {"locationId": self.location_id}

    @property
    def _alt(self) -> dict[str, str]:
        """How everything else names it; the type is always this one word, in lower case."""
        return {"altId": self.location_id, "altType": "location"}

    def _connections(self) -> "HttpTransport":
        if self._closed:
            raise RuntimeError("This ProductsClient is closed.")
        if self._transport is None:
            # The HTTP library takes longer to import than the rest of the client together.
            from .transport import HttpTransport

            self._transport = HttpTransport(
                base_url=self._base_url,
                headers={
                    "Version": self._api_version,
                    "Accept": "application/json",
                    "User-Agent": "hoopai-products-mcp",
                },
                timeout=self._timeout,
                transport=self._given_transport,
            )
        return self._transport

    async def _call(
        self,
        operation: Operation,
        *,
        ids: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Json:
        """Send the operation and decode its success; None for an empty or `null` body.

        Raises:
            ProductsApiError: one of its subclasses, for everything that is not a 2xx with JSON.
        """
        path = fill(operation, ids or {})
        parameters = _parameters(query or {})
        content = self._encoded(operation, parameters, body)
        memory = reading_memory.current()
        if memory is None:
            return await self._answered(operation, path, parameters, content)
        if operation.writes:
            try:
                return await self._answered(operation, path, parameters, content)
            except errors.ProductsApiError as error:
                memory.writes -= error.outcome == "not_done"
                raise
            finally:
                # Also what was read while the write was under way.
                memory.forget()
        # In which order a list of ids is asked for makes no other answer.
        asked = (self.location_id, path, *sorted(parameters))
        known = memory.recall(asked)
        if isinstance(known, errors.NotFoundError):
            raise known.with_traceback(None)
        if known is not reading_memory.MISSING:
            return cast("Json", known)
        if memory.closed:
            raise errors.NotRememberedError(operation, "It was not read in this call.")
        try:
            answer = await self._answered(operation, path, parameters, content)
        except errors.NotFoundError as missing:
            memory.keep(asked, missing)
            raise
        memory.keep(asked, answer)
        return answer

    async def _answered(
        self, operation: Operation, path: str, query: Sequence[tuple[str, str]], content: bytes | None
    ) -> Json:
        token = await self._access.token(operation)
        reply = await self._sender.send(operation, path, query, content, token)
        if (
            reply.status == HTTPStatus.UNAUTHORIZED
            and type(error_of(reply, operation)) is errors.BadTokenError
        ):
            # Once, and only for this one meaning of a 401: others would be refused for ever. A refused write was not
            # carried out.
            renewed = await self._access.renewed(token, operation)
            if renewed is not None:
                reply = await self._sender.send(operation, path, query, content, renewed)
        if not reply.succeeded:
            raise error_of(reply, operation)
        return value_of(reply, operation)

    def _encoded(
        self, operation: Operation, parameters: Sequence[tuple[str, str]], body: Mapping[str, Any] | None
    ) -> bytes | None:
        try:
            for _, text in parameters:
                text.encode()
            return None if body is None else encode(body)
        except (ValueError, TypeError) as error:
            reason = type(error).__name__
        raise errors.InvalidArgumentError(
            operation,
            f"A value for {operation.name} cannot be written as JSON or as part of an address ({reason}).",
            next_step="Send plain text, numbers, lists and objects.",
        )

    def _parse(self, operation: Operation, model: type[Model], value: Json) -> Model:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            faults = ", ".join(
                ".".join(map(str, fault["loc"])) or "the answer"
                for fault in error.errors(include_input=False)
            )
        raise self._unexpected(operation, f"not of the known shape (at {faults})")

    def _page(
        self,
        operation: Operation,
        model: type[Item],
        value: Json,
        keys: tuple[str, ...],
        *,
        limit: int,
        offset: int,
        leave_out_unreadable: bool = False,
    ) -> Page[Item]:
        """One page. Entries that cannot be read spoil it, unless they may be left out and are not all of it."""
        found = items_in(value, *keys)
        if found is None:
            raise self._unexpected(operation, f"without a list under {' or '.join(map(repr, keys))}")
        items: list[Item] = []
        unreadable: list[int] = []
        for place, item in enumerate(found):
            try:
                items.append(self._parse(operation, model, item))
            except errors.UnexpectedResponseError:
                unreadable.append(place)
                if not leave_out_unreadable or len(unreadable) == len(found):
                    raise
        total = total_in(value.get("total")) if isinstance(value, dict) else None
        return Page(tuple(items), total, limit, offset, unreadable=tuple(unreadable))

    def _record(self, operation: Operation, value: Json, *envelopes: str) -> dict[str, Json]:
        """The one record of an answer, out of its envelope.

        A read that succeeds with nothing in it is a thing that is not there; a write that creates and
        returns nothing cannot say what it made.
        """
        inner = unwrap(value, *envelopes)
        if isinstance(inner, dict) and inner.keys() - {*envelopes, "status"}:
            return inner
        if operation.writes or not (inner is None or isinstance(inner, dict)):
            raise self._unexpected(operation, "without the record it should hold")
        raise errors.NotFoundError(
            operation,
            f"{operation.name} succeeded and returned nothing: there is no such thing in this location.",
            next_step="Look the id up in a list.",
        )

    def _check_required(self, operation: Operation, body: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        missing = [key for key in keys if key not in body]
        if missing:
            raise errors.InvalidArgumentError(
                operation,
                f"What was read has no {' and no '.join(missing)}, which every {operation.name} must send.",
                next_step="Set it in the same change.",
            )

    def _acknowledged(self, operation: Operation, model: type[Model], value: Json) -> Model:
        """A write's answer. `null` is success: several of these routes answer so."""
        if value is None:
            return model()
        if isinstance(value, dict) and value.get("status") is False:
            raise self._unexpected(operation, "with a success status and yet `status: false`")
        return self._parse(operation, model, value if isinstance(value, dict) else {})

    def _unexpected(self, operation: Operation, what: str) -> errors.UnexpectedResponseError:
        return errors.UnexpectedResponseError(
            operation,
            f"{operation.name} answered {what}.",
            next_step=None if operation.writes else _REPORT,
            outcome="unknown",
        )

    def _check_page(self, operation: Operation, limit: int, offset: int) -> None:
        # The API's own default is 0, which nothing explains, and callers of the live API see a cap of 100.
        if not 1 <= limit <= PAGE_CAP or offset < 0:
            raise errors.InvalidArgumentError(
                operation,
                f"limit {limit} or offset {offset} is out of range.",
                next_step=f"Give a limit from 1 to {PAGE_CAP} and an offset of 0 or more.",
            )

    async def _walk(
        self,
        operation: Operation,
        fetch: Callable[[int], Awaitable[Page[Item]]],
        identify: Callable[[Item], str],
    ) -> AsyncIterator[Item]:
        """Every item of a list, a full page at a time, until a short one; totals are hints only.

        `fetch` gets the page at an offset.

        Raises:
            RepeatedPageError: a page begins as an earlier one did, so the offset is being ignored.
        """
        offset: int | None = 0
        beginnings: set[str] = set()
        while offset is not None:
            page = await fetch(offset)
            if page.items:
                first = identify(page.items[0])
                if first in beginnings:
                    raise errors.RepeatedPageError(
                        operation,
                        f"{operation.name} answered with the same page again for another offset.",
                        next_step=_REPORT,
                    )
                beginnings.add(first)
            for item in page.items:
                yield item
            offset = page.next_offset


def _parameters(query: Query) -> list[tuple[str, str]]:
    """Query pairs in order; lists become repeated keys, None is left out."""
    pairs: list[tuple[str, str]] = []
    for key, value in query.items():
        match value:
            case None:
                continue
            case bool():
                pairs.append((key, "true" if value else "false"))
            case str() | int():
                pairs.append((key, str(value)))
            case _:
                pairs.extend((key, item) for item in value)
    return pairs
