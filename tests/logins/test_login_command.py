"""`login`, `logout` and `doctor` as a person uses them, against a platform on a real socket."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio
import anyio.to_thread
import httpx
import pytest
from anyio.abc import Process
from logged_in import Kind, browse
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, TOKEN
from hoopai_products_mcp.sandbox.oauth import CLIENT_ID, CLIENT_SECRET, LIFETIME_SECONDS
from hoopai_products_mcp.sandbox.server import running_server

pytestmark = pytest.mark.anyio

COMMAND = (sys.executable, "-m", "hoopai_products_mcp.server.cli")
CANARY = "pit-canary-91bb"


class Outcome(NamedTuple):
    code: int
    stdout: str
    stderr: str


class Platform:
    """The sandbox on a socket, and commands whose environment points there."""

    def __init__(self, sandbox: Sandbox, url: str, folder: Path) -> None:
        self.sandbox = sandbox
        self.url = url
        self.folder = folder

    @property
    def products(self) -> int:
        return len(self.sandbox.dump()["products"])

    def environment(self, **more: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOPAI_")}
        return {
            **inherited,
            "COLUMNS": "100",
            "HOOPAI_BASE_URL": self.url,
            "HOOPAI_LOCATION_ID": LOCATION_ID,
            "HOOPAI_DATA_DIR": str(self.folder),
            **more,
        }

    def app(self, **more: str) -> dict[str, str]:
        return self.environment(
            HOOPAI_CLIENT_ID=CLIENT_ID,
            HOOPAI_CLIENT_SECRET=CLIENT_SECRET,
            HOOPAI_AUTHORIZE_URL=f"{self.url}/oauth/chooselocation",
            **more,
        )

    def keyring(self, **more: str) -> dict[str, str]:
        return self.environment(
            PYTHON_KEYRING_BACKEND="keyring_in_a_file.FileKeyring",
            KEYRING_IN_A_FILE=str(self.folder.parent / "keyring.json"),
            PYTHONPATH=str(Path(__file__).parent),
            **more,
        )

    async def run(self, environment: Mapping[str, str], *arguments: str, typed: str = "") -> Outcome:
        """Run a command to its end."""

        def run() -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                [*COMMAND, *arguments],
                input=typed,
                capture_output=True,
                text=True,
                env=dict(environment),
                timeout=60,
                check=False,
            )

        done = await anyio.to_thread.run_sync(run)
        return Outcome(done.returncode, done.stdout, done.stderr)

    async def log_in(self, kind: Kind = "Location", *, state: str | None = None, **more: str) -> Outcome:
        """`login` in one window, and a person with a browser."""
        async with await anyio.open_process(
            [*COMMAND, "login", "--no-browser", "--port", "0"], env=self.app(**more)
        ) as process:
            shown = await until(process, "Ctrl-C ends it.")
            address = next(line.strip() for line in shown.splitlines() if line.startswith("  http"))
            back = await self.back(address, kind, state=state)
            async with httpx.AsyncClient() as browser:
                page = await browser.get(back)
            if not page.is_success:
                assert "Nothing was kept" in page.text
                process.terminate()
            assert process.stdout is not None
            assert process.stderr is not None
            rest = b"".join([chunk async for chunk in process.stdout])
            said = b"".join([chunk async for chunk in process.stderr])
            await process.wait()
            return Outcome(process.returncode or 0, shown + rest.decode(), page.text + said.decode())

    async def back(self, address: str, kind: Kind = "Location", *, state: str | None = None) -> str:
        """Where the platform sends the browser after the person let the app in."""
        query = parse_qs(urlsplit(address).query)
        if state is not None:
            query["state"] = [state]
            address = f"{address.partition('?')[0]}?{urlencode(query, doseq=True)}"
        async with httpx.AsyncClient(base_url=self.url) as browser:
            assert (await browser.get(address)).is_success
            answer = await browser.get(browse(address, kind))
        return answer.headers["location"]


async def until(process: Process, words: str) -> str:
    """What a process has said by the time that it says these words."""
    assert process.stdout is not None
    shown = ""
    with anyio.fail_after(30):
        while words not in shown:
            shown += (await process.stdout.receive()).decode()
    return shown


@asynccontextmanager
async def platform(folder: Path, **options: Any) -> AsyncGenerator[Platform]:
    app = create_app(rate_limit=0, **options)
    async with running_server(app) as url:
        yield Platform(sandbox_of(app), url, folder / "data")
    sandbox_of(app).close()


async def sells(environment: Mapping[str, str]) -> int:
    """How many products a server of this environment says that the shop has."""
    command = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:]], env=dict(environment))
    async with Client(command) as client:
        result = await client.call_tool("list_products", {"limit": 1})
        assert not result.is_error, result.content
        content: dict[str, int] = result.structured_content or {}
        return content["total"]


@pytest.mark.parametrize("kind", ["Location", "Company"])
async def test_after_a_login_the_server_works_and_renews_by_itself(tmp_path: Path, kind: Kind) -> None:
    async with platform(tmp_path) as at:
        outcome = await at.log_in(kind)
        assert outcome.code == 0, outcome
        assert "Logged in for " in outcome.stdout
        assert CLIENT_SECRET not in str(outcome)
        assert await sells(at.app()) == at.products
        at.sandbox.tokens.age(LIFETIME_SECONDS + 1)
        assert await sells(at.app()) == at.products


async def test_servers_that_share_a_folder_renew_once(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        assert (await at.log_in()).code == 0
        at.sandbox.tokens.age(LIFETIME_SECONDS + 1)
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(sells, at.app())
        assert at.sandbox.tokens.refreshed == 1


async def test_a_browser_that_comes_back_from_another_login_gives_none(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        outcome = await at.log_in(state="somebody-elses")
        assert outcome.code != 0
        assert "from another login" in outcome.stderr
        outcome = await at.run(at.app(), "doctor")
        assert outcome.code == 1
        assert "Nobody has logged in for this shop yet" in " ".join(outcome.stdout.split())


async def test_the_address_can_be_pasted_where_the_browser_is_elsewhere(tmp_path: Path) -> None:
    async with (
        platform(tmp_path) as at,
        await anyio.open_process([*COMMAND, "login", "--paste", "--port", "0"], env=at.app()) as process,
    ):
        shown = await until(process, "> ")
        address = next(line.strip() for line in shown.splitlines() if line.startswith("  http"))
        assert process.stdin is not None
        await process.stdin.send(f"{await at.back(address)}\n".encode())
        assert await process.wait() == 0
        assert await sells(at.app()) == at.products


async def test_logging_out_forgets_the_login_and_says_what_remains(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        assert (await at.log_in()).code == 0
        outcome = await at.run(at.app(), "logout")
        assert outcome.code == 0
        assert "uninstall the app there" in " ".join(outcome.stdout.split())
        again = await at.run(at.app(), "logout")
        assert (again.code, again.stdout) == (
            1,
            "There was nothing to forget: no login of these settings is kept here.\n",
        )


async def test_a_token_from_a_pipe_lives_in_the_keyring_and_nowhere_else(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        kept = await at.run(at.keyring(), "login", "--token", typed=f"{TOKEN}\n")
        assert kept.code == 0, kept
        assert TOKEN not in kept.stdout + kept.stderr
        assert await sells(at.keyring()) == at.products
        in_the_folder = b"".join(path.read_bytes() for path in at.folder.rglob("*") if path.is_file())
        assert TOKEN.encode() not in in_the_folder
        assert (await at.run(at.keyring(), "logout")).code == 0
        assert (await at.run(at.keyring())).code == 2


@pytest.mark.parametrize("typed", ["", "two words\n", "Bearer pit-x\n"])
async def test_what_is_no_token_is_not_kept(tmp_path: Path, typed: str) -> None:
    async with platform(tmp_path) as at:
        outcome = await at.run(at.keyring(), "login", "--token", typed=typed)
        assert outcome.code == 1
        assert outcome.stderr.endswith("Nothing was kept.\n")
        assert not (tmp_path / "keyring.json").exists()


async def test_a_keyring_that_keeps_nothing_is_no_success(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        environment = at.keyring() | {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        outcome = await at.run(environment, "login", "--token", typed=f"{TOKEN}\n")
        assert (outcome.code, outcome.stdout) == (1, "")
        assert "cannot be used (it does not keep what it is given)" in outcome.stderr
        assert outcome.stderr.endswith("Nothing was kept.\n")
        assert not at.folder.exists()


async def test_a_folder_that_cannot_be_written_is_said_of_a_token_in_the_keyring(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        (tmp_path / "file").touch()
        environment = at.keyring(HOOPAI_DATA_DIR=str(tmp_path / "file" / "data"))
        outcome = await at.run(environment, "login", "--token", typed=f"{TOKEN}\n")
        assert (outcome.code, outcome.stdout) == (1, "")
        assert "no server will look for it there: the folder " in outcome.stderr
        assert "Traceback" not in outcome.stderr


async def test_what_comes_before_the_keyring_is_said(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        kept = await at.run(at.keyring(HOOPAI_ACCESS_TOKEN=CANARY), "login", "--token", typed=f"{TOKEN}\n")
        assert "What is set here comes first: HOOPAI_ACCESS_TOKEN." in " ".join(kept.stdout.split())


async def test_a_token_in_a_file_works_and_a_replaced_one_is_read_again(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        file = tmp_path / "token"
        file.write_text(f"{CANARY}\n")
        environment = at.environment(HOOPAI_ACCESS_TOKEN_FILE=str(file))
        command = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:]], env=environment)
        async with Client(command) as client:
            refused = await client.call_tool("list_products", {"limit": 1})
            assert refused.is_error
            assert "does not accept the access token" in str(refused.content)
            assert CANARY not in str(refused)
            file.write_text(f"{TOKEN}\n")
            assert not (await client.call_tool("list_products", {"limit": 1})).is_error
            file.unlink()
            assert not (await client.call_tool("list_products", {"limit": 1})).is_error


async def test_a_file_that_is_not_there_is_named_by_its_setting(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        environment = at.environment(HOOPAI_ACCESS_TOKEN_FILE=str(tmp_path / "none"))
        outcome = await at.run(environment, "doctor")
        assert outcome.code == 1
        assert "HOOPAI_ACCESS_TOKEN_FILE" in outcome.stdout
        assert "No such file" in outcome.stdout


async def test_the_doctor_finds_nothing_wrong_where_all_is_well(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        outcome = await at.run(at.environment(HOOPAI_ACCESS_TOKEN=TOKEN), "doctor", "--json")
        told = json.loads(outcome.stdout)
        assert (outcome.code, told["ok"]) == (0, True)
        assert {finding["what"]: finding["status"] for finding in told["findings"]} == {
            "versions": "ok",
            "confirmation": "ok",
            "policy": "ok",
            "store": "ok",
            "token": "ok",
            "shop": "ok",
            "products": "ok",
            "prices and stock": "ok",
            "collections": "ok",
            "reviews": "ok",
            "clock": "ok",
            "writing scopes": "unknown",
        }
        assert at.sandbox.requests.lines() == [
            line for line in at.sandbox.requests.lines() if line.startswith("GET ")
        ]


async def test_the_doctor_tells_a_wrong_token_a_missing_scope_and_a_missing_route_apart(
    tmp_path: Path,
) -> None:
    async with platform(tmp_path, scopes=["products.readonly"]) as at:
        outcome = await at.run(at.environment(HOOPAI_ACCESS_TOKEN=CANARY), "doctor")
        assert outcome.code == 1
        assert "does not accept the access token" in " ".join(outcome.stdout.split())
        assert CANARY not in outcome.stdout + outcome.stderr
        outcome = await at.run(at.environment(HOOPAI_ACCESS_TOKEN=TOKEN), "doctor", "--json")
        told = {finding["what"]: finding for finding in json.loads(outcome.stdout)["findings"]}
        assert told["products"]["status"] == "ok"
        assert told["collections"]["status"] == "wrong"
        assert "products/collection.readonly" in told["collections"]["said"]
        assert "these do not work: list_collections, get_collection," in told["collections"]["said"]
        assert "products.write (" in told["writing scopes"]["said"]


async def test_the_doctor_holds_what_a_login_was_given_against_what_the_tools_need(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        assert (await at.log_in()).code == 0
        outcome = await at.run(at.app(), "doctor", "--json")
        told = {finding["what"]: finding for finding in json.loads(outcome.stdout)["findings"]}
        assert (outcome.code, told["scopes"]["status"]) == (0, "ok")
        reading = "products.readonly products/prices.readonly products/collection.readonly products.write"
        assert (await at.log_in(HOOPAI_SCOPES=reading)).code == 0
        outcome = await at.run(at.app(), "doctor", "--json")
        told = {finding["what"]: finding for finding in json.loads(outcome.stdout)["findings"]}
        assert (outcome.code, told["scopes"]["status"]) == (1, "wrong")
        said = told["scopes"]["said"]
        assert "Without products/prices.write these do not work: create_price, update_price" in said
        assert "Without products/collection.write these do not work: create_collection" in said
        assert "products.write these" not in said
        assert "HOOPAI_SCOPES, and log in again" in said
        # Only what is offered counts.
        outcome = await at.run(at.app(), "doctor", "--json", "--read-only")
        told = {finding["what"]: finding for finding in json.loads(outcome.stdout)["findings"]}
        assert (outcome.code, told["scopes"]["status"]) == (0, "ok")


async def test_the_doctor_finds_something_wrong_where_nothing_can_be_read(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        environment = at.environment(HOOPAI_ACCESS_TOKEN=TOKEN, HOOPAI_BASE_URL=f"{at.url}/v2")
        outcome = await at.run(environment, "doctor")
        said = " ".join(outcome.stdout.split())
        assert (outcome.code, "All is well." in said) == (1, False)
        assert (
            "WRONG reading Nothing of the shop could be read. Check that HOOPAI_BASE_URL is the API's own"
            in said
        )
        assert "(status 404). The API says: 'Cannot GET /v2/products/'. This is about the route, not" in said


async def test_the_doctor_says_what_is_not_set_and_what_a_broken_policy_stops(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        policy = tmp_path / "policy.toml"
        policy.write_text("[prices]\nmax_rise = 3\n")
        environment = at.environment(HOOPAI_POLICY_FILE=str(policy))
        outcome = await at.run(environment, "doctor")
        shown = " ".join(outcome.stdout.split())
        assert outcome.code == 1
        assert "Not set: HOOPAI_ACCESS_TOKEN." in shown
        assert "Every write is refused" in shown


async def test_the_doctor_says_that_nobody_answers(tmp_path: Path) -> None:
    async with platform(tmp_path) as at:
        environment = at.environment(HOOPAI_ACCESS_TOKEN=TOKEN)
    outcome = await at.run(environment, "doctor")
    assert outcome.code == 1
    assert "could not be reached" in " ".join(outcome.stdout.split())
