"""A bulk edit in calls of at most 30 entities, and what is told when one of them fails."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mock_api import MockApi, answer, refusal

from hoopai_products_mcp.products_api import errors
from hoopai_products_mcp.products_api.bulk_calls import ENTITIES_PER_CALL, cut
from hoopai_products_mcp.products_api.models import BulkEditCall, EditedProduct, PriceEdit, ProductEdit


def edit(product_id: str, prices: int) -> ProductEdit:
    return ProductEdit(
        id=product_id,
        name=f"name of {product_id}",
        prices=[PriceEdit(id=f"{product_id}-{n}") for n in range(prices)],
    )


def size(edits: list[ProductEdit]) -> int:
    return sum(1 + len(part.prices or []) for part in edits)


@given(st.lists(st.one_of(st.integers(0, 4), st.integers(0, 100)), max_size=60))
def test_no_call_is_too_large_and_nothing_is_lost_doubled_or_moved(price_counts: list[int]) -> None:
    edits = [edit(f"p{number}", count) for number, count in enumerate(price_counts)]
    chunks = cut(edits)
    parts = [part for chunk in chunks for part in chunk]
    assert all(0 < size(chunk) <= ENTITIES_PER_CALL for chunk in chunks)
    assert [price.id for part in parts for price in part.prices or []] == [
        price.id for whole in edits for price in whole.prices or []
    ]
    assert [part.id for part in parts if part.name] == [whole.id for whole in edits]
    assert [part.name for part in parts if part.name] == [whole.name for whole in edits]
    for whole in edits:
        pieces = [part for part in parts if part.id == whole.id]
        assert len(pieces) == 1 or len(whole.prices or []) >= ENTITIES_PER_CALL


def test_a_product_without_a_word_about_prices_stays_without_one() -> None:
    ((only,),) = cut([ProductEdit(id="p1", slug="s")])
    assert only.wire() == {"_id": "p1", "slug": "s"}


@pytest.mark.anyio
async def test_a_later_failure_tells_what_is_done_what_failed_and_what_was_not_tried() -> None:
    api = MockApi(answer({"status": True, "updatedCount": 1}), refusal(422, ["name is too long"]))
    async with api.client() as client:
        result = await client.bulk_edit(products=[edit("p1", 40), edit("p2", 25), edit("p3", 0)])
    first, second = (tuple(f"p1-{n}" for n in part) for part in (range(29), range(29, 40)))
    failed, untried = EditedProduct("p1", second, False), tuple(f"p2-{n}" for n in range(25))
    assert result.calls == (
        BulkEditCall("done", (EditedProduct("p1", first, True),), updated_count=1),
        BulkEditCall("failed", (failed,), error=result.error),
        BulkEditCall("not_tried", (EditedProduct("p2", untried, True), EditedProduct("p3", (), True))),
    )
    assert isinstance(result.error, errors.ValidationFailedError)
    assert not result.complete
    assert result.done == (EditedProduct("p1", first, True),)
    assert result.failed == (failed,)
    assert result.not_tried == (EditedProduct("p2", untried, True), EditedProduct("p3", (), True))


@pytest.mark.anyio
async def test_a_first_call_that_changed_nothing_raises_its_error() -> None:
    api = MockApi(refusal(401, "Invalid access token"))
    async with api.client() as client:
        with pytest.raises(errors.BadTokenError):
            await client.bulk_edit(products=[edit("p1", 20), edit("p2", 20)])


@pytest.mark.anyio
async def test_a_first_call_of_unknown_outcome_tells_which_products_it_concerned() -> None:
    api = MockApi(httpx.ReadError("cut"))
    async with api.client() as client:
        result = await client.bulk_edit(products=[edit("p1", 20), edit("p2", 20)])
    assert [(call.state, [part.product_id for part in call.products]) for call in result.calls] == [
        ("failed", ["p1"]),
        ("not_tried", ["p2"]),
    ]
    assert result.error is not None
    assert result.error.outcome == "unknown"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "count"), [(None, None), ({"updatedCount": True}, None), ({"updatedCount": 2}, 2)]
)
async def test_a_call_without_a_count_is_done_all_the_same(body: object, count: int | None) -> None:
    api = MockApi(answer(body, 201))
    async with api.client() as client:
        result = await client.bulk_edit(products=[edit("p1", 1)])
    assert result.complete
    assert result.error is None
    assert [call.updated_count for call in result.calls] == [count]


@pytest.mark.anyio
async def test_no_edit_is_no_request() -> None:
    api = MockApi()
    async with api.client() as client:
        assert (await client.bulk_edit(products=[])).calls == ()
