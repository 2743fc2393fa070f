"""The local approval page: a person reads what waits for them in a browser, and approves or rejects it.

A program that fetches pages of this machine must not be able to approve. So the page opens only with a key that is
printed where the server was started, good once, and exchanged for a cookie; a decision is a POST from the page itself,
with a token that only the page of that plan in that session holds, and with what the plan asks to be typed.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ..guard.plan import from_plain
from ..guard.question import same_words
from ..guard.store_errors import StoreError
from .page_html import SECURITY_POLICY, list_page, message_page, plan_page
from .plan_text import why_not_decided

if TYPE_CHECKING:
    from ..guard.ledger import PlanRecord
    from ..guard.store import OpenStore, Store

PATH = "/approvals"
DECIDED_BY = "the approval page"
SESSION_SECONDS = 12 * 3600.0
"""A day's work; then the page is opened with a new link."""
_LARGEST_FORM = 10_000
"""Bytes; a form of this page has some hundred."""
_MOST_FIELDS = 8
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not `no-referrer`: with that, browsers call the origin of a form `null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

Handler = Callable[[Request], Awaitable[Response]]


class RefusedError(Exception):
    """A request that is not answered with what it asked for; nothing was approved."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.title = title
        self.text = text


class ApprovalPage:
    """The page of one server process, for the plans of its shops.

    shops:
        how a person knows each shop, by location id; empty where there is one.
    hosts:
        the names that this server answers to, each with its port, such as `127.0.0.1:8000`.
    tell:
        says something to whoever started the server; never to the protocol.
    """

    def __init__(
        self,
        store: "Store",
        *,
        shops: Mapping[str, str],
        hosts: frozenset[str],
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._shops = shops
        self._hosts = hosts
        self._tell = tell
        self._clock = clock
        self._key = secrets.token_urlsafe(32)
        self._secret = secrets.token_bytes(32)
        self._sessions: dict[str, float] = {}
        # Cookies know no ports: two servers on one machine must not overwrite each other's.
        self._cookie = f"approvals-{hashlib.sha256(''.join(sorted(hosts)).encode()).hexdigest()[:12]}"

    def link(self, address: str) -> str:
        """The address of the page with the key that opens it once."""
        return f"{address}?key={self._key}"

    def routes(self) -> list[Route]:
        """What to serve."""
        return [
            Route(PATH, self._guarded(self._list), methods=["GET"]),
            Route(f"{PATH}/{{plan_id}}", self._guarded(self._plan), methods=["GET"]),
            Route(f"{PATH}/{{plan_id}}", self._guarded(self._decide), methods=["POST"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        """The handler behind the checks that every request has to pass, with its refusals as pages."""

        async def answer(request: Request) -> Response:
            try:
                self._check_origin(request)
                response = await handler(request)
            except RefusedError as refusal:
                response = HTMLResponse(message_page(refusal.title, refusal.text), refusal.status)
            except StoreError as error:
                response = HTMLResponse(message_page("The store does not work", str(error)), 503)
            response.headers.update(_HEADERS)
            return response

        return answer

    def _check_origin(self, request: Request) -> None:
        """Refuse what a page of another place may have sent, or a name that was made to point here."""
        if (
            request.headers.getlist("host") != [host := request.headers.get("host", "")]
            or host not in self._hosts
        ):
            raise RefusedError(421, "Wrong address", "This page is only at the address the server printed.")
        origin = request.headers.get("origin")
        if origin is None and request.method != "POST":
            return
        if (
            origin != f"http://{host}"
            or request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
        ):
            raise RefusedError(
                403, "Not from this page", "The request did not come from this page. Nothing was approved."
            )

    async def _list(self, request: Request) -> Response:
        if (key := request.query_params.get("key")) is not None and request.method == "GET":
            return self._open(request, key)
        self._session(request)
        waiting = await self._store.use(lambda store: store.ledger.waiting())
        mine = [
            (record, self._shops[record.location]) for record in waiting if record.location in self._shops
        ]
        return HTMLResponse(list_page(mine))

    def _open(self, request: Request, key: str) -> Response:
        """Exchange the key for a session."""
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            raise RefusedError(
                403,
                "This link does not open the page",
                "It was used before, or is another server's. The newest link is where the server was started: "
                "a new one is printed there each time one is used.",
            )
        self._key = secrets.token_urlsafe(32)
        self._tell(
            "The approval page was opened. To open it in another browser: "
            + self.link(f"http://{request.headers['host']}{PATH}")
        )
        session = secrets.token_urlsafe(32)
        self._sessions = {old: since for old, since in self._sessions.items() if self._is_fresh(since)}
        self._sessions[session] = self._clock()
        response = RedirectResponse(PATH, 303)
        response.set_cookie(self._cookie, session, path=PATH, httponly=True, samesite="strict")
        return response

    def _is_fresh(self, since: float) -> bool:
        return self._clock() - since < SESSION_SECONDS

    def _session(self, request: Request) -> str:
        session = request.cookies.get(self._cookie, "")
        since = self._sessions.get(session)
        if since is None or not self._is_fresh(since):
            raise RefusedError(
                403,
                "This page is closed",
                "Open it with the link that was printed where the server was started. If you opened it in this "
                "browser before, go on from here with the link below. Nothing was approved.",
            )
        return session

    def _token(self, session: str, plan_id: str) -> str:
        """What the form of one plan in one session carries."""
        return hmac.new(self._secret, f"{session} {plan_id}".encode(), hashlib.sha256).hexdigest()

    async def _plan(self, request: Request) -> Response:
        session = self._session(request)
        record = await self._record(request)
        return self._page(record, session)

    def _page(self, record: "PlanRecord", session: str, problem: str = "", status: int = 200) -> Response:
        token = self._token(session, record.id)
        return HTMLResponse(
            plan_page(record, token, now=self._clock(), problem=problem, shop=self._shops[record.location]),
            status,
        )

    async def _record(self, request: Request) -> "PlanRecord":
        plan_id: str = request.path_params["plan_id"]
        record = await self._store.use(lambda store: store.ledger.find(plan_id))
        if record is None or record.location not in self._shops:
            raise RefusedError(
                404, "No such change", f"{why_not_decided(None, self._clock())} Nothing was approved."
            )
        return record

    async def _decide(self, request: Request) -> Response:
        session = self._session(request)
        form = await _form(request)
        plan_id: str = request.path_params["plan_id"]
        token = form.get("token", "")
        if not hmac.compare_digest(token.encode(), self._token(session, plan_id).encode()):
            raise RefusedError(
                403,
                "Not from this page",
                "The form is not one of this page, or is too old. Nothing was approved.",
            )
        record = await self._record(request)
        if reason := why_not_decided(record, self._clock()):
            raise RefusedError(409, "Too late", f"{reason} Nothing was changed by this.")
        decision = form.get("decision")
        if decision not in {"approve", "reject"}:
            raise RefusedError(
                400, "No decision", "The form says neither approve nor reject. Nothing was approved."
            )
        if decision == "approve" and (problem := _objection(record, form)):
            return self._page(record, session, problem, 400)
        return await self._written(record, approve=decision == "approve")

    async def _written(self, record: "PlanRecord", *, approve: bool) -> Response:
        def decide(store: "OpenStore") -> "tuple[bool, PlanRecord | None]":
            done = store.ledger.decide(record.id, approve=approve, by=DECIDED_BY)
            return done, store.ledger.find(record.id)

        done, now = await self._store.use(decide)
        if not done:
            raise RefusedError(
                409, "Too late", f"{why_not_decided(now, self._clock())} Nothing was changed by this."
            )
        if approve:
            text = (
                "Nothing was changed yet: the assistant makes the same call again, and then it is done, if the shop is "
                "still the same by then. The approval is good once."
            )
            return HTMLResponse(message_page("Approved", text))
        text = "The assistant is told so when it makes the same call again. Nothing was changed."
        return HTMLResponse(message_page("Rejected", text))


def _objection(record: "PlanRecord", form: dict[str, str]) -> str | None:
    """Why what was filled in is no approval; None where it is."""
    typed = from_plain(record.plan).typed
    if typed is None:
        return None if form.get("confirm") == "yes" else "The box was not ticked. Nothing was approved."
    if same_words(form.get("typed", ""), typed):
        return None
    return "What was typed is not what was asked for. Nothing was approved."


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, each at most once.

    Raises:
        RefusedError: it is too large, or no form.
    """
    unreadable = RefusedError(400, "Not readable", "The form cannot be read. Nothing was approved.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise unreadable
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise unreadable
    try:
        fields = parse_qs(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise unreadable from None
    if any(len(values) != 1 for values in fields.values()):
        raise unreadable
    return {name: values[0] for name, values in fields.items()}
