"""The tokens of OAuth logins, kept so that one process at a time renews them and none uses a pair that is spent."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from ..products_api.exact_json import decode, encode
from .database import Database
from .tables import HEAD, chain, logins

MINUTE = 60.0


@dataclass(frozen=True)
class Login:
    """A login as it is kept. `number` counts its renewals."""

    body: dict[str, Any]
    number: int


class Logins:
    """The logins of one store, each under a name. Every method raises `StoreError` when the store does not work."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def find(self, name: str) -> Login | None:
        """The login of that name."""
        with self._database.reading() as connection:
            row = connection.execute(select(logins).where(logins.c.name == name)).first()
        if row is None or row.body is None:
            return None
        return Login(cast("dict[str, Any]", decode(row.body.encode())), row.number)

    def keep(self, name: str, body: dict[str, Any]) -> int:
        """Keep a login, in place of a former one; its number."""
        with self._database.transaction() as connection:
            row = _made(connection, name)
            number = row.number + 1
            values = {"body": encode(body).decode(), "number": number}
            connection.execute(update(logins).where(logins.c.name == name).values(values))
            return number

    def replace(self, name: str, former: Login | None, body: dict[str, Any]) -> bool:
        """Keep a login in place of that one, None for none; False where another is there by now, which stays."""
        with self._database.transaction() as connection:
            row = _made(connection, name)
            there = None if row.body is None else decode(row.body.encode())
            if there != (None if former is None else former.body):
                return False
            values = {"body": encode(body).decode(), "number": row.number + 1}
            connection.execute(update(logins).where(logins.c.name == name).values(values))
            return True

    def forget_got_with(self, name: str) -> None:
        """Forget the tokens of locations that were got with the login of that name."""
        with self._database.transaction() as connection:
            names = connection.execute(select(logins.c.name)).scalars().all()
            # Their names are that of the login and the location, which has no space; another login's name may
            # begin so too.
            head = f"{name} "
            got = [each for each in names if each.startswith(head) and " " not in each.removeprefix(head)]
            connection.execute(delete(logins).where(logins.c.name.in_(got)))

    def forget(self, name: str) -> bool:
        """Forget a login; whether there was one."""
        with self._database.transaction() as connection:
            row = _row(connection, name)
            connection.execute(delete(logins).where(logins.c.name == name))
            return row is not None and row.body is not None

    def claim(self, name: str, holder: str, seconds: float) -> bool:
        """Take the turn to renew a login for so long; False while somebody else has it."""
        now = self._clock()
        free = or_(logins.c.holder.is_(None), logins.c.holder == holder, logins.c.held_until <= now)
        with self._database.transaction() as connection:
            _made(connection, name)
            claimed = update(logins).where(logins.c.name == name, free)
            return connection.execute(claimed.values(holder=holder, held_until=now + seconds)).rowcount == 1

    def release(self, name: str, holder: str) -> None:
        """Give the turn up."""
        with self._database.transaction() as connection:
            mine = update(logins).where(logins.c.name == name, logins.c.holder == holder)
            connection.execute(mine.values(holder=None, held_until=0.0))

    def may_ask(self, name: str, *, most: int) -> float:
        """Count one more request for a token; 0, or in how many seconds there is room for it within a minute."""
        now = self._clock()
        with self._database.transaction() as connection:
            row = _made(connection, name)
            times = cast("list[Any]", decode(row.asked.encode()))
            recent = [float(moment) for moment in times if float(moment) > now - MINUTE]
            if len(recent) >= most:
                return recent[-most] + MINUTE - now
            values = {"asked": encode([*recent, now]).decode()}
            connection.execute(update(logins).where(logins.c.name == name).values(values))
            return 0.0


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(logins).where(logins.c.name == name).with_for_update()).first()


def _made(connection: Connection, name: str) -> Row[Any]:
    """The row of a name, made if it is not there; locked."""
    row = _row(connection, name)
    if row is not None:
        return row
    # Any row that is always there would do: of two processes that make the same one, the second waits here.
    connection.execute(select(chain.c.seq).where(chain.c.name == HEAD).with_for_update())
    row = _row(connection, name)
    if row is None:
        empty = {"name": name, "number": 0, "held_until": 0.0, "asked": "[]"}
        connection.execute(insert(logins).values(empty))
        row = _row(connection, name)
    if row is None:
        raise RuntimeError("a row that was just made is not there")
    return row
