"""What stands before the webhooks: the name they come to, how large and how slow they may be, and a line in the log.

Who sends them is shown by a signature, not by a key. There is no rate: one that counts what nobody has signed could be
used up by strangers, who would shut the platform out, and refusing them costs one look at a signature.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.requests import Request

from .call_rate import CallRate
from .http_gate import Gate, Refused, Seen, replay
from .webhooks import LARGEST_EVENT

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope

    from .under_way import UnderWay

CALLER = "webhooks"
"""Who sends events, in the log."""


class WebhookGate(Gate):
    """The receiver of events behind its checks."""

    def __init__(
        self, app: "ASGIApp", *, security: TransportSecuritySettings, under_way: "UnderWay", max_bytes: int
    ) -> None:
        super().__init__(
            app,
            identification=None,
            rate=CallRate(0),
            under_way=under_way,
            max_bytes=min(max_bytes, LARGEST_EVENT),
        )
        self._names = TransportSecurityMiddleware(security)

    async def _admitted(self, scope: "Scope", receive: "Receive", headers: Headers, seen: Seen) -> "Receive":
        seen.caller = CALLER
        self._refuse_if_ending()
        refusal = await self._names.validate_request(Request(scope))
        if refusal is not None and refusal.status_code == HTTPStatus.FORBIDDEN:
            raise Refused(HTTPStatus.FORBIDDEN, "Events do not come from web pages. Nothing was done.")
        if refusal is not None:
            raise Refused(
                HTTPStatus.MISDIRECTED_REQUEST,
                "The event came to a name that is not this server's. Nothing was done. Set HOOPAI_PUBLIC_URL, or list "
                "the name in HOOPAI_ALLOWED_HOSTS.",
            )
        body = await self._body(receive, headers)
        self._refuse_if_ending()
        return replay(body, receive)
