"""Commands that work on the shop itself: a change taken back at a terminal, and one settled that was left open."""

import asyncio
from pathlib import Path
from typing import get_args

import pytest
from at_a_terminal import piped, terminal
from kept_things import RAISE, journal
from test_human_approval import call, conversation, first_product, shop

from hoopai_products_mcp.guard.journal import Outcome
from hoopai_products_mcp.guard.plan import Effect, Plan
from hoopai_products_mcp.sandbox.identity import LOCATION_ID
from hoopai_products_mcp.server.changes_command import CONFLICTS, OUTCOMES
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

            def undo(typed: str) -> tuple[int, str]:
                with terminal("changes", "undo", change_id, variables=mine) as screen:
                    screen.until("\n> ")
                    screen.type(typed)
                    return screen.end()

            code, shown = await asyncio.to_thread(undo, "no\n")
            assert (code, "Nothing was changed." in shown) == (1, True)
            assert (await call(client, "get_product", product_id=product["id"]))[
                "name"
            ] == "Renamed by mistake"
            code, shown = await asyncio.to_thread(undo, "yes\n")
            assert (code, "Undone." in shown) == (0, True)
            assert (await call(client, "get_product", product_id=product["id"]))["name"] == product["name"]
        _, shown, _ = await asyncio.to_thread(lambda: piped("changes", "show", change_id, **mine))
        assert "undone by" in shown


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
        change_id = journal(tmp_path, rename, location=LOCATION_ID)
        journal(tmp_path, rename, location="loc2")
        code, stdout, stderr = await asyncio.to_thread(lambda: piped("changes", "reconcile", **mine))
        assert (code, stderr) == (0, "")
        assert f"  {change_id} " in stdout
        assert "outcome  not done, found out later\n" in stdout
        assert stdout.endswith("1 of 1 settled.\n")
        again = await asyncio.to_thread(lambda: piped("changes", "reconcile", **mine))
        assert again == (0, "Of every change it is known what became of it.\n", "")


def test_undoing_without_a_shop_or_read_only_or_of_nothing_says_so(tmp_path: Path) -> None:
    change_id = journal(tmp_path, RAISE, outcome=Outcome(outcome="done"))
    for wanted, variables, said in (
        (change_id, {}, "there is no shop to work on."),
        (change_id, {"HOOPAI_SANDBOX": "true", "HOOPAI_READ_ONLY": "true"}, "set to read only"),
        ("chg_nosuchchange", {"HOOPAI_SANDBOX": "true"}, "no change has that id. Nothing was changed."),
    ):
        mine = {**variables, "HOOPAI_DATA_DIR": str(tmp_path)}
        with terminal("changes", "undo", wanted, variables=mine) as screen:
            code, shown = screen.end()
        assert (code in {1, 2}, said in shown, "Traceback" in shown) == (True, True, False)


def test_its_words_are_those_of_the_tools() -> None:
    assert get_args(get_args(OnConflict)[0]) == CONFLICTS
    assert get_args(Outcomes) == OUTCOMES
