"""Whatever is tried in whatever order, the shop changes only on a yes to exactly that change, and once for each.

Calls, answers, replays, altered and swapped tokens and states, several servers on one store, restarts, crashes between
the yes and the deed, and others who change the shop, in random order, with the real client. `--hypothesis-profile` of
more examples searches longer.
"""

import shutil
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import anyio
import httpx
import shelves
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from mcp_types import CallToolResult, ElicitResult, InputRequiredResult, InputResponses
from other_api import Carry
from shop_session import Answer, Era, ShopSession, no, unticked, yes
from side_by_side import Arguments, opened, round_of, server_on
from starlette.applications import Starlette

from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.sandbox.app import create_app, sandbox_of
from hoopai_products_mcp.server.settings import STORE_FILE

T = TypeVar("T")
Call: TypeAlias = tuple[str, Arguments]
PRODUCTS = 4
SERVERS: dict[str, dict[str, Any]] = {
    # Neither can put a question to a person.
    "plain": {},
    "older": {"era": "legacy"},
    "rounds": {"answer": yes},
    "asking": {"answer": "as told", "era": "legacy"},
    "human": {"settings": {"confirmation": "human"}},
}


def _nothing(_: str) -> ElicitResult:
    return ElicitResult(action="accept")


NOBODY = cast("Any", multiple())  # pyright: ignore[reportUnknownMemberType]
"""Nothing was shown."""
ANSWERS: dict[str, Answer] = {"yes": yes, "no": no, "wrong": unticked, "nothing": _nothing}


@dataclass(eq=False)
class Asked:
    """A plan that was shown: its call, the shop it was made from, and what came with it.

    `certain` is False once anything else about the same call may have used it up.
    """

    call: Call
    shop: Any
    touched: dict[int, int]
    token: str = ""
    state: str = ""
    question: InputRequiredResult | None = None
    plan_id: str = ""
    used: bool = False
    certain: bool = True


@dataclass
class World:
    """The shop, the servers on it, and what stands between one of them and the shop."""

    portal: BlockingPortal
    app: Starlette
    folder: Path
    sessions: dict[str, tuple[ShopSession, AbstractContextManager[ShopSession]]] = field(
        default_factory=dict[str, tuple[ShopSession, AbstractContextManager[ShopSession]]]
    )
    number: int = 0
    mode: str = ""
    reached: anyio.Event | None = None
    answer: Answer = no

    async def between(self, request: httpx.Request, carry: Carry) -> httpx.Response:
        """The way to the shop, on which a process may die before a write has gone out."""
        if request.method != "GET" and self.mode:
            if self.mode == "hang":
                assert self.reached is not None
                self.reached.set()
                await anyio.sleep_forever()
            raise httpx.ConnectError("gone") if self.mode == "refuse" else RuntimeError("a fault")
        return await carry(request)

    @property
    def data_dir(self) -> Path:
        """Where the store of this example is."""
        return self.folder / str(self.number)

    def renew(self) -> None:
        """An empty store, and no server on it yet. Making one takes longer than copying it."""
        for name in list(self.sessions):
            self.stop(name)
        shutil.rmtree(self.data_dir, ignore_errors=True)
        self.mode = ""
        self.number += 1
        empty = self.folder / "empty"
        if not empty.exists():
            Database.open(f"sqlite:///{empty}/{STORE_FILE}").close()
        self.data_dir.mkdir()
        shutil.copy(empty / STORE_FILE, self.data_dir)

    def start(self, name: str) -> None:
        """Start a server, in place of the one that had its name."""
        self.stop(name)
        options = dict(SERVERS[name])
        chosen = {"data_dir": self.data_dir, "confirm_writes": "all", **options.pop("settings", {})}
        era: Era = options.get("era", "2026-07-28")
        answer: Answer | None = options.get("answer")
        if name == "asking":
            answer = self._as_told
        between = self.between if name == "plain" else None
        manager = self.portal.wrap_async_context_manager(
            server_on(self.app, answer, era=era, settings=chosen, between=between)
        )
        self.sessions[name] = (manager.__enter__(), manager)

    def stop(self, name: str) -> None:
        if name in self.sessions:
            _, manager = self.sessions.pop(name)
            manager.__exit__(None, None, None)

    def _as_told(self, question: str) -> Any:
        return self.answer(question)

    def session(self, name: str) -> ShopSession:
        if name not in self.sessions:
            self.start(name)
        return self.sessions[name][0]

    def run(self, work: Callable[..., Awaitable[T]], *given: Any, **named: Any) -> T:
        return self.portal.call(partial(work, *given, **named))


async def together(works: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Do all at once; what each of them gives."""
    results: list[Any] = []

    async def one(work: Callable[[], Awaitable[Any]]) -> None:
        results.append(await work())

    async with anyio.create_task_group() as tasks:
        for work in works:
            tasks.start_soon(one, work)
    return results


def altered(text: str, place: int) -> str:
    """The text with another character at a place in its second half."""
    at = len(text) // 2 + place % (len(text) // 2)
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


CALLS = st.tuples(
    st.sampled_from(["delete", "hide", "stock", "price", "collection"]),
    st.integers(0, PRODUCTS - 2),
    st.integers(5, 6),
)
MOSTLY_NOT = st.none() | st.none() | st.none()
TIMES = st.sampled_from([1, 1, 2, 3])


class Attack(RuleBasedStateMachine):
    """Everything that a model, a client and other people can do, in any order."""

    tokens: Bundle[Asked] = Bundle("tokens")
    rounds: Bundle[Asked] = Bundle("rounds")
    waiting: Bundle[Asked] = Bundle("waiting")
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = sandbox_of(self.world.app)
        self.sandbox.reset()
        self.world.renew()
        shop = self.sandbox.dump()
        self.products: list[str] = [product["_id"] for product in shop["products"]][:PRODUCTS]
        self.prices = {
            key: next(price["_id"] for price in shop["prices"] if price["product"] == key)
            for key in self.products
        }
        # How often others have changed each product.
        self.touched = dict.fromkeys(range(PRODUCTS), 0)
        self.all: list[Asked] = []
        self.approved: list[Asked] = []
        self.rejected: list[Call] = []
        self.deeds = 0
        self._own_writes()

    # What is called

    def _call(self, drawn: tuple[str, int, int]) -> tuple[Call, list[int]]:
        kind, first, number = drawn
        two = [self.products[first], self.products[first + 1]]
        both = [first, first + 1]
        match kind:
            case "delete":
                return ("delete_product", {"product_id": two[0]}), [first]
            case "hide":
                return ("bulk_set_availability", {"product_ids": two, "available_in_store": False}), both
            case "stock":
                items = [{"price_id": self.prices[key], "available_quantity": number} for key in two]
                return ("update_inventory", {"items": items}), both
            case "price":
                rule_ = {"type": "SET_NEW_PRICE", "value": number}
                return ("bulk_change_prices", {"product_ids": two, "price": rule_}), both
            case _:
                return ("create_collection", {"name": f"Lamps {first}"}), []

    # What happened

    def _own_writes(self) -> int:
        """How many writes arrived since the last look."""
        count = sum(not line.startswith("GET ") for line in self.sandbox.requests.lines())
        self.sandbox.requests.clear()
        return count

    def _journal(self) -> int:
        store = self.world.session("plain").store

        async def count() -> int:
            return (await store.use(lambda opened: opened.journal.list(location=None, limit=1)))[1]

        return self.world.run(count)

    def _tried(self, do: Callable[[], T], *, most: int, least: int = 0) -> T:
        """Do something that may write so often."""
        before = self.sandbox.dump()
        result = do()
        writes = self._own_writes()
        assert least <= writes <= most, (writes, least, most, result)
        if not writes:
            assert self.sandbox.dump() == before
        self.deeds += writes
        return result

    def _fresh(self, asked: Asked) -> bool:
        """Whether others left alone what the plan is about."""
        return all(self.touched[place] == times for place, times in asked.touched.items())

    def _surely(self, asked: Asked) -> bool:
        """Whether nothing at all has happened that could make the yes not count."""
        return (
            asked.certain and not asked.used and self._does(asked.call) and self.sandbox.dump() == asked.shop
        )

    def _does(self, call: Call) -> bool:
        """Whether there is anything to send."""
        return call[0] == "create_collection" or any(
            self._moves(call, place) for place in range(PRODUCTS) if self._names(call, place)
        )

    def _names(self, call: Call, place: int) -> bool:
        return any(key in str(call[1]) for key in (self.products[place], self.prices[self.products[place]]))

    def _moves(self, call: Call, place: int) -> bool:
        """Whether a call changes that product: what is as it was asked already is left alone."""
        shop, (name, arguments), key = self.sandbox.dump(), call, self.products[place]
        if name == "bulk_set_availability":
            return any(product["_id"] == key and product["availableInStore"] for product in shop["products"])
        if name == "bulk_change_prices":
            value = arguments["price"]["value"]
            return any(price["product"] == key and price["amount"] != value for price in shop["prices"])
        return True

    def _presented(self, asked: Asked) -> None:
        asked.used = True
        self._doubt(asked.call)

    def _doubt(self, call: Call) -> None:
        for other in self.all:
            if other.call == call:
                other.certain = False

    def _keep(self, call: Call, touched: list[int], **given: Any) -> Asked:
        about = {place: self.touched[place] for place in touched if self._moves(call, place)}
        kept = Asked(call, self.sandbox.dump(), about, **given)
        self.all.append(kept)
        return kept

    # What is done

    @rule(target=tokens, drawn=CALLS, server=st.sampled_from(["plain", "older"]))
    def ask_for_a_token(self, drawn: tuple[str, int, int], server: str) -> Any:
        (name, arguments), touched = self._call(drawn)
        session = self.world.session(server)
        result = self._tried(lambda: self.world.run(session.result, name, **arguments), most=0)
        if result.is_error:
            return NOBODY
        assert result.structured_content is not None
        token = result.structured_content["confirmation_token"]
        return self._keep((name, arguments), touched, token=token)

    @rule(target=rounds, drawn=CALLS)
    def ask_by_a_round(self, drawn: tuple[str, int, int]) -> Any:
        (name, arguments), touched = self._call(drawn)
        session = self.world.session("rounds")
        result = self._tried(lambda: self.world.run(round_of, session, name, arguments), most=0)
        if isinstance(result, CallToolResult):
            return NOBODY
        state, _ = opened(result)
        return self._keep((name, arguments), touched, state=state, question=result)

    @rule(target=waiting, drawn=CALLS, junk=st.sampled_from([None, "yes", "a token"]))
    def call_where_a_person_approves(self, drawn: tuple[str, int, int], junk: str | None) -> Any:
        call, touched = self._call(drawn)
        name, arguments = call
        if junk == "a token":
            junk = next((asked.token for asked in self.all if asked.call == call and asked.token), None)
        more = {"confirmation_token": junk} if junk else {}
        approval = next((asked for asked in reversed(self.approved) if asked.call == call), None)
        most = approval is not None and self._fresh(approval)
        least = approval is not None and self._does(call) and self.sandbox.dump() == approval.shop
        session = self.world.session("human")
        result = self._tried(
            lambda: self.world.run(session.result, name, **arguments, **more), most=most, least=least
        )
        content: dict[str, Any] = result.structured_content or {}
        waits = content.get("status") == "waiting_for_approval"
        if approval is not None and (waits or not result.is_error or least):
            self.approved.remove(approval)
        if not waits:
            return NOBODY
        plan_id = content["plan"]["id"]
        known = next((asked for asked in self.all if asked.plan_id == plan_id), None)
        return known or self._keep(call, touched, plan_id=plan_id)

    @rule(asked=waiting, approve=st.sampled_from([True, True, False]))
    def decide(self, asked: Asked, approve: bool) -> None:
        store, plan_id = self.world.session("human").store, asked.plan_id

        async def decided() -> bool:
            return await store.use(lambda opened: opened.ledger.decide(plan_id, approve=approve, by="ann"))

        done = self._tried(lambda: self.world.run(decided), most=0)
        assert done is not asked.used
        asked.used = True
        if done and approve:
            self.approved.append(asked)
            self.approved.sort(key=self.all.index)

    @rule(
        asked=tokens,
        times=TIMES,
        servers=st.permutations(["plain", "older"]),
        place=MOSTLY_NOT | st.integers(0, 100),
        instead=MOSTLY_NOT | CALLS,
    )
    def use_a_token(
        self,
        asked: Asked,
        times: int,
        servers: list[str],
        place: int | None,
        instead: tuple[str, int, int] | None,
    ) -> None:
        token = asked.token
        call = asked.call if instead is None else self._call(instead)[0]
        mine = place is None and call == asked.call
        given = token if place is None else altered(token, place)
        name, arguments = call
        works = [
            partial(
                self.world.session(servers[number % 2]).result, name, **arguments, confirmation_token=given
            )
            for number in range(times)
        ]
        most = mine and not asked.used and self._fresh(asked)
        least = mine and self._surely(asked)
        self._tried(lambda: self.world.run(together, works), most=most, least=least)
        if mine:
            self._presented(asked)

    @rule(asked=tokens, mode=st.sampled_from(["refuse", "fault", "hang"]))
    def crash_between_the_yes_and_the_deed(self, asked: Asked, mode: str) -> None:
        session = self.world.session("plain")
        name, arguments = asked.call

        async def crash() -> None:
            self.world.mode = mode
            ended = self.world.reached = anyio.Event()

            async def call() -> None:
                await session.result(name, **arguments, confirmation_token=asked.token)
                ended.set()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                await ended.wait()
                tasks.cancel_scope.cancel()
            self.world.mode = ""

        self._tried(lambda: self.world.run(crash), most=0)
        self._presented(asked)

    @rule(
        asked=rounds,
        answer=st.sampled_from(["yes", "yes", *ANSWERS]),
        times=TIMES,
        servers=st.permutations(["rounds", "plain"]),
        place=MOSTLY_NOT | st.integers(0, 100),
        instead=MOSTLY_NOT | CALLS,
    )
    def answer_a_round(
        self,
        asked: Asked,
        answer: str,
        times: int,
        servers: list[str],
        place: int | None,
        instead: tuple[str, int, int] | None,
    ) -> None:
        assert asked.question is not None
        call = asked.call if instead is None else self._call(instead)[0]
        mine = place is None and call == asked.call
        state = asked.state if place is None else altered(asked.state, place)
        responses: InputResponses = opened(asked.question, ANSWERS[answer])[1]
        works = [
            partial(round_of, self.world.session(servers[number % 2]), *call, state, responses)
            for number in range(times)
        ]
        agreed = mine and answer == "yes"
        most = agreed and not asked.used and self._fresh(asked)
        least = agreed and self._surely(asked)
        self._tried(lambda: self.world.run(together, works), most=most, least=least)
        if mine:
            self._presented(asked)

    @rule(drawn=CALLS, answer=st.sampled_from([*ANSWERS]), meddled=st.booleans())
    def ask_in_the_older_era(self, drawn: tuple[str, int, int], answer: str, meddled: bool) -> None:
        call, touched = self._call(drawn)
        about = [place for place in touched if self._moves(call, place)]
        questions: list[str] = []

        def answering(question: str) -> Any:
            questions.append(question)
            if len(questions) > 1:
                return no(question)
            if meddled:
                for place in about:
                    self._meddle(place)
            return ANSWERS[answer](question)

        self.world.answer = answering
        session = self.world.session("asking")
        before, does = self.sandbox.dump(), self._does(call)
        result: CallToolResult = self.world.run(session.result, call[0], **call[1])
        writes = self._own_writes()
        agreed = answer == "yes" and not (meddled and about)
        assert writes == (agreed and does and bool(questions)), result
        if not writes and not meddled:
            assert self.sandbox.dump() == before
        self.deeds += writes
        self._doubt(call)

    @rule(number=st.integers(0, 5))
    def somebody_else_changes_what_a_plan_is_about(self, number: int) -> None:
        for asked in self.all[::-1][number : number + 1]:
            for place in asked.touched:
                self._meddle(place)

    @rule(place=st.integers(0, PRODUCTS - 1))
    def somebody_else_changes_a_product(self, place: int) -> None:
        self._meddle(place)

    def _meddle(self, place: int) -> None:
        self.touched[place] += 1
        session = self.world.session(next(iter(self.world.sessions), "plain"))
        key, times = self.products[place], self.touched[place]
        if key in {product["_id"] for product in self.sandbox.dump()["products"]}:
            shelves.change_product(session, key, name=f"Changed {place} {times}")
            shelves.change_price(
                session, self.prices[key], name=f"Changed {place} {times}", availableQuantity=100 + times
            )

    @rule(server=st.sampled_from([*SERVERS]))
    def a_server_ends(self, server: str) -> None:
        if server in self.world.sessions:
            self.world.stop(server)

    @invariant()
    def no_write_without_an_entry_in_the_journal(self) -> None:
        assert self._own_writes() == 0

    def teardown(self) -> None:
        assert self._journal() >= self.deeds


SEARCH = settings(max_examples=settings().max_examples // 3, stateful_step_count=40)


def test_no_way_around_the_approval_is_found() -> None:
    with tempfile.TemporaryDirectory() as folder, start_blocking_portal() as portal:
        app = portal.call(partial(create_app, shop=PRODUCTS, rate_limit=0))
        Attack.world = World(portal, app, Path(folder))
        try:
            run_state_machine_as_test(Attack, settings=SEARCH)
        finally:
            for name in list(Attack.world.sessions):
                Attack.world.stop(name)
            portal.call(sandbox_of(app).close)
