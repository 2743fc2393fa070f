"""Reviews behave as the live API is known to behave."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from sandbox_api import ALT, TODAY, Api

from hoopai_products_mcp.sandbox.identity import MARKET_STORE_ID, ONLINE_STORE_ID

pytestmark = pytest.mark.anyio

DONE = {"status": True, "message": "Successfully created"}


async def reviews(demo: Api, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for offset in (0, 100):
        answer = await demo.get("/products/reviews", ALT | {"limit": 100, "offset": offset} | query)
        assert answer.status == 200, answer.body
        found += answer.body["data"]
    return found


async def counts(demo: Api, **query: Any) -> dict[str, int]:
    answer = await demo.get("/products/reviews/count", ALT | query)
    return {entry["status"]: entry["count"] for entry in answer.body["data"]}


async def test_reviews_are_listed_newest_first_and_counted_by_status(demo: Api) -> None:
    found = await reviews(demo)
    assert [review["createdAt"] for review in found] == sorted(
        (review["createdAt"] for review in found), reverse=True
    )
    assert await counts(demo) == Counter(review["status"] for review in found)
    answer = await demo.get("/products/reviews", ALT | {"limit": 1})
    assert (answer.body["data"], answer.body["total"]) == (found[:1], len(found))


async def test_reviews_can_be_sorted_and_narrowed(demo: Api) -> None:
    found = await reviews(demo)
    by_rating = await reviews(demo, sortField="rating", sortOrder="asc")
    assert [review["rating"] for review in by_rating] == sorted(review["rating"] for review in found)
    half_stars = await reviews(demo, rating="4.5")
    assert {review["rating"] for review in half_stars} == {Decimal("4.5")}
    first, last = found[70]["createdAt"], found[20]["createdAt"]
    assert await reviews(demo, startDate=first, endDate=last) == found[20:71]
    assert await reviews(demo, startDate=first.removesuffix("Z"), endDate=last) == found[20:71]
    products = [found[0]["productId"], found[1]["productId"]]
    chosen = [review for review in found if review["productId"] in products]
    assert await reviews(demo, productId=",".join(products)) == chosen
    market = [review for review in found if review["storeId"] == MARKET_STORE_ID]
    assert await reviews(demo, storeId=MARKET_STORE_ID) == market
    assert await counts(demo, storeId=MARKET_STORE_ID) == Counter(review["status"] for review in market)


async def test_a_review_is_moderated_and_answered(demo: Api) -> None:
    review = next(review for review in await reviews(demo) if review["status"] == "pending")
    reply = {
        "headline": "Thanks",
        "comment": "We will look into it.",
        "user": {"name": "Shop", "email": "shop@example.com", "isCustomer": False},
    }
    path = f"/products/reviews/{review['_id']}"
    changes = {
        "productId": review["productId"],
        "status": "escalated",
        "reply": [reply],
        "rating": Decimal("3.5"),
    }
    answer = await demo.put(path, ALT | changes)
    assert (answer.status, answer.body) == (200, DONE)
    changed = next(found for found in await reviews(demo) if found["_id"] == review["_id"])
    assert changed == review | {
        "status": "escalated",
        "reply": [reply],
        "rating": Decimal("3.5"),
        "updatedAt": TODAY,
    }
    assert (await counts(demo))["escalated"] == 1
    replaced = await demo.put(path, ALT | changes | {"reply": []})
    assert replaced.status == 200
    assert next(found for found in await reviews(demo) if found["_id"] == review["_id"])["reply"] == []


async def test_a_review_is_deleted(demo: Api) -> None:
    review = (await reviews(demo))[0]
    path = f"/products/reviews/{review['_id']}"
    wrong = await demo.delete(path, ALT | {"productId": "another"})
    assert (wrong.status, wrong.body["message"]) == (400, "Review not found")
    answer = await demo.delete(path, ALT | {"productId": review["productId"]})
    assert (answer.status, answer.body) == (200, DONE)
    gone = await demo.put(path, ALT | {"productId": review["productId"], "status": "approved"})
    assert (gone.status, gone.body["message"]) == (400, "Review not found")


async def test_many_reviews_get_one_status(demo: Api) -> None:
    pending = [review for review in await reviews(demo) if review["status"] == "pending"]
    items = [
        {"reviewId": review["_id"], "productId": review["productId"], "storeId": review["storeId"]}
        for review in pending
    ]
    elsewhere = MARKET_STORE_ID if items[0]["storeId"] == ONLINE_STORE_ID else ONLINE_STORE_ID
    wrong = [items[0] | {"storeId": elsewhere}, items[1] | {"productId": "another"}]
    before = await counts(demo)
    answer = await demo.post(
        "/products/reviews/bulk-update", ALT | {"reviews": [*items[2:], *wrong], "status": "approved"}
    )
    assert (answer.status, answer.body) == (201, DONE)
    after = await counts(demo)
    assert (after["pending"], after["approved"]) == (2, before["approved"] + len(items) - 2)
