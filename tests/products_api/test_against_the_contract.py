"""The request models have the fields of the sandbox's contract, which was written independently, and no others."""

from importlib.resources import files
from typing import Any, cast

import pytest
import yaml
from pydantic import BaseModel

from hoopai_products_mcp.products_api import models
from hoopai_products_mcp.products_api.operations import OPERATIONS

LOCATION = {"locationId"}
ALT = {"altId", "altType"}
# Read like fields the server keeps for itself; described nowhere, so never sent.
SERVER_MANAGED = {"ruleHash", "ruleVersion", "stats"}

PAIRS: list[tuple[type[BaseModel], str, set[str]]] = [
    (models.NewProduct, "CreateProduct", LOCATION),
    (models.ProductChanges, "UpdateProduct", LOCATION),
    (models.NewPrice, "WritePrice", LOCATION),
    (models.PriceChanges, "WritePrice", LOCATION),
    (models.ProductEdit, "BulkEditProduct", set()),
    (models.PriceEdit, "BulkEditPrice", set()),
    (models.BulkInventoryChange, "BulkInventory", ALT),
    (models.NewCollection, "CreateCollection", ALT | SERVER_MANAGED),
    (models.CollectionChanges, "UpdateCollection", ALT | SERVER_MANAGED),
    (models.ReviewUpdate, "UpdateReview", ALT),
    (models.ReviewReplyInput, "Reply", set()),
    (models.ReviewAuthorInput, "Reviewer", set()),
    (models.MediaInput, "Media", set()),
    (models.VariantInput, "Variant", set()),
    (models.LabelInput, "Label", set()),
    (models.SeoInput, "Seo", set()),
    (models.RecurringInput, "Recurring", set()),
    (models.ShippingOptionsInput, "ShippingOptions", set()),
    (models.WeightInput, "Weight", set()),
    (models.DimensionsInput, "Dimensions", set()),
    (models.MembershipOfferInput, "MembershipOffer", set()),
    (models.PriceMetaInput, "PriceMeta", set()),
    (models.PriceAdjustment, "PriceChange", set()),
]


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    text = files("hoopai_products_mcp.sandbox").joinpath("contract.yaml").read_text("utf-8")
    return cast(dict[str, Any], yaml.safe_load(text))


@pytest.mark.parametrize(
    ("model", "schema", "left_out"), PAIRS, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_request_model_has_the_fields_of_the_contract(
    model: type[BaseModel], schema: str, left_out: set[str], contract: dict[str, Any]
) -> None:
    documented: dict[str, Any] = contract["components"]["schemas"][schema]
    sent = {
        str(field.serialization_alias or field.alias or name) for name, field in model.model_fields.items()
    }
    assert sent == set(documented["properties"]) - left_out


def test_the_table_of_operations_is_that_of_the_contract(contract: dict[str, Any]) -> None:
    documented = {
        (
            method.upper(),
            path,
            next(int(status) for status in operation["responses"] if status.startswith("2")),
        )
        for path, item in contract["paths"].items()
        for method, operation in item.items()
        if method in {"get", "post", "put", "delete"}
    }
    assert {
        (operation.method, operation.path, operation.ok) for operation in OPERATIONS.values()
    } == documented


def test_the_scopes_are_those_of_the_contract(contract: dict[str, Any]) -> None:
    different = {
        operation.key: (operation.scopes, documented)
        for operation in OPERATIONS.values()
        for requirement in contract["paths"][operation.path][operation.method.lower()]["security"][:1]
        if (documented := tuple(requirement["token"])) != operation.scopes
    }
    # It edits prices as well, and no official source states a scope: naming both is the safer advice.
    assert different == {"bulk_edit": (("products.write", "products/prices.write"), ("products.write",))}
