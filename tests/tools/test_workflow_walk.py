"""A walk through the catalog: no request too many, progress, and what happens to the shop and the API meanwhile."""

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest
import shelves
from other_api import Carry
from shop_session import ERAS, Era, ShopSession, shop_session
from whole_jobs import COLLECTIONS, LIST, ONE, PRICES, STOCK, add_product, requests, watched

pytestmark = pytest.mark.anyio

PRODUCTS = 2_350
"""More than a few pages, the last of them not full."""
PAGES = 24


async def test_a_list_of_full_pages_is_read_one_page_on_to_see_its_end() -> None:
    async with shop_session(shop=200) as session:
        content = await session.call("audit_catalog", include=[])
        # The API's total is a hint only: that nothing comes after a full page is known once it was asked for.
        assert (content["products"], requests(session)) == (200, {LIST: 3})


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("products", "include", "sent"),
    [
        (450, [], {LIST: 5}),
        (450, ["prices"], {LIST: 5, PRICES: 450}),
        (450, ["seo"], {LIST: 5, ONE: 450}),
        (450, ["collections"], {LIST: 5, COLLECTIONS: 1}),
        (
            PRODUCTS,
            ["prices", "seo", "collections"],
            {LIST: PAGES, COLLECTIONS: 1, ONE: PRODUCTS, PRICES: PRODUCTS},
        ),
    ],
)
async def test_an_audit_makes_only_the_requests_that_what_it_checks_needs(
    era: Era, products: int, include: list[str], sent: dict[str, int]
) -> None:
    async with shop_session(shop=products, era=era) as session:
        content, seen = await watched(session, "audit_catalog", {"include": include, "examples": 0})
        assert requests(session) == sent
        assert content["products"] == products
        assert session.writes() == []
        done = [progress for progress, _, _ in seen]
        assert all(earlier < later for earlier, later in pairwise(done))
        assert {total for _, total, _ in seen} == {products}
        assert {message for _, _, message in seen} == {"auditing"}
        assert done[-1] == products
        assert len(done) >= products // 100


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ({"include": []}, {LIST: 5}),
        ({"include": ["prices"]}, {LIST: 5, PRICES: 450}),
        ({"include": ["collections"]}, {LIST: 5, COLLECTIONS: 1, ONE: 450}),
        ({}, {LIST: 5, COLLECTIONS: 1, ONE: 450, PRICES: 450}),
        ({"include": ["prices"], "limit": 30}, {LIST: 1, PRICES: 30}),
        ({"include": ["prices"], "limit": 120, "offset": 400}, {LIST: 1, PRICES: 50}),
    ],
)
async def test_an_export_makes_only_the_requests_that_its_columns_need(
    arguments: dict[str, Any], sent: dict[str, int]
) -> None:
    async with shop_session(shop=450) as session:
        content, seen = await watched(session, "export_catalog", arguments)
        assert requests(session) == sent
        done = [progress for progress, _, _ in seen]
        assert all(earlier < later for earlier, later in pairwise(done))
        assert done[-1] == content["products"]


async def test_low_stock_reads_the_inventory_and_nothing_else() -> None:
    async with shop_session(shop=PRODUCTS) as session:
        _, seen = await watched(session, "low_stock", {})
        # 3,525 variants, 100 to a request.
        assert requests(session) == {STOCK: 36}
        assert [progress for progress, _, _ in seen] == [*range(100, 3_501, 100), 3_525]
        assert {total for _, total, _ in seen} == {3_525}
        session.sandbox.requests.clear()
        await session.call("low_stock", untracked=True)
        assert requests(session) == {LIST: PAGES, PRICES: PRODUCTS}
        session.sandbox.requests.clear()
        ids = [product["_id"] for product in session.sandbox.dump()["products"][:7]]
        await session.call("low_stock", product_ids=ids)
        assert requests(session) == {LIST: 1, PRICES: 7}


async def test_parts_of_the_catalog_are_walked_one_after_the_other() -> None:
    async with shop_session(shop=250) as session:
        seen: list[int] = []
        offset: int | None = 0
        while offset is not None:
            content = await session.call("audit_catalog", include=[], limit=90, offset=offset)
            seen.append(content["products"])
            offset = content.get("next_offset")
        assert seen == [90, 90, 70]
        beyond = await session.call("audit_catalog", include=[], offset=1_000)
        assert (beyond["products"], beyond.get("next_offset")) == (0, None)


def _slugs(session: ShopSession, folder: Path) -> list[str]:
    (file,) = folder.glob("*.jsonl")
    return [line.split('"slug":"')[1].split('"')[0] for line in file.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("gone", [1, 5, 130])
async def test_products_that_are_deleted_meanwhile_make_no_other_one_missed(
    gone: int, tmp_path: Path
) -> None:
    """What stands behind them moves up, over the edge of the page that was read last."""
    async with shop_session(shop=600, settings={"export_dir": tmp_path}) as session:
        listed = [product["_id"] for product in session.sandbox.dump()["products"]]
        kept = {product["slug"] for product in session.sandbox.dump()["products"][gone:]}

        def delete() -> None:
            for product_id in listed[:gone]:
                shelves.delete_product(session, product_id)

        shelves.just_before(session, "GET /products/", delete, skip=2)
        await session.call("export_catalog", format="jsonl", include=[])
        slugs = _slugs(session, tmp_path)
        assert len(slugs) == len(set(slugs))
        assert kept <= set(slugs)


async def test_products_that_are_created_meanwhile_come_last_and_none_comes_twice(tmp_path: Path) -> None:
    async with shop_session(shop=250, settings={"export_dir": tmp_path}) as session:

        def create() -> None:
            add_product(session, "Late lamp", slug="late-lamp")

        shelves.just_before(session, "GET /products/", create, skip=1)
        await session.call("export_catalog", format="jsonl", include=[])
        slugs = _slugs(session, tmp_path)
        assert len(slugs) == len(set(slugs)) == 251
        assert slugs[-1] == "late-lamp"


async def test_a_product_that_goes_before_it_is_read_whole_is_left_out_and_said(tmp_path: Path) -> None:
    async with shop_session(shop=20, settings={"export_dir": tmp_path}) as session:
        product = session.sandbox.dump()["products"][7]
        line = f"GET /products/{product['_id']}/price"
        shelves.just_before(session, line, lambda: shelves.delete_product(session, product["_id"]))
        content = await session.call("export_catalog", format="jsonl", include=["prices"])
        assert content["products"] == 19
        assert content["notes"] == ["1 product went while this ran and are not in the file."]
        assert product["slug"] not in _slugs(session, tmp_path)


@pytest.mark.parametrize("fault", ["server_error", "html", "drop_before", "truncated"])
async def test_a_reading_that_fails_on_its_way_is_repeated(fault: str) -> None:
    async with shop_session(shop=30) as session:
        expected = await session.call("audit_catalog", include=["prices"])
        session.sandbox.faults.add(fault, PRICES, skip=11)
        if fault == "truncated":
            # It is an answer, and what is not JSON may be so again.
            said = await session.refused("audit_catalog", include=["prices"])
            assert "not JSON" in said
        else:
            assert await session.call("audit_catalog", include=["prices"]) == expected


async def test_a_reading_that_is_refused_ends_the_walk_at_once() -> None:
    async with shop_session(shop=300) as session:
        session.sandbox.faults.add("scope_missing", PRICES, count=None)
        said = await session.refused("audit_catalog")
        assert said.startswith("The access token lacks the scope for GET /products/{productId}/price")
        assert requests(session)[PRICES] <= 8


async def test_an_api_that_gives_the_same_page_again_is_not_walked_for_ever() -> None:
    async def between(request: Any, carry: Carry) -> Any:
        request.url = request.url.copy_set_param("offset", "0")
        return await carry(request)

    async with shop_session(shop=250, between=between) as session:
        for name in ("audit_catalog", "export_catalog"):
            said = await session.refused(name, include=[])
            assert said.startswith("GET /products/ answered with the same page again for another offset.")
        assert requests(session) == {LIST: 4}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("name", "arguments", "at"),
    [
        ("audit_catalog", {}, 3),
        ("audit_catalog", {}, 150),
        ("export_catalog", {"format": "csv"}, 150),
        ("export_catalog", {"format": "xlsx"}, 150),
        ("low_stock", {}, 2),
        ("low_stock", {"untracked": True}, 150),
        ("import_products", {"content": "Title,SKU\nNone of these,X-1\n"}, 3),
    ],
)
async def test_a_cancelled_walk_stops_asking_the_api_and_leaves_nothing(
    name: str, arguments: dict[str, Any], at: int, era: Era, tmp_path: Path
) -> None:
    reached, go_on = anyio.Event(), anyio.Event()

    async def between(request: Any, carry: Carry) -> Any:
        nonlocal at
        at -= 1
        if at == 0:
            reached.set()
            await go_on.wait()
        return await carry(request)

    settings = {"export_dir": tmp_path}
    async with shop_session(shop=400, era=era, between=between, settings=settings) as session:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: session.result(name, **arguments))
            await reached.wait()
            tasks.cancel_scope.cancel()
        go_on.set()
        # Answered after whatever the server does when it is told of the cancelling.
        await session.call("list_products", limit=1)
        sent = len(session.sandbox.requests)
        await session.call("list_products", limit=1)
        assert len(session.sandbox.requests) == sent + 1
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("audit_catalog", {"products": 0, "prices": 0, "hidden": 0, "findings": []}),
        ("low_stock", {"items": [], "total": 0, "enough": 0}),
        ("export_catalog", {"products": 0, "rows": 0}),
    ],
)
async def test_an_empty_shop_is_walked_as_well(name: str, content: dict[str, Any]) -> None:
    async with shop_session(shop="empty") as session:
        found = await session.call(name)
        assert {key: found[key] for key in content} == content
