"""An authorization server as far as a resource server sees one: its metadata, its keys, and the tokens it signs."""

import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm


@dataclass
class Issuer:
    """An issuer that is running. What it publishes may be changed while it does."""

    url: str
    keys: dict[str, Any]
    asked: list[str] = field(default_factory=list[str])
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    up: bool = True

    def token(
        self,
        audience: Any,
        scope: str = "products:read products:write products:destructive",
        *,
        kid: str = "rsa",
        signed_with: Any = None,
        algorithm: str | None = None,
        leave_out: str = "",
        **claims: Any,
    ) -> str:
        """A token, with these claims in place of the usual ones."""
        now = int(time.time())
        whole: dict[str, Any] = {
            "iss": self.url,
            "aud": audience,
            "sub": "ann@example.com",
            "client_id": "assistant",
            "iat": now,
            "exp": now + 300,
            "scope": scope,
            **claims,
        }
        whole.pop(leave_out, None)
        key = signed_with or self.keys[kid]
        usual = "ES256" if kid == "ec" else "RS256"
        return jwt.encode(whole, key, algorithm=algorithm or usual, headers={"kid": kid})

    def jwks(self) -> dict[str, Any]:
        """Its public keys."""
        public: list[dict[str, Any]] = []
        for kid, key in self.keys.items():
            kind = ECAlgorithm if kid == "ec" else RSAAlgorithm
            public.append({**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "use": "sig"})
        return {"keys": public}


def rsa_key() -> rsa.RSAPrivateKey:
    """A key of its own."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


RSA = rsa_key()
EC = ec.generate_private_key(ec.SECP256R1())


@contextmanager
def issuing(path: str = "") -> Generator[Issuer]:
    """A running issuer, whose address ends with `path`."""

    class Handler(BaseHTTPRequestHandler):
        """Answers what is published."""

        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            published: dict[str, Any] = {
                "/keys": issuer.jwks(),
                f"/.well-known/oauth-authorization-server{path.rstrip('/')}": issuer.metadata,
            }
            found = published.get(self.path) if issuer.up else None
            self.send_response(200 if found else 503)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    root = f"http://127.0.0.1:{server.server_port}"
    issuer = Issuer(f"{root}{path}", {"rsa": RSA, "ec": EC})
    issuer.metadata = {"issuer": issuer.url, "jwks_uri": f"{root}/keys"}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
