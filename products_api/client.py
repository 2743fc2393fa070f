"""The client of the HoopAI (LeadConnector) Products API: one method per operation, 29 of them.

    async with ProductsClient(base_url=..., token=..., location_id=...) as client:
        page = await client.list_products(search="candle")

Money is Decimal in major units throughout. Importing this module does not import the HTTP library;
the first request does.
"""

from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from .access import Access, FixedAccess
from .budget import Budget, Sleep
from .bulk_calls import BulkCalls
from .collection_calls import CollectionCalls
from .credentials import Token
from .inventory_calls import InventoryCalls
from .price_calls import PriceCalls
from .review_calls import ReviewCalls
from .store_calls import StoreCalls
from .watching import Watch

if TYPE_CHECKING:
    from .transport import AnyTransport

DEFAULT_BASE_URL = "https://services.leadconnectorhq.com"
DEFAULT_API_VERSION = "2021-07-28"
DEFAULT_TIMEOUT_SECONDS = 30.0


class ProductsClient(BulkCalls, CollectionCalls, InventoryCalls, PriceCalls, ReviewCalls, StoreCalls):
    """A client for one location with one token.

    Nothing is ever sent twice, except after a 429, which surely was not carried out. One pooled set of
    connections is opened by the first request; use the client as a context manager or call `aclose`.
    """

    def __init__(
        self,
        *,
        base_url: str = DEFAULT_BASE_URL,
        token: str | Token | Access,
        location_id: str,
        api_version: str = DEFAULT_API_VERSION,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        transport: "AnyTransport | None" = None,
        sleep: Sleep | None = None,
        budget: Budget | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Set up without connecting.

        Args:
            base_url: the API's address, http or https, without a query.
            token: a Bearer token, kept where no repr shows it, or what gives one for each request.
            location_id: the location (sub-account) every call is about.
            api_version: the `Version` header; artefacts of the API disagree, the documentation says this one.
            timeout: seconds for a whole request, answer included.
            transport: what to send through instead of the network.
            sleep: how to wait after a 429; the real, cancellable sleep unless given.
            watch: who is told of every request, for measuring.
            budget: the allowance of requests to keep to, which clients of one location share; one of its own
                unless given.

        Raises:
            ValueError: an argument that no request could be made with.
        """
        # First of all, so that no local variable holds the text when something below is refused.
        token = Token(token) if isinstance(token, str) else token
        super().__init__(
            base_url=base_url.rstrip("/"),
            access=FixedAccess(token) if isinstance(token, Token) else token,
            location_id=location_id,
            api_version=api_version,
            timeout=timeout,
            transport=transport,
            sleep=sleep,
            budget=budget,
            watch=watch,
        )
        if isinstance(token, Token) and token.fault:
            raise ValueError(token.fault)
        address = urlsplit(base_url)
        if (
            address.scheme not in ("http", "https")
            or not address.hostname
            or address.query
            or address.fragment
        ):
            raise ValueError("The base URL must be an http or https address without a query.")
        if address.username or address.password:
            raise ValueError("The base URL must not carry a user name or password.")
        if not location_id.strip():
            raise ValueError("The location id is empty.")
        if timeout <= 0:
            raise ValueError("The timeout must be more than 0 seconds.")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"ProductsClient(base_url={self._base_url!r}, location_id={self.location_id!r})"
