"""The hosts of assistants, and how each wants to be told of this server.

Files, keys and links are those of the hosts' own documentation as of November 2026.
"""

import base64
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

NAME = "hoopai-products"
"""What the server is called in a host's configuration."""
TOKEN = "HOOPAI_ACCESS_TOKEN"  # noqa: S105 - the variable's name
TOKEN_TO_FILL_IN = "pit-your-token"  # noqa: S105 - no token
SECRET_TO_FILL_IN = "your-client-secret"  # noqa: S105 - no secret
LOCATION_TO_FILL_IN = "your-location"
_DESCRIPTION = "Products, prices, stock, collections and reviews of a HoopAI shop"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """How a host reaches the server: by starting a command with variables, or at an address."""

    command: str = ""
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    url: str = ""

    @property
    def line(self) -> list[str]:
        """The command with its arguments."""
        return [self.command, *self.arguments]


@dataclass(frozen=True, kw_only=True)
class Host:
    """One host.

    language:
        of what `configure` writes: `json`, `toml`, `yaml`, or `sh` for a command to run.
    place:
        where that goes, in words.
    link:
        an address that has the host add the server, after it has asked; None where this entry has none.
    remote:
        whether the host opens addresses of this machine.
    """

    name: str
    title: str
    language: str
    place: str
    configure: Callable[[Entry], str]
    link: Callable[[Entry], str | None] = lambda _: None
    remote: bool = True


def _started(entry: Entry) -> dict[str, Any]:
    """The keys that most hosts share."""
    keys: dict[str, Any] = {"command": entry.command}
    if entry.arguments:
        keys["args"] = list(entry.arguments)
    if entry.variables:
        keys["env"] = dict(entry.variables)
    return keys


def _described(entry: Entry, **remote: str) -> dict[str, Any]:
    """A started server, or the keys with which a host opens an address."""
    return {**remote} if entry.url else _started(entry)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _quoted(value: str | list[str]) -> str:
    """A string or a list of them, as JSON, TOML and YAML write it alike."""
    return json.dumps(value, ensure_ascii=False)


def _common(entry: Entry) -> str:
    return _json({"mcpServers": {NAME: _described(entry, url=entry.url)}})


def _windsurf(entry: Entry) -> str:
    return _json({"mcpServers": {NAME: _described(entry, serverUrl=entry.url)}})


def _cline(entry: Entry) -> str:
    return _json({"mcpServers": {NAME: _described(entry, type="streamableHttp", url=entry.url)}})


def _gemini(entry: Entry) -> str:
    return _json({"mcpServers": {NAME: _described(entry, httpUrl=entry.url)}})


def _copilot(entry: Entry) -> str:
    kind = {} if entry.url else {"type": "local"}
    keys = _described(entry, type="http", url=entry.url)
    return _json({"mcpServers": {NAME: {**kind, **keys, "tools": ["*"]}}})


def _zed(entry: Entry) -> str:
    return _json({"context_servers": {NAME: _described(entry, url=entry.url)}})


_INPUT = {"id": "hoopai-token", "type": "promptString", "description": "HoopAI token", "password": True}


def _vscode_server(entry: Entry) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What VS Code asks the user for, and the server."""
    if entry.url:
        return [], {"type": "http", "url": entry.url}
    server = {"type": "stdio", **_started(entry)}
    if TOKEN not in entry.variables:
        return [], server
    return [_INPUT], {**server, "env": {**entry.variables, TOKEN: f"${{input:{_INPUT['id']}}}"}}


def _vscode(entry: Entry) -> str:
    inputs, server = _vscode_server(entry)
    return _json({**({"inputs": inputs} if inputs else {}), "servers": {NAME: server}})


def _vscode_link(entry: Entry) -> str:
    inputs, server = _vscode_server(entry)
    asked = {"inputs": inputs} if inputs else {}
    return "vscode:mcp/install?" + quote(_compact({"name": NAME, **asked, **server}), safe="")


def _cursor_link(entry: Entry) -> str:
    config = _compact(_described(entry, url=entry.url))
    return f"cursor://anysphere.cursor-deeplink/mcp/install?{_named(config)}"


def _lmstudio_link(entry: Entry) -> str:
    return f"lmstudio://add_mcp?{_named(_compact(_described(entry, url=entry.url)))}"


def _named(config: str) -> str:
    return urlencode({"name": NAME, "config": base64.b64encode(config.encode()).decode()})


def _claude_code(entry: Entry) -> str:
    if entry.url:
        return shlex.join(["claude", "mcp", "add", "--transport", "http", NAME, entry.url])
    return _added("claude mcp add", entry)


def _added(program: str, entry: Entry) -> str:
    """A command line that adds the server, one part to a line."""
    lines = [f"{program} {NAME}"]
    lines += [f"--env {shlex.quote(f'{name}={value}')}" for name, value in entry.variables.items()]
    lines.append(f"-- {shlex.join(entry.line)}")
    return " \\\n  ".join(lines) if entry.variables else " ".join(lines)


def _codex(entry: Entry) -> str:
    lines = [f"[mcp_servers.{NAME}]"]
    if entry.url:
        return "\n".join([*lines, f"url = {_quoted(entry.url)}"])
    lines.append(f"command = {_quoted(entry.command)}")
    if entry.arguments:
        lines.append(f"args = {_quoted(list(entry.arguments))}")
    if entry.variables:
        pairs = ", ".join(f"{name} = {_quoted(value)}" for name, value in entry.variables.items())
        lines.append(f"env = {{ {pairs} }}")
    return "\n".join(lines)


def _goose(entry: Entry) -> str:
    lines = ["extensions:", f"  {NAME}:", "    enabled: true", f"    name: {NAME}", "    timeout: 300"]
    if entry.url:
        lines += ["    type: streamable_http", f"    uri: {_quoted(entry.url)}"]
        return "\n".join(lines)
    lines += ["    type: stdio", f"    cmd: {_quoted(entry.command)}"]
    lines.append(f"    args: {_quoted(list(entry.arguments))}")
    if entry.variables:
        lines.append("    envs:")
        lines += [f"      {name}: {_quoted(value)}" for name, value in entry.variables.items()]
    return "\n".join(lines)


_GOOSE_STARTS = frozenset({"uvx", "npx", "docker"})


def _goose_link(entry: Entry) -> str | None:
    if entry.command not in _GOOSE_STARTS:
        # By a link it starts only programs of a short list of its own.
        return None
    parts = [("cmd", entry.command), *(("arg", argument) for argument in entry.arguments)]
    parts += [("id", NAME), ("name", "HoopAI Products"), ("description", _DESCRIPTION)]
    parts += [("env", f"{name}={value}") for name, value in entry.variables.items()]
    return "goose://extension?" + urlencode(parts, quote_via=quote)


HOSTS: Mapping[str, Host] = {
    host.name: host
    for host in (
        Host(
            name="claude-desktop",
            title="Claude Desktop",
            language="json",
            place="`claude_desktop_config.json`, which Settings > Developer > Edit Config opens",
            configure=_common,
            remote=False,
        ),
        Host(
            name="claude-code",
            title="Claude Code",
            language="sh",
            place="a terminal, in the folder you work in; with `--scope user` it counts everywhere",
            configure=_claude_code,
        ),
        Host(
            name="cursor",
            title="Cursor",
            language="json",
            place="`~/.cursor/mcp.json`, or `.cursor/mcp.json` in one project",
            configure=_common,
            link=_cursor_link,
        ),
        Host(
            name="vscode",
            title="VS Code",
            language="json",
            place="`.vscode/mcp.json`, or the file that the command `MCP: Open User Configuration` opens",
            configure=_vscode,
            link=_vscode_link,
        ),
        Host(
            name="windsurf",
            title="Windsurf",
            language="json",
            place="`~/.codeium/windsurf/mcp_config.json`",
            configure=_windsurf,
        ),
        Host(
            name="codex",
            title="Codex",
            language="toml",
            place="`~/.codex/config.toml`",
            configure=_codex,
        ),
        Host(
            name="gemini",
            title="Gemini CLI",
            language="json",
            place="`~/.gemini/settings.json`, or `.gemini/settings.json` in one project",
            configure=_gemini,
        ),
        Host(
            name="copilot",
            title="GitHub Copilot CLI",
            language="json",
            place="`~/.copilot/mcp-config.json`",
            configure=_copilot,
        ),
        Host(
            name="zed",
            title="Zed",
            language="json",
            place="the settings file that the command `zed: open settings file` opens",
            configure=_zed,
        ),
        Host(
            name="cline",
            title="Cline",
            language="json",
            place="`cline_mcp_settings.json`, which MCP Servers > Configure opens",
            configure=_cline,
        ),
        Host(
            name="goose",
            title="goose",
            language="yaml",
            place="`~/.config/goose/config.yaml`",
            configure=_goose,
            link=_goose_link,
        ),
        Host(
            name="lmstudio",
            title="LM Studio",
            language="json",
            place="`mcp.json`, which Program > Install > Edit mcp.json opens",
            configure=_common,
            link=_lmstudio_link,
        ),
    )
}
"""The hosts by name, in the order in which they are listed."""
