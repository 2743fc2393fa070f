"""Where the browser comes back to after a login: one request on this machine, answered with one page."""

import hmac
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from ..products_api.credentials import Token

PATH = "/callback"
_LONGEST_CODE = 4096


class CallbackError(Exception):
    """The address that the browser came back with gives no login; the text says why, and quotes nothing of it."""


@dataclass
class Callback:
    """What came back. `address` is where the browser is sent to."""

    address: str
    state: str
    code: Token | None = None
    problem: str | None = None
    server: "HTTPServer | None" = None

    def wait(self, seconds: float) -> None:
        """Wait until the browser has come back, for so long at most."""
        if self.server is None:
            return
        thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        thread.join(seconds)
        self.server.shutdown()

    def take(self, address: str) -> Token:
        """The code in an address that the browser came back with.

        Raises:
            CallbackError: the address is of another login, or says no.
        """
        query = parse_qs(urlsplit(address).query)

        def one(name: str) -> str:
            values = query.get(name, [""])
            return values[0] if len(values) == 1 else ""

        if not hmac.compare_digest(one("state").encode(), self.state.encode()):
            raise CallbackError("The browser came back from another login than the one that was begun here.")
        if "error" in query:
            raise CallbackError("The platform says that the app was not let in.")
        code = Token(one("code"))
        if code.fault or len(one("code")) > _LONGEST_CODE:
            raise CallbackError("The browser came back without a code.")
        return code


@contextmanager
def listening(port: int, state: str) -> Generator[Callback]:
    """Listen on this machine for the browser that comes back.

    Raises:
        OSError: the port is taken.
    """
    found = Callback(address="", state=state)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Take the code, answer with a page, and end the waiting."""
            if urlsplit(self.path).path != PATH:
                self._page(404, "There is nothing here.")
                return
            try:
                found.code = found.take(self.path)
            except CallbackError as error:
                self._page(400, f"{error} Nothing was kept.")
                found.problem = str(error)
            else:
                found.problem = None
                self._page(200, "You can close this page and go back to the terminal.")
                Thread(target=server.shutdown, daemon=True).start()

        def _page(self, status: int, text: str) -> None:
            page = (
                f"<!DOCTYPE html><meta charset=utf-8><title>hoopai-products-mcp</title><p>{text}</p>".encode()
            )
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the address holds the code."""

    server = HTTPServer(("127.0.0.1", port), Handler)
    found.server = server
    found.address = f"http://127.0.0.1:{server.server_port}{PATH}"
    try:
        yield found
    finally:
        server.server_close()
