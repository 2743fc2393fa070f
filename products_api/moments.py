"""Moments as a person reads them."""

import math
from datetime import datetime


def local_time(moment: float) -> str:
    """A moment, in seconds since 1970, as local time with its offset: 2026-11-26T23:40:10+01:00, say; not before it."""
    return datetime.fromtimestamp(math.ceil(moment)).astimezone().isoformat()
