"""What the server says when it is used, for the documentation: the demonstration, and the ways without a question.

Ids, tokens and times differ from run to run, and are left out.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from mcp.client import Client
from mcp_types import CallToolResult

from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.settings import Settings

LAST_WORDS = "\nThat is all."
"""Where the demonstration ends and tells how to connect, which depends on the machine."""
PRODUCT = "Old stock lantern"

_VARYING = (
    (re.compile(r"\b(plan|chg)_[a-z2-7]{12}\b"), r"\1_…"),
    (re.compile(r"\bconfirm-[\w-]+"), "confirm-…"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "2026-11-26 09:30 UTC"),
)


def demonstration() -> Iterator[str]:
    """What `make demo` prints, without its last words on how to connect."""
    yield from _fenced(_demonstration())


def scene(sentence: str) -> Iterator[str]:
    """What it shows between a merchant's sentence and the next."""
    front, found, rest = _demonstration().partition(f"Merchant: {sentence}\n")
    if not found:
        raise ValueError(f"the demonstration has no scene {sentence!r} in {len(front)} characters")
    yield from _fenced(found + rest.partition("\n\nMerchant: ")[0])


def token() -> Iterator[str]:
    """What a client that cannot ask is answered when it wants to delete a product."""
    result = anyio.run(_deletion, Settings(sandbox=True))
    yield from _fenced(json.dumps(result.structured_content, indent=2, ensure_ascii=False), "json")


def waiting() -> Iterator[str]:
    """What waits for a person where no token does, as a terminal shows it."""
    with TemporaryDirectory() as folder:
        anyio.run(_deletion, Settings(sandbox=True, confirmation="human", data_dir=Path(folder)))
        yield from _fenced("$ hoopai-products-mcp approvals\n" + _said("approvals", HOOPAI_DATA_DIR=folder))


AGENCY = """\
[agencies.north]
client_id = "65f0a1b2c3d4e5f6-lk3a"
client_secret_file = "/etc/hoopai/north.secret"

[shops.lamps]
title = "Lumen Hall"
location_id = "ve9EPM428h8vShlRW1KT"
agency = "north"

[shops.vases]
title = "Urn & Ewer"
location_id = "Kq3TzVb81LmNx0RcYd72"
agency = "north"
confirmation = "human"

[shops.rugs]
location_id = "Hs5WuPf94JgAe6TiZo18"
access_token_file = "/etc/hoopai/rugs.token"
read_only = true
"""
"""A file of shops, as an agency might have it."""


def shops_file() -> Iterator[str]:
    """That file."""
    yield from _fenced(AGENCY.rstrip(), "toml")


def agency() -> Iterator[str]:
    """What an assistant is answered when it works on those shops."""
    yield from anyio.run(_agency)


async def _agency() -> list[str]:
    told: list[str] = []

    async def call(name: str, **arguments: Any) -> dict[str, Any]:
        found = await client.call_tool(name, arguments)
        assert isinstance(found, CallToolResult)
        said = found.structured_content or {
            "error": "".join(getattr(part, "text", "") for part in found.content)
        }
        given = ", ".join(f"{key}={json.dumps(value)}" for key, value in arguments.items())
        text = str(said["error"]) if found.is_error else json.dumps(said, indent=2, ensure_ascii=False)
        told.extend(
            ["", *_fenced(f"{name}({given})"), "", *_fenced(text, "text" if found.is_error else "json")]
        )
        return said

    with TemporaryDirectory() as folder:
        file = Path(folder) / "shops.toml"
        file.write_text(AGENCY)
        async with Client(build_server(Settings(sandbox=True, shops_file=file))) as client:
            await call("list_products", search=PRODUCT)
            found = await call("list_products", location="lamps", search=PRODUCT)
            product = found["items"][0]["id"]
            await call("delete_product", location="lamps", product_id=product)
            await call("delete_product", location="rugs", product_id=product)
    return told[1:]


async def _deletion(settings: Settings) -> CallToolResult:
    async with Client(build_server(settings)) as client:
        found = await client.call_tool("list_products", {"search": PRODUCT})
        content: dict[str, Any] = found.structured_content or {}
        return await client.call_tool("delete_product", {"product_id": content["items"][0]["id"]})


@cache
def _demonstration() -> str:
    return _said("demo").partition(LAST_WORDS)[0]


def _said(command: str, **variables: str) -> str:
    """What a command prints, whatever is set on this machine."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("HOOPAI_")}
    done = subprocess.run(
        [sys.executable, "-m", "hoopai_products_mcp.server.cli", command],
        check=True,
        capture_output=True,
        text=True,
        env={**inherited, "NO_COLOR": "1", "COLUMNS": "100", "TZ": "UTC", **variables},
    )
    return done.stdout


def _fenced(text: str, language: str = "text") -> Iterator[str]:
    for varying, shown in _VARYING:
        text = varying.sub(shown, text)
    yield f"```{language}"
    yield from text.rstrip().splitlines()
    yield "```"
