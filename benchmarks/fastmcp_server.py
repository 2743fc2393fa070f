"""What one line makes of the official description of the API: `FastMCP.from_openapi`.

FastMCP is in the environment of the benchmarks alone, and its library for HTTP with it.
"""

import json
from pathlib import Path
from typing import Any

import httpx2
from fastmcp import FastMCP  # pyright: ignore[reportMissingImports, reportUnknownVariableType] - see above


def build_server(base_url: str, token: str, description: Path) -> Any:
    """A server with a tool for each operation of the description, on the API at `base_url`."""
    specification = json.loads(description.read_text(encoding="utf-8"))
    client = httpx2.AsyncClient(base_url=base_url, headers={"Authorization": f"Bearer {token}"})
    return FastMCP.from_openapi(specification, client=client)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


if __name__ == "__main__":
    import sys

    server = build_server(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    if len(sys.argv) > 4:
        server.run("http", port=int(sys.argv[4]), show_banner=False, log_level="warning")
    else:
        server.run(show_banner=False)
