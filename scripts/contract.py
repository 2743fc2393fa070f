"""Compare what the server offers with the contract of its last release, and write the difference into CHANGELOG.md.

`conformance/contract.json` is the contract: tools, prompts, resources and instructions as a client was shown them.
The differences stand between two comments under [Unreleased], each as patch, minor or breaking. `--check` writes
nothing and fails where the file is stale, or the version too low for what has changed; `--release` makes what the
server offers now the contract of the version in pyproject.toml.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
from contract_rules import Change, Level, contract_changes
from mcp.client import Client
from packaging.version import Version
from pydantic import BaseModel

from hoopai_products_mcp.server.app import build_server
from hoopai_products_mcp.server.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "conformance" / "contract.json"
CHANGELOG = ROOT / "CHANGELOG.md"
BEGIN, END = "<!-- contract:begin -->", "<!-- contract:end -->"


def version() -> str:
    """The version in pyproject.toml."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])


async def snapshot() -> dict[str, Any]:
    """What a client is shown by a server that offers everything."""
    async with Client(build_server(Settings(sandbox=True))) as client:
        tools = (await client.list_tools()).tools
        prompts = (await client.list_prompts()).prompts
        resources = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
        server, instructions = client.server_info, client.instructions
    if server is None:
        raise RuntimeError("the server did not say what it is called")
    return {
        "version": version(),
        "name": server.name,
        "title": server.title,
        "instructions": instructions,
        "tools": {tool.name: _plain(tool, "name") for tool in tools},
        "prompts": {
            prompt.name: _plain(prompt, "name")
            | {"arguments": {each.name: _plain(each, "name") for each in prompt.arguments or ()}}
            for prompt in prompts
        },
        "resources": {str(resource.uri): _plain(resource, "uri", "size") for resource in resources},
        "templates": {template.uri_template: _plain(template, "uriTemplate") for template in templates},
    }


def _plain(thing: BaseModel, *left_out: str) -> dict[str, Any]:
    shown = thing.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {key: value for key, value in shown.items() if key not in left_out}


def next_version(released: Version, level: Level | None) -> Version:
    """The lowest version that may follow: below 1.0.0 the second number stands for the first."""
    major, minor, patch = released.major, released.minor, released.micro
    if level is None:
        return released
    if level is Level.BREAKING:
        return Version(f"{major + 1}.0.0" if major else f"0.{minor + 1}.0")
    if level is Level.MINOR and major:
        return Version(f"{major}.{minor + 1}.0")
    return Version(f"{major}.{minor}.{patch + 1}")


def report(released: str, found: list[Change]) -> Iterator[str]:
    """What the CHANGELOG says of the differences."""
    if not found:
        yield f"None since {released}."
        return
    level = max(change.level for change in found)
    yield (
        f"Since {released} the contract has a **{level.name.lower()}** change: "
        f"the next version is {next_version(Version(released), level)} or higher."
    )
    yield ""
    for change in found:
        yield f"- {change.level.name.lower()}: {change.where} {change.what}"


def with_report(text: str, lines: Iterator[str]) -> str:
    """The CHANGELOG with the report between its comments.

    Raises:
        ValueError: the comments are not there once each, under [Unreleased].
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"CHANGELOG.md needs one {BEGIN} and, below it, one {END}")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    if before.rpartition("\n## ")[2].partition("\n")[0] != "[Unreleased]":
        raise ValueError(f"CHANGELOG.md must have {BEGIN} under [Unreleased]")
    return "\n".join((before + BEGIN, "", *lines, "", END + after))


def problems(contract: dict[str, Any], found: list[Change], changelog: str) -> Iterator[str]:
    """What is wrong with the CHANGELOG and the version, for this contract and these differences."""
    released = contract["version"]
    try:
        wanted = with_report(changelog, report(released, found))
    except ValueError as error:
        yield str(error)
    else:
        if wanted != changelog:
            yield "CHANGELOG.md does not say how the contract has changed: run `make contract` and commit it."
    lowest = next_version(Version(released), max((change.level for change in found), default=None))
    if Version(released) != Version(version()) < lowest:
        yield f"The version is {version()}, but what has changed since {released} asks for {lowest} or higher."


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something is stale")
    parser.add_argument("--release", action="store_true", help="make this the contract of the version")
    options = parser.parse_args()
    present = anyio.run(snapshot)
    if options.release:
        CONTRACT.write_text(json.dumps(present, indent=1, ensure_ascii=False) + "\n", "utf-8")
    contract: dict[str, Any] = json.loads(CONTRACT.read_text("utf-8"))
    found = contract_changes(contract, present)
    for line in report(contract["version"], found):
        print(line)
    changelog = CHANGELOG.read_text("utf-8")
    if options.check:
        wrong = list(problems(contract, found, changelog))
        print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
        return bool(wrong)
    CHANGELOG.write_text(with_report(changelog, report(contract["version"], found)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
