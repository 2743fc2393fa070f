"""What the hosts of assistants are told of this server, read as they read it."""

import base64
import json
import os
import shlex
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from hoopai_products_mcp.server.cli import main
from hoopai_products_mcp.server.config_command import installed
from hoopai_products_mcp.server.hosts import HOSTS, NAME, Entry, Host

CANARY = "pit-canary-7f3a"
ASKED_FOR = "${input:hoopai-token}"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run(*arguments, **variables)` of the command: exit code, stdout, stderr."""
    for name in [name for name in os.environ if name.startswith("HOOPAI_")]:
        monkeypatch.delenv(name)

    def command(*arguments: str, **variables: str) -> tuple[int, str, str]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        try:
            code = main(["config", *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def of_command_line(text: str) -> Entry:
    """What a command such as `claude mcp add` is told."""
    words = shlex.split(text)
    if "--transport" in words:
        return Entry(url=words[-1])
    end = words.index("--")
    variables = [words[place + 1] for place, word in enumerate(words[:end]) if word == "--env"]
    pairs = dict(pair.split("=", 1) for pair in variables)
    return Entry(command=words[end + 1], arguments=tuple(words[end + 2 :]), variables=pairs)


def of_keys(keys: dict[str, Any]) -> Entry:
    """What a server's keys in a file say."""
    for key in ("url", "serverUrl", "httpUrl", "uri"):
        if key in keys:
            return Entry(url=keys[key])
    return Entry(
        command=keys["cmd" if "cmd" in keys else "command"],
        arguments=tuple(keys.get("args", ())),
        variables=keys.get("envs") or keys.get("env") or {},
    )


SECTIONS = {"vscode": "servers", "zed": "context_servers", "goose": "extensions", "codex": "mcp_servers"}


def understood(host: Host, text: str) -> Entry:
    """A configuration as its host takes it."""
    if host.language == "sh":
        return of_command_line(text)
    read: dict[str, Callable[[str], Any]] = {
        "json": json.loads,
        "toml": tomllib.loads,
        "yaml": yaml.safe_load,
    }
    (keys,) = read[host.language](text)[SECTIONS.get(host.name, "mcpServers")].values()
    return of_keys(keys)


def of_link(link: str) -> Entry:
    """A link as its host takes it."""
    address = urlsplit(link)
    if address.scheme == "vscode":
        told: dict[str, Any] = json.loads(unquote(address.query))
        assert told["name"] == NAME
        return of_keys(told)
    query = parse_qs(address.query)
    assert query["id" if address.scheme == "goose" else "name"] == [NAME]
    if address.scheme == "goose":
        pairs = dict(pair.split("=", 1) for pair in query.get("env", []))
        return Entry(command=query["cmd"][0], arguments=tuple(query.get("arg", ())), variables=pairs)
    return of_keys(json.loads(base64.b64decode(query["config"][0])))


def with_question(entry: Entry, host: Host) -> Entry:
    """The entry with a host's own way to ask for the token."""
    if host.name != "vscode" or "HOOPAI_ACCESS_TOKEN" not in entry.variables:
        return entry
    variables = {**entry.variables, "HOOPAI_ACCESS_TOKEN": ASKED_FOR}
    return Entry(command=entry.command, arguments=entry.arguments, variables=variables)


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_each_host_is_told_the_command_its_options_and_its_variables(host: Host, run: Run) -> None:
    code, stdout, stderr = run(
        host.name, "--read-only", "--toolsets", "products,prices", "--location-id=loc1"
    )
    assert code == 0
    assert understood(host, stdout) == with_question(
        Entry(
            command=installed(),
            arguments=("--read-only", "--toolsets", "products,prices"),
            variables={"HOOPAI_ACCESS_TOKEN": "pit-your-token", "HOOPAI_LOCATION_ID": "loc1"},
        ),
        host,
    )
    assert stderr.startswith(f"hoopai-products-mcp: for {host.place}:\n")


@pytest.mark.parametrize("host", [HOSTS[name] for name in ("vscode", "claude-code", "codex", "goose")])
@pytest.mark.anyio
async def test_what_a_host_of_each_language_is_told_starts_the_server(host: Host, run: Run) -> None:
    code, stdout, stderr = run(host.name, "--sandbox", "--toolsets=reviews")
    assert code == 0
    assert "pit-your-token" not in stdout + stderr
    entry = understood(host, stdout)
    server = StdioServerParameters(command=entry.command, args=list(entry.arguments), env={**entry.variables})
    async with Client(server) as client:
        assert "list_reviews" in {tool.name for tool in (await client.list_tools()).tools}


@pytest.mark.parametrize("host", [host for host in HOSTS.values() if host.remote], ids=lambda host: host.name)
def test_each_host_is_told_the_address_of_a_server_that_runs(host: Host, run: Run) -> None:
    code, stdout, stderr = run(host.name, "--transport", "http", "--host=::1", "--port=9000", "--read-only")
    assert code == 0
    if host.name == "codex":
        assert tomllib.loads(stdout) == {"mcp_servers": {NAME: {"url": "http://[::1]:9000/mcp"}}}
    assert understood(host, stdout) == Entry(url="http://[::1]:9000/mcp")
    assert (
        "start the server first: hoopai-products-mcp --read-only --transport http --host ::1 --port 9000\n"
        in stderr
    )


def test_a_host_that_opens_no_address_says_so(run: Run) -> None:
    assert run("claude-desktop", "--transport=http") == (
        2,
        "",
        "hoopai-products-mcp: Claude Desktop opens no address of this machine. "
        "Leave --transport out: it starts the server itself.\n",
    )


LINKS = [("cursor", "cursor"), ("vscode", "vscode"), ("lmstudio", "lmstudio"), ("goose", "goose")]


@pytest.mark.parametrize(("name", "scheme"), LINKS)
@pytest.mark.parametrize("options", [(), ("--sandbox",)])
def test_a_link_tells_a_host_what_the_configuration_tells(
    name: str, scheme: str, options: tuple[str, ...], run: Run
) -> None:
    host = HOSTS[name]
    _, configuration, stderr = run(name, "--run=uvx", *options)
    code, link, nothing = run(name, "--run=uvx", "--link", *options)
    assert (code, nothing) == (0, "")
    assert link.startswith(f"{scheme}:")
    assert f"or open this link: {link}" in stderr
    assert of_link(link.strip()) == understood(host, configuration)


def test_a_link_of_vs_code_asks_for_the_token(run: Run) -> None:
    _, link, _ = run("vscode", "--link")
    assert json.loads(unquote(urlsplit(link.strip()).query))["inputs"] == [
        {"id": "hoopai-token", "type": "promptString", "description": "HoopAI token", "password": True}
    ]


@pytest.mark.parametrize("arguments", [("codex", "--link"), ("goose", "--link")])
def test_where_there_is_no_link_it_says_so(arguments: tuple[str, ...], run: Run) -> None:
    code, stdout, stderr = run(*arguments)
    assert (code, stdout) == (2, "")
    assert "has no link for this; leave --link out." in stderr


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--run=uvx"], "uvx hoopai-products-mcp"),
        (
            ["--run=uvx", "--sandbox"],
            "uvx --from 'hoopai-products-mcp[sandbox]' hoopai-products-mcp --sandbox",
        ),
        (["--run=pipx"], "pipx run hoopai-products-mcp"),
        (
            ["--run=pipx", "--sandbox"],
            "pipx run --spec 'hoopai-products-mcp[sandbox]' hoopai-products-mcp --sandbox",
        ),
        (
            ["--run=docker"],
            "docker run -i --rm -v hoopai-products-mcp:/data"
            " -e HOOPAI_ACCESS_TOKEN -e HOOPAI_LOCATION_ID hoopai-products-mcp",
        ),
        (
            ["--run=docker", "--sandbox=false", "--timeout=20"],
            "docker run -i --rm -v hoopai-products-mcp:/data"
            " -e HOOPAI_ACCESS_TOKEN -e HOOPAI_LOCATION_ID hoopai-products-mcp --sandbox=false --timeout 20",
        ),
    ],
)
def test_a_host_can_have_the_server_fetched(options: list[str], line: str, run: Run) -> None:
    _, stdout, _ = run("cursor", *options)
    assert shlex.join(understood(HOSTS["cursor"], stdout).line) == line


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (["--access-token-file=/etc/hoopai/token"], {"HOOPAI_LOCATION_ID": "your-location"}),
        (
            ["--client-id=app-1", "--location-id=loc1"],
            {"HOOPAI_CLIENT_SECRET": "your-client-secret", "HOOPAI_LOCATION_ID": "loc1"},
        ),
    ],
)
def test_who_has_no_token_is_asked_for_none(options: list[str], variables: dict[str, str], run: Run) -> None:
    code, stdout, stderr = run("zed", *options)
    entry = understood(HOSTS["zed"], stdout)
    assert (code, entry.variables) == (0, variables)
    assert entry.arguments == tuple(options[0].split("=", 1))
    blanks = [value for value in variables.values() if value.startswith("your-")]
    assert f"put your own in place of {' and '.join(blanks)}; " in stderr


def test_the_token_is_nowhere_and_of_this_shell_only_the_location_counts(run: Run) -> None:
    variables = {
        "HOOPAI_ACCESS_TOKEN": CANARY,
        "HOOPAI_LOCATION_ID": "loc77",
        "HOOPAI_SANDBOX": "true",
        "HOOPAI_READ_ONLY": "true",
    }
    said = {name: run(name, **variables) for name in HOSTS}
    for code, stdout, stderr in said.values():
        assert code == 0
        assert CANARY not in stdout + stderr
        assert "loc77" in stdout
        assert "--read-only" not in stdout
    _, _, stderr = said["zed"]
    assert "put your own in place of pit-your-token; with --sandbox none is needed." in stderr


def test_without_a_host_it_lists_them(run: Run) -> None:
    code, stdout, stderr = run()
    assert code == 0
    assert [line.split()[0] for line in stdout.splitlines()] == list(HOSTS)
    assert stderr == (
        "hoopai-products-mcp: print the configuration for one of them: hoopai-products-mcp config HOST\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["vscod"], "there is no such host. Did you mean vscode? Known: claude-desktop, claude-code, "),
        (["--read-only=true", "cursor"], "the command comes first: hoopai-products-mcp config cursor"),
        (["cursor", "--sandbx"], "there is no option --sandbx; did you mean --sandbox?"),
        (
            ["cursor", "--run=npx"],
            "argument --run: has a value it cannot have. Allowed: installed, uvx, pipx, docker",
        ),
        (["cursor", f"--access-token={CANARY}"], "the token is only read from the environment"),
        (["cursor", "--port=0"], "--port must be a whole number from 1 to 65535"),
    ],
)
def test_what_is_wrong_is_named(arguments: list[str], said: str, run: Run) -> None:
    code, stdout, stderr = run(*arguments)
    assert (code, stdout) == (2, "")
    assert said in stderr
    assert CANARY not in stderr


def test_a_program_that_a_window_starts_is_named_with_its_whole_path() -> None:
    assert Path(installed()) == Path(sys.executable).with_name("hoopai-products-mcp")
    assert os.access(installed(), os.X_OK)


WORDS = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=12)
SPEAKABLE = WORDS | st.sampled_from(
    ["C:\\Users\\Ann Lee\\x.exe", "a'b\"c", "$HOME", "日本", "🌙", "#x: y", "-e", ""]
)


@given(command=SPEAKABLE.filter(bool), arguments=st.lists(SPEAKABLE, max_size=4), location=SPEAKABLE)
def test_whatever_is_in_a_path_or_an_option_reaches_each_host_as_it_is(
    command: str, arguments: list[str], location: str
) -> None:
    entry = Entry(
        command=command,
        arguments=tuple(arguments),
        variables={"HOOPAI_ACCESS_TOKEN": "pit-your-token", "HOOPAI_LOCATION_ID": location},
    )
    for host in HOSTS.values():
        assert understood(host, host.configure(entry)) == with_question(entry, host)
        if link := host.link(entry):
            assert of_link(link) == with_question(entry, host)
