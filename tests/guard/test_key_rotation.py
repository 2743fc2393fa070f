"""Keys that seal are followed by new ones, and open what they have sealed for as long as that counts."""

from sqlalchemy import select
from still_clock import Clock

from hoopai_products_mcp.guard import tables
from hoopai_products_mcp.guard.database import Database
from hoopai_products_mcp.guard.keys import DAY, OPENS_SECONDS, SEALS_SECONDS, SealingKeys
from hoopai_products_mcp.guard.tokens import binding_digest, seal, unseal
from hoopai_products_mcp.server.states import LIFETIME_SECONDS

PLAN, DIGEST = "plan_abcdefghijkl", binding_digest("delete_product")


def kept(database: Database) -> int:
    with database.reading() as connection:
        return len(connection.execute(select(tables.keys.c.number)).all())


def test_a_key_opens_for_longer_than_anything_counts_that_it_has_sealed() -> None:
    # A process may seal with it for another ten minutes, and clocks differ.
    assert OPENS_SECONDS >= LIFETIME_SECONDS + 12 * 3600


def test_after_a_month_another_key_seals_and_the_former_still_opens(database: Database, clock: Clock) -> None:
    keys = SealingKeys(database)
    first = keys.known()
    assert len(first) == 1
    token = seal(first, PLAN, DIGEST)
    clock.now += SEALS_SECONDS - 1
    assert keys.known() == first
    clock.now += 1
    assert keys.known() == first
    clock.now += 600
    second = keys.known()
    assert second[1:] == first
    assert unseal(second, token) == (PLAN, DIGEST)
    assert unseal([second[0]], seal(second, PLAN, DIGEST)) == (PLAN, DIGEST)


def test_a_key_is_deleted_once_nothing_counts_that_it_has_sealed(database: Database, clock: Clock) -> None:
    keys = SealingKeys(database)
    (first,) = keys.known()
    clock.now += SEALS_SECONDS
    assert first in SealingKeys(database).known()
    clock.now += OPENS_SECONDS - 1
    assert first in SealingKeys(database).known()
    clock.now += 1
    (second,) = SealingKeys(database).known()
    assert second != first
    assert kept(database) == 1


def test_a_process_opens_what_another_has_sealed_with_a_newer_key(database: Database, clock: Clock) -> None:
    one = SealingKeys(database)
    former = one.known()
    clock.now += SEALS_SECONDS - 5
    assert one.known() == former
    clock.now += 10
    newer = SealingKeys(database).known()
    assert newer != former
    # This one has read them a moment ago and does not know; it looks again for what it cannot open.
    assert one.known() == former
    assert one.others() == newer
    assert one.known() == newer
    assert one.others() == ()


def test_nonsense_does_not_have_the_store_read_each_time(database: Database, clock: Clock) -> None:
    keys = SealingKeys(database)
    keys.known()
    clock.now += 2
    assert keys.others() == ()
    clock.now += SEALS_SECONDS
    keys.known()
    SealingKeys(database).known()
    assert keys.others() == ()


def test_processes_that_find_a_key_too_old_at_once_make_one_new_key(database: Database, clock: Clock) -> None:
    several = [SealingKeys(database) for _ in range(4)]
    for keys in several:
        keys.known()
    clock.now += SEALS_SECONDS + DAY
    assert len({keys.known() for keys in several}) == 1
    assert kept(database) == 2


def test_a_clock_that_is_set_back_makes_no_new_keys(database: Database, clock: Clock) -> None:
    keys = SealingKeys(database)
    first = keys.known()
    clock.now -= 400 * DAY
    assert keys.known() == first
    assert kept(database) == 1
