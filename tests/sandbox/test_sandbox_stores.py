"""Stores, collections and reviews behave as the live API is known to behave."""

from typing import Any

import pytest
from sandbox_api import ALT, HERE, TODAY, Api

from hoopai_products_mcp.sandbox.identity import LOCATION_ID, ONLINE_STORE_ID

pytestmark = pytest.mark.anyio

STORE = f"/products/store/{ONLINE_STORE_ID}"


async def test_products_are_included_in_a_store_and_excluded_with_null_for_an_answer(api: Api) -> None:
    products = [await api.product(name=name, collectionIds=["c1"]) for name in ("a", "ab", "b")]
    ids = [product["_id"] for product in products]
    included = await api.post(STORE, ALT | {"action": "include", "productIds": [*ids, "unknown", ids[0]]})
    excluded = await api.post(STORE, ALT | {"action": "exclude", "productIds": ids[2:]})
    assert [(answer.status, answer.raw) for answer in (included, excluded)] == [(201, b"null")] * 2
    assert (await api.get(f"{STORE}/stats", ALT)).body == {
        "totalProducts": 3,
        "includedInStore": 2,
        "excludedFromStore": 1,
    }
    narrowed = await api.get(f"{STORE}/stats", ALT | {"search": "B", "collectionIds": "c1"})
    assert narrowed.body == {"totalProducts": 2, "includedInStore": 1, "excludedFromStore": 1}


async def test_display_order_is_set_without_an_answer_body(api: Api) -> None:
    ids = {name: (await api.product(name=name))["_id"] for name in ("a", "b", "c", "d")}
    await api.post(STORE, ALT | {"action": "include", "productIds": list(ids.values())})
    order = [
        {"_id": ids["c"]},
        {"productId": ids["a"], "displayPriority": 7},
        {"productId": ids["b"], "priority": 3},
        {"productId": "unknown"},
    ]
    answer = await api.post(f"{STORE}/priority", ALT | {"products": order})
    assert (answer.status, answer.raw, answer.headers.get("content-type")) == (200, b"", None)
    assert await api.products(storeId=ONLINE_STORE_ID) == ["c", "b", "a", "d"]
    assert await api.products(storeId=ONLINE_STORE_ID, sortOrder="asc") == ["a", "b", "c", "d"]


async def test_a_missing_store_is_a_bad_request(api: Api) -> None:
    for answer in (
        await api.get("/products/store/nowhere/stats", ALT),
        await api.post("/products/store/nowhere", ALT | {"action": "include", "productIds": []}),
        await api.post("/products/store/nowhere/priority", ALT | {"products": []}),
    ):
        assert (answer.status, answer.body["message"]) == (400, "Store not found")


async def collection(api: Api, name: str, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/products/collections", ALT | {"name": name, "slug": name.lower()} | fields)
    assert answer.status == 201, answer.body
    return answer.body["data"]


async def test_a_collection_is_created_found_and_listed(api: Api) -> None:
    product = await api.product()
    summer = await collection(
        api, "Summer", productIds=[product["_id"], product["_id"]], seo={"title": "Sun"}
    )
    own_id = summer["_id"]
    assert summer == {
        "_id": own_id,
        "altId": LOCATION_ID,
        "name": "Summer",
        "slug": "summer",
        "type": "manual",
        "seo": {"title": "Sun"},
        "createdAt": TODAY,
    }
    found = await api.get(f"/products/collections/{own_id}", {"altId": LOCATION_ID})
    assert found.body == {"data": summer, "status": True}
    chosen = await collection(api, "Winter", collectionId="0123456789abcdef01234567")
    assert chosen["_id"] == "0123456789abcdef01234567"
    listed = await api.get("/products/collections", ALT)
    assert listed.body == {"data": [summer, chosen], "total": 2}
    by_name = await api.get("/products/collections", ALT | {"name": "WINT"})
    assert by_name.body == {"data": [chosen], "total": 1}
    by_id = await api.get("/products/collections", ALT | {"collectionIds": f"{own_id},x"})
    assert by_id.body == {"data": [summer], "total": 1}
    assert (await api.get(f"/products/{product['_id']}", HERE)).body["collectionIds"] == [own_id]


async def test_collections_come_ten_at_a_time_unless_asked_otherwise(api: Api) -> None:
    for number in range(12):
        await collection(api, f"C{number}")
    lengths = {
        limit: len((await api.get("/products/collections", ALT | query)).body["data"])
        for limit, query in {"none": {}, "0": {"limit": 0}, "11": {"limit": 11}}.items()
    }
    assert lengths == {"none": 10, "0": 12, "11": 11}


async def test_collection_slugs_and_ids_are_unique(api: Api) -> None:
    summer = await collection(api, "Summer")
    winter = await collection(api, "Winter")
    again = await api.post("/products/collections", ALT | {"name": "Other", "slug": "summer"})
    same_id = await api.post(
        "/products/collections", ALT | {"name": "Other", "slug": "other", "collectionId": summer["_id"]}
    )
    moved = await api.put(f"/products/collections/{winter['_id']}", ALT | {"slug": "summer"})
    spaced = await api.post("/products/collections", ALT | {"name": "Other", "slug": "two words"})
    assert [(answer.status, answer.messages) for answer in (again, same_id, moved)] == [
        (422, ["slug already exists"]),
        (422, ["collectionId already exists"]),
        (422, ["slug already exists"]),
    ]
    assert (spaced.status, spaced.messages) == (
        422,
        ['slug is not valid: "two words" does not match "^[A-Za-z0-9_-]+$"'],
    )


async def test_a_collection_is_changed_and_deleted_with_null_for_an_answer(api: Api) -> None:
    product = await api.product()
    summer = await collection(api, "Summer", image="https://images.example.com/s.jpg")
    path = f"/products/collections/{summer['_id']}"
    changed = await api.put(path, ALT | {"name": "High summer", "productIds": [product["_id"]]})
    assert (changed.status, changed.raw) == (200, b"null")
    found = await api.get(path, {"altId": LOCATION_ID})
    assert found.body["data"] == summer | {"name": "High summer"}
    deleted = await api.delete(path, ALT)
    assert (deleted.status, deleted.raw) == (200, b"null")
    assert (await api.get(f"/products/{product['_id']}", HERE)).body["collectionIds"] == []
    for answer in (
        await api.get(path, {"altId": LOCATION_ID}),
        await api.put(path, ALT),
        await api.delete(path, ALT),
        await api.get(f"{path}/products", ALT),
    ):
        assert (answer.status, answer.body["message"]) == (400, "Collection not found")


async def test_products_of_a_collection_are_listed_in_its_order(api: Api) -> None:
    first, second = await api.product(name="first"), await api.product(name="second")
    summer = await collection(api, "Summer", productIds=[second["_id"], first["_id"]])
    third = await api.product(name="third", collectionIds=[summer["_id"]])
    path = f"/products/collections/{summer['_id']}/products"
    answer = await api.get(path, ALT)
    assert [product["name"] for product in answer.body["data"]] == ["second", "first", "third"]
    assert answer.body["total"] == 3
    page = await api.get(path, ALT | {"limit": 1, "offset": 2})
    assert page.body == {
        "data": [
            {key: value for key, value in third.items() if key not in {"medias", "collectionIds", "seo"}}
        ],
        "total": 3,
    }


async def test_a_smart_collection_keeps_its_rules_and_takes_no_products(api: Api) -> None:
    product = await api.product()
    rules = {"logic": "AND", "conditions": [{"anything": [1, 2**70]}]}
    smart = await collection(api, "Smart", type="smart", rules=rules, productIds=[product["_id"]])
    assert (smart["type"], smart["rules"]) == ("smart", rules)
    listed = await api.get(f"/products/collections/{smart['_id']}/products", ALT)
    assert listed.body == {"data": [], "total": 0}


async def test_smart_membership_does_not_show_on_the_product(demo: Api) -> None:
    collections = (await demo.get("/products/collections", ALT)).body["data"]
    smart = next(item for item in collections if item["type"] == "smart")
    members = (await demo.get(f"/products/collections/{smart['_id']}/products", ALT)).body
    assert members["total"] > 20
    product = await demo.get(f"/products/{members['data'][0]['_id']}", HERE)
    assert smart["_id"] not in product.body["collectionIds"]
    assert await demo.products(collectionIds=smart["_id"]) == []
    assert await demo.products(collectionSlug=smart["slug"]) == []
