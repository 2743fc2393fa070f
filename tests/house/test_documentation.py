"""What the documentation names is there: files, headings, and the tests that hold what it promises."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FOLDERS = ("server", "tools", "prompts", "guard", "products_api", "sandbox", "tests", "docs", "scripts")
SAFETY = ROOT / "docs" / "safety.md"

# As OWASP names them: https://owasp.org/www-project-mcp-top-10/
RISKS = (
    "MCP01 Token Mismanagement & Secret Exposure",
    "MCP02 Privilege Escalation via Scope Creep",
    "MCP03 Tool Poisoning",
    "MCP04 Software Supply Chain Attacks & Dependency Tampering",
    "MCP05 Command Injection & Execution",
    "MCP06 Intent Flow Subversion",
    "MCP07 Insufficient Authentication & Authorization",
    "MCP08 Lack of Audit and Telemetry",
    "MCP09 Shadow MCP Servers",
    "MCP10 Context Injection & Over-Sharing",
)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w/.-]*\.\w+)(?:::(\w+))?`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def text_of(document: Path) -> str:
    """A document without what it shows as code."""
    return FENCED.sub("", document.read_text("utf-8"))


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text_of(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def cases_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def rows() -> list[list[str]]:
    """The cells of the table of risks."""
    table = text_of(SAFETY).partition("| risk | control | test |\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[1:]]


def test_each_of_the_ten_risks_has_a_control_and_a_test() -> None:
    assert tuple(row[0] for row in rows()) == RISKS
    for _, control, tests in rows():
        assert control.endswith(".")
        named = tests.split(", ")
        assert [FILE.fullmatch(test) is None or "::" not in test for test in named] == [False] * len(named)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_and_test_that_a_document_names_exists(document: Path) -> None:
    missing: list[str] = []
    for name, test in FILE.findall(text_of(document)):
        path = ROOT / name
        if not path.is_file():
            missing.append(name)
        elif test and test not in cases_of(path):
            missing.append(f"{name}::{test}")
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_inside_of_the_documentation_leads_somewhere(document: Path) -> None:
    dead: list[str] = []
    for link in LINK.findall(text_of(document)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []
