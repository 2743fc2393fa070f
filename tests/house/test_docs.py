"""The documentation: its links lead somewhere, and what it shows is generated or works."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

import docs
from hoopai_products_mcp.server.cli import main
from hoopai_products_mcp.server.hosts import HOSTS, Entry

ROOT = Path(__file__).resolve().parents[2]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|\bhref=\"([^\"]+)\"")


def pages() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [ROOT / name for name in listed.stdout.split("\0") if name and not name.startswith("prompts/")]
    return [path for path in found if path.is_file()]


def prose(path: Path) -> str:
    """A page without its code."""
    return re.sub(r"`[^`\n]*`", "", FENCED.sub("", path.read_text("utf-8")))


def anchors(path: Path) -> set[str]:
    """The names by which headings are linked to, as GitHub makes them."""
    found: dict[str, int] = {}
    names: set[str] = set()
    for title in re.findall(r"^#{1,6} +(.+?) *$", FENCED.sub("", path.read_text("utf-8")), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        number = found.get(name, 0)
        found[name] = number + 1
        names.add(f"{name}-{number}" if number else name)
    return names


def links(path: Path) -> Iterator[str]:
    for markdown, html in LINK.findall(prose(path)):
        yield markdown or html


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(path: Path) -> None:
    broken: list[str] = []
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (path.parent / name).resolve() if name else path
        inside = target.is_relative_to(ROOT) and target.exists()
        if not inside or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_out_of_the_project_is_encrypted(path: Path) -> None:
    schemes = {link.partition(":")[0] for link in links(path) if re.match(r"[a-z]+:", link)}
    assert schemes <= {"https", "mailto"}


def test_a_page_that_nobody_links_to_is_found() -> None:
    """Every page of docs/ can be reached from the README."""
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        local = (unquote(link).partition("#")[0] for link in links(page) if not re.match(r"[a-z]+:", link))
        waiting += [(page.parent / name).resolve() for name in local if name]
    assert set(ROOT.glob("docs/*.md")) - reached == set()


def written_by_hand(name: str) -> str:
    """A page without its generated parts."""
    text = (ROOT / name).read_text("utf-8")
    for part in docs.DOCUMENTS.get(name, {}):
        before, _, rest = text.partition(f"<!-- {part}:begin -->")
        text = before + rest.partition(f"<!-- {part}:end -->")[2]
    return text


CONFIGURING = ["README.md", *(f"docs/{path.name}" for path in sorted(ROOT.glob("docs/*.md")))]


@pytest.mark.parametrize("name", CONFIGURING)
def test_every_configuration_of_a_host_is_generated(name: str) -> None:
    shown = [
        text
        for language, text in FENCED.findall(written_by_hand(name))
        if language in {"json", "toml", "yaml"} and "hoopai-products" in text
    ]
    assert shown == []


def commands() -> list[str]:
    """Every way in which the pages call `config`, in code and in sentences."""
    found: set[str] = set()
    for name in CONFIGURING:
        text = (ROOT / name).read_text("utf-8")
        found |= set(re.findall(r"`(hoopai-products-mcp config [^`]+)`", text))
        for _, block in FENCED.findall(text):
            found |= {line.strip() for line in block.splitlines() if "hoopai-products-mcp config " in line}
    return sorted(found)


@pytest.mark.parametrize("command", commands())
def test_every_way_in_which_the_pages_print_a_configuration_works(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("HOOPAI_")]:
        monkeypatch.delenv(name)
    assert main(shlex.split(command.replace("HOST", "cursor"))[1:]) == 0
    assert capsys.readouterr().out


def test_the_address_in_the_readme_is_what_a_host_is_told() -> None:
    told = HOSTS["claude-code"].configure(Entry(url="http://127.0.0.1:8000/mcp"))
    assert f"\n{told}\n" in (ROOT / "README.md").read_text("utf-8")


def test_the_program_in_the_readme_runs(tmp_path: Path) -> None:
    (program,) = [
        text
        for language, text in FENCED.findall((ROOT / "README.md").read_text("utf-8"))
        if language == "python"
    ]
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOOPAI_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=inherited | {"PATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Storm lantern" in done.stdout
