"""Cases of products, prices, stock and bulk changes."""

from decimal import Decimal

from mock_api import LOCATION
from operation_case import ALT, ALT_QUERY, DONE, LOCATION_QUERY, Case

from hoopai_products_mcp.products_api import models

CASES = [
    Case(
        "create_product",
        lambda client: client.create_product(
            product=models.NewProduct(
                name="Candle",
                product_type="PHYSICAL",
                slug=None,
                seo=models.SeoInput(title="A candle"),
                variants=[
                    models.VariantInput(
                        id="v1", name="Size", options=[models.VariantOptionInput(id="o1", name="S")]
                    )
                ],
                medias=[models.MediaInput(id="m1", url="https://x.example/a.png", type="image")],
            )
        ),
        "/products/",
        models.Product(id="p1", name="Candle"),
        answers={"product": {"_id": "p1", "name": "Candle"}},
        body={
            "name": "Candle",
            "productType": "PHYSICAL",
            "locationId": LOCATION,
            "slug": None,
            "seo": {"title": "A candle"},
            "variants": [{"id": "v1", "name": "Size", "options": [{"id": "o1", "name": "S"}]}],
            "medias": [{"id": "m1", "url": "https://x.example/a.png", "type": "image"}],
        },
        status=201,
    ),
    Case(
        "list_products",
        lambda client: client.list_products(
            limit=20,
            offset=40,
            search="big candle",
            collection_ids=["c1", "c2"],
            collection_slug="winter",
            expand=["tax", "stripe"],
            product_ids=["p1", "p2"],
            store_id="s1",
            included_in_store=True,
            available_in_store=False,
            sort_order="desc",
        ),
        "/products/",
        models.Page((models.Product(id="p1"),), 41, 20, 40),
        answers={"products": [{"_id": "p1"}], "total": [{"total": 41}]},
        query=[
            ("locationId", LOCATION),
            ("limit", "20"),
            ("offset", "40"),
            ("search", "big candle"),
            ("collectionIds", "c1,c2"),
            ("collectionSlug", "winter"),
            ("expand", "tax"),
            ("expand", "stripe"),
            ("productIds", "p1"),
            ("productIds", "p2"),
            ("storeId", "s1"),
            ("includedInStore", "true"),
            ("availableInStore", "false"),
            ("sortOrder", "desc"),
        ],
    ),
    Case(
        "get_product",
        lambda client: client.get_product(product_id="winter-candle", send_wishlist_status=True),
        "/products/winter-candle",
        models.Product(id="p1", seo=models.Seo(title=None, description="d")),
        answers={"_id": "p1", "seo": {"title": None, "description": "d"}},
        query=[("locationId", LOCATION), ("sendWishlistStatus", "true")],
    ),
    Case(
        "delete_product",
        lambda client: client.delete_product(product_id="p1"),
        "/products/p1",
        models.Acknowledged.model_validate({"status": True}),
        answers={"status": True},
        query=LOCATION_QUERY,
    ),
    Case(
        "bulk_update",
        lambda client: client.bulk_update(
            change=models.BulkPriceChange(
                product_ids=["p1"],
                price=models.PriceAdjustment(
                    type="REDUCE_BY_PERCENTAGE", value=Decimal("12.5"), round_to_whole=True
                ),
                compare_at_price=models.PriceAdjustment(type="SET_NEW_PRICE", value=Decimal("99.90")),
            )
        ),
        "/products/bulk-update",
        DONE,
        body=ALT
        | {
            "type": "bulk-update-price",
            "productIds": ["p1"],
            "price": {"type": "REDUCE_BY_PERCENTAGE", "value": Decimal("12.5"), "roundToWhole": True},
            "compareAtPrice": {"type": "SET_NEW_PRICE", "value": Decimal("99.90")},
        },
        status=201,
    ),
    Case(
        "bulk_update",
        lambda client: client.bulk_update(
            change=models.BulkAvailability(product_ids=["p1", "p2"], availability=False)
        ),
        "/products/bulk-update",
        DONE,
        body=ALT | {"type": "bulk-update-availability", "productIds": ["p1", "p2"], "availability": False},
    ),
    Case(
        "bulk_update",
        lambda client: client.bulk_update(
            change=models.BulkCollections(product_ids=["p1"], collection_ids=["c1"])
        ),
        "/products/bulk-update",
        DONE,
        body=ALT | {"type": "bulk-update-product-collection", "productIds": ["p1"], "collectionIds": ["c1"]},
    ),
    Case(
        "bulk_update",
        lambda client: client.bulk_update(change=models.BulkDelete(product_ids=["p1"])),
        "/products/bulk-update",
        DONE,
        body=ALT | {"type": "bulk-delete-products", "productIds": ["p1"]},
    ),
    Case(
        "bulk_update",
        lambda client: client.bulk_update(change=models.BulkCurrency(product_ids=["p1"], currency="EUR")),
        "/products/bulk-update",
        DONE,
        body=ALT | {"type": "bulk-update-currency", "productIds": ["p1"], "currency": "EUR"},
    ),
    Case(
        "bulk_update_inventory",
        lambda client: client.bulk_update_inventory(
            change=models.BulkInventoryChange(
                price_ids=["r1"],
                available_quantity=models.QuantityChange(type="ADD_QUANTITY", value=50),
                allow_out_of_stock_purchases=False,
                track_inventory=True,
            )
        ),
        "/products/bulk-update/inventory",
        models.BulkInventoryResult.model_validate(
            {"status": True, "updatedCount": 1, "fieldsUpdated": ["availableQuantity"], "message": "ok"}
        ),
        answers={
            "status": True,
            "updatedCount": 1,
            "fieldsUpdated": ["availableQuantity"],
            "message": "ok",
        },
        body=ALT
        | {
            "priceIds": ["r1"],
            "availableQuantity": {"type": "ADD_QUANTITY", "value": 50},
            "allowOutOfStockPurchases": False,
            "trackInventory": True,
        },
    ),
    Case(
        "bulk_edit",
        lambda client: client.bulk_edit(
            products=[
                models.ProductEdit(
                    id="p1",
                    seo=models.SeoInput(title="t"),
                    taxes=[{"_id": "t1"}],
                    prices=[models.PriceEdit(id="r1", amount=Decimal("5.00"), sku=None)],
                )
            ]
        ),
        "/products/bulk-update/edit",
        models.BulkEditResult(
            (models.BulkEditCall("done", (models.EditedProduct("p1", ("r1",), True),), updated_count=1),)
        ),
        answers={"status": True, "message": "ok", "updatedCount": 1},
        body=ALT
        | {
            "products": [
                {
                    "_id": "p1",
                    "seo": {"title": "t"},
                    "taxes": [{"_id": "t1"}],
                    "prices": [{"_id": "r1", "amount": Decimal("5.00"), "sku": None}],
                }
            ]
        },
        status=201,
    ),
    Case(
        "create_price",
        lambda client: client.create_price(
            product_id="p1",
            price=models.NewPrice(
                name="Monthly",
                type="recurring",
                currency="USD",
                amount=Decimal("19.90"),
                recurring=models.RecurringInput(interval="month", interval_count=1),
                membership_offers=[models.MembershipOfferInput(id="o1", label="top", value="50")],
                shipping_options=models.ShippingOptionsInput(
                    weight=models.WeightInput(value=Decimal("0.5"), unit="kg")
                ),
            ),
        ),
        "/products/p1/price",
        models.Price(id="r1", amount=Decimal("19.90")),
        answers={"price": {"_id": "r1", "amount": Decimal("19.90")}},
        body={
            "name": "Monthly",
            "type": "recurring",
            "currency": "USD",
            "amount": Decimal("19.90"),
            "locationId": LOCATION,
            "recurring": {"interval": "month", "intervalCount": 1},
            "membershipOffers": [{"_id": "o1", "label": "top", "value": "50"}],
            "shippingOptions": {"weight": {"value": Decimal("0.5"), "unit": "kg"}},
        },
        status=201,
    ),
    Case(
        "list_prices",
        lambda client: client.list_prices(product_id="p1", ids=["r1", "r2"]),
        "/products/p1/price",
        models.Page((models.Price(id="r1", product_id="p1"),), 7, 100, 0),
        answers={"prices": [{"_id": "r1", "product": "p1"}], "total": 7},
        query=[("locationId", LOCATION), ("limit", "100"), ("offset", "0"), ("ids", "r1,r2")],
    ),
    Case(
        "get_price",
        lambda client: client.get_price(product_id="p1", price_id="r1"),
        "/products/p1/price/r1",
        models.Price(id="r1", track_inventory=None),
        answers={"_id": "r1", "trackInventory": None},
        query=LOCATION_QUERY,
    ),
    Case(
        "delete_price",
        lambda client: client.delete_price(product_id="p1", price_id="r1"),
        "/products/p1/price/r1",
        DONE,
        query=LOCATION_QUERY,
    ),
    Case(
        "list_inventory",
        lambda client: client.list_inventory(limit=1, search="red"),
        "/products/inventory",
        models.Page((models.InventoryItem(price_id="r1", available_quantity=3),), 100, 1, 0),
        answers={"inventory": [{"_id": "r1", "availableQuantity": 3}], "total": {"total": 100}},
        query=[*ALT_QUERY, ("limit", "1"), ("offset", "0"), ("search", "red")],
    ),
    Case(
        "update_inventory",
        lambda client: client.update_inventory(
            items=[
                models.InventoryUpdate(price_id="r1", available_quantity=0),
                models.InventoryUpdate(price_id="r2", allow_out_of_stock_purchases=True),
            ]
        ),
        "/products/inventory",
        DONE,
        body=ALT
        | {
            "items": [
                {"priceId": "r1", "availableQuantity": 0},
                {"priceId": "r2", "allowOutOfStockPurchases": True},
            ]
        },
        status=201,
    ),
]
