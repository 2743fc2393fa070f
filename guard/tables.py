"""The tables of the store, and what is hashed of an event.

Every name starts with `guard_`: a PostgreSQL may hold other things too. A change here needs a script in
`migrations/versions/`, and its number in `VERSIONS`.
"""

import hashlib
import json

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSIONS = ("0001", "0002", "0003", "0004", "0005")
"""All that the structure of the store was, oldest first. Known without the scripts, which are slow to read."""
VERSION_TABLE = "guard_version"

HEAD = "head"
ANCHOR = "anchor"
START = "0" * 64
"""What stands for the event before the first."""

metadata = MetaData()

keys = Table(
    "guard_keys",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("key", LargeBinary(32), nullable=False),
    Column("created", Double, nullable=False),
)

plans = Table(
    "guard_plans",
    metadata,
    # Two plans of one instant still have an order.
    Column("number", Integer, primary_key=True),
    Column("id", String(40), nullable=False),
    Column("tool", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("payload_digest", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("status", String(16), nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Double),
    UniqueConstraint("id", name="guard_plans_id"),
    Index("guard_plans_status", "status", "expires"),
)

chain = Table(
    "guard_chain",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("time", Double, nullable=False),
)
"""Two rows: the last event (`head`, locked by whoever appends), and the last one pruned (`anchor`)."""

events = Table(
    "guard_events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("change_id", String(40), nullable=False),
    Column("event", String(16), nullable=False),
    Column("time", Double, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("guard_events_change", "change_id"),
)

changes = Table(
    "guard_changes",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("time", Double, nullable=False),
    Column("last_time", Double, nullable=False),
    Column("location", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("destructive", Boolean, nullable=False),
    Column("process", String(40), nullable=False),
    Column("undoes", String(40)),
    Column("outcome", String(16)),
    Column("settled", Boolean, nullable=False),
    Index("guard_changes_location", "location", "seq"),
    Index("guard_changes_tool", "location", "tool", "seq"),
    Index("guard_changes_destructive", "location", "destructive", "time"),
    Index("guard_changes_outcome", "outcome"),
    Index("guard_changes_undoes", "undoes"),
)
"""What the events of each change come to, for finding them. Nothing is believed of it that the events do not say."""

logins = Table(
    "guard_logins",
    metadata,
    Column("name", Text, primary_key=True),
    Column("body", Text),
    Column("number", Integer, nullable=False),
    Column("holder", String(40)),
    Column("held_until", Double, nullable=False),
    Column("asked", Text, nullable=False),
)
"""The tokens of each login, and who is renewing them at the moment. As secret as the file or database itself."""

rates = Table(
    "guard_rates",
    metadata,
    Column("name", Text, primary_key=True),
    Column("body", Text, nullable=False),
)
"""What counts against each allowance of requests at the moment. It may be lost: the API tells it anew."""

notices = Table(
    "guard_notices",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event_id", String(64)),
    Column("process", String(40), nullable=False),
    Column("time", Double, nullable=False),
    Column("location", Text, nullable=False),
    Column("addresses", Text, nullable=False),
    UniqueConstraint("event_id", name="guard_notices_event"),
    Index("guard_notices_time", "time"),
)
"""What one process was told of a shop and the others have to know. `event_id` is a hash: an id may be long."""


def event_hash(*, previous: str, seq: int, change_id: str, event: str, time: float, body: str) -> str:
    """SHA-256, in hexadecimal, over an event and the hash of the one before it."""
    # A list in JSON has one reading only: no text can pass for the end of its field and the start of the next.
    whole = json.dumps([previous, seq, change_id, event, time, body], separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()
