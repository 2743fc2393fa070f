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
