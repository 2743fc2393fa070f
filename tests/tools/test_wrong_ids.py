from typing import Any

import pytest
from shop_session import shop_session, yes

pytestmark = pytest.mark.anyio

WRONG = {
    "../locations/x": "it contains '/'",
    "a/b": "it contains '/'",
    "a\\b": "it contains '\\\\'",
    "%2e%2e": "it contains '%'",
    "..": "it consists of dots only",
    "": "it is empty",
    "x" * 129: "it is longer than 128 characters",
    "a b": "it contains a space or an invisible character",
    "a\u200bb": "it contains a space or an invisible character",
    "a?limit=1": "it contains '?'",
}

PLACES: list[tuple[str, str, dict[str, Any]]] = [
    ("get_product", "product_id", {}),
    ("update_product", "product_id", {"name": "A"}),
    ("delete_product", "product_id", {}),
    ("list_prices", "product_id", {}),
    ("get_price", "product_id", {"price_id": "x"}),
    ("get_price", "price_id", {"product_id": "p"}),
    ("create_price", "product_id", {"name": "A", "amount": 1, "currency": "USD"}),
    ("update_price", "product_id", {"price_id": "x", "amount": 1}),
    ("update_price", "price_id", {"product_id": "p", "amount": 1}),
    ("delete_price", "product_id", {"price_id": "x"}),
    ("delete_price", "price_id", {"product_id": "p"}),
    ("list_products", "store_id", {}),
]

LISTS: list[tuple[str, str, dict[str, Any]]] = [
    ("list_products", "product_ids", {}),
    ("list_products", "collection_ids", {}),
    ("list_prices", "price_ids", {"product_id": "p"}),
    ("bulk_change_prices", "product_ids", {"price": {"type": "SET_NEW_PRICE", "value": 1}}),
    ("bulk_change_currency", "product_ids", {"currency": "EUR"}),
    ("bulk_set_availability", "product_ids", {"available_in_store": True}),
    ("bulk_assign_collections", "product_ids", {"collection_ids": ["c"]}),
    ("bulk_assign_collections", "collection_ids", {"product_ids": ["p"]}),
    ("bulk_delete_products", "product_ids", {}),
    ("bulk_update_inventory", "price_ids", {"add_quantity": 1}),
]


@pytest.mark.parametrize(("tool", "argument", "others"), PLACES)
async def test_what_is_no_id_is_refused_before_any_request(
    tool: str, argument: str, others: dict[str, Any]
) -> None:
    async with shop_session(yes) as session:
        for wrong, reason in WRONG.items():
            said = await session.refused(tool, **others, **{argument: wrong})
            assert f"`{argument}` takes an id as it stands in a list; {reason}" in said
            assert "Nothing was changed." in said
        assert session.sent() == []
        assert session.questions == []


@pytest.mark.parametrize(("tool", "argument", "others"), LISTS)
async def test_what_is_no_id_within_a_list_is_refused_before_any_request(
    tool: str, argument: str, others: dict[str, Any]
) -> None:
    async with shop_session(yes) as session:
        for wrong, reason in WRONG.items():
            said = await session.refused(tool, **others, **{argument: ["fine", wrong]})
            assert f"`{argument}[1]` takes an id as it stands in a list; {reason}" in said
        assert session.sent() == []


async def test_what_is_no_id_inside_of_items_is_refused_before_any_request() -> None:
    async with shop_session(yes) as session:
        for wrong in WRONG:
            for tool, arguments in (
                ("update_inventory", {"items": [{"price_id": wrong, "available_quantity": 1}]}),
                ("bulk_edit_products", {"products": [{"product_id": wrong, "name": "A"}]}),
                (
                    "bulk_edit_products",
                    {"products": [{"product_id": "p", "prices": [{"price_id": wrong, "amount": 1}]}]},
                ),
            ):
                said = await session.refused(tool, **arguments)
                assert "takes an id as it stands in a list" in said
        assert session.sent() == []


@pytest.mark.parametrize("word", ["inventory", "collections", "reviews", "store", "bulk-update", "Inventory"])
async def test_a_part_of_the_apis_own_addresses_is_no_product(word: str) -> None:
    async with shop_session(yes) as session:
        for tool, more in (
            ("get_product", {}),
            ("delete_product", {}),
            ("list_prices", {}),
            ("update_product", {"name": "A"}),
        ):
            said = await session.refused(tool, product_id=word, **more)
            assert "is a part of the API's own addresses, not a product id" in said
        assert session.sent() == []


async def test_ids_that_would_count_as_two_are_refused_where_commas_separate_them() -> None:
    async with shop_session() as session:
        said = await session.refused("list_prices", product_id="p", price_ids=["a,b"])
        assert "it contains a comma" in said
        said = await session.refused("list_products", collection_ids=["a,b"])
        assert "it contains a comma" in said
        assert session.sent() == []


async def test_lists_without_end_are_refused_before_any_request() -> None:
    async with shop_session(yes) as session:
        many = [f"p{number}" for number in range(201)]
        calls: list[tuple[str, dict[str, Any]]] = [
            ("bulk_delete_products", {"product_ids": many}),
            ("bulk_delete_products", {"product_ids": []}),
            ("bulk_update_inventory", {"price_ids": many, "add_quantity": 1}),
            ("list_products", {"product_ids": many[:101]}),
            ("list_products", {"limit": 0}),
            ("list_products", {"limit": 101}),
            ("list_inventory", {"offset": -1}),
            ("update_inventory", {"items": []}),
            ("bulk_edit_products", {"products": []}),
        ]
        for tool, arguments in calls:
            said = await session.refused(tool, **arguments)
            assert said.startswith("The arguments do not fit:")
            assert "Nothing was changed." in said
        assert session.sent() == []
