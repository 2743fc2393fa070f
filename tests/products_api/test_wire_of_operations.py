"""What each of the 29 operations sends, key by key, and what it makes of the answer."""

from decimal import Decimal

import catalog_cases
import pytest
import shop_cases
from mock_api import TOKEN, MockApi, Sent, answer
from operation_case import Case

from hoopai_products_mcp.products_api import models
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.products_api.errors import InvalidArgumentError
from hoopai_products_mcp.products_api.operations import OPERATIONS


@pytest.mark.anyio
@pytest.mark.parametrize("case", catalog_cases.CASES + shop_cases.CASES, ids=lambda case: case.operation)
async def test_an_operation_sends_what_its_route_lists_and_nothing_else(case: Case) -> None:
    api = MockApi(answer(case.answers, case.status))
    async with api.client() as client:
        result = await case.call(client)
    assert api.sent == [Sent(OPERATIONS[case.operation].method, case.path, case.query, case.body)]
    assert result == case.result


def test_every_operation_has_a_case_here_or_among_the_updates() -> None:
    covered = {case.operation for case in catalog_cases.CASES + shop_cases.CASES} | {
        "update_product",
        "update_price",
    }
    assert covered == set(OPERATIONS)
    assert len(OPERATIONS) == 29


def test_every_operation_is_a_method_of_the_client() -> None:
    assert {key for key in OPERATIONS if callable(getattr(ProductsClient, key, None))} == set(OPERATIONS)


@pytest.mark.anyio
async def test_what_is_searched_for_arrives_as_it_was_given() -> None:
    api = MockApi(answer({"products": []}))
    odd = "50% off + tax & é/ü? #1 a=b;c %41 \u2028🙂"
    async with api.client() as client:
        await client.list_products(search=odd)
    assert dict(api.sent[0].query)["search"] == odd
    assert api.requests[0].url.fragment == ""


@pytest.mark.anyio
async def test_every_request_carries_the_token_the_version_and_what_it_accepts() -> None:
    api = MockApi(answer({"products": []}), answer(None))
    async with api.client() as client:
        await client.list_products()
        await client.delete_product(product_id="p1")
    for request in api.requests:
        ours = {
            name: request.headers[name]
            for name in ("authorization", "version", "accept", "user-agent", "connection")
        }
        assert ours == {
            "authorization": f"Bearer {TOKEN}",
            "version": "2021-07-28",
            "accept": "application/json",
            "user-agent": "hoopai-products-mcp",
            "connection": "keep-alive",
        }
        assert "content-type" not in request.headers


@pytest.mark.anyio
async def test_a_body_says_that_it_is_json() -> None:
    api = MockApi(answer(None))
    async with api.client() as client:
        await client.update_inventory(items=[])
    assert api.requests[0].headers["content-type"] == "application/json"


@pytest.mark.anyio
async def test_money_is_written_digit_by_digit() -> None:
    api = MockApi(answer({"_id": "r1"}))
    async with api.client() as client:
        await client.create_price(
            product_id="p1",
            price=models.NewPrice(
                name="n", type="one_time", currency="USD", amount=Decimal("1E+2"), setup_fee=Decimal("0.10")
            ),
        )
    assert b'"amount":100,' in api.requests[0].content
    assert b'"setupFee":0.10' in api.requests[0].content


@pytest.mark.anyio
@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (101, 0), (1, -1)])
async def test_a_page_outside_of_the_bounds_is_refused_before_any_request(limit: int, offset: int) -> None:
    api = MockApi()
    async with api.client() as client:
        with pytest.raises(InvalidArgumentError) as caught:
            await client.list_inventory(limit=limit, offset=offset)
    assert str(caught.value) == (
        f"limit {limit} or offset {offset} is out of range. "
        "Give a limit from 1 to 100 and an offset of 0 or more."
    )
    assert api.sent == []
