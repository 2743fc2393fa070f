"""Where an account lacks one of the two lesser known routes, the documented way is taken, and said."""

from typing import Any

import pytest
from mock_api import LOCATION, MockApi, Sent, answer, refusal

from hoopai_products_mcp.products_api import errors
from hoopai_products_mcp.products_api.models import (
    BulkInventoryChange,
    BulkInventoryResult,
    Collection,
    CollectionMembers,
    CollectionProducts,
    Product,
    QuantityChange,
)

IAM = "This route is not yet supported by the IAM Service. Please update your IAM config."
ALT = {"altId": LOCATION, "altType": "location"}
PRODUCTS = {"products": [{"_id": "p1"}], "total": [{"total": 1}]}
COLLECTION = {"data": {"_id": "c1", "name": "Winter"}, "status": True}
FOUND_BY_ID = (
    ", so the products were found with GET /products/ by their collection id. "
    "Products that a smart collection gathers by rule may be missing."
)
BY_ID = "This account does not have GET /products/collections/{collectionId}/products" + FOUND_BY_ID
LACKING = "The access token may not use GET /products/collections/{collectionId}/products"
STOCK_WORDS = (
    "This account does not have POST /products/bulk-update/inventory, "
    "so the settings were written with POST /products/inventory."
)
READ_WORDS = " The quantities are those just read plus the addition; a sale in between is not counted."


def stock(*items: tuple[str, int | None]) -> dict[str, Any]:
    return {"inventory": [{"_id": price, "availableQuantity": quantity} for price, quantity in items]}


def members(first: int, count: int) -> Any:
    items = [{"_id": f"p{number}"} for number in range(first, first + count)]
    return answer({"data": items, "products": items})


def products(count: int) -> tuple[Product, ...]:
    return tuple(Product(id=f"p{number}") for number in range(count))


def addition(*price_ids: str, **more: Any) -> BulkInventoryChange:
    quantity = QuantityChange(type="ADD_QUANTITY", value=50)
    return BulkInventoryChange(price_ids=list(price_ids), available_quantity=quantity, **more)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "missing",
    [
        refusal(404, "Cannot GET /products/collections/c1/products"),
        refusal(404, "Not Found"),
        refusal(401, IAM),
        refusal(405, "Method Not Allowed"),
    ],
)
async def test_the_products_of_a_collection_are_found_by_its_id(missing: Any) -> None:
    api = MockApi(missing, answer(COLLECTION), answer(PRODUCTS))
    async with api.client() as client:
        page = await client.list_collection_products(collection_id="c1", limit=10, offset=20)
    assert page == CollectionProducts((Product(id="p1"),), 1, 10, 20, fallback=BY_ID)
    assert api.sent[2] == Sent(
        "GET",
        "/products/",
        [("locationId", LOCATION), ("limit", "10"), ("offset", "20"), ("collectionIds", "c1")],
        None,
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (
            refusal(422, ["property altType should not exist"]),
            "What is sent to GET /products/collections/{collectionId}/products is a guess, for nothing documents it, "
            "and the API found fault with it",
        ),
        (refusal(401, "The token is not authorized for this scope."), LACKING),
        (refusal(403, "Missing scope"), LACKING),
        (refusal(403, "Forbidden resource"), LACKING),
    ],
)
async def test_a_route_that_refuses_what_was_guessed_of_it_is_gone_round(refused: Any, words: str) -> None:
    api = MockApi(refused, answer(COLLECTION), answer(PRODUCTS))
    async with api.client() as client:
        page = await client.list_collection_products(collection_id="c1", limit=10)
    assert page == CollectionProducts((Product(id="p1"),), 1, 10, 0, fallback=words + FOUND_BY_ID)


@pytest.mark.anyio
async def test_a_token_without_any_scope_for_collections_still_lists_the_products() -> None:
    no_scope = [refusal(403, "scope") for _ in range(3)]
    api = MockApi(*no_scope, answer(PRODUCTS))
    async with api.client() as client:
        page = await client.list_collection_products(collection_id="c1")
    assert page.fallback == LACKING + FOUND_BY_ID + " It could not be checked that the collection exists."


@pytest.mark.anyio
async def test_a_wrong_location_is_no_reason_for_the_documented_way_to_hide_it() -> None:
    api = MockApi(*(refusal(403, "no") for _ in range(4)))
    async with api.client() as client:
        with pytest.raises(errors.WrongLocationError):
            await client.list_collection_products(collection_id="c1")


@pytest.mark.anyio
@pytest.mark.parametrize("call", ["list_collection_products", "walk_collection_products"])
async def test_a_wrong_token_stays_an_error(call: str) -> None:
    api = MockApi(refusal(401, "Invalid JWT"))
    async with api.client() as client:
        with pytest.raises(errors.BadTokenError):
            await getattr(client, call)(collection_id="c1")
    assert len(api.sent) == 1


@pytest.mark.anyio
async def test_a_walk_reads_all_products_of_a_collection() -> None:
    api = MockApi(members(0, 100), members(100, 100), members(200, 3))
    async with api.client() as client:
        everything = await client.walk_collection_products(collection_id="c1")
    assert everything == CollectionMembers(products(203), fallback=None)
    assert [request.path for request in api.sent] == ["/products/collections/c1/products"] * 3
    assert [dict(request.query)["offset"] for request in api.sent] == ["0", "100", "200"]


@pytest.mark.anyio
async def test_a_route_that_ignores_the_offset_is_left_for_the_documented_way() -> None:
    api = MockApi(members(0, 100), members(0, 100), answer(COLLECTION), members(0, 100), members(100, 20))
    async with api.client() as client:
        everything = await client.walk_collection_products(collection_id="c1")
    assert everything == CollectionMembers(
        products(120),
        fallback="GET /products/collections/{collectionId}/products gave the same page again for another offset"
        + FOUND_BY_ID,
    )
    assert [request.path for request in api.sent[3:]] == ["/products/", "/products/"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("refused", "words"), [(refusal(401, IAM), BY_ID), (refusal(403, "scope"), LACKING + FOUND_BY_ID)]
)
async def test_a_walk_refused_half_way_starts_again_in_the_documented_way(refused: Any, words: str) -> None:
    api = MockApi(members(0, 100), refused, answer(COLLECTION), members(0, 100), members(100, 20))
    async with api.client() as client:
        everything = await client.walk_collection_products(collection_id="c1")
    assert everything == CollectionMembers(products(120), fallback=words)


@pytest.mark.anyio
async def test_a_walk_through_a_collection_that_does_not_exist_says_so() -> None:
    api = MockApi(refusal(404, "Not Found"), refusal(404, "Collection not found"))
    async with api.client() as client:
        with pytest.raises(errors.NotFoundError):
            await client.walk_collection_products(collection_id="c1")


@pytest.mark.anyio
async def test_a_server_that_ignores_every_offset_ends_the_walk_with_an_error() -> None:
    api = MockApi(refusal(401, IAM), answer(COLLECTION), members(0, 100), members(0, 100))
    async with api.client() as client:
        with pytest.raises(errors.RepeatedPageError):
            await client.walk_collection_products(collection_id="c1")


@pytest.mark.anyio
async def test_a_collection_in_a_list_of_one_is_understood() -> None:
    api = MockApi(answer({"data": [{"name": "Winter"}], "status": True}))
    async with api.client() as client:
        collection = await client.get_collection(collection_id="c1")
    assert collection == Collection(id="c1", name="Winter")


@pytest.mark.anyio
async def test_a_collection_that_does_not_exist_is_not_an_empty_one() -> None:
    api = MockApi(refusal(404, "Not Found"), refusal(404, "Collection not found"))
    async with api.client() as client:
        with pytest.raises(errors.NotFoundError) as caught:
            await client.list_collection_products(collection_id="c1")
    assert str(caught.value) == (
        "There is no collection c1 in this location. Take the id from the list of collections."
    )


@pytest.mark.anyio
async def test_the_list_of_collections_is_asked_where_the_single_one_may_not_be() -> None:
    listed = answer({"data": [{"_id": "c1"}], "total": 1})
    api = MockApi(refusal(401, IAM), refusal(401, IAM), listed, answer(PRODUCTS))
    async with api.client() as client:
        page = await client.list_collection_products(collection_id="c1")
    assert page.fallback == BY_ID


@pytest.mark.anyio
async def test_a_collection_missing_from_the_list_does_not_exist() -> None:
    api = MockApi(refusal(401, IAM), refusal(401, IAM), answer({"data": [], "total": 0}))
    async with api.client() as client:
        with pytest.raises(errors.NotFoundError):
            await client.list_collection_products(collection_id="c1")


@pytest.mark.anyio
async def test_a_collection_that_nothing_can_vouch_for_is_said_to_be_unchecked() -> None:
    api = MockApi(refusal(401, IAM), refusal(401, IAM), refusal(403, "scope"), answer(PRODUCTS))
    async with api.client() as client:
        page = await client.list_collection_products(collection_id="c1")
    assert page.fallback == BY_ID + " It could not be checked that the collection exists."


@pytest.mark.anyio
async def test_not_found_stands_where_nothing_can_vouch_for_the_collection() -> None:
    api = MockApi(refusal(404, "Not Found"), refusal(401, IAM), refusal(403, "scope"))
    async with api.client() as client:
        with pytest.raises(errors.NotFoundError):
            await client.list_collection_products(collection_id="c1")


@pytest.mark.anyio
@pytest.mark.parametrize("status", [401, 409, 500])
async def test_other_refusals_of_the_route_are_not_papered_over(status: int) -> None:
    api = MockApi(refusal(status, "no"), refusal(status, "no"))
    async with api.client() as client:
        with pytest.raises(errors.ProductsApiError):
            await client.list_collection_products(collection_id="c1")
        with pytest.raises(errors.ProductsApiError):
            await client.bulk_update_inventory(change=addition("r1"))
    assert len(api.sent) == 2


@pytest.mark.anyio
async def test_an_addition_is_written_as_the_sum_with_what_was_read() -> None:
    first = stock(*((f"x{n}", 1) for n in range(98)), ("r1", 3), ("r9", 9))
    api = MockApi(
        refusal(404, "Cannot POST"), answer(first), answer(stock(("r2", None))), answer({"status": True})
    )
    async with api.client() as client:
        result = await client.bulk_update_inventory(
            change=addition("r1", "r2", "r1", allow_out_of_stock_purchases=True, track_inventory=True)
        )
    assert result == BulkInventoryResult(
        updated_count=2,
        fields_updated=["availableQuantity", "allowOutOfStockPurchases"],
        fallback=STOCK_WORDS
        + READ_WORDS
        + " Stock tracking was not changed: that way cannot set it. Use the bulk edit or the price itself.",
    )
    assert [request.query[-1] for request in api.sent[1:3]] == [("offset", "0"), ("offset", "100")]
    assert api.sent[3] == Sent(
        "POST",
        "/products/inventory",
        [],
        ALT
        | {
            "items": [
                {"priceId": "r1", "availableQuantity": 53, "allowOutOfStockPurchases": True},
                {"priceId": "r2", "availableQuantity": 50, "allowOutOfStockPurchases": True},
            ]
        },
    )


@pytest.mark.anyio
async def test_the_inventory_is_read_no_further_than_needed() -> None:
    first = stock(("r1", 3), *((f"x{n}", 1) for n in range(99)))
    api = MockApi(refusal(401, IAM), answer(first), answer(None))
    async with api.client() as client:
        result = await client.bulk_update_inventory(change=addition("r1"))
    assert result.fallback == STOCK_WORDS + READ_WORDS
    assert len(api.sent) == 3


@pytest.mark.anyio
async def test_selling_on_when_out_of_stock_needs_no_quantity() -> None:
    api = MockApi(refusal(401, IAM), answer(stock(("r1", 3))), answer(None))
    change = BulkInventoryChange(price_ids=["r1"], allow_out_of_stock_purchases=False)
    async with api.client() as client:
        result = await client.bulk_update_inventory(change=change)
    assert result.fallback == STOCK_WORDS
    assert api.sent[2].body == ALT | {"items": [{"priceId": "r1", "allowOutOfStockPurchases": False}]}


@pytest.mark.anyio
async def test_a_price_that_the_inventory_does_not_have_stops_the_fallback() -> None:
    api = MockApi(refusal(404, "Price not found"), answer(stock(("r1", 3))))
    async with api.client() as client:
        with pytest.raises(errors.NotFoundError) as caught:
            await client.bulk_update_inventory(change=addition("r1", "r2", "r3"))
    assert len(api.sent) == 2
    assert str(caught.value) == (
        "The inventory has no price r2, r3. Nothing was changed. Take price ids from the inventory list."
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (BulkInventoryChange(price_ids=["r1"], track_inventory=False), "switching stock tracking"),
        (
            BulkInventoryChange(
                price_ids=["r1"], available_quantity=QuantityChange(type="SET_QUANTITY", value=1)
            ),
            "a quantity change of type 'SET_QUANTITY'",
        ),
    ],
)
async def test_what_the_documented_way_cannot_do_is_refused(change: BulkInventoryChange, what: str) -> None:
    api = MockApi(refusal(401, IAM))
    async with api.client() as client:
        with pytest.raises(errors.RouteUnavailableError) as caught:
            await client.bulk_update_inventory(change=change)
    assert len(api.sent) == 1
    assert str(caught.value) == (
        f"This account does not have POST /products/bulk-update/inventory, and {what} cannot be done with "
        "POST /products/inventory. Nothing was changed. "
        "Use POST /products/bulk-update/edit or PUT /products/{productId}/price/{priceId}, price by price."
    )
