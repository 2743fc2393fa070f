"""The client at work on the sandbox, which reads the same facts independently and enforces them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from hoopai_products_mcp.products_api import errors, models
from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.engine import Sandbox
from hoopai_products_mcp.sandbox.faults import FaultKind
from hoopai_products_mcp.sandbox.identity import BASE_URL, LOCATION_ID, ONLINE_STORE_ID, TOKEN
from hoopai_products_mcp.sandbox.transport import SandboxTransport

pytestmark = pytest.mark.anyio


async def no_wait(seconds: float) -> None: ...


@asynccontextmanager
async def shop(
    token: str = TOKEN, location_id: str = LOCATION_ID
) -> AsyncGenerator[tuple[ProductsClient, Sandbox]]:
    app = create_app(rate_limit=0)
    async with ProductsClient(
        base_url=BASE_URL,
        token=token,
        location_id=location_id,
        transport=SandboxTransport(app),
        sleep=no_wait,
        timeout=5,
    ) as client:
        yield client, sandbox_of(app)
    assert sandbox_of(app).violations == []


async def a_price(client: ProductsClient) -> tuple[models.Product, models.Price]:
    product = await client.create_product(product=models.NewProduct(name="Jar", product_type="PHYSICAL"))
    price = await client.create_price(
        product_id=product.id,
        price=models.NewPrice(
            name="Jar, small",
            type="recurring",
            currency="USD",
            amount=Decimal("19.90"),
            compare_at_price=Decimal("25.50"),
            recurring=models.RecurringInput(interval="month", interval_count=1),
            membership_offers=[models.MembershipOfferInput(id="o1", label="top", value="50")],
            shipping_options=models.ShippingOptionsInput(
                weight=models.WeightInput(value=Decimal("0.25"), unit="kg"),
                dimensions=models.DimensionsInput(
                    height=Decimal(1), width=Decimal(2), length=Decimal("3.5"), unit="cm"
                ),
            ),
            variant_option_ids=["v1"],
            track_inventory=True,
            available_quantity=7,
            allow_out_of_stock_purchases=False,
            sku="JAR-S",
        ),
    )
    return product, price


async def test_a_price_keeps_everything_but_what_was_changed() -> None:
    async with shop() as (client, _):
        product, price = await a_price(client)
        change = await client.update_price(
            product_id=product.id,
            price_id=price.id,
            changes=models.PriceChanges(amount=Decimal("21.90"), compare_at_price=None),
        )
        read = await client.get_price(product_id=product.id, price_id=price.id)
    assert (change.lost, change.not_applied, change.verified) == ((), (), True)
    assert change.after == read
    changed = {"amount": Decimal("21.90"), "compare_at_price": None, "updated_at": read.updated_at}
    assert read == price.model_copy(update=changed)
    assert read.track_inventory is True


async def test_a_product_keeps_everything_but_what_was_changed() -> None:
    async with shop() as (client, _):
        product = await client.create_product(
            product=models.NewProduct(
                name="Jar",
                product_type="PHYSICAL",
                description="plain",
                slug="jar",
                seo=models.SeoInput(title="t", description="d"),
                variants=[
                    models.VariantInput(
                        id="v", name="Size", options=[models.VariantOptionInput(id="o", name="S")]
                    )
                ],
                medias=[
                    models.MediaInput(id="m", url="https://x.example/a.png", type="image", price_ids=["r1"])
                ],
            )
        )
        change = await client.update_product(
            product_id="jar", changes=models.ProductChanges(name="Jar, large", available_in_store=True)
        )
        read = await client.get_product(product_id=product.id)
    assert (change.before, change.lost, change.not_applied) == (product, (), ())
    assert change.after == read
    changed = {"name": "Jar, large", "available_in_store": True, "updated_at": read.updated_at}
    assert read == product.model_copy(update=changed)


async def test_walks_see_every_product_and_price_once() -> None:
    async with shop() as (client, _):
        products = [product.id async for product in client.iterate_products()]
        stock = [item.price_id async for item in client.iterate_inventory()]
        prices = [
            price.id
            for product_id in products
            async for price in client.iterate_prices(product_id=product_id)
        ]
        reviews = [review.id async for review in client.iterate_reviews()]
        counts = await client.count_reviews()
        page = await client.list_products(limit=1)
    assert len(set(products)) == len(products) == page.total
    assert len(set(stock)) == len(stock)
    assert set(stock) <= set(prices)
    assert len(set(reviews)) == len(reviews) == sum(counts.values())


async def test_reviews_are_moderated_answered_and_deleted() -> None:
    async with shop() as (client, _):
        before = await client.count_reviews()
        first, second, third = (await client.list_reviews(limit=3)).items
        assert first.product_id
        assert first.store_id
        await client.update_review(
            review_id=first.id,
            update=models.ReviewUpdate(
                product_id=first.product_id,
                status="on hold",
                reply=[
                    models.ReviewReplyInput(
                        headline="Thanks",
                        comment="!",
                        user=models.ReviewAuthorInput(name="Shop", email="shop@example.com"),
                    )
                ],
            ),
        )
        for review in (second, third):
            assert review.product_id
            assert review.store_id
        await client.bulk_update_reviews(
            reviews=[
                models.ReviewReference(
                    review_id=second.id, product_id=str(second.product_id), store_id=str(second.store_id)
                )
            ],
            status="on hold",
        )
        await client.delete_review(review_id=third.id, product_id=str(third.product_id))
        after = await client.count_reviews()
        answered = next(review for review in (await client.list_reviews()).items if review.id == first.id)
    assert after["on hold"] == 2
    assert sum(after.values()) == sum(before.values()) - 1
    assert [reply.headline for reply in answered.replies or []] == ["Thanks"]


async def test_collections_and_stores_are_worked_with_their_null_answers() -> None:
    async with shop() as (client, _):
        product, _ = await a_price(client)
        made = await client.create_collection(
            collection=models.NewCollection(name="Jars", slug="jars", product_ids=[product.id])
        )
        assert (
            await client.update_collection(
                collection_id=made.id, changes=models.CollectionChanges(name="All jars")
            )
            == models.Acknowledged()
        )
        assert (await client.get_collection(collection_id=made.id)).name == "All jars"
        listed = await client.list_collection_products(collection_id=made.id)
        await client.delete_collection(collection_id=made.id)
        with pytest.raises(errors.NotFoundError):
            await client.get_collection(collection_id=made.id)
        before = await client.get_store_stats(store_id=ONLINE_STORE_ID)
        await client.set_store_visibility(
            store_id=ONLINE_STORE_ID, action="include", product_ids=[product.id]
        )
        await client.set_display_priority(
            store_id=ONLINE_STORE_ID,
            products=[models.DisplayPriority(product_id=product.id, display_priority=1)],
        )
        after = await client.get_store_stats(store_id=ONLINE_STORE_ID)
    assert ([item.id for item in listed.items], listed.fallback) == ([product.id], None)
    assert (before.included_in_store or 0) + 1 == after.included_in_store


async def test_a_bulk_edit_of_many_prices_reaches_every_one() -> None:
    async with shop() as (client, sandbox):
        product, _ = await a_price(client)
        for number in range(34):
            await client.create_price(
                product_id=product.id,
                price=models.NewPrice(name=f"v{number}", type="one_time", currency="USD", amount=Decimal(1)),
            )
        prices = [price.id async for price in client.iterate_prices(product_id=product.id)]
        result = await client.bulk_edit(
            products=[
                models.ProductEdit(
                    id=product.id,
                    slug="jar",
                    prices=[models.PriceEdit(id=price, amount=Decimal("2.50")) for price in prices],
                )
            ]
        )
        amounts = {price.amount async for price in client.iterate_prices(product_id=product.id)}
        edited = await client.get_product(product_id=product.id)
    assert (result.complete, len(result.calls), amounts, edited.slug) == (True, 2, {Decimal("2.5")}, "jar")
    assert sandbox.violations == []


@pytest.mark.parametrize("missing", [FaultKind.ROUTE_MISSING, FaultKind.ROUTE_UNSUPPORTED])
async def test_the_fallbacks_do_what_the_routes_would(missing: FaultKind) -> None:
    async with shop() as (client, sandbox):
        product, price = await a_price(client)
        made = await client.create_collection(
            collection=models.NewCollection(name="Jars", slug="jars", product_ids=[product.id])
        )
        sandbox.faults.add(missing, "POST /products/bulk-update/inventory")
        result = await client.bulk_update_inventory(
            change=models.BulkInventoryChange(
                price_ids=[price.id], available_quantity=models.QuantityChange(type="ADD_QUANTITY", value=5)
            )
        )
        sandbox.faults.add(missing, "GET /products/collections/{collectionId}/products")
        listed = await client.list_collection_products(collection_id=made.id)
        stock = (await client.get_price(product_id=product.id, price_id=price.id)).available_quantity
    assert stock == 12
    assert result.fallback is not None
    assert listed.fallback is not None
    assert [item.id for item in listed.items] == [product.id]


@pytest.mark.parametrize(
    ("fault", "expected", "outcome", "deleted"),
    [
        (FaultKind.DROP_BEFORE, errors.ConnectionLostError, "unknown", False),
        (FaultKind.DROP_AFTER, errors.ConnectionLostError, "unknown", True),
        (FaultKind.SERVER_ERROR, errors.ServerError, "unknown", False),
        (FaultKind.HTML, errors.ServerError, "unknown", False),
        (FaultKind.TRUNCATED, errors.UnexpectedResponseError, "unknown", True),
        (FaultKind.SCOPE_MISSING, errors.MissingScopeError, "not_done", False),
        (FaultKind.ROUTE_MISSING, errors.RouteUnavailableError, "not_done", False),
    ],
)
async def test_a_fault_leaves_the_outcome_that_it_tells(
    fault: FaultKind, expected: type[errors.ProductsApiError], outcome: str, deleted: bool
) -> None:
    async with shop() as (client, sandbox):
        product, _ = await a_price(client)
        sandbox.faults.add(fault, "DELETE /products/{productId}")
        with pytest.raises(expected) as caught:
            await client.delete_product(product_id=product.id)
        there = {item.id async for item in client.iterate_products()}
    assert caught.value.outcome == outcome
    assert (product.id not in there) is deleted


async def test_a_late_answer_is_a_timeout_of_unknown_outcome() -> None:
    async with shop() as (client, sandbox):
        product, _ = await a_price(client)
        sandbox.faults.add(FaultKind.LATENCY, "DELETE /products/{productId}", seconds=60)
        with pytest.raises(errors.RequestTimeoutError) as caught:
            await client.delete_product(product_id=product.id)
    assert caught.value.outcome == "unknown"


async def test_a_rate_limit_is_waited_out_without_doubling_a_write() -> None:
    async with shop() as (client, sandbox):
        sandbox.faults.add(FaultKind.RATE_LIMITED, "POST /products/", count=2)
        before = (await client.list_products(limit=1)).total
        await client.create_product(product=models.NewProduct(name="Jar", product_type="PHYSICAL"))
        after = (await client.list_products(limit=1)).total
    assert before is not None
    assert after == before + 1


async def test_a_wrong_token_and_a_wrong_location_are_told_apart() -> None:
    async with shop(token="pit-wrong") as (client, _):
        with pytest.raises(errors.BadTokenError):
            await client.list_products()
    async with shop(location_id="another") as (client, _):
        with pytest.raises(errors.WrongLocationError):
            await client.list_products()


async def test_things_that_do_not_exist_are_not_found() -> None:
    nowhere = "0" * 24
    async with shop() as (client, _):
        with pytest.raises(errors.NotFoundError):
            await client.get_product(product_id=nowhere)
        with pytest.raises(errors.NotFoundError):
            await client.list_prices(product_id=nowhere)
        with pytest.raises(errors.NotFoundError):
            await client.list_collection_products(collection_id=nowhere)
        with pytest.raises(errors.NotFoundError):
            await client.delete_review(review_id=nowhere, product_id=nowhere)


async def test_what_the_contract_refuses_comes_back_with_its_list_of_faults() -> None:
    async with shop() as (client, _):
        product, _ = await a_price(client)
        with pytest.raises(errors.ValidationFailedError) as caught:
            await client.update_product(
                product_id=product.id, changes=models.ProductChanges(is_label_enabled=True)
            )
    assert caught.value.messages == ("label should not be empty when isLabelEnabled is true",)


async def test_null_is_refused_and_an_empty_text_empties() -> None:
    async with shop() as (client, _):
        product = await client.create_product(
            product=models.NewProduct(name="Jar", product_type="PHYSICAL", description="plain")
        )
        made = await client.create_collection(
            collection=models.NewCollection(name="Jars", slug="jars", image="https://x.example/a.png")
        )
        with pytest.raises(errors.ValidationFailedError):
            await client.update_product(
                product_id=product.id, changes=models.ProductChanges(description=None)
            )
        with pytest.raises(errors.ValidationFailedError):
            await client.update_collection(
                collection_id=made.id, changes=models.CollectionChanges(image=None)
            )
        change = await client.update_product(
            product_id=product.id, changes=models.ProductChanges(description="")
        )
        await client.update_collection(collection_id=made.id, changes=models.CollectionChanges(image=""))
        assert (await client.get_collection(collection_id=made.id)).image == ""
    assert change.after is not None
    assert change.after.description == ""


async def test_none_clears_fields_of_a_price_and_parts_of_them_without_sending_null() -> None:
    async with shop() as (client, _):
        product, price = await a_price(client)
        change = await client.update_price(
            product_id=product.id,
            price_id=price.id,
            changes=models.PriceChanges(sku=None, shipping_options=models.ShippingOptionsInput(weight=None)),
        )
    assert (change.lost, change.not_applied, change.unseen, change.not_resent) == ((), (), (), ())
    assert change.after is not None
    assert change.after.sku is None
    assert change.after.shipping_options is not None
    assert change.after.shipping_options.weight is None
    assert price.shipping_options is not None
    assert change.after.shipping_options.dimensions == price.shipping_options.dimensions


async def test_an_earlier_reply_is_kept_whole_by_sending_it_along() -> None:
    async with shop() as (client, _):
        review = (await client.list_reviews(limit=1)).items[0]
        first = models.ReviewReplyInput(
            headline="Thanks",
            comment="!",
            user=models.ReviewAuthorInput(
                name="Shop", email="shop@example.com", phone="+1 555 0100", is_customer=False
            ),
        )
        second = first.model_copy(update={"comment": "!!"})
        former: list[models.ReviewReplyInput] = []
        for reply in (first, second):
            update = models.ReviewUpdate(
                product_id=str(review.product_id), status=str(review.status), reply=[*former, reply]
            )
            await client.update_review(review_id=review.id, update=update)
            found = next(item for item in (await client.list_reviews()).items if item.id == review.id)
            former = [again for reply in found.replies or [] if (again := reply.resendable())]
    assert former == [first, second]


@pytest.mark.parametrize(
    "missing", [FaultKind.ROUTE_MISSING, FaultKind.ROUTE_UNSUPPORTED, FaultKind.SCOPE_MISSING]
)
async def test_a_collection_is_read_whole_with_or_without_its_own_route(missing: FaultKind) -> None:
    async with shop() as (client, sandbox):
        collection = next(item for item in (await client.list_collections()).items if item.type == "manual")
        own = await client.walk_collection_products(collection_id=collection.id)
        sandbox.faults.add(missing, "GET /products/collections/{collectionId}/products")
        listed = await client.walk_collection_products(collection_id=collection.id)
    assert own.fallback is None
    assert listed.fallback is not None
    assert {product.id for product in own.items} == {product.id for product in listed.items}
    assert own.items
