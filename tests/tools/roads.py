"""Each way in which a person agrees to a call, and calls that are made and taken back by it."""

from typing import Any

import pytest
from changes_to_make import Call
from shop_session import Era, ShopSession
from side_by_side import content_of

ROADS: tuple[tuple[Era, bool], ...] = (
    ("2026-07-28", True), ("legacy", True), ("2026-07-28", False), ("legacy", False),
)  # fmt: skip
"""Eras, and whether the client can ask a person; where it cannot, a token is needed."""
by_each_road = pytest.mark.parametrize(("era", "asks"), ROADS)


async def agreed(session: ShopSession, name: str, /, **arguments: Any) -> dict[str, Any]:
    """A call that a person agrees to, by whichever road there is; its content."""
    content = content_of(await session.result(name, **arguments))
    if content.get("status") != "confirmation_required":
        return content
    token = content["confirmation_token"]
    return content_of(await session.result(name, **arguments, confirmation_token=token))


async def made(session: ShopSession, call: Call) -> str:
    """Make a change; its id in the journal."""
    name, arguments = call
    change_id: str = (await agreed(session, name, **arguments))["change"]["id"]
    return change_id


async def undone(session: ShopSession, change_id: str, **options: Any) -> dict[str, Any]:
    """Take a change back as a whole; what is said of it."""
    content = await agreed(session, "undo_change", change_id=change_id, **options)
    assert content["done"] is True, content
    return content
