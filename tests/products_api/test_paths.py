"""An id is one path segment, or there is no request."""

from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mock_api import MockApi, answer

from hoopai_products_mcp.products_api.errors import InvalidIdentifierError
from hoopai_products_mcp.products_api.operations import DELETE_PRICE, OPERATIONS, Operation
from hoopai_products_mcp.products_api.paths import fill

HOSTILE = [
    "../x",
    "a/b",
    "%2e%2e",
    ".",
    "..",
    "...",
    "",
    " ",
    "a b",
    "a\n",
    "a\x00b",
    "a\\b",
    "a?b",
    "a#b",
    "a\u202eb",
]


@given(
    st.one_of(
        st.text(), st.text(alphabet="./%?#\\ab-_~é漢\u200b", max_size=10), st.text(min_size=120, max_size=140)
    )
)
@example("../locations/x")
@example("%2e%2e%2f")
@example("crème-brûlée")
def test_any_text_is_refused_or_arrives_as_exactly_one_segment_equal_to_it(text: str) -> None:
    try:
        path = fill(DELETE_PRICE, {"productId": "p1", "priceId": text})
    except InvalidIdentifierError:
        return
    segments = path.split("/")
    assert segments[:4] == ["", "products", "p1", "price"]
    assert len(segments) == 5
    assert unquote(segments[4], errors="strict") == text
    assert unquote(unquote(segments[4])) == text


@given(
    st.text(
        alphabet=st.characters(exclude_categories=("C", "Z"), exclude_characters="/\\%?#"),
        min_size=1,
        max_size=20,
    )
)
@pytest.mark.anyio
async def test_what_is_accepted_reaches_the_server_as_it_was_given(text: str) -> None:
    api = MockApi(answer(None))
    async with api.client() as client:
        try:
            await client.delete_product(product_id=text)
        except InvalidIdentifierError:
            assert not text.strip(".") or text.lower() in {
                "inventory",
                "collections",
                "reviews",
                "store",
                "bulk-update",
            }
            return
    (sent,) = api.sent
    assert sent.path.startswith("/products/")
    assert unquote(sent.path.removeprefix("/products/")) == text


@pytest.mark.anyio
@pytest.mark.parametrize("text", [*HOSTILE, "x" * 129], ids=ascii)
async def test_a_hostile_id_is_refused_before_any_request(text: str) -> None:
    api = MockApi()
    async with api.client() as client:
        with pytest.raises(InvalidIdentifierError):
            await client.delete_product(product_id=text)
        with pytest.raises(InvalidIdentifierError):
            await client.get_collection(collection_id=text)
        with pytest.raises(InvalidIdentifierError):
            await client.list_products(collection_ids=[text])
    assert api.sent == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("x" * 129, "it is longer than 128 characters"),
        ("..", "it consists of dots only"),
        ("a/b", "it contains '/'"),
        ("a b", "it contains a space or an invisible character"),
        ("Inventory", "'Inventory' is a part of the API's own addresses, not a product id"),
    ],
)
def test_a_refusal_gives_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidIdentifierError) as caught:
        fill(OPERATIONS["delete_product"], {"productId": text})
    assert (caught.value.kind, caught.value.outcome, caught.value.operation) == (
        "product id",
        "not_done",
        "DELETE /products/{productId}",
    )
    assert str(caught.value) == (
        f"The product id cannot be used: {reason}. Nothing was changed. "
        "Take the product id from a list and pass it unchanged."
    )


@pytest.mark.parametrize("word", ["inventory", "collections", "reviews", "store", "bulk-update", "STORE"])
@pytest.mark.parametrize(
    "key", ["get_product", "update_product", "delete_product", "create_price", "list_prices"]
)
def test_a_product_cannot_be_named_as_another_route_is(word: str, key: str) -> None:
    with pytest.raises(InvalidIdentifierError):
        fill(OPERATIONS[key], {"productId": word})


@pytest.mark.parametrize("word", ["count", "bulk-update"])
def test_a_review_cannot_be_named_as_another_route_is(word: str) -> None:
    with pytest.raises(InvalidIdentifierError):
        fill(OPERATIONS["delete_review"], {"reviewId": word})


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.key)
def test_every_placeholder_is_filled(operation: Operation) -> None:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    assert "{" not in fill(operation, dict.fromkeys(names, "x1"))


@pytest.mark.anyio
async def test_ids_that_are_joined_by_commas_may_not_contain_one() -> None:
    api = MockApi()
    async with api.client() as client:
        with pytest.raises(InvalidIdentifierError) as caught:
            await client.list_reviews(product_ids=["p1,p2"])
    assert str(caught.value) == (
        "The product id cannot be used: it contains a comma. Take the product id from a list and pass it unchanged."
    )
