"""Schemathesis asks all the contract allows, and much that it does not, of the sandbox.

Each generated request is sent twice: as generated, which mostly ends at a location or an id that does not
exist, and with real ids put in, which reaches the shop. No answer may be a 5xx or undocumented.
"""

# Schemathesis declares its cases with type parameters that it leaves open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeArgument=false

from typing import Any, Final, cast

import anyio
import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from sandbox_api import HEADERS, clock
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.contract import contract_document
from hoopai_products_mcp.sandbox.identity import BASE_URL, LOCATION_ID, ONLINE_STORE_ID
from hoopai_products_mcp.sandbox.transport import SandboxTransport

JsonObject = dict[str, Any]

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS: Final = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(contract_document()).get_all_operations()
    if isinstance(found, Ok)
}

SHOP: Final = sandbox_of(create_app()).dump()
PRICE: Final = SHOP["prices"][3]
REVIEW: Final = next(review for review in SHOP["reviews"] if review["productId"] == PRICE["product"])
REAL: Final[JsonObject] = {
    "productId": PRICE["product"],
    "priceId": PRICE["_id"],
    "storeId": REVIEW["storeId"],
    "collectionId": SHOP["collections"][0]["_id"],
    "reviewId": REVIEW["_id"],
    "locationId": LOCATION_ID,
    "altId": LOCATION_ID,
    "productIds": [PRICE["product"], SHOP["products"][9]["_id"]],
    "priceIds": [PRICE["_id"]],
}


def test_there_is_a_real_id_for_every_name() -> None:
    assert REVIEW["storeId"] == ONLINE_STORE_ID
    assert len(OPERATIONS) == 29


def with_real_ids(value: Any) -> Any:
    """The same body with the ids of things that exist, where it has ids."""
    if isinstance(value, list):
        return [with_real_ids(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    changed = {key: with_real_ids(item) for key, item in cast("JsonObject", value).items()}
    changed |= {key: REAL[key] for key in changed if key in REAL and key != "collectionId"}
    if "_id" in changed:
        changed["_id"] = REAL["productId" if "prices" in changed else "priceId"]
    return changed


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["kept", "broken"])
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_documented(label: str, mode: GenerationMode) -> None:
    operation = OPERATIONS[label]
    app = create_app(rate_limit=0, clock=clock)

    async def ask(case: schemathesis.Case) -> None:
        async with httpx.AsyncClient(transport=SandboxTransport(app), trust_env=False) as client:
            for real in (False, True):
                if real:
                    case.path_parameters = {key: REAL[key] for key in case.path_parameters}
                    case.query = {key: REAL.get(key, value) for key, value in (case.query or {}).items()}
                    case.body = with_real_ids(case.body)
                sent = case.as_transport_kwargs(base_url=BASE_URL)
                headers = httpx.Headers(sent["headers"], encoding="latin-1")
                if real:
                    headers.update(HEADERS)
                response = await client.request(
                    sent["method"],
                    sent["url"],
                    params=sent["params"],
                    headers=headers,
                    json=sent.get("json"),
                    content=sent.get("data"),
                )
                case.validate_response(response, checks=CHECKS)

    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def every_case(case: schemathesis.Case) -> None:
        anyio.run(ask, case)

    every_case()
    assert sandbox_of(app).violations == []
    answered = {received.status for received in sandbox_of(app).requests}
    assert mode is GenerationMode.NEGATIVE or answered & {200, 201}
