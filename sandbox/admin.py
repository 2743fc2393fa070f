"""`/_sandbox`: faults, log and state over HTTP, for demos and for tests in another process.

These routes are no part of the API and not in the contract. They ask for the shop's token, so that a web page
open in the same browser cannot reset a shop that listens on this machine.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .engine import JSON, Sandbox
from .exact_json import JsonObject, NotJsonError, decode, encode

Endpoint = Callable[[Request], Awaitable[Response]]


def admin_routes(sandbox: Sandbox) -> list[Route]:
    """The routes below `/_sandbox` for one sandbox."""

    def guarded(answer: Callable[[Any], Any], *, needs_body: bool = False) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {sandbox.token}":
                return _json(401, {"message": "Send the sandbox's token as a Bearer token"})
            try:
                content = decode(await request.body()) if needs_body else None
                return _json(200, answer(content))
            except (NotJsonError, TypeError, ValueError) as error:
                return _json(422, {"message": str(error)})

        return endpoint

    def faults(_: Any = None) -> list[JsonObject]:
        return [asdict(fault) for fault in sandbox.faults.pending()]

    def add_fault(content: JsonObject) -> JsonObject:
        # Numbers come as decimals, and a clock counts in floats.
        if "seconds" in content:
            content["seconds"] = float(content["seconds"])
        return asdict(sandbox.faults.add(**content))

    def clear_faults(_: Any) -> None:
        sandbox.faults.clear()

    def requests(_: Any) -> list[JsonObject]:
        return [asdict(received) for received in sandbox.requests]

    def clear_requests(_: Any) -> None:
        sandbox.requests.clear()

    def state(_: Any) -> JsonObject:
        return sandbox.dump()

    def violations(_: Any) -> list[str]:
        return sandbox.violations

    def reset(_: Any) -> None:
        sandbox.reset()

    def age_tokens(content: JsonObject) -> None:
        sandbox.tokens.age(float(content["seconds"]))

    def revoke_tokens(_: Any) -> None:
        sandbox.tokens.revoke()

    return [
        Route("/tokens/age", guarded(age_tokens, needs_body=True), methods=["POST"]),
        Route("/tokens", guarded(revoke_tokens), methods=["DELETE"]),
        Route("/faults", guarded(faults), methods=["GET"]),
        Route("/faults", guarded(add_fault, needs_body=True), methods=["POST"]),
        Route("/faults", guarded(clear_faults), methods=["DELETE"]),
        Route("/requests", guarded(requests), methods=["GET"]),
        Route("/requests", guarded(clear_requests), methods=["DELETE"]),
        Route("/state", guarded(state), methods=["GET"]),
        Route("/violations", guarded(violations), methods=["GET"]),
        Route("/reset", guarded(reset), methods=["POST"]),
    ]


def _json(status: int, content: Any) -> Response:
    return Response(encode(content), status, {"content-type": JSON})
