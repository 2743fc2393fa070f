"""The API behind all servers: fixed answers on a loopback socket, in a process of its own.

The answers are recorded from the sandbox once. What is measured is then the servers, not what it takes an
API to answer.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from hoopai_products_mcp.sandbox.app import create_app
from hoopai_products_mcp.sandbox.identity import API_VERSION, BASE_URL, LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.transport import SandboxTransport

LISTED = 100
_COPIED = ("name", "locationId", "productType", "description", "image", "availableInStore")


@dataclass(frozen=True)
class Upstream:
    """Where the answers are, and what to ask for."""

    base_url: str
    token: str
    location_id: str
    product_id: str
    price_id: str

    @property
    def price_path(self) -> str:
        """The path of the price that all servers are asked for."""
        return f"/products/{self.product_id}/price/{self.price_id}"

    @property
    def headers(self) -> dict[str, str]:
        """What the API asks every request for."""
        return {"Authorization": f"Bearer {self.token}", "Version": API_VERSION}


@contextmanager
def running_upstream() -> Generator[Upstream]:
    """Start the API and stop it again."""
    command = [sys.executable, str(Path(__file__))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Upstream(**json.loads(process.stdout.readline()))
        finally:
            process.terminate()


async def record() -> tuple[dict[str, bytes], dict[str, str]]:
    """The answers by path, and the ids that are in them. The listing has 100 products of the demo shop."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Version": API_VERSION}
    app = create_app(rate_limit=0)
    where = {"locationId": LOCATION_ID}
    page = {**where, "limit": LISTED, "offset": 0}
    async with httpx.AsyncClient(
        transport=SandboxTransport(app), base_url=BASE_URL, headers=headers
    ) as client:

        async def get(path: str, query: dict[str, Any]) -> bytes:
            response = await client.get(path, params=query)
            return response.raise_for_status().content

        shown = json.loads(await get("/products/", page))["products"]
        for product in shown[: LISTED - len(shown)]:
            # The demo shop is smaller: some of its products are there twice.
            copy = {key: product[key] for key in _COPIED if key in product}
            (await client.post("/products/", json=copy)).raise_for_status()
        listing = await get("/products/", page)
        assert len(json.loads(listing)["products"]) == LISTED
        stock = json.loads(
            await get(
                "/products/inventory", {"altId": LOCATION_ID, "altType": "location", "limit": 1, "offset": 0}
            )
        )["inventory"][0]
        ids = {"location_id": LOCATION_ID, "product_id": stock["product"], "price_id": stock["_id"]}
        price_path = f"/products/{stock['product']}/price/{stock['_id']}"
        answers = {"/products/": listing, price_path: await get(price_path, where)}
    return answers, {"token": TOKEN, "location_id": LOCATION_ID, **ids}


async def serve() -> None:
    """Serve the recorded answers and print, as one line of JSON, where they are."""
    answers, ids = await record()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        del receive
        body = answers[scope["path"]]
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    # asyncio switches the delay of small packets off only on sockets that say that they are TCP.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        print(json.dumps({"base_url": f"http://127.0.0.1:{port}", **ids}), flush=True)
        # It outlasts what the servers keep of connections, so that no call meets one that is just being closed.
        config = uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, ws="none", timeout_keep_alive=60
        )
        await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(serve())
