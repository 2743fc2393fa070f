"""Logs on standard error: as text, or as one JSON object on each line for machines that collect them."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

from . import request_ids
from .command_parser import PROGRAM

REQUESTS = "hoopai_products_mcp.requests"
"""The logger that has one line for each request over HTTP."""


class JsonLines(logging.Formatter):
    """One object a line: `time`, `level`, `logger`, `message`, what belongs to it, and `fault` for a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request_id := request_ids.current()) is not None:
            line["request_id"] = request_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["fault"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to_stderr(kind: Literal["text", "json"]) -> None:
    """Set logging up, before the SDK does it in tables as wide as a terminal."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=f"{PROGRAM}: %(message)s")
    if kind == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())
        logging.getLogger(REQUESTS).setLevel(logging.INFO)
