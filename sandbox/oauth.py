"""The platform's OAuth 2.0 beside the shop: an address where a person lets an app in, and the token endpoints.

No part of the Products API's contract. Tokens age by the sandbox's clock; a refresh token is good once; the token
endpoint takes five requests a minute. Apps, codes and tokens are kept in memory.
"""

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from .exact_json import JsonObject, encode

CLIENT_ID: Final = "sandboxapp000000000000-demo0001"
CLIENT_SECRET: Final = "sandbox-client-secret-0000"  # noqa: S105 - invented, and public on purpose
COMPANY_ID: Final = "sbxCompany0000000001"
LIFETIME_SECONDS: Final = 86_399.0
CODE_SECONDS: Final = 600.0
MOST_A_MINUTE: Final = 5
_MINUTE: Final = 60.0

Now = Callable[[], float]


@dataclass(frozen=True)
class Issued:
    """A token, or a code, and what it stands for."""

    expires: float
    user_type: str
    scope: str
    redirect_uri: str = ""
    location_id: str | None = None


@dataclass
class Tokens:
    """What the platform has given out and still takes. `now` is seconds since 1970."""

    location_id: str
    now: Now
    codes: dict[str, Issued] = field(default_factory=dict[str, Issued])
    access: dict[str, Issued] = field(default_factory=dict[str, Issued])
    refresh: dict[str, Issued] = field(default_factory=dict[str, Issued])
    recent: deque[float] = field(default_factory=deque[float])
    refreshed: int = 0

    def holds(self, token: str) -> Issued | None:
        """What an access token of a location stands for, if it has not expired."""
        issued = self.access.get(token)
        if issued is None or issued.user_type != "Location" or issued.expires <= self.now():
            return None
        return issued

    def age(self, seconds: float) -> None:
        """Let every access token grow older at once."""
        self.access = {
            token: replace(issued, expires=issued.expires - seconds) for token, issued in self.access.items()
        }

    def revoke(self) -> None:
        """Take every token back, as when the app is uninstalled."""
        self.access.clear()
        self.refresh.clear()

    def has_room(self) -> bool:
        """Count one request for tokens, unless the minute's are used up."""
        now = self.now()
        while self.recent and self.recent[0] <= now - _MINUTE:
            self.recent.popleft()
        if len(self.recent) >= MOST_A_MINUTE:
            return False
        self.recent.append(now)
        return True

    def pair(self, issued: Issued, *, refreshable: bool = True) -> JsonObject:
        """A new access token, with a refresh token of its own where it has one, as the platform answers."""
        access, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.access[access] = replace(issued, expires=self.now() + LIFETIME_SECONDS)
        answer: JsonObject = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(LIFETIME_SECONDS),
            "scope": issued.scope,
            "userType": issued.user_type,
            "companyId": COMPANY_ID,
            "userId": "sbxUser0000000000001",
        }
        if issued.user_type == "Location":
            answer["locationId"] = issued.location_id
        if refreshable:
            self.refresh[refresh] = issued
            answer["refresh_token"] = refresh
        return answer


def oauth_routes(tokens: Tokens) -> list[Route]:
    """The routes of the platform for one sandbox."""

    async def choose(request: Request) -> Response:
        query = request.query_params
        address = query.get("redirect_uri", "")
        if (
            query.get("response_type") != "code"
            or query.get("client_id") != CLIENT_ID
            or not urlsplit(address).hostname
        ):
            return HTMLResponse("<h1>There is no such app</h1>", 400)
        given = urlencode({key: query[key] for key in ("redirect_uri", "scope", "state") if key in query})
        ways = {"Location": "Install in the sandbox shop", "Company": "Install for the agency"}
        links = "".join(
            f'<p><a href="/oauth/install?{escape(given)}&amp;user_type={kind}">{words}</a></p>'
            for kind, words in ways.items()
        )
        wanted = escape(query.get("scope", ""))
        return HTMLResponse(f"<!DOCTYPE html><title>Sandbox</title><p>An app asks for: {wanted}</p>{links}")

    async def install(request: Request) -> Response:
        query = request.query_params
        code = secrets.token_urlsafe(16)
        tokens.codes[code] = Issued(
            expires=tokens.now() + CODE_SECONDS,
            user_type=query.get("user_type", "Location"),
            scope=query.get("scope", ""),
            redirect_uri=query["redirect_uri"],
            location_id=tokens.location_id,
        )
        back = {"code": code, **({"state": query["state"]} if "state" in query else {})}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(back)}", 302)

    async def token(request: Request) -> Response:
        form = await _form(request)
        if not tokens.has_room():
            return _json(429, {"statusCode": 429, "message": "Too Many Requests"})
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return _refused("Invalid client credentials")
        match form.get("grant_type"):
            case "authorization_code":
                issued = tokens.codes.pop(form.get("code", ""), None)
                if (
                    issued is None
                    or issued.expires <= tokens.now()
                    or issued.redirect_uri != form.get("redirect_uri")
                ):
                    return _refused("Invalid grant: authorization code is invalid")
            case "refresh_token":
                issued = tokens.refresh.pop(form.get("refresh_token", ""), None)
                if issued is None:
                    return _refused("Invalid grant: refresh token is invalid")
                tokens.refreshed += 1
            case _:
                return _json(422, {"statusCode": 422, "message": ["grant_type must be a valid enum value"]})
        return _json(200, tokens.pair(issued))

    async def location_token(request: Request) -> Response:
        form = await _form(request)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        agency = tokens.access.get(bearer)
        if agency is None or agency.user_type != "Company" or agency.expires <= tokens.now():
            return _json(401, {"statusCode": 401, "message": "Invalid token: access token is invalid"})
        if (form.get("companyId"), form.get("locationId")) != (COMPANY_ID, tokens.location_id):
            return _json(400, {"statusCode": 400, "message": "Location not found"})
        of_location = replace(agency, user_type="Location", location_id=tokens.location_id)
        return _json(200, tokens.pair(of_location, refreshable=False))

    return [
        Route("/oauth/chooselocation", choose, methods=["GET"]),
        Route("/oauth/install", install, methods=["GET"]),
        Route("/oauth/token", token, methods=["POST"]),
        Route("/oauth/locationToken", location_token, methods=["POST"]),
    ]


async def _form(request: Request) -> dict[str, str]:
    fields = parse_qs((await request.body()).decode("latin-1"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _refused(message: str) -> Response:
    return _json(401, {"statusCode": 401, "message": message, "error": "Unauthorized"})


def _json(status: int, content: Any) -> Response:
    return Response(encode(content), status, {"content-type": "application/json; charset=utf-8"})
