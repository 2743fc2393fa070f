import json

import pytest
import shelves
from calls_to_make import ALL, READS, WRITES
from shop_session import shop_session, text_of, yes

pytestmark = pytest.mark.anyio

UNKNOWN = "It is not known whether the change was made."
NOTHING = "Nothing was changed."
# These tell what became of each product in a result of their own, the unknown included.
TELLING = "bulk_edit_products"


@pytest.mark.parametrize("tool", ALL)
async def test_every_call_succeeds_and_says_the_same_in_text_and_structure(tool: str) -> None:
    async with shop_session(yes) as session:
        result = await session.result(tool, **ALL[tool](session))
        assert not result.is_error, text_of(result)
        assert json.loads(text_of(result)) == result.structured_content
        if tool in WRITES:
            method, _, path = WRITES[tool][0].partition(" ")
            (written,) = [received for received in session.sandbox.requests if received.method != "GET"]
            assert written.method == method
            assert written.path.count("/") == path.count("/")
        else:
            assert session.writes() == []
        assert session.sandbox.violations == []


@pytest.mark.parametrize("tool", ALL)
async def test_a_rate_limit_is_waited_out_and_a_write_is_done_once(tool: str) -> None:
    async with shop_session(yes) as session:
        arguments = ALL[tool](session)
        # Limits so wide that only the planned fault refuses, in a window so short that nobody waits.
        session.sandbox.rate.limit, session.sandbox.rate.interval_seconds = 1000, 0.001
        route = WRITES[tool][0] if tool in WRITES else "*"
        session.sandbox.faults.add("rate_limited", route)
        result = await session.result(tool, **arguments)
        assert not result.is_error, text_of(result)
        answered = [received.status for received in session.sandbox.requests]
        assert answered.count(429) == 1
        done = [
            received
            for received in session.sandbox.requests
            if received.method != "GET" and received.status != 429
        ]
        assert len(done) == (1 if tool in WRITES else 0)


@pytest.mark.parametrize("tool", READS)
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("server_error", "The API failed on GET /products"),
        ("drop_before", "The connection broke after GET /products"),
        ("drop_after", "The connection broke after GET /products"),
        ("html", "The API failed on GET /products"),
        ("truncated", "with something that is not JSON"),
        ("scope_missing", "The access token lacks the scope for GET /products"),
    ],
)
async def test_a_failed_reading_says_why_and_nothing_of_changes(tool: str, fault: str, said: str) -> None:
    async with shop_session() as session:
        arguments = READS[tool](session)
        session.sandbox.faults.add(fault, count=None)
        refused = await session.refused(tool, **arguments)
        assert said in refused
        assert "changed" not in refused
        assert "<html" not in refused.lower()
        assert len(session.sent()) == 1


@pytest.mark.parametrize("tool", READS)
async def test_a_reading_that_takes_too_long_says_so(tool: str) -> None:
    async with shop_session() as session:
        arguments = READS[tool](session)
        session.sandbox.faults.add("latency", seconds=60)
        assert "was not answered within 30 seconds" in await session.refused(tool, **arguments)


@pytest.mark.parametrize("tool", [tool for tool in WRITES if tool != TELLING])
@pytest.mark.parametrize(
    "fault", ["drop_after", "drop_before", "html", "truncated", "server_error", "timeout"]
)
async def test_a_write_whose_answer_is_lost_is_neither_called_done_nor_undone(tool: str, fault: str) -> None:
    async with shop_session(yes) as session:
        route, make = WRITES[tool]
        arguments = make(session)
        if fault == "timeout":
            session.sandbox.faults.add("latency", route, seconds=60)
        else:
            session.sandbox.faults.add(fault, route)
        said = await session.refused(tool, **arguments)
        assert UNKNOWN in said
        assert "Read the present state before doing it again." in said
        assert NOTHING not in said
        assert len(session.writes()) == 1


@pytest.mark.parametrize("tool", [tool for tool in WRITES if tool != TELLING])
async def test_a_write_that_was_dropped_after_its_effect_had_its_effect_once(tool: str) -> None:
    async with shop_session(yes) as session, shop_session(yes) as spared:
        route, make = WRITES[tool]
        session.sandbox.faults.add("drop_after", route)
        await session.refused(tool, **make(session))
        await spared.call(tool, **make(spared))
        assert shelves.timeless(session) == shelves.timeless(spared)


@pytest.mark.parametrize(
    ("tool", "fault"),
    [
        (tool, fault)
        for tool in WRITES
        for fault in ("scope_missing", "route_missing")
        # Without its route the bulk change of stock goes another way.
        if (tool, fault) != ("bulk_update_inventory", "route_missing")
    ],
)
async def test_a_refused_write_says_that_nothing_was_changed(tool: str, fault: str) -> None:
    async with shop_session(yes) as session:
        route, make = WRITES[tool]
        arguments = make(session)
        still = shelves.untouched(session)
        session.sandbox.faults.add(fault, route)
        said = await session.refused(tool, **arguments)
        assert NOTHING in said
        assert UNKNOWN not in said
        assert still()


@pytest.mark.parametrize(
    "tool", [tool for tool in WRITES if tool not in {"create_product", "create_price", "update_inventory"}]
)
async def test_a_reading_that_fails_before_the_write_says_that_nothing_was_changed(tool: str) -> None:
    async with shop_session(yes) as session:
        arguments = WRITES[tool][1](session)
        still = shelves.untouched(session)
        session.sandbox.faults.add("server_error")
        said = await session.refused(tool, **arguments)
        assert NOTHING in said
        assert UNKNOWN not in said
        assert session.questions == []
        assert session.writes() == []
        assert still()


@pytest.mark.parametrize(("tool", "changed"), [("update_product", "name"), ("update_price", "amount")])
async def test_an_update_that_cannot_be_read_back_shows_the_updates_own_answer(
    tool: str, changed: str
) -> None:
    async with shop_session() as session:
        arguments = WRITES[tool][1](session)
        session.sandbox.faults.add("server_error", WRITES[tool][0].replace("PUT", "GET"), skip=1, count=None)
        done = await session.call(tool, **arguments)
        assert done["notes"] == [
            "The API accepted the update; reading it back failed, so it was not checked: this shows what the "
            "update itself answered."
        ]
        assert [change["field"] for change in done["changed"]] == [changed]


@pytest.mark.parametrize("tool", ["bulk_change_prices", "bulk_set_availability", "bulk_delete_products"])
async def test_a_bulk_change_that_cannot_be_read_back_is_no_success(tool: str) -> None:
    async with shop_session(settings={"confirmation": "off"}) as session:
        arguments = WRITES[tool][1](session)
        product_id = shelves.product(session, "Pocket lantern")["_id"]
        reading = "GET /products/{productId}/price" if tool == "bulk_change_prices" else "GET /products/"
        session.sandbox.faults.add("server_error", reading, skip=1, count=None)
        done = await session.call(tool, **arguments)
        assert done["done"] is False
        (note,) = done["notes"]
        assert note.startswith("The API accepted the change; reading it back failed, so it was not checked.")
        assert NOTHING not in note
        assert product_id not in note
