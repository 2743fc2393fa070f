"""The keys that seal what goes through a client's hands: made on first use, and kept in the store."""

import secrets

from sqlalchemy import insert, select

from .database import Database
from .tables import HEAD, chain, keys

KEY_BYTES = 32


def sealing_keys(database: Database) -> list[bytes]:
    """Keys of 32 bytes each, the newest first: seal with the first, open with any.

    Every process that shares the store gets the same.

    Raises:
        StoreError: the store cannot be read or written.
    """
    newest_first = select(keys.c.key).order_by(keys.c.number.desc())
    with database.reading() as connection:
        found = list(connection.execute(newest_first).scalars())
    if found:
        return found
    with database.transaction() as connection:
        # Any row that is always there would do: of two processes that start at once, the second waits here.
        connection.execute(select(chain.c.seq).where(chain.c.name == HEAD).with_for_update())
        found = list(connection.execute(newest_first).scalars())
        if not found:
            found = [secrets.token_bytes(KEY_BYTES)]
            connection.execute(insert(keys).values(key=found[0], created=database.clock()))
    return found
