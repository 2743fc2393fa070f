"""The command line, as a person or an assistant meets it: a process with arguments and an environment."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hoopai_products_mcp.server.command_parser import PROGRAM
from hoopai_products_mcp.server.ready import SANDBOX_MODULES
from hoopai_products_mcp.tools.catalog import RECORDS
from hoopai_products_mcp.tools.records import summary

CANARY = "pit-canary-7f3a"
COMMANDS = ("login", "logout", "doctor", "approvals", "changes", "config", "journal verify", "policy check")


class Outcome(NamedTuple):
    code: int
    stdout: str
    stderr: str


def run(*arguments: str, environment: Mapping[str, str] | None = None) -> Outcome:
    """Run the command to its end, with an empty stdin and none of this machine's HOOPAI_ variables."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOPAI_")}
    done = subprocess.run(
        [sys.executable, "-m", "hoopai_products_mcp.server.cli", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**inherited, **(environment or {})},
        timeout=60,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_without_token_and_sandbox_it_says_what_to_set_and_how_to_try() -> None:
    assert run() == Outcome(
        2,
        "",
        "hoopai-products-mcp: there is no shop to work on. Set in the server's environment:\n"
        "  HOOPAI_ACCESS_TOKEN  the token of a Private Integration of the sub-account\n"
        "  HOOPAI_LOCATION_ID   the id of the sub-account (location)\n"
        "or try it on an invented shop, without an account:\n"
        "  hoopai-products-mcp --sandbox\n"
        "  hoopai-products-mcp demo\n",
    )


def test_with_a_token_alone_it_asks_for_the_location_only() -> None:
    outcome = run(environment={"HOOPAI_ACCESS_TOKEN": CANARY})
    assert (outcome.code, outcome.stdout) == (2, "")
    assert "HOOPAI_LOCATION_ID" in outcome.stderr
    assert "HOOPAI_ACCESS_TOKEN" not in outcome.stderr
    assert CANARY not in outcome.stderr


def test_wrong_settings_are_all_named_and_none_is_repeated() -> None:
    outcome = run(
        "--host=everywhere",
        environment={
            "HOOPAI_ACCES_TOKEN": CANARY,
            "HOOPAI_ACCESS_TOKEN": f"Bearer {CANARY}",
            "HOOPAI_PORT": CANARY,
            "HOOPAI_CONFIRMATION": "nobody",
        },
    )
    assert outcome == Outcome(
        2,
        "",
        "hoopai-products-mcp: these settings are wrong:\n"
        "  HOOPAI_ACCES_TOKEN is not a setting; did you mean HOOPAI_ACCESS_TOKEN?\n"
        "  HOOPAI_ACCESS_TOKEN begins with the word Bearer; give the token alone\n"
        "  HOOPAI_CONFIRMATION has a value it cannot have. Allowed: ask, human, off\n"
        "  --host must be localhost or an address of this machine, such as 127.0.0.1, ::1 or 0.0.0.0\n"
        "  HOOPAI_PORT must be a whole number from 1 to 65535\n",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--access-token", CANARY],
            "the token is only read from the environment, as HOOPAI_ACCESS_TOKEN:"
            " a command line can be read by every user of the machine",
        ),
        (
            [f"--access-token={CANARY}"],
            "the token is only read from the environment, as HOOPAI_ACCESS_TOKEN:"
            " a command line can be read by every user of the machine",
        ),
        ([f"--reed-only={CANARY}"], "there is no option --reed-only; did you mean --read-only?"),
        (["--quux"], "there is no option --quux"),
        ([f"--version={CANARY}"], "argument --version takes no value"),
        ([CANARY], "there is an argument or command that is not known"),
        (["-x"], "there is an argument or command that is not known"),
        (
            ["aprovals"],
            "there is an argument or command that is not known; did you mean the command approvals?",
        ),
        (
            [f"--database-url={CANARY}"],
            "the database's address is only read from the environment, as HOOPAI_DATABASE_URL:"
            " a command line can be read by every user of the machine",
        ),
        (["dmo"], "there is an argument or command that is not known; did you mean the command demo?"),
        (["--read-only=true", "tools"], "the command comes first: hoopai-products-mcp tools"),
        (["--timeout"], "argument --timeout: expected one argument"),
    ],
)
def test_a_wrong_option_is_named_and_its_value_is_not_repeated(arguments: list[str], said: str) -> None:
    assert run(*arguments) == Outcome(
        2, "", f"hoopai-products-mcp: {said}\n`hoopai-products-mcp --help` lists the options.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sandbox", f"--port={CANARY}"], "argument --port: must be a whole number from 1 to 65535"),
        (["sandbox", f"--rate-limit={CANARY}"], "argument --rate-limit: must be a whole number from 0"),
        (["sandbox", "--dat", CANARY], "there is no option --dat; did you mean --data?"),
        (["tools", CANARY], "there is an argument or command that is not known"),
        (["tools", f"--json={CANARY}"], "argument --json takes no value"),
        (
            ["policy", "check", "--polcy-file=x"],
            "there is no option --polcy-file; did you mean --policy-file?",
        ),
        (["demo", "--slow"], "there is no option --slow"),
    ],
)
def test_a_command_names_a_wrong_option_likewise(arguments: list[str], said: str) -> None:
    command = " ".join(
        ["hoopai-products-mcp", *(word for word in arguments if word in {arguments[0], "check"})]
    )
    assert run(*arguments) == Outcome(
        2, "", f"hoopai-products-mcp: {said}\n`{command} --help` lists the options.\n"
    )


def test_the_version_is_that_of_the_distribution() -> None:
    assert run("--version") == Outcome(0, f"hoopai-products-mcp {version(PROGRAM)}\n", "")


def test_help_tells_every_option_and_every_command() -> None:
    outcome = run("--help")
    assert (outcome.code, outcome.stderr) == (0, "")
    words = ["--sandbox", "--read-only", "--toolsets", "--confirmation", "--transport", "--host", "--port"]
    assert [
        word
        for word in [*words, "demo", "tools [--json]", "sandbox [--port N]", *COMMANDS]
        if word not in outcome.stdout
    ] == []
    assert "--access-token " not in outcome.stdout
    assert "--client-secret" not in outcome.stdout


@pytest.mark.parametrize(
    "command",
    ["sandbox", "demo", "tools", *(word for command in COMMANDS for word in (command, command.split()[0]))],
)
def test_every_command_has_help(command: str) -> None:
    outcome = run(*command.split(), "--help")
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith(f"usage: hoopai-products-mcp {command}")


def test_the_installed_command_is_this_one() -> None:
    script = os.path.join(os.path.dirname(sys.executable), "hoopai-products-mcp")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == run("--version").stdout


@pytest.mark.parametrize("arguments", [["--sandbox"], ["sandbox"], ["demo"]])
def test_without_the_extra_it_says_what_to_install(arguments: list[str]) -> None:
    # None in sys.modules is how Python itself marks a module as not to be had.
    without = "import sys; sys.modules['jsonschema_rs'] = None"
    code = f"{without}; from hoopai_products_mcp.server.cli import main; sys.exit(main({arguments}))"
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "hoopai-products-mcp: the sandbox is not installed. Install it with:\n"
        "  pip install 'hoopai-products-mcp[sandbox]'\n",
    )


def test_the_extra_is_looked_for_in_all_its_parts() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    providers = packages_distributions()
    found = {canonicalize_name(name) for module in SANDBOX_MODULES for name in providers[module]}
    assert found == {
        canonicalize_name(Requirement(text).name) for text in project["optional-dependencies"]["sandbox"]
    }


def test_the_demo_shows_a_shop_at_work_and_says_how_to_connect() -> None:
    outcome = run("demo")
    assert (outcome.code, outcome.stderr) == (0, "")
    assert "claude mcp add" in outcome.stdout


def test_policy_check_reads_the_file_that_is_named(tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text("[calls]\nmax_items = 7\n")
    outcome = run("policy", "check", f"--policy-file={file}")
    assert (outcome.code, outcome.stderr) == (0, "")
    assert "One call touches at most 7 things (calls.max_items)." in outcome.stdout
    assert run("policy", "check", f"--policy-file={tmp_path / 'none.toml'}").code == 1
    # Where none was named, there need not be one.
    assert run("policy", f"--data-dir={tmp_path}").code == 0


def test_tools_prints_one_line_for_each_tool() -> None:
    outcome = run("tools")
    assert (outcome.code, outcome.stderr) == (0, "")
    assert [line.split(maxsplit=2)[0] for line in outcome.stdout.splitlines()] == [r.name for r in RECORDS]


def test_tools_as_json_holds_the_records() -> None:
    outcome = run("tools", "--json")
    assert (outcome.code, outcome.stderr) == (0, "")
    told = json.loads(outcome.stdout)
    assert [{key: tool[key] for key in tool if key != "scopes"} for tool in told] == [
        summary(record) for record in RECORDS
    ]
    scopes = {tool["name"]: tool["scopes"] for tool in told}
    assert scopes["list_products"] == ["products.readonly"]
    assert scopes["update_price"] == ["products/prices.readonly", "products/prices.write"]
    assert scopes["list_changes"] == []
    assert scopes["audit_catalog"] == [
        "products.readonly",
        "products/collection.readonly",
        "products/prices.readonly",
    ]
    assert {"products.write", "products/prices.write"} < set(scopes["import_products"])
    # No source names the scope of the display order, and undoing needs those of what it undoes.
    assert [tool["name"] for tool in told if tool["read_only"] and ".write" in str(tool["scopes"])] == []
    writing = [tool["name"] for tool in told if not tool["read_only"] and ".write" not in str(tool["scopes"])]
    assert writing == ["set_display_priority", "undo_change"]
