"""Products behave as the live API is known to behave."""

from typing import Any

import pytest
from sandbox_api import HERE, TODAY, Api

from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, MARKET_STORE_ID, ONLINE_STORE_ID

pytestmark = pytest.mark.anyio

VARIANT = {"id": "v1", "name": "Size", "options": [{"id": "o1", "name": "Small"}]}
MEDIA = {"id": "m1", "url": "https://images.example.com/a.jpg", "type": "image", "priceIds": ["p1"]}


async def test_a_new_product_comes_back_whole(api: Api) -> None:
    product = await api.product(
        slug="bat-box", variants=[VARIANT], medias=[MEDIA], seo={"title": "Bats"}, collectionIds=["c2", "c1"]
    )
    product_id = product.pop("_id")
    assert product == {
        "locationId": LOCATION_ID,
        "name": "Bat box",
        "productType": "PHYSICAL",
        "slug": "bat-box",
        "variants": [VARIANT],
        "medias": [MEDIA],
        "seo": {"title": "Bats"},
        "collectionIds": ["c2", "c1"],
        "availableInStore": False,
        "isTaxesEnabled": False,
        "isLabelEnabled": False,
        "taxInclusive": False,
        "taxes": [],
        "createdAt": TODAY,
        "updatedAt": TODAY,
    }
    found = await api.get(f"/products/{product_id}", HERE)
    assert (found.status, found.body) == (200, {"_id": product_id} | product)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"isTaxesEnabled": True}, "taxes should not be empty when isTaxesEnabled is true"),
        ({"isLabelEnabled": True}, "label should not be empty when isLabelEnabled is true"),
    ],
)
async def test_a_product_may_not_contradict_itself(api: Api, fields: dict[str, bool], message: str) -> None:
    answer = await api.post("/products/", {"name": "Box", "productType": "DIGITAL"} | HERE | fields)
    assert (answer.status, answer.messages) == (422, [message])


async def test_lists_leave_out_medias_collections_and_seo(api: Api) -> None:
    product = await api.product(medias=[MEDIA], seo={"title": "Bats"}, collectionIds=["c1"])
    listed = (await api.get("/products/", HERE)).body["products"][0]
    assert product.keys() - listed.keys() == {"medias", "collectionIds", "seo"}
    assert listed == {key: product[key] for key in listed}


async def test_the_total_of_products_is_a_list_of_one_object(api: Api) -> None:
    assert (await api.get("/products/", HERE)).body == {"products": [], "total": [{"total": 0}]}


async def test_pages_hold_at_most_100_and_a_limit_of_0_means_that_too(api: Api) -> None:
    for number in range(102):
        await api.product(name=f"Box {number}")
    lengths = {limit: len(await api.products(limit=limit)) for limit in (0, 1, 100, 500)}
    assert lengths == {0: 100, 1: 1, 100: 100, 500: 100}
    assert len(await api.products()) == 100
    assert await api.products(offset=100) == ["Box 1", "Box 0"]
    assert await api.products(offset=10**30) == []


async def test_the_newest_product_comes_first_unless_asked_otherwise(api: Api) -> None:
    for name in ("first", "second"):
        await api.product(name=name)
    assert await api.products() == await api.products(sortOrder="desc") == ["second", "first"]
    assert await api.products(sortOrder="asc") == ["first", "second"]


async def test_a_list_can_be_narrowed(api: Api) -> None:
    summer = await api.post(
        "/products/collections",
        {"altId": LOCATION_ID, "altType": "location", "name": "Summer", "slug": "summer"},
    )
    collection = summer.body["data"]["_id"]
    lamp = await api.product(name="Straße LAMP", availableInStore=True, collectionIds=[collection])
    mug = await api.product(name="mug 100%", collectionIds=["c9"])
    assert await api.products(search="strasse lamp") == ["Straße LAMP"]
    assert await api.products(search="100%") == ["mug 100%"]
    assert await api.products(search="") == ["mug 100%", "Straße LAMP"]
    assert await api.products(collectionIds=f"{collection}, c9") == ["mug 100%", "Straße LAMP"]
    assert await api.products(collectionIds=collection) == ["Straße LAMP"]
    assert await api.products(collectionSlug="summer") == ["Straße LAMP"]
    assert await api.products(availableInStore="true") == ["Straße LAMP"]
    assert await api.products(availableInStore="false") == ["mug 100%"]
    assert await api.products(productIds=[mug["_id"], lamp["_id"]]) == ["mug 100%", "Straße LAMP"]
    assert await api.products(**{"productIds[]": [mug["_id"]]}) == ["mug 100%"]


async def test_a_store_narrows_the_list_and_orders_it(demo: Api) -> None:
    stats = (
        await demo.get(
            f"/products/store/{MARKET_STORE_ID}/stats", {"altId": LOCATION_ID, "altType": "location"}
        )
    ).body
    shown = await demo.products(storeId=MARKET_STORE_ID)
    hidden = await demo.products(storeId=MARKET_STORE_ID, includedInStore="false")
    assert (len(shown), len(hidden)) == (stats["includedInStore"], stats["excludedFromStore"])
    assert shown == await demo.products(storeId=MARKET_STORE_ID, includedInStore="true")
    assert set(shown) & set(hidden) == set()
    first = await demo.products(storeId=ONLINE_STORE_ID, limit=2)
    assert first == ["Moonflower seeds", "Moonflower seeds, heirloom"]
    assert await demo.products(storeId="no such store") == []


async def test_tax_ids_become_objects_when_asked(api: Api) -> None:
    await api.product(isTaxesEnabled=True, taxes=["t1"])

    async def taxes(**query: Any) -> Any:
        return (await api.get("/products/", HERE | query)).body["products"][0]["taxes"]

    assert await taxes() == ["t1"]
    assert await taxes(expand="stripe") == ["t1"]
    assert await taxes(expand=["stripe", "tax"]) == [{"_id": "t1", "name": "Sales tax"}]


async def test_a_product_is_found_by_its_slug_and_the_older_of_two_wins(api: Api) -> None:
    older = await api.product(name="older", slug="lamp")
    newer = await api.product(name="newer", slug="lamp")
    renamed = await api.put(f"/products/{newer['_id']}", HERE | {"name": "newest", "slug": "lamp"})
    assert (renamed.status, renamed.body["slug"]) == (200, "lamp")
    assert (await api.get("/products/lamp", HERE)).body["_id"] == older["_id"]
    await api.put("/products/lamp", HERE | {"name": "oldest"})
    assert (await api.get(f"/products/{older['_id']}", HERE)).body["name"] == "oldest"
    assert (await api.delete("/products/lamp", HERE)).body == {"status": True}
    assert (await api.get("/products/lamp", HERE)).body["_id"] == newer["_id"]


async def test_a_missing_product_is_a_bad_request(api: Api) -> None:
    for answer in (
        await api.get("/products/nothing", HERE | {"sendWishlistStatus": "true"}),
        await api.put("/products/nothing", HERE | {"name": "x"}),
        await api.delete("/products/nothing", HERE),
    ):
        body = {key: value for key, value in answer.body.items() if key != "traceId"}
        assert (answer.status, body) == (400, {"statusCode": 400, "message": "Product not found"})


async def test_put_merges_into_the_product(api: Api) -> None:
    product = await api.product(slug="box", medias=[MEDIA], collectionIds=["c1"], seo={"title": "Bats"})
    changed = await api.put(f"/products/{product['_id']}", HERE | {"availableInStore": True})
    assert changed.body == product | {"availableInStore": True}
    emptied = await api.put(
        f"/products/{product['_id']}",
        HERE | {"medias": [], "collectionIds": ["c3", "c2"], "prices": ["ignored"]},
    )
    assert emptied.body == product | {
        "availableInStore": True,
        "medias": [],
        "collectionIds": ["c3", "c2"],
    }


async def test_a_deleted_product_takes_its_prices_and_reviews_with_it(demo: Api) -> None:
    reviewed = (await demo.get("/products/reviews", {"altId": LOCATION_ID, "altType": "location"})).body[
        "data"
    ][0]
    product = reviewed["productId"]
    query = {"altId": LOCATION_ID, "altType": "location", "productId": product}
    assert (await demo.get(f"/products/{product}/price", HERE)).body["total"] > 0
    assert (await demo.delete(f"/products/{product}", HERE)).body == {"status": True}
    assert (await demo.get(f"/products/{product}/price", HERE)).status == 400
    assert (await demo.get("/products/reviews", query)).body == {"data": [], "total": 0}


async def test_a_refused_request_changes_nothing(api: Api, sandbox: Sandbox) -> None:
    product = await api.product()
    before = sandbox.dump()
    refused = await api.put(f"/products/{product['_id']}", HERE | {"name": "new", "isTaxesEnabled": True})
    assert (refused.status, sandbox.dump()) == (422, before)
