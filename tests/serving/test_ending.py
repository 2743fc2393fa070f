"""The end of a server: what is under way is finished, or the journal says what became of it."""

import asyncio
from pathlib import Path

import httpx
import pytest
from mcp.shared.exceptions import MCPError
from web_server import ERAS, Era, call, connected, first_product, journaled, post, result_of, served

pytestmark = pytest.mark.anyio

DELETION = "DELETE /products/{productId}"


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_under_way_is_finished_and_nothing_new_is_begun(era: Era, tmp_path: Path) -> None:
    async with served(confirmation="off", data_dir=tmp_path) as server:
        sandbox = server.sandbox
        async with connected(server.url, era=era) as client, httpx.AsyncClient() as http:
            product = await first_product(client)
            sandbox.faults.add("latency", DELETION, seconds=1.0)
            under_way = asyncio.create_task(call(client, "delete_product", product_id=product["id"]))
            while not server.writes():  # noqa: ASYNC110 - the sandbox tells nobody
                await asyncio.sleep(0)
            server.server.should_exit = True
            while not server.made.under_way.ending:  # noqa: ASYNC110 - nor does uvicorn
                await asyncio.sleep(0)
            assert (await http.get(f"{server.address}/readyz")).text == "ending"
            refused = await post(server.url)
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "2"
            assert refused.json()["error"]["message"] == (
                "This server is being stopped. Nothing was done; try again."
            )
            assert (await under_way)["deleted"] is True
    assert journaled(f"sqlite:///{tmp_path}/guard.sqlite") == [("local", "confirmation_off", "done")]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("applied", "outcomes"), [(True, {"done", "unknown"}), (False, {"not_done", "unknown"})]
)
async def test_what_is_cut_off_has_a_true_outcome_in_the_journal(
    era: Era, applied: bool, outcomes: set[str], tmp_path: Path
) -> None:
    async with served(confirmation="off", data_dir=tmp_path, http_stop_seconds=0) as server:
        sandbox = server.sandbox

        async def work() -> None:
            async with connected(server.url, era=era) as client:
                product = await first_product(client)
                sandbox.faults.add("latency", DELETION, seconds=20.0, applied=applied)
                await result_of(client, "delete_product", product_id=product["id"])

        under_way = asyncio.create_task(work())
        while not server.writes():  # noqa: ASYNC110 - the sandbox tells nobody
            await asyncio.sleep(0)
        server.server.should_exit = True
        with pytest.raises((MCPError, ExceptionGroup)):
            await under_way
    ((caller, road, outcome),) = journaled(f"sqlite:///{tmp_path}/guard.sqlite")
    assert (caller, road) == ("local", "confirmation_off")
    assert outcome in outcomes
