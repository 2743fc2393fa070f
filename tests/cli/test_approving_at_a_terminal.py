"""The whole way of a change that waits for a person: asked in a conversation, approved outside it, done once."""

import asyncio
import re
import subprocess
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from at_a_terminal import COMMAND, environment, piped, terminal
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult, TextContent
from test_approval_page import send, served, words

from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN

pytestmark = pytest.mark.anyio


@contextmanager
def shop() -> Generator[dict[str, str]]:
    """The invented shop as an API of its own, and the variables with which a server works on it."""
    with subprocess.Popen(
        [*COMMAND, "sandbox", "--port=0", "--rate-limit=0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    ) as process:
        try:
            assert process.stdout
            address = next(
                found for line in process.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
            )
            yield {
                "HOOPAI_BASE_URL": address[0],
                "HOOPAI_ACCESS_TOKEN": TOKEN,
                "HOOPAI_LOCATION_ID": LOCATION_ID,
            }
        finally:
            process.kill()


@asynccontextmanager
async def conversation(variables: Mapping[str, str]) -> AsyncGenerator[Client]:
    """A client that cannot ask anybody, on a server of its own."""
    server = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], "--confirmation=human"], env=environment(**variables)
    )
    async with Client(server) as client:
        yield client


async def call(client: Client, name: str, /, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(name, arguments)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, "\n".join(
        item.text for item in result.content if isinstance(item, TextContent)
    )
    assert result.structured_content is not None
    return result.structured_content


async def first_product(client: Client) -> dict[str, Any]:
    return (await call(client, "list_products", limit=1))["items"][0]


async def total(client: Client) -> int:
    return (await call(client, "list_products", limit=1))["total"]


def approve(plan_id: str, typed: str, variables: Mapping[str, str]) -> tuple[int, str]:
    with terminal("approvals", "approve", plan_id, variables=variables) as screen:
        screen.until("\n> ")
        screen.type(f"{typed}\n")
        return screen.end()


async def test_a_deletion_waits_until_a_person_approves_it_at_a_terminal_and_runs_once(
    tmp_path: Path,
) -> None:
    with shop() as variables:
        mine = {**variables, "HOOPAI_DATA_DIR": str(tmp_path)}
        async with conversation(mine) as client:
            product = await first_product(client)
            before = await total(client)
            waiting = await call(client, "delete_product", product_id=product["id"])
            assert waiting["status"] == "waiting_for_approval"
            plan_id = waiting["plan"]["id"]
            assert f"approvals approve {plan_id}" in waiting["next_step"]
            again = await call(client, "delete_product", product_id=product["id"])
            assert (again["status"], again["plan"]["id"]) == ("waiting_for_approval", plan_id)
            assert await total(client) == before

            code, shown = await asyncio.to_thread(approve, plan_id, product["name"], mine)
            assert (code, "Approved. Nothing was changed yet" in shown) == (0, True)
            assert await total(client) == before

            done = await call(client, "delete_product", product_id=product["id"])
            assert done["deleted"] is True
            assert await total(client) == before - 1

        _, listed, _ = await asyncio.to_thread(lambda: piped("changes", **mine))
        match = re.search("chg_[a-z2-7]{12}", listed)
        assert match
        _, shown, _ = await asyncio.to_thread(lambda: piped("changes", "show", match[0], **mine))
        assert "a person approved it outside the conversation: " in shown
        assert "outcome   done" in shown


async def test_a_rejected_change_is_not_done_and_the_assistant_is_told(tmp_path: Path) -> None:
    with shop() as variables:
        mine = {**variables, "HOOPAI_DATA_DIR": str(tmp_path)}
        async with conversation(mine) as client:
            product = await first_product(client)
            waiting = await call(client, "delete_product", product_id=product["id"])
            await asyncio.to_thread(lambda: piped("approvals", "reject", waiting["plan"]["id"], **mine))
            result = await client.call_tool("delete_product", {"product_id": product["id"]})
            assert isinstance(result, CallToolResult)
            assert result.is_error
            assert "a person rejected this change" in str(result.content)


async def test_over_http_the_result_names_the_page_and_a_person_approves_there(tmp_path: Path) -> None:
    with served(tmp_path, "--confirmation=human") as page:
        async with Client(f"{page.origin}/mcp") as client:
            product = await first_product(client)
            waiting = await call(client, "delete_product", product_id=product["id"])
            assert f"or on the page {page.origin}/approvals." in waiting["next_step"]
            assert "key=" not in str(waiting)

            def decide() -> httpx.Response:
                with page.person() as browser:
                    return send(browser, waiting["plan"]["id"], decision="approve", typed=product["name"])

            assert words(await asyncio.to_thread(decide)).startswith("Approved")
            assert (await call(client, "delete_product", product_id=product["id"]))["deleted"] is True
