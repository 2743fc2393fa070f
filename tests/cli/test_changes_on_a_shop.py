"""Commands that work on the shop itself: a change taken back at a terminal, and one settled that was left open."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from at_a_terminal import piped, terminal
from kept_things import RAISE, journal
from listeners import Ears
from test_approving_at_a_terminal import call, conversation, first_product, shop

from hoopai_products_mcp.guard.journal import Outcome
from hoopai_products_mcp.guard.plan import Effect, Plan
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, ONLINE_STORE_ID, TOKEN
from hoopai_products_mcp.server.changes_command import CONFLICTS, OUTCOMES
from hoopai_products_mcp.server.terminal import flat
from hoopai_products_mcp.tools.changes import OnConflict, Outcomes

pytestmark = pytest.mark.anyio


async def test_a_change_is_taken_back_at_a_terminal_by_the_way_of_every_change(tmp_path: Path) -> None:
    with shop() as variables:
        mine = {**variables, "HOOPAI_DATA_DIR": str(tmp_path)}
        async with conversation(mine) as client:
            product = await first_product(client)
            changed = await call(
                client, "update_product", product_id=product["id"], name="Renamed by mistake"
            )
            change_id: str = changed["change"]["id"]

            for key, said in (
                ("no\n", "Not confirmed: the answer was no."),
                ("\n", "Not confirmed: the question was closed without an answer."),
                ("\x04", "Not confirmed: the question was closed without an answer."),
            ):
                code, shown = await undo(change_id, key, mine)
                # What a model is told beside that, to ask a person, is left out.
                assert (code, flat(shown.partition("\n> ")[2]).endswith(f"{said} Nothing was changed.")) == (
                    1,
                    True,
                )
            assert (await call(client, "get_product", product_id=product["id"]))[
                "name"
            ] == "Renamed by mistake"
            code, shown = await undo(change_id, "yes\n", mine)
            assert code == 0
            told = re.fullmatch(
                f"""  Undo: set 1 field of “{product["name"]}” back
  • “{product["name"]}”, name: “Renamed by mistake” → “{product["name"]}”

To go ahead, type: yes
> yes
Undone.
  restored  1
  change    (chg_[a-z2-7]+)
""",
                shown,
            )
            assert told, shown
            assert (await call(client, "get_product", product_id=product["id"]))["name"] == product["name"]
            code, shown = await undo(change_id, "", mine)
            assert (code, flat(shown)) == (
                1,
                "hoopai-products-mcp: It cannot be undone. It was undone by "
                + f"{told[1]}. Nothing was changed.",
            )
        _, shown, _ = await asyncio.to_thread(lambda: piped("changes", "show", change_id, **mine))
        assert f"  undone by  {told[1]}\n" in shown


async def test_who_is_subscribed_hears_of_what_is_taken_back_at_a_terminal(tmp_path: Path) -> None:
    with shop() as variables, Ears("2026-07-28") as ears:
        mine = {**variables, "HOOPAI_DATA_DIR": str(tmp_path)}
        async with conversation(mine) as client:
            product = await first_product(client)
            changed = await call(client, "update_product", product_id=product["id"], name="By mistake")
            async with ears.subscribed(client, f"hoopai://products/{product['id']}"):
                code, _ = await undo(changed["change"]["id"], "yes\n", mine)
                assert code == 0
                await ears.heard(f"hoopai://products/{product['id']}")


async def undo(change_id: str, typed: str, variables: Mapping[str, str], *options: str) -> tuple[int, str]:
    """Undo at a terminal, typing so at the question where there is one."""

    def run() -> tuple[int, str]:
        with terminal("changes", "undo", change_id, *options, variables=variables) as screen:
            if typed:
                screen.until("\n> ")
                screen.type(typed)
            return screen.end()

    return await asyncio.to_thread(run)


async def test_ctrl_c_at_the_question_takes_nothing_back(tmp_path: Path) -> None:
    with shop() as variables:
        mine = {**variables, "HOOPAI_DATA_DIR": str(tmp_path)}
        async with conversation(mine) as client:
            product = await first_product(client)
            changed = await call(client, "update_product", product_id=product["id"], name="Kept")

            def interrupted() -> tuple[int, str]:
                with terminal("changes", "undo", changed["change"]["id"], variables=mine) as screen:
                    screen.until("\n> ")
                    return screen.interrupt()

            code, shown = await asyncio.to_thread(interrupted)
            said = "hoopai-products-mcp: Not confirmed: the question was closed without an answer. Nothing was changed."
            assert (code, flat(shown).endswith(said), "Traceback" in shown) == (1, True, False)
            assert (await call(client, "get_product", product_id=product["id"]))["name"] == "Kept"


async def test_what_somebody_changed_since_is_put_to_the_person_at_the_terminal(tmp_path: Path) -> None:
    with shop() as variables:
        mine = {**variables, "HOOPAI_DATA_DIR": str(tmp_path)}
        async with conversation(mine) as client:
            product = await first_product(client)
            changed = await call(client, "update_product", product_id=product["id"], name="One")
            await call(client, "update_product", product_id=product["id"], name="Two")
            change_id: str = changed["change"]["id"]
            code, shown = await undo(change_id, "", mine)
            assert (code, flat(shown)) == (
                1,
                f"hoopai-products-mcp: Somebody changed this since: “{product['name']}”, name: the change made it "
                "“One”, it is “Two” now. Nothing was changed. Try again with --on-conflict skip, which leaves these "
                "as they are, or overwrite, which sets them back nonetheless.",
            )
            code, shown = await undo(change_id, "yes\n", mine, "--on-conflict=overwrite")
            assert (code, "\nUndone.\n" in shown) == (0, True)
            assert (await call(client, "get_product", product_id=product["id"]))["name"] == product["name"]


async def test_a_change_that_was_broken_off_is_settled_by_what_the_shop_shows(tmp_path: Path) -> None:
    with shop() as variables:
        mine = {**variables, "HOOPAI_DATA_DIR": str(tmp_path)}
        async with conversation(mine) as client:
            product = await first_product(client)
        rename = Plan(
            action="Rename a product.",
            effects=(
                Effect(kind="product", id=product["id"], field="name", before=product["name"], after="New"),
            ),
        )
        here = variables["HOOPAI_BASE_URL"]
        change_id = journal(tmp_path, rename, location=LOCATION_ID, base_url=here)
        journal(tmp_path, rename, location=LOCATION_ID, base_url="https://elsewhere.example.com")
        journal(tmp_path, rename, location="loc2")
        code, stdout, stderr = await asyncio.to_thread(lambda: piped("changes", "reconcile", **mine))
        assert (code, stderr) == (0, "")
        assert f"  {change_id} " in stdout
        assert "outcome  not done, found out later\n" in stdout
        assert stdout.endswith("1 of 1 settled.\n")
        again = await asyncio.to_thread(lambda: piped("changes", "reconcile", **mine))
        assert again == (0, "Of every change it is known what became of it.\n", "")


async def test_what_stays_unknown_is_listed_with_why_and_is_a_failure(tmp_path: Path) -> None:
    with shop() as variables:
        mine = {**variables, "HOOPAI_DATA_DIR": str(tmp_path)}
        order = Plan(
            action="Set the display order of 1 product.",
            effects=(
                Effect(
                    kind="order",
                    id="l1",
                    within=ONLINE_STORE_ID,
                    field="priority",
                    before=None,
                    after=2,
                    name="Lamp",
                ),
            ),
        )
        here = variables["HOOPAI_BASE_URL"]
        change_id = journal(tmp_path, order, location=LOCATION_ID, base_url=here)
        code, stdout, stderr = await asyncio.to_thread(lambda: piped("changes", "reconcile", **mine))
        assert (code, stderr) == (1, "")
        assert (
            re.sub(r"   \d{4}-\d\d-\d\d \d\d:\d\d UTC\n", "\n", stdout)
            == f"""  {change_id}
  what     Set the display order of 1 product.
  outcome  not known
  why      “Lamp”, place in the display order of the store sbxStoreOnline000001
           cannot be read: the API does not tell the display order of a store

0 of 1 settled.
"""
        )


async def test_an_embedded_shop_with_a_folder_is_the_same_to_every_process(tmp_path: Path) -> None:
    mine = {"HOOPAI_SANDBOX": "true", "HOOPAI_DATA_DIR": str(tmp_path)}
    async with conversation(mine) as client:
        product = await first_product(client)
        changed = await call(client, "update_product", product_id=product["id"], name="Renamed by mistake")
    async with conversation(mine) as client:
        renamed = await call(client, "get_product", product_id=product["id"])
        assert renamed["name"] == "Renamed by mistake"
        code, shown = await undo(changed["change"]["id"], "yes\n", mine)
        assert (code, "Undone." in shown) == (0, True)
        back = await call(client, "get_product", product_id=product["id"])
        assert back["name"] == product["name"]


NO_SHOP = {
    "HOOPAI_ACCESS_TOKEN": TOKEN,
    "HOOPAI_LOCATION_ID": LOCATION_ID,
    "HOOPAI_BASE_URL": "http://127.0.0.1:9",
}
"""Settings of a shop that is not asked for anything."""


def test_undoing_without_a_shop_or_read_only_or_of_nothing_says_so(tmp_path: Path) -> None:
    change_id = journal(tmp_path, RAISE, outcome=Outcome(outcome="done"))
    for wanted, variables, said in (
        (change_id, {}, "there is no shop to work on."),
        (change_id, {**NO_SHOP, "HOOPAI_READ_ONLY": "true"}, "set to read only"),
        ("chg_nosuchchange", {"HOOPAI_SANDBOX": "true"}, "no change has that id. Nothing was changed."),
    ):
        mine = {**variables, "HOOPAI_DATA_DIR": str(tmp_path)}
        with terminal("changes", "undo", wanted, variables=mine) as screen:
            code, shown = screen.end()
        assert (code in {1, 2}, said in shown, "Traceback" in shown) == (True, True, False)


def test_its_words_are_those_of_the_tools() -> None:
    assert get_args(get_args(OnConflict)[0]) == CONFLICTS
    assert get_args(Outcomes) == OUTCOMES
