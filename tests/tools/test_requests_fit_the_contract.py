"""Whatever a tool's schema allows becomes requests that the contract allows, or is refused in words."""

from collections.abc import Generator
from typing import Any

import pytest
from arguments_that_fit import Fitting
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop_session import text_of
from steady_session import SteadySession, steady_session

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.tools.registration import definitions

FITTING = Fitting(sandbox_of(create_app()).dump())
CLASHES = (
    "slug already exists",
    "label should not be empty when isLabelEnabled is true",
    "taxes should not be empty when isTaxesEnabled is true",
)
"""What no contract of single requests can tell: it depends on what the shop holds."""


@pytest.fixture(scope="module")
def shop() -> Generator[SteadySession]:
    with steady_session(settings={"confirmation": "off"}) as session:
        yield session


@pytest.mark.parametrize("definition", definitions(), ids=lambda definition: definition["name"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_the_schema_allows_becomes_requests_that_the_contract_allows(
    shop: SteadySession, definition: dict[str, Any], data: st.DataObject
) -> None:
    arguments = data.draw(FITTING.arguments(definition["inputSchema"]))
    shop.session.sandbox.requests.clear()
    result = shop.result(definition["name"], arguments)
    said = text_of(result)
    answered = [(received.line, received.status) for received in shop.session.sandbox.requests]
    if shop.session.writes():
        shop.fresh()
    wrong = [(line, status) for line, status in answered if status is None or status == 404 or status >= 422]
    assert not wrong or any(clash in said for clash in CLASHES), (wrong, said)
    if result.is_error:
        for inside in (
            "Traceback",
            "Error executing",
            "fault in this server",
            "pydantic",
            "validation error",
        ):
            assert inside not in said
