"""What is published besides the package: the registry's entry, the desktop bundle, the container."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import bundle
import pytest
import registry
from http_server import free_port, serving

from hoopai_products_mcp.server.settings import Settings
from hoopai_products_mcp.tools.registration import definitions

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
VERSION: str = PROJECT["project"]["version"]


def test_the_registrys_entry_is_what_the_project_says() -> None:
    assert json.loads((DEPLOY / "server.json").read_text("utf-8")) == registry.entry()


def test_the_registrys_entry_keeps_the_rules_of_the_registry() -> None:
    entry = registry.entry()
    assert entry["$schema"] == "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    # A domain the wrong way round, one slash, a name.
    assert re.fullmatch(r"[a-z]{2,}(\.[a-z0-9-]+)+/[a-z0-9][a-z0-9._-]*[a-z0-9]", entry["name"])
    assert 1 <= len(entry["description"]) <= 100
    assert 1 <= len(entry["title"]) <= 100
    assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])
    (package,) = entry["packages"]
    assert (package["registryType"], package["identifier"]) == ("pypi", PROJECT["project"]["name"])
    assert package["version"] == entry["version"] == VERSION
    assert package["transport"] == {"type": "stdio"}
    for said in package["environmentVariables"]:
        assert said["format"] in {"string", "number", "boolean", "filepath"}
        assert isinstance(said.get("default", ""), str)
        assert said.get("default", "") in said.get("choices", [said.get("default", "")])


def test_the_registrys_entry_asks_for_what_is_needed_and_hides_what_is_secret() -> None:
    (package,) = registry.entry()["packages"]
    said = {each["name"]: each for each in package["environmentVariables"]}
    assert {name for name, each in said.items() if each["isRequired"]} == {
        "HOOPAI_ACCESS_TOKEN",
        "HOOPAI_LOCATION_ID",
    }
    assert {name for name, each in said.items() if each["isSecret"]} == {
        "HOOPAI_ACCESS_TOKEN",
        "HOOPAI_CLIENT_SECRET",
        "HOOPAI_DATABASE_URL",
        "HOOPAI_HTTP_KEYS",
    }


def test_the_package_and_the_container_say_which_server_they_are() -> None:
    """By this the registry believes that the publisher of the entry is that of the package."""
    assert f"mcp-name: {registry.NAME} " in (ROOT / "README.md").read_text("utf-8")
    label = f'LABEL io.modelcontextprotocol.server.name="{registry.NAME}"'
    assert label in (DEPLOY / "Dockerfile").read_text("utf-8")


def handed_over(manifest: dict[str, Any], chosen: dict[str, Any]) -> dict[str, str]:
    """The variables that a host starts the server with, when somebody has chosen these values."""
    options = manifest["user_config"]
    values = {name: option["default"] for name, option in options.items()} | chosen
    said = {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}
    return {
        key: re.sub(r"\$\{user_config\.(\w+)\}", lambda match: said[match[1]], text)
        for key, text in manifest["server"]["mcp_config"]["env"].items()
    }


def test_a_bundle_in_which_nothing_was_chosen_starts_the_server_with_its_defaults() -> None:
    assert Settings.read(handed_over(bundle.manifest(), {}), {}) == Settings()


def test_what_is_chosen_for_a_bundle_is_what_the_server_reads() -> None:
    chosen = {"access_token": "pit-1", "location_id": "loc1", "read_only": True, "toolsets": "store,reviews"}
    settings = Settings.read(handed_over(bundle.manifest(), chosen), {})
    assert settings.access_token is not None
    assert settings.access_token.get_secret_value() == "pit-1"
    assert (settings.location_id, settings.read_only, settings.sandbox) == ("loc1", True, False)
    assert settings.toolsets == ("store", "reviews")


def test_the_token_is_the_one_secret_of_a_bundle() -> None:
    options = bundle.manifest()["user_config"]
    assert {name for name, option in options.items() if option.get("sensitive")} == {"access_token"}
    assert set(options) <= set(Settings.model_fields)


def test_a_bundle_names_the_tools_that_are_offered() -> None:
    assert [tool["name"] for tool in bundle.manifest()["tools"]] == [tool["name"] for tool in definitions()]


def test_a_bundle_holds_every_file_of_the_package_and_no_other(tmp_path: Path) -> None:
    bundle.fill(tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    folders = {package.split(".")[1] for package in PROJECT["tool"]["setuptools"]["packages"]}
    sources = {str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*.py")}
    assert sources <= found
    extra = found - sources - {"manifest.json", "pyproject.toml", "README.md", "LICENSE"}
    assert {Path(name).suffix for name in extra} <= {".json", ".yaml", ".md", ".typed"}


def test_a_bundle_pins_what_the_lock_file_pins(tmp_path: Path) -> None:
    bundle.fill(tmp_path)
    pinned = tomllib.loads((tmp_path / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]
    lock = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    names = [re.sub(r"\[.*?\]", "", line.split(" ")[0]).lower() for line in lock if line[:1].isalnum()]
    assert sorted(pinned["constraint-dependencies"]) == sorted(names)


def test_the_container_holds_every_folder_of_the_package() -> None:
    folders = {package.split(".")[1] for package in PROJECT["tool"]["setuptools"]["packages"]}
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert folders == set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE))
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert folders <= {line.removeprefix("!") for line in let_in if line.startswith("!")}


def test_the_container_runs_as_nobody_of_importance() -> None:
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()
    users = [line for line in lines if line.startswith("USER ")]
    assert users == ["USER 10001"]
    assert lines.index(users[-1]) < lines.index('ENTRYPOINT ["hoopai-products-mcp"]')


def health(**variables: str) -> int:
    """The exit code of the container's health check."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HOOPAI_")}
    return subprocess.run(
        [sys.executable, DEPLOY / "healthcheck.py"], env=environment | variables, check=False, timeout=60
    ).returncode


def test_the_container_is_healthy_while_its_server_answers_whatever_proxy_there_is() -> None:
    port = free_port()
    command = (sys.executable, "-m", "hoopai_products_mcp.server.cli", "--sandbox", "--transport=http")
    variables = {
        "HOOPAI_TRANSPORT": "http",
        "HOOPAI_PORT": str(port),
        "http_proxy": "http://127.0.0.1:9",
    }
    with serving(*command, f"--port={port}", port=port):
        assert health(**variables) == 0
    assert health(**variables) == 1


@pytest.mark.parametrize("variables", [{}, {"HOOPAI_TRANSPORT": "stdio"}])
def test_over_stdio_there_is_nothing_to_ask(variables: dict[str, str]) -> None:
    assert health(**variables) == 0
