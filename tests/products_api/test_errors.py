"""From a refusal's status and words to the error that says what it means."""

from typing import Any

import httpx
import pytest
from mock_api import MockApi, answer, refusal

from hoopai_products_mcp.products_api import errors
from hoopai_products_mcp.products_api.client import ProductsClient

IAM = "This route is not yet supported by the IAM Service. Please update your IAM config."
LOOK_UP = "Take the id from a list: this one may be mistyped, deleted, or of another kind or location."


async def get_product(client: ProductsClient) -> Any:
    return await client.get_product(product_id="p1")


async def list_products(client: ProductsClient) -> Any:
    return await client.list_products()


async def count_reviews(client: ProductsClient) -> Any:
    return await client.count_reviews()


async def delete_product(client: ProductsClient) -> Any:
    return await client.delete_product(product_id="p1")


async def update_inventory(client: ProductsClient) -> Any:
    return await client.update_inventory(items=[])


async def set_display_priority(client: ProductsClient) -> Any:
    return await client.set_display_priority(store_id="s1", products=[])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "reply", "expected", "words"),
    [
        (
            get_product,
            refusal(400, "Product not found"),
            errors.NotFoundError,
            "There is no such product in this location (GET /products/{productId}). "
            f"The API says: 'Product not found'. {LOOK_UP}",
        ),
        (
            get_product,
            refusal(400, "Bad Request"),
            errors.NotFoundError,
            "There is no such product in this location (GET /products/{productId}). "
            f"The API says: 'Bad Request'. {LOOK_UP}",
        ),
        (
            get_product,
            refusal(400, "locationId must be a string"),
            errors.BadRequestError,
            "The API refused GET /products/{productId} (status 400). "
            "The API says: 'locationId must be a string'. Correct the request and send it again.",
        ),
        (
            update_inventory,
            refusal(400, "price not found"),
            errors.BadRequestError,
            "The API refused POST /products/inventory (status 400). The API says: 'price not found'. "
            "Nothing was changed. Correct the request and send it again.",
        ),
        (
            delete_product,
            refusal(404, "No such product"),
            errors.NotFoundError,
            "There is no such product in this location (DELETE /products/{productId}). "
            f"The API says: 'No such product'. Nothing was changed. {LOOK_UP}",
        ),
        (
            delete_product,
            refusal(404, "Cannot DELETE /products/p1"),
            errors.RouteUnavailableError,
            "This account does not have the route DELETE /products/{productId} (status 404). "
            "The API says: 'Cannot DELETE /products/p1'. Nothing was changed. "
            "Use another operation; a new token would not help.",
        ),
        (
            list_products,
            refusal(404, "Not here"),
            errors.RouteUnavailableError,
            "This account does not have the route GET /products/ (status 404). The API says: 'Not here'. "
            "Use another operation; a new token would not help.",
        ),
        (
            get_product,
            httpx.Response(404, text="<html>nginx</html>"),
            errors.RouteUnavailableError,
            "This account does not have the route GET /products/{productId} (status 404). "
            "Use another operation; a new token would not help.",
        ),
        (
            update_inventory,
            refusal(405, "no"),
            errors.RouteUnavailableError,
            "This account does not have the route POST /products/inventory (status 405). "
            "The API says: 'no'. Nothing was changed. Use another operation; a new token would not help.",
        ),
        (
            get_product,
            refusal(401, IAM),
            errors.RouteUnavailableError,
            "This account does not have the route GET /products/{productId} (status 401). "
            f"The API says: '{IAM}'. Use another operation; a new token would not help.",
        ),
        (
            get_product,
            refusal(401, "Invalid access token"),
            errors.BadTokenError,
            "The API does not accept the access token (GET /products/{productId}, status 401). "
            "The API says: 'Invalid access token'. "
            "Check that it is complete, current and not revoked, and set the new one.",
        ),
        (
            update_inventory,
            refusal(401, "The token is not authorized for this scope."),
            errors.MissingScopeError,
            "The access token lacks the scope for POST /products/inventory (products/prices.write). "
            "The API says: 'The token is not authorized for this scope.'. Nothing was changed. "
            "Add the scope to the private integration (or the app) and use the new token.",
        ),
        (
            set_display_priority,
            refusal(403, "missing scope"),
            errors.MissingScopeError,
            "The access token lacks the scope for POST /products/store/{storeId}/priority "
            "(which one is not documented). The API says: 'missing scope'. Nothing was changed. "
            "Add the scope to the private integration (or the app) and use the new token.",
        ),
        (
            get_product,
            refusal(403, "The token does not have access to this location."),
            errors.WrongLocationError,
            "The access token may not do GET /products/{productId} in the configured location (status 403). "
            "The API says: 'The token does not have access to this location.'. "
            "Check the location id, that the token was made in that sub-account, and that it has the scope.",
        ),
        (
            get_product,
            refusal(401, "no access to this location"),
            errors.WrongLocationError,
            "The access token may not do GET /products/{productId} in the configured location (status 401). "
            "The API says: 'no access to this location'. "
            "Check the location id, that the token was made in that sub-account, and that it has the scope.",
        ),
        (
            update_inventory,
            refusal(409, "taken"),
            errors.ConflictError,
            "POST /products/inventory clashes with what is already there (status 409). The API says: 'taken'. "
            "Nothing was changed. Read the present state and decide again.",
        ),
        (
            update_inventory,
            refusal(422, ["items.0.priceId must be a string", "altType is wrong"]),
            errors.ValidationFailedError,
            "The API found fault with the fields of POST /products/inventory. "
            "The API says: 'items.0.priceId must be a string; altType is wrong'. Nothing was changed. "
            "Correct these fields and send it again.",
        ),
        (
            update_inventory,
            refusal(413, "too large"),
            errors.BadRequestError,
            "The API refused POST /products/inventory (status 413). The API says: 'too large'. "
            "Nothing was changed. Correct the request and send it again.",
        ),
        (
            get_product,
            refusal(500, "Internal server error"),
            errors.ServerError,
            "The API failed on GET /products/{productId} (status 500). "
            "The API says: 'Internal server error'. Try again.",
        ),
        (
            update_inventory,
            httpx.Response(502, text="<html>Bad gateway</html>"),
            errors.ServerError,
            "The API failed on POST /products/inventory (status 502). "
            "It is not known whether the change was made. Read the present state before doing it again.",
        ),
        (
            get_product,
            httpx.Response(302, headers={"location": "https://elsewhere.example"}),
            errors.UnexpectedResponseError,
            "GET /products/{productId} answered with status 302, which this API is not known to do. "
            "Check that the base URL is the API's own address.",
        ),
    ],
)
async def test_a_refusal_says_what_happened_what_changed_and_what_to_do(
    call: Any, reply: httpx.Response, expected: type[errors.ProductsApiError], words: str
) -> None:
    api = MockApi(reply)
    async with api.client() as client:
        with pytest.raises(errors.ProductsApiError) as caught:
            await call(client)
    assert type(caught.value) is expected
    assert str(caught.value) == words
    assert caught.value.status == reply.status_code
    assert len(api.sent) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422])
async def test_a_refused_write_was_surely_not_done(status: int) -> None:
    api = MockApi(refusal(status, "no"))
    async with api.client() as client:
        with pytest.raises(errors.RefusedError) as caught:
            await delete_product(client)
    assert (caught.value.outcome, caught.value.retryable) == ("not_done", False)


@pytest.mark.anyio
async def test_a_server_error_leaves_a_write_open_and_a_read_repeatable() -> None:
    api = MockApi(refusal(500, "no"), refusal(503, "no"))
    async with api.client() as client:
        with pytest.raises(errors.ServerError) as write:
            await delete_product(client)
        with pytest.raises(errors.ServerError) as read:
            await get_product(client)
    assert (write.value.outcome, write.value.retryable) == ("unknown", False)
    assert (read.value.outcome, read.value.retryable) == ("not_done", True)


@pytest.mark.anyio
async def test_a_408_leaves_a_write_as_open_as_a_timeout_does() -> None:
    api = MockApi(refusal(408, "Request Timeout"), refusal(408, "Request Timeout"))
    async with api.client() as client:
        with pytest.raises(errors.RequestTimeoutError) as write:
            await delete_product(client)
        with pytest.raises(errors.RequestTimeoutError) as read:
            await get_product(client)
    assert (write.value.outcome, write.value.retryable, write.value.status) == ("unknown", False, 408)
    assert str(write.value) == (
        "The API gave up on DELETE /products/{productId} before it was done (status 408). "
        "The API says: 'Request Timeout'. It is not known whether the change was made. "
        "Read the present state before doing it again."
    )
    assert (read.value.outcome, read.value.retryable) == ("not_done", True)


@pytest.mark.anyio
async def test_a_validation_error_keeps_its_list_and_every_error_its_trace_id() -> None:
    body = {"statusCode": 422, "message": ["a", "b"], "traceId": "t-1"}
    api = MockApi(answer(body, 422), refusal(400, "x", {"x-trace-id": "t-2"}), refusal(500, "x"))
    seen: list[tuple[tuple[str, ...], str | None]] = []
    async with api.client() as client:
        for _ in range(3):
            with pytest.raises(errors.ProductsApiError) as caught:
                await delete_product(client)
            seen.append((caught.value.messages, caught.value.trace_id))
    assert seen == [(("a", "b"), "t-1"), (("x",), "t-2"), (("x",), None)]


@pytest.mark.anyio
async def test_a_missing_scope_is_named_from_the_table_of_operations() -> None:
    api = MockApi(refusal(403, "scope"))
    async with api.client() as client:
        with pytest.raises(errors.MissingScopeError) as caught:
            await client.list_collections()
    assert caught.value.scopes == ("products/collection.readonly",)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (b'"plain text"', ("plain text",)),
        (b'{"error": {"code": "X", "message": "inner"}}', ("inner",)),
        (b'{"message": "", "detail": "the detail"}', ("the detail",)),
        (b'{"message": "line\\nbreak \\u0007 and\\u202e more"}', ("line break and more",)),
        (b"{}", ()),
        (b'["one", {"message": "two"}, 3]', ("one", "two")),
    ],
)
async def test_the_reason_is_found_wherever_the_api_puts_it(body: bytes, messages: tuple[str, ...]) -> None:
    api = MockApi(httpx.Response(413, content=body))
    async with api.client() as client:
        with pytest.raises(errors.BadRequestError) as caught:
            await delete_product(client)
    assert caught.value.messages == messages


@pytest.mark.anyio
async def test_a_long_reason_is_quoted_shortened() -> None:
    api = MockApi(refusal(409, "x" * 5000))
    async with api.client() as client:
        with pytest.raises(errors.ConflictError) as caught:
            await delete_product(client)
    assert len(str(caught.value)) < 600


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "reply", "words"),
    [
        (
            delete_product,
            httpx.Response(200, text="<html>"),
            "DELETE /products/{productId} answered 200 with something that is not JSON. Perhaps the base URL is "
            "not the API's own address. It is not known whether the change was made. "
            "Read the present state before doing it again.",
        ),
        (
            delete_product,
            answer({"status": False, "message": "no"}),
            "DELETE /products/{productId} answered with a success status and yet `status: false`. "
            "It is not known whether the change was made. Read the present state before doing it again.",
        ),
        (
            get_product,
            answer({"_id": ["odd"], "name": "n"}),
            "GET /products/{productId} answered not of the known shape (at _id). "
            "Report this: the API may have changed.",
        ),
        (
            get_product,
            answer([1]),
            "GET /products/{productId} answered without the record it should hold. "
            "Report this: the API may have changed.",
        ),
        (
            list_products,
            answer({"products": "none"}),
            "GET /products/ answered without a list under 'products' or 'data'. "
            "Report this: the API may have changed.",
        ),
        (
            list_products,
            answer(None),
            "GET /products/ answered without a list under 'products' or 'data'. "
            "Report this: the API may have changed.",
        ),
        (
            count_reviews,
            answer("three"),
            "GET /products/reviews/count answered without counts by status. Report this: the API may have changed.",
        ),
        (
            list_products,
            answer({"products": [7]}),
            "GET /products/ answered not of the known shape (at the answer). "
            "Report this: the API may have changed.",
        ),
    ],
)
async def test_an_answer_of_an_unknown_shape_is_an_error_of_its_own(
    call: Any, reply: httpx.Response, words: str
) -> None:
    api = MockApi(reply)
    async with api.client() as client:
        with pytest.raises(errors.UnexpectedResponseError) as caught:
            await call(client)
    assert str(caught.value) == words


@pytest.mark.anyio
@pytest.mark.parametrize("body", [None, {}, {"product": None}, {"data": {}, "status": False}])
async def test_a_read_that_succeeds_with_nothing_in_it_found_nothing(body: Any) -> None:
    api = MockApi(answer(body))
    async with api.client() as client:
        with pytest.raises(errors.NotFoundError) as caught:
            await get_product(client)
    assert str(caught.value) == (
        "GET /products/{productId} succeeded and returned nothing: there is no such thing in this location. "
        "Look the id up in a list."
    )


@pytest.mark.anyio
async def test_a_creation_that_does_not_say_what_it_made_is_not_repeated_blindly() -> None:
    from hoopai_products_mcp.products_api.models import NewProduct

    api = MockApi(answer(None, 201))
    async with api.client() as client:
        with pytest.raises(errors.UnexpectedResponseError) as caught:
            await client.create_product(product=NewProduct(name="n", product_type="SERVICE"))
    assert (caught.value.outcome, caught.value.retryable) == ("unknown", False)


@pytest.mark.anyio
async def test_an_empty_body_on_success_is_success() -> None:
    api = MockApi(httpx.Response(204))
    async with api.client() as client:
        assert (await client.delete_product(product_id="p1")).message is None


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["\ud800", "x\udc00"])
async def test_text_that_no_request_can_carry_is_refused_before_any(value: str) -> None:
    api = MockApi()
    async with api.client() as client:
        with pytest.raises(errors.InvalidArgumentError) as read:
            await client.list_products(search=value)
        with pytest.raises(errors.InvalidArgumentError) as write:
            await client.set_store_visibility(store_id="s1", action="include", product_ids=[value])
    assert api.sent == []
    assert str(read.value) == (
        "A value for GET /products/ cannot be written as JSON or as part of an address (UnicodeEncodeError). "
        "Send plain text, numbers, lists and objects."
    )
    assert write.value.changed == "Nothing was changed."
