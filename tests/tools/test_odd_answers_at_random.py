"""Whatever the API answers, a call ends in a result or in words, and says of a write only what is so.

Answers are changed at random: values of other types, missing and huge ones, other statuses, bytes that are no JSON.
"""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest
from calls_to_make import READS
from every_write import CALLS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from other_api import Carry
from shop_session import ShopSession, shop_session, text_of, yes
from undo_shop import shelves_alike

from hoopai_products_mcp.sandbox.identity import ONLINE_STORE_ID, TOKEN

pytestmark = pytest.mark.anyio

ALL: dict[str, Callable[[ShopSession], dict[str, Any]]] = {
    **READS,
    "list_collections": lambda _: {},
    "list_reviews": lambda _: {},
    "count_reviews": lambda _: {},
    "get_store_stats": lambda _: {"store_id": ONLINE_STORE_ID},
    "audit_catalog": lambda _: {},
    "low_stock": lambda _: {},
    "list_changes": lambda _: {},
    **CALLS,
}
NOT_OURS = (
    "Traceback",
    "pydantic",
    "validation error",
    "has no attribute",
    "KeyError",
    "a fault in this server",
)
"""What no answer of the API may bring a call to say."""
DEEP = 200

ODD: list[Any] = [
    None, True, -1, 0, 10**30, 1.5e300, "", "x" * 20_000, "\u202e\u0000\ud7ff", [], {}, [[]], [None], {"_id": None},
    "NaN", "2026-13-45T99:99:99Z", {"$gt": ""}, "../../x",
]  # fmt: skip
RAW = [
    b"", b"null", b"[]", b"{", b'"text"', b"NaN", b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"1e999", b"<html>no</html>",
    b'{"a":' * DEEP + b"1" + b"}" * DEEP, b'{"products": 7, "total": "many"}', b"[" * 100_000,
]  # fmt: skip


@dataclass(frozen=True)
class Oddity:
    """What becomes of one answer: another status, other bytes, or other values at places in its JSON."""

    status: int | None = None
    raw: bytes | None = None
    kind: str | None = None
    places: tuple[tuple[int, Any], ...] = ()

    @property
    def refuses(self) -> bool:
        """Whether it says that the request was wrong."""
        return self.status is not None and 400 <= self.status < 500

    def of(self, response: httpx.Response, body: bytes) -> httpx.Response:
        """The answer as it arrives."""
        status = self.status or response.status_code
        content = self.raw if self.raw is not None else self._changed(body)
        return httpx.Response(
            status, content=content, headers={"content-type": self.kind or "application/json"}
        )

    def _changed(self, body: bytes) -> bytes:
        try:
            whole = json.loads(body)
        except ValueError:
            return body
        for number, value in self.places:
            found = list(places_in(whole))
            if found:
                holder, key = found[number % len(found)]
                if value is GONE:
                    del holder[key]
                else:
                    holder[key] = deepcopy(value)
        return json.dumps(whole).encode()


GONE = object()


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """All places of a JSON value, as what holds it and the key."""
    if isinstance(value, dict):
        pairs = list(cast("dict[str, Any]", value).items())
    elif isinstance(value, list):
        pairs = list(enumerate(cast("list[Any]", value)))
    else:
        return
    for key, inner in pairs:
        yield value, key
        yield from places_in(inner)


STATUSES = st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 409, 418, 422, 500, 502, 599])
CHANGES = st.tuples(st.integers(0, 400), st.sampled_from([GONE, *ODD]))
ODDITIES = st.one_of(
    st.builds(Oddity, places=st.lists(CHANGES, min_size=1, max_size=4).map(tuple)),
    st.builds(
        Oddity,
        status=st.none() | STATUSES,
        raw=st.sampled_from(RAW),
        kind=st.sampled_from(
            [None, "text/html", "text/plain; charset=utf-16", "application/json; charset=nonsense"]
        ),
    ),
    st.builds(Oddity, status=STATUSES, places=st.lists(CHANGES, max_size=2).map(tuple)),
)


@dataclass
class OddApi:
    """An API whose answers are odd in their turn; `writes_only` leaves those of reads alone."""

    turns: list[Oddity | None]
    writes_only: bool = False

    async def __call__(self, request: httpx.Request, carry: Carry) -> httpx.Response:
        if not self.turns or (self.writes_only and request.method == "GET"):
            return await carry(request)
        oddity = self.turns.pop(0)
        if oddity is not None and oddity.refuses and request.method != "GET":
            # An API that refuses a write and does it all the same is nothing that anybody could work with.
            return oddity.of(
                httpx.Response(400), json.dumps({"statusCode": 400, "message": ["odd"]}).encode()
            )
        response = await carry(request)
        return response if oddity is None else oddity.of(response, await response.aread())


def in_words(text: str) -> None:
    assert text.strip()
    assert [word for word in NOT_OURS if word in text] == []
    assert TOKEN not in text


@settings(max_examples=150)
@given(tool=st.sampled_from(sorted(ALL)), turns=st.lists(st.none() | ODDITIES, min_size=1, max_size=8))
async def test_whatever_is_answered_a_call_ends_in_a_result_or_in_words(
    tool: str, turns: list[Oddity | None]
) -> None:
    async with shop_session(yes, between=OddApi(turns)) as session:
        arguments = ALL[tool](session)
        result = await session.result(tool, **arguments)
        in_words(text_of(result))
        assert len(session.writes()) <= 1
        assert all(map(str.isprintable, text_of(result).split("\n")))


@settings(max_examples=100)
@given(tool=st.sampled_from(sorted(CALLS)), oddity=ODDITIES)
@example(tool="create_product", oddity=Oddity(raw=b"[" * 100_000))
async def test_however_a_write_is_answered_what_is_said_of_it_is_so(tool: str, oddity: Oddity) -> None:
    async with shop_session(yes, between=OddApi([oddity], writes_only=True)) as session:
        before = session.dump()
        result = await session.result(tool, **CALLS[tool](session))
        text = text_of(result)
        in_words(text)
        changed = shelves_alike(before, session.dump()) != {}
        items = (await session.call("list_changes", limit=1))["items"]
        assert len(session.writes()) <= 1
        if result.is_error and "Nothing was changed." in text:
            # Where the shop does not show whether it was done, it may not be called undone.
            assert not changed
        if items:
            (entry,) = items
            assert entry["outcome"] != "under_way"
            assert not (entry["outcome"] == "not_done" and changed)
            if not result.is_error and changed:
                assert entry["outcome"] == "done"
