"""The only module that knows the HTTP library: one pooled connection set, one request at a time.

Whatever the library raises becomes one of our errors, and is raised outside of the `except`: the
library's frames hold the request with its Authorization header, and a traceback that renders local
variables must not reach them.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

import anyio
import httpx

from . import errors
from .credentials import Token
from .operations import Operation
from .replies import Reply

_AT_ONCE: Final = 20
"""Requests under way at once. A shop that a merchant works through one conversation needs few; long jobs share them."""
_LIMITS = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE, keepalive_expiry=30)

AnyTransport: TypeAlias = httpx.AsyncBaseTransport
"""What requests can be sent through, for those who may not name the HTTP library."""

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


class _Bearer(httpx.Auth):
    """Adds the token to the request inside the library, so that no variable of ours holds the header."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        yield request


class _Form(dict[str, str]):
    """The fields of a form as the library takes them. Its secrets are written out only while they are read."""

    def __init__(self, fields: Mapping[str, str], secrets: Mapping[str, Token]) -> None:
        super().__init__(fields)
        self._secrets = secrets

    def items(self) -> Any:
        """All fields, the secrets among them."""
        return [*super().items(), *((name, token.reveal()) for name, token in self._secrets.items())]

    def __bool__(self) -> bool:
        return True


def _hide(hidden: Sequence[Token], content: bytes) -> bytes:
    for token in hidden:
        content = token.hide_in(content)
    return content


class HttpTransport:
    """Sends requests to one base URL.

    `timeout` bounds a whole request in seconds, from connecting to the last byte of the answer.
    """

    def __init__(
        self,
        *,
        base_url: str,
        headers: Mapping[str, str],
        timeout: float,
        transport: AnyTransport | None,
    ) -> None:
        self._base_url = base_url
        self._timeout = timeout
        # The library's own pool goes through all its connections for each request that waits, whenever one ends.
        self._free = anyio.Semaphore(_AT_ONCE, fast_acquire=True)
        self._http = httpx.AsyncClient(
            headers=headers,
            # Shorter for connecting, so that a host nobody answers at is never taken for a lost answer.
            timeout=httpx.Timeout(timeout, connect=timeout / 2, pool=timeout / 2),
            limits=_LIMITS,
            follow_redirects=False,
            # Proxies and certificates of the environment are honoured; a .netrc is not read by this library.
            trust_env=True,
            transport=transport,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(
        self,
        operation: Operation,
        path: str,
        query: Sequence[tuple[str, str]],
        body: bytes | None,
        token: Token,
    ) -> Reply:
        """One request and its answer, whatever the status.

        Raises:
            RequestTimeoutError, NotReachedError, ConnectionLostError, UnexpectedResponseError
        """
        # Joined here: the library would take the address apart once more for parameters of its own.
        address = f"{path}?{urlencode(query)}" if query else path
        parameters: dict[str, Any] = {}
        if body is not None:
            parameters = {"content": body, "headers": {"Content-Type": "application/json"}}
        return await self._in_time(operation, address, parameters, token, (token,))

    async def send_form(
        self,
        operation: Operation,
        path: str,
        fields: Mapping[str, str],
        secrets: Mapping[str, Token],
        token: Token | None = None,
    ) -> Reply:
        """One form and its answer, whatever the status; no secret of the form is echoed in an answer.

        Raises:
            RequestTimeoutError, NotReachedError, ConnectionLostError, UnexpectedResponseError
        """
        form = _Form(fields, secrets)
        hidden = (*secrets.values(), *((token,) if token else ()))
        return await self._in_time(operation, path, {"data": form}, token, hidden)

    async def _in_time(
        self,
        operation: Operation,
        address: str,
        parameters: dict[str, Any],
        token: Token | None,
        hidden: Sequence[Token],
    ) -> Reply:
        outcome: Reply | errors.ProductsApiError
        await self._wait_for_a_connection(operation)
        try:
            # The library's timeouts are for each step, and a custom transport may have none at all.
            with anyio.move_on_after(self._timeout):
                outcome = await self._attempt(operation, address, parameters, token, hidden)
                if isinstance(outcome, Reply):
                    return outcome
                raise outcome
        finally:
            self._free.release()
        raise self._timed_out(operation)

    async def _wait_for_a_connection(self, operation: Operation) -> None:
        patience = self._timeout / 2
        with anyio.move_on_after(patience):
            await self._free.acquire()
            return
        raise errors.NotReachedError(
            operation,
            f"{operation.name} was not sent: the {_AT_ONCE} requests under way were not answered within {patience:g} "
            "seconds.",
            next_step="Try again.",
            retryable=True,
        )

    async def _attempt(
        self,
        operation: Operation,
        address: str,
        parameters: dict[str, Any],
        token: Token | None,
        hidden: Sequence[Token],
    ) -> Reply | errors.ProductsApiError:
        auth = None if token is None else _Bearer(token)
        try:
            response = await self._http.request(
                operation.method, self._base_url + address, auth=auth, **parameters
            )
        except _NEVER_SENT as failure:
            return errors.NotReachedError(
                operation,
                f"The API could not be reached for {operation.name} ({type(failure).__name__}).",
                next_step="Check the network and the base URL, then try again.",
                retryable=True,
            )
        except httpx.TimeoutException:
            return self._timed_out(operation)
        except (httpx.DecodingError, httpx.TooManyRedirects):
            return errors.UnexpectedResponseError(
                operation,
                f"The answer to {operation.name} could not be decoded.",
                outcome="unknown",
                retryable=not operation.writes,
            )
        except httpx.HTTPError as failure:
            return errors.ConnectionLostError(
                operation,
                f"The connection broke after {operation.name} was sent ({type(failure).__name__}).",
                outcome="unknown",
                retryable=not operation.writes,
            )
        # Blanked here, at the door, an echo of the token can get into no error and no result.
        headers = {
            name.lower().decode("latin-1"): _hide(hidden, value).decode("latin-1")
            for name, value in response.headers.raw
        }
        return Reply(response.status_code, headers, _hide(hidden, response.content))

    def _timed_out(self, operation: Operation) -> errors.RequestTimeoutError:
        return errors.RequestTimeoutError(
            operation,
            f"{operation.name} was not answered within {self._timeout:g} seconds.",
            outcome="unknown",
            retryable=not operation.writes,
        )
