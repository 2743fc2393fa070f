"""Completions: the shop's own names for whoever types, the best first, with few requests."""

import time

import pytest
import shelves
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, PromptReference, ResourceTemplateReference
from shop_session import ERAS, Era, ShopSession, shop_session

from hoopai_products_mcp.products_api.client import ProductsClient
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.sandbox.faults import Fault, FaultKind
from hoopai_products_mcp.sandbox.identity import LOCATION_ID, MARKET_STORE_ID, ONLINE_STORE_ID, TOKEN
from hoopai_products_mcp.sandbox.transport import SandboxTransport
from hoopai_products_mcp.server.names import READS, READS_SECONDS, Allowance, Name, ranked
from hoopai_products_mcp.server.shop_names import ShopNames

pytestmark = pytest.mark.anyio


async def for_prompt(
    session: ShopSession, prompt: str, argument: str, typed: str, chosen: dict[str, str] | None = None
) -> list[str]:
    """What an argument of a prompt completes to."""
    found = await session.client.complete(
        PromptReference(name=prompt), {"name": argument, "value": typed}, chosen
    )
    return found.completion.values


async def for_address(session: ShopSession, template: str, variable: str, typed: str) -> list[str]:
    """What a variable of an address completes to."""
    found = await session.client.complete(
        ResourceTemplateReference(uri=template), {"name": variable, "value": typed}
    )
    return found.completion.values


@pytest.mark.parametrize("era", ERAS)
async def test_a_part_of_a_name_completes_to_the_names_with_their_ids(era: Era) -> None:
    async with shop_session(era=era) as session:
        found = await for_prompt(session, "draft_product_description", "product", "lantern")
        shop = session.sandbox.dump()
    names = {f"{product['name']} ({product['_id']})" for product in shop["products"]}
    assert set(found) <= names
    # Whole words at the start come first, then words inside.
    assert [value.rpartition(" (")[0] for value in found[:2]] == [
        "Lantern patterns",
        "Lantern-making workshop",
    ]
    assert {value.rpartition(" (")[0] for value in found} >= {
        "Storm lantern",
        "Pocket lantern",
        "Old stock lantern",
    }


async def test_what_is_misspelled_still_finds_its_name() -> None:
    async with shop_session() as session:
        for typed, name in {
            "stom lantren": "Storm lantern",
            "HEATHER HONY": "Heather honey",
            "lights firefly": "Firefly string lights",
        }.items():
            found = await for_prompt(session, "draft_product_description", "product", typed)
            assert found[0] == f"{name} ({shelves.product(session, name)['_id']})"
        assert await for_prompt(session, "draft_product_description", "product", "qqqqqq") == []


async def test_a_completion_that_was_picked_is_what_the_prompt_takes() -> None:
    async with shop_session() as session:
        (picked,) = await for_prompt(session, "plan_sale", "collection", "honey")
        result = await session.client.get_prompt("plan_sale", {"collection": picked, "discount": "5 %"})
    assert len(result.messages) == 3


async def test_variables_of_an_address_complete_to_ids_alone() -> None:
    async with shop_session() as session:
        lantern = shelves.product(session, "Storm lantern")
        tea = shelves.collection(session, "tea-and-honey")
        review = session.sandbox.dump()["reviews"][7]
        assert await for_address(session, "hoopai://products/{product_id}", "product_id", "storm") == [
            lantern["_id"]
        ]
        assert await for_address(
            session, "hoopai://products/{product_id}/prices", "product_id", lantern["_id"][:10]
        ) == [lantern["_id"]]
        assert await for_address(session, "hoopai://collections/{collection_id}", "collection_id", "tea") == [
            tea["_id"]
        ]
        assert await for_address(session, "hoopai://reviews/{review_id}", "review_id", review["_id"]) == [
            review["_id"]
        ]
        assert set(await for_address(session, "hoopai://stores/{store_id}", "store_id", "")) == {
            ONLINE_STORE_ID,
            MARKET_STORE_ID,
        }
        assert await for_address(session, "hoopai://guides/{topic}", "topic", "seo") == ["seo_refresh"]
        assert await for_address(session, "hoopai://plans/{plan_id}", "plan_id", "a") == []
        report = "hoopai://reports/{report}{?product,collection,store,search,status,since,until,threshold,theme,idea}"
        assert await for_address(session, report, "report", "sel") == ["selection", "search_texts"]
        assert await for_address(session, report, "status", "p") == ["pending", "approved"]
        assert await for_address(session, report, "since", "2") == []


async def test_words_dates_and_statuses_complete_from_what_there_is() -> None:
    async with shop_session() as session:
        assert await for_prompt(session, "plan_sale", "discount", "2") == ["20 %", "25 %"]
        assert "warm" in await for_prompt(session, "draft_product_description", "tone", "")
        assert await for_prompt(session, "triage_reviews", "status", "pend") == ["pending"]
        days = await for_prompt(session, "plan_sale", "starts", "")
        assert days == sorted(days)
        assert len(days) == 5
        assert await for_prompt(session, "launch_product", "idea", "lamp") == []
        assert await for_prompt(session, "restock_report", "threshold", "1") == ["10"]


async def test_reviews_complete_for_the_product_that_is_chosen_already() -> None:
    async with shop_session() as session:
        shop = session.sandbox.dump()
        product = shop["reviews"][0]["productId"]
        every = await for_prompt(session, "reply_to_review", "review", "")
        found = await for_prompt(
            session, "reply_to_review", "review", "", {"product": f"Anything ({product})"}
        )
    ids = {review["_id"] for review in shop["reviews"] if review["productId"] == product}
    assert {value.rpartition("(")[2].rstrip(")") for value in found} == ids
    assert len(every) == 100


@pytest.mark.parametrize("era", ERAS)
async def test_at_most_a_hundred_are_given_and_whether_there_are_more(era: Era) -> None:
    async with shop_session(era=era, shop=250) as session:
        client = session.client
        found = await client.complete(
            PromptReference(name="draft_product_description"), {"name": "product", "value": "item"}
        )
        assert len(found.completion.values) == 100
        assert found.completion.total == 250
        assert found.completion.has_more is True
        one = await client.complete(
            PromptReference(name="draft_product_description"), {"name": "product", "value": "item 00007"}
        )
    assert one.completion.values[0].startswith("Item 00007 (")


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("ref", "name", "words"),
    [
        (
            PromptReference(name="plan_sales"),
            "search",
            "Unknown prompt: 'plan_sales'. Did you mean plan_sale?",
        ),
        (
            PromptReference(name="plan_sale"),
            "sarch",
            "plan_sale has no argument 'sarch'. It has: collection,",
        ),
        (ResourceTemplateReference(uri="hoopai://x/{id}"), "id", "Unknown template: 'hoopai://x/{id}'."),
        (
            ResourceTemplateReference(uri="hoopai://stores/{store_id}"),
            "id",
            "hoopai://stores/{store_id} has no argument 'id'. It has: store_id.",
        ),
    ],
)
async def test_what_does_not_exist_has_no_completions(
    era: Era, ref: PromptReference | ResourceTemplateReference, name: str, words: str
) -> None:
    async with shop_session(era=era) as session:
        with pytest.raises(MCPError) as caught:
            await session.client.complete(ref, {"name": name, "value": "a"})
        assert session.sent() == []
    assert caught.value.error.code == INVALID_PARAMS
    assert caught.value.error.message.startswith(words)


async def test_typing_on_asks_the_shop_no_more() -> None:
    async with shop_session() as session:
        for typed in ("", "s", "st", "sto", "storm"):
            assert await for_prompt(session, "draft_product_description", "product", typed)
        assert session.sent() == ["GET /products/"]


async def test_a_change_made_here_is_known_at_once() -> None:
    async with shop_session() as session:
        assert await for_prompt(session, "draft_product_description", "product", "Owl lantern") != []
        made = await session.call("create_product", name="Owl lantern", product_type="PHYSICAL")
        found = await for_prompt(session, "draft_product_description", "product", "Owl lantern")
    assert found[0] == f"Owl lantern ({made['id']})"


async def test_a_shop_that_cannot_be_read_completes_to_nothing() -> None:
    async with shop_session() as session:
        session.sandbox.faults.add(Fault(FaultKind.SERVER_ERROR, count=None))
        for argument in ("product", "store", "status"):
            assert await for_prompt(session, "triage_reviews", argument, "a") == []
        session.sandbox.faults.clear()
        assert await for_prompt(session, "triage_reviews", "product", "storm") != []


@pytest.mark.parametrize(("seconds", "seen"), [(60, False), (0, True)])
async def test_names_are_kept_for_as_long_as_is_set(seconds: int, *, seen: bool) -> None:
    async with shop_session(settings={"cache_seconds": seconds}) as session:
        before = await for_prompt(session, "draft_product_description", "product", "")
        lantern = shelves.product(session, "Storm lantern")
        shelves.change_product(session, lantern["_id"], name="Renamed elsewhere")
        after = await for_prompt(session, "draft_product_description", "product", "")
        assert any("Renamed elsewhere" in value for value in after) is seen
        assert (before != after) is seen


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_large_catalog_is_read_bit_by_bit_within_the_allowance() -> None:
    app, clock = create_app(shop=5000, rate_limit=0), Clock()
    sandbox = sandbox_of(app)
    api = ProductsClient(
        base_url="http://sandbox.invalid",
        token=TOKEN,
        location_id=LOCATION_ID,
        transport=SandboxTransport(app),
    )
    names = ShopNames(lambda: api, clock=clock)
    async with api:
        (first, total) = await names.products("item 00007")
        # Not among the pages read so far, but the API finds it by its name.
        assert first[0].name == "Item 00007"
        assert total is None
        for typed in ("i", "it", "ite", "item"):
            await names.products(typed)
        assert len(sandbox.requests.lines()) == READS
        found: list[Name] = []
        for _ in range(20):
            clock.now += READS_SECONDS
            before = len(sandbox.requests.lines())
            (found, total) = await names.products("itme 00007")
            assert len(sandbox.requests.lines()) - before <= READS
            if total is not None:
                break
        assert total is not None
        assert "Item 00007" in {name.name for name in found[:20]}
        started = time.perf_counter()
        await names.products("itme 0123")
        assert time.perf_counter() - started < 0.5
    sandbox.close()


def test_an_allowance_is_so_many_in_so_many_seconds() -> None:
    clock = Clock()
    allowance = Allowance(3, 10.0, clock=clock)
    assert [allowance.take() for _ in range(5)] == [True, True, True, False, False]
    clock.now += 9.9
    assert not allowance.take()
    clock.now += 0.2
    assert [allowance.take() for _ in range(5)] == [True, True, True, False, False]


NAMES = st.lists(st.text(min_size=1, max_size=12), max_size=20)


@given(NAMES, st.text(max_size=8))
def test_ranking_gives_each_name_once_and_a_whole_name_first(texts: list[str], typed: str) -> None:
    names = [Name(str(place), text) for place, text in enumerate(texts)]
    found = ranked(names, typed)
    assert len({name.id for name in found}) == len(found)
    wanted = " ".join(typed.casefold().split())
    whole = [name for name in names if name.name.casefold() == wanted]
    if wanted and whole:
        assert found[: len(whole)] == whole or found[0].id == wanted
    if not wanted:
        assert found == names
