"""What importing costs: a stdio server starts with every conversation."""

import subprocess
import sys


def loaded_after(statement: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter has loaded after the statement."""
    program = (
        f"{statement}\nimport sys\nprint(*({{'httpx', 'pydantic', 'msgspec', 'anyio'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_errors_and_the_table_of_operations_load_nothing_heavy() -> None:
    package = "hoopai_products_mcp.products_api"
    assert loaded_after(f"import {package}.errors, {package}.operations, {package}.credentials") == set()


def test_the_client_does_not_load_the_http_library_before_its_first_request() -> None:
    assert "httpx" not in loaded_after("import hoopai_products_mcp.products_api.client")
