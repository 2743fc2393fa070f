"""Ways in which an API may behave otherwise than the sandbox, for the `between` of a session.

`line` is a pattern of a request such as `POST /products/bulk-update`.
"""

import json
import re
from collections.abc import Callable
from typing import Any, cast

import httpx
from other_api import Between, Carry, rewritten

Change = Callable[[Any], Any]


def receives(line: str, change: Change) -> Between:
    """The API takes the bodies of such requests for something else."""

    async def between(request: httpx.Request, carry: Carry) -> httpx.Response:
        if not _fits(request, line):
            return await carry(request)
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        body = change(json.loads(request.content))
        return await carry(
            httpx.Request(
                request.method, request.url, headers=headers, json=body, extensions=request.extensions
            )
        )

    return between


def answers(line: str, change: Change) -> Between:
    """The API answers such requests so, if it does not refuse them."""

    async def between(request: httpx.Request, carry: Carry) -> httpx.Response:
        response = await carry(request)
        return await rewritten(response, change) if _fits(request, line) and response.is_success else response

    return between


def refuses(line: str, status: int, message: str) -> Between:
    """The API refuses such requests."""

    async def between(request: httpx.Request, carry: Carry) -> httpx.Response:
        if not _fits(request, line):
            return await carry(request)
        return httpx.Response(status, json={"statusCode": status, "message": message})

    return between


def ignores(line: str, answer: object) -> Between:
    """The API says that it did what such requests ask, and does nothing."""

    async def between(request: httpx.Request, carry: Carry) -> httpx.Response:
        return httpx.Response(200, json=answer) if _fits(request, line) else await carry(request)

    return between


def both(first: Between, second: Between) -> Between:
    """Two ways at once."""

    async def between(request: httpx.Request, carry: Carry) -> httpx.Response:
        return await first(request, lambda changed: second(changed, carry))

    return between


def without(*keys: str) -> Change:
    """The same without these keys, at every depth."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            return {key: strip(item) for key, item in members.items() if key not in keys}
        return [strip(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value

    return strip


def _fits(request: httpx.Request, line: str) -> bool:
    return re.fullmatch(line, f"{request.method} {request.url.path}") is not None
