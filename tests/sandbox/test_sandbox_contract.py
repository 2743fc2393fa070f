"""The contract is sound, carried out in full, and differs from the official file only where it says why."""

import json
import re
from pathlib import Path
from typing import Final

import pytest
from official_file import structure
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from hoopai_products_mcp.sandbox.answers import RefusalError
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.contract import contract_document, find_operation, operations
from hoopai_products_mcp.sandbox.operations import HANDLERS

OFFICIAL: Final = Path(__file__).parents[3] / "shared" / "api" / "products.openapi.json"

# Each pattern covers lines that are in one document only: `-` in the official file, `+` in ours.
DIFFERENCES: Final = {
    r"\+ POST /products/bulk-update/inventory ": "described on HoopAI's help pages only",
    r"\+ GET /products/collections/\{collectionId\}/products ": "named on HoopAI's help pages only",
    r"[-+] PUT /products/\{productId\} body\.(name|productType) (required|optional)": (
        "live callers leave them out and it works"
    ),
    r"[-+] (POST|PUT) /products/(\{productId\})? ?body\.medias\[\]\.priceIds\[\]": (
        "officially a list of lists with a string as the example; callers send ids"
    ),
    r"\+ POST /products/bulk-update/edit body\.products\[\]\.(label|medias|taxes\[\])": (
        "officially an object without keys"
    ),
    r"\+ POST /products/bulk-update/edit scopes products\.write": "officially it has no security at all",
    r"\+ (POST|PUT) /products/collections(/\{collectionId\})? body\.(type|rules|productIds|rule\w+|stats)": (
        "these keys are on HoopAI's help pages only"
    ),
    r"[-+] POST /products/reviews/bulk-update body\.status: ": "officially an object whose example is a word",
    r"[-+] POST /products/store/\{storeId\}/priority body\.products\[\]": "officially a list of lists",
    r"[-+] \S+ /products/\S* ?20[01]\.(products\[\]\.)?taxes\[\]: ": "`expand=tax` turns ids into objects",
    r"\+ \S+ /products/\S* ?20[01]\.(products\[\]\.)?(medias|seo|userId|isLabelEnabled|isFeatured|taxInclusive)\b": (
        "formerly documented, or seen by callers"
    ),
    r"\+ \S+ /products/\{productId\}/price\S* 20[01]\.(prices\[\]\.)?(sku|shippingOptions|description|trialPeriod"
    r"|totalCycles|setupFee|isDigitalProduct|digitalDelivery|meta)\b": "callers read back what they sent",
    r"\+ DELETE /products/\S+ 200\.message": "one schema serves all status answers",
    r"[-+] GET /products/collections 200\.data\[\]": "officially a list of lists",
    r"\+ GET /products/collections/\{collectionId\} 200\.data\.": "officially an object without keys",
    r"[-+] POST /products/collections 201\.data\.(image|seo) (required|optional)": "a collection may lack them",
    r"\+ POST /products/collections 201\.data\.(type|rules|rule\w+|stats)": "on HoopAI's help pages only",
    r"\+ GET /products/inventory 200\.total\.total": "officially an object whose key is in its example only",
    r"[-+] GET /products/reviews(/count)? 200\.data\[\]": "officially a list of lists",
}


def test_the_contract_is_a_valid_openapi_document() -> None:
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(contract_document())] == []


def test_all_29_operations_are_in_the_contract_and_carried_out() -> None:
    assert len(operations()) == 29
    assert {operation.id for operation in operations()} == set(HANDLERS)


def test_every_operation_documents_every_refusal() -> None:
    statuses = {operation.name: set(operation.answers) - {200, 201} for operation in operations()}
    assert statuses == {operation.name: {400, 401, 403, 404, 422, 429} for operation in operations()}


def test_every_request_body_is_closed() -> None:
    document = contract_document()
    schemas = document["components"]["schemas"]
    bodies = [
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for item in document["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
    ]
    assert [schemas[name]["additionalProperties"] for name in bodies] == [False] * 14


def test_what_no_official_source_settles_is_marked_with_evidence() -> None:
    document = contract_document()
    open_questions = [
        document["paths"]["/products/bulk-update/inventory"]["post"],
        document["paths"]["/products/collections/{collectionId}/products"]["get"],
        document["paths"]["/products/store/{storeId}/priority"]["post"],
        document["paths"]["/products/reviews"]["get"],
        document["paths"]["/products/reviews/count"]["get"],
        document["components"]["schemas"]["ReviewStatus"],
        document["components"]["parameters"]["Limit"],
    ]
    assert all(len(question["x-evidence"]) > 40 for question in open_questions)


def test_a_refusal_with_an_undocumented_status_is_a_violation() -> None:
    sandbox = sandbox_of(create_app(shop="empty"))
    reply = sandbox.refuse(RefusalError(418, "I am a teapot"), find_operation("GET", ["products", ""]))
    assert (reply.status, sandbox.violations) == (500, ["GET /products/: status 418 is not in the contract"])


@pytest.mark.parametrize(("status", "has_body"), [(200, True), (401, False)])
def test_a_body_the_contract_does_not_expect_is_a_violation(status: int, has_body: bool) -> None:
    operation = find_operation("POST", ["products", "store", "s", "priority"])
    assert operation is not None
    problems = operation.answer_problems(status, None, has_body=has_body)
    assert problems == [
        f"POST /products/store/{{storeId}}/priority: status {status} and the contract disagree about a body"
    ]


def test_the_contract_differs_from_the_official_file_only_as_listed() -> None:
    if not OFFICIAL.exists():
        pytest.skip("the official OpenAPI file is not beside the repository")
    official = structure(json.loads(OFFICIAL.read_text(encoding="utf-8")))
    ours = structure(contract_document())
    lines = [f"- {line}" for line in official - ours] + [f"+ {line}" for line in ours - official]
    unexplained = sorted(
        line for line in lines if not any(re.match(pattern, line) for pattern in DIFFERENCES)
    )
    outdated = [pattern for pattern in DIFFERENCES if not any(re.match(pattern, line) for line in lines)]
    assert (unexplained, outdated) == ([], [])
