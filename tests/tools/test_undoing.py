"""Every kind of change is done by its own tool and taken back; then the whole shop is as it was."""

import pytest
from changes_to_make import CHANGES, Change
from undo_shop import shelves_alike, undo_shop

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_and_its_undoing_leave_the_shop_as_it_was(change: Change) -> None:
    async with undo_shop() as shop:
        before = shop.dump()
        name, arguments = change(shop)
        done = await shop.do(name, **arguments)
        changed = shop.dump()
        assert changed != before
        result, undone = await shop.undo(done)
        assert result.complete, (result.error, result.differing)
        assert {outcome.became for outcome in result.outcomes} == {"done"}
        assert shelves_alike(before, shop.dump(), result.new_ids) == {}
        # An undoing is a change as well, and can be taken back.
        again, _ = await shop.undo(undone)
        assert again.complete, (again.error, again.differing)
        ids = {**{item.id: item.id for item in done.created}, **again.new_ids}
        follow = {key: again.new_ids.get(value, value) for key, value in result.new_ids.items()} | ids
        assert shelves_alike(changed, shop.dump(), follow) == {}
