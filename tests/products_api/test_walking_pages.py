"""Whole lists: 100 to a request, until a short page, with totals as hints and a guard against going round."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from mock_api import MockApi, answer

from hoopai_products_mcp.products_api import errors
from hoopai_products_mcp.products_api.client import ProductsClient


def page(first: int, count: int, total: Any = None) -> Any:
    items = [{"_id": f"p{number}"} for number in range(first, first + count)]
    return answer({"products": items, "prices": items, "inventory": items, "data": items, "total": total})


async def ids(items: AsyncIterator[Any]) -> list[str]:
    return [getattr(item, "price_id", None) or item.id async for item in items]


WALKS: list[tuple[Callable[[ProductsClient], AsyncIterator[Any]], str]] = [
    (lambda client: client.iterate_products(search="x"), "/products/"),
    (lambda client: client.iterate_prices(product_id="q1"), "/products/q1/price"),
    (lambda client: client.iterate_inventory(search="x"), "/products/inventory"),
    (lambda client: client.iterate_collections(name="x"), "/products/collections"),
    (lambda client: client.iterate_reviews(rating=5), "/products/reviews"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("walk", "path"), WALKS, ids=[path for _, path in WALKS])
async def test_a_walk_asks_for_full_pages_until_a_short_one(
    walk: Callable[[ProductsClient], AsyncIterator[Any]], path: str
) -> None:
    api = MockApi(page(0, 100), page(100, 100), page(200, 1))
    async with api.client() as client:
        assert await ids(walk(client)) == [f"p{number}" for number in range(201)]
    asked = [dict(request.query) for request in api.sent]
    assert {request.path for request in api.sent} == {path}
    assert [(query["limit"], query["offset"]) for query in asked] == [
        ("100", "0"),
        ("100", "100"),
        ("100", "200"),
    ]


@pytest.mark.anyio
async def test_an_empty_list_is_one_request() -> None:
    api = MockApi(page(0, 0, total=50))
    async with api.client() as client:
        assert await ids(client.iterate_products()) == []


@pytest.mark.anyio
async def test_a_total_that_says_too_little_does_not_end_the_walk() -> None:
    api = MockApi(page(0, 100, total=3), page(100, 2, total=3))
    async with api.client() as client:
        assert len(await ids(client.iterate_products())) == 102


@pytest.mark.anyio
async def test_a_total_that_says_more_asks_once_more_for_a_lower_page_cap() -> None:
    api = MockApi(page(0, 50, total=[{"total": 120}]), page(50, 50, total=120), page(100, 20, total=120))
    async with api.client() as client:
        assert len(await ids(client.iterate_products())) == 120
    assert [dict(request.query)["offset"] for request in api.sent] == ["0", "50", "100"]


@pytest.mark.anyio
async def test_a_total_that_says_too_much_ends_at_an_empty_page() -> None:
    api = MockApi(page(0, 50, total=999), page(50, 0, total=999))
    async with api.client() as client:
        assert len(await ids(client.iterate_products())) == 50


@pytest.mark.anyio
async def test_a_server_that_ignores_the_offset_is_found_out() -> None:
    api = MockApi(page(0, 100), page(0, 100))
    async with api.client() as client:
        with pytest.raises(errors.UnexpectedResponseError) as caught:
            await ids(client.iterate_products())
    assert str(caught.value) == (
        "GET /products/ answered with the same page again for another offset. Report this: the API may have changed."
    )


@pytest.mark.anyio
async def test_a_review_without_an_id_is_left_out_and_the_places_still_count() -> None:
    def one_page() -> Any:
        return answer({"data": [{"headline": "?"}, {"_id": "r1"}, None, {"_id": "r2"}], "total": 5})

    api = MockApi(one_page(), one_page(), answer({"data": [{"_id": "r3"}], "total": 5}))
    async with api.client() as client:
        page = await client.list_reviews(limit=4)
        assert [review.id for review in page.items] == ["r1", "r2"]
        assert (page.unreadable, page.next_offset) == ((0, 2), 4)
        assert [page.offset_after(position) for position in range(2)] == [2, 4]
        assert await ids(client.iterate_reviews()) == ["r1", "r2", "r3"]


@pytest.mark.anyio
async def test_reviews_of_which_none_has_an_id_are_an_answer_of_unknown_shape() -> None:
    api = MockApi(answer({"data": [{"headline": "?"}], "total": 1}))
    async with api.client() as client:
        with pytest.raises(errors.UnexpectedResponseError, match="not of the known shape"):
            await client.list_reviews()
