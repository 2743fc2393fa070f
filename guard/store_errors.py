"""What can go wrong with the store, in words: StoreError, and what it says of the trouble of a driver or a file.

StoreError
`-- ConcludedError     the outcome of a change cannot be written down any more
"""

import errno
from collections.abc import Generator
from contextlib import contextmanager

import filelock
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree


class StoreError(Exception):
    """The store cannot be used. The text says why and what to do, without an address or a password."""


class ConcludedError(StoreError):
    """What became of a change cannot be written down any more: that is known already, or there is no such change."""


_BUSY = (
    "The store is busy: another process held it for longer than this one waits. Try again; if it stays so, look "
    "for a process that hangs."
)
_FULL = "The disk that the store is on is full, so nothing was written to it. Make room and try again."
_READ_ONLY = (
    "The store cannot be written: its file, its folder, its disk or its server is read-only for this user. Give "
    "this user the right to write, or choose another place for the store."
)
_NOT_OURS = (
    "The store's file belongs to another user, so its rights cannot be limited to this one. Run the program as "
    "that user, or choose another place for the store."
)
_UNREADABLE = (
    "The store cannot be opened: its file or folder is missing, is of the wrong kind, or is closed to this user. "
    "Check the place and its rights, or choose another one."
)
_DAMAGED = (
    "The store's file is damaged or is no store at all. Put a copy from a backup in its place, or move it away and "
    "a new one will be made; what was in it is then unknown to this program."
)
_NO_SERVER = (
    "The database server of the store cannot be reached, or it ended the connection. Check that it runs, its "
    "address and the network, and try again."
)
_NOT_LET_IN = (
    "The database server refused the store's user, password or database name. Check them in the address."
)
_NO_RIGHT = (
    "The store's database user lacks a right. It needs to make tables at the first start, and to read and write "
    "them later."
)
_FULL_HOUSE = (
    "The database server has no connection free for the store. Raise its limit, or start fewer servers."
)

_OF_SQLITE = (
    ("is full", _FULL),
    ("readonly", _READ_ONLY),
    ("locked", _BUSY),
    ("not a database", _DAMAGED),
    ("malformed", _DAMAGED),
    ("unable to open", _UNREADABLE),
)
_OF_POSTGRESQL = (
    ("53100", _FULL),
    ("53300", _FULL_HOUSE),
    ("25006", _READ_ONLY),
    ("55P03", _BUSY),
    ("40", _BUSY),
    ("42501", _NO_RIGHT),
    ("28", _NOT_LET_IN),
    ("3D000", _NOT_LET_IN),
    ("57P", _NO_SERVER),
    ("08", _NO_SERVER),
)
"""SQLSTATE codes, or how their class begins."""
_OF_FILES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _NOT_OURS,
    errno.ENOENT: _UNREADABLE,
    errno.ENOTDIR: _UNREADABLE,
    errno.EISDIR: _UNREADABLE,
    errno.EEXIST: _UNREADABLE,
    errno.ENXIO: _UNREADABLE,
}


@contextmanager
def in_words() -> Generator[None]:
    """Turn whatever a driver or the file system raises inside into a StoreError."""
    # Nothing is chained: the messages of drivers hold addresses, user names and paths.
    try:
        yield
    except filelock.Timeout:
        told = _BUSY
    except SQLAlchemyError as error:
        told = _database_trouble(error)
    except OSError as error:
        told = _file_trouble(error)
    else:
        return
    raise StoreError(told) from None


def _database_trouble(error: SQLAlchemyError) -> str:
    if isinstance(error, NoConnectionFree):
        return _BUSY
    cause = error.orig if isinstance(error, DBAPIError) else None
    if cause is None:
        return _unexpected(type(error).__name__)
    if type(cause).__module__.startswith("psycopg"):
        state: str | None = getattr(cause, "sqlstate", None)
        if state is None:
            return _before_a_session(error, cause)
        known = (told for start, told in _OF_POSTGRESQL if state.startswith(start))
        return next(known, _unexpected(state))
    known = (told for part, told in _OF_SQLITE if part in str(cause))
    return next(known, _unexpected(getattr(cause, "sqlite_errorname", type(cause).__name__)))


def _before_a_session(error: SQLAlchemyError, cause: BaseException) -> str:
    """What the driver means where the server gave no code: it tells of failed connections in a text only."""
    if not isinstance(error, OperationalError):
        return _unexpected(type(cause).__name__)
    said = str(cause)
    if "authentication failed" in said or "does not exist" in said or "no password" in said:
        return _NOT_LET_IN
    return _FULL_HOUSE if "too many" in said or "connection slots" in said else _NO_SERVER


def _file_trouble(error: OSError) -> str:
    return _OF_FILES.get(error.errno or 0) or _unexpected(type(error).__name__)


def _unexpected(what: str) -> str:
    return f"The store failed in an unexpected way ({what})."
