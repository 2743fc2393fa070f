"""A scripted API: answers in order what it is told to, and keeps what it was sent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from hoopai_products_mcp.products_api.budget import Budget
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.exact_json import decode, encode

# Lives here rather than in a test, so that no test frame holds it in a local variable.
TOKEN = "pit-canary-7c1d4e0b-never-to-be-seen"
LOCATION = "loc0000000000000001"
BASE_URL = "https://api.example.com"


@dataclass(frozen=True)
class Sent:
    """One request as it left: path still percent-encoded, query in order, body decoded."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: Any


Script = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class MockApi:
    """Gives its answers one after the other; a request beyond the last one is a failure of the test."""

    def __init__(self, *script: Script) -> None:
        self.requests: list[httpx.Request] = []
        self._script = list(script)

    @property
    def sent(self) -> list[Sent]:
        return [
            Sent(
                request.method,
                request.url.raw_path.decode().partition("?")[0],
                request.url.params.multi_items(),
                decode(request.content) if request.content else None,
            )
            for request in self.requests
        ]

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if not self._script:
            raise AssertionError(f"an unexpected request: {request.method} {request.url}")
        answer = self._script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    def client(
        self,
        *,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        budget: Budget | None = None,
    ) -> ProductsClient:
        return ProductsClient(
            base_url=BASE_URL,
            token=TOKEN,
            location_id=LOCATION,
            transport=httpx.MockTransport(self.handle),
            sleep=sleep,
            budget=budget,
        )


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
    """A JSON answer."""
    return httpx.Response(status, content=encode(body), headers=headers)


def refusal(status: int, message: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    """A refusal in the API's usual body."""
    return answer({"statusCode": status, "message": message}, status, headers)
