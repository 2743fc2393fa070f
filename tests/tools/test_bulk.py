from typing import Any

import pytest
import shelves
from odd_api import answers, both, ignores, refuses
from shop_session import ERAS, Era, ShopSession, closed, no, shop_session, yes

pytestmark = pytest.mark.anyio

LOCATION = "sbxLocation000000001"
PLACE = {"altId": LOCATION, "altType": "location"}


def ids(session: ShopSession, *names: str) -> list[str]:
    return [shelves.product(session, name)["_id"] for name in names]


@pytest.mark.parametrize("era", ERAS)
async def test_hiding_many_products_asks_which_are_shown_now(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        product_ids = ids(session, "Pocket lantern", "Old stock lantern", "Twilight tea")
        done = await session.call("bulk_set_availability", product_ids=product_ids, available_in_store=False)
        assert done == {"done": True, "products": 3}
        assert session.questions[0].splitlines()[:4] == [
            "Hide 2 products",
            "• “Pocket lantern”: shown → hidden",
            "• “Twilight tea”: shown → hidden",
            "Hidden already: 1 product.",
        ]
        assert shelves.body(session) == PLACE | {
            "type": "bulk-update-availability",
            "productIds": product_ids,
            "availability": False,
        }
        assert shelves.product(session, "Pocket lantern")["availableInStore"] is False


async def test_what_is_as_asked_already_is_neither_asked_nor_sent() -> None:
    async with shop_session(no) as session:
        lantern = shelves.product(session, "Pocket lantern")
        brass = shelves.price(session, "Pocket lantern", "Brass")
        only = {"product_ids": [lantern["_id"]]}
        shelves.change_price(
            session, shelves.price(session, "Pocket lantern", "Iron")["_id"], amount=brass["amount"]
        )
        same_amount = {"price": {"type": "SET_NEW_PRICE", "value": float(brass["amount"])}}
        still = shelves.untouched(session)
        calls: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
            ("bulk_set_availability", only | {"available_in_store": True}, {"products": 1}),
            ("bulk_assign_collections", only | {"collection_ids": lantern["collectionIds"]}, {"products": 1}),
            ("bulk_change_currency", only | {"currency": "USD"}, {"products": 1, "prices": 0}),
            ("bulk_change_prices", only | same_amount, {"products": 1, "prices": 2}),
            (
                "bulk_update_inventory",
                {"price_ids": [brass["_id"]], "track_inventory": True},
                {"prices": 1},
            ),
        ]
        for tool, arguments, counts in calls:
            done = await session.call(tool, **arguments)
            assert done["done"] is True, tool
            assert {key: done[key] for key in counts} == counts
            assert done["notes"] == ["Everything is as asked already, so nothing was sent."]
        assert session.questions == []
        assert session.writes() == []
        assert still()


async def test_showing_many_products_reads_them_back() -> None:
    async with shop_session(yes) as session:
        product_ids = ids(session, "Old stock lantern")
        done = await session.call("bulk_set_availability", product_ids=product_ids, available_in_store=True)
        assert done == {"done": True, "products": 1}
        assert session.questions[0].startswith("Show 1 product")
        assert shelves.product(session, "Old stock lantern")["availableInStore"] is True


async def test_more_than_a_page_of_products_is_read_page_by_page() -> None:
    async with shop_session(yes, shop=130) as session:
        product_ids = [doc["_id"] for doc in session.sandbox.dump()["products"]]
        done = await session.call("bulk_set_availability", product_ids=product_ids, available_in_store=False)
        assert done == {"done": True, "products": 130}
        assert "• and 120 more" in session.questions[0]
        assert session.writes() == ["POST /products/bulk-update"]


async def test_a_product_that_is_shown_again_or_gone_by_the_reading_back_is_told() -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        shown, gone = ids(session, "Pocket lantern", "Storm lantern")

        def meddle() -> None:
            shelves.change_product(session, shown, availableInStore=True)
            shelves.delete_product(session, gone)

        shelves.just_before(session, "GET /products/", meddle, skip=1)
        done = await session.call(
            "bulk_set_availability", product_ids=[shown, gone], available_in_store=False
        )
        assert done == {
            "done": False,
            "products": 2,
            "differing": [
                {"id": gone, "expected": "there", "found": "gone"},
                {"id": shown, "name": "Pocket lantern", "expected": False, "found": True},
            ],
        }


@pytest.mark.parametrize("era", ERAS)
async def test_assigning_collections_asks_and_adds(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        product_ids = ids(session, "Pocket lantern", "Twilight tea")
        winter = shelves.collection(session, "midwinter")["_id"]
        before = shelves.product(session, "Pocket lantern")["collectionIds"]
        shelves.change_product(session, product_ids[1], collectionIds=[])
        done = await session.call("bulk_assign_collections", product_ids=product_ids, collection_ids=[winter])
        assert done == {"done": True, "products": 2}
        names = {doc["_id"]: doc["name"] for doc in session.sandbox.dump()["collections"]}
        in_words = ", ".join(f"“{names[key]}”" for key in before)
        assert session.questions[0].splitlines()[:4] == [
            "Put 2 products into “Midwinter”",
            f"• “Pocket lantern”: {in_words} → {in_words}, “Midwinter”",
            "• “Twilight tea”: nothing → “Midwinter”",
            "The API does not say whether they also leave their other collections; the result tells what happened.",
        ]
        assert shelves.body(session) == PLACE | {
            "type": "bulk-update-product-collection",
            "productIds": product_ids,
            "collectionIds": [winter],
        }
        assert shelves.product(session, "Pocket lantern")["collectionIds"] == [*before, winter]


async def test_collections_whose_names_the_api_does_not_tell_are_counted() -> None:
    def alone(answer: Any) -> Any:
        return {**answer, "data": [item for item in answer["data"] if item["slug"] == "midwinter"]}

    async with shop_session(no, between=answers("GET /products/collections", alone)) as session:
        product_ids = ids(session, "Pocket lantern")
        others = [doc["_id"] for doc in session.sandbox.dump()["collections"] if doc["slug"] != "midwinter"]
        winter = shelves.collection(session, "midwinter")["_id"]
        shelves.change_product(session, product_ids[0], collectionIds=others[:2])
        await session.refused("bulk_assign_collections", product_ids=product_ids, collection_ids=[winter])
        assert session.questions[0].splitlines()[1] == (
            "• “Pocket lantern”: 2 collections → “Midwinter”, 2 more"
        )


async def test_an_assignment_that_replaced_or_missed_is_told() -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        replaced, missed, gone = ids(session, "Pocket lantern", "Twilight tea", "Storm lantern")
        winter = shelves.collection(session, "midwinter")["_id"]
        tea = shelves.product(session, "Twilight tea")["collectionIds"]

        def meddle() -> None:
            shelves.change_product(session, replaced, collectionIds=[winter])
            shelves.change_product(session, missed, collectionIds=tea)
            shelves.delete_product(session, gone)

        shelves.just_after(session, "POST /products/bulk-update", meddle)
        done = await session.call(
            "bulk_assign_collections", product_ids=[replaced, missed, gone], collection_ids=[winter]
        )
        assert done == {
            "notes": ["1 product left former collections: the assignment replaced them."],
            "done": False,
            "products": 3,
            "differing": [
                {"id": gone, "expected": "there", "found": "gone"},
                {"id": missed, "name": "Twilight tea", "expected": [winter], "found": tea},
            ],
        }


async def test_unknown_and_repeated_ids_of_an_assignment_are_refused() -> None:
    async with shop_session(yes) as session:
        still = shelves.untouched(session)
        (known,) = ids(session, "Pocket lantern")
        winter = shelves.collection(session, "midwinter")["_id"]
        refused: list[str] = [
            await session.refused("bulk_assign_collections", product_ids=products, collection_ids=collections)
            for products, collections in (
                ([known, "none"], [winter]),
                ([known, known], [winter]),
                (["pocket-lantern"], [winter]),
                ([known], [winter, "none"]),
                ([known], [winter, winter]),
            )
        ]
        assert refused == [
            "No product of this shop has the id none. Nothing was changed. Take ids from list_products.",
            f"`product_ids` has {known} more than once. Nothing was changed. Name each once.",
            "No product of this shop has the id pocket-lantern. Nothing was changed. Take ids from list_products.",
            "No collection of this shop has the id none. Nothing was changed. Take ids from list_collections.",
            f"`collection_ids` has {winter} more than once. Nothing was changed. Name each once.",
        ]
        assert session.questions == []
        assert session.writes() == []
        assert still()


@pytest.mark.parametrize("era", ERAS)
async def test_deleting_many_products_asks_with_their_prices_and_stock(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        product_ids = ids(session, "Pocket lantern", "Lantern patterns")
        reviews = sum(doc["productId"] in product_ids for doc in session.sandbox.dump()["reviews"])
        done = await session.call("bulk_delete_products", product_ids=product_ids)
        assert done == {"done": True, "products": 2}
        assert session.questions[0].splitlines()[:5] == [
            "Delete 2 products",
            "• “Pocket lantern”, 2 prices",
            "• “Lantern patterns”, 1 price",
            "3 prices with 75 units of stock in all are expected to go with them. Collections and stores lose "
            "them.",
            f"Their {reviews} reviews go with them and cannot come back.",
        ]
        assert session.questions[0].splitlines()[5] == (
            "What cannot be undone: made again they have new ids, links to them and their reviews do not come back, "
            "and of the stores only those that their reviews name show them again."
        )
        assert shelves.body(session) == PLACE | {
            "type": "bulk-delete-products",
            "productIds": product_ids,
        }
        left = {doc["_id"] for doc in session.sandbox.dump()["products"]}
        assert left.isdisjoint(product_ids)
        assert len(left) == 58


async def test_a_product_that_is_there_again_after_the_deletion_is_told() -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        lantern = shelves.product(session, "Pocket lantern")
        shelves.just_before(session, "GET /products/", lambda: shelves.put_back(session, lantern), skip=2)
        done = await session.call("bulk_delete_products", product_ids=[lantern["_id"]])
        assert done == {
            "done": False,
            "products": 1,
            "differing": [
                {"id": lantern["_id"], "name": "Pocket lantern", "expected": "gone", "found": "there"}
            ],
        }


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", [no, closed])
async def test_without_a_yes_nothing_is_hidden_assigned_or_deleted(era: Era, answer: Any) -> None:
    async with shop_session(answer, era=era) as session:
        still = shelves.untouched(session)
        product_ids = ids(session, "Pocket lantern", "Twilight tea")
        winter = shelves.collection(session, "midwinter")["_id"]
        for tool, more in (
            ("bulk_set_availability", {"available_in_store": False}),
            ("bulk_assign_collections", {"collection_ids": [winter]}),
            ("bulk_delete_products", {}),
            ("bulk_change_currency", {"currency": "EUR"}),
        ):
            said = await session.refused(tool, product_ids=product_ids, **more)
            assert "Nothing was changed." in said
        assert session.writes() == []
        assert still()


async def test_a_product_gone_while_the_question_is_open_stops_an_older_clients_deletion() -> None:
    sessions: list[ShopSession] = []

    def meddle(question: str) -> Any:
        shelves.delete_product(sessions[0], ids(sessions[0], "Twilight tea")[0])
        return yes(question)

    async with shop_session(meddle, era="legacy") as session:
        sessions.append(session)
        lantern, tea = ids(session, "Pocket lantern", "Twilight tea")
        said = await session.refused("bulk_delete_products", product_ids=[lantern, tea])
        assert said == (
            f"No product of this shop has the id {tea}. Nothing was changed. Take ids from list_products."
        )
        assert session.writes() == []


async def test_a_collection_joined_while_the_question_is_open_makes_it_asked_again() -> None:
    sessions: list[ShopSession] = []

    def meddle(question: str) -> Any:
        session = sessions[0]
        if len(session.questions) > 1:
            return no(question)
        seeds = shelves.collection(session, "moon-garden-seeds")["_id"]
        shelves.change_product(session, ids(session, "Twilight tea")[0], collectionIds=[seeds])
        return yes(question)

    async with shop_session(meddle) as session:
        sessions.append(session)
        winter = shelves.collection(session, "midwinter")["_id"]
        await session.refused(
            "bulk_assign_collections", product_ids=ids(session, "Twilight tea"), collection_ids=[winter]
        )
        assert len(session.questions) == 2
        assert session.writes() == []


@pytest.mark.parametrize("era", ERAS)
async def test_long_readings_report_progress_that_only_grows(era: Era) -> None:
    async with shop_session(yes, era=era, shop=40) as session:
        reported: list[float] = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            assert total is not None
            assert progress <= total
            assert message == "reading prices"
            reported.append(progress)

        product_ids = [doc["_id"] for doc in session.sandbox.dump()["products"]]
        await session.client.call_tool(
            "bulk_change_currency",
            {"product_ids": product_ids, "currency": "EUR"},
            progress_callback=note,
        )
        assert len(reported) >= 40
        rounds = [position for position, done in enumerate(reported) if done == 1]
        # Each round of the newer era is a request of its own, and counts from one.
        assert len(rounds) == (2 if era == "2026-07-28" else 1)
        for start, end in zip(rounds, [*rounds[1:], len(reported)], strict=True):
            part = reported[start:end]
            assert part == sorted(set(part))


async def test_products_are_read_one_by_one_where_the_api_misreads_a_list_of_ids() -> None:
    def others(answer: Any) -> Any:
        # As if it had not seen the ids: all there is.
        return {**answer, "products": [{"_id": "f" * 24, "name": "Other"}]}

    for between in (
        answers("GET /products/", others),
        answers("GET /products/", lambda answer: {**answer, "products": answer["products"][:1]}),
        refuses("GET /products/", 422, "productIds must be an array"),
    ):
        async with shop_session(yes, between=between) as session:
            product_ids = ids(session, "Pocket lantern", "Twilight tea", "Storm lantern")
            done = await session.call(
                "bulk_set_availability", product_ids=product_ids, available_in_store=False
            )
            assert done == {"done": True, "products": 3}
            assert session.questions[0].splitlines()[:4] == [
                "Hide 3 products",
                "• “Pocket lantern”: shown → hidden",
                "• “Twilight tea”: shown → hidden",
                "• “Storm lantern”: shown → hidden",
            ]
            said = await session.refused("bulk_delete_products", product_ids=[*product_ids, "none"])
            assert said.startswith("No product of this shop has the id none. Nothing was changed.")


async def test_products_that_a_misread_list_leaves_out_are_not_called_deleted() -> None:
    kept = ignores("POST /products/bulk-update", {"status": True})
    blind = answers("GET /products/", lambda answer: {**answer, "products": []})
    async with shop_session(yes, between=both(kept, blind)) as session:
        product_ids = ids(session, "Pocket lantern")
        done = await session.call("bulk_delete_products", product_ids=product_ids)
        assert done["done"] is False
        assert done["differing"][0]["found"] == "there"


async def test_more_than_ten_unknown_ids_are_counted() -> None:
    async with shop_session(yes) as session:
        said = await session.refused(
            "bulk_set_availability", product_ids=[f"p{n}" for n in range(12)], available_in_store=True
        )
        assert said == (
            "No product of this shop has the id p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and 2 more. Nothing was "
            "changed. Take ids from list_products."
        )
