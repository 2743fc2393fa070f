"""A small client of the sandbox for its own tests: a call in, status and exact body out."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import httpx
from starlette.applications import Starlette

from hoopai_products_mcp.sandbox.identity import API_VERSION, BASE_URL, LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.transport import SandboxTransport

JsonObject = dict[str, Any]

HERE: Final = {"locationId": LOCATION_ID}
ALT: Final = {"altId": LOCATION_ID, "altType": "location"}
HEADERS: Final[dict[str, str]] = {"authorization": f"Bearer {TOKEN}", "version": API_VERSION}
TODAY: Final = "2026-06-01T12:00:00.000Z"


def clock() -> datetime:
    return datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body; the body is None when there was none, it was null, or it was no JSON."""

    status: int
    body: Any
    headers: httpx.Headers
    raw: bytes

    @property
    def messages(self) -> list[str]:
        return self.body["message"]


class Api:
    """Sends JSON with every digit and reads it back with every digit."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, query: JsonObject) -> Answer:
        return await self.call("GET", path, query=query)

    async def delete(self, path: str, query: JsonObject) -> Answer:
        return await self.call("DELETE", path, query=query)

    async def post(self, path: str, body: JsonObject) -> Answer:
        return await self.call("POST", path, body=body)

    async def put(self, path: str, body: JsonObject) -> Answer:
        return await self.call("PUT", path, body=body)

    async def call(
        self, method: str, path: str, *, query: JsonObject | None = None, body: JsonObject | None = None
    ) -> Answer:
        content = None if body is None else exact(body)
        headers = {} if body is None else {"content-type": "application/json"}
        response = await self.client.request(method, path, params=query, content=content, headers=headers)
        return Answer(response.status_code, read(response), response.headers, response.content)

    async def product(self, **fields: Any) -> JsonObject:
        """A new product."""
        answer = await self.post("/products/", {"name": "Bat box", "productType": "PHYSICAL"} | HERE | fields)
        assert answer.status == 201, answer.body
        return answer.body

    async def price(self, product_id: str, **fields: Any) -> JsonObject:
        """A new price of a product."""
        body = {"name": "Plain", "type": "one_time", "currency": "USD", "amount": 10} | HERE | fields
        answer = await self.post(f"/products/{product_id}/price", body)
        assert answer.status == 201, answer.body
        return answer.body

    async def products(self, **query: Any) -> list[str]:
        """Names of the products that a list shows."""
        answer = await self.get("/products/", HERE | query)
        assert answer.status == 200, answer.body
        return [product["name"] for product in answer.body["products"]]


@asynccontextmanager
async def connected(app: Starlette) -> AsyncGenerator[Api]:
    """An API in process."""
    async with httpx.AsyncClient(
        transport=SandboxTransport(app), base_url=BASE_URL, headers=HEADERS
    ) as client:
        yield Api(client)


def read(response: httpx.Response) -> Any:
    if not response.headers.get("content-type", "").startswith("application/json"):
        return None
    return json.loads(response.content, parse_float=Decimal)


def exact(body: Any) -> bytes:
    """JSON in which a Decimal is a number. json.dumps cannot do that, so marks stand in for the numbers."""
    numbers: list[str] = []

    def mark(value: object) -> str:
        assert isinstance(value, Decimal)
        numbers.append(format(value, "f"))
        return f"\0{len(numbers) - 1}\0"

    text = json.dumps(body, default=mark)
    for place, number in enumerate(numbers):
        text = text.replace(f'"\\u0000{place}\\u0000"', number)
    return text.encode()
