"""One sandbox: its shop, its rules and what it remembers, without any transport."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from .answers import NO_BODY, Call, RefusalError
from .contract import Operation
from .database import Clock, Database
from .exact_json import JsonObject, encode
from .faults import Faults
from .identity import API_VERSION
from .oauth import Tokens
from .operations import HANDLERS
from .rate import RateLimit
from .record import RequestLog
from .seed import ShopChoice, fill

logger: Final = logging.getLogger("hoopai_products_mcp.sandbox")

JSON: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer ready to be sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict[str, str])


class ContractBrokenError(Exception):
    """The sandbox was about to answer something that the contract does not allow: a bug of the sandbox."""


class Sandbox:
    """The shop behind one app, for tests to look at and to disturb.

    `faults` plans what goes wrong, `requests` is the log of what arrived, `violations` lists answers that
    broke the contract (each was answered with 500), `tokens` are those of OAuth logins, `dump()` is the whole shop
    and `reset()` brings back its first day.
    """

    def __init__(
        self,
        *,
        data: Path | None,
        token: str,
        location_id: str,
        shop: ShopChoice,
        rate_limit: int,
        rate_interval_seconds: float,
        scopes: Collection[str] | None,
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        self.token = token
        self.location_id = location_id
        self.shop: ShopChoice = shop
        self.scopes = scopes
        self.faults = Faults()
        self.requests = RequestLog()
        self.violations: list[str] = []
        self.rate = RateLimit(rate_limit, rate_interval_seconds, monotonic)
        self.tokens = Tokens(location_id, lambda: clock().timestamp())
        self.database = Database(data, clock=clock)
        self._answered = 0
        with self.database.transaction():
            if self.database.is_new():
                fill(self.database, shop, location_id)

    def reset(self) -> None:
        """The shop as it was on its first day, nothing planned, nothing logged, the whole budget left."""
        with self.database.transaction():
            self.database.clear()
            fill(self.database, self.shop, self.location_id)
        self.faults.clear()
        self.requests.clear()
        self.violations.clear()
        self.rate.reset()
        self._answered = 0

    def close(self) -> None:
        """Give a data file back."""
        self.database.close()

    def dump(self) -> JsonObject:
        """The whole shop as data, for comparing it before and after."""
        db = self.database
        products = db.docs("select doc from products order by seq")
        collections = db.docs("select doc from collections order by seq")
        members = "select product_id from members where collection_id = ? order by position, seq"
        by_hand = "select collection_id from members where product_id = ? and not smart order by seq"
        shown = "select product_id, priority from shown where store_id = ? order by product_id"
        return {
            "products": [
                product | {"collectionIds": [row[0] for row in db.rows(by_hand, product["_id"])]}
                for product in products
            ],
            "prices": db.docs("select doc from prices order by seq"),
            "collections": [
                collection | {"productIds": [row[0] for row in db.rows(members, collection["_id"])]}
                for collection in collections
            ],
            "stores": [
                {
                    "id": store[0],
                    "name": store[1],
                    "products": [
                        {"productId": row[0], "priority": row[1]} for row in db.rows(shown, store[0])
                    ],
                }
                for store in db.rows("select id, name from stores order by id")
            ],
            "reviews": db.docs("select doc from reviews order by seq"),
        }

    def perform(
        self, operation: Operation, segments: list[str], query: bytes, headers: dict[str, str], body: bytes
    ) -> Reply:
        """Carry out one request, or refuse it. Everything happens or nothing does."""
        try:
            self._admit(operation, headers)
            call = operation.read(segments, query, body, headers.get("content-type", ""))
            self._check_location(call)
            return self._carry_out(operation, call)
        except RefusalError as refusal:
            return self.refuse(refusal, operation)
        except Exception as error:
            logger.exception("%s failed inside the sandbox", operation.name)
            if isinstance(error, ContractBrokenError):
                self.violations.append(str(error))
            return self.reply(500, {"statusCode": 500, "message": f"Sandbox error: {error}"})

    def _admit(self, operation: Operation, headers: dict[str, str]) -> None:
        scopes = self.scopes
        if headers.get("authorization") != f"Bearer {self.token}":
            issued = self.tokens.holds(headers.get("authorization", "").removeprefix("Bearer "))
            if issued is None:
                raise RefusalError(401, "Invalid token: access token is invalid")
            scopes = issued.scope.split()
        version = headers.get("version")
        if version != API_VERSION:
            raise RefusalError(
                401, "version header is invalid" if version else "version header was not found"
            )
        if scopes is not None and not set(operation.scopes) <= set(scopes):
            raise RefusalError(401, "The token is not authorized for this scope.")
        if not self.rate.admit():
            raise RefusalError(429, "Too Many Requests", named=False)

    def _check_location(self, call: Call) -> None:
        for source in (call.query, call.body):
            for key in ("locationId", "altId"):
                if source.get(key, self.location_id) != self.location_id:
                    raise RefusalError(403, "The token does not have access to this location.")

    def _carry_out(self, operation: Operation, call: Call) -> Reply:
        with self.database.transaction():
            body = HANDLERS[operation.id](self.database, call)
            self._check_answer(operation, operation.status, body)
        return self.reply(operation.status, body)

    def _check_answer(self, operation: Operation, status: int, body: Any) -> None:
        problems = operation.answer_problems(status, body, has_body=body is not NO_BODY)
        if problems:
            raise ContractBrokenError("; ".join(problems))

    def refuse(self, refusal: RefusalError, operation: Operation | None = None) -> Reply:
        """The answer to a request that was refused."""
        body = refusal.body()
        self._answered += 1
        body["traceId"] = str(uuid5(NAMESPACE_URL, f"sandbox:{self._answered}"))
        if operation is not None:
            problems = operation.answer_problems(refusal.status, body, has_body=True)
            if problems:
                self.violations += problems
                logger.error("The sandbox broke its contract: %s", "; ".join(problems))
                return self.reply(
                    500, {"statusCode": 500, "message": f"Sandbox error: {'; '.join(problems)}"}
                )
        return self.reply(refusal.status, body)

    def reply(self, status: int, body: Any) -> Reply:
        """Any answer, with the headers that all answers have."""
        if body is NO_BODY:
            return Reply(status, b"", self.rate.headers())
        return Reply(status, encode(body), {"content-type": JSON, **self.rate.headers()})
