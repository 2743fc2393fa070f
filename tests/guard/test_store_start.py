"""What the store costs at start: nothing, since most conversations only read."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, sys
from pathlib import Path
from mcp.client import Client
from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.settings import Settings

def loaded():
    print(*sorted({"alembic", "filelock", "sqlalchemy"} & set(sys.modules)))

async def main():
    settings = Settings.model_validate({"sandbox": True, "data_dir": sys.argv[1]})
    async with Client(build_server(settings)) as client:
        await client.list_tools()
        listed = await client.call_tool("list_products", {"limit": 1})
        loaded()
        change = {"product_id": listed.structured_content["items"][0]["id"], "name": "Lamp"}
        assert not (await client.call_tool("update_product", change)).is_error
        loaded()

asyncio.run(main())
"""


def loaded(folder: Path) -> list[str]:
    """Which of the store's libraries a server has loaded after a reading, and after a write."""
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_store_is_loaded_by_the_first_write_and_its_migrations_only_to_make_one(tmp_path: Path) -> None:
    assert loaded(tmp_path) == ["", "alembic filelock sqlalchemy"]
    assert loaded(tmp_path) == ["", "filelock sqlalchemy"]
