from typing import Any

import pytest
import shelves
from odd_api import ignores
from shop_session import ERAS, Era, ShopSession, closed, no, shop_session, unticked, yes

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("era", ERAS)
async def test_deleting_asks_with_all_that_goes_and_deletes_by_id_after_a_yes(era: Era) -> None:
    async with shop_session(yes, era=era) as session:
        doc = shelves.product(session, "Pocket lantern")
        gone = await session.call("delete_product", product_id="pocket-lantern")
        assert gone == {"deleted": True, "id": doc["_id"], "name": "Pocket lantern"}
        (question,) = session.questions
        assert question.splitlines()[:6] == [
            f"Delete the product “Pocket lantern” (id {doc['_id']})",
            "• Brass: 24.50 USD, 40 in stock",
            "• Iron: 27.50 USD, 35 in stock",
            "Its 2 prices and their stock are expected to go with it. Collections and stores lose it.",
            "Its 2 reviews go with it and cannot come back.",
            "This cannot be undone: made again it has a new id, links to it and its reviews do not come back, and of "
            "the stores only those that its reviews name show it again.",
        ]
        assert session.writes() == [f"DELETE /products/{doc['_id']}"]
        assert doc["_id"] not in {item["_id"] for item in session.sandbox.dump()["products"]}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (no, "Not confirmed: the answer was no. Nothing was changed."),
        (unticked, "Not confirmed: the form came back without the tick. Nothing was changed."),
        (closed, "Not confirmed: the question was closed without an answer. Nothing was changed."),
    ],
)
async def test_anything_but_a_yes_deletes_nothing(era: Era, answer: Any, said: str) -> None:
    async with shop_session(answer, era=era) as session:
        still = shelves.untouched(session)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        assert (await session.refused("delete_product", product_id=product_id)).startswith(said)
        assert session.writes() == []
        assert still()


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_cannot_ask_is_told_what_would_go_and_nothing_goes(era: Era) -> None:
    async with shop_session(era=era) as session:
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        said = await session.refused("delete_product", product_id=product_id)
        assert "this client cannot ask" in said
        assert "Nothing was changed." in said
        assert "Iron: 27.50 USD, 35 in stock" in said
        assert session.writes() == []


async def test_with_confirmation_off_a_deletion_runs_unasked() -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        gone = await session.call("delete_product", product_id=product_id)
        assert gone == {"deleted": True, "id": product_id, "name": "Pocket lantern"}


async def test_deleting_what_is_not_there_asks_nobody() -> None:
    async with shop_session(yes) as session:
        said = await session.refused("delete_product", product_id="000000000000000000000000")
        assert "There is no such product in this location" in said
        assert "Nothing was changed." in said
        assert session.questions == []
        assert session.writes() == []


async def test_a_price_added_while_the_question_is_open_stops_the_older_clients_deletion() -> None:
    sessions: list[ShopSession] = []

    def meddle(_: str) -> Any:
        shelves.change_price(
            sessions[0], shelves.price(sessions[0], "Pocket lantern", "Iron")["_id"], availableQuantity=3
        )
        return yes("")

    async with shop_session(meddle, era="legacy") as session:
        sessions.append(session)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        said = await session.refused("delete_product", product_id=product_id)
        assert said.startswith("Not done: the shop changed while the question was open. Nothing was changed.")
        assert session.writes() == []


async def test_a_change_while_the_question_is_open_makes_a_newer_client_be_asked_again() -> None:
    sessions: list[ShopSession] = []

    def meddle(question: str) -> Any:
        if "35 in stock" in question:
            price_id = shelves.price(sessions[0], "Pocket lantern", "Iron")["_id"]
            shelves.change_price(sessions[0], price_id, availableQuantity=3)
            return yes(question)
        return no(question)

    async with shop_session(meddle, era="2026-07-28") as session:
        sessions.append(session)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        said = await session.refused("delete_product", product_id=product_id)
        assert said.startswith("Not confirmed: the answer was no. Nothing was changed.")
        assert len(session.questions) == 2
        assert "• Iron: 27.50 USD, 3 in stock" in session.questions[1]
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
