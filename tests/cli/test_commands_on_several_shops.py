"""Commands where a server has several shops: all of them, or the one that `--shop` names."""

import csv
import html
import io
import json
import re
from pathlib import Path

import pytest
from at_a_terminal import piped, terminal
from kept_things import DELETE, found, journal, keep
from many_shops import LAMPS, NORTH, RUGS, VASES, shops_file
from test_approval_page import served
from test_approving_at_a_terminal import approve, call, conversation
from test_changes_on_a_shop import undo

from hoopai_products_mcp.guard.journal import Outcome
from hoopai_products_mcp.guard.plan import Effect, Plan
from hoopai_products_mcp.server.terminal import flat

pytestmark = pytest.mark.anyio

UNKNOWN = Outcome(outcome="unknown", why="the answer was lost")


@pytest.fixture
def shops(tmp_path: Path) -> dict[str, str]:
    """The variables of a server with two embedded shops that keeps what it does."""
    return {
        "HOOPAI_SHOPS_FILE": str(shops_file(tmp_path, NORTH)),
        "HOOPAI_DATA_DIR": str(tmp_path),
        "HOOPAI_SANDBOX": "true",
    }


def test_approvals_are_listed_by_shop(shops: dict[str, str], tmp_path: Path) -> None:
    lamp = keep(tmp_path, location=LAMPS.location_id)
    vase = keep(tmp_path, DELETE, location=VASES.location_id)
    strange = keep(tmp_path, location=RUGS.location_id)
    code, stdout, _ = piped("approvals", **shops)
    assert code == 0
    told = [
        "Shop Lumen Hall (north-lamps), locNorthLamps01\n",
        lamp.id,
        "Shop Urn & Ewer (north-vases), locNorthVases02\n",
        vase.id,
        "Location locSouthRugs03\n",
        strange.id,
    ]
    assert sorted(told, key=stdout.index) == told
    code, stdout, _ = piped("approvals", "--shop", VASES.name, **shops)
    assert (code, vase.id in stdout, lamp.id in stdout, strange.id in stdout) == (0, True, False, False)
    code, stdout, _ = piped("approvals", "show", lamp.id, **shops)
    assert (code, "shop        Lumen Hall (north-lamps), locNorthLamps01\n" in stdout) == (0, True)


def test_a_shop_that_is_not_there_is_told_which_are(shops: dict[str, str], tmp_path: Path) -> None:
    keep(tmp_path)
    for command in (("approvals",), ("changes",), ("policy", "check"), ("doctor",), ("changes", "reconcile")):
        code, stdout, stderr = piped(*command, "--shop", "lamps", **shops)
        assert (code, stdout) == (2, "")
        assert (
            stderr
            == "hoopai-products-mcp: there is no shop of that name. There are: north-lamps, north-vases.\n"
        )
    code, _, stderr = piped("approvals", "--shop", "lamps", HOOPAI_DATA_DIR=str(tmp_path))
    assert code == 2
    assert "--shop is for several shops, and there is no file of them: see --shops-file." in stderr
    code, _, stderr = piped("logout", **shops)
    assert code == 2
    assert "there are several shops: say which with --shop. There are: north-lamps, north-vases." in stderr


def test_what_another_shop_has_is_not_read_or_decided_on_under_the_name_of_one(
    shops: dict[str, str], tmp_path: Path
) -> None:
    plan = keep(tmp_path, location=LAMPS.location_id)
    strange = keep(tmp_path, location=RUGS.location_id)
    change = journal(tmp_path, location=LAMPS.location_id, outcome=Outcome(outcome="done"))
    of_lamps = "is of the shop Lumen Hall (north-lamps), and --shop names another"
    advice = "Give --shop north-lamps, or leave it out."
    for command, ending in (
        (("approvals", "show", plan.id), ""),
        (("approvals", "reject", plan.id), " Nothing was rejected."),
        (("changes", "show", change), ""),
    ):
        code, stdout, stderr = piped(*command, "--shop", VASES.name, **shops)
        assert (code, stdout) == (1, "")
        kind = command[0].removesuffix("s").replace("approval", "plan")
        assert stderr == f"hoopai-products-mcp: that {kind} {of_lamps}. {advice}{ending}\n"
        if command[1] == "show":
            assert piped(*command, "--shop", LAMPS.location_id, **shops)[0] == 0
    for command in (("approvals", "approve", plan.id), ("changes", "undo", change)):
        with terminal(*command, "--shop", VASES.name, variables=shops) as screen:
            code, shown = screen.end()
        assert (
            code,
            of_lamps in flat(shown),
            flat(shown).endswith(f"{advice} Nothing was {'approved' if plan.id in command else 'changed'}."),
        ) == (
            1,
            True,
            True,
        )
    code, _, stderr = piped("approvals", "reject", strange.id, "--shop", VASES.name, **shops)
    assert code == 1
    assert (
        "is of the location locSouthRugs03, which the file of shops does not name. Leave --shop out."
        in stderr
    )
    assert [found(tmp_path, record.id).status for record in (plan, strange)] == ["pending"] * 2
    code, stdout, _ = piped("approvals", "reject", plan.id, "--shop", LAMPS.name, **shops)
    assert (code, found(tmp_path, plan.id).status) == (0, "rejected")


def test_the_journal_is_verified_whole_and_takes_no_shop(shops: dict[str, str], tmp_path: Path) -> None:
    journal(tmp_path, location=LAMPS.location_id)
    code, stdout, stderr = piped("journal", "verify", "--shop", VASES.name, **shops)
    assert (code, stdout) == (2, "")
    assert "there is no option --shop" in stderr
    assert piped("journal", "verify", **shops)[0] == 0


def test_a_file_that_cannot_be_used_ends_every_command(shops: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "shops.toml").write_text('[shops.lamps]\nlocation = "loc1"\n')
    for command in ((), ("approvals",), ("doctor",), ("policy", "check")):
        code, stdout, stderr = piped(*command, **shops)
        assert (code, stdout) == (2, "")
        assert stderr.startswith("hoopai-products-mcp: these settings are wrong:\n")
        assert "shops.lamps.location is not known; did you mean location_id?" in stderr
        assert "shops.lamps.location_id is missing" in stderr


def test_changes_name_their_shop(shops: dict[str, str], tmp_path: Path) -> None:
    lamp = journal(tmp_path, location=LAMPS.location_id)
    vase = journal(tmp_path, location=VASES.location_id)
    code, stdout, _ = piped("changes", **shops)
    assert code == 0
    assert "  shop     Lumen Hall (north-lamps), locNorthLamps01\n" in stdout
    assert "1 to 2 of 2." in stdout
    code, stdout, _ = piped("changes", "--shop", LAMPS.location_id, **shops)
    assert (code, lamp in stdout, vase in stdout) == (0, True, False)
    code, stdout, _ = piped("changes", "show", vase, **shops)
    assert (code, "Urn & Ewer (north-vases), locNorthVases02\n" in stdout) == (0, True)
    code, stdout, _ = piped("changes", "export", "--shop", VASES.name, **shops)
    assert [row["id"] for row in csv.DictReader(io.StringIO(stdout))] == [vase]


def test_the_limits_of_each_shop_are_checked(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text('[protected]\nnames = ["Gift card"]\n')
    (tmp_path / "bad.toml").write_text("[protectd]\n")
    file = shops_file(
        tmp_path,
        NORTH,
        north_lamps=f'policy_file = "{tmp_path / "good.toml"}"\n',
        north_vases=f'policy_file = "{tmp_path / "bad.toml"}"\n',
    )
    mine = {"HOOPAI_SHOPS_FILE": str(file), "HOOPAI_SANDBOX": "true", "HOOPAI_DATA_DIR": str(tmp_path)}
    code, stdout, _ = piped("policy", "check", **mine)
    assert code == 1
    first, second = stdout.split("Shop Urn & Ewer (north-vases)\n")
    assert first.startswith("Shop Lumen Hall (north-lamps)\n")
    assert "Gift card" in first
    assert "protectd" in second
    code, stdout, _ = piped("policy", "check", "--shop", LAMPS.name, **mine)
    assert (code, "protectd" in stdout) == (0, False)
    code, stdout, _ = piped("doctor", **mine)
    assert code == 1
    assert stdout.count("WRONG") == 1


def test_the_doctor_looks_at_each_shop(shops: dict[str, str]) -> None:
    code, stdout, stderr = piped("doctor", **shops)
    assert (code, stderr) == (0, "")
    common, lamps, vases = stdout.split("\nShop ")
    assert "store" in common
    assert lamps.startswith("Lumen Hall (north-lamps)\n")
    assert "location locNorthLamps01" in lamps
    assert "location locNorthVases02" in vases
    code, stdout, _ = piped("doctor", "--json", "--shop", VASES.name, **shops)
    findings = json.loads(stdout)["findings"]
    assert code == 0
    assert {finding.get("shop", "") for finding in findings} == {"", "Urn & Ewer (north-vases)"}


def test_what_is_unusual_of_a_shop_is_said_at_the_start(tmp_path: Path) -> None:
    file = shops_file(
        tmp_path, NORTH, north_lamps='confirmation = "off"\n', north_vases='confirmation = "human"\n'
    )
    _, _, stderr = piped(HOOPAI_SHOPS_FILE=str(file), HOOPAI_SANDBOX="true")
    assert "confirmation is off in Lumen Hall (north-lamps): destructive calls will run" in stderr
    assert "a client that cannot ask cannot change anything: approvals are in memory." in stderr


def test_a_host_is_told_of_the_file_and_of_no_location(shops: dict[str, str]) -> None:
    file = shops["HOOPAI_SHOPS_FILE"]
    code, stdout, _ = piped("config", "claude-desktop", "--shops-file", file, HOOPAI_LOCATION_ID="loc1")
    assert code == 0
    (server,) = json.loads(stdout)["mcpServers"].values()
    assert server["args"][-2:] == ["--shops-file", file]
    assert not server.get("env")


async def test_a_change_is_approved_and_taken_back_in_its_own_shop(shops: dict[str, str]) -> None:
    async with conversation(shops) as client:
        (product,) = (await call(client, "list_products", location=VASES.name, limit=1))["items"]
        shown = await call(client, "delete_product", location=VASES.name, product_id=product["id"])
        assert shown["status"] == "waiting_for_approval"
        code, screen = approve(shown["plan"]["id"], product["name"], shops)
        assert (code, "Urn & Ewer (north-vases), locNorthVases02" in screen) == (0, True)
        done = await call(client, "delete_product", location=VASES.name, product_id=product["id"])
        left = (await call(client, "list_products", location=VASES.name, limit=1))["total"]
        assert (await call(client, "list_products", location=LAMPS.name, limit=1))["total"] == left + 1
    change: str = done["change"]["id"]
    code, screen = await undo(change, f"{product['name']}\n", shops)
    assert code == 0, screen
    assert "Shop Urn & Ewer (north-vases)" in screen
    async with conversation(shops) as client:
        for shop in NORTH:
            assert (await call(client, "list_products", location=shop.name, limit=1))["total"] == left + 1


def test_a_change_of_a_shop_that_the_file_does_not_name_is_not_taken_back(
    shops: dict[str, str], tmp_path: Path
) -> None:
    change = journal(tmp_path, location=RUGS.location_id)
    with terminal("changes", "undo", change, variables=shops) as screen:
        code, shown = screen.end()
    assert code == 1
    assert "that change is of a shop that the file of shops does not name. Nothing was changed." in shown


async def test_open_changes_of_each_shop_are_settled_by_what_it_shows(
    shops: dict[str, str], tmp_path: Path
) -> None:
    async with conversation(shops) as client:
        (product,) = (await call(client, "list_products", location=VASES.name, limit=1))["items"]
        await call(client, "update_product", location=VASES.name, product_id=product["id"], name="Renamed")
    renaming = Plan(
        action="Rename a product.",
        effects=(
            Effect(kind="product", id=product["id"], field="name", before=product["name"], after="Renamed"),
        ),
    )
    base = "https://services.leadconnectorhq.com"
    lamp, vase = [
        journal(tmp_path, renaming, outcome=UNKNOWN, location=shop.location_id, base_url=base)
        for shop in NORTH
    ]
    code, stdout, _ = piped("changes", "reconcile", "--shop", LAMPS.name, **shops)
    assert (code, vase in stdout) == (0, False)
    told = f"  {lamp}   [^\n]*\n  shop     Lumen Hall \\(north-lamps\\)\n[^\n]*\n  outcome  not done, found out later\n"
    assert re.search(told, stdout), stdout
    code, stdout, _ = piped("changes", "reconcile", **shops)
    assert (code, lamp in stdout) == (0, False)
    told = f"  {vase}   [^\n]*\n  shop     Urn & Ewer \\(north-vases\\)\n[^\n]*\n  outcome  done, found out later\n"
    assert re.search(told, stdout), stdout
    assert stdout.endswith("1 of 1 settled.\n")


def test_the_approval_page_has_the_plans_of_all_shops_and_of_no_other(tmp_path: Path) -> None:
    file = shops_file(tmp_path, NORTH, north_vases='confirmation = "human"\n')
    with served(tmp_path, f"--shops-file={file}") as page:
        vase = page.keep(location=VASES.location_id)
        lamp = page.keep(DELETE, location=LAMPS.location_id)
        rug = page.keep(location=RUGS.location_id)
        with page.person() as browser:
            shown = html.unescape(browser.get("/approvals").text)
            assert [vase in shown, lamp in shown, rug in shown] == [True, True, False]
            assert "Urn & Ewer (north-vases)" in shown
            plan = html.unescape(browser.get(f"/approvals/{vase}").text)
            assert "<dt>shop</dt>" in plan
            assert "Urn & Ewer (north-vases)" in plan
            assert browser.get(f"/approvals/{rug}").status_code == 404


def test_a_shop_that_cannot_be_reached_keeps_no_command_from_another(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("pit-invented")
    file = shops_file(
        tmp_path,
        NORTH,
        north_lamps=f'access_token_file = "{tmp_path / "token"}"\nbase_url = "http://127.0.0.1:9"\n',
    )
    mine = {"HOOPAI_SHOPS_FILE": str(file), "HOOPAI_DATA_DIR": str(tmp_path)}
    code, stdout, stderr = piped("doctor", **mine)
    assert (code, stderr) == (1, "")
    lamps, vases = stdout.split("\nShop ")[1:]
    assert "The API could not be reached" in flat(lamps)
    assert (
        "does not say how it is reached: give access_token_file, client_id with client_secret_file, or agency; or keep "
        "its token with `login --token --shop north-vases`"
    ) in flat(vases)
    change = journal(tmp_path, location=LAMPS.location_id, base_url="http://127.0.0.1:9")
    code, stdout, stderr = piped("changes", "reconcile", "--shop", LAMPS.name, **mine)
    assert (code, "0 of 1 settled." in stdout, change in stdout) == (1, True, True)
    assert "shops.north-vases" not in stderr
    code, _, stderr = piped("changes", "reconcile", **mine)
    assert (code, "shops.north-vases does not say how it is reached" in stderr) == (2, True)
    code, _, stderr = piped(**mine)
    assert (code, "shops.north-vases does not say how it is reached" in stderr) == (2, True)


async def test_a_shop_that_is_taken_out_of_the_file_is_worked_on_until_the_server_begins_anew(
    shops: dict[str, str], tmp_path: Path
) -> None:
    async with conversation(shops) as client:
        (product,) = (await call(client, "list_products", location=VASES.name, limit=1))["items"]
        shops_file(tmp_path, (LAMPS,))
        shown = await call(client, "delete_product", location=VASES.name, product_id=product["id"])
        code, stdout, _ = piped("approvals", **shops)
        assert (code, f"Location {VASES.location_id}\n" in stdout, shown["plan"]["id"] in stdout) == (
            0,
            True,
            True,
        )
        code, _, stderr = piped("approvals", "--shop", VASES.name, **shops)
        assert (code, "there is no shop of that name. There are: north-lamps." in stderr) == (2, True)
    async with conversation(shops) as client:
        # It is the only one now, so that no tool has a location.
        assert (await call(client, "list_products", limit=1))["returned"] == 1
        (tool,) = [tool for tool in (await client.list_tools()).tools if tool.name == "list_products"]
        assert "location" not in tool.input_schema["properties"]


def test_a_name_in_capitals_is_another_one(shops: dict[str, str], tmp_path: Path) -> None:
    keep(tmp_path, location=LAMPS.location_id)
    for word in (LAMPS.name.upper(), LAMPS.location_id.lower(), LAMPS.title):
        code, stdout, stderr = piped("approvals", "--shop", word, **shops)
        assert (code, stdout) == (2, "")
        assert "there is no shop of that name. There are: north-lamps, north-vases." in stderr
