"""Cases of stores, collections and reviews."""

from decimal import Decimal

from mock_api import LOCATION
from operation_case import ALT, ALT_QUERY, DONE, Case

from hoopai_products_mcp.products_api import models

CASES = [
    Case(
        "get_store_stats",
        lambda client: client.get_store_stats(store_id="s1", search="x", collection_ids=["c1"]),
        "/products/store/s1/stats",
        models.StoreStats(total_products=9, included_in_store=4, excluded_from_store=5),
        answers={"totalProducts": 9, "includedInStore": 4, "excludedFromStore": 5},
        query=[*ALT_QUERY, ("search", "x"), ("collectionIds", "c1")],
    ),
    Case(
        "set_store_visibility",
        lambda client: client.set_store_visibility(store_id="s1", action="exclude", product_ids=["p1"]),
        "/products/store/s1",
        DONE,
        body=ALT | {"action": "exclude", "productIds": ["p1"]},
    ),
    Case(
        "set_display_priority",
        lambda client: client.set_display_priority(
            store_id="s1", products=[models.DisplayPriority(product_id="p1", display_priority=2)]
        ),
        "/products/store/s1/priority",
        DONE,
        body=ALT | {"products": [{"productId": "p1", "displayPriority": 2}]},
    ),
    Case(
        "list_collections",
        lambda client: client.list_collections(collection_ids=["c1"], name="win"),
        "/products/collections",
        models.Page((models.Collection(id="c1", location_id="L"),), 1, 100, 0),
        answers={"data": [{"_id": "c1", "altId": "L"}], "total": 1},
        query=[
            *ALT_QUERY,
            ("limit", "100"),
            ("offset", "0"),
            ("collectionIds", "c1"),
            ("name", "win"),
        ],
    ),
    Case(
        "create_collection",
        lambda client: client.create_collection(
            collection=models.NewCollection(
                name="Under 50",
                slug="under-50",
                type="smart",
                rules=models.RulesInput(
                    logic="AND", conditions=[{"field": "price", "value": Decimal("49.99")}]
                ),
            )
        ),
        "/products/collections",
        models.Collection(id="c1", name="Under 50"),
        answers={"data": {"_id": "c1", "name": "Under 50"}},
        body=ALT
        | {
            "name": "Under 50",
            "slug": "under-50",
            "type": "smart",
            "rules": {"logic": "AND", "conditions": [{"field": "price", "value": Decimal("49.99")}]},
        },
        status=201,
    ),
    Case(
        "get_collection",
        lambda client: client.get_collection(collection_id="c1"),
        "/products/collections/c1",
        models.Collection(id="c1", name="Winter"),
        answers={"data": {"name": "Winter"}, "status": True},
        query=[("altId", LOCATION)],
    ),
    Case(
        "update_collection",
        lambda client: client.update_collection(
            collection_id="c1", changes=models.CollectionChanges(name="Winter", image=None)
        ),
        "/products/collections/c1",
        DONE,
        body=ALT | {"name": "Winter", "image": None},
    ),
    Case(
        "delete_collection",
        lambda client: client.delete_collection(collection_id="c1"),
        "/products/collections/c1",
        DONE,
        query=ALT_QUERY,
    ),
    Case(
        "list_collection_products",
        lambda client: client.list_collection_products(collection_id="c1", limit=10, offset=10),
        "/products/collections/c1/products",
        models.CollectionProducts((models.Product(id="p1"),), 11, 10, 10, fallback=None),
        answers={"data": [{"_id": "p1"}], "total": 11},
        query=[*ALT_QUERY, ("limit", "10"), ("offset", "10")],
    ),
    Case(
        "list_reviews",
        lambda client: client.list_reviews(
            sort_field="rating",
            sort_order="asc",
            rating=Decimal("4.5"),
            start_date="2026-01-01",
            end_date="2026-02-01",
            product_ids=["p1", "p2"],
            store_ids=["s1"],
        ),
        "/products/reviews",
        models.Page((models.Review(id="w1", rating=Decimal(5)),), 1, 100, 0),
        answers={"data": [{"id": "w1", "rating": 5}], "total": 1},
        query=[
            *ALT_QUERY,
            ("limit", "100"),
            ("offset", "0"),
            ("sortField", "rating"),
            ("sortOrder", "asc"),
            ("rating", "4.5"),
            ("startDate", "2026-01-01"),
            ("endDate", "2026-02-01"),
            ("productId", "p1,p2"),
            ("storeId", "s1"),
        ],
    ),
    Case(
        "count_reviews",
        lambda client: client.count_reviews(rating=5),
        "/products/reviews/count",
        {"approved": 3, "pending": 2},
        answers={"data": [{"status": "approved", "count": 3}, {"status": "pending", "count": 2}]},
        query=[*ALT_QUERY, ("rating", "5")],
    ),
    Case(
        "update_review",
        lambda client: client.update_review(
            review_id="w1",
            update=models.ReviewUpdate(
                product_id="p1",
                status="approved",
                reply=[
                    models.ReviewReplyInput(
                        headline="Thanks",
                        comment="",
                        user=models.ReviewAuthorInput(name="Shop", email="shop@example.com"),
                    )
                ],
            ),
        ),
        "/products/reviews/w1",
        DONE,
        body=ALT
        | {
            "productId": "p1",
            "status": "approved",
            "reply": [
                {
                    "headline": "Thanks",
                    "comment": "",
                    "user": {"name": "Shop", "email": "shop@example.com"},
                }
            ],
        },
    ),
    Case(
        "delete_review",
        lambda client: client.delete_review(review_id="w1", product_id="p1"),
        "/products/reviews/w1",
        DONE,
        query=[*ALT_QUERY, ("productId", "p1")],
    ),
    Case(
        "bulk_update_reviews",
        lambda client: client.bulk_update_reviews(
            reviews=[models.ReviewReference(review_id="w1", product_id="p1", store_id="s1")],
            status="approved",
        ),
        "/products/reviews/bulk-update",
        DONE,
        body=ALT
        | {
            "reviews": [{"reviewId": "w1", "productId": "p1", "storeId": "s1"}],
            "status": "approved",
        },
        status=201,
    ),
]
