"""How a case of an operation is written down: the call, what must leave, and what must come of the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mock_api import LOCATION

from hoopai_products_mcp.products_api import models
from hoopai_products_mcp.products_api.client import ProductsClient

ALT = {"altId": LOCATION, "altType": "location"}
ALT_QUERY = [("altId", LOCATION), ("altType", "location")]
LOCATION_QUERY = [("locationId", LOCATION)]
DONE = models.Acknowledged()


@dataclass(frozen=True)
class Case:
    operation: str
    call: Callable[[ProductsClient], Awaitable[Any]]
    path: str
    result: Any
    answers: Any = None
    query: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    body: Any = None
    status: int = 200
