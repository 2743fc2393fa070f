"""What an online store shows, and in which order."""

from typing import Any

import pytest
from claims import claimed
from odd_api import ignores
from shelves import body, untouched
from shop_session import ERAS, Era, ShopSession, no, shop_session, yes

from hoopai_products_mcp.sandbox.identity import LOCATION_ID, MARKET_STORE_ID, ONLINE_STORE_ID

pytestmark = pytest.mark.anyio

ALT = {"altId": LOCATION_ID, "altType": "location"}
UNDOCUMENTED = (
    "The API documents neither how an order is written down (productId and displayPriority are the likeliest) nor "
    "whether low or high numbers come first, and the order cannot be read back: look at the store afterwards."
)
CHECKED = [("includedInStore", "true"), ("storeId", MARKET_STORE_ID)]


def shown_in(session: ShopSession, store_id: str) -> list[str]:
    (store,) = [store for store in session.sandbox.dump()["stores"] if store["id"] == store_id]
    return [item["productId"] for item in store["products"]]


def hidden_from(session: ShopSession, store_id: str, count: int) -> list[str]:
    shown = shown_in(session, store_id)
    return [item["_id"] for item in session.sandbox.dump()["products"] if item["_id"] not in shown][:count]


def name_of(session: ShopSession, product_id: str) -> str:
    (found,) = [item for item in session.sandbox.dump()["products"] if item["_id"] == product_id]
    return found["name"]


async def test_counts_of_a_store_follow_its_filters() -> None:
    async with shop_session() as session:
        stats = await session.call("get_store_stats", store_id=MARKET_STORE_ID)
        shown = len(shown_in(session, MARKET_STORE_ID))
        assert stats == {
            "total_products": 60,
            "included_in_store": shown,
            "excluded_from_store": 60 - shown,
        }
        (collection, *_) = session.sandbox.dump()["collections"]
        narrowed = await session.call(
            "get_store_stats", store_id=MARKET_STORE_ID, search="a", collection_ids=[collection["_id"]]
        )
        assert narrowed["total_products"] < 60
        assert session.sent() == [f"GET /products/store/{MARKET_STORE_ID}/stats"] * 2
        assert session.sandbox.requests[-1].query == [
            ("altId", LOCATION_ID),
            ("altType", "location"),
            ("search", "a"),
            ("collectionIds", collection["_id"]),
        ]


@pytest.mark.parametrize("era", ERAS)
async def test_showing_one_product_asks_nobody_and_is_read_back(era: Era) -> None:
    async with shop_session(era=era) as session:
        (hidden,) = hidden_from(session, MARKET_STORE_ID, 1)
        done = await session.call(
            "set_store_visibility", store_id=MARKET_STORE_ID, product_ids=[hidden], action="include"
        )
        assert done == {"done": True, "products": 1}
        assert hidden in shown_in(session, MARKET_STORE_ID)
        assert session.sent() == [
            "GET /products/",
            f"GET /products/store/{MARKET_STORE_ID}/stats",
            "GET /products/",
            f"POST /products/store/{MARKET_STORE_ID}",
            "GET /products/",
        ]
        assert body(session) == {**ALT, "action": "include", "productIds": [hidden]}
        checked = session.sandbox.requests[-1].query
        assert {("productIds", hidden), *CHECKED} <= set(checked)


@pytest.mark.parametrize("era", ERAS)
async def test_showing_several_asks_with_what_is_shown_now(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        wanted = [shown_in(session, MARKET_STORE_ID)[0], *hidden_from(session, MARKET_STORE_ID, 1)]
        done = await session.call(
            "set_store_visibility", store_id=MARKET_STORE_ID, product_ids=wanted, action="include"
        )
        assert done == {"done": True, "products": 2}
        assert set(wanted) <= set(shown_in(session, MARKET_STORE_ID))
        assert session.questions[0].splitlines()[:3] == [
            f"Show 2 products in the store {MARKET_STORE_ID}",
            f"• “{name_of(session, wanted[1])}”: hidden → shown",
            f"• “{name_of(session, wanted[0])}”: shown → shown",
        ]


@pytest.mark.parametrize("era", ERAS)
async def test_hiding_asks_even_for_one(era: Era) -> None:
    async with shop_session(no, era=era) as session:
        wanted = shown_in(session, MARKET_STORE_ID)[:1]
        call = {"store_id": MARKET_STORE_ID, "product_ids": wanted, "action": "exclude"}
        await session.refused("set_store_visibility", **call)
        assert session.writes() == []
        assert session.questions[0].splitlines()[:2] == [
            f"Hide 1 product in the store {MARKET_STORE_ID}",
            f"• “{name_of(session, wanted[0])}”: shown → hidden",
        ]
    async with shop_session(yes, era=era) as session:
        assert await session.call("set_store_visibility", **call) == {"done": True, "products": 1}
        assert wanted[0] not in shown_in(session, MARKET_STORE_ID)


@pytest.mark.parametrize("applied", [True, False])
async def test_an_answer_that_is_none_is_read_back(applied: bool) -> None:
    async with shop_session(yes) as session:
        wanted = shown_in(session, MARKET_STORE_ID)[:2]
        still = untouched(session)
        # A page with the status of a success, whatever happened.
        session.sandbox.faults.add("html", "update-store-status", status=201, applied=applied)
        call: dict[str, Any] = {"store_id": MARKET_STORE_ID, "product_ids": wanted, "action": "exclude"}
        assert await claimed(session, "set_store_visibility", **call) == ("done" if applied else "not_done")
        assert still() is not applied


async def test_what_the_api_accepted_and_did_not_do_is_told() -> None:
    async with shop_session(yes, between=ignores("POST /products/store/.*", {"status": True})) as session:
        wanted = shown_in(session, MARKET_STORE_ID)[:2]
        still = untouched(session)
        done = await session.call(
            "set_store_visibility", store_id=MARKET_STORE_ID, product_ids=wanted, action="exclude"
        )
        assert done == {
            "done": False,
            "products": 2,
            "differing": [{"id": key, "expected": "exclude", "found": "include"} for key in wanted],
        }
        assert session.changes[-1]["outcome"] == "unknown"
        assert still()


async def test_more_than_a_page_of_products_is_shown_and_checked_in_parts() -> None:
    async with shop_session(yes, shop=150) as session:
        everything = [product["_id"] for product in session.sandbox.dump()["products"]]
        done = await session.call(
            "set_store_visibility", store_id=ONLINE_STORE_ID, product_ids=everything, action="exclude"
        )
        assert done == {"done": True, "products": 150}
        assert session.writes() == [f"POST /products/store/{ONLINE_STORE_ID}"]
        assert shown_in(session, ONLINE_STORE_ID) == []


@pytest.mark.parametrize("era", ERAS)
async def test_an_order_is_asked_for_sent_and_said_to_be_unchecked(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        first, second = shown_in(session, ONLINE_STORE_ID)[:2]
        done = await session.call(
            "set_display_priority",
            store_id=ONLINE_STORE_ID,
            products=[{"product_id": first, "priority": 2}, {"product_id": second, "priority": 1}],
        )
        assert done == {
            "notes": [f"The API accepted the order. {UNDOCUMENTED}"],
            "accepted": True,
            "products": 2,
        }
        assert session.questions[0].splitlines()[:5] == [
            f"Set the display order of 2 products in the store {ONLINE_STORE_ID}",
            f"• “{name_of(session, first)}” gets the number 2",
            f"• “{name_of(session, second)}” gets the number 1",
            UNDOCUMENTED,
            "What cannot be undone: the API does not tell the present order, so it cannot be put back by itself.",
        ]
        assert body(session) == {
            **ALT,
            "products": [
                {"productId": first, "displayPriority": 2},
                {"productId": second, "displayPriority": 1},
            ],
        }


WRONG: list[tuple[str, dict[str, Any], str]] = [
    (
        "set_store_visibility",
        {"store_id": ONLINE_STORE_ID, "product_ids": ["nowhere"], "action": "include"},
        "No product of this shop has the id nowhere. Nothing was changed. Take ids from list_products.",
    ),
    (
        "set_store_visibility",
        {"store_id": ONLINE_STORE_ID, "product_ids": ["a", "a"], "action": "include"},
        "`product_ids` has a more than once. Nothing was changed. Name each once.",
    ),
    (
        "set_display_priority",
        {"store_id": ONLINE_STORE_ID, "products": [{"product_id": "a", "priority": n} for n in (1, 2)]},
        "`products` has a more than once. Nothing was changed. Name each once.",
    ),
]


@pytest.mark.parametrize(("tool", "arguments", "words"), WRONG)
async def test_what_makes_no_sense_is_refused_before_anybody_is_asked(
    tool: str, arguments: dict[str, Any], words: str
) -> None:
    async with shop_session(yes) as session:
        assert await session.refused(tool, **arguments) == words
        assert session.questions == []
        assert session.writes() == []


@pytest.mark.parametrize("tool", ["get_store_stats", "show", "hide", "set_display_priority"])
@pytest.mark.parametrize("stats", ["known", "missing"])
async def test_a_store_that_does_not_exist_is_named_before_anybody_is_asked(tool: str, stats: str) -> None:
    async with shop_session(yes) as session:
        (product,) = hidden_from(session, MARKET_STORE_ID, 1)
        shown: dict[str, Any] = {"product_ids": [product]}
        name, arguments = {
            "show": ("set_store_visibility", {**shown, "action": "include"}),
            "hide": ("set_store_visibility", {**shown, "action": "exclude"}),
            "get_store_stats": ("get_store_stats", {}),
            "set_display_priority": (
                "set_display_priority",
                {"products": [{"product_id": product, "priority": 1}]},
            ),
        }[tool]
        if stats == "missing" and tool != "get_store_stats":
            # Then the write tells.
            session.sandbox.faults.add("route_missing", "get-product-store-stats", count=None)
        assert await session.refused(name, store_id="nowhere", **arguments) == (
            "No store of this location has the id nowhere. Nothing was changed. It is the id of the store's site, "
            "which no list gives: take it from the web app or from a review of that store, or ask the merchant."
        )
        asked_in_vain = stats == "missing" and tool in {"hide", "set_display_priority"}
        assert len(session.questions) == asked_in_vain


@pytest.mark.parametrize(
    ("fault", "applied", "visibility", "order"),
    [
        ("rate_limited", False, "not_done", "not_done"),
        ("server_error", False, "not_done", "unknown"),
        ("drop_after", True, "done", "unknown"),
        ("drop_before", False, "not_done", "unknown"),
        ("scope_missing", False, "not_done", "not_done"),
        ("html", False, "not_done", "unknown"),
    ],
)
@pytest.mark.parametrize("tool", ["set_store_visibility", "set_display_priority"])
async def test_a_write_that_meets_a_fault_is_sent_once_and_called_what_can_be_known_of_it(
    fault: str, applied: bool, visibility: str, order: str, tool: str
) -> None:
    async with shop_session(yes) as session:
        first, second = shown_in(session, ONLINE_STORE_ID)[:2]
        # A 429 then asks for a longer wait than a call waits.
        session.sandbox.rate.limit, session.sandbox.rate.interval_seconds = 1000, 60
        still = untouched(session)
        if tool == "set_store_visibility":
            session.sandbox.faults.add(fault, "update-store-status", count=None)
            call: dict[str, Any] = {"product_ids": [first, second], "action": "exclude"}
            assert await claimed(session, tool, store_id=ONLINE_STORE_ID, **call) == visibility
        else:
            # Nothing tells the order, so nothing can be read back of it.
            session.sandbox.faults.add(fault, "update-display-priority", count=None)
            call = {"products": [{"product_id": first, "priority": 1}]}
            assert await claimed(session, tool, store_id=ONLINE_STORE_ID, **call) == order
        assert still() is not applied
        assert len(session.writes()) == 1
