"""Assistants that each have a server process of their own, on one data folder: what one changes, the others hear of."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
import shelves
from listeners import Ears
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import PromptReference
from shop_processes import COMMAND, Shop, shop_on_a_socket
from shop_session import ERAS, Era, yes

from hoopai_products_mcp.guard.journal import Intent, Outcome
from hoopai_products_mcp.sandbox.identity import LOCATION_ID

pytestmark = pytest.mark.anyio

CATALOG = "hoopai://catalog"
STORE = "guard.sqlite"


@dataclass
class Listener:
    """A client with a server process of its own, and what it is told."""

    client: Client
    ears: Ears

    def subscribed(self, *uris: str) -> AbstractAsyncContextManager[None]:
        return self.ears.subscribed(self.client, *uris)

    async def heard(self, *uris: str) -> None:
        await self.ears.heard(*uris)


@asynccontextmanager
async def listener(shop: Shop, era: Era, *, log: Path | None = None, **more: str) -> AsyncGenerator[Listener]:
    """Such a client; its process writes its log into that file."""
    command = StdioServerParameters(command=COMMAND, args=[], env=shop.environment(**more))
    with (log or shop.folder.with_suffix(".log")).open("w") as errors, Ears(era) as ears:
        transport = stdio_client(command, errlog=errors)
        async with Client(transport, mode=era, message_handler=ears.message) as client:
            yield Listener(client, ears)


@pytest.mark.parametrize("era", ERAS)
async def test_who_is_subscribed_hears_of_what_another_process_changes_and_undoes(
    era: Era, tmp_path: Path
) -> None:
    async with (
        shop_on_a_socket(tmp_path) as shop,
        listener(shop, era) as ann,
        shop.process(yes) as bob,
    ):
        lantern, other = shelves.product(bob, "Storm lantern"), shelves.product(bob, "Dusk tee")
        mine = f"hoopai://products/{lantern['_id']}"
        async with ann.subscribed(mine, CATALOG):
            await bob.call("update_product", product_id=other["_id"], description="Softer.")
            await ann.heard(CATALOG)
            await bob.call("update_product", product_id=lantern["_id"], description="Brighter.")
            await ann.heard(CATALOG, mine)
            await bob.call("undo_change", change_id=bob.changes[-1]["id"])
            await ann.heard(CATALOG, mine)
            made = await bob.call("create_product", name="Lamp", product_type="PHYSICAL")
            await ann.heard(CATALOG)
        async with ann.subscribed(f"hoopai://products/{made['id']}"):
            await bob.call("delete_product", product_id=made["id"])
            await ann.heard(f"hoopai://products/{made['id']}")


@pytest.mark.parametrize("era", ERAS)
async def test_what_a_process_changes_itself_is_told_once(era: Era, tmp_path: Path) -> None:
    async with shop_on_a_socket(tmp_path) as shop, listener(shop, era) as ann, shop.process() as bob:
        lantern = shelves.product(bob, "Storm lantern")["_id"]
        async with ann.subscribed(CATALOG):
            await ann.client.call_tool("update_product", {"product_id": lantern, "description": "Mine."})
            await ann.heard(CATALOG)
            # What comes before it in the journal is told before it, if at all.
            await bob.call("update_product", product_id=lantern, description="Another's.")
            await ann.heard(CATALOG)


async def test_a_lost_answer_of_another_process_is_told_of_and_a_refusal_of_the_api_is_not(
    tmp_path: Path,
) -> None:
    async with (
        shop_on_a_socket(tmp_path) as shop,
        listener(shop, "2026-07-28") as ann,
        shop.process() as bob,
    ):
        lantern = shelves.product(bob, "Storm lantern")["_id"]
        update = "PUT /products/{productId}"
        async with ann.subscribed(CATALOG):
            shop.sandbox.faults.add("scope_missing", update)
            await bob.refused("update_product", product_id=lantern, description="Refused.")
            shop.sandbox.faults.add("drop_after", update)
            await bob.call("update_product", product_id=lantern, description="Lost.")
            await ann.heard(CATALOG)


@pytest.mark.parametrize("era", ERAS)
async def test_the_store_is_not_opened_until_somebody_is_subscribed(era: Era, tmp_path: Path) -> None:
    async with shop_on_a_socket(tmp_path) as shop, listener(shop, era) as ann:
        await ann.client.call_tool("list_products", {"limit": 1})
        assert not (tmp_path / STORE).exists()
        async with ann.subscribed(CATALOG):
            assert (tmp_path / STORE).exists()


async def completed(client: Client) -> int:
    reference = PromptReference(type="ref/prompt", name="draft_product_description")
    found = await client.complete(reference, {"name": "product", "value": "Storm lantern"})
    return len(found.completion.values)


async def test_names_are_read_anew_after_a_change_of_another_process(tmp_path: Path) -> None:
    async with (
        shop_on_a_socket(tmp_path) as shop,
        listener(shop, "2026-07-28", HOOPAI_CACHE_SECONDS="600") as ann,
        shop.process() as bob,
    ):
        lantern = shelves.product(bob, "Storm lantern")["_id"]
        before = await completed(ann.client)
        async with ann.subscribed(CATALOG):
            await bob.call("update_product", product_id=lantern, name="Calm lamp")
            await ann.heard(CATALOG)
            assert await completed(ann.client) == before - 1


async def test_a_store_that_does_not_work_is_said_once_and_what_comes_after_it_is_told(
    tmp_path: Path,
) -> None:
    folder, log = tmp_path / "data", tmp_path / "log"
    folder.mkdir()
    (folder / STORE).write_text("no store at all " * 1000)
    async with (
        shop_on_a_socket(folder) as shop,
        listener(shop, "2026-07-28", log=log) as ann,
        ann.subscribed(CATALOG),
    ):
        (folder / STORE).unlink()
        async with shop.process() as bob:
            lantern = shelves.product(bob, "Storm lantern")["_id"]
            # It may have changed before there was anything to be read.
            await ann.heard(CATALOG)
            await bob.call("update_product", product_id=lantern, description="Told.")
            await ann.heard(CATALOG)
    assert log.read_text().count("until the store works again") == 1


@pytest.mark.parametrize("era", ERAS)
async def test_a_process_in_which_somebody_is_subscribed_ends_in_order(era: Era, tmp_path: Path) -> None:
    log = tmp_path.with_suffix(".log")
    async with shop_on_a_socket(tmp_path) as shop:
        with anyio.fail_after(20):
            async with listener(shop, era, log=log) as ann, ann.subscribed(CATALOG):
                assert list((tmp_path / "processes").glob("*.lock"))
    assert not list((tmp_path / "processes").glob("*.lock"))
    assert log.read_text() == ""


async def test_a_change_that_cannot_be_read_keeps_no_other_back(tmp_path: Path) -> None:
    log = tmp_path / "log"
    folder = tmp_path / "data"
    async with (
        shop_on_a_socket(folder) as shop,
        listener(shop, "2026-07-28", log=log) as ann,
        ann.subscribed(CATALOG),
        shop.process() as bob,
    ):
        journal = bob.store.open().journal
        odd = Intent(
            location=LOCATION_ID,
            base_url=shop.url,
            caller="local",
            client="",
            tool="a_tool_of_tomorrow",
            title="",
            operation="",
            arguments={},
            plan={"effects": [{"sort": "lamp"}]},
            fingerprint="",
            road="",
            destructive=False,
        )
        journal.end(journal.begin(odd), Outcome(outcome="done"))
        bob.store.close()
        lantern = shelves.product(bob, "Storm lantern")["_id"]
        await bob.call("update_product", product_id=lantern, description="Told.")
        await ann.heard(CATALOG)
    assert log.read_text().count("Subscribers could not be told of the change chg_") == 1
