"""Several shops, each reached in its own way: an agency's login, a token in a file, and the keyring."""

from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import httpx
import pytest
from logged_in import Kind
from many_shops import LAMPS, RUGS, VASES, marked_app
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult
from test_login_command import COMMAND, Platform, until

from hoopai_products_mcp.sandbox.app import sandbox_of
from hoopai_products_mcp.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from hoopai_products_mcp.sandbox.server import running_server

pytestmark = pytest.mark.anyio


class Several(Platform):
    """Commands that know of a file of shops and of nothing else."""

    file: Path

    def environment(self, **more: str) -> dict[str, str]:
        whole = super().environment(HOOPAI_SHOPS_FILE=str(self.file), **more)
        for name in ("HOOPAI_LOCATION_ID", "HOOPAI_BASE_URL", "HOOPAI_CLIENT_ID", "HOOPAI_CLIENT_SECRET"):
            whole.pop(name, None)
        return whole


async def test_each_shop_is_reached_in_its_own_way_and_with_no_other_token(tmp_path: Path) -> None:
    shops = (LAMPS, VASES, RUGS)
    async with AsyncExitStack() as stack:
        apps = {shop.name: marked_app(shop) for shop in shops}
        urls = {name: await stack.enter_async_context(running_server(app)) for name, app in apps.items()}
        (tmp_path / "secret").write_text(CLIENT_SECRET)
        (tmp_path / "token").write_text(sandbox_of(apps[VASES.name]).token)
        at = Several(sandbox_of(apps[LAMPS.name]), urls[LAMPS.name], tmp_path / "data")
        at.file = tmp_path / "shops.toml"
        ways = {
            LAMPS.name: 'agency = "north"',
            VASES.name: f'access_token_file = "{tmp_path / "token"}"',
            RUGS.name: "",
        }
        tables = [
            f'[agencies.north]\nclient_id = "{CLIENT_ID}"\nclient_secret_file = "{tmp_path / "secret"}"\n',
            *(
                f'[shops.{shop.name}]\nlocation_id = "{shop.location_id}"\n'
                f'base_url = "{urls[shop.name]}"\n{ways[shop.name]}\n'
                for shop in shops
            ),
        ]
        at.file.write_text("\n".join(tables))

        # Until its token is kept, a shop cannot be reached; logging in works all the same.
        outcome = await at.run(at.keyring(), "doctor")
        assert outcome.code == 1
        assert f"shops.{RUGS.name} does not say how it is reached" in " ".join(outcome.stdout.split())
        typed = f"{sandbox_of(apps[RUGS.name]).token}\n"
        kept = await at.run(at.keyring(), "login", "--token", "--shop", RUGS.name, typed=typed)
        assert kept.code == 0, kept
        logged_in = await _log_in(at, LAMPS.name)
        assert "Logged in for the agency " in logged_in

        outcome = await at.run(at.keyring(), "doctor")
        assert outcome.code == 0, outcome.stdout
        assert [outcome.stdout.count(f"location {shop.location_id}") for shop in shops] == [1, 1, 1]
        command = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:]], env=at.keyring())
        async with Client(command) as client:
            for shop in shops:
                found = await client.call_tool("list_products", {"location": shop.name, "limit": 1})
                assert isinstance(found, CallToolResult)
                assert not found.is_error, found.content
                assert shop.mark in found.content[0].model_dump_json()

        gone = await at.run(at.keyring(), "logout", "--shop", LAMPS.name)
        assert gone.code == 0, gone
        outcome = await at.run(at.keyring(), "doctor", "--shop", LAMPS.name)
        assert outcome.code == 1
        assert "Nobody has logged in for this shop yet" in " ".join(outcome.stdout.split())
        for app in apps.values():
            sandbox_of(app).close()


async def test_the_login_of_an_agency_is_that_of_all_its_shops(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        app = marked_app(LAMPS)
        url = await stack.enter_async_context(running_server(app))
        (tmp_path / "secret").write_text(CLIENT_SECRET)
        at = Several(sandbox_of(app), url, tmp_path / "data")
        at.file = tmp_path / "shops.toml"
        tables = [
            f'[agencies.north]\nclient_id = "{CLIENT_ID}"\nclient_secret_file = "{tmp_path / "secret"}"\n',
            *(
                f'[shops.{shop.name}]\nlocation_id = "{shop.location_id}"\nbase_url = "{url}"\nagency = "north"\n'
                for shop in (LAMPS, VASES)
            ),
        ]
        at.file.write_text("\n".join(tables))
        outcome = await at.run(at.keyring(), "doctor", "--shop", VASES.name)
        assert f"Log in: hoopai-products-mcp login --shop {VASES.name}" in " ".join(outcome.stdout.split())

        assert "Logged in for the agency " in await _log_in(at, LAMPS.name)
        # The platform lets the app into the one location of its agency, and not into the other.
        for shop, said in (
            (LAMPS, "All is well."),
            (VASES, f"The login of the agency gives no token for location {VASES.location_id}"),
        ):
            outcome = await at.run(at.keyring(), "doctor", "--shop", shop.name)
            assert said in " ".join(outcome.stdout.split())
        of_one = await _log_in(at, VASES.name, "Location", code=1)
        assert f"the login is that of an agency, also for {LAMPS.name}.\nNothing was kept." in of_one
        assert (await at.run(at.keyring(), "doctor", "--shop", LAMPS.name)).code == 0

        typed = f"{sandbox_of(app).token}\n"
        kept = await at.run(at.keyring(), "login", "--token", "--shop", VASES.name, typed=typed)
        assert (
            f"It is not used as long as the file of shops names another way in for {VASES.name}: the OAuth login."
        ) in " ".join(kept.stdout.split())

        gone = await at.run(at.keyring(), "logout", "--shop", VASES.name)
        said = " ".join(gone.stdout.split())
        assert f"The login is forgotten here. It was the agency's, and also that of {LAMPS.name}." in said
        outcome = await at.run(at.keyring(), "doctor", "--shop", LAMPS.name)
        assert f"Log in: hoopai-products-mcp login --shop {LAMPS.name}" in " ".join(outcome.stdout.split())
        sandbox_of(app).close()


async def test_a_shop_of_a_file_is_told_of_its_own_key_of_the_file(tmp_path: Path) -> None:
    at = Several(sandbox_of(marked_app(LAMPS)), "http://127.0.0.1:9", tmp_path / "data")
    at.file = tmp_path / "shops.toml"
    (tmp_path / "token").write_text("two words")
    at.file.write_text(
        f'[shops.lamps]\nlocation_id = "{LAMPS.location_id}"\naccess_token_file = "{tmp_path / "token"}"\n'
    )
    outcome = await at.run(at.keyring(), "doctor")
    said = " ".join(outcome.stdout.split())
    assert "from the file that access_token_file names" in said
    assert "Put the token alone into the file that `access_token_file` of the shop lamps names." in said


async def _log_in(at: Several, shop: str, kind: Kind = "Company", *, code: int = 0) -> str:
    """`login` in one window, and a person with a browser; all that was said."""
    async with await anyio.open_process(
        [*COMMAND, "login", "--no-browser", "--port", "0", "--shop", shop],
        env=at.keyring(HOOPAI_AUTHORIZE_URL=f"{at.url}/oauth/chooselocation"),
    ) as process:
        shown = await until(process, "Ctrl-C ends it.")
        address = next(line.strip() for line in shown.splitlines() if line.startswith("  http"))
        async with httpx.AsyncClient() as browser:
            assert (await browser.get(await at.back(address, kind))).is_success
        assert process.stdout is not None
        assert process.stderr is not None
        rest = b"".join([chunk async for chunk in process.stdout])
        rest += b"".join([chunk async for chunk in process.stderr])
        assert await process.wait() == code
    return shown + rest.decode()
