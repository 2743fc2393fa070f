"""Pack the `.mcpb` bundle: the server as one file that a desktop assistant installs with a click.

The host runs it through uv, which fetches the Python and the packages it needs, in the versions of requirements.lock.
The manifest follows from pyproject.toml, the model of the settings and the definitions of the tools. What is packed is
built again as a user's machine would, and compared with the package.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

from lock import RUN_LOCK, pins
from programs import NODE_MODULES, FailedCheckError, must_pass, node, run
from registry import DESCRIPTION, TITLE, input_format, meaning, project

from hoopai_products_mcp.server.settings import SECRETS, Settings, rows, variable
from hoopai_products_mcp.tools.registration import definitions

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "dist"
MCPB = NODE_MODULES / "@anthropic-ai" / "mcpb" / "dist" / "cli" / "cli.js"

ASKED: dict[str, str] = {
    "access_token": "HoopAI token",
    "location_id": "Location id",
    "sandbox": "Try it on an invented shop",
    "read_only": "Read only",
    "toolsets": "Groups of tools",
    "confirmation": "How to confirm",
    "confirm_writes": "What to confirm",
    "policy_file": "The shop's limits",
}
"""The settings that a person at a desktop is asked for, with their titles."""
LONG_DESCRIPTION = """\
Ask what you are selling, what is low on stock, what customers say; have listings drafted, prices raised, sales run, \
collections sorted, reviews moderated. Whatever deletes, hides, rejects or changes several things at once is shown to \
you first and runs only after your yes.

It needs the token of a Private Integration of your sub-account and the sub-account's location id. To look around \
first, leave both empty and turn on the invented shop."""


def manifest() -> dict[str, Any]:
    """The manifest."""
    facts = project()
    environment = {variable(name): f"${{user_config.{name}}}" for name in ASKED}
    run_it = ["run", "--directory", "${__dirname}", "--no-dev", "--extra", "sandbox", facts["name"]]
    return {
        "manifest_version": "0.4",
        "name": facts["name"],
        "display_name": TITLE,
        "version": facts["version"],
        "description": DESCRIPTION,
        "long_description": LONG_DESCRIPTION,
        "author": {"name": f"The {facts['name']} authors"},
        "server": {
            "type": "uv",
            "entry_point": "server/cli.py",
            "mcp_config": {"command": "uv", "args": run_it, "env": environment},
        },
        "tools": [{"name": tool["name"], "description": tool["title"]} for tool in definitions()],
        "prompts_generated": True,
        "keywords": facts["keywords"],
        "license": facts["license"],
        "compatibility": {
            "platforms": ["darwin", "win32", "linux"],
            "runtimes": {"python": facts["requires-python"]},
        },
        "user_config": {name: _option(name, title) for name, title in ASKED.items()},
    }


def _option(name: str, title: str) -> dict[str, Any]:
    field = Settings.model_fields[name]
    (row,) = [row for row in rows() if row.variable == variable(name)]
    kinds = {"boolean": "boolean", "filepath": "file"}
    option: dict[str, Any] = {
        "type": kinds.get(input_format(field.annotation), "string"),
        "title": title,
        "description": meaning(row),
        # Nothing is required, or the invented shop could not be tried. What has no value must be empty and not absent:
        # hosts hand the server the name of an absent one in its place.
        "required": False,
        "default": field.default if isinstance(field.default, bool) else row.default,
    }
    return option | ({"sensitive": True} if name in SECRETS else {})


def fill(folder: Path) -> None:
    """Write what the bundle holds: the sources of the package, what builds them, and the manifest."""
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    setup = facts["tool"]["setuptools"]
    data: dict[str, list[str]] = setup["package-data"]
    for package in setup["packages"]:
        place = Path(*package.split(".")[1:])
        (folder / place).mkdir(parents=True)
        for pattern in ("*.py", *data.get(package, ())):
            for path in (ROOT / place).glob(pattern):
                shutil.copy(path, folder / place / path.name)
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    locked = [f"{name}=={version}" for name, version in sorted(pins(RUN_LOCK).items())]
    project_file = (ROOT / "pyproject.toml").read_text("utf-8")
    # JSON writes a list of strings as TOML does.
    project_file += f"\n[tool.uv]\nconstraint-dependencies = {json.dumps(locked, indent=4)}\n"
    (folder / "pyproject.toml").write_text(project_file, "utf-8")
    (folder / "manifest.json").write_text(json.dumps(manifest(), indent=2) + "\n", "utf-8")


def pack(out: Path) -> Path:
    """Validate and pack the bundle into a folder; the file."""
    facts = project()
    target = out / f"{facts['name']}-{facts['version']}.mcpb"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        folder.mkdir()
        fill(folder)
        must_pass(run([node(), MCPB, "validate", folder / "manifest.json"]))
        out.mkdir(exist_ok=True)
        must_pass(run([node(), MCPB, "pack", folder, target]))
    return target


def wheel_names(source: Path, folder: Path) -> set[str]:
    """The files of the wheel that is built from a folder of sources."""
    building = (sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation")
    subprocess.run([*building, "-w", str(folder), str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def compare(bundle: Path) -> int:
    """How many files the package has; what is packed must build the same.

    Raises:
        FailedCheckError: it does not.
    """
    with tempfile.TemporaryDirectory() as scratch:
        unpacked, copied = Path(scratch, "unpacked"), Path(scratch, "copied")
        with zipfile.ZipFile(bundle) as packed:
            packed.extractall(unpacked)
        ignored = shutil.ignore_patterns(
            ".*", "build", "dist", "node_modules", "*.egg-info", "tests", "__pycache__"
        )
        shutil.copytree(ROOT, copied, ignore=ignored)
        wheels = [Path(scratch, name) for name in ("one", "other")]
        for folder in wheels:
            folder.mkdir()
        packed_names, names = wheel_names(unpacked, wheels[0]), wheel_names(copied, wheels[1])
    if packed_names != names:
        raise FailedCheckError(f"the bundle builds another package: {sorted(packed_names ^ names)}")
    return len(names)


def main() -> int:
    """Run the script and return its exit code."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    try:
        bundle = pack(OUT)
        files = compare(bundle)
    except FailedCheckError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{bundle.relative_to(ROOT)}: {bundle.stat().st_size // 1024} KB, {files} files in its package")
    return 0


if __name__ == "__main__":
    sys.exit(main())
