from typing import Any

import pytest
import shelves
from odd_api import ignores
from shop_session import ERAS, Era, ShopSession, closed, no, shop_session, unticked, yes
from side_by_side import only_change

from hoopai_products_mcp.guard import question

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("era", ERAS)
async def test_deleting_asks_with_all_that_goes_and_deletes_by_id_after_a_yes(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        doc = shelves.product(session, "Pocket lantern")
        gone = await session.call("delete_product", product_id="pocket-lantern")
        assert gone == {"deleted": True, "id": doc["_id"], "name": "Pocket lantern"}
        assert session.changes == [{"id": await only_change(session), "approved_by": "person"}]
        (asked,) = session.questions
        assert asked.splitlines() == [
            f"Delete the product “Pocket lantern” (id {doc['_id']})",
            "• Brass: 24.50 USD, 40 in stock",
            "• Iron: 27.50 USD, 35 in stock",
            "Its 2 prices and their stock are expected to go with it. Collections and stores lose it.",
            "Its 2 reviews go with it and cannot come back.",
            "What cannot be undone: made again it has a new id, links to it and its reviews do not come back, and of "
            "the stores only those that its reviews name show it again.",
            "",
            "To go ahead, type: Pocket lantern",
        ]
        assert session.writes() == [f"DELETE /products/{doc['_id']}"]
        assert doc["_id"] not in {item["_id"] for item in session.sandbox.dump()["products"]}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (no, question.DECLINED),
        (unticked, question.wrong_words("Pocket lantern")),
        (closed, question.CLOSED),
    ],
)
async def test_anything_but_a_yes_deletes_nothing(era: Era, answer: Any, said: str) -> None:
    async with shop_session(answer, era=era) as session:
        still = shelves.untouched(session)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        assert await session.refused("delete_product", product_id=product_id) == said
        assert session.writes() == []
        assert still()


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_cannot_ask_is_told_what_would_go_and_its_token_lets_it_go(era: Era) -> None:
    async with shop_session(era=era) as session:
        still = shelves.untouched(session)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        content = await session.call("delete_product", product_id=product_id)
        token = content.pop("confirmation_token")
        assert content["plan"].pop("id").startswith("plan_")
        assert content == {
            "status": "confirmation_required",
            "next_step": "Nothing was changed. Show the person this whole plan and ask them. To agree, they answer "
            "with: Pocket lantern. Only after their own yes make the same call again with this confirmation_token, "
            "within 10 minutes. Never answer for them.",
            "plan": {
                "action": f"Delete the product “Pocket lantern” (id {product_id})",
                "items": ["Brass: 24.50 USD, 40 in stock", "Iron: 27.50 USD, 35 in stock"],
                "also": [
                    "Its 2 prices and their stock are expected to go with it. Collections and stores lose it.",
                    "Its 2 reviews go with it and cannot come back.",
                ],
                "cannot_be_undone": "made again it has a new id, links to it and its reviews do not come back, and of "
                "the stores only those that its reviews name show it again.",
                "totals": {"things": 1, "stock_before": 75, "stock_after": 0},
            },
        }
        assert still()
        assert session.writes() == []
        gone = await session.call("delete_product", product_id=product_id, confirmation_token=token)
        assert gone == {"deleted": True, "id": product_id, "name": "Pocket lantern"}
        assert session.changes == [{"id": await only_change(session), "approved_by": "confirmation_token"}]
        assert session.writes() == [f"DELETE /products/{product_id}"]


async def test_with_confirmation_off_a_deletion_runs_unasked() -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        gone = await session.call("delete_product", product_id=product_id)
        assert gone == {"deleted": True, "id": product_id, "name": "Pocket lantern"}
        assert session.changes == [{"id": await only_change(session), "approved_by": "confirmation_off"}]


async def test_deleting_what_is_not_there_asks_nobody() -> None:
    async with shop_session(yes) as session:
        said = await session.refused("delete_product", product_id="000000000000000000000000")
        assert "There is no such product in this location" in said
        assert "Nothing was changed." in said
        assert session.questions == []
        assert session.writes() == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_sale_while_the_question_is_open_makes_the_person_be_asked_anew(era: Era) -> None:
    sessions: list[ShopSession] = []

    def meddle(asked: str) -> Any:
        if "35 in stock" in asked:
            price_id = shelves.price(sessions[0], "Pocket lantern", "Iron")["_id"]
            shelves.change_price(sessions[0], price_id, availableQuantity=3)
            return yes(asked)
        return no(asked)

    async with shop_session(meddle, era=era) as session:
        sessions.append(session)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        said = await session.refused("delete_product", product_id=product_id)
        assert said == question.DECLINED
        _, second = session.questions
        front, changed, _, action = second.splitlines()[:4]
        assert front.startswith("The shop changed ")
        assert "Iron" in changed
        assert changed.endswith("available_quantity: was 35, is 3 now")
        assert action == f"Delete the product “Pocket lantern” (id {product_id})"
        assert "• Iron: 27.50 USD, 3 in stock" in second.splitlines()
        assert session.writes() == []


async def test_a_product_that_is_still_there_after_its_deletion_is_not_called_deleted() -> None:
    kept = ignores("DELETE /products/.*", {"status": True})
    async with shop_session(yes, between=kept) as session:
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        gone = await session.call("delete_product", product_id=product_id)
        assert gone == {
            "notes": [
                "The API accepted the deletion, but it is still there when read. Look again in a while."
            ],
            "deleted": False,
            "id": product_id,
            "name": "Pocket lantern",
        }


async def test_a_deletion_that_cannot_be_looked_at_is_the_apis_word() -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        product_id = shelves.product(session, "Pocket lantern")["_id"]

        def fail() -> None:
            session.sandbox.faults.add("server_error", "GET /products/{productId}")

        shelves.just_before(session, f"DELETE /products/{product_id}", fail)
        gone = await session.call("delete_product", product_id=product_id)
        assert gone["deleted"] is True
        (note,) = gone["notes"]
        assert note.startswith("The API accepted the change; reading it back failed, so it was not checked.")


async def test_reviews_that_cannot_be_counted_are_said_to_go_all_the_same() -> None:
    async with shop_session(no) as session:
        session.sandbox.faults.add("scope_missing", "GET /products/reviews", count=None)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        await session.refused("delete_product", product_id=product_id)
        assert (
            "Its reviews could not be counted; they go with it and cannot come back." in session.questions[0]
        )


async def test_a_store_that_does_not_tell_what_it_shows_is_no_obstacle_and_is_said() -> None:
    async with shop_session(no) as session:
        session.sandbox.faults.add("server_error", "GET /products/", count=None)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        await session.refused("delete_product", product_id=product_id)
        assert (
            "Which stores show it could not be read, so undo does not bring that back."
            in session.questions[0]
        )
