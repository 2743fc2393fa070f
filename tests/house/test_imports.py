"""Imports run downwards only: server, then tools and prompts, then guard, then products_api."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "hoopai_products_mcp"

MAY_IMPORT = {
    "server": {"tools", "prompts", "guard", "products_api", "sandbox"},
    "tools": {"guard", "products_api"},
    "prompts": {"guard", "products_api"},
    "guard": {"products_api"},
    "products_api": set[str](),
    "sandbox": set[str](),
}


def modules() -> Iterator[Path]:
    for folder in MAY_IMPORT:
        yield from sorted((ROOT / folder).rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join((PACKAGE, *(parts[:-1] if parts[-1] == "__init__" else parts)))


def imports(path: Path, *, for_types: bool = True) -> Iterator[str]:
    """Every name that a module imports, in full: `package.module` or `package.module.name`.

    `for_types=False` leaves out what only the type checker sees.
    """
    package = (PACKAGE, *path.relative_to(ROOT).parent.parts)
    tree = ast.parse(path.read_text("utf-8"))
    unseen = {
        inner
        for node in ast.walk(tree)
        if not for_types and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            origin = ".".join((*above, *((node.module,) if node.module else ())))
            yield from (f"{origin}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_from_floors_below_it(folder: str) -> None:
    upwards = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / folder).rglob("*.py")
        for name in imports(path)
        if name.startswith(f"{PACKAGE}.") and name.split(".")[1] not in MAY_IMPORT[folder] | {folder}
    }
    assert upwards == set()


def test_no_module_imports_itself_by_a_roundabout_way() -> None:
    known = {dotted(path) for path in modules()}
    graph = {
        dotted(path): {
            target
            for name in imports(path)
            for target in (name, name.rpartition(".")[0])
            if target in known and target != dotted(path)
        }
        for path in modules()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' <- '.join(error.args[1])}")


def test_own_folders_are_imported_relatively() -> None:
    absolute = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").startswith(PACKAGE))
        or (isinstance(node, ast.Import) and any(alias.name.startswith(PACKAGE) for alias in node.names))
    }
    assert absolute == set()


def test_one_module_of_the_client_knows_the_http_library() -> None:
    """Others may name its transport in a type, without importing it."""
    knowing = [
        path.relative_to(ROOT)
        for path in modules()
        if path.relative_to(ROOT).parts[0] != "sandbox"
        and any(name.split(".")[0] == "httpx" for name in imports(path, for_types=False))
    ]
    assert [path.parts[0] for path in knowing] == ["products_api"], knowing


def test_the_client_knows_nothing_of_the_protocol() -> None:
    knowing = {
        f"{path.relative_to(ROOT)} imports {name}"
        for folder in ("products_api", "sandbox")
        for path in (ROOT / folder).rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] in {"mcp", "mcp_types"}
    }
    assert knowing == set()


STARTS_PROGRAMS = {"subprocess", "pty", "multiprocessing", "ctypes", "runpy", "code", "pickle", "marshal"}
RUNS_TEXT = {"eval", "exec", "compile", "__import__"}
OF_THE_SYSTEM = ("system", "popen", "exec", "spawn", "fork", "posix_spawn")


def test_nothing_that_a_call_reaches_starts_a_program_or_runs_text() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for folder in ("tools", "prompts", "guard", "products_api")
        for path in (ROOT / folder).rglob("*.py")
        for name in _of_programs(path)
    }
    assert found == set()


def _of_programs(path: Path) -> Iterator[str]:
    yield from (name for name in imports(path) if name.split(".")[0] in STARTS_PROGRAMS)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RUNS_TEXT:
            yield node.func.id
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os":
            yield from (f"os.{node.attr}" for name in OF_THE_SYSTEM if node.attr.startswith(name))


def test_packages_hold_no_code() -> None:
    assert {p.relative_to(ROOT): p.read_text("utf-8") for p in modules() if p.name == "__init__.py"} == {
        Path(folder, "__init__.py"): "" for folder in MAY_IMPORT
    }
