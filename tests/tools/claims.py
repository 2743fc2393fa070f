"""What the result of a write says became of it, for tests that hold that against the shop."""

import json
from typing import Any, Literal

from shop_session import ShopSession, text_of

Outcome = Literal["done", "not_done", "unknown"]


async def claimed(session: ShopSession, name: str, /, **arguments: Any) -> Outcome:
    """Make a call that a person agrees to; the one outcome that it claims, which the journal gives as well."""
    result = await session.result(name, **arguments)
    said = text_of(result)
    claims: dict[Outcome, bool] = {
        "done": not result.is_error and json.loads(said)["done"] is True,
        "not_done": "Nothing was changed." in said,
        "unknown": "It is not known whether anything was changed: " in said,
    }
    claimed_ones: list[Outcome] = [outcome for outcome, is_claimed in claims.items() if is_claimed]
    (claim,) = claimed_ones
    (change,) = (await session.call("list_changes"))["items"]
    assert change["outcome"] == claim
    return claim
