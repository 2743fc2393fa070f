"""Calls that assistants make at the same time: none undoes another, and what each says is so."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
import shelves
from changes_to_make import delete_a_product
from mcp_types import CallToolResult
from other_api import Meeting
from roads import agreed, made
from shop_session import ERAS, Era, ShopSession, shop_session, text_of, yes
from side_by_side import content_of
from undo_shop import shelves_alike

pytestmark = pytest.mark.anyio

Call = tuple[str, Mapping[str, Any]]


async def at_once(session: ShopSession, calls: Sequence[Call]) -> list[CallToolResult]:
    """Make calls at the same time; their results, in the order of the calls."""
    results: dict[int, CallToolResult] = {}

    async def make(number: int, name: str, arguments: Mapping[str, Any]) -> None:
        results[number] = await session.result(name, **arguments)

    async with anyio.create_task_group() as tasks:
        for number, (name, arguments) in enumerate(calls):
            tasks.start_soon(make, number, name, arguments)
    return [results[number] for number in range(len(calls))]


@pytest.mark.parametrize("era", ERAS)
async def test_changes_of_one_price_at_once_all_stay(era: Era) -> None:
    async with shop_session(era=era) as session:
        price = shelves.price(session, "Gift card", "Gift card")
        about = {"product_id": price["product"], "price_id": price["_id"]}
        fields = {"amount": 26, "sku": "GC-26", "description": "A present.", "setup_fee": 1}
        results = await at_once(
            session, [("update_price", {**about, key: value}) for key, value in fields.items()]
        )
        assert [result.is_error for result in results] == [False] * 4
        now = shelves.price_by_id(session, price["_id"])
        assert shelves.differences(price, now) == {
            "amount": 26,
            "sku": "GC-26",
            "description": "A present.",
            "setupFee": 1,
        }


async def test_answers_to_one_review_at_once_all_stay() -> None:
    meeting = Meeting()
    async with shop_session(yes, between=meeting) as session:
        review = next(doc for doc in session.dump()["reviews"] if not doc.get("reply"))
        about = {"review_id": review["_id"], "product_id": review["productId"]}
        signed = {"name": "Moth & Lantern", "email": "hello@example.com"}
        meeting.of(2)
        results = await at_once(
            session,
            [("update_review", {**about, "reply": {"comment": word, **signed}}) for word in ("One.", "Two.")],
        )
        (now,) = [doc for doc in session.dump()["reviews"] if doc["_id"] == review["_id"]]
        # Beside an earlier answer a person is asked, which there was not when the call that came second was
        # planned. Which of the two that is, nobody promises.
        (first, done), (second, refused) = sorted(
            zip(("One.", "Two."), results, strict=True), key=lambda pair: bool(pair[1].is_error)
        )
        assert (done.is_error, refused.is_error) == (False, True)
        assert [reply["comment"] for reply in now["reply"]] == [first]
        assert text_of(refused).startswith(
            "Not done: another call may have changed this meanwhile. Nothing was changed by this call. Different "
            "now:\n• "
        )
        content = await agreed(session, "update_review", **about, reply={"comment": second, **signed})
        assert content["done"] is True
        (now,) = [doc for doc in session.dump()["reviews"] if doc["_id"] == review["_id"]]
        assert [reply["comment"] for reply in now["reply"]] == [first, second]


async def test_each_of_two_changes_at_once_is_journaled_with_what_it_found() -> None:
    meeting = Meeting()
    async with shop_session(between=meeting) as session:
        price = shelves.price(session, "Gift card", "Gift card")
        about = {"product_id": price["product"], "price_id": price["_id"]}
        meeting.of(2)
        await at_once(session, [("update_price", {**about, "amount": amount}) for amount in (26, 27)])
        listed = await session.call("list_changes")
        last, first = [
            (await session.call("get_change", change_id=item["id"]))["plan"]["items"]
            for item in listed["items"]
        ]
        # Either may come first; the other found what that one left.
        assert (first, last) in [
            (["Amount: 25.00 USD → 26.00 USD"], ["Amount: 26.00 USD → 27.00 USD"]),
            (["Amount: 25.00 USD → 27.00 USD"], ["Amount: 27.00 USD → 26.00 USD"]),
        ]


async def test_an_approval_of_what_another_call_changed_meanwhile_does_not_count() -> None:
    meeting = Meeting()
    async with shop_session(between=meeting) as session:
        lantern = shelves.product(session, "Storm lantern")["_id"]
        sale = {
            "product_ids": [lantern],
            "price": {"type": "REDUCE_BY_PERCENTAGE", "value": 50},
        }
        # Two plans of different calls, each approved, of the same amounts.
        tokens = [
            (await session.call("bulk_change_prices", **arguments))["confirmation_token"]
            for arguments in (sale, sale | {"compare_at_price": {"type": "SET_NEW_PRICE", "value": 90}})
        ]
        before = {doc["_id"]: doc["amount"] for doc in shelves.prices_of(session, "Storm lantern")}
        meeting.of(2)
        results = await at_once(
            session,
            [
                ("bulk_change_prices", {**sale, "confirmation_token": tokens[0]}),
                (
                    "bulk_change_prices",
                    {
                        **sale,
                        "compare_at_price": {"type": "SET_NEW_PRICE", "value": 90},
                        "confirmation_token": tokens[1],
                    },
                ),
            ],
        )
        assert sorted(bool(result.is_error) for result in results) == [False, True]
        after = {doc["_id"]: doc["amount"] for doc in shelves.prices_of(session, "Storm lantern")}
        assert after == {key: amount / 2 for key, amount in before.items()}


@pytest.mark.parametrize("era", ERAS)
async def test_destructive_calls_at_once_are_counted_one_by_one(era: Era, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[calls]\nmax_destructive_per_hour = 2\n")
    async with shop_session(yes, era=era, settings={"policy_file": str(policy)}) as session:
        products = [doc["_id"] for doc in session.dump()["products"]]
        results = await at_once(
            session, [("delete_product", {"product_id": product_id}) for product_id in products[:6]]
        )
        assert sum(not result.is_error for result in results) == 2
        assert len(session.dump()["products"]) == len(products) - 2


@pytest.mark.parametrize("settings", [{"confirmation": "off"}, {}])
async def test_a_change_taken_back_twice_at_once_is_taken_back_once(settings: dict[str, str]) -> None:
    async with shop_session(settings=settings) as session:
        before = session.dump()
        change_id = await made(session, delete_a_product(session))
        calls: list[Call] = []
        if settings:
            calls = [("undo_change", {"change_id": change_id})] * 2
        else:
            # Two plans that differ in what they do about conflicts, each with a yes of its own.
            for on_conflict in ("stop", "skip"):
                arguments = {"change_id": change_id, "on_conflict": on_conflict}
                token = (await session.call("undo_change", **arguments))["confirmation_token"]
                calls.append(("undo_change", {**arguments, "confirmation_token": token}))
        results = await at_once(session, calls)
        done, refused = sorted(results, key=lambda result: bool(result.is_error))
        # How far the other was when this one looked.
        words = (
            "It cannot be undone now: chg_",
            "It cannot be undone. It was undone by chg_",
            "There is nothing to undo. ",
        )
        assert text_of(refused).startswith(words)
        assert text_of(refused).endswith("Nothing was changed.")
        new_ids = content_of(done)["new_ids"]
        assert shelves_alike(before, session.dump(), new_ids) == {}
        assert len(session.dump()["products"]) == len(before["products"])
